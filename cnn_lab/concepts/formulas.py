"""LaTeX formulas and sentences with the numbers of the page."""

import numpy as np

from cnn_lab.content.words import listed
from cnn_lab.ops.settings import Geometry
from cnn_lab.ops.sizes import conv_output_length, effective_kernel_size, unread_length
from cnn_lab.ops.types import Array, Pair
from cnn_lab.trace.numbers import MINUS, format_number, number_text, round_values

# Numbers outside this range are written as powers of ten.
FEW, MANY = 1e-4, 1e7


def output_length_latex(
    name: str,
    length: int,
    kernel_size: int,
    stride: int,
    padding: Pair,
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


def unread_sentence(geometry: Geometry) -> str:
    """Return a sentence about what the floor drops, or "" if every pixel is within reach.

    Examples
    --------
    >>> from cnn_lab.ops.settings import ConvolutionSettings
    >>> unread_sentence(ConvolutionSettings(strides=2).geometry((6, 6), (3, 3)))
    'The floor drops a remainder: the last row and the last column are never read.'
    """
    left_over = [unread_length(*axis) for axis in geometry.axes]
    parts = [
        f"the last {noun}" if n == 1 else f"the last {n} {noun}s"
        for n, noun in zip(left_over, ("row", "column"), strict=True)
        if n
    ]
    if not parts:
        return ""
    verb = "is" if parts in (["the last row"], ["the last column"]) else "are"
    return f"The floor drops a remainder: {listed(parts)} {verb} never read."


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
        rounded, precision = round_values(values)
        lines = [
            " & ".join(format_number(value, precision).replace(MINUS, "-") for value in row)
            for row in rounded.tolist()
        ]
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
    return number_text(value).replace(MINUS, "-")
