"""LaTeX formulas and sentences with the numbers of the page."""

from collections.abc import Mapping

import numpy as np

from cnn_lab.content.words import counted, listed
from cnn_lab.ops.reads import LineReads, line_reads
from cnn_lab.ops.settings import Geometry
from cnn_lab.ops.sizes import conv_output_length, effective_kernel_size
from cnn_lab.ops.types import Array, PadMode, Pair
from cnn_lab.trace.numbers import MINUS, format_number, number_text, round_values

# Numbers outside this range are written as powers of ten.
FEW, MANY = 1e-4, 1e7
_COPIED = {True: "is read only as a copy", False: "are read only as copies"}


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


def unread_sentence(geometry: Geometry, pad_mode: PadMode = "zeros") -> str:
    """Return what the windows leave unread, in words; "" if they read everything.

    Parameters
    ----------
    geometry : Geometry
    pad_mode : {"zeros", "reflect", "edge", "wrap"}
        What the padding contains: a line of the image may be read as a copy.

    Raises
    ------
    CopyError
        If the padding copies more pixels than the image has.

    Examples
    --------
    >>> from cnn_lab.ops.settings import ConvolutionSettings
    >>> unread_sentence(ConvolutionSettings(strides=2).geometry((6, 6), (3, 3)))
    'The floor drops a remainder: the last row and column are never read.'
    >>> unread_sentence(ConvolutionSettings(strides=3).geometry((6, 5), (1, 2)))
    'The floor drops a remainder: the last 2 rows are never read. The windows skip 2 rows and 1
    column.'
    """
    reads = dict(zip(("row", "column"), line_reads(geometry, pad_mode), strict=True))
    sentences = []
    if beyond := beyond_words(reads):
        sentences.append(f"The floor drops a remainder: {beyond}.")
    skipped = [counted(one.skipped, noun) for noun, one in reads.items() if one.skipped]
    if skipped:
        sentences.append(f"The windows skip {listed(skipped)}.")
    return " ".join(sentences)


def beyond_words(reads: Mapping[str, LineReads]) -> str:
    """Return what becomes of the lines beyond the last window, or "" if there are none.

    Parameters
    ----------
    reads : mapping of str to LineReads
        By what a line is called: "row", "column" or both.

    Examples
    --------
    >>> from cnn_lab.ops.settings import ConvolutionSettings
    >>> own = ConvolutionSettings(strides=3, padding=((1, 0), (0, 0)))
    >>> for mode in ("zeros", "wrap"):
    ...     rows, _ = line_reads(own.geometry((6, 6), (3, 3)), mode)
    ...     print(beyond_words({"row": rows}))
    the last row of the image is never read
    the last row of the image is read only as a copy in the padding
    """
    of_image = " of the image" if any(one.before + one.after for one in reads.values()) else ""
    unread, copied, mixed = {}, {}, []
    for noun, one in reads.items():
        n = one.image_beyond
        if one.only_copied == 0:
            unread[noun] = n
        elif one.only_copied == n:
            copied[noun] = n
        else:
            form = _COPIED[one.only_copied == 1]
            mixed.append(
                f"of the last {n} {noun}s of the image, {one.only_copied} {form} in the padding "
                f"and {n - one.only_copied} never"
            )
    padding = {noun: one.padding_beyond for noun, one in reads.items()}
    parts = [_last_lines(unread, of_image), _last_lines(padding, " of the padding")]
    clauses = []
    if any(parts):
        verb = "is" if sum(unread.values()) + sum(padding.values()) == 1 else "are"
        clauses.append(f"{listed([part for part in parts if part])} {verb} never read")
    if copied:
        form = _COPIED[sum(copied.values()) == 1]
        clauses.append(f"{_last_lines(copied, of_image)} {form} in the padding")
    return "; ".join([*clauses, *mixed])


def _last_lines(counts: Mapping[str, int], of_what: str) -> str:
    """Return "the last row and column" and the like, of those whose count is not zero."""
    counts = {noun: n for noun, n in counts.items() if n}
    if len(set(counts.values())) == 1:
        n = next(iter(counts.values()))
        lines = listed([noun if n == 1 else f"{noun}s" for noun in counts])
        return f"the last {lines if n == 1 else f'{n} {lines}'}{of_what}"
    each = [f"the last {noun}" if n == 1 else f"the last {n} {noun}s" for noun, n in counts.items()]
    return f"{listed(each)}{of_what}" if each else ""


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
