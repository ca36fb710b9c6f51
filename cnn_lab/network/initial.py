"""Initial weights and all other random choices of a run, from one seed.

They are drawn here and not by the engines, so that Keras on any backend and NumPy start with
the same weights and see the same images in the same order.
"""

import json
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cnn_lab.content.words import shape_words
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.types import Array

MAX_STATE_BYTES = 256  # of a random generator as JSON; two numbers of 39 digits and some names

Purpose = Literal[
    "weights",
    "order",
    "dropout",
    "augmentation",
    "fraction",
    "drawn",
    "pens",
    "non_digits",
    "own",
]  # new ones at the end: the place of each decides what is drawn for it
_STREAMS: tuple[Purpose, ...] = get_args(Purpose)


def stream(seed: int, purpose: Purpose) -> np.random.Generator:
    """Return the random generator for one purpose of a run with this seed.

    Draws for one purpose do not affect those for another.
    """
    return np.random.default_rng((seed, _STREAMS.index(purpose)))


def packed(numbers: np.random.Generator) -> NDArray[np.uint8]:
    """Return the state of a random generator as bytes, always equally many.

    Examples
    --------
    >>> one, other = np.random.default_rng(1), np.random.default_rng(2)
    >>> unpack(packed(one), other)
    >>> bool(one.random() == other.random())
    True
    """
    text = json.dumps(numbers.bit_generator.state).encode().ljust(MAX_STATE_BYTES)
    return np.frombuffer(text, np.uint8)


def unpack(state: NDArray[np.uint8], into: np.random.Generator) -> None:
    """Give a random generator the state that `packed` returned; ValueError if it is none."""
    try:
        into.bit_generator.state = json.loads(state.tobytes())
    except (KeyError, TypeError) as error:
        raise ValueError("This is not the state of a random generator.") from error


def initial_weights(network: NetworkSpec, seed: int) -> dict[str, Array]:
    """Return initial weights by "layer/weight", float32; see `BaseLayer.initial_weight`."""
    numbers = stream(seed, "weights")
    return {
        f"{layer.name}/{weight}": layer.initial_weight(weight, shape, numbers)
        for layer, row in zip(network.layers, network.summary(), strict=True)
        for weight, shape in layer.weight_shapes(row.input_shape).items()
    }


def weights_problem(name: str, of: NetworkSpec, wanted: NetworkSpec) -> str:
    """Return why a network cannot begin with the weights of another; "" if it can.

    Parameters
    ----------
    name : str
        What the reader calls the weights.
    of, wanted : NetworkSpec
        The network of the weights, and the one that is to be trained.

    Examples
    --------
    >>> from cnn_lab.network import zoo
    >>> fast, paper = (zoo.preset(name).network for name in ("fast", "paper"))
    >>> weights_problem("fast", fast, fast)
    ''
    >>> print(weights_problem("fast", fast, paper))
    The weights of fast belong to a network with other layers: its conv1/kernel is 5 × 5 × 1 × 16, \
that of paper is 2 × 2 × 1 × 16.
    """
    has, needs = of.weight_shapes(), wanted.weight_shapes()
    if has == needs:
        return ""
    first = next(one for one in (*needs, *has) if has.get(one) != needs.get(one))
    if first not in has:
        how = f"it has no {first}, {wanted.name} has one."
    elif first not in needs:
        how = f"it has {first}, {wanted.name} has none."
    else:
        shapes = (shape_words(shape[first]) for shape in (has, needs))
        how = "its {0} is {2}, that of {1} is {3}.".format(first, wanted.name, *shapes)
    return f"The weights of {name} belong to a network with other layers: {how}"
