"""What windows read and miss: counts, remainders, two conventions of padding, long strides."""

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_lab.concepts.differences import differences
from cnn_lab.concepts.padding import (
    KERAS,
    PYTORCH,
    conventions,
    counts_sentence,
    floor_sentences,
    round_trip,
    ruler,
    strided_maps,
    transposed_length_latex,
)
from cnn_lab.data.kernels import KERNELS
from cnn_lab.data.mnist import load_mnist
from cnn_lab.ops import conv2d
from cnn_lab.ops.reads import read_counts
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.ops.sizes import effective_kernel_size
from cnn_lab.ops.types import ShapeError

PADDINGS = ("valid", "same", "full", ((2, 0), (1, 3)))
SETTINGS = st.builds(
    ConvolutionSettings,
    strides=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    padding=st.sampled_from(PADDINGS),
    dilation_rate=st.tuples(st.integers(1, 2), st.integers(1, 2)),
)
SIZES = st.tuples(st.integers(5, 9), st.integers(5, 9))
WINDOWS = st.tuples(st.integers(1, 3), st.integers(1, 3))


# --- how often each pixel is read


@pytest.mark.parametrize(
    ("size", "window", "settings", "said"),
    [
        ((6, 6), (1, 1), ConvolutionSettings(), ["once"]),
        ((6, 6), (3, 3), ConvolutionSettings(padding="full"), ["9 times"]),
        ((6, 6), (3, 3), ConvolutionSettings(strides=3), ["once"]),
        ((6, 6), (2, 2), ConvolutionSettings(strides=4), ["once", "20 of 36"]),
        ((7, 7), (3, 3), ConvolutionSettings(strides=3), ["once", "13 of 49"]),
        ((2, 1), (1, 1), ConvolutionSettings(strides=2), ["once", "1 of 2"]),
        ((6, 6), (3, 3), ConvolutionSettings(strides=2), ["once", "4 times", "11 of 36"]),
        (
            (3, 3),
            (2, 2),
            ConvolutionSettings(padding=((1, 0), (1, 0))),
            ["once", "4 times"],
        ),
    ],
)
def test_counts_are_said_in_words(size, window, settings, said):
    sentence = counts_sentence(read_counts(settings.geometry(size, window)))
    assert re.findall(r"once|\d+ times|\d+ of \d+", sentence) == said
    assert ("never read" in sentence) == any(" of " in part for part in said)


# --- what the floor drops


@pytest.mark.parametrize(
    ("size", "window", "settings", "division", "lost"),
    [
        ((6, 6), (3, 3), ConvolutionSettings(), ["6 + 0 + 0 − 3 = 3"], [""]),
        (
            (6, 6),
            (2, 2),
            ConvolutionSettings(strides=2),
            ["6 + 0 + 0 − 2 = 4, and 4 / 2 = 2"],
            [""],
        ),
        (
            (7, 6),
            (3, 3),
            ConvolutionSettings(strides=3),
            [
                "Rows: 7 + 0 + 0 − 3 = 4, and 4 / 3 = 1, remainder 1",
                "Columns: 6 + 0 + 0 − 3 = 3, and 3 / 3 = 1",
            ],
            ["the last row is", ""],
        ),
        (
            (6, 6),
            (3, 3),
            ConvolutionSettings(strides=2, padding="full"),
            ["6 + 2 + 2 − 3 = 7, and 7 / 2 = 3, remainder 1"],
            ["the last row and column of the padding are"],
        ),
        (
            (8, 8),
            (3, 3),
            ConvolutionSettings(strides=4, padding=((0, 1), (0, 1)), dilation_rate=2),
            ["8 + 0 + 1 − 5 = 4, and 4 / 4 = 1"],
            [""],
        ),
        (
            (9, 9),
            (2, 2),
            ConvolutionSettings(strides=4, padding=((0, 1), (0, 1))),
            ["9 + 0 + 1 − 2 = 8, and 8 / 4 = 2"],
            [""],
        ),
        (
            (8, 8),
            (2, 2),
            ConvolutionSettings(strides=5, padding=((0, 1), (0, 1))),
            ["8 + 0 + 1 − 2 = 7, and 7 / 5 = 1, remainder 2"],
            ["the last row and column of the image and the last row and column of the padding are"],
        ),
        (
            (8, 8),
            (3, 3),
            ConvolutionSettings(strides=4),
            ["8 + 0 + 0 − 3 = 5, and 5 / 4 = 1, remainder 1"],
            ["the last row and column are"],
        ),
        (
            (9, 9),
            (3, 3),
            ConvolutionSettings(strides=4),
            ["9 + 0 + 0 − 3 = 6, and 6 / 4 = 1, remainder 2"],
            ["the last 2 rows and columns are"],
        ),
    ],
)
def test_the_division_in_the_size_formula_is_worked_out(size, window, settings, division, lost):
    sentences = floor_sentences(size, window, settings)
    for sentence, numbers, lines in zip(sentences, division, lost, strict=True):
        assert sentence.startswith(numbers)
        assert ("remainder " in sentence) == ("remainder " in numbers)
        assert re.findall(r": (the last .*) never read\.$", sentence) == [lines] * bool(lines)


@given(SIZES, WINDOWS, SETTINGS)
def test_a_remainder_is_named_exactly_where_cells_are_left_over(size, window, settings):
    padded = [
        n + sum(border) for n, border in zip(size, settings.borders(size, window), strict=True)
    ]
    ends = []
    for axis in (0, 1):
        one = ruler(axis, size, window, settings)
        ends.append(one.windows[-1][-1] + one.before + 1)
    said = " ".join(floor_sentences(size, window, settings))
    assert ("never read" in said) == (ends != padded)


# --- Keras against PyTorch


def test_odd_kernels_at_stride_one_are_the_same_in_both_conventions():
    for kernel_size in ((1, 1), (3, 3), (5, 7)):
        both = conventions(kernel_size, ConvolutionSettings())
        borders = [each.borders((9, 8), kernel_size) for each in both.values()]
        assert borders[0] == borders[1]


def test_an_even_kernel_gets_one_more_position_in_pytorch():
    both = conventions((2, 2), ConvolutionSettings())
    keras, pytorch = (ruler(0, (6, 6), (2, 2), both[name]) for name in (KERAS, PYTORCH))
    assert (keras.before, keras.after, len(keras.windows)) == (0, 1, 6)
    assert (pytorch.before, pytorch.after, len(pytorch.windows)) == (1, 1, 7)


def test_at_stride_two_the_windows_of_the_two_libraries_lie_on_other_pixels():
    both = conventions((3, 3), ConvolutionSettings(strides=2))
    keras, pytorch = (ruler(0, (6, 6), (3, 3), both[name]) for name in (KERAS, PYTORCH))
    assert [window[0] for window in keras.windows] == [0, 2, 4]
    assert [window[0] for window in pytorch.windows] == [-1, 1, 3]


def test_a_dilated_kernel_is_padded_by_half_of_what_it_spans():
    both = conventions((3, 3), ConvolutionSettings(dilation_rate=2))
    assert both[PYTORCH].borders((9, 9), (3, 3)) == ((2, 2), (2, 2))
    assert ruler(0, (9, 9), (3, 3), both[PYTORCH]).windows[0] == (-2, 0, 2)


def test_the_largest_difference_is_found_and_rounding_is_none():
    first = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    second = np.array([[1.0, 2.5], [4.0 + 1e-12, 9.0], [0.0, 0.0]])
    found = differences(first, second)
    np.testing.assert_array_equal(found.differs, [[False, True], [False, True]])
    assert (found.cell, found.first, found.second) == ((1, 1), 5.0, 9.0)


def test_results_of_the_two_conventions_differ_where_windows_do():
    image = np.arange(36.0).reshape(1, 6, 6, 1)
    kernel = np.ones((3, 3, 1, 1))
    for stride, n_differing in ((1, 0), (2, 9)):
        both = conventions((3, 3), ConvolutionSettings(strides=stride))
        results = [
            conv2d(image, kernel, strides=each.strides, padding=each.padding)[0, ..., 0]
            for each in both.values()
        ]
        assert differences(*results).differs.sum() == n_differing


# --- long strides


def test_a_strided_map_is_every_so_manieth_result_of_the_whole_one():
    image = load_mnist().test.pixels[0].astype(float)
    kernel = KERNELS["sobel_columns"].values()
    maps = strided_maps(image, kernel)
    assert [one.stride for one in maps] == [1, 2, 3, 4, 5]
    for one in maps:
        settings = replace(ConvolutionSettings(), strides=one.stride)
        direct = conv2d(image[None, ..., None], kernel[..., None, None], strides=settings.strides)
        np.testing.assert_array_equal(one.values, direct[0, ..., 0])


def test_pixels_are_missed_once_the_stride_is_longer_than_the_kernel():
    image = np.ones((28, 28))
    maps = strided_maps(image, np.ones((3, 3)), (1, 3, 5))
    # 28 is 3 * 9 and one left over; at stride 5, windows of 3 at 0, 5, ..., 25.
    expected = [0, 1 - (27 / 28) ** 2, 1 - (18 / 28) ** 2]
    assert [one.unread_ink for one in maps] == pytest.approx(expected)


def test_a_ramp_is_drawn_again_without_loss_and_a_chequerboard_is_not():
    ramp = np.add.outer(np.arange(9.0), 2 * np.arange(9.0))
    board = np.indices((9, 9)).sum(axis=0) % 2.0
    once = np.ones((1, 1))
    assert [one.error for one in strided_maps(ramp, once, (1, 2, 4))] == pytest.approx([0, 0, 0])
    assert strided_maps(board, once, (2,))[0].error == pytest.approx(1)


def test_an_empty_picture_loses_nothing():
    for one in strided_maps(np.zeros((8, 8)), np.ones((3, 3))):
        assert (one.error, one.unread_ink) == (0, 0)


def test_a_kernel_larger_than_the_picture_is_refused():
    with pytest.raises(ShapeError, match="must fit"):
        strided_maps(np.ones((2, 2)), np.ones((3, 3)))


# --- there and back


@given(
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    WINDOWS,
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.sampled_from(["valid", "same"]),
)
def test_the_convolution_undoes_the_shape_of_its_transpose(size, window, strides, padding):
    settings = ConvolutionSettings(strides, padding)
    trip = round_trip(np.ones((*size, 1)), np.ones((*window, 1, 1)), settings)
    assert trip.back == size
    formulas = transposed_length_latex(("H", "W"), size, window, settings)
    assert tuple(int(each.rsplit("=", 1)[1]) for each in (formulas[0], formulas[-1])) == trip.large


def test_values_come_back_only_where_stamps_do_not_meet():
    image = np.arange(1.0, 10.0).reshape(3, 3, 1)
    once = round_trip(image, np.ones((1, 1, 1, 1)), ConvolutionSettings(strides=2))
    assert not once.changes.differs.any()
    summed = round_trip(image, np.ones((2, 2, 1, 1)), ConvolutionSettings(strides=2))
    # Four copies of the pixel are added up, so the largest pixel changes most.
    assert (summed.changes.cell, summed.changes.first, summed.changes.second) == ((2, 2), 9, 36)


def test_the_same_padding_cuts_what_the_kernel_adds():
    settings = ConvolutionSettings(strides=(2, 1), padding="same")
    formulas = transposed_length_latex(("H'", "W'"), (3, 4), (3, 3), settings)
    assert formulas == [
        r"H' = (3 - 1) \cdot 2 + 3 - 0 - 1 = 6",
        r"W' = (4 - 1) \cdot 1 + 3 - 1 - 1 = 4",
    ]


def test_the_libraries_agree_when_the_page_says_so() -> None:
    """U16: odd spans, exactly if the stride divides L - 1; even spans, never."""
    for length, k, stride, dilation in product(range(1, 15), range(1, 8), range(1, 6), (1, 2, 3)):
        settings = ConvolutionSettings(strides=stride, dilation_rate=dilation)
        keras, pytorch = (
            each.borders((length, length), (k, k))
            for each in conventions((k, k), settings).values()
        )
        span = effective_kernel_size(k, dilation)
        expected = span == 1 or (span % 2 == 1 and (length - 1) % stride == 0)
        assert (keras == pytorch) is expected, (length, k, stride, dilation)
