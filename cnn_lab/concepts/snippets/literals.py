"""Numbers and arguments as Python source."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from cnn_lab.concepts.layer_call import LayerCall
from cnn_lab.ops.types import Array, Pair

MAX_SIDE = 12
MAX_NUMBERS = 600

# Axis order of the written numbers, with each matrix in one piece.
MATRICES_LAST = {
    "images": (0, 3, 1, 2),
    "kernel": (3, 2, 0, 1),
    "bias": (0,),
    "grad_output": (0, 3, 1, 2),
}
_AXES = {
    "images": ("image", "row", "column", "channel"),
    "kernel": ("row", "column", "channel", "filter"),
    "grad_output": ("image", "row", "column", "channel"),
}


class Written(NamedTuple):
    """One array of a call as source code.

    Attributes
    ----------
    name : str
    shape : tuple of int
        Shape with the matrix axes last.
    numbers : str
        Nested lists of that shape, or of a single matrix; "" if there are too many numbers
        to write out.
    is_one_matrix : bool
    """

    name: str
    shape: tuple[int, ...]
    numbers: str
    is_one_matrix: bool

    @property
    def axes(self) -> str:
        """The order in which the numbers are written, as a comment."""
        names = _AXES[self.name]
        return ", ".join(names[axis] for axis in MATRICES_LAST[self.name])

    @property
    def excuse(self) -> str:
        """Comment that says why other numbers are used."""
        size = " x ".join(map(str, self.shape))
        return f"# {size} numbers are too many to write out, so random ones are used."


def written(call: LayerCall) -> list[Written]:
    """Return the arrays of a call, channel by channel and filter by filter."""
    pieces = []
    for name, array in call.arrays():
        if call.is_gradient and name == "bias":
            continue  # a bias does not affect any gradient
        values = np.transpose(array, MATRICES_LAST[name])
        small = max(values.shape[-2:]) <= MAX_SIDE and values.size <= MAX_NUMBERS
        single = values.ndim == 4 and values.shape[:2] == (1, 1)
        nested = _nested(values[0, 0] if single else values) if small else ""
        pieces.append(Written(name, values.shape, nested, single))
    return pieces


def _nested(values: Array, indent: str = "") -> str:
    if values.ndim == 1:
        return f"[{', '.join(number(value) for value in values)}]"
    inner = "".join(f"{indent}    {_nested(one, indent + '    ')},\n" for one in values)
    return f"[\n{inner}{indent}]"


def number(value: float) -> str:
    """Return a number with the digits of single precision.

    Examples
    --------
    >>> number(3.0), number(-0.5), number(1 / 9)
    ('3', '-0.5', '0.11111111')
    """
    return str(np.float32(value)).removesuffix(".0")


def short(numbers: Pair) -> str:
    """Return a pair as source, or one number if both are the same."""
    return str(numbers[0]) if numbers[0] == numbers[1] else str(numbers)


def arguments(*positional: str, **named: Any) -> str:
    """Return the arguments of a call as source, without those that are None.

    Examples
    --------
    >>> arguments("images", strides="2", padding=None)
    'images, strides=2'
    """
    keywords = (f"{name}={value}" for name, value in named.items() if value is not None)
    return ", ".join([*positional, *keywords])


def script(*blocks: Iterable[str]) -> str:
    """Return blocks of lines as one text, separated by empty lines."""
    return "\n\n".join("\n".join(block) for block in map(list, blocks) if block) + "\n"
