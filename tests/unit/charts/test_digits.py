"""Pictures of a drawing's preparation, and of what speaks for a digit in it."""

import numpy as np

from cnn_lab.charts.digits import (
    FACTOR,
    PICTURE_SIDE,
    marked,
    over_drawing,
    step_pictures,
)
from cnn_lab.charts.maps import NEGATIVE, POSITIVE
from cnn_lab.digits.drawing import STEPS, Preparation, prepare_steps

ACCENT = (176, 18, 111)


def bar() -> Preparation:
    rgba = np.zeros((280, 280, 4), np.uint8)
    rgba[40:240, 200:230] = 255
    steps = prepare_steps(rgba)
    assert steps is not None
    return steps


def test_each_step_has_a_picture_of_one_size() -> None:
    pictures = step_pictures(bar(), accent="#b0126f")
    assert list(pictures) == list(STEPS)
    assert {picture.shape for picture in pictures.values()} == {(PICTURE_SIDE, PICTURE_SIDE, 3)}
    assert tuple(pictures["ink"][40, 210]) == ACCENT  # the frame of the crop
    assert tuple(pictures["ink"][140, 215]) == (255, 255, 255)
    assert not pictures["ink"][:, :190].any()


def test_last_picture_is_the_image_with_the_frame_of_the_box() -> None:
    steps = bar()
    picture = step_pictures(steps, accent="#b0126f")["centre"]
    middles = picture[FACTOR // 2 :: FACTOR, FACTOR // 2 :: FACTOR, 0]
    np.testing.assert_array_equal(middles, np.round(255 * steps.image))
    row, column = steps.box_place
    assert tuple(picture[FACTOR * row, FACTOR * column]) == ACCENT


def test_colours_lie_behind_the_ink() -> None:
    image = np.zeros((4, 4), np.float32)
    image[0] = 1
    picture = over_drawing(image, np.array([[1.0, -1.0], [0.0, 0.5]]), limit=1.0)
    assert tuple(picture[1, 0]) == POSITIVE
    assert tuple(picture[1, 3]) == NEGATIVE
    assert (picture[0] > picture[1]).all()
    np.testing.assert_array_equal(picture[2, 0], picture[3, 1])


def test_marked_pixels_have_the_colour() -> None:
    image = np.full((2, 2), 0.5, np.float32)
    picture = marked(image, np.eye(2, dtype=bool), "#b0126f")
    assert [tuple(pixel) for pixel in picture.reshape(-1, 3)] == [
        ACCENT,
        (128, 128, 128),
        (128, 128, 128),
        ACCENT,
    ]
