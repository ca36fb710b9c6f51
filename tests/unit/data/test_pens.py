import numpy as np
import pytest

from cnn_lab.data.mnist import as_images
from cnn_lab.data.non_digits import KINDS, LETTERS, PIECES, REVERSED, SIGNS, non_digits
from cnn_lab.data.pens import DIGIT_SHARES, STYLES, drawn, numbers_of, pen_digits, strokes_of
from cnn_lab.data.pixels import centre_of_mass
from cnn_lab.network import Network

N_EACH = 40
ALIKE = set("BDIJLOQSZbgijloqsz")


@pytest.fixture(scope="module")
def digits():
    return pen_digits(1500, seed=0)


def test_a_seed_draws_the_same_and_another_seed_other_digits(digits):
    images, labels, names = pen_digits(100, seed=0)
    np.testing.assert_array_equal(images, digits[0][:100])
    np.testing.assert_array_equal(labels, digits[1][:100])
    assert names == digits[2][:100]
    assert not np.array_equal(images, pen_digits(100, seed=1)[0])


def test_labels_are_those_of_the_styles(digits):
    _, labels, names = digits
    assert labels.tolist() == [STYLES[name].digit for name in names]
    assert all(name.startswith(f"{STYLES[name].digit} ") for name in STYLES)


def test_digits_and_styles_are_drawn_as_often_as_the_table_says(digits):
    _, labels, names = digits
    shares = np.bincount(labels, minlength=10) / len(labels)
    assert np.abs(shares - DIGIT_SHARES).max() < 0.03
    assert sum(DIGIT_SHARES) == pytest.approx(1)
    assert set(names) == set(STYLES)
    sevens = [name for name in names if name[0] == "7"]
    assert sum(STYLES[name].family == "bar" for name in sevens) / len(sevens) == pytest.approx(
        0.76, abs=0.12
    )


def test_digits_lie_as_mnists_do(digits):
    for image in digits[0][:300, ..., 0]:
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        spans = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert max(spans) == 20
        assert image.max() >= 250
        # Edges count from 0: MNIST's centres are between 14 and 15.
        centre = centre_of_mass(image) + 0.5
        assert (centre >= 14 - 0.02).all()
        assert (centre <= 15 + 0.02).all()


@pytest.mark.parametrize("name", STYLES)
def test_each_style_is_read_as_its_digit_by_a_network_that_never_saw_it(name):
    images, labels, _ = pen_digits(N_EACH, seed=1, styles=[name])
    read = Network.load("champion").predict(as_images(images)).argmax(axis=1)
    counts = np.bincount(read, minlength=10)
    assert counts.argmax() == labels[0]
    assert counts[labels[0]] > N_EACH / 2


def test_a_seven_with_a_bar_has_two_strokes_that_cross():
    strokes = strokes_of("line 0 0 1 0 .5 1 | bar .5 .2 .2 0", numbers_of(0, 0))
    assert len(strokes) == 2
    np.testing.assert_allclose(strokes[1], [[0.55, 0.5], [0.95, 0.5]])


def test_a_recipe_knows_sums_products_and_where_it_has_come_to():
    recipe = "let a=.25 b=2*a-.1; line 0 0 a+b 1-b; line x+1 y"
    (stroke,) = strokes_of(recipe, numbers_of(0, 0))
    np.testing.assert_allclose(stroke, [[0, 0], [0.65, 0.6], [1.65, 0.6]])


def test_numbers_stay_within_their_intervals_and_reach_both_ends():
    ends = [
        strokes_of("line 0 0 -[.1,.3] .5+[-.2,.2]", numbers_of(0, index))[0][1]
        for index in range(300)
    ]
    low, high = np.min(ends, axis=0), np.max(ends, axis=0)
    np.testing.assert_allclose(low, [-0.3, 0.3], atol=0.02)
    np.testing.assert_allclose(high, [-0.1, 0.7], atol=0.02)


def test_ink_is_how_much_of_a_pixel_a_brush_covers():
    # Two pixels wide, with the middle on the edge between two columns.
    image = drawn([np.array([[0.0, 0.0], [0.0, 1.0]])], 2.0)
    assert image[14].tolist().count(255) == 2
    assert np.count_nonzero(image[14]) == 2
    # Three wide: two whole columns, and half of those beside them.
    wider = drawn([np.array([[0.0, 0.0], [0.0, 1.0]])], 3.0)
    assert sorted(wider[14])[-4:] == [128, 128, 255, 255]


def test_an_unknown_style_or_kind_is_named():
    with pytest.raises(ValueError, match="7 upside down"):
        pen_digits(1, seed=0, styles=["7 upside down"])
    with pytest.raises(ValueError, match="digit"):
        non_digits(1, seed=0, kinds=["digit"])  # type: ignore[list-item]
    assert pen_digits(0, seed=0)[0].shape == (0, 28, 28, 1)


def test_every_kind_of_non_digit_is_there_and_a_seed_repeats_it():
    images, kinds = non_digits(600, seed=0)
    assert set(kinds) == set(KINDS)
    assert images.dtype == np.uint8
    assert (images.max(axis=(1, 2, 3)) > 100).all()
    again, same = non_digits(50, seed=0)
    np.testing.assert_array_equal(again, images[:50])
    assert same == kinds[:50]
    assert not np.array_equal(again, non_digits(50, seed=1)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_can_be_asked_for_alone_and_each_drawing_differs(kind):
    images, kinds = non_digits(20, seed=0, kinds=[kind])
    assert set(kinds) == {kind}
    assert len({image.tobytes() for image in images}) == 20


def test_drawn_non_digits_lie_as_a_visitors_drawing_does():
    images, _ = non_digits(100, seed=0, kinds=["letter", "scribble", "pair"])
    for image in images[..., 0]:
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20


def test_letters_that_are_written_like_digits_are_not_among_the_non_digits():
    assert not ALIKE & LETTERS.keys()
    assert len(LETTERS) == 52 - len(ALIKE)
    assert all(strokes_of(form, numbers_of(0, 0)) for forms in SIGNS.values() for form in forms)
    assert {name for name, _ in (*PIECES, *REVERSED)} <= STYLES.keys()
