"""Round trip through a transposed convolution: the shape returns, the values do not."""

from dataclasses import asdict, dataclass

import numpy as np

from cnn_lab.concepts.layer_call import ConvolutionSettings
from cnn_lab.ops import conv2d, conv2d_transpose
from cnn_lab.ops.transposed import transposed_geometry
from cnn_lab.ops.types import Array, Pair


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

    Keras goes on to the end of the last stride, even where the kernel does not reach it:

    >>> print(*transposed_length_latex(("H'", "W'"), (3, 3), (1, 1), settings))
    H' = W' = (3 - 1) \cdot 2 + 1 - 0 - 0 + (2 - 1) = 6
    """
    strides, borders, out_size = transposed_geometry(
        size, kernel_size, settings.strides, settings.padding
    )
    rows, columns = zip(size, kernel_size, strides, borders, out_size, strict=True)
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
    row, column : int
        Where the image changed most.
    before, after : float
        The values there.
    """

    large: Pair
    back: Pair
    row: int
    column: int
    before: float
    after: float

    @property
    def keeps_values(self) -> bool:
        """Whether every value is restored, up to rounding."""
        return abs(self.after - self.before) <= 1e-9 * max(1.0, abs(self.before))


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
    >>> trip.large, trip.back, trip.before, trip.after
    ((4, 4), (3, 3), 1.0, 16.0)
    """
    both = {name: asdict(settings)[name] for name in ("strides", "padding")}
    large = conv2d_transpose(image[np.newaxis], kernel, **both)
    back = conv2d(large, kernel, **both)[0, ..., 0]
    difference = np.abs(back - image[..., 0])
    row, column = (int(i) for i in np.unravel_index(difference.argmax(), difference.shape))
    return RoundTrip(
        (large.shape[1], large.shape[2]),
        (back.shape[0], back.shape[1]),
        row,
        column,
        float(image[row, column, 0]),
        float(back[row, column]),
    )
