"""What travels is what was computed, and it is small."""

import base64
import json

import numpy as np
import pytest

from cnn_lab.data.mnist import load_mnist
from cnn_lab.trace import Precision, convolution_trace, max_pool_trace
from cnn_lab.trace.wire import pack_integers, pack_table, pack_values, wire_size

SOBEL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])[:, :, np.newaxis, np.newaxis]


def unpack(packed):
    numbers = np.frombuffer(base64.b64decode(packed["base64"]), f"<{packed['type']}")
    return numbers / 10 ** packed["decimals"] if "decimals" in packed else numbers


def unpack_table(packed):
    if "cells" in packed:
        return unpack(packed["cells"])
    firsts, offsets = unpack(packed["firsts"]), unpack(packed["offsets"])
    return (firsts.astype(int)[:, np.newaxis] + offsets.astype(int)).ravel()


@pytest.mark.parametrize(
    ("numbers", "name"),
    [
        ([0, 255], "u1"),
        ([-1, 127], "i1"),
        ([256], "u2"),
        ([-129], "i2"),
        ([2**16], "u4"),
        ([-(2**31)], "i4"),
        ([], "u1"),
    ],
)
def test_integers_take_the_smallest_type(numbers, name):
    packed = pack_integers(np.array(numbers, dtype=np.int64))
    assert packed["type"] == name
    assert unpack(packed).tolist() == numbers


def test_integers_beyond_32_bits_are_refused():
    with pytest.raises(ValueError, match="must fit into 32 bits"):
        pack_integers(np.array([2**32]))


def test_exact_values_survive_to_the_last_bit():
    values = np.array([0.1, -2.75, 1234.5])
    assert (unpack(pack_values(values, Precision(2, exact=True))) == values).all()
    huge = np.array([1e12 + 0.5])
    assert (unpack(pack_values(huge, Precision(1, exact=True))) == huge).all()


def test_tables_of_unequal_steps_survive():
    starts, cells = np.array([0, 2, 3, 6]), np.array([5, 6, 5, 1, 2, 300])
    packed = pack_table(starts, cells)
    assert unpack_table(packed).tolist() == cells.tolist()
    assert unpack(packed["sizes"]).tolist() == [2, 1, 3]


def test_tables_of_a_moving_window_are_short():
    starts = np.arange(5) * 2
    packed = pack_table(starts, np.array([0, 3, 1, 4, 2, 5, 7, 10]))
    assert unpack(packed["offsets"]).tolist() == [0, 3]
    assert unpack_table(packed).tolist() == [0, 3, 1, 4, 2, 5, 7, 10]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("flip_kernel", [False, True])
def test_a_trace_survives(padding, flip_kernel):
    random = np.random.default_rng(3)
    trace = convolution_trace(
        random.random((7, 6, 2)).astype(np.float32),
        random.integers(-3, 4, (3, 2, 2, 3)),
        np.array([0.5, 0.25, 0.0]),
        padding=padding,
        flip_kernel=flip_kernel,
    )
    wire = json.loads(json.dumps(trace.to_wire()))
    assert (unpack_table(wire["reads"]) == trace.reads).all()
    assert (unpack_table(wire["weights"]) == trace.weights).all()
    assert (unpack(wire["writes"]) == trace.writes).all()
    assert (unpack(wire["biases"]) == trace.biases).all()
    assert (unpack(wire["partials"]) == trace.partials.ravel()).all()
    for packed, grid in zip(wire["grids"], trace.grids, strict=True):
        assert (unpack(packed["values"]) == grid.values.ravel()).all()
        assert packed["firstId"] == grid.first_id
        mask = unpack(packed["mask"]) if packed["mask"] else np.zeros(grid.values.size)
        assert (mask == grid.mask.ravel()).all()


def test_minus_infinity_travels_as_nothing():
    trace = max_pool_trace(np.ones((3, 3)), padding="same")
    wire = json.loads(json.dumps(trace.to_wire(), allow_nan=False))
    assert unpack(wire["grids"][0]["values"]).tolist().count(0) == 7


def test_default_traces_are_light():
    small = convolution_trace(np.arange(36).reshape(6, 6), SOBEL)
    digit = convolution_trace(load_mnist().test.images[0], SOBEL)
    assert wire_size(small.to_wire()) < 3_000
    assert wire_size(digit.to_wire()) < 20_000
