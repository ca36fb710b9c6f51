"""Read counts of the pixels under a sliding window, and what the floor in the size drops."""

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from cnn_lab.concepts.layer_call import ConvolutionSettings
from cnn_lab.ops import conv2d_gradients
from cnn_lab.ops.sizes import conv_output_length, effective_kernel_size, unread_length
from cnn_lab.ops.types import Pair
from cnn_lab.ops.windows import output_size

Counts = NDArray[np.int64]

_WORDS = {0: "never", 1: "once", 2: "twice"}
_AXES = ("row", "column")


def read_counts(size: Pair, kernel_size: Pair, settings: ConvolutionSettings) -> Counts:
    """Return how many windows read each pixel of an image.

    Parameters
    ----------
    size, kernel_size : (int, int)
        Rows and columns of the image and of the kernel.
    settings : ConvolutionSettings
        Strides, padding, dilation and padding mode; the rest is ignored.

    Returns
    -------
    ndarray of int, shape `size`
        If the padding copies pixels, reading a copy counts towards the original pixel.

    Raises
    ------
    ShapeError
        If the window does not fit, or the padding needs more pixels than the image has.

    Notes
    -----
    With a kernel of ones and an output gradient of ones, each window adds one to every pixel
    that it reads: the count is the gradient of the image.

    Examples
    --------
    >>> read_counts((3, 3), (2, 2), ConvolutionSettings())
    array([[1, 2, 1],
           [2, 4, 2],
           [1, 2, 1]])
    """
    steps, dilation = settings.steps
    out_size = output_size(size, kernel_size, steps, settings.borders(size, kernel_size), dilation)
    plain = asdict(settings) | {"groups": 1, "flip_kernel": False}
    images, kernel = np.ones((1, *size, 1)), np.ones((*kernel_size, 1, 1))
    gradients = conv2d_gradients(images, kernel, np.ones((1, *out_size, 1)), **plain)
    return np.round(gradients.images[0, ..., 0]).astype(np.int64)


def counts_sentence(counts: Counts) -> str:
    """Return a sentence on the counts of the corner and of the other pixels.

    Examples
    --------
    >>> counts_sentence(read_counts((6, 6), (3, 3), ConvolutionSettings()))
    'The top left corner is read once, the most-read pixels 9 times.'
    """
    low, corner, high = int(counts.min()), int(counts[0, 0]), int(counts.max())
    if low == high:
        return f"Every pixel is read {_times(high)}."
    n_unread = int((counts == 0).sum())
    lost = f"{n_unread} of {counts.size} {'is' if n_unread == 1 else 'are'} never read"
    if 0 < corner < high:
        sentence = f"The top left corner is read {_times(corner)}, the most-read pixels"
        sentence += f" {_times(high)}"
        return f"{sentence}; {lost}." if n_unread else f"{sentence}."
    if n_unread:
        return f"The most-read pixels are read {_times(high)}; {lost}."
    return f"The least-read pixels are read {_times(low)}, the most-read {_times(high)}."


def floor_sentences(size: Pair, kernel_size: Pair, settings: ConvolutionSettings) -> list[str]:
    """Return the division in the size formula in words: one sentence per axis.

    Parameters
    ----------
    size, kernel_size : (int, int)
    settings : ConvolutionSettings

    Returns
    -------
    list of str
        One sentence for both axes if their numbers are the same.

    Examples
    --------
    >>> floor_sentences((7, 7), (3, 3), ConvolutionSettings(strides=3))
    ['7 + 0 + 0 − 3 = 4, and 4 / 3 = 1, remainder 1: the last row and column are never read.']
    """
    borders = settings.borders(size, kernel_size)
    steps, dilation = settings.steps
    rows, columns = zip(size, kernel_size, steps, borders, dilation, strict=True)
    if rows == columns:
        return [_floor_sentence(_AXES, *rows)]
    return [
        f"{name.capitalize()}s: {_floor_sentence((name,), *axis)}"
        for name, axis in zip(_AXES, (rows, columns), strict=True)
    ]


def _floor_sentence(
    names: tuple[str, ...], length: int, kernel_size: int, stride: int, border: Pair, dilation: int
) -> str:
    before, after = border
    span = effective_kernel_size(kernel_size, dilation)
    positions = conv_output_length(length, kernel_size, stride, border, dilation)
    left_over = unread_length(length, kernel_size, stride, border, dilation)
    room = length + before + after - span
    sentence = f"{length} + {before} + {after} − {span} = {room}"
    if stride > 1:
        sentence += f", and {room} / {stride} = {positions - 1}"
        sentence += f", remainder {left_over}" if left_over else " with no remainder"
    if not left_over:
        return f"{sentence}: the last window ends exactly at the edge."
    if left_over > after:
        n_lost, of_what = left_over - after, ""
    else:
        n_lost, of_what = left_over, " of the padding"
    plural = "s" if n_lost > 1 else ""
    lines = " and ".join(f"{name}{plural}" for name in names)
    verb = "is" if n_lost == 1 and len(names) == 1 else "are"
    number = f"{n_lost} " if n_lost > 1 else ""
    return f"{sentence}: the last {number}{lines}{of_what} {verb} never read."


def _times(n: int) -> str:
    return _WORDS.get(n, f"{n} times")
