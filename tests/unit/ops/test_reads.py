"""How often pixels and lines are read, against loops over every window."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_lab.ops.conv import conv2d_gradients
from cnn_lab.ops.reads import line_reads, read_counts
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.ops.types import PAD_MODES, ShapeError

BORDERS = st.tuples(st.integers(0, 3), st.integers(0, 3))
SETTINGS = st.builds(
    ConvolutionSettings,
    strides=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    padding=st.one_of(st.sampled_from(["valid", "same", "full"]), st.tuples(BORDERS, BORDERS)),
    dilation_rate=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    pad_mode=st.sampled_from(PAD_MODES),
)
SIZES = st.tuples(st.integers(5, 9), st.integers(5, 9))
WINDOWS = st.tuples(st.integers(1, 3), st.integers(1, 3))


def looped(size, window, settings):
    """Reads of the padded image and of the image, one window and one cell at a time."""
    geometry = settings.geometry(size, window)
    numbers = np.arange(size[0] * size[1]).reshape(size)
    if settings.pad_mode == "zeros":
        source = np.pad(numbers, geometry.borders, constant_values=-1)
    else:
        source = np.pad(numbers, geometry.borders, mode=settings.pad_mode)
    padded, image = np.zeros(source.shape, int), np.zeros(size, int)
    for i, j in np.ndindex(*geometry.positions):
        for m, n in np.ndindex(*window):
            row = i * settings.strides[0] + m * settings.dilation_rate[0]
            column = j * settings.strides[1] + n * settings.dilation_rate[1]
            padded[row, column] += 1
            if source[row, column] >= 0:
                image.ravel()[source[row, column]] += 1
    return geometry, padded, image


@settings(max_examples=60, deadline=None)
@given(SIZES, WINDOWS, SETTINGS)
def test_counts_are_those_of_a_loop_over_all_windows(size, window, chosen):
    """M16: pixels, their copies and the lines of the padding, with every kind of padding."""
    geometry, padded, image = looped(size, window, chosen)
    np.testing.assert_array_equal(read_counts(geometry, chosen.pad_mode), image)
    rows, columns = line_reads(geometry, chosen.pad_mode)
    np.testing.assert_array_equal(np.outer(rows.padded, columns.padded), padded)
    for axis, one in enumerate((rows, columns)):
        read_lines = np.flatnonzero(padded.any(axis=1 - axis))
        assert one.beyond == padded.shape[axis] - 1 - read_lines[-1]
        unread = ~image.any(axis=1 - axis)
        end = geometry.size[axis] - one.image_beyond
        assert (one.skipped, one.image_beyond - one.only_copied) == (
            unread[:end].sum(),
            unread[end:].sum(),
        )
        assert one.image_beyond + one.padding_beyond == one.beyond


@pytest.mark.parametrize("mode", PAD_MODES)
def test_counts_are_the_gradient_of_an_image_under_ones(mode):
    chosen = ConvolutionSettings((2, 1), ((2, 1), (0, 3)), (1, 2), pad_mode=mode)
    geometry = chosen.geometry((6, 7), (3, 2))
    ones = np.ones((1, *geometry.positions, 1))
    gradients = conv2d_gradients(np.ones((1, 6, 7, 1)), np.ones((3, 2, 1, 1)), ones, **vars(chosen))
    np.testing.assert_array_equal(gradients.images[0, ..., 0], read_counts(geometry, mode))


def test_a_corner_is_read_once_and_the_middle_nine_times():
    counts = read_counts(ConvolutionSettings().geometry((6, 6), (3, 3)))
    assert counts[0, 0] == 1
    assert counts[2, 2] == 9
    assert counts.sum() == 16 * 9


def test_a_border_with_more_pixels_than_there_are_to_mirror_is_refused():
    geometry = ConvolutionSettings(padding=5).geometry((4, 4), (3, 3))
    with pytest.raises(ShapeError, match="can add at most 3 rows"):
        read_counts(geometry, "reflect")
