import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_lab.charts.snapshots import augmented_sheet
from cnn_lab.data.augmentation import augmented, thickened
from cnn_lab.data.mnist import load_mnist
from cnn_lab.data.pixels import sampled
from cnn_lab.network.spec import Augmentation
from cnn_lab.ops.types import ShapeError

EVERYTHING = {
    "shift": 2,
    "rotate": 15,
    "scale": 0.1,
    "shear": 10,
    "elastic": 1,
    "stroke": 1,
    "light": 0.2,
}


@pytest.fixture(scope="module")
def digits():
    return load_mnist().test.images[:200]


def changed(images, *, seed=0, **settings):
    return augmented(images, Augmentation(**settings), np.random.default_rng(seed))


def in_colour(images):
    """The same digits, once as they are, once turned upside down, once dimmed."""
    return np.concatenate([images, images[:, ::-1], images / 2], axis=-1)


def places(height, width):
    return np.meshgrid(
        np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32), indexing="ij"
    )


def test_with_nothing_switched_on_not_a_bit_is_changed(digits):
    numbers = np.random.default_rng(5)
    result = augmented(digits, Augmentation(), numbers)
    assert result.tobytes() == digits.tobytes()
    assert numbers.random() == np.random.default_rng(5).random()


def test_a_shift_moves_every_image_by_whole_pixels_and_blurs_nothing(digits):
    framed = np.pad(digits, ((0, 0), (2, 2), (2, 2), (0, 0)))
    moves = [(row, column) for row in range(5) for column in range(5)]
    seen = set()
    for index, result in enumerate(changed(digits, shift=2)):
        matching = [
            (row, column)
            for row, column in moves
            if np.array_equal(framed[index, row : row + 28, column : column + 28], result)
        ]
        assert len(matching) == 1
        seen.update(matching)
    assert seen == set(moves)


@pytest.mark.parametrize("setting", EVERYTHING)
def test_each_setting_changes_images_and_draws_anew_for_each(digits, setting):
    same = np.repeat(digits[:1], 50, axis=0)
    results = changed(same, **{setting: EVERYTHING[setting]})
    assert results.dtype == np.float32
    assert results.shape == same.shape
    assert (results.min(), results.max()) >= (0, 0)
    assert results.max() <= 1
    # Of whole pixels there are only 25 shifts; every other change is one of its own.
    n_different = len({result.tobytes() for result in results})
    assert n_different > 15 if setting == "shift" else n_different == 50


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_numbers_give_the_same_changes(digits, seed):
    first, again, other = (changed(digits, seed=s, **EVERYTHING) for s in (seed, seed, seed + 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("setting", ["rotate", "scale", "shear", "elastic"])
def test_the_ink_of_many_digits_stays_about_the_same(setting):
    many = load_mnist().test.images[:1000]
    ink = changed(many, **{setting: EVERYTHING[setting]}).mean()
    assert ink == pytest.approx(many.mean(), rel=0.02)


def test_turned_by_at_most_so_many_degrees(digits):
    # The direction in which a bar lies, from its second moments.
    bar = np.zeros((300, 41, 41, 1), np.float32)
    bar[:, 18:23, 5:36] = 1
    row, column = (place - 20 for place in places(41, 41))
    results = changed(bar, rotate=30)[..., 0]
    mixed = (results * row * column).sum(axis=(1, 2))
    spread = (results * (column**2 - row**2)).sum(axis=(1, 2))
    degrees = np.degrees(np.arctan2(2 * mixed, spread) / 2)
    assert np.abs(degrees).max() == pytest.approx(30, abs=1)
    assert degrees.min() < -25
    assert degrees.max() > 25


def test_sized_by_at_most_so_much():
    square = np.zeros((300, 41, 41, 1), np.float32)
    square[:, 10:31, 10:31] = 1
    factors = np.sqrt(changed(square, scale=0.2).sum(axis=(1, 2, 3))) / 21
    assert factors.min() == pytest.approx(0.8, abs=0.02)
    assert factors.max() == pytest.approx(1.2, abs=0.02)


def test_leaning_keeps_every_row_as_long():
    post = np.zeros((100, 41, 41, 1), np.float32)
    post[:, 5:36, 19:22] = 1
    results = changed(post, shear=45)[..., 0]
    np.testing.assert_allclose(results.sum(axis=2)[:, 6:35], 3, atol=0.01)
    tops = results[:, 6].argmax(axis=1)
    assert tops.min() < 10
    assert tops.max() > 30


def test_pulled_about_by_so_many_pixels_everywhere():
    # Two pictures that tell their own place: what is read off is where it was read.
    row, column = places(56, 56)
    ramps = np.stack([row, column], axis=-1) / 56
    images = np.repeat(ramps[np.newaxis], 800, axis=0)
    pulls = 56 * (changed(images, elastic=1.5) - images)[:, 8:-8, 8:-8]
    np.testing.assert_allclose(np.sqrt((pulls**2).mean(axis=0)), 1.5, rtol=0.15)
    # Neighbours move together.
    jumps = np.diff(pulls, axis=1)
    assert np.sqrt((jumps**2).mean()) < 0.4


@pytest.mark.parametrize("pixels", [-2, -1, 0, 1, 2])
def test_a_stroke_grows_by_so_many_pixels_across(pixels):
    line = np.zeros((1, 21, 21, 1), np.float32)
    line[:, 8:13] = 1
    result = thickened(line, np.array([pixels], np.float32))
    np.testing.assert_allclose(result.sum(axis=1), 5 + pixels, rtol=1e-6)


def test_light_changes_contrast_about_the_middle_and_keeps_to_its_bounds():
    steps = np.linspace(0.3, 0.7, 5, dtype=np.float32).reshape(1, 1, 5, 1)
    results = changed(np.repeat(steps, 500, axis=0), light=0.4)[:, 0, :, 0]
    contrasts = np.diff(results, axis=1) / 0.1
    np.testing.assert_allclose(contrasts, contrasts[:, :1].repeat(4, axis=1), atol=1e-4)
    assert contrasts.min() == pytest.approx(0.6, abs=0.02)
    assert contrasts.max() == pytest.approx(1.4, abs=0.02)
    brighter = results[:, 2] - 0.5
    assert (brighter.min(), brighter.max()) == pytest.approx((-0.2, 0.2), abs=0.01)


def test_light_never_leaves_what_a_picture_can_hold(digits):
    results = changed(digits, light=1)
    assert (results.min(), results.max()) == (0, 1)


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_read_in_another_order_an_image_is_turned_by_right_angles(digits, turn):
    row, column = places(28, 28)
    rows, columns = (np.rot90(place, turn)[np.newaxis] for place in (row, column))
    np.testing.assert_array_equal(sampled(digits[:1], rows, columns)[0], np.rot90(digits[0], turn))


def test_turned_by_ninety_degrees_is_turned_as_numpy_does(digits):
    class Ends(np.random.Generator):
        """Draws the end of every range."""

        def random(self, *args, **kwargs):
            return np.ones_like(super().random(*args, **kwargs))

    settings = Augmentation(rotate=90)
    result = augmented(digits[:20], settings, Ends(np.random.PCG64(0)))
    expected = np.rot90(digits[:20], 1, axes=(1, 2))
    np.testing.assert_allclose(result, expected, atol=1e-4)


def test_between_pixels_is_the_mean_weighted_by_nearness():
    image = np.array([[0, 1], [0.5, 0.25]], np.float32).reshape(1, 2, 2, 1)
    where = np.array([0.25], np.float32).reshape(1, 1, 1), np.array([0.5]).reshape(1, 1, 1)
    places_read = [np.broadcast_to(place, (1, 2, 2)).astype(np.float32) for place in where]
    by_hand = 0.75 * (0.5 * 0 + 0.5 * 1) + 0.25 * (0.5 * 0.5 + 0.5 * 0.25)
    np.testing.assert_allclose(sampled(image, *places_read), by_hand)


def test_outside_there_is_nothing(digits):
    rows, columns = (place[np.newaxis] + 1000 for place in places(28, 28))
    assert not sampled(digits[:1] + 1, rows, columns).any()
    assert not sampled(digits[:1] + 1, -rows, columns).any()


@pytest.mark.parametrize("setting", EVERYTHING)
def test_channels_move_together(digits, setting):
    settings = {setting: EVERYTHING[setting]}
    alone, together = changed(digits, **settings), changed(in_colour(digits), **settings)
    np.testing.assert_allclose(together[..., :1], alone, atol=1e-6)


@given(
    shape=st.tuples(*[st.integers(1, 9)] * 3, st.integers(1, 4)),
    settings=st.builds(
        Augmentation,
        shift=st.integers(0, 8),
        rotate=st.floats(0, 90),
        scale=st.floats(0, 0.5),
        shear=st.floats(0, 45),
        elastic=st.floats(0, 4),
        stroke=st.floats(0, 1.5),
        light=st.floats(0, 1),
    ),
    seed=st.integers(0, 99),
)
def test_any_shape_comes_out_as_it_went_in_and_within_range(shape, settings, seed):
    images = np.random.default_rng(seed).random(shape, np.float32)
    before = images.copy()
    result = augmented(images, settings, np.random.default_rng(seed))
    assert (result.shape, result.dtype) == (shape, np.float32)
    assert result.min() >= 0
    assert result.max() <= 1 + 1e-6
    np.testing.assert_array_equal(images, before)


def test_no_images_stay_no_images():
    assert changed(np.zeros((0, 28, 28, 1), np.float32), **EVERYTHING).shape == (0, 28, 28, 1)


def test_one_image_without_its_axis_is_refused(digits):
    with pytest.raises(ShapeError, match=r"\(n, height, width, channels\). Received"):
        changed(digits[0], rotate=3)


def test_a_sheet_shows_the_image_first_and_then_its_variants(digits):
    settings = Augmentation(**EVERYTHING)
    sheet, other = (
        augmented_sheet(digits[0], settings, n=6, columns=4, seed=seed) for seed in (3, 4)
    )
    assert sheet.shape == (2 * 28 + 1, 4 * 28 + 3, 3)
    for first in (sheet, other):
        np.testing.assert_array_equal(first[:28, :28, 0], np.round(255 * digits[0, ..., 0]))
    places_of = [(row, column) for row in (0, 29) for column in (0, 29, 58, 87)]
    cells = [sheet[row : row + 28, column : column + 28] for row, column in places_of]
    assert len({cell.tobytes() for cell in cells}) == 8
    assert len(np.unique(cells[7].reshape(-1, 3), axis=0)) == 1  # nothing is left for it
    assert not np.array_equal(sheet, other)


def test_a_sheet_in_colour_keeps_its_colours(digits):
    image = in_colour(digits[:1])[0]
    sheet = augmented_sheet(image, Augmentation(), n=2, columns=3)
    for column in (0, 29, 58):
        np.testing.assert_array_equal(
            sheet[:, column : column + 28], np.round(255 * image).astype(np.uint8)
        )
