"""Digits: what is written is the value, or says that it is rounded."""

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_lab.trace import Precision, format_number
from cnn_lab.trace.numbers import decimals_needed, round_values

short_decimals = st.tuples(st.integers(-10_000, 10_000), st.integers(0, 4))


@given(st.lists(short_decimals, min_size=1, max_size=20), st.sampled_from([np.float32, np.float64]))
def test_short_decimals_are_kept_and_written_exactly(pairs, dtype):
    wanted = [Decimal(units).scaleb(-decimals) for units, decimals in pairs]
    values, precision = round_values(np.array([float(number) for number in wanted], dtype=dtype))
    assert precision.exact
    written = [Decimal(format_number(value, precision).replace("−", "-")) for value in values]
    assert written == wanted


@given(st.floats(-1e6, 1e6), st.integers(0, 5))
def test_rounded_values_round_half_away_from_zero(value, decimals):
    precision = Precision(decimals, exact=False)
    text = format_number(value, precision).replace("−", "-")
    quantum = Decimal(1).scaleb(-decimals - 1)
    assert Decimal(text) == Decimal(value).quantize(quantum, rounding=ROUND_HALF_UP)
    assert text != "-0"


@pytest.mark.parametrize(
    ("value", "precision", "text"),
    [
        (0.0, Precision(2, exact=False), "0"),
        (-0.0, Precision(2, exact=True), "0"),
        (-0.0001, Precision(2, exact=False), "0.000"),
        (10.0, Precision(1, exact=True), "10"),
        (-1.50, Precision(2, exact=True), "−1.5"),
        (0.5, Precision(2, exact=False), "0.5"),
        (100 / 255, Precision(2, exact=False), "0.392"),
    ],
)
def test_format_number(value, precision, text):
    assert format_number(value, precision) == text


@pytest.mark.parametrize(
    ("values", "decimals"),
    [([1 / 3, 0.9], 2), ([0.031, 1e-7], 3), ([31.4159265], 1), ([31415.9265358], 1)],
)
def test_rounded_values_show_about_three_digits_of_the_largest(values, decimals):
    assert round_values(np.array(values))[1] == Precision(decimals, exact=False)


def test_rounded_values_are_those_that_travel():
    values, _ = round_values(np.array([1 / 3]))
    assert values[0] == np.float32(1 / 3)
    assert values.dtype == np.float64


def test_decimals_needed_gives_up_where_asked():
    assert decimals_needed(np.array([0.125]), 2) is None
    assert decimals_needed(np.array([0.125]), 3) == 3
    assert decimals_needed(np.array([1000000.3]), 4) == 1


def test_precision_of_one_value():
    precision = Precision(2, exact=False)
    assert precision.writes(float(np.float32(0.2)))
    assert not precision.writes(float(np.float32(0.4980392)))
    assert Precision(0, exact=True).writes(3.0)
