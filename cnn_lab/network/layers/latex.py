"""Arithmetic of layers as LaTeX with numbers."""

import math
from collections.abc import Sequence

import numpy as np

from cnn_lab.content.words import significant_latex
from cnn_lab.ops.types import Array

MAX_TERMS = 4
_TITLES = {"relu": "ReLU", "sigmoid": "sigmoid", "tanh": "tanh", "softmax": "softmax"}


def _enclosed(value: float) -> str:
    return f"({significant_latex(value)})" if value < 0 else significant_latex(value)


def product_latex(terms: Sequence[Sequence[int]]) -> str:
    r"""Return a sum of products with its result; "" without any products.

    Examples
    --------
    >>> print(product_latex([(3, 3, 16, 128), (128,)]))
    3 \cdot 3 \cdot 16 \cdot 128 + 128 = 18{,}560
    """
    products = [r" \cdot ".join(map(_count, factors)) for factors in terms]
    total = sum(map(math.prod, terms))
    return f"{' + '.join(products)} = {_count(total)}" if products else ""


def _count(number: int) -> str:
    return f"{number:,}".replace(",", "{,}")


def activation_latex(activation: str, total: float, value: float) -> str:
    r"""Return an activation of one number as an equation.

    Parameters
    ----------
    activation : {"linear", "relu", "sigmoid", "tanh", "softmax"}
        For softmax only the result is written, because it depends on other numbers too.
    total, value : float
        Input and output of the activation.

    Examples
    --------
    >>> print(activation_latex("relu", -0.5, 0.0))
    \max(0,\, -0.5) = 0
    """
    x, y = significant_latex(total), significant_latex(value)
    match activation:
        case "relu":
            return rf"\max(0,\, {x}) = {y}"
        case "sigmoid":
            return rf"\frac{{1}}{{1 + e^{{{significant_latex(-total)}}}}} \approx {y}"
        case "tanh":
            return rf"\tanh({x}) \approx {y}"
        case "softmax":
            return rf"\operatorname{{softmax}}({x}) \approx {y}"
        case _:
            return f"{x} = {y}"


def leaky_latex(total: float, value: float, negative_slope: float) -> str:
    """Return a leaky ReLU of one number as an equation."""
    x, y, slope = map(significant_latex, (total, value, negative_slope))
    return rf"{slope} \cdot ({x}) \approx {y}" if total < 0 else f"{x} = {y}"


def normalization_latex(
    given: float,
    value: float,
    *,
    gamma: float,
    beta: float,
    moving_mean: float,
    moving_variance: float,
    epsilon: float,
) -> str:
    """Return batch normalization of one number with its moving averages as an equation."""
    share = rf"\frac{{{significant_latex(given)} - {_enclosed(moving_mean)}}}"
    root = rf"{{\sqrt{{{significant_latex(moving_variance)} + {significant_latex(epsilon)}}}}}"
    return (
        r"\gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta = "
        rf"{_enclosed(gamma)} \cdot {share}{root} + {_enclosed(beta)} "
        rf"\approx {significant_latex(value)}"
    )


def softmax_latex(scores: Array, index: int) -> str:
    """Return the softmax of one score as an equation.

    Parameters
    ----------
    scores : ndarray, shape (classes,)
    index : int
    """
    numbers = scores.astype(np.float64)
    own = float(numbers[index])
    with np.errstate(over="ignore"):
        total = float(np.exp(numbers - own).sum())
    value = 1 / total
    return (
        rf"\frac{{e^{{z_{{{index}}}}}}}{{\sum_j e^{{z_j}}}} = "
        rf"\frac{{1}}{{\sum_j e^{{z_j - {_enclosed(own)}}}}} \approx "
        rf"\frac{{1}}{{{significant_latex(total)}}} \approx {significant_latex(value)}"
    )


def dense_latex(inputs: Array, weights: Array, bias: float, activation: str, value: float) -> str:
    """Return a dense unit's sum: its largest products, the rest as one term, and the bias.

    Parameters
    ----------
    inputs, weights : ndarray, shape (features,)
    bias : float
    activation : str
    value : float
        Output of the unit.

    Returns
    -------
    str
        An aligned block with one line per term.
    """
    products = inputs.astype(np.float64) * weights.astype(np.float64)
    order = np.argsort(-np.abs(products), kind="stable")[:MAX_TERMS]
    total = float(products.sum()) + bias
    lines = [
        rf"{_enclosed(float(inputs[i]))} \cdot {_enclosed(float(weights[i]))}"
        rf" &\quad& \text{{input {i}}}"
        for i in order
    ]
    n_others = products.size - len(order)
    if n_others:
        others = float(products.sum() - products[order].sum())
        lines.append(rf"{_enclosed(others)} &\quad& \text{{{n_others:,} other products}}")
    lines.append(rf"{_enclosed(bias)} &\quad& \text{{bias}}")
    body = r" \\ + \;& ".join(lines)
    end = rf" \\ \approx \;& {significant_latex(total)} &\quad& \text{{sum}}"
    if activation != "linear":
        end += rf" \\ & {activation_latex(activation, total, value)}"
        end += rf" &\quad& \text{{{_TITLES[activation]}}}"
    return rf"\begin{{aligned}} & {body}{end} \end{{aligned}}"
