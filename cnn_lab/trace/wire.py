"""Arrays as compact JSON.

Whole numbers are sent as base64 of the smallest little-endian type that holds them, values with
d decimals as whole multiples of 10**-d, rounded values as float32.
"""

import base64
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.trace.numbers import Precision

_INTEGER_TYPES = ("u1", "i1", "u2", "i2", "u4", "i4")


def pack_integers(numbers: NDArray[np.integer[Any]]) -> dict[str, Any]:
    """Return ``{"type", "base64"}`` for whole numbers of any shape, flattened row by row.

    Examples
    --------
    >>> pack_integers(np.array([0, 300]))
    {'type': 'u2', 'base64': 'AAAsAQ=='}
    """
    smallest, largest = int(numbers.min(initial=0)), int(numbers.max(initial=0))
    for name in _INTEGER_TYPES:
        limits = np.iinfo(name)
        if limits.min <= smallest and largest <= limits.max:
            return _pack(numbers, name)
    raise ValueError(
        f"Whole numbers on the wire must fit into 32 bits. Received: {smallest=}, {largest=}"
    )


def pack_values(values: NDArray[np.float64], precision: Precision) -> dict[str, Any]:
    """Return exact values as ``{"type", "base64", "decimals"}``, rounded ones as float32."""
    if not precision.exact:
        return _pack(values, "f4")
    scaled = np.rint(values * 10**precision.decimals)
    if np.abs(scaled).max(initial=0) >= 2**31:
        return _pack(values, "f8")
    return {**pack_integers(scaled.astype(np.int64)), "decimals": precision.decimals}


def pack_table(starts: NDArray[np.int64], cells: NDArray[np.int64]) -> dict[str, Any]:
    """Return the cells of all steps in as few bytes as possible.

    If all steps have the same shape, a window that only moves, only the first cell of each step
    (`firsts`) and the offsets from it (`offsets`) are sent.
    """
    sizes = np.diff(starts)
    if len(sizes) and sizes[0] and np.all(sizes == sizes[0]):
        table = cells.reshape(len(sizes), sizes[0])
        offsets = table[0] - table[0, 0]
        if np.array_equal(table, table[:, :1] + offsets):
            return {"firsts": pack_integers(table[:, 0]), "offsets": pack_integers(offsets)}
    return {"sizes": pack_integers(sizes), "cells": pack_integers(cells)}


def wire_size(wire: Any) -> int:
    """Return the size of the JSON text in bytes."""
    return len(json.dumps(wire).encode())


def _pack(numbers: NDArray[Any], name: str) -> dict[str, Any]:
    data = np.ascontiguousarray(numbers, dtype=np.dtype(name).newbyteorder("<")).tobytes()
    return {"type": name, "base64": base64.b64encode(data).decode("ascii")}
