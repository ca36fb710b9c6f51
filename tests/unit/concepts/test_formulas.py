"""Formulas and costs with the numbers of the page in them."""

import pytest

from cnn_lab.concepts.convolution import convolution_costs
from cnn_lab.concepts.formulas import output_length_latex, unread_sentence
from cnn_lab.ops.settings import ConvolutionSettings


def test_formulas_carry_the_readers_numbers():
    assert output_length_latex("H'", 6, 3, 2, (1, 1)).endswith(
        r"6 + 1 + 1 - 3}{2}\right\rfloor + 1 = 3"
    )
    assert "(2(3 - 1) + 1)" in output_length_latex("H'", 9, 3, 1, (0, 0), 2)


@pytest.mark.parametrize(
    ("size", "strides", "sentence"),
    [
        ((7, 7), (2, 2), ""),
        ((6, 7), (2, 2), "The floor drops a remainder: the last row is never read."),
        (
            (7, 8),
            (2, 3),
            "The floor drops a remainder: the last 2 columns are never read.",
        ),
    ],
)
def test_what_the_floor_drops_is_said(size, strides, sentence):
    assert unread_sentence(ConvolutionSettings(strides).geometry(size, (3, 3))) == sentence


def test_costs_are_products_written_out():
    costs = convolution_costs((3, 3, 16, 128), (12, 12))
    assert costs["weights"].endswith("= 144")
    assert costs["parameters"].endswith("= 18,560")
    assert costs["multiply_adds"].endswith("= 2,654,208")
