"""A drawing becomes what MNIST would have made of it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

from cnn_lab.data.mnist import load_mnist
from cnn_lab.data.pixels import stroke_width
from cnn_lab.digits.drawing import (
    MIN_STROKE,
    STEPS,
    prepare_digit,
    prepare_steps,
    scale_to_box,
    trim,
    widen_strokes,
)
from cnn_lab.network import Network

# Down-stroke and bar of a seven, as shares of the canvas.
SEVEN = [(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]


def opaque(grey: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.dstack([grey, grey, grey, np.full_like(grey, 255)])


def drawn(
    *,
    size: tuple[int, int] = (280, 280),
    brush: int = 20,
    points: list[tuple[float, float]] = SEVEN,
    scale: float = 1.0,
    shift: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray[Any, Any]:
    """Draw a line through points; size is (width, height), points are (across, down)."""
    picture = Image.new("L", size)
    side = min(size)
    line = [(scale * x * side + shift[0], scale * y * side + shift[1]) for x, y in points]
    ImageDraw.Draw(picture).line(line, fill=255, width=brush, joint="curve")
    return opaque(np.asarray(picture))


def mass_centre(image: np.ndarray[Any, Any]) -> tuple[float, float]:
    middles = np.arange(28) + 0.5
    total = float(image.sum())
    down, across = image.sum(axis=1) @ middles, image.sum(axis=0) @ middles
    return float(down) / total, float(across) / total


@pytest.mark.parametrize("model", ["paper", "fast"])
def test_mnist_prepared_again_is_read_as_before(model: str) -> None:
    test = load_mnist().test
    again = np.stack([prepare_digit(opaque(image)) for image in test.pixels])[..., np.newaxis]
    changed = np.flatnonzero(np.abs(again - test.images).max(axis=(1, 2, 3)) > 0.005)
    # Images that did not change are read alike: only the others need the network.
    network = Network.load(model)
    labels = test.labels[changed]
    before = network.predict(test.images[changed]).argmax(axis=1) == labels
    after = network.predict(again[changed]).argmax(axis=1) == labels
    assert len(changed) < 0.01 * len(test)
    assert abs(int(after.sum()) - int(before.sum())) <= 0.0005 * len(test)


def test_mass_lies_where_mnist_has_it() -> None:
    pixels = load_mnist().test.pixels[:500]
    theirs = np.array([mass_centre(image) for image in pixels])
    ours = np.array([mass_centre(np.rint(255 * prepare_digit(opaque(image)))) for image in pixels])
    assert theirs.mean(axis=0) == pytest.approx([14.5, 14.5], abs=0.05)
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_nothing_drawn_has_no_image() -> None:
    assert prepare_digit(np.zeros((280, 280, 4), np.uint8)) is None
    assert prepare_digit(opaque(np.zeros((280, 280), np.uint8))) is None
    assert prepare_digit(opaque(np.full((280, 280), 20, np.uint8))) is None
    unseen = np.zeros((280, 280, 4), np.uint8)
    unseen[100:200, 100:200, :3] = 255  # white, but fully transparent
    assert prepare_digit(unseen) is None


@pytest.mark.parametrize("brush", [8, 14, 20, 28])
@pytest.mark.parametrize(("scale", "shift"), [(1.0, (0, 0)), (0.5, (120, 10)), (0.4, (5, 150))])
def test_seven_is_read_wherever_and_however_large(
    brush: int, scale: float, shift: tuple[float, float]
) -> None:
    image = prepare_digit(drawn(brush=round(brush * scale), scale=scale, shift=shift))
    assert image is not None
    assert image.shape == (28, 28)
    assert image.dtype == np.float32
    assert image.min() >= 0
    assert image.max() <= 1
    probabilities = Network.load("fast").predict(image[np.newaxis, ..., np.newaxis])[0]
    assert probabilities.argmax() == 7


def test_moving_a_drawing_changes_nothing() -> None:
    drawing = drawn(scale=0.6)
    here = prepare_digit(drawing)
    there = prepare_digit(np.roll(drawing, (90, 70), axis=(0, 1)))
    assert here is not None
    np.testing.assert_array_equal(here, there)


@pytest.mark.parametrize("size", [(280, 280), (400, 280), (200, 600), (28, 28)])
def test_proportions_are_kept_on_a_canvas_of_any_shape(size: tuple[int, int]) -> None:
    steps = prepare_steps(drawn(size=size, brush=max(2, min(size) // 14)))
    assert steps is not None
    assert max(steps.box.shape) == 20
    height, width = steps.stroke.shape
    box_height, box_width = steps.box.shape
    assert box_width == pytest.approx(box_height * width / height, abs=0.5)


@pytest.mark.parametrize("upright", [True, False])
def test_line_stays_a_line(upright: bool) -> None:
    points = [(0.5, 0.1), (0.5, 0.9)] if upright else [(0.1, 0.5), (0.9, 0.5)]
    image = prepare_digit(drawn(points=points))
    assert image is not None
    rows, columns = image.any(axis=1).sum(), image.any(axis=0).sum()
    assert (rows, columns) == ((20, 2) if upright else (2, 20))


def test_whole_canvas_filled_is_a_full_box() -> None:
    image = prepare_digit(np.full((280, 280, 4), 255, np.uint8))
    assert image is not None
    assert image.sum() == 400
    assert mass_centre(image) == (14, 14)


def test_filled_canvas_is_told_from_a_thick_bar() -> None:
    full = prepare_steps(np.full((280, 280, 4), 255, np.uint8))
    bar = prepare_steps(drawn(points=[(0.5, 0.1), (0.5, 0.9)], brush=60))
    assert full is not None
    assert bar is not None
    assert full.is_filled
    assert not bar.is_filled


@pytest.mark.parametrize("brush", [1, 8, 14, 28])
def test_dot_stays_a_dot(brush: int) -> None:
    row, column = np.mgrid[:280, :280]
    disc = np.hypot(row - 60, column - 200) <= brush / 2
    steps = prepare_steps(opaque(np.where(disc, 255, 0).astype(np.uint8)))
    assert steps is not None
    assert steps.is_speck
    assert max(steps.box.shape) <= 20 * max(brush, 5) / 35 + 1


def test_small_digit_is_no_speck() -> None:
    steps = prepare_steps(drawn(scale=0.3, brush=6))
    assert steps is not None
    assert not steps.is_speck
    assert max(steps.box.shape) == 20


def test_thin_pen_becomes_as_wide_as_mnist_has_it() -> None:
    for brush in (3, 8, 14):
        steps = prepare_steps(drawn(brush=brush))
        assert steps is not None
        width = stroke_width(steps.stroke) * 20 / max(steps.stroke.shape)
        assert width == pytest.approx(MIN_STROKE, abs=0.12)
    wide = trim(prepare_steps(drawn(brush=28)).ink)
    np.testing.assert_array_equal(widen_strokes(wide), wide)


@pytest.mark.parametrize("width", [4, 9, 20])
def test_width_of_a_line(width: int) -> None:
    line = np.zeros((200, 60), np.uint8)
    line[:, 10 : 10 + width] = 255
    ends = 2 * width * 200 / (2 * (200 + width))  # its two ends count as perimeter
    assert stroke_width(line) == pytest.approx(ends, rel=0.01)


def test_ink_is_luminance_times_opacity_stretched_to_full() -> None:
    rgba = np.zeros((1, 4, 4), np.uint8)
    rgba[0, 0] = (200, 200, 200, 255)
    rgba[0, 1] = (200, 200, 200, 128)
    rgba[0, 2] = (0, 200, 0, 255)
    strongest, half, green, nothing = prepare_steps(rgba).ink[0]
    assert strongest == 255
    assert half == pytest.approx(128, abs=1)
    assert green == pytest.approx(0.587 * 255, abs=2)
    assert nothing == 0


def test_box_holds_the_mean_of_what_each_pixel_covers() -> None:
    crop = np.zeros((40, 20), np.uint8)
    crop[:2, :2] = [[255, 0], [100, 45]]
    box = scale_to_box(crop)
    assert box.shape == (20, 10)
    assert int(box[0, 0]) == pytest.approx(100, abs=1)  # Pillow rounds after each direction
    assert box.sum(dtype=int) == box[0, 0]


FAINT = drawn(brush=4, scale=0.5, shift=(120, 10)) // 2 | np.uint8([0, 0, 0, 255])


def test_each_step_says_what_it_did() -> None:
    steps = prepare_steps(FAINT)
    assert steps is not None
    assert (steps.strongest, steps.ink.max()) == (127, 255)
    row, column = steps.crop_place
    height, width = steps.crop.shape
    np.testing.assert_array_equal(
        steps.ink[row : row + height, column : column + width], steps.crop
    )
    before, after = steps.stroke_widths
    assert before < after
    assert steps.scale == pytest.approx(20 / max(steps.stroke.shape))
    # A seven has its mass high up: in the middle of 28x28 it would lie 4 pixels from the top.
    down, right = steps.shift
    assert steps.box_place == (4 + down, (28 - steps.box.shape[1]) // 2 + right)
    assert down > 0
    image = np.zeros((28, 28))
    row, column = steps.box_place
    image[row : row + 20, column : column + steps.box.shape[1]] = steps.box
    np.testing.assert_allclose(steps.image, image / 255, atol=1e-7)


def test_step_left_out_does_nothing_and_the_others_go_on() -> None:
    whole = prepare_steps(FAINT)
    assert whole is not None
    left_out = {step: prepare_steps(FAINT, without={step}) for step in STEPS}
    assert left_out["ink"].ink.max() == 127
    assert left_out["crop"].crop.shape == (280, 280)
    assert left_out["crop"].crop_place == (0, 0)
    np.testing.assert_array_equal(left_out["widen"].stroke, whole.crop)
    assert max(left_out["box"].box.shape) == 28
    assert left_out["centre"].shift == (0, 0)
    for steps in left_out.values():
        assert steps.image.shape == (28, 28)
        assert not np.array_equal(steps.image, whole.image)
    bare = prepare_steps(FAINT, without=set(STEPS))
    np.testing.assert_array_equal(bare.box, bare.image * 255)


def test_dot_is_a_speck_without_cropping_too() -> None:
    dot = opaque(np.pad(np.full((20, 20), 255, np.uint8), 130))
    assert prepare_steps(dot, without={"crop"}).is_speck


def test_unknown_step_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"must be among .* Received: without=\{'slant'\}"):
        prepare_steps(FAINT, without={"slant"})


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((280, 280), np.uint8),
        np.zeros((280, 280, 3), np.uint8),
        np.zeros((280, 280, 4), np.float32),
    ],
)
def test_other_arrays_are_refused_by_name(array: np.ndarray[Any, Any]) -> None:
    with pytest.raises(ValueError, match=r"shape \(height, width, 4\)\. Received: rgba.shape="):
        prepare_digit(array)


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(4))),
)
def test_any_drawing_gives_an_image_or_nothing(rgba: np.ndarray[Any, Any]) -> None:
    image = prepare_digit(rgba)
    if image is not None:
        assert image.shape == (28, 28)
        assert 0 < image.max() <= 1
        assert np.isfinite(image).all()
