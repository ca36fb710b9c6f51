"""Every public function answers nonsense with a sentence that says what must hold.

Each door is called with numbers that make sense, and then with one argument after another
replaced by something that does not.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pytest

from cnn_lab import ops
from cnn_lab.data.augmentation import augmented, thickened
from cnn_lab.data.mnist import load_mnist
from cnn_lab.data.teaching_images import densest_crop
from cnn_lab.digits import prepare_digit
from cnn_lab.digits.answer import answer_for
from cnn_lab.digits.calibration import calibration_error, sure_odds, temperature
from cnn_lab.digits.drawing import prepare_steps
from cnn_lab.explain import attribution, changes, erasure, nearest, surgery
from cnn_lab.network import Network
from cnn_lab.network.spec import Augmentation

Door = tuple[Callable[..., Any], dict[str, Any]]

IMAGES = np.linspace(0, 1, 2 * 6 * 6 * 2).reshape(2, 6, 6, 2)
KERNEL = np.linspace(-1, 1, 3 * 3 * 2 * 3).reshape(3, 3, 2, 3)
GRADIENT = np.linspace(-1, 1, 2 * 4 * 4 * 3).reshape(2, 4, 4, 3)
TABLE = np.array([[0.2, 0.3, 0.5], [0.1, 0.8, 0.1]])
LABELS = np.array([2, 0])
ALIKE = {"pool_size": 2}
POOLED = np.linspace(-1, 1, 2 * 3 * 3 * 2).reshape(2, 3, 3, 2)
PAIR_OF = np.array([1.0, 2.0])


@lru_cache(maxsize=1)
def network() -> Network:
    return Network.load("fast")


def digit() -> np.ndarray:
    return load_mnist().test.image(0)


def drawing() -> np.ndarray:
    rgba = np.zeros((20, 20, 4), np.uint8)
    rgba[5:15, 9:12] = 255
    return rgba


OPS: dict[str, dict[str, Any]] = {
    **{name: {"values": TABLE} for name in ("relu", "leaky_relu", "sigmoid", "tanh")},
    **{
        f"{name}_gradient": {"values": TABLE, "grad_output": TABLE}
        for name in ("relu", "leaky_relu", "sigmoid", "tanh")
    },
    "softmax": {"logits": TABLE},
    "softmax_gradient": {"logits": TABLE, "grad_output": TABLE},
    "cross_entropy": {"probabilities": TABLE, "labels": LABELS},
    "cross_entropy_gradient": {"probabilities": TABLE, "labels": LABELS},
    "softmax_cross_entropy": {"logits": TABLE, "labels": LABELS},
    "softmax_cross_entropy_gradient": {"logits": TABLE, "labels": LABELS},
    "dense": {"inputs": TABLE, "kernel": TABLE.T, "bias": PAIR_OF},
    "dense_gradients": {"inputs": TABLE, "kernel": TABLE.T, "grad_output": np.ones((2, 2))},
    "conv2d": {"images": IMAGES, "kernel": KERNEL, "bias": np.ones(3)},
    "conv2d_gradients": {"images": IMAGES, "kernel": KERNEL, "grad_output": GRADIENT},
    "conv2d_weight_gradients": {"images": IMAGES, "kernel": KERNEL, "grad_output": GRADIENT},
    "depthwise_conv2d": {"images": IMAGES, "kernel": KERNEL, "bias": np.ones(6)},
    "depthwise_conv2d_gradients": {
        "images": IMAGES,
        "kernel": KERNEL,
        "grad_output": np.ones((2, 4, 4, 6)),
    },
    "conv2d_transpose": {
        "images": IMAGES,
        "kernel": KERNEL,
        "bias": np.ones(3),
    },
    "batch_normalization": {
        "inputs": IMAGES,
        "mean": PAIR_OF,
        "variance": PAIR_OF,
        "gamma": PAIR_OF,
        "beta": PAIR_OF,
    },
    "batch_normalization_gradients": {
        "inputs": IMAGES,
        "grad_output": IMAGES,
        "mean": PAIR_OF,
        "variance": PAIR_OF,
        "gamma": PAIR_OF,
    },
    "max_pool2d": {"images": IMAGES},
    "max_pool2d_gradient": {"images": IMAGES, "grad_output": POOLED},
    "average_pool2d": {"images": IMAGES},
    "average_pool2d_gradient": {"images": IMAGES, "grad_output": POOLED},
    "global_average_pool2d": {"images": IMAGES},
    "global_average_pool2d_gradient": {"images": IMAGES, "grad_output": np.ones((2, 2))},
}


def test_every_operator_is_a_door() -> None:
    """R14: an operator that is added is tried here as well."""
    functions = {name for name in ops.__all__ if inspect.isfunction(getattr(ops, name))}
    assert set(OPS) == functions


def doors() -> dict[str, Door]:
    image, bank = digit(), load_mnist().test.at(slice(10))
    return {
        **{name: (getattr(ops, name), arguments) for name, arguments in OPS.items()},
        "Network.predict": (network().predict, {"images": image[np.newaxis]}),
        "Network.outputs": (network().outputs, {"images": image[np.newaxis]}),
        "Network.scores": (network().scores, {"images": image[np.newaxis]}),
        "Network.activations": (network().activations, {"images": image[np.newaxis]}),
        "Network.slopes": (network().slopes, {"image": image, "digit": 7}),
        "Network.gradients": (
            network().gradients,
            {"images": image[np.newaxis], "labels": np.array([7])},
        ),
        "prepare_digit": (prepare_digit, {"rgba": drawing()}),
        "prepare_steps": (prepare_steps, {"rgba": drawing()}),
        "temperature": (temperature, {"probabilities": TABLE, "labels": LABELS}),
        "calibration_error": (calibration_error, {"probabilities": TABLE, "labels": LABELS}),
        "sure_odds": (sure_odds, {"probabilities": TABLE, "labels": LABELS}),
        "answer_for": (partial(answer_for, network()), {"image": image[..., 0]}),
        "answer_curve": (
            partial(changes.answer_curve, network(), change="light", values=[0.5]),
            {"image": image},
        ),
        "staying": (partial(changes.staying, shift=(1.0, 0.0)), {"image": image}),
        "densest_crop": (partial(densest_crop, size=14), {"image": image}),
        "saliency": (partial(attribution.saliency, network()), {"image": image, "digit": 7}),
        "occlusion": (partial(attribution.occlusion, network()), {"image": image, "digit": 7}),
        "small_erasure": (partial(erasure.small_erasure, network()), {"image": image}),
        "grad_cam": (
            partial(attribution.grad_cam, network()),
            {"image": image, "digit": 7, "layer": attribution.last_convolution(network().spec)},
        ),
        "equivariance": (
            partial(changes.equivariance, network(), shift=(1.0, 0.0)),
            {"image": image, "layer": attribution.last_convolution(network().spec)},
        ),
        "following": (partial(changes.following, network(), shift=(1.0, 0.0)), {"image": image}),
        "nearest_digits": (
            nearest.nearest_digits,
            {"image": image, "bank_images": bank.pixels, "bank_labels": bank.labels},
        ),
        "augmented": (
            partial(augmented, settings=Augmentation(rotate=5), numbers=np.random.default_rng(0)),
            {"images": image[np.newaxis]},
        ),
        "thickened": (thickened, {"images": image[np.newaxis], "pixels": np.array([0.5])}),
        "changed": (partial(changes.changed, shift=(1, 0)), {"images": image[np.newaxis]}),
        "accuracy": (
            partial(surgery.accuracy, network()),
            {"images": bank.images, "labels": bank.labels},
        ),
        "swapped": (
            partial(surgery.swapped, network(), attribution.last_convolution(network().spec), 0),
            {"kernel_2d": np.ones((3, 3))},
        ),
    }


Nonsense = Callable[[np.ndarray], object]

NOT_NUMBERS: dict[str, Nonsense] = {
    "text": lambda good: "seven",
    "words": lambda good: np.array(["a", "b"]),
    "objects": lambda good: np.array([object(), None]),
    "nothing": lambda good: None,
    "a dictionary": lambda good: {},
    "dates": lambda good: np.array(["2020-01-01"], "M8[D]"),
    "complex numbers": lambda good: good * (1 + 1j),
    "rows of different lengths": lambda good: [[1, 2], [3]],
}
WRONG_SHAPES: dict[str, Nonsense] = {
    "an axis too many": lambda good: good[np.newaxis],
    "one number": lambda good: 3.0,
    "no channels": lambda good: good[..., :0],
    "a channel too few": lambda good: good[..., :-1],
}
NOT_FINITE: dict[str, Nonsense] = {
    "NaN": lambda good: np.full(good.shape, np.nan),
    "infinity": lambda good: np.full(good.shape, np.inf),
    "more than float32 holds": lambda good: np.full(good.shape, 1e300),
}
NOT_A_CLASS: tuple[object, ...] = ("seven", None, {}, [1], 3.5, -1, 10, np.nan, True, np.array(7.0))
NOT_A_SETTING: tuple[object, ...] = ("seven", "", {}, [1, 2, 3], 1j, np.nan, np.inf, object(), -1)
OPTIONAL = {"bias", "mean", "variance", "gamma", "beta"}
# Formulas for any shape, or for any number of channels.
ANY_SHAPE = {"relu", "leaky_relu", "sigmoid", "tanh", "softmax", "batch_normalization"}
ANY_CHANNELS = {"max_pool2d", "average_pool2d", "global_average_pool2d", "swapped"}


def unanswered(function: Callable[..., Any], good: Mapping[str, Any], **bad: object) -> list[str]:
    """Return nothing if a door says what must hold and what it was given; else how it fails."""
    call = ", ".join(f"{name}={value!r:.40}" for name, value in bad.items())
    try:
        function(**good | bad)
    except ValueError as error:
        told = re.search(r"must .*Received: \w+", str(error), re.DOTALL)
        return [] if told else [f"{call}: {error}"]
    except Exception as error:
        return [f"{call}: {type(error).__name__}: {error}"]
    return [f"{call}: no word"]


@pytest.mark.parametrize("name", sorted(doors()))
def test_a_door_answers_nonsense(name: str) -> None:
    """R14: what is not an array of real numbers, of its shape, and finite where it must be."""
    function, good = doors()[name]
    function(**good)
    arrays = {argument: value for argument, value in good.items() if isinstance(value, np.ndarray)}
    kinds = dict(NOT_NUMBERS)
    if name not in ANY_SHAPE | ANY_CHANNELS:
        kinds |= WRONG_SHAPES
    if name not in OPS:
        kinds |= NOT_FINITE
    failures = [
        f"{kind}: {failure}"
        for argument, value in arrays.items()
        for kind, bad in kinds.items()
        if not (kind == "nothing" and argument in OPTIONAL)
        for failure in unanswered(function, good, **{argument: bad(value)})
    ]
    if "digit" in good:
        for value in NOT_A_CLASS:
            failures += unanswered(function, good, digit=value)
    assert failures == []


SETTINGS = {
    "conv2d": ("strides", "padding", "dilation_rate", "groups", "pad_mode"),
    "depthwise_conv2d": ("strides", "padding"),
    "conv2d_transpose": ("strides", "padding"),
    "max_pool2d": ("pool_size", "strides", "padding"),
    "average_pool2d": ("pool_size", "strides", "padding"),
    "softmax": ("temperature",),
    "batch_normalization": ("epsilon",),
    "leaky_relu": ("negative_slope",),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_an_operator_answers_nonsensical_settings(name: str) -> None:
    """R14: strides, paddings and the like."""
    wrong = [value for value in NOT_A_SETTING if (name, value) != ("leaky_relu", -1)]
    assert not [
        failure
        for setting in SETTINGS[name]
        for value in wrong
        for failure in unanswered(getattr(ops, name), OPS[name], **{setting: value})
    ]


@pytest.mark.parametrize("name", sorted(name for name in OPS if "gradient" not in name))
def test_what_is_not_finite_is_not_lost_in_an_operator(name: str) -> None:
    """R14: it passes through, as through the formula; a training that diverges shows by it."""
    first = next(iter(OPS[name]))
    bad = OPS[name] | {first: np.full(OPS[name][first].shape, np.nan)}
    assert np.isnan(getattr(ops, name)(**bad)).all()


@pytest.mark.parametrize("nonsense", [np.nan, -np.inf, 1e300])
def test_a_network_says_which_pixel_is_not_finite(nonsense: float) -> None:
    """R14: the first of them, by its place."""
    images = np.zeros((2, 28, 28, 1))
    images[1, 3, 4, 0] = nonsense
    with pytest.raises(ValueError, match=r"Received: images\[1, 3, 4, 0\]="):
        network().predict(images)
