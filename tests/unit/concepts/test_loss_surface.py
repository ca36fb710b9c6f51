"""The loss over two weights, against Keras, finite differences and its closed form."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnn_lab.concepts.backpropagation.surface import LossSurface
from cnn_lab.data.kernels import KERNELS
from cnn_lab.data.mnist import load_mnist
from cnn_lab.data.teaching_images import densest_crop

GOAL = KERNELS["sobel_columns"].values(3, 3)
DIGIT = densest_crop(load_mnist().test.pixels[0][..., np.newaxis] / 255, 14)[..., 0]
NOISE = np.random.default_rng(0).random((9, 11))
CELLS = ((1, 1), (1, 2))
POINTS = np.random.default_rng(1).normal(size=(5, 2), scale=3)
OTHERS = np.random.default_rng(2).normal(size=(3, 3))


@pytest.fixture(params=["digit, others right", "noise, others wrong"])
def surface(request):
    if request.param.startswith("digit"):
        return LossSurface(DIGIT, GOAL, GOAL, CELLS)
    return LossSurface(NOISE, GOAL, OTHERS, ((0, 2), (2, 0)))


def test_losses_and_gradients_are_those_of_keras(surface) -> None:
    images = tf.constant(surface.image[np.newaxis, ..., np.newaxis])
    target = keras.ops.conv(images, tf.constant(surface.goal[..., np.newaxis, np.newaxis]))
    for point in POINTS:
        kernel = surface.kernel.copy()
        for cell, weight in zip(surface.cells, point, strict=True):
            kernel[cell] = weight
        variable = tf.Variable(kernel[..., np.newaxis, np.newaxis])
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(keras.ops.conv(images, variable) - target)) / 2
        slopes = np.asarray(tape.gradient(loss, variable))[..., 0, 0]
        assert surface.loss(point) == pytest.approx(float(loss), rel=1e-9)
        theirs = [slopes[cell] for cell in surface.cells]
        np.testing.assert_allclose(surface.gradient(point), theirs, rtol=1e-9, atol=1e-12)


def test_gradients_and_curvature_are_finite_differences(surface) -> None:
    step = 1e-4
    for point in POINTS:
        sides = [(point + step * side, point - step * side) for side in np.eye(2)]
        slopes = [(surface.loss(high) - surface.loss(low)) / (2 * step) for high, low in sides]
        np.testing.assert_allclose(surface.gradient(point), slopes, rtol=1e-6, atol=1e-8)
        bends = [(surface.gradient(a) - surface.gradient(b)) / (2 * step) for a, b in sides]
        np.testing.assert_allclose(surface.curvature, bends, rtol=1e-6, atol=1e-9)


def test_the_minimum_is_the_least_squares_solution(surface) -> None:
    """Outputs are linear in both weights: columns of windows' pixels times weights."""
    height, width = (n - 2 for n in surface.image.shape)
    windows = {
        (row, column): surface.image[row : row + height, column : column + width].ravel()
        for row in range(3)
        for column in range(3)
    }
    target = sum(surface.goal[cell] * pixels for cell, pixels in windows.items())
    fixed = sum(
        surface.kernel[cell] * pixels
        for cell, pixels in windows.items()
        if cell not in surface.cells
    )
    columns = np.stack([windows[cell] for cell in surface.cells], axis=1)
    solved, *_ = np.linalg.lstsq(columns, target - fixed, rcond=None)
    np.testing.assert_allclose(surface.minimum, solved, rtol=1e-8, atol=1e-10)
    lowest = np.square(columns @ solved + fixed - target).mean() / 2
    assert surface.loss(surface.minimum) == pytest.approx(lowest, abs=1e-12)
    np.testing.assert_allclose(surface.gradient(surface.minimum), 0, atol=1e-12)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_the_path_is_the_powers_of_one_matrix(surface, share) -> None:
    rate = share * surface.highest_rate
    start = surface.minimum + np.array([-0.5, 2.0])
    found = surface.descend(start, rate=rate, steps=30)
    matrix = np.eye(2) - rate * surface.curvature
    for step, point in enumerate(found.points):
        away = np.linalg.matrix_power(matrix, step) @ (start - surface.minimum)
        np.testing.assert_allclose(point, surface.minimum + away, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.losses, surface.losses(found.points))
    assert (np.diff(found.losses) < 0).all()
    assert not found.diverged


def test_above_the_highest_rate_every_step_overshoots_further(surface) -> None:
    across = np.linalg.eigh(surface.curvature)[1][:, 1]
    start = surface.minimum + across
    rising = surface.descend(start, rate=1.05 * surface.highest_rate, steps=20)
    assert (np.diff(rising.losses) > 0).all()
    falling = surface.descend(start, rate=0.95 * surface.highest_rate, steps=20)
    assert (np.diff(falling.losses) < 0).all()
    sides = (falling.points - surface.minimum) @ across
    assert (np.sign(sides) == (-1.0) ** np.arange(21)).all()
    gentle = surface.descend(start, rate=0.45 * surface.highest_rate, steps=20)
    assert ((gentle.points[:9] - surface.minimum) @ across > 0).all()
    wild = surface.descend(start, rate=1000 * surface.highest_rate, steps=20)
    assert wild.diverged
    assert np.isfinite(wild.points).all()


def test_a_blank_image_is_flat_and_stands_still() -> None:
    surface = LossSurface(np.zeros((8, 8)), GOAL, GOAL, CELLS)
    assert surface.curvatures == (0, 0)
    assert surface.highest_rate == np.inf
    np.testing.assert_array_equal(surface.minimum, [GOAL[cell] for cell in CELLS])
    found = surface.descend(np.array([3.0, 3.0]), rate=50, steps=5)
    assert (found.points == 3).all()


def test_an_even_image_is_flat_along_one_direction() -> None:
    surface = LossSurface(np.full((8, 8), 0.5), GOAL, OTHERS, CELLS)
    across, along = surface.curvatures
    assert across == pytest.approx(0.5)
    assert along == 0
    np.testing.assert_allclose(surface.gradient(surface.minimum), 0, atol=1e-12)


def test_two_weights_that_are_one_are_refused() -> None:
    with pytest.raises(ValueError, match="must differ"):
        LossSurface(DIGIT, GOAL, GOAL, ((1, 1), (1, 1)))
    with pytest.raises(ValueError, match="finite"):
        LossSurface(DIGIT, GOAL * np.nan, GOAL, CELLS)
