"""Checked settings of convolution and pooling, and the geometry of their windows."""

from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from cnn_lab.ops.padding import resolve_padding
from cnn_lab.ops.types import (
    PAD_MODES,
    Borders,
    IntOrPair,
    Padding,
    PadMode,
    Pair,
    check_at_least,
    pair,
)
from cnn_lab.ops.windows import output_size

Axis = tuple[int, int, int, Pair, int]


class Geometry(NamedTuple):
    """Geometry of a sliding window on an image, in pixels, rows before columns.

    Attributes
    ----------
    size, window : (int, int)
        Image and window.
    strides, dilation_rate : (int, int)
    borders : ((int, int), (int, int))
        Padding ((top, bottom), (left, right)).
    positions : (int, int)
        Positions of the window, which is the size of the output.
    """

    size: Pair
    window: Pair
    strides: Pair
    dilation_rate: Pair
    borders: Borders
    positions: Pair

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """Length, kernel size, stride, padding and dilation rate of rows and of columns."""
        rows, columns = zip(
            self.size, self.window, self.strides, self.borders, self.dilation_rate, strict=True
        )
        return rows, columns

    @property
    def n_reads(self) -> int:
        """Number of reads of all windows; a cell counts once for each window."""
        return prod(self.positions + self.window)

    @property
    def padded_size(self) -> Pair:
        """Rows and columns of the image with its padding."""
        (height, width), (rows, columns) = self.size, self.borders
        return height + sum(rows), width + sum(columns)


@dataclass(frozen=True, init=False)
class ConvolutionSettings:
    """The arguments of `conv2d` that are not arrays; equal settings compare equal.

    Parameters
    ----------
    strides, padding, dilation_rate, groups, flip_kernel, pad_mode
        As in `cnn_lab.ops.conv2d`. A single number is kept as a pair.

    Raises
    ------
    ValueError
        If a stride, dilation, group count or mode is out of range.
    """

    strides: Pair
    padding: Padding
    dilation_rate: Pair
    groups: int
    flip_kernel: bool
    pad_mode: PadMode

    def __init__(
        self,
        strides: IntOrPair = 1,
        padding: Padding = "valid",
        dilation_rate: IntOrPair = 1,
        groups: int = 1,
        flip_kernel: bool = False,
        pad_mode: PadMode = "zeros",
    ) -> None:
        check_at_least(1, groups=groups)
        if pad_mode not in PAD_MODES:
            raise ValueError(
                f"`pad_mode` must be one of {PAD_MODES}. Received: pad_mode={pad_mode!r}"
            )
        vars(self).update(
            strides=pair("strides", strides),
            padding=padding,
            dilation_rate=pair("dilation_rate", dilation_rate),
            groups=groups,
            flip_kernel=flip_kernel,
            pad_mode=pad_mode,
        )

    def geometry(self, size: Pair, kernel_size: Pair) -> Geometry:
        """Return the geometry of a kernel of this size on an image of this size.

        Raises
        ------
        ShapeError
            If the kernel does not fit.
        ValueError
            If the padding is out of range.
        """
        borders = self.borders(size, kernel_size)
        positions = output_size(size, kernel_size, self.strides, borders, self.dilation_rate)
        return Geometry(size, kernel_size, self.strides, self.dilation_rate, borders, positions)

    def borders(self, size: Pair, kernel_size: Pair) -> Borders:
        """Return the padding of an image of this size in pixels."""
        return resolve_padding(self.padding, size, kernel_size, self.strides, self.dilation_rate)

    @property
    def words(self) -> str:
        """The settings in words; those at their defaults, except stride and padding, left out.

        Examples
        --------
        >>> ConvolutionSettings((2, 1), "same", flip_kernel=True).words
        'stride 2 × 1, padding same, kernel rotated'
        """
        parts = [_stride_and_padding(self.strides, self.padding)]
        if self.dilation_rate != (1, 1):
            parts.append(f"dilation {_pair_words(self.dilation_rate)}")
        if self.groups > 1:
            parts.append(f"{self.groups} groups")
        return ", ".join([*parts, *["kernel rotated"] * self.flip_kernel])


@dataclass(frozen=True, init=False)
class PoolingSettings:
    """The arguments of `max_pool2d` and `average_pool2d` that are not arrays.

    Parameters
    ----------
    pool_size, strides, padding, count_include_pad
        As in `cnn_lab.ops.average_pool2d`; max pooling ignores the last. A single number is
        kept as a pair, and strides of None as `pool_size`.

    Raises
    ------
    ValueError
        If a size or stride is out of range.
    """

    pool_size: Pair
    strides: Pair
    padding: Padding
    count_include_pad: bool

    def __init__(
        self,
        pool_size: IntOrPair = 2,
        strides: IntOrPair | None = None,
        padding: Padding = "valid",
        count_include_pad: bool = False,
    ) -> None:
        vars(self).update(
            pool_size=pair("pool_size", pool_size),
            strides=pair("strides", pool_size if strides is None else strides),
            padding=padding,
            count_include_pad=count_include_pad,
        )

    def geometry(self, size: Pair) -> Geometry:
        """Return the geometry of the window on an image of this size.

        Raises
        ------
        ValueError
            If a border is as wide as the window: a window could then lie outside the image.
        ShapeError
            If the window does not fit.
        """
        borders = self.borders(size)
        for border, window in zip(borders, self.pool_size, strict=True):
            if max(border) >= window:
                raise ValueError(
                    "The padding must be smaller than the window, so that every window covers part "
                    f"of the image. Received: padding={self.padding!r}, pool_size={self.pool_size}"
                )
        positions = output_size(size, self.pool_size, self.strides, borders)
        return Geometry(size, self.pool_size, self.strides, (1, 1), borders, positions)

    def borders(self, size: Pair) -> Borders:
        """Return the padding of an image of this size in pixels."""
        return resolve_padding(self.padding, size, self.pool_size, self.strides)

    @property
    def words(self) -> str:
        """Window, stride and padding in words.

        Examples
        --------
        >>> PoolingSettings(3, strides=2, padding=1).words
        'window 3 × 3, stride 2, padding 1'
        """
        rows, columns = self.pool_size
        return f"window {rows} × {columns}, {_stride_and_padding(self.strides, self.padding)}"


def _stride_and_padding(strides: Pair, padding: Padding) -> str:
    named = padding if isinstance(padding, str | int) else "of its own"
    return f"stride {_pair_words(strides)}, padding {named}"


def _pair_words(numbers: Pair) -> str:
    return " × ".join(map(str, dict.fromkeys(numbers)))
