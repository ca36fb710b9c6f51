"""Padding resolved to borders; borders added to images and removed from gradients."""

import numpy as np

from cnn_lab.ops.sizes import effective_kernel_size, same_padding
from cnn_lab.ops.types import (
    Array,
    Borders,
    CopyError,
    Padding,
    PadMode,
    Pair,
    check_at_least,
    pair,
)

# How many pixels fewer than the image has can be copied, and in words.
_COPIED: dict[PadMode, tuple[int, str]] = {
    "reflect": (1, "the mirrored image"),
    "wrap": (0, "the far side of the image"),
}


def resolve_padding(
    padding: Padding,
    size: Pair,
    kernel_size: Pair,
    strides: Pair = (1, 1),
    dilation_rate: Pair = (1, 1),
) -> Borders:
    """Return the padding as pixels: ((top, bottom), (left, right)).

    Parameters
    ----------
    padding : {"valid", "same", "full"}, int or ((top, bottom), (left, right))
        "valid" adds nothing, "same" keeps ``ceil(size / stride)`` positions, "full" lets
        every kernel cell reach every pixel.
    size, kernel_size, strides, dilation_rate : (int, int)
        Image, kernel, step and dilation, rows before columns.

    Raises
    ------
    ValueError
        If `padding` is none of these or a number in it is negative.

    Examples
    --------
    >>> resolve_padding("same", (6, 6), (2, 3))
    ((0, 1), (1, 1))
    >>> resolve_padding(1, (6, 6), (3, 3))
    ((1, 1), (1, 1))
    """
    if isinstance(padding, str):
        axes = list(zip(size, kernel_size, strides, dilation_rate, strict=True))
        if padding == "valid":
            return (0, 0), (0, 0)
        if padding == "same":
            rows, columns = (same_padding(*axis) for axis in axes)
            return rows, columns
        if padding == "full":
            rows, columns = (
                (effective_kernel_size(k, d) - 1, effective_kernel_size(k, d) - 1)
                for _, k, _, d in axes
            )
            return rows, columns
    elif isinstance(padding, int | np.integer) and not isinstance(padding, bool):
        check_at_least(0, padding=int(padding))
        return (int(padding), int(padding)), (int(padding), int(padding))
    elif isinstance(padding, tuple | list) and len(padding) == 2:
        return (
            pair("padding rows", padding[0], minimum=0),
            pair("padding columns", padding[1], minimum=0),
        )
    raise ValueError(
        '`padding` must be "valid", "same", "full", a whole number, or '
        f"((top, bottom), (left, right)). Received: padding={padding!r}"
    )


def pad_images(
    images: Array, borders: Borders, mode: PadMode = "zeros", *, fill: float = 0.0
) -> Array:
    """Add borders to images.

    Parameters
    ----------
    images : ndarray, shape (n, height, width, channels)
    borders : ((int, int), (int, int))
        Pixels ((top, bottom), (left, right)).
    mode : {"zeros", "reflect", "edge", "wrap"}
        Source of the new pixels: a constant, the image mirrored at its outermost pixel
        (which is not repeated), that pixel repeated, or the opposite side of the image.
    fill : float
        The constant of mode "zeros"; max pooling pads with minus infinity.

    Returns
    -------
    ndarray, shape (n, top + height + bottom, left + width + right, channels)
        The same array, not a copy, if there is nothing to add.

    Raises
    ------
    ValueError
        If the mode is unknown.
    CopyError
        If "reflect" or "wrap" need more pixels than the image has.
    """
    if not any(borders[0] + borders[1]):
        return images
    if mode == "zeros":
        n, height, width, channels = images.shape
        (top, bottom), (left, right) = borders
        shape = (n, top + height + bottom, left + width + right, channels)
        padded = np.full(shape, fill, images.dtype)
        padded[:, top : top + height, left : left + width] = images
        return padded
    check_copies((images.shape[1], images.shape[2]), borders, mode)
    return np.pad(images, ((0, 0), *borders, (0, 0)), mode=mode)


def check_copies(size: Pair, borders: Borders, mode: PadMode) -> None:
    """Raise a CopyError if "reflect" or "wrap" need more pixels than an image of `size` has."""
    if mode not in _COPIED:
        return
    fewer, what = _COPIED[mode]
    for axis_name, length, border in zip(("rows", "columns"), size, borders, strict=True):
        if max(border) > length - fewer:
            raise CopyError(
                f"Padding with {what} can add at most {length - fewer} {axis_name} to an image of "
                f"{length}. Received: pad_mode={mode!r}, padding {axis_name}={border}"
            )


def unpad_gradient(gradient: Array, borders: Borders, mode: PadMode = "zeros") -> Array:
    """Return the gradient of the images from the gradient of the padded images.

    The gradient of the border is added to the pixels that the border was copied from. A border
    of zeros is not a copy, so its gradient is dropped. This is the adjoint of `pad_images`.

    Parameters
    ----------
    gradient : ndarray, shape (n, top + height + bottom, left + width + right, channels)
    borders : ((int, int), (int, int))
        Pixels ((top, bottom), (left, right)).
    mode : {"zeros", "reflect", "edge", "wrap"}
        As given to `pad_images`.

    Returns
    -------
    ndarray, shape (n, height, width, channels)

    Examples
    --------
    Both border pixels of an edge-padded row were copies of its one pixel:

    >>> unpad_gradient(np.array([[[[2.0], [3.0], [4.0]]]]), ((0, 0), (1, 1)), "edge")
    array([[[[9.]]]])
    """
    for axis, (before, after) in enumerate(borders, start=1):
        lines = np.moveaxis(gradient, axis, 0)
        length = len(lines) - before - after
        inside = lines[before : before + length]
        if mode != "zeros" and before + after:
            inside = inside.copy()
            sources = np.pad(np.arange(length), (before, after), mode=mode)
            for line in (*range(before), *range(before + length, len(lines))):
                inside[sources[line]] += lines[line]
        gradient = np.moveaxis(inside, 0, axis)
    return gradient
