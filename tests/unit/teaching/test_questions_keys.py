"""Questions against independent computations: Keras, TensorFlow, SciPy and loops."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from cnn_lab.teaching import QUESTIONS
from tests.unit.teaching.independent import INDEPENDENT, is_solvable_on_paper, key_agrees

SEEDS = range(30)


def test_every_question_has_an_independent_computation():
    assert set(INDEPENDENT) == set(QUESTIONS)


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_the_key_is_that_of_an_independent_computation_and_solvable_on_paper(name):
    for seed in SEEDS:
        case = QUESTIONS[name].make(seed=seed, level=("alone", "example")[seed % 2])
        assert key_agrees(case), (seed, case.key, INDEPENDENT[name](case.settings))
        assert is_solvable_on_paper(case), (seed, case.settings)
        assert not any(case.check(wrong).right for wrong in case.misconceptions.values())


@pytest.mark.parametrize("padding", ["valid", "same", ((0, 1), (2, 0))])
@pytest.mark.parametrize(("strides", "dilation"), [((2, 1), (1, 1)), ((1, 1), (1, 2))])
def test_the_page_may_ask_about_any_convolution(padding, strides, dilation):
    numbers = np.random.default_rng(0)
    image, kernel = numbers.normal(size=(9, 8)), numbers.normal(size=(3, 2))
    tensors = [tf.constant(image[None, ..., None]), tf.constant(kernel[..., None, None])]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        padded = tensors[0]
        if not isinstance(padding, str):
            padded = tf.pad(padded, ((0, 0), *padding, (0, 0)))
        output = keras.ops.conv(
            padded,
            tensors[1],
            strides=strides,
            padding=padding if isinstance(padding, str) else "valid",
            dilation_rate=dilation,
        )
    delta = numbers.normal(size=output.shape[1:3])
    grad_image, grad_kernel = tape.gradient(
        output, tensors, output_gradients=tf.constant(delta[np.newaxis, ..., np.newaxis])
    )
    settings = {
        "input": image,
        "kernel": kernel,
        "grad_output": delta,
        "strides": strides,
        "padding": padding,
        "dilation_rate": dilation,
    }
    for name, gradient in (
        ("kernel-gradient-cell", grad_kernel.numpy()[..., 0, 0]),
        ("input-gradient-cell", grad_image.numpy()[0, ..., 0]),
    ):
        for row, column in ((0, 0), (1, 1), (2, 1)):
            case = QUESTIONS[name].about(settings | {"row": row, "column": column})
            assert case.check(f"{gradient[row, column]:.2f}").right
            assert case.check(case.lines[-1].value).right
            assert len(case.ask) < 300
            for wrong in case.misconceptions.values():
                assert case.check(wrong).explanation


@pytest.mark.parametrize("name", ["max-pool-gradient", "average-pool-gradient"])
@pytest.mark.parametrize(("padding", "positions"), [("valid", (2, 7)), ("same", (3, 8))])
def test_the_page_may_ask_about_any_pooling(name, padding, positions):
    numbers = np.random.default_rng(0)
    settings = {
        "input": numbers.integers(0, 4, size=(9, 8)).astype(float),
        "pool_size": (4, 2),
        "strides": (3, 1),
        "padding": padding,
        "grad_output": numbers.normal(size=positions),
    }
    case = QUESTIONS[name].about(settings)
    assert_allclose(case.key, INDEPENDENT[name](settings), atol=0.00501)
    assert case.check(case.lines[-1].value).right
    assert len(case.ask) < 300
    assert all(case.check(wrong).misconception for wrong in case.misconceptions.values())


def test_a_pixel_that_no_window_reads_has_the_gradient_zero():
    case = QUESTIONS["input-gradient-cell"].about(
        {
            "input": np.ones((4, 4)),
            "kernel": np.ones((2, 2)),
            "grad_output": np.ones((1, 1)),
            "strides": (3, 3),
            "row": 3,
            "column": 3,
        }
    )
    assert case.key == 0


@pytest.mark.parametrize("temperature", [0.1, 1.0, 100.0])
@pytest.mark.parametrize(
    "scores",
    [[2.0, 1.0, -1.0], [0.0], [k + 0.123456 for k in range(10)], [500.0, -500.0], [-3.0] * 10],
)
def test_the_page_may_ask_about_any_scores(scores, temperature):
    settings = {"scores": np.array(scores), "label": 0, "temperature": temperature}
    case = QUESTIONS["softmax-gradient"].about(settings)
    assert case.check(case.lines[-1].value).right
    assert abs(np.sum(case.key)) < 0.06
    assert len(case.ask) < 300


def test_powers_of_e_as_printed_lead_to_the_key():
    for seed in SEEDS:
        settings = QUESTIONS["softmax-gradient"].make(seed=seed).settings
        powers = np.round(np.exp(settings["scores"]), 2)
        shares = np.round(powers / powers.sum(), 2)
        case = QUESTIONS["softmax-gradient"].about(settings)
        assert_allclose(shares - np.eye(3)[settings["label"]], case.key, atol=1e-9)
