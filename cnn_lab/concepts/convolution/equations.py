"""Symbols of the convolution equations, with their values on the page."""

from typing import Any

import numpy as np

from cnn_lab.concepts.layer_call import ConvolutionSettings
from cnn_lab.content.words import listed, shape_words
from cnn_lab.ops.types import Array
from cnn_lab.trace.numbers import format_number, settle


def symbols(
    image: Array,
    kernel: Array,
    bias: Array,
    out_size: tuple[int, int],
    settings: ConvolutionSettings,
    *,
    kernel_names: tuple[str, ...],
    channel_names: tuple[str, ...],
) -> dict[str, object]:
    """Return the meaning of each symbol on the page, as slots of the section "symbols".

    Parameters
    ----------
    image : ndarray, shape (height, width, channels)
    kernel : ndarray, shape (kernel_height, kernel_width, channels / groups, filters)
    bias : ndarray, shape (filters,)
    out_size : (int, int)
        Rows and columns of the output.
    settings : ConvolutionSettings
    kernel_names : tuple of str
        Names of the filters, one each.
    channel_names : tuple of str
        Names of the channels; a single one needs no name.
    """
    (stride_down, stride_right), (dilation_down, dilation_right) = settings.steps
    size = (image.shape[0], image.shape[1])
    window = (kernel.shape[0], kernel.shape[1])
    (top, bottom), (left, right) = settings.borders(size, window)
    return {
        "size": shape_words(size),
        "channels": _listed(channel_names) if len(channel_names) > 1 else "one, grey",
        "low": number(image.min()),
        "high": number(image.max()),
        "kernels": _listed(kernel_names),
        "window": shape_words(window),
        "last_m": window[0] - 1,
        "last_n": window[1] - 1,
        "bias": _listed([number(value) for value in bias]),
        "strides": f"{stride_down} down, {stride_right} to the right",
        "dilation": f"{dilation_down} down, {dilation_right} to the right",
        "padding": f"{top} above, {bottom} below, {left} left, {right} right",
        "result": shape_words(out_size),
        "origin": _origin(window, settings, (top, left)),
    }


def _origin(window: tuple[int, int], settings: ConvolutionSettings, start: tuple[int, int]) -> str:
    """Return which S of the textbook equation is the first output cell."""
    flipped = settings.flip_kernel
    row, column = (
        dilation * (length - 1) * flipped - before
        for length, dilation, before in zip(window, settings.steps[1], start, strict=True)
    )
    return f"S({row},\\,{column})"


def flip_lab(kernel: Array, correlation: Array, convolution: Array) -> tuple[str, dict[str, str]]:
    """Return the section of the page that says what flipping the kernel changed, and its slots.

    Parameters
    ----------
    kernel : ndarray, shape (kernel_height, kernel_width, channels, filters)
    correlation, convolution : ndarray, shape (out_height, out_width, filters)
        Outputs of the same settings, without and with the kernel flipped.

    Examples
    --------
    >>> import numpy as np
    >>> flip_lab(np.ones((3, 3, 1, 1)), np.ones((2, 2, 1)), np.ones((2, 2, 1)))[0]
    'flip_symmetric'
    """
    turned = kernel[::-1, ::-1]
    difference = np.abs(correlation - convolution)
    if np.array_equal(kernel, turned):
        return "flip_symmetric", {}
    # Rounding depends on the order of a sum; it does not count as a difference.
    if difference.max() <= 1e-9 * max(1.0, float(np.abs(correlation).max())):
        return "flip_unseen", {}
    where = np.unravel_index(difference.argmax(), difference.shape)
    numbers = {
        "difference": number(difference[where]),
        "row": str(where[0]),
        "column": str(where[1]),
        "filter": f" of filter {where[2] + 1}" if difference.shape[2] > 1 else "",
        "correlation": number(correlation[where]),
        "convolution": number(convolution[where]),
    }
    opposite = np.array_equal(kernel, -turned)
    return "flip_opposite" if opposite else "flip_different", numbers


def number(value: float | np.floating[Any]) -> str:
    """Return a number as the stage writes it in a cell.

    Examples
    --------
    >>> number(-0.5), number(12.0)
    ('−0.5', '12')
    """
    values, precision = settle(np.array([float(value)]))
    return format_number(float(values[0]), precision)


def _listed(words: tuple[str, ...] | list[str]) -> str:
    """Return a list of words, or a single one if all are the same."""
    return listed(words) if len(set(words)) > 1 else words[0]
