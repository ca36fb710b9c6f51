"""Formulas and costs with the numbers of the page in them."""

import re

import pytest

from cnn_lab.concepts.convolution import convolution_costs
from cnn_lab.concepts.formulas import output_length_latex, unread_sentence
from cnn_lab.concepts.padding import floor_sentences
from cnn_lab.ops.reads import read_counts
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.ops.types import PAD_MODES


def test_formulas_carry_the_readers_numbers():
    assert output_length_latex("H'", 6, 3, 2, (1, 1)).endswith(
        r"6 + 1 + 1 - 3}{2}\right\rfloor + 1 = 3"
    )
    assert "(2(3 - 1) + 1)" in output_length_latex("H'", 9, 3, 1, (0, 0), 2)


ODD_ONE_OUT = ((1, 0), (1, 0))


@pytest.mark.parametrize(
    ("size", "settings", "sentence"),
    [
        ((7, 7), ConvolutionSettings(2), ""),
        (
            (6, 7),
            ConvolutionSettings(2),
            "The floor drops a remainder: the last row is never read.",
        ),
        (
            (7, 8),
            ConvolutionSettings((2, 3)),
            "The floor drops a remainder: the last 2 columns are never read.",
        ),
        (
            (6, 6),
            ConvolutionSettings(2, padding=1),
            "The floor drops a remainder: the last row and column of the padding are never read.",
        ),
        (
            (6, 6),
            ConvolutionSettings(3, padding=((1, 1), (0, 1))),
            "The floor drops a remainder: the last row of the image and the last row and column of "
            "the padding are never read.",
        ),
        (
            (6, 6),
            ConvolutionSettings(3, padding=ODD_ONE_OUT),
            "The floor drops a remainder: the last row and column of the image are never read.",
        ),
        (
            (6, 6),
            ConvolutionSettings(3, padding=ODD_ONE_OUT, pad_mode="wrap"),
            "The floor drops a remainder: the last row and column of the image are read only as "
            "copies in the padding.",
        ),
        (
            (7, 6),
            ConvolutionSettings(3, padding=ODD_ONE_OUT, pad_mode="wrap"),
            "The floor drops a remainder: the last column of the image is read only as a copy in "
            "the padding; of the last 2 rows of the image, 1 is read only as a copy in the "
            "padding and 1 never.",
        ),
        ((7, 8), ConvolutionSettings((4, 5)), "The windows skip 1 row and 2 columns."),
    ],
)
def test_what_no_window_reads_is_said(size, settings, sentence):
    """M16: of the image or of its padding, never or only as a copy."""
    geometry = settings.geometry(size, (3, 3))
    assert unread_sentence(geometry, settings.pad_mode) == sentence


@pytest.mark.parametrize("mode", PAD_MODES)
@pytest.mark.parametrize("stride", range(1, 6))
@pytest.mark.parametrize("border", [(0, 0), (1, 0), (0, 1), (1, 1), (2, 3)])
def test_pages_agree_on_what_is_read(mode, stride, border):
    """M16: where the counts say that every pixel is read, no sentence says "never" of the image."""
    for length in range(4, 10):
        settings = ConvolutionSettings(stride, (border, border), pad_mode=mode)
        geometry = settings.geometry((length, length), (3, 3))
        said = unread_sentence(geometry, mode)
        floors = " ".join(floor_sentences((length, length), (3, 3), settings))
        unread = bool((read_counts(geometry, mode) == 0).any())
        clauses = re.split(r"[:;.]", said)
        never = [part for part in clauses if part.endswith(("never read", "never"))]
        of_image = [part for part in never if "image" in part or "padding" not in part]
        assert unread == bool(of_image or "skip" in said)
        dropped = said.removesuffix(".").partition("remainder: ")[2].partition(". ")[0]
        assert dropped in floors


def test_costs_are_products_written_out():
    costs = convolution_costs((3, 3, 16, 128), (12, 12))
    assert costs["weights"].endswith("= 144")
    assert costs["parameters"].endswith("= 18,560")
    assert costs["multiply_adds"].endswith("= 2,654,208")
