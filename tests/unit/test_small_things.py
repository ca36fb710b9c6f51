"""Kernels, samples, formulas, prose and shifts: the small modules behind the pages."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cnn_lab.concepts.convolution import convolution_costs
from cnn_lab.concepts.formulas import output_length_latex, unread_sentence
from cnn_lab.concepts.pooling import shift_response
from cnn_lab.content import prose
from cnn_lab.data.kernels import KERNELS
from cnn_lab.data.mnist import load_mnist
from cnn_lab.data.teaching_images import densest_crop, format_matrix, parse_matrix, stroke_image
from cnn_lab.ops.settings import ConvolutionSettings, PoolingSettings

# --- kernels


@pytest.mark.parametrize("name", list(KERNELS))
def test_every_kernel_keeps_its_sum_in_any_size_that_fits(name):
    kernel = KERNELS[name]
    expected = {"box": 1, "binomial": 1, "identity": 1, "sharpen": 1, "emboss": 1}.get(name, 0)
    for rows in range(1, 8):
        for columns in range(1, 8):
            if kernel.fits(rows, columns):
                values = kernel.values(rows, columns)
                assert values.shape == (rows, columns)
                total = rows * columns if name == "ones" else expected
                assert values.sum() == pytest.approx(total)
            else:
                with pytest.raises(ValueError, match="needs at least"):
                    kernel.values(rows, columns)


def test_sobel_is_the_product_of_its_formula():
    expected = np.outer([1, 2, 1], [-1, 0, 1])
    np.testing.assert_array_equal(KERNELS["sobel_columns"].values(), expected)
    np.testing.assert_array_equal(KERNELS["sobel_rows"].values(), expected.T)


@pytest.mark.parametrize("size", [(0, 3), (3, 8)])
def test_kernels_of_impossible_size_are_refused(size):
    with pytest.raises(ValueError, match="Received: "):
        KERNELS["box"].values(*size)


# --- samples

small = st.floats(-1000, 1000).map(lambda value: round(value, 3))


@given(arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=small))
def test_a_matrix_survives_its_text(matrix):
    read = parse_matrix(format_matrix(matrix), max_rows=6, max_columns=6)
    np.testing.assert_allclose(read, matrix, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1 2; 3", "All rows must have the same length"),
        ("1 two", "“two” in row 1 is not a number"),
        ("nan 1", "“nan” in row 1 is not a number"),
        ("1e400", "is not a number"),
        ("inf", "is not a number"),
        ("9999999", "between -1,000,000 and 1,000,000"),
        ("1 2 3 4", "At most 3 rows and 3 columns"),
        ("1;2;3;4", "At most 3 rows and 3 columns"),
        (";;", "at least one number"),
        ("1 " * 4000, "at most 6,000 characters"),
        ("<script>", "is not a number"),
    ],
)
def test_text_that_is_no_matrix_gets_a_sentence(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        parse_matrix(text, max_rows=3, max_columns=3)


def test_matrices_may_be_typed_with_commas_and_lines():
    expected = [[1, -0.5], [0.25, 2]]
    assert parse_matrix("1, -.5\n0.25 2.", max_rows=9, max_columns=9).tolist() == expected


def test_a_stroke_is_whole_numbers_that_its_seed_fixes():
    image = stroke_image(6, 7, channels=3, seed=4)
    assert image.shape == (6, 7, 3)
    np.testing.assert_array_equal(image, np.round(image))
    assert image.min() >= 0
    assert 5 <= image.max() <= 9
    np.testing.assert_array_equal(image[..., :1], stroke_image(6, 7, seed=4))
    assert not np.array_equal(image, stroke_image(6, 7, channels=3, seed=5))


@given(st.integers(0, 9_999), st.sampled_from([8, 14, 20, 28]))
def test_a_crop_lies_where_the_most_ink_is(index, size):
    image = load_mnist().test.image(index)
    crop = densest_crop(image, size)
    assert crop.shape == (size, size, 1)
    starts = range(28 - size + 1)
    sums = [image[r : r + size, c : c + size].sum() for r in starts for c in starts]
    assert crop.sum() == pytest.approx(max(sums))


def test_a_crop_larger_than_the_image_is_refused():
    with pytest.raises(ValueError, match="size=29"):
        densest_crop(np.zeros((28, 28)), 29)
    assert densest_crop(np.zeros((28, 28)), 8).shape == (8, 8)


# --- formulas and prose


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


def test_prose_wants_exactly_its_slots():
    assert "1,134,426" in prose("home", "question", n_parameters="1,134,426")
    with pytest.raises(KeyError, match="has the slots"):
        prose("home", "question")
    with pytest.raises(KeyError, match="has the slots"):
        prose("pooling", "prose", extra=1)


# --- shifts


def test_pooled_maps_follow_a_shift_by_whole_windows_exactly():
    image = np.zeros((8, 8))
    image[2:4, 0:2] = 1
    response = shift_response(image, PoolingSettings(), most=2)
    assert response.image.tolist() == pytest.approx([0, 1, 2**0.5])
    assert response.max_pooled.tolist() == pytest.approx([0, 1, 2**0.5])
    # One pixel to the right puts half of the square into the next window.
    assert response.average_pooled.tolist() == pytest.approx([0, 0.5**0.5, 2**0.5])


def test_an_empty_picture_does_not_move():
    assert shift_response(np.zeros((4, 4)), PoolingSettings(), most=3).max_pooled.tolist() == [
        0,
        0,
        0,
        0,
    ]
