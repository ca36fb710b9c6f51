"""LaTeX formulas with the numbers of the page."""

from dataclasses import dataclass

from cnn_lab.ops.sizes import (
    conv_output_length,
    convolution_multiply_adds,
    convolution_parameters,
    dense_multiply_adds,
    dense_parameters,
    effective_kernel_size,
    separable_multiply_adds,
    separable_parameters,
    unread_length,
)


def output_length_latex(
    name: str,
    length: int,
    kernel_size: int,
    stride: int,
    padding: tuple[int, int],
    dilation_rate: int = 1,
) -> str:
    r"""Return the size formula of one axis with its numbers and result.

    Parameters
    ----------
    name : str
        Symbol of the output length, for example "H'".
    length, kernel_size, stride, padding, dilation_rate
        As in `cnn_lab.ops.sizes.conv_output_length`.

    Examples
    --------
    >>> print(output_length_latex("H'", 6, 3, 2, (0, 1)))
    H' = \left\lfloor\dfrac{6 + 0 + 1 - 3}{2}\right\rfloor + 1 = 3
    """
    positions = conv_output_length(length, kernel_size, stride, padding, dilation_rate)
    span = effective_kernel_size(kernel_size, dilation_rate)
    window = str(span) if dilation_rate == 1 else f"({dilation_rate}({kernel_size} - 1) + 1)"
    return (
        rf"{name} = \left\lfloor\dfrac{{{length} + {padding[0]} + {padding[1]} - {window}}}"
        rf"{{{stride}}}\right\rfloor + 1 = {positions}"
    )


def unread_sentence(
    size: tuple[int, int],
    kernel_size: tuple[int, int],
    strides: tuple[int, int],
    borders: tuple[tuple[int, int], tuple[int, int]],
    dilation_rate: tuple[int, int] = (1, 1),
) -> str:
    """Return a sentence about what the floor drops, or "" if every pixel is within reach.

    Examples
    --------
    >>> unread_sentence((6, 6), (3, 3), (2, 2), ((0, 0), (0, 0)))
    'The floor drops a remainder: the last row and the last column are never read.'
    """
    axes = zip(size, kernel_size, strides, borders, dilation_rate, strict=True)
    left_over = [unread_length(*axis) for axis in axes]
    parts = [
        f"the last {noun}" if n == 1 else f"the last {n} {noun}s"
        for n, noun in zip(left_over, ("row", "column"), strict=True)
        if n
    ]
    if not parts:
        return ""
    verb = "is" if parts in (["the last row"], ["the last column"]) else "are"
    return f"The floor drops a remainder: {' and '.join(parts)} {verb} never read."


def convolution_costs(
    kernel_shape: tuple[int, int, int, int], out_size: tuple[int, int]
) -> dict[str, str]:
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
    kernel_size: tuple[int, int],
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
