"""The one door for a visitor's network: a file of weights, checked before anything runs."""

import math

import numpy as np

from cnn_lab.content.words import shape_words
from cnn_lab.network.model import ModelFileError, Network
from cnn_lab.network.spec import NetworkSpec

MAX_MB = 5  # the paper's network fits; no more gets past the server either (its maxUploadSize)
MAX_UNITS = 1_000_000
MAX_MULTIPLY_ADDS = 300_000_000  # some ten times the paper's network
DIGIT_SHAPE, N_DIGITS = (28, 28, 1), 10


def network_from_visitor(content: bytes) -> Network:
    """Return the network that a visitor's file holds.

    Parameters
    ----------
    content : bytes
        A .safetensors file as `Network.save` writes it: weights, and the spec as JSON among its
        metadata. Whatever else the metadata claim is left out: nobody has checked it.

    Raises
    ------
    ModelFileError
        If the file is larger than 5 MB, broken, inconsistent with its own spec, or of a network
        that costs too much for a page, or whose numbers are not finite. The message is one
        sentence for a reader.

    Notes
    -----
    No code of the file is run: safetensors holds numbers and text, and the spec knows its own
    layers only.
    """
    if len(content) > MAX_MB * 2**20:
        raise ModelFileError(f"An uploaded network may have at most {MAX_MB} MB.")
    with np.errstate(over="ignore"):  # what is too large for 32 bits becomes infinite
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
    """Return why a network cannot read digits as MNIST has them; empty if it can.

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
    if made != (N_DIGITS,):
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
    """Raise ModelFileError if a network would hold up the page, and other visitors with it."""
    rows = network.summary()
    for what, amount, limit in (
        ("compute {} numbers per image", sum(math.prod(r.output_shape) for r in rows), MAX_UNITS),
        ("need {} multiply-adds per image", sum(r.multiply_adds for r in rows), MAX_MULTIPLY_ADDS),
    ):
        if amount > limit:
            raise ModelFileError(
                f"An uploaded network may {what.format(f'at most {limit:,}')}. Received: {amount:,}"
            )
