"""The numbers of a case as they are shown beside its question: arrays as small grids, named."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from cnn_lab.ops.types import Array

_NAMES = {
    "grad_output": "gradient of the output",
    "input_size": "input",
    "kernel_size": "kernel",
    "output_size": "output",
    "strides": "stride",
    "dilation_rate": "dilation",
    "use_bias": "bias",
    "loss": "training loss",
    "val_loss": "validation loss",
}


def setting_name(name: str) -> str:
    """Return what people call a setting.

    Examples
    --------
    >>> setting_name("grad_output"), setting_name("pool_size")
    ('gradient of the output', 'pool size')
    """
    return _NAMES.get(name, name.replace("_", " "))


def shown_grids(settings: Mapping[str, Any]) -> dict[str, Array]:
    """Return the arrays of a case by name, each channel and each filter as rows and columns.

    Parameters
    ----------
    settings : mapping of str to object
        Of a case; a list of arrays is named by letters, as choices are.

    Examples
    --------
    >>> list(shown_grids({"input": np.ones((4, 4, 2)), "bias": 1, "scores": np.ones(3)}))
    ['input, channel 1', 'input, channel 2', 'scores']
    >>> list(shown_grids({"kernels": [np.ones((2, 2)), np.ones((2, 2))]}))
    ['kernel A', 'kernel B']
    """
    grids: dict[str, Array] = {}
    for name, value in settings.items():
        named = setting_name(name)
        if isinstance(value, np.ndarray) and value.ndim:
            grids |= _grids(named, value)
        elif isinstance(value, list) and value and isinstance(value[0], np.ndarray):
            for letter, each in zip("ABCDEFGH", value, strict=False):
                grids |= _grids(f"{named.removesuffix('s')} {letter}", each)
    return grids


def _grids(name: str, values: np.ndarray[Any, Any]) -> Iterator[tuple[str, Array]]:
    """Yield each channel of an array, and of each filter."""
    if values.ndim <= 2:
        yield name, np.atleast_2d(values)
        return
    *_, depth = values.shape
    for number in range(depth):
        kind = "filter" if values.ndim == 4 else "channel"
        part = name if depth == 1 else f"{name}, {kind} {number + 1}"
        yield from _grids(part, values[..., number])
