"""Equations of backpropagation in LaTeX, with the numbers of the page."""

import numpy as np

from cnn_lab.concepts.layer_call import ConvolutionSettings
from cnn_lab.ops.types import Array, Pair
from cnn_lab.ops.windows import output_size
from cnn_lab.trace.numbers import MINUS, Precision, format_number, settle

# Numbers outside this range are written as powers of ten.
FEW, MANY = 1e-4, 1e7


def matrix_latex(values: Array) -> str:
    r"""Return a matrix whose numbers share their digits; very large ones are powers of ten.

    Examples
    --------
    >>> print(matrix_latex(np.array([[1.0, -0.5]])))
    \begin{pmatrix} 1 & -0.5 \end{pmatrix}
    """
    values = np.asarray(values, np.float64)
    if np.abs(values).max() >= MANY:
        lines = [" & ".join(map(number_latex, row)) for row in values.tolist()]
    else:
        settled, precision = settle(values)
        lines = [" & ".join(_plain(value, precision) for value in row) for row in settled]
    body = r" \\ ".join(lines)
    return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"


def number_latex(value: float) -> str:
    r"""Return one number, as a power of ten if it would be too long or rounded to zero.

    Examples
    --------
    >>> number_latex(-0.25), number_latex(2.5e-9)
    ('-0.25', '2.5 \\cdot 10^{-9}')
    """
    if value and not FEW <= abs(value) < MANY:
        mantissa, exponent = f"{value:.2e}".split("e")
        return rf"{float(mantissa):g} \cdot 10^{{{int(exponent)}}}"
    settled, precision = settle(np.array([value]))
    return _plain(float(settled[0]), precision)


def kernel_gradient_latex(settings: ConvolutionSettings, size: Pair, window: Pair) -> str:
    r"""Return the gradient of one weight as a sum over all positions of these sizes.

    Parameters
    ----------
    settings : ConvolutionSettings
    size : (int, int)
        Rows and columns of the image.
    window : (int, int)
        Rows and columns of the kernel.

    Examples
    --------
    >>> print(kernel_gradient_latex(ConvolutionSettings(strides=2, padding=1), (6, 6), (3, 3)))
    \sum_{i=0}^{2}\sum_{j=0}^{2} \delta(i, j)\; I(2i + m - 1,\; 2j + n - 1)
    """
    rows, columns = _positions(settings, size, window)
    (top, _), (left, _) = settings.borders(size, window)
    (down, right), (dilation_down, dilation_right) = settings.steps
    return (
        rf"\sum_{{i=0}}^{{{rows - 1}}}\sum_{{j=0}}^{{{columns - 1}}} \delta(i, j)\; "
        rf"I({_index((down, 'i'), (dilation_down, 'm'), -top)},\; "
        rf"{_index((right, 'j'), (dilation_right, 'n'), -left)})"
    )


def input_gradient_latex(settings: ConvolutionSettings, size: Pair, window: Pair) -> str:
    r"""Return the gradient of one pixel as a sum over the weights that read it.

    Examples
    --------
    >>> print(input_gradient_latex(ConvolutionSettings(), (6, 6), (3, 3)))
    \sum_{m=0}^{2}\sum_{n=0}^{2} \tilde\delta(r - m,\; c - n)\; K(m, n)
    """
    (top, _), (left, _) = settings.borders(size, window)
    _, (dilation_down, dilation_right) = settings.steps
    return (
        rf"\sum_{{m=0}}^{{{window[0] - 1}}}\sum_{{n=0}}^{{{window[1] - 1}}} "
        rf"\tilde\delta({_index((1, 'r'), (-dilation_down, 'm'), top)},\; "
        rf"{_index((1, 'c'), (-dilation_right, 'n'), left)})\; K(m, n)"
    )


def bias_gradient_latex(settings: ConvolutionSettings, size: Pair, window: Pair) -> str:
    r"""Return the gradient of the bias as a sum over all positions.

    Examples
    --------
    >>> print(bias_gradient_latex(ConvolutionSettings(), (6, 6), (3, 3)))
    \sum_{i=0}^{3}\sum_{j=0}^{3} \delta(i, j)
    """
    rows, columns = _positions(settings, size, window)
    return rf"\sum_{{i=0}}^{{{rows - 1}}}\sum_{{j=0}}^{{{columns - 1}}} \delta(i, j)"


def _positions(settings: ConvolutionSettings, size: Pair, window: Pair) -> Pair:
    return output_size(
        size, window, settings.steps[0], settings.borders(size, window), settings.steps[1]
    )


def _index(first: tuple[int, str], second: tuple[int, str], constant: int) -> str:
    """Return an index such as "2i + m - 1": two letters with factors, and a number."""
    terms = [first, second, (constant, "")]
    text = ""
    for factor, letter in terms:
        if factor:
            sign = " - " if factor < 0 else " + " if text else ""
            amount = "" if abs(factor) == 1 and letter else str(abs(factor))
            text += sign + amount + letter
    return text


def _plain(value: float, precision: Precision) -> str:
    return format_number(float(value), precision).replace(MINUS, "-")
