"""Images drawn, cut out and typed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cnn_lab.data.mnist import load_mnist
from cnn_lab.data.teaching_images import densest_crop, format_matrix, parse_matrix, stroke_image

small = st.floats(-1000, 1000).map(lambda value: round(value, 3))


@given(arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=small))
def test_a_matrix_survives_its_text(matrix):
    read = parse_matrix(format_matrix(matrix), max_rows=6, max_columns=6)
    np.testing.assert_allclose(read, matrix, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1 2; 3", "row 1 has 2, row 2 has 1"),
        ("1 2; a", "“a” in row 2 is not a number"),
        ("1; 2 3 4 x", "“x” in row 2 is not a number"),
        ("1 two", "“two” in row 1 is not a number"),
        ("nan 1", "“nan” in row 1 is not a number"),
        ("1e400", "between −1,000,000 and 1,000,000"),
        ("0,5 1", "“0,5” in row 1 could be one number or two"),
        ("1 2; 0,5, 1,5", "“0,5” in row 2 could be one number or two"),
        ("inf", "is not a number"),
        ("9999999", "between −1,000,000 and 1,000,000"),
        ("1 2 3 4", "room for 3 × 3 numbers"),
        ("1;2;3;4", "room for 3 × 3 numbers"),
        (";;", "at least one number"),
        ("1 " * 4000, "at most 6,000 characters"),
        ("<script>", "is not a number"),
    ],
)
def test_text_that_is_no_matrix_gets_a_sentence(text, sentence):
    """U8: what is no number is named before rows are counted; a comma is never guessed at."""
    with pytest.raises(ValueError, match=sentence):
        parse_matrix(text, max_rows=3, max_columns=3)


def test_matrices_may_be_typed_with_commas_and_lines():
    expected = [[1, -0.5], [0.25, 2]]
    assert parse_matrix("1, -.5\n0.25 2.", max_rows=9, max_columns=9).tolist() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,0,-1; 2,0,-2", [[1, 0, -1], [2, 0, -2]]),
        ("1, 0 , -1", [[1, 0, -1]]),
        ("−1 2.5e-1", [[-1, 0.25]]),
        ("1 2;; 3 4;", [[1, 2], [3, 4]]),
        ("\u00a01\u00a02\t", [[1, 2]]),
    ],
)
def test_ways_to_write_a_matrix(text, expected):
    """U8: what can only mean one thing is read, a copied minus sign included."""
    assert parse_matrix(text, max_rows=9, max_columns=9).tolist() == expected


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
