"""Sizes, padding, remainders, receptive fields and costs of convolution in whole numbers.

All arithmetic is exact. Sizes are computed one axis at a time, because rows and columns do not
influence each other; costs take whole shapes.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from cnn_lab.ops.types import Borders, Pair, ShapeError, check_at_least


def effective_kernel_size(kernel_size: int, dilation_rate: int = 1) -> int:
    """Return the number of pixels that a dilated kernel spans, gaps included.

    Examples
    --------
    >>> effective_kernel_size(3, dilation_rate=2)
    5
    """
    check_at_least(1, kernel_size=kernel_size, dilation_rate=dilation_rate)
    return dilation_rate * (kernel_size - 1) + 1


def conv_output_length(
    length: int,
    kernel_size: int,
    stride: int = 1,
    padding: tuple[int, int] = (0, 0),
    dilation_rate: int = 1,
) -> int:
    """Return the number of positions of a window along one axis.

    Parameters
    ----------
    length : int
        Pixels of the image along this axis, at least 1.
    kernel_size : int
        Cells of the kernel along this axis, at least 1.
    stride : int
        Step of the window in pixels, at least 1.
    padding : (int, int)
        Pixels added before and after, each at least 0.
    dilation_rate : int
        Distance between neighbouring kernel cells in pixels, at least 1.

    Returns
    -------
    int
        ``floor((length + before + after - span) / stride) + 1``.

    Raises
    ------
    ShapeError
        If the window spans more pixels than the padded image has.

    References
    ----------
    .. [1] Dumoulin and Visin (2016), arXiv:1603.07285, relationships 6 and 15.

    Examples
    --------
    Three positions, and the last padded pixel is never read:

    >>> conv_output_length(6, 3, stride=2, padding=(1, 1))
    3
    """
    check_at_least(1, length=length, stride=stride)
    before, after = padding
    check_at_least(0, padding_before=before, padding_after=after)
    span = effective_kernel_size(kernel_size, dilation_rate)
    padded = length + before + after
    if span > padded:
        raise ShapeError(
            f"The window must fit into the padded image: it spans {span} pixels, "
            f"the image with its padding has {padded}. "
            f"Received: length={length}, kernel_size={kernel_size}, "
            f"padding={padding}, dilation_rate={dilation_rate}"
        )
    return (padded - span) // stride + 1


def same_padding(
    length: int, kernel_size: int, stride: int = 1, dilation_rate: int = 1
) -> tuple[int, int]:
    """Return the padding (before, after) that gives ``ceil(length / stride)`` outputs.

    If the total is odd, the extra pixel goes after, as in Keras and TensorFlow.
    The textbook ``(k - 1) / 2`` on both sides holds only for odd kernels at stride 1.

    Examples
    --------
    The 2x2 kernel of the source paper's first layer:

    >>> same_padding(28, 2)
    (0, 1)
    >>> same_padding(6, 3, stride=2)
    (0, 1)
    """
    check_at_least(1, length=length, stride=stride)
    span = effective_kernel_size(kernel_size, dilation_rate)
    n_positions = -(-length // stride)
    total = max(0, (n_positions - 1) * stride + span - length)
    return total // 2, total - total // 2


def conv_transpose_output_length(
    length: int,
    kernel_size: int,
    stride: int = 1,
    padding: Literal["valid", "same"] | tuple[int, int] = "valid",
) -> int:
    """Return the output length of a transposed convolution along one axis.

    Parameters
    ----------
    length, kernel_size, stride : int
        As in `conv_output_length`.
    padding : {"valid", "same"} or (int, int)
        Padding of the convolution that it reverses.

    Returns
    -------
    int
        "same": ``length * stride``; "valid": ``length * stride + max(kernel_size - stride, 0)``,
        which is where Keras puts the end of the last stride even if the kernel does not reach
        it; pixels (before, after): ``(length - 1) * stride + kernel_size - before - after``.

    Raises
    ------
    ShapeError
        If the padding leaves nothing.

    References
    ----------
    .. [1] Dumoulin and Visin (2016), arXiv:1603.07285, relationship 13.

    Examples
    --------
    >>> [conv_transpose_output_length(3, 3, 2, padding) for padding in ("valid", "same", (1, 1))]
    [7, 6, 5]
    """
    check_at_least(1, length=length, kernel_size=kernel_size, stride=stride)
    if padding == "same":
        return length * stride
    if padding == "valid":
        return length * stride + max(kernel_size - stride, 0)
    before, after = padding
    check_at_least(0, padding_before=before, padding_after=after)
    result = (length - 1) * stride + kernel_size - before - after
    if result < 1:
        raise ShapeError(
            "The padding must leave at least one pixel of the "
            f"{result + before + after} that the kernel writes. Received: length={length}, "
            f"kernel_size={kernel_size}, stride={stride}, padding={padding}"
        )
    return result


def unread_length(
    length: int,
    kernel_size: int,
    stride: int = 1,
    padding: tuple[int, int] = (0, 0),
    dilation_rate: int = 1,
) -> int:
    """Return the number of padded pixels beyond the last window.

    This is the remainder that the floor of `conv_output_length` drops.

    Examples
    --------
    >>> unread_length(6, 3, stride=2)
    1
    """
    n_positions = conv_output_length(length, kernel_size, stride, padding, dilation_rate)
    reach = (n_positions - 1) * stride + effective_kernel_size(kernel_size, dilation_rate)
    return length + sum(padding) - reach


class Window(NamedTuple):
    """A window that slides over maps, rows before columns.

    Attributes
    ----------
    size, strides : (int, int)
    borders : ((int, int), (int, int))
        Pixels of padding (top, bottom), (left, right).
    """

    size: Pair
    strides: Pair
    borders: Borders


@dataclass(frozen=True)
class ReceptiveField:
    """Receptive field of one unit in the network's input, along one axis.

    Attributes
    ----------
    size : int
        Input pixels from the first to the last one that the unit depends on.
    step : int
        Distance in input pixels between the fields of two neighbouring units.
    """

    size: int = 1
    step: int = 1

    def through(
        self, kernel_size: int, stride: int = 1, dilation_rate: int = 1
    ) -> "ReceptiveField":
        """Return the field after one more windowed layer."""
        span = effective_kernel_size(kernel_size, dilation_rate)
        return ReceptiveField(self.size + (span - 1) * self.step, self.step * stride)


def receptive_field(layers: Iterable[tuple[int, int, int]]) -> ReceptiveField:
    """Return the receptive field behind a stack of (kernel_size, stride, dilation_rate).

    References
    ----------
    .. [1] Araujo, Norris and Sim (2019), "Computing receptive fields of convolutional
       neural networks", Distill, doi:10.23915/distill.00021.

    Examples
    --------
    The paper's two first layers, a 2x2 convolution and a 2x2 pooling with stride 2:

    >>> receptive_field([(2, 1, 1), (2, 2, 1)])
    ReceptiveField(size=3, step=2)
    """
    field = ReceptiveField()
    for kernel_size, stride, dilation_rate in layers:
        field = field.through(kernel_size, stride, dilation_rate)
    return field


@dataclass(frozen=True)
class Span:
    """A stretch of one axis, followed from a unit back to the input.

    Attributes
    ----------
    first, last : int
        Its ends; below 0 or beyond `end` in the padding.
    end : int
        The last place that any unit reads.
    """

    first: int
    last: int
    end: int

    def before(self, kernel_size: int, stride: int, padding: Pair, length: int) -> "Span":
        """Return what a window reads to make this span, of an axis with `length` places.

        Examples
        --------
        The unit in the middle of three that a window of 3 makes in steps of 2:

        >>> Span(1, 1, end=2).before(3, 2, (0, 1), 6)
        Span(first=2, last=4, end=5)
        """
        first, last, end = (at * stride - padding[0] for at in (self.first, self.last, self.end))
        return Span(first, last + kernel_size - 1, min(end + kernel_size, length) - 1)

    @classmethod
    def whole(cls, length: int) -> "Span":
        """Return all of an axis."""
        return cls(0, length - 1, length - 1)


def convolution_parameters(
    kernel_size: tuple[int, int],
    channels: int,
    filters: int,
    *,
    groups: int = 1,
    bias: bool = True,
) -> int:
    """Return the number of parameters of a convolution, which the image size does not change.

    Parameters
    ----------
    kernel_size : (int, int)
        Rows and columns of the kernel.
    channels, filters : int
        Input maps and output maps.
    groups : int
        Divides channels and filters; as many groups as channels is a depthwise convolution.
    bias : bool
        Whether each filter has one.

    Raises
    ------
    ValueError
        If a number is below 1.
    ShapeError
        If the groups do not divide channels and filters.

    Examples
    --------
    The paper's first layer:

    >>> convolution_parameters((2, 2), 1, 16)
    80
    """
    check_at_least(1, rows=kernel_size[0], columns=kernel_size[1], channels=channels)
    check_at_least(1, filters=filters, groups=groups)
    if channels % groups or filters % groups:
        raise ShapeError(
            "Channels and filters must be divisible by groups. "
            f"Received: channels={channels}, filters={filters}, groups={groups}"
        )
    return math.prod(kernel_size) * (channels // groups) * filters + (filters if bias else 0)


def convolution_multiply_adds(
    out_size: tuple[int, int],
    kernel_size: tuple[int, int],
    channels: int,
    filters: int,
    *,
    groups: int = 1,
) -> int:
    """Return the multiplications of a convolution for one image; the bias is not counted.

    Parameters
    ----------
    out_size : (int, int)
        Rows and columns of each result map.
    kernel_size, channels, filters, groups
        As in `convolution_parameters`.

    Examples
    --------
    >>> convolution_multiply_adds((28, 28), (2, 2), 1, 16)
    50176
    """
    check_at_least(1, out_rows=out_size[0], out_columns=out_size[1])
    weights = convolution_parameters(kernel_size, channels, filters, groups=groups, bias=False)
    return math.prod(out_size) * weights


def separable_parameters(
    kernel_size: tuple[int, int], channels: int, filters: int, *, bias: bool = True
) -> int:
    """Return the number of parameters of a depthwise convolution followed by a 1x1 one.

    The first treats each channel separately, the second mixes the channels. Only the second
    has a bias; a bias in the first would be absorbed by it.

    Examples
    --------
    >>> separable_parameters((3, 3), 16, 32), convolution_parameters((3, 3), 16, 32)
    (688, 4640)
    """
    depthwise = convolution_parameters(kernel_size, channels, channels, groups=channels, bias=False)
    return depthwise + convolution_parameters((1, 1), channels, filters, bias=bias)


def separable_multiply_adds(
    out_size: tuple[int, int], kernel_size: tuple[int, int], channels: int, filters: int
) -> int:
    """Return the multiplications of a depthwise and a 1x1 convolution for one image.

    The stride belongs to the depthwise convolution, so both produce maps of `out_size`.

    Examples
    --------
    >>> separable_multiply_adds((14, 14), (3, 3), 16, 32)
    128576
    """
    depthwise = convolution_multiply_adds(
        out_size, kernel_size, channels, channels, groups=channels
    )
    return depthwise + convolution_multiply_adds(out_size, (1, 1), channels, filters)


def dense_parameters(
    in_shape: tuple[int, ...], out_shape: tuple[int, ...], *, bias: bool = True
) -> int:
    """Return the number of parameters of a dense layer between arrays of these shapes.

    Examples
    --------
    What the paper's first layer would need if every output saw every pixel:

    >>> dense_parameters((28, 28, 1), (28, 28, 16))
    9847040
    """
    units = math.prod(out_shape)
    return dense_multiply_adds(in_shape, out_shape) + (units if bias else 0)


def dense_multiply_adds(in_shape: tuple[int, ...], out_shape: tuple[int, ...]) -> int:
    """Return the multiplications of a dense layer for one image: each weight is used once.

    Examples
    --------
    >>> dense_multiply_adds((28, 28, 1), (28, 28, 16))
    9834496
    """
    for length in (*in_shape, *out_shape):
        check_at_least(1, length=length)
    return math.prod(in_shape) * math.prod(out_shape)
