"""What a layer learns and does, as LaTeX with its own numbers."""

from cnn_lab.network.spec import (
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Layer,
    LayerSummary,
)

_DOT = r" \cdot "


def parameters_latex(layer: Layer, row: LayerSummary) -> str:
    r"""Return how the number of a layer's weights comes about; "" where it has none.

    Parameters
    ----------
    layer : Layer
    row : LayerSummary
        Of this layer.

    Examples
    --------
    >>> from cnn_lab.network import zoo
    >>> network = zoo.preset("paper").network
    >>> parameters_latex(network.layers[2], network.summary()[2])
    '3 \\cdot 3 \\cdot 16 \\cdot 128 + 128 = 18{,}560'
    """
    match layer:
        case BatchNormalization():
            factors = [4, row.input_shape[-1]]
            return _equation(factors, row.parameters)
        case Conv2D() | DepthwiseConv2D() | Dense():
            shapes = layer.weight_shapes(row.input_shape)
            bias = f" + {_number(*shapes['bias'])}" if "bias" in shapes else ""
            return _equation(shapes["kernel"], row.parameters, bias)
    return ""


def multiply_adds_latex(layer: Layer, row: LayerSummary) -> str:
    r"""Return how the number of a layer's multiplications comes about; "" where it has none.

    Examples
    --------
    >>> from cnn_lab.network import zoo
    >>> network = zoo.preset("paper").network
    >>> multiply_adds_latex(network.layers[0], network.summary()[0])
    '28 \\cdot 28 \\cdot 2 \\cdot 2 \\cdot 1 \\cdot 16 = 50{,}176'
    """
    match layer:
        case Conv2D() | DepthwiseConv2D():
            kernel = layer.weight_shapes(row.input_shape)["kernel"]
            return _equation((*row.output_shape[:2], *kernel), row.multiply_adds)
        case Dense():
            return _equation((*row.input_shape, *row.output_shape), row.multiply_adds)
        case BatchNormalization() if len(row.input_shape) > 1:
            return _equation(row.input_shape, row.multiply_adds)
    return ""


def _equation(factors: list[int] | tuple[int, ...], result: int, plus: str = "") -> str:
    return f"{_DOT.join(map(_number, factors))}{plus} = {_number(result)}"


def _number(count: int) -> str:
    return f"{count:,}".replace(",", "{,}")
