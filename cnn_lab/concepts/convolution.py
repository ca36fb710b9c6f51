"""The equations of a convolution on the page's numbers, flipping the kernel, and costs."""

from dataclasses import dataclass

import numpy as np

from cnn_lab.concepts.differences import differences
from cnn_lab.content.words import listed, shape_words
from cnn_lab.ops.settings import Geometry
from cnn_lab.ops.sizes import (
    convolution_multiply_adds,
    convolution_parameters,
    dense_multiply_adds,
    dense_parameters,
    receptive_field,
    separable_multiply_adds,
    separable_parameters,
)
from cnn_lab.ops.types import Array, Pair
from cnn_lab.trace.convolution import ConvolutionNumbers
from cnn_lab.trace.numbers import number_text


def symbols(
    numbers: ConvolutionNumbers, *, kernel_names: tuple[str, ...], channel_names: tuple[str, ...]
) -> dict[str, object]:
    """Return the meaning of each symbol on the page, as slots of the section "symbols".

    Parameters
    ----------
    numbers : ConvolutionNumbers
    kernel_names : tuple of str
        Names of the filters, one each.
    channel_names : tuple of str
        Names of the channels; a single one needs no name.
    """
    geometry, image = numbers.geometry, numbers.image.values
    (top, bottom), (left, right) = geometry.borders
    return {
        "size": shape_words(geometry.size),
        "channels": _listed(channel_names) if len(channel_names) > 1 else "one, grey",
        "low": number_text(image.min()),
        "high": number_text(image.max()),
        "kernels": _listed(kernel_names),
        "window": shape_words(geometry.window),
        "last_m": geometry.window[0] - 1,
        "last_n": geometry.window[1] - 1,
        "bias": _listed([number_text(value) for value in numbers.bias.values]),
        "strides": "{} down, {} to the right".format(*geometry.strides),
        "dilation": "{} down, {} to the right".format(*geometry.dilation_rate),
        "padding": f"{top} above, {bottom} below, {left} left, {right} right",
        "result": shape_words(geometry.positions),
        "origin": _origin(geometry, flipped=numbers.settings.flip_kernel),
    }


def _origin(geometry: Geometry, *, flipped: bool) -> str:
    """Return which S of the textbook equation is the first output cell."""
    row, column = (
        dilation * (length - 1) * flipped - before
        for length, dilation, (before, _) in zip(
            geometry.window, geometry.dilation_rate, geometry.borders, strict=True
        )
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
    if np.array_equal(kernel, turned):
        return "flip_symmetric", {}
    found = differences(correlation, convolution)
    if not found.differs.any():
        return "flip_unseen", {}
    row, column, filter_ = found.cell
    numbers = {
        "difference": number_text(abs(found.first - found.second)),
        "row": str(row),
        "column": str(column),
        "filter": f" of filter {filter_ + 1}" if found.differs.shape[2] > 1 else "",
        "correlation": number_text(found.first),
        "convolution": number_text(found.second),
    }
    opposite = np.array_equal(kernel, -turned)
    return "flip_opposite" if opposite else "flip_different", numbers


def receptive_fields(geometry: Geometry) -> tuple[Pair, Pair]:
    """Return the pixels that a cell depends on, rows and columns, after one layer and after two.

    Parameters
    ----------
    geometry : Geometry
        Of both layers.

    Examples
    --------
    >>> from cnn_lab.ops.settings import ConvolutionSettings
    >>> receptive_fields(ConvolutionSettings(strides=2).geometry((9, 9), (3, 5)))
    ((3, 5), (7, 13))
    """
    once, twice = (
        [
            receptive_field([(kernel_size, stride, dilation)] * n_layers).size
            for _, kernel_size, stride, _, dilation in geometry.axes
        ]
        for n_layers in (1, 2)
    )
    return (once[0], once[1]), (twice[0], twice[1])


def _listed(words: tuple[str, ...] | list[str]) -> str:
    """Return a list of words, or a single one if all are the same."""
    return listed(words) if len(set(words)) > 1 else words[0]


def convolution_costs(kernel_shape: tuple[int, int, int, int], out_size: Pair) -> dict[str, str]:
    """Return the costs of a convolution as slots of the section "counts" of its page.

    Parameters
    ----------
    kernel_shape : (int, int, int, int)
        (rows, columns, channels that a filter sees, filters).
    out_size : (int, int)
        Rows and columns of the result.
    """
    rows, columns, channels, filters = kernel_shape
    weights = rows * columns * channels
    return {
        "weights": rf"{rows} \cdot {columns} \cdot {channels} = {weights}",
        "filters": "one filter" if filters == 1 else f"{filters} filters",
        "parameters": rf"{filters} \cdot ({weights} + 1) = {filters * (weights + 1):,}",
        "multiply_adds": (
            rf"{out_size[0]} \cdot {out_size[1]} \cdot {weights * filters} = "
            rf"{out_size[0] * out_size[1] * weights * filters:,}"
        ),
    }


@dataclass(frozen=True)
class LayerCost:
    """Costs of one layer for one image.

    Attributes
    ----------
    name : str
    parameters, multiply_adds : int
    """

    name: str
    parameters: int
    multiply_adds: int


def layer_costs(
    in_shape: tuple[int, int, int],
    kernel_size: Pair,
    out_shape: tuple[int, int, int],
    *,
    groups: int = 1,
    bias: bool = True,
) -> list[LayerCost]:
    """Return the costs of layers between the same shapes, with the standard convolution first.

    Parameters
    ----------
    in_shape, out_shape : (int, int, int)
        Rows, columns and channels or filters.
    kernel_size : (int, int)
    groups : int
        More than one adds the grouped convolution to the list.
    bias : bool
        Whether each of these layers has a bias.

    Examples
    --------
    >>> [cost.parameters for cost in layer_costs((6, 6, 3), (3, 3), (4, 4, 2))]
    [56, 35, 3488]
    """
    channels, filters, out_size = in_shape[2], out_shape[2], (out_shape[0], out_shape[1])
    costs = [
        LayerCost(
            "Convolution" if n_groups == 1 else f"In {n_groups} groups",
            convolution_parameters(kernel_size, channels, filters, groups=n_groups, bias=bias),
            convolution_multiply_adds(out_size, kernel_size, channels, filters, groups=n_groups),
        )
        for n_groups in sorted({1, groups})
    ]
    return [
        *costs,
        LayerCost(
            "Depthwise, then 1 × 1",
            separable_parameters(kernel_size, channels, filters, bias=bias),
            separable_multiply_adds(out_size, kernel_size, channels, filters),
        ),
        LayerCost(
            "Dense",
            dense_parameters(in_shape, out_shape, bias=bias),
            dense_multiply_adds(in_shape, out_shape),
        ),
    ]


def cost_table(costs: list[LayerCost]) -> dict[str, list[str]]:
    """Return costs as columns of text, each with its ratio to the first layer.

    Examples
    --------
    >>> cost_table([LayerCost("a", 8, 100), LayerCost("b", 10, 123_400)])["Multiply-adds"]
    ['100', '123,400 (1,234 times)']
    """
    first = costs[0]
    return {
        "Layer": [cost.name for cost in costs],
        "Parameters": [_against(cost.parameters, first.parameters) for cost in costs],
        "Multiply-adds": [_against(cost.multiply_adds, first.multiply_adds) for cost in costs],
    }


def _against(count: int, standard: int) -> str:
    if count == standard:
        return f"{count:,}"
    ratio = count / standard
    return f"{count:,} ({ratio:,.0f} times)" if ratio >= 100 else f"{count:,} ({ratio:.3g} times)"
