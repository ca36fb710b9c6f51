"""Ten steps of each optimizer, beside Keras's."""

import keras
import numpy as np
import pytest

from cnn_lab.network.spec import OptimizerName, TrainingSpec
from cnn_lab.training import keras_engine
from cnn_lab.training.optimizers import PIECE, Optimizer, orthogonalized

SHAPES = {"conv/kernel": (3, 3, 2, 4), "conv/bias": (4,), "wide": (5, 8), "tall": (PIECE // 4, 5)}


def normal(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ("optimizer", "settings"),
    [
        ("sgd", {"momentum": 0.9}),
        ("sgd", {"momentum": 0.0}),
        ("adam", {}),
        ("adamw", {"weight_decay": 0.1}),
        ("rmsprop", {}),
        ("muon", {"weight_decay": 0.1}),
    ],
)
def test_ten_steps_with_a_falling_rate_are_those_of_keras(
    optimizer: OptimizerName, settings: dict[str, float]
) -> None:
    training = TrainingSpec(optimizer=optimizer, learning_rate=0.01, **settings)
    ours = {name: normal(shape, 1) for name, shape in SHAPES.items()}
    ours["conv/bias"] *= 0  # so that a small step is not lost beside it
    began = {name: weight.copy() for name, weight in ours.items()}
    theirs = [keras.Variable(weight) for weight in ours.values()]
    our_optimizer, their_optimizer = Optimizer(training, ours), keras_engine.optimizer_of(training)
    for step in range(10):
        rate = 0.01 / (1 + step)
        # One of almost nothing, where a misplaced epsilon would tell.
        gradients = [
            normal(shape, 10 + step) * (1e-6 if name == "conv/bias" else 1)
            for name, shape in SHAPES.items()
        ]
        our_optimizer.apply(dict(zip(SHAPES, gradients, strict=True)), rate)
        their_optimizer.learning_rate = rate
        their_optimizer.apply(gradients, theirs)
    for (name, our), their in zip(ours.items(), theirs, strict=True):
        assert our.dtype == np.float32
        moved = np.abs(our - began[name]).max()
        assert moved > 0
        np.testing.assert_allclose(
            our, np.asarray(their), rtol=1e-6, atol=1e-4 * moved, err_msg=name
        )


def test_gradients_are_left_as_they_are() -> None:
    for optimizer in ("sgd", "adam", "adamw", "rmsprop", "muon"):
        weights, gradient = {"kernel": normal((4, 5), 1)}, normal((4, 5), 2)
        kept = gradient.copy()
        Optimizer(TrainingSpec(optimizer=optimizer), weights).apply({"kernel": gradient}, 0.1)
        np.testing.assert_array_equal(gradient, kept)


@pytest.mark.parametrize("shape", [(6, 40), (40, 6), (20, 20)])
def test_an_orthogonalized_matrix_has_no_direction_that_it_prefers(shape: tuple[int, int]) -> None:
    result = orthogonalized(normal(shape, 3))
    lengths = np.linalg.svd(result, compute_uv=False)
    assert result.shape == shape
    assert result.dtype == np.float32
    assert lengths.max() < 1.3
    assert np.median(lengths) > 0.6
