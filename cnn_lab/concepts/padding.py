"""Padding conventions, read counts, strides and transposed convolution, in numbers and words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cnn_lab.concepts.differences import Differences, differences
from cnn_lab.concepts.formulas import beyond_words
from cnn_lab.ops import conv2d, conv2d_transpose
from cnn_lab.ops.reads import Counts, LineReads, line_reads, read_counts
from cnn_lab.ops.settings import Axis, ConvolutionSettings
from cnn_lab.ops.sizes import effective_kernel_size
from cnn_lab.ops.transposed import transposed_geometry
from cnn_lab.ops.types import Array, Borders, Pair

KERAS, PYTORCH = "Keras", "PyTorch"
_WORDS = {0: "never", 1: "once", 2: "twice"}
_AXES = ("row", "column")


def conventions(kernel_size: Pair, settings: ConvolutionSettings) -> dict[str, ConvolutionSettings]:
    """Return the settings with the padding of each library.

    Parameters
    ----------
    kernel_size : (int, int)
    settings : ConvolutionSettings
        Strides and dilation; their padding is replaced.

    Returns
    -------
    dict of str to ConvolutionSettings
        "Keras": ``padding="same"``, ``ceil(size / stride)`` positions, with an odd pixel
        after. "PyTorch": ``padding=k // 2``, where k is the span of a dilated kernel:
        the same before and after, for any size and stride.

    References
    ----------
    .. [1] Keras, `keras.layers.Conv2D`: `padding`.
    .. [2] PyTorch, `torch.nn.Conv2d`: `padding`.

    Examples
    --------
    >>> both = conventions((3, 3), ConvolutionSettings(strides=2))
    >>> {name: each.borders((6, 6), (3, 3))[0] for name, each in both.items()}
    {'Keras': (0, 1), 'PyTorch': (1, 1)}
    """
    halves = [
        effective_kernel_size(k, d) // 2
        for k, d in zip(kernel_size, settings.dilation_rate, strict=True)
    ]
    symmetric: Borders = ((halves[0], halves[0]), (halves[1], halves[1]))
    return {
        KERAS: replace(settings, padding="same"),
        PYTORCH: replace(settings, padding=symmetric),
    }


@dataclass(frozen=True)
class Ruler:
    """Positions of the windows along one axis.

    Attributes
    ----------
    length, before, after : int
        Pixels of the image and of its padding.
    windows : tuple of tuple of int
        The pixels that each window reads; 0 is the first of the image, padding lies outside.
    """

    length: int
    before: int
    after: int
    windows: tuple[tuple[int, ...], ...]


def ruler(axis: int, size: Pair, kernel_size: Pair, settings: ConvolutionSettings) -> Ruler:
    """Return the windows along an axis: 0 for rows, 1 for columns.

    Raises
    ------
    ShapeError
        If no window fits.

    Examples
    --------
    >>> ruler(0, (4, 4), (2, 2), ConvolutionSettings(strides=2, padding="same")).windows
    ((0, 1), (2, 3))
    """
    geometry = settings.geometry(size, kernel_size)
    step, dilation = geometry.strides[axis], geometry.dilation_rate[axis]
    before, after = geometry.borders[axis]
    windows = tuple(
        tuple(position * step - before + cell * dilation for cell in range(kernel_size[axis]))
        for position in range(geometry.positions[axis])
    )
    return Ruler(size[axis], before, after, windows)


def size_after(n_layers: int, size: Pair, kernel_size: Pair, settings: ConvolutionSettings) -> Pair:
    """Return the rows and columns of a map after layers that all have these settings.

    Raises
    ------
    ShapeError
        If one of the layers does not fit.

    Examples
    --------
    >>> size_after(2, (6, 6), (3, 3), ConvolutionSettings())
    (2, 2)
    """
    for _ in range(n_layers):
        size = settings.geometry(size, kernel_size).positions
    return size


def counts_sentence(counts: Counts) -> str:
    """Return a sentence on the counts of the corner and of the other pixels.

    Examples
    --------
    >>> counts_sentence(read_counts(ConvolutionSettings().geometry((6, 6), (3, 3))))
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
    geometry = settings.geometry(size, kernel_size)
    reads = dict(zip(_AXES, line_reads(geometry, settings.pad_mode), strict=True))
    rows, columns = geometry.axes
    if rows == columns:
        return [_floor_sentence(rows, reads)]
    return [
        f"{name.capitalize()}s: {_floor_sentence(axis, {name: reads[name]})}"
        for name, axis in zip(_AXES, (rows, columns), strict=True)
    ]


def _floor_sentence(axis: Axis, reads: Mapping[str, LineReads]) -> str:
    length, kernel_size, stride, (before, after), dilation = axis
    span = effective_kernel_size(kernel_size, dilation)
    room = length + before + after - span
    steps, left_over = divmod(room, stride)
    sentence = f"{length} + {before} + {after} − {span} = {room}"
    if stride > 1:
        sentence += f", and {room} / {stride} = {steps}"
        sentence += f", remainder {left_over}" if left_over else " with no remainder"
    return f"{sentence}: {beyond_words(reads) or 'the last window ends exactly at the edge'}."


def _times(n: int) -> str:
    return _WORDS.get(n, f"{n} times")


@dataclass(frozen=True, eq=False)
class StridedMap:
    """A map made with one stride, and its losses.

    Attributes
    ----------
    stride : int
    values : ndarray, shape (rows, columns)
    unread_ink : float
        Share of the image's magnitude on pixels that no window reads, 0 to 1.
    error : float
        Reconstruction error of the map at stride 1, by linear interpolation between the
        remaining values: length of the difference over the length of the map.
    """

    stride: int
    values: Array
    unread_ink: float
    error: float


def strided_maps(
    image: Array, kernel: Array, strides: Sequence[int] = (1, 2, 3, 4, 5)
) -> list[StridedMap]:
    """Slide a kernel over an image with several strides, without padding.

    Parameters
    ----------
    image : ndarray, shape (height, width)
    kernel : ndarray, shape (kernel_height, kernel_width)
    strides : sequence of int

    Raises
    ------
    ShapeError
        If the kernel does not fit.

    Examples
    --------
    A window of one pixel leaves out three of four pixels at stride 2:

    >>> [one.unread_ink for one in strided_maps(np.ones((4, 4)), np.ones((1, 1)), (1, 2))]
    [0.0, 0.75]
    """
    size, window = (image.shape[0], image.shape[1]), (kernel.shape[0], kernel.shape[1])
    whole = conv2d(image[np.newaxis, ..., np.newaxis], kernel[..., np.newaxis, np.newaxis])
    dense: Array = whole[0, ..., 0]
    ink = float(np.abs(image).sum())
    results = []
    for stride in strides:
        counts = read_counts(ConvolutionSettings(strides=stride).geometry(size, window))
        unread = float(np.abs(image[counts == 0]).sum())
        kept = dense[::stride, ::stride]
        results.append(
            StridedMap(stride, kept, unread / ink if ink else 0.0, _error(dense, kept, stride))
        )
    return results


def _error(dense: Array, kept: Array, stride: int) -> float:
    """Return the reconstruction error of `dense` from every `stride`-th number."""
    rows, columns = (_lines(length, stride) for length in dense.shape)
    drawn = rows @ kept @ columns.T
    size = float(np.sqrt(np.square(dense).sum()))
    return float(np.sqrt(np.square(dense - drawn).sum())) / size if size else 0.0


def _lines(length: int, stride: int) -> Array:
    """Return the weights of every `stride`-th number in the linear interpolation."""
    places = np.arange(0, length, stride)
    units = np.eye(len(places))
    return np.stack([np.interp(np.arange(length), places, unit) for unit in units], axis=1)


def transposed_length_latex(
    names: tuple[str, str], size: Pair, kernel_size: Pair, settings: ConvolutionSettings
) -> list[str]:
    r"""Return the size formula of a transposed convolution with its numbers, axis by axis.

    Parameters
    ----------
    names : (str, str)
        Symbols of the output's rows and columns.
    size, kernel_size : (int, int)
    settings : ConvolutionSettings
        Only strides and padding are used.

    Returns
    -------
    list of str
        One formula for both axes if their numbers are the same.

    Examples
    --------
    >>> settings = ConvolutionSettings(strides=2)
    >>> print(*transposed_length_latex(("H'", "W'"), (3, 3), (3, 3), settings))
    H' = W' = (3 - 1) \cdot 2 + 3 - 0 - 0 = 7

    Keras continues to the end of the last stride, even if the kernel does not reach it:

    >>> print(*transposed_length_latex(("H'", "W'"), (3, 3), (1, 1), settings))
    H' = W' = (3 - 1) \cdot 2 + 1 - 0 - 0 + (2 - 1) = 6
    """
    geometry = transposed_geometry(size, kernel_size, settings.strides, settings.padding)
    rows, columns = zip(
        size, kernel_size, geometry.strides, geometry.borders, geometry.size, strict=True
    )
    if rows == columns:
        return [f"{names[0]} = {names[1]} = {_worked_out(*rows)}"]
    return [
        f"{name} = {_worked_out(*axis)}" for name, axis in zip(names, (rows, columns), strict=True)
    ]


def _worked_out(length: int, kernel_size: int, stride: int, border: Pair, result: int) -> str:
    before, after = border
    text = rf"({length} - 1) \cdot {stride} + {kernel_size} - {before} - {after}"
    if result > (length - 1) * stride + kernel_size - before - after:
        text += f" + ({stride} - {kernel_size})"
    return f"{text} = {result}"


@dataclass(frozen=True)
class RoundTrip:
    """An image after a transposed convolution and the matching convolution.

    Attributes
    ----------
    large, back : (int, int)
        Rows and columns after the first, and after both.
    changes : Differences
        Between the image and what came back.
    """

    large: Pair
    back: Pair
    changes: Differences


def round_trip(image: Array, kernel: Array, settings: ConvolutionSettings) -> RoundTrip:
    """Pass an image through a transposed convolution and back through the convolution.

    Parameters
    ----------
    image : ndarray, shape (height, width, 1)
    kernel : ndarray, shape (kernel_height, kernel_width, 1, 1)
    settings : ConvolutionSettings
        Only strides and padding are used, in both directions.

    Raises
    ------
    ShapeError
        If the padding leaves nothing.

    Examples
    --------
    >>> trip = round_trip(np.ones((3, 3, 1)), np.ones((2, 2, 1, 1)), ConvolutionSettings())
    >>> trip.large, trip.back, trip.changes.first, trip.changes.second
    ((4, 4), (3, 3), 1.0, 16.0)
    """
    large = conv2d_transpose(
        image[np.newaxis], kernel, strides=settings.strides, padding=settings.padding
    )
    back = conv2d(large, kernel, strides=settings.strides, padding=settings.padding)[0, ..., 0]
    return RoundTrip(large.shape[1:3], back.shape, differences(image[..., 0], back))
