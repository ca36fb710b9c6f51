"""Uploaded networks, checked before anything runs."""

import math

import numpy as np

from cnn_lab.content.words import shape_words
from cnn_lab.network.model import ModelFileError, Network
from cnn_lab.network.spec import DIGIT_SHAPE, N_DIGITS, NetworkSpec

MAX_MB = 5  # enough for the paper's network; also the server's maxUploadSize
MAX_UNITS = 1_000_000
MAX_MULTIPLY_ADDS = 300_000_000  # about ten times the paper's network


def network_from_visitor(content: bytes) -> Network:
    """Return the network in an uploaded file.

    Parameters
    ----------
    content : bytes
        A .safetensors file as written by `Network.save`: weights, and the spec as JSON in the
        metadata. Other metadata are dropped because they cannot be verified.

    Raises
    ------
    ModelFileError
        If the file is larger than 5 MB, damaged or inconsistent with its own spec, if the network
        is too expensive for a page, or if its numbers are not finite.

    Notes
    -----
    No code from the file is run: safetensors contains numbers and text, and the spec allows only
    the layers of this lab.
    """
    if len(content) > MAX_MB * 2**20:
        raise ModelFileError(f"An uploaded network may have at most {MAX_MB} MB.")
    with np.errstate(over="ignore"):  # numbers too large for 32 bits become infinite
        network = Network.from_bytes(content)
    _check_costs(network.spec)
    if not all(np.isfinite(weight).all() for weight in network.weights.values()):
        raise ModelFileError("Every weight must be a finite number. Received: one that is not")
    with np.errstate(all="ignore"):
        black_white = np.stack([np.full(network.spec.input_shape, level) for level in (0, 1)])
        answers = network.predict(black_white)
    if not np.isfinite(answers).all():
        raise ModelFileError(
            "The network must output finite numbers. Received: weights with which it does not"
        )
    return Network(network.spec, network.weights)


def digit_problem(network: NetworkSpec) -> str:
    """Return why a network cannot classify MNIST's digits; "" if it can.

    Examples
    --------
    >>> from cnn_lab.network.spec import Dense, Flatten, Softmax
    >>> layers = (Flatten(name="flatten"), Dense(name="dense", units=3), Softmax(name="softmax"))
    >>> digit_problem(NetworkSpec(name="three", layers=layers))
    'To classify digits, a network must end in 10 probabilities. Received: 3 numbers'
    """
    if network.input_shape != DIGIT_SHAPE:
        return (
            "To classify digits, a network must accept grey images of 28 × 28 pixels. "
            f"Received: {shape_words(network.input_shape)}"
        )
    made = network.summary()[-1].output_shape
    if made not in ((N_DIGITS,), (N_DIGITS + 1,)):
        return (
            f"To classify digits, a network must end in {N_DIGITS} probabilities. "
            f"Received: {shape_words(made)} numbers"
        )
    if not network.ends_in_softmax:
        return (
            f"To classify digits, a network must end in {N_DIGITS} probabilities. "
            "Received: one that does not end with softmax"
        )
    return ""


def _check_costs(network: NetworkSpec) -> None:
    """Raise ModelFileError if a network would slow down the page for all visitors."""
    rows = network.summary()
    for what, amount, limit in (
        ("compute {} numbers per image", sum(math.prod(r.output_shape) for r in rows), MAX_UNITS),
        ("need {} multiply-adds per image", sum(r.multiply_adds for r in rows), MAX_MULTIPLY_ADDS),
    ):
        if amount > limit:
            raise ModelFileError(
                f"An uploaded network may {what.format(f'at most {limit:,}')}. Received: {amount:,}"
            )
