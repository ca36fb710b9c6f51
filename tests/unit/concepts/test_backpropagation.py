"""The small layer that learns: its gradients against differences, its steps against formulas."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_lab.concepts.backpropagation.descent import (
    descend,
    learn_kernel,
    line_of_steps,
    stable_rate,
)
from cnn_lab.concepts.backpropagation.gradients import form_difference
from cnn_lab.concepts.backpropagation.layer import (
    ACTIVATIONS,
    Parameters,
    SmallLayer,
    SquaredError,
    WeightedSum,
)
from cnn_lab.concepts.backpropagation.nudge import (
    CENTRAL,
    LEAST_ERROR,
    ONE_SIDED,
    error_table,
    nudge,
    nudged_slopes,
)
from cnn_lab.concepts.backpropagation.softmax import softmax_cross_entropy
from cnn_lab.data.kernels import KERNELS
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.trace import bias_gradient_trace, input_gradient_trace, kernel_gradient_trace

SOBEL = KERNELS["sobel_columns"].values()
SETTINGS = [
    ConvolutionSettings(),
    ConvolutionSettings(strides=2, padding="same"),
    ConvolutionSettings(strides=(3, 2), padding="full"),
    ConvolutionSettings(dilation_rate=2, padding=((0, 1), (2, 0))),
]


def random_layer(settings=SETTINGS[0], activation="linear", *, error=True, seed=0):
    rng = np.random.default_rng(seed)
    image, kernel = rng.normal(size=(7, 6)), rng.normal(size=(3, 2))
    shape = SmallLayer(image, WeightedSum(np.zeros((1, 1))), settings).sums(
        kernel[..., np.newaxis], np.zeros(1)
    )
    goal = rng.normal(size=shape.shape[:2])
    objective = SquaredError(goal) if error else WeightedSum(goal)
    layer = SmallLayer(image, objective, settings, ACTIVATIONS[activation])
    return layer, Parameters(kernel, 0.3)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("settings", SETTINGS, ids=repr)
@pytest.mark.parametrize("error", [True, False])
def test_the_way_back_is_the_slope_of_the_loss(settings, name, error):
    layer, at = random_layer(settings, name, error=error)
    back = layer.backward(at)
    assert back.loss == pytest.approx(layer.loss(at))
    np.testing.assert_allclose(back.delta, back.grad_results * back.slopes)
    np.testing.assert_allclose(nudged_slopes(layer, at, 1e-6), back.parameters.kernel, atol=1e-7)
    epsilon = 1e-6
    up, down = at.bias + epsilon, at.bias - epsilon
    by_bias = layer.loss(Parameters(at.kernel, up)) - layer.loss(Parameters(at.kernel, down))
    assert by_bias / (2 * epsilon) == pytest.approx(back.parameters.bias, abs=1e-7)
    for cell in [(0, 0), (3, 4), (6, 5)]:
        nudged = [layer.image.copy(), layer.image.copy()]
        nudged[0][cell] -= epsilon
        nudged[1][cell] += epsilon
        below, above = (
            SmallLayer(image, layer.objective, settings, layer.activation).loss(at)
            for image in nudged
        )
        assert (above - below) / (2 * epsilon) == pytest.approx(back.image[cell], abs=1e-7)


def test_a_layer_worked_by_hand():
    # z = (1·1 + 2·1, 2·1 + 3·1) + 0 = (3, 5), a target of (1, 5): loss 2, delta (2, 0).
    layer = SmallLayer(np.array([[1.0, 2.0, 3.0]]), SquaredError(np.array([[1.0, 5.0]])))
    back = layer.backward(Parameters(np.array([[1.0, 1.0]]), 0.0))
    assert back.loss == 2.0
    assert back.delta.tolist() == [[2.0, 0.0]]
    assert back.parameters.kernel.tolist() == [[2.0, 4.0]]
    assert back.parameters.bias == 2.0
    assert back.image.tolist() == [[2.0, 2.0, 0.0]]


def test_a_chosen_output_gradient_is_the_gradient_of_its_weighted_sum():
    layer, at = random_layer(error=False)
    np.testing.assert_array_equal(layer.backward(at).grad_results, layer.objective.weights)


def test_averaged_and_summed_errors_differ_by_the_number_of_results():
    layer, at = random_layer()
    mean = SmallLayer(layer.image, SquaredError(layer.objective.target, mean=True))
    n = layer.objective.target.size
    assert mean.loss(at) * n == pytest.approx(layer.loss(at))
    np.testing.assert_allclose(mean.backward(at).delta * n, layer.backward(at).delta)


def test_a_nudge_across_a_kink_is_noticed_and_its_slope_is_a_mixture():
    layer = SmallLayer(
        np.array([[1.0]]), WeightedSum(np.array([[1.0]])), activation=ACTIVATIONS["relu"]
    )
    found = nudge(layer, Parameters(np.array([[0.0]]), 0.0), (0, 0), 0.1)
    assert found.crossed == 1
    assert found.slope == pytest.approx(0.5)
    away = nudge(layer, Parameters(np.array([[1.0]]), 0.0), (0, 0), 0.1)
    assert (away.crossed, away.slope) == (0, pytest.approx(1.0))


def test_small_nudges_drown_in_rounding_and_large_ones_bend():
    layer, at = random_layer(activation="tanh")
    epsilons = 10.0 ** np.arange(-1, -14, -1)
    table = error_table(layer, at, (1, 1), epsilons)
    errors = {how: part.set_index("nudge")["error"] for how, part in table.groupby("how")}
    for how, per_decade in ((ONE_SIDED, 10), (CENTRAL, 100)):
        assert errors[how][1e-2] / errors[how][1e-3] == pytest.approx(per_decade, rel=0.3)
        assert errors[how].min() < errors[how].iloc[-1] / 100
    assert errors[CENTRAL].idxmin() > 1e-8


def test_no_error_is_drawn_below_the_last_digit():
    layer = SmallLayer(np.array([[1.0]]), WeightedSum(np.array([[1.0]])))
    table = error_table(layer, Parameters(np.array([[0.0]]), 0.0), (0, 0), np.array([0.5]))
    assert table["error"].tolist() == [LEAST_ERROR, LEAST_ERROR]


@given(seed=st.integers(0, 50), rate=st.floats(0, 0.2))
def test_a_step_lands_where_the_line_says(seed, rate):
    layer, at = random_layer(activation="sigmoid", seed=seed)
    line = line_of_steps(layer, at, rate)
    assert line.after == pytest.approx(layer.loss(line.parameters), rel=1e-9)
    assert line.before == pytest.approx(line.losses[0])
    gradient = layer.backward(at).parameters
    np.testing.assert_allclose(line.parameters.kernel, at.kernel - rate * gradient.kernel)
    assert line.parameters.bias == pytest.approx(at.bias - rate * gradient.bias)
    assert line.rates[-1] >= rate


@given(seed=st.integers(0, 50))
def test_the_best_rate_is_the_bottom_of_the_parabola_and_twice_it_is_level(seed):
    layer, at = random_layer(seed=seed)
    best = line_of_steps(layer, at, 0.0).best_rate
    line = line_of_steps(layer, at, best)
    assert line.is_exact
    assert line.after <= line.losses.min() + 1e-9
    assert line_of_steps(layer, at, 2 * best).after == pytest.approx(line.before)
    assert line_of_steps(layer, at, 3 * best).after > line.before


def test_a_line_that_only_falls_has_no_best_rate():
    layer, at = random_layer(error=False)
    line = line_of_steps(layer, at, 0.1)
    assert line.best_rate is None
    assert not line.is_exact
    assert np.all(np.diff(line.losses) < 0)


def test_a_line_with_a_bend_has_its_best_point():
    layer, at = random_layer(activation="tanh")
    line = line_of_steps(layer, at, 2.0)
    assert not line.is_exact
    assert line.losses[np.searchsorted(line.rates, line.best_rate)] == line.losses.min()


def test_each_step_of_a_descent_starts_where_the_last_one_ended():
    layer = SmallLayer(np.arange(16.0).reshape(4, 4) / 9, SquaredError(np.ones((3, 3))))
    at = Parameters(np.array([[1.0, -1.0], [0.5, 2.0]]), 0.5)
    found = descend(layer, at, 0.01, steps=3)
    assert not found.diverged
    for step in range(4):
        np.testing.assert_array_equal(found.parameters[step].kernel, at.kernel)
        assert found.losses[step] == layer.loss(at)
        at = line_of_steps(layer, at, 0.01).parameters
    assert np.all(np.diff(found.losses) < 0)


def test_a_descent_that_explodes_ends_with_finite_numbers():
    layer = SmallLayer(np.array([[2.0]]), SquaredError(np.array([[6.0]])))
    found = descend(layer, Parameters(np.array([[0.0]]), 0.0), 1e50, steps=50)
    assert found.diverged
    assert np.isfinite(found.losses).all()
    assert found.losses.max() <= 1e6 * found.losses[0]


def test_at_the_goal_there_is_nothing_to_do():
    layer = SmallLayer(np.ones((3, 3)), SquaredError(np.zeros((1, 1))))
    line = line_of_steps(layer, Parameters(np.zeros((3, 3)), 0.0), 0.5)
    assert line.before == line.after == 0
    assert line.best_rate is None


def test_a_kernel_learns_to_be_sobels():
    image = np.random.default_rng(1).normal(size=(14, 14))
    lesson = learn_kernel(image, SOBEL, rate=0.9, steps=600)
    assert lesson.differences[-1] < 1e-6
    assert lesson.differences[0] > 1
    assert np.all(np.diff(lesson.losses) <= 1e-24)
    assert not lesson.diverged
    assert lesson.unseen == 0
    assert lesson.kernels.shape == (601, 3, 3)


def test_a_lesson_takes_the_steps_of_the_layer():
    image = np.random.default_rng(2).random((9, 8))
    lesson = learn_kernel(image, SOBEL, rate=0.4, steps=5, seed=3)
    goal = SmallLayer(image, WeightedSum(np.zeros((1, 1))))
    target = goal.sums(SOBEL[..., np.newaxis], np.zeros(1))[..., 0]
    layer = SmallLayer(image, SquaredError(target, mean=True))
    for before, after, loss in zip(lesson.kernels, lesson.kernels[1:], lesson.losses, strict=False):
        back = layer.backward(Parameters(before, 0.0))
        assert loss == pytest.approx(back.loss)
        np.testing.assert_allclose(after, before - 0.4 * back.parameters.kernel)


@pytest.mark.parametrize(("factor", "diverges"), [(0.99, False), (1.05, True)])
def test_the_highest_rate_is_where_learning_tips_over(factor, diverges):
    image = np.random.default_rng(4).random((10, 10))
    highest = learn_kernel(image, SOBEL, rate=0.1, steps=0).highest_rate
    lesson = learn_kernel(image, SOBEL, rate=factor * highest, steps=2000)
    assert lesson.diverged == diverges
    assert len(lesson.losses) == len(lesson.kernels)
    assert np.isfinite(lesson.kernels).all()
    assert np.isfinite(lesson.losses).all()


def test_the_rate_offered_for_noise_is_below_its_limit():
    """M8: 1, the rate that most digits start at, is above it."""
    noise = np.random.default_rng(0).random((14, 14))
    rates = (0.01, 0.1, 0.5, 1.0, 2.0)
    lesson = learn_kernel(noise, SOBEL, rate=1.0, steps=1000)
    assert lesson.diverged
    assert lesson.highest_rate == pytest.approx(0.745, abs=5e-4)
    assert stable_rate(noise, (3, 3), rates, most=1) == 0.5
    assert stable_rate(1e3 * noise, (3, 3), rates, most=1) == 0.01
    assert stable_rate(0 * noise, (3, 3), rates, most=1) == 1


@pytest.mark.parametrize("rate", [1e3, 1e30, 1e300])
def test_no_rate_makes_a_number_that_is_none(rate):
    lesson = learn_kernel(np.random.default_rng(5).random((6, 6)), SOBEL, rate=rate, steps=100)
    assert lesson.diverged
    assert np.isfinite(lesson.kernels).all()


def test_an_image_without_a_picture_teaches_nothing():
    lesson = learn_kernel(np.zeros((6, 6)), SOBEL, rate=1.0, steps=10)
    np.testing.assert_array_equal(lesson.kernels[-1], lesson.kernels[0])
    assert (lesson.unseen, lesson.highest_rate) == (9, math.inf)
    assert not lesson.diverged


def test_an_even_image_shows_only_the_sum_of_the_weights():
    lesson = learn_kernel(np.ones((6, 6)), SOBEL, rate=0.2, steps=100)
    assert lesson.unseen == 8
    assert lesson.losses[-1] < 1e-12
    assert lesson.differences[-1] > 0.1
    assert lesson.kernels[-1].sum() == pytest.approx(0, abs=1e-6)


def test_the_cross_entropy_of_three_scores_worked_by_hand():
    found = softmax_cross_entropy(np.array([2.0, 1.0, 0.0]), 1, temperature=2.0)
    powers = [math.exp(1.0), math.exp(0.5), 1.0]
    shares = [power / sum(powers) for power in powers]
    np.testing.assert_allclose(found.probabilities, shares)
    np.testing.assert_allclose(found.powers, [power / math.e for power in powers])
    assert found.loss == pytest.approx(-math.log(shares[1]))
    np.testing.assert_allclose(found.gradient, [shares[0] / 2, (shares[1] - 1) / 2, shares[2] / 2])
    assert found.gradient.sum() == pytest.approx(0)
    assert not found.is_limited


def test_a_sure_and_wrong_prediction_has_a_finite_loss_and_says_so():
    found = softmax_cross_entropy(np.array([1000.0, 0.0]), 1)
    assert found.is_limited
    assert found.loss == pytest.approx(-math.log(1e-7))
    np.testing.assert_allclose(found.gradient, [1.0, -1.0])


@pytest.mark.parametrize("settings", SETTINGS, ids=repr)
def test_gathered_and_scattered_traces_come_to_the_same(settings):
    rng = np.random.default_rng(6)
    image, kernel = rng.integers(0, 9, (7, 6)), rng.integers(-2, 3, (3, 2))
    shape = SmallLayer(image, WeightedSum(np.zeros((1, 1))), settings).sums(
        kernel[..., np.newaxis], np.zeros(1)
    )
    delta = rng.integers(-4, 5, shape.shape[:2])
    steps = {
        "strides": settings.strides,
        "padding": settings.padding,
        "dilation_rate": settings.dilation_rate,
    }
    for trace in (kernel_gradient_trace, input_gradient_trace):
        both = [trace(image, kernel, delta, form=form, **steps) for form in ("gather", "scatter")]
        assert form_difference(*both) == 0
    both = [bias_gradient_trace(delta, form=form) for form in ("gather", "scatter")]
    assert form_difference(*both) == 0


def test_traces_of_different_gradients_disagree():
    delta = np.array([[1.0, 2.0]])
    gathered = bias_gradient_trace(delta)
    assert form_difference(gathered, bias_gradient_trace(2 * delta, form="scatter")) == 3
