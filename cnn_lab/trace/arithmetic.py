"""The arithmetic of a step as text and as LaTeX, identical to what the stage writes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cnn_lab.trace.grid import PADDING
from cnn_lab.trace.model import Trace
from cnn_lab.trace.numbers import MINUS, format_number

LATEX_TERMS_PER_LINE = 12
MAX_LINE_TERMS = 30
_LATEX_SIGNS = {MINUS: "-", "·": r" \cdot ", "≈": r"\approx", "bias ": "", "rest ": ""}
_LATEX_LETTERS = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


@dataclass(frozen=True, kw_only=True)
class Term:
    """One value, one product, or one addition to a running total.

    Attributes
    ----------
    text : str
        "3", "3·(−1)" or "2 + 3·(−1) = −1".
    cell, weight : int
        Ids of its cells; `weight` is -1 if there is none.
    faint : bool
        Whether it contributes nothing.
    strong : bool
        Whether it is the winner of a maximum.
    """

    text: str
    cell: int
    weight: int = -1
    faint: bool = False
    strong: bool = False


@dataclass(frozen=True, kw_only=True)
class Block:
    """The terms of one channel; `title` and `total` are empty if there is only one channel."""

    terms: tuple[Term, ...]
    title: str = ""
    total: str = ""


@dataclass(frozen=True, kw_only=True)
class Arithmetic:
    """The arithmetic of a step, ready to be written.

    Attributes
    ----------
    blocks : tuple of Block
        One per channel.
    open, operator, close : str
        Text before, between and after the terms. Additions to several cells have no operator:
        each is a separate equation.
    in_rows : bool
        Whether the terms are written in rows as wide as the window.
    finish : str
        How the blocks are combined, up to the equals sign.
    equals : str
        "=" or, if digits are cut off, "≈".
    result : str
        Empty if the step adds to several cells.
    activated : str
        "ReLU(−4) = 0": what the activation makes of the result; empty without one.
    count, total, total_equals : int, str, str
        For a mean: the number of cells, their sum, and whether that sum is rounded.
    """

    blocks: tuple[Block, ...]
    open: str = ""
    operator: str = "+"
    close: str = ""
    in_rows: bool = False
    finish: str = ""
    equals: str
    result: str = ""
    activated: str = ""
    count: int = 0
    total: str = ""
    total_equals: str = ""


def arithmetic(trace: Trace, step: int) -> Arithmetic:
    """Return the arithmetic of a step.

    Parameters
    ----------
    trace : Trace
    step : int
        From 0 to ``len(trace) - 1``.

    Examples
    --------
    >>> import numpy as np
    >>> from cnn_lab.trace import convolution_trace
    >>> kernel = np.array([2, -1]).reshape(1, 2, 1, 1)
    >>> line = arithmetic(convolution_trace(np.eye(2), kernel, np.array([0.5])), 1)
    >>> [term.text for term in line.blocks[0].terms], line.finish, line.equals, line.result
    (['0·2', '1·(−1)'], '+ bias 0.5', '=', '−0.5')
    """
    exact = trace.is_exact(step)
    equals = "=" if exact else "≈"
    if trace.targets.size:
        additions = tuple(_additions(trace, step, equals))
        return Arithmetic(
            blocks=(Block(terms=additions),), operator="", in_rows=True, equals=equals
        )
    blocks = tuple(_blocks(trace, step))
    result = trace.text(trace.writes[step])
    if trace.term == "maximum":
        return Arithmetic(
            blocks=blocks, open="max(", operator=",", close=")", equals=equals, result=result
        )
    if trace.term == "mean":
        count, total = _sum(trace, blocks)
        cells, _, _ = trace.locate(trace.step_reads(step)[0])
        total_equals = "=" if exact or cells.precision.exact else "≈"
        return Arithmetic(
            blocks=blocks,
            open="(",
            close=")",
            finish=f"÷ {count} {total_equals} {total} ÷ {count}",
            equals=equals,
            result=result,
            count=count,
            total=total,
            total_equals=total_equals,
        )
    return Arithmetic(
        blocks=blocks,
        in_rows=trace.term == "product_sum",
        finish=_addends(trace, step, blocks),
        equals=equals,
        result=result,
        activated=_activated(trace, step, result),
    )


def arithmetic_line(trace: Trace, step: int) -> str:
    """Return the arithmetic of a step that writes one cell, on one line.

    Terms of a sum that contribute nothing are left out, and of several channels only the sum of
    each is shown. Beyond `MAX_LINE_TERMS` terms, the others are only counted.

    Examples
    --------
    >>> import numpy as np
    >>> from cnn_lab.trace import convolution_trace
    >>> kernel = np.array([2, -1]).reshape(1, 2, 1, 1)
    >>> arithmetic_line(convolution_trace(np.eye(2), kernel, np.array([0.5])), 1)
    '1·(−1) + bias 0.5 = −0.5'
    """
    found = arithmetic(trace, step)
    ending = f"{found.equals} {found.result}"
    if found.activated:
        ending += f", {found.activated}"
    if len(found.blocks) > 1:
        return f"{found.finish} {ending}"
    adds = found.operator == "+"
    texts = [term.text for term in found.blocks[0].terms if not (adds and term.faint)]
    if n_more := len(texts[MAX_LINE_TERMS:]):
        texts[MAX_LINE_TERMS:] = [f"… ({n_more} more)"]
    terms = (" + " if adds else f"{found.operator} ").join(texts or ["0"])
    parts = (f"{found.open}{terms}{found.close}", found.finish, ending)
    return " ".join(part for part in parts if part)


def arithmetic_latex(trace: Trace, step: int, per_line: int = LATEX_TERMS_PER_LINE) -> str:
    r"""Return the arithmetic of a step as LaTeX for mathematics mode.

    One line, or an ``aligned`` block (which needs amsmath) for several channels, more than
    `per_line` terms or additions to several cells.

    Examples
    --------
    >>> import numpy as np
    >>> from cnn_lab.trace import average_pool_trace, max_pool_trace
    >>> print(arithmetic_latex(max_pool_trace(np.array([[1, -2], [4, 3]])), 0))
    \max(1, -2, 4, 3) = 4
    >>> print(arithmetic_latex(average_pool_trace(np.array([[1, -2], [4, 3]])), 0))
    \frac{1 + (-2) + 4 + 3}{4} = \frac{6}{4} = 1.5
    """
    line = arithmetic(trace, step)
    equals, result = _latex(line.equals), _latex(line.result)
    if trace.targets.size:
        additions = [_latex(term.text) for term in line.blocks[0].terms]
        return _aligned([text.replace(f" {equals} ", f" &{equals} ") for text in additions])
    rows = [
        _latex_rows(block, line.operator, trace.window_columns, per_line) for block in line.blocks
    ]
    if trace.term == "maximum":
        return _aligned(_enclosed(r"\max(", rows[0], f") {equals} {result}"))
    if trace.term == "mean":
        fraction = rf"{_latex(line.total_equals)} \frac{{{_latex(line.total)}}}{{{line.count}}}"
        end = f"{fraction} {equals} {result}"
        if len(rows[0]) == 1:
            return rf"\frac{{{rows[0][0]}}}{{{line.count}}} {end}"
        return _aligned(_enclosed(rf"\frac{{1}}{{{line.count}}} (", rows[0], f") {end}"))
    end = f"{equals} {result}{_latex_activated(line.activated)}"
    finish = f"{_latex(line.finish)} {end}" if line.finish else end
    if not trace.partials.size:
        return _aligned(_enclosed("", rows[0], f" {finish}"))
    lines = []
    for block, each in zip(line.blocks, rows, strict=True):
        title = "".join(_LATEX_LETTERS.get(letter, letter) for letter in block.title)
        first, *others = _enclosed("", each, f" {equals} {_latex(block.total)}")
        lines += [rf"\text{{{title}: }} & {first}", *(f"& {other}" for other in others)]
    return _aligned([*lines, f"& {finish}"])


def _blocks(trace: Trace, step: int) -> Iterator[Block]:
    """Yield the terms of each channel of a gather step, with its title and partial result."""
    links = trace.links(step)
    size = (links.stop - links.start) // trace.channels
    for channel in range(trace.channels):
        first = links.start + channel * size
        terms = (_term(trace, step, link) for link in range(first, first + size))
        title = total = ""
        if trace.partials.size:
            cell = trace.partials[step, channel]
            title, total = trace.locate(cell)[0].part, trace.text(cell)
        yield Block(terms=tuple(term for term in terms if term), title=title, total=total)


def _term(trace: Trace, step: int, link: int) -> Term | None:
    """Return the term of one link; None for padding that does not count."""
    cell = int(trace.reads[link])
    grid, row, column = trace.locate(cell)
    if trace.skip_padding and grid.mask[row, column] & PADDING:
        return None
    weight = int(trace.weights[link]) if trace.weights.size else -1
    return Term(
        text=_product(trace, cell, weight),
        cell=cell,
        weight=weight,
        faint=weight >= 0 and not (trace.value(cell) and trace.value(weight)),
        strong=bool(trace.winners.size) and int(trace.winners[step]) == cell,
    )


def _additions(trace: Trace, step: int, equals: str) -> Iterator[Term]:
    """Yield what a scatter step adds to each of its targets."""
    links = trace.links(step)
    totals = trace.running_totals(step)
    for link, (target, before, after) in zip(range(links.start, links.stop), totals, strict=True):
        cell = int(trace.reads[link])
        weight = int(trace.weights[link]) if trace.weights.size else -1
        precision = trace.locate(target)[0].precision
        old, new = (format_number(value, precision) for value in (before, after))
        yield Term(
            text=f"{old} + {_product(trace, cell, weight)} {equals} {new}",
            cell=cell,
            weight=weight,
            faint=not (trace.value(cell) and (weight < 0 or trace.value(weight))),
        )


def _product(trace: Trace, cell: int, weight: int) -> str:
    value = _in_parentheses(trace.text(cell))
    return value if weight < 0 else f"{value}·{_in_parentheses(trace.text(weight))}"


def _sum(trace: Trace, blocks: Sequence[Block]) -> tuple[int, str]:
    """Return the number of cells of a mean, and their sum."""
    cells = [term.cell for block in blocks for term in block.terms]
    total = 0.0
    for cell in cells:  # one by one, in the same order as the browser
        total += trace.value(cell)
    return len(cells), format_number(total, trace.locate(cells[0])[0].precision)


def _addends(trace: Trace, step: int, blocks: Sequence[Block]) -> str:
    """Return the partial results of the channels and the bias as a sum."""
    addends = [_in_parentheses(block.total) for block in blocks if trace.partials.size]
    if trace.biases.size:
        name = trace.locate(trace.biases[step])[0].title.lower()
        addends.append(f"{name} {_in_parentheses(trace.text(trace.biases[step]))}")
    lead = "+ " if addends and not trace.partials.size else ""
    return lead + " + ".join(addends)


def _activated(trace: Trace, step: int, result: str) -> str:
    if not trace.activated.size:
        return ""
    equals = "=" if trace.activates_exactly(step) else "≈"
    return f"{trace.activation}({result}) {equals} {trace.text(trace.activated[step])}"


def _latex_activated(text: str) -> str:
    if not text:
        return ""
    name, _, rest = text.partition("(")
    return rf", \quad \operatorname{{{name}}}({_latex(rest)}"


def _in_parentheses(text: str) -> str:
    return f"({text})" if text.startswith(MINUS) else text


def _latex(text: str) -> str:
    for sign, latex in _LATEX_SIGNS.items():
        text = text.replace(sign, latex)
    return text


def _latex_rows(block: Block, operator: str, columns: int, per_line: int) -> list[str]:
    """Return the terms in lines: a single line, or if there are many, whole window rows in each."""
    terms = [_latex(term.text) for term in block.terms] or ["0"]
    if len(terms) > per_line and columns < per_line:
        per_line -= per_line % columns
    lines = [terms[i : i + per_line] for i in range(0, len(terms), per_line)]
    if operator == ",":
        bare = [[term.strip("()") for term in line] for line in lines]
        return [", ".join(line) + "," * (line is not bare[-1]) for line in bare]
    return ["{} + " * (line is not lines[0]) + " + ".join(line) for line in lines]


def _enclosed(before: str, rows: Sequence[str], after: str) -> list[str]:
    """Return the rows with text before the first and after the last."""
    lines = [before + rows[0], *rows[1:]]
    return [*lines[:-1], lines[-1] + after]


def _aligned(lines: Sequence[str]) -> str:
    if len(lines) == 1:
        return lines[0].replace("&", "")
    aligned = (line if "&" in line else f"& {line}" for line in lines)
    return "\\begin{aligned}\n" + " \\\\\n".join(aligned) + "\n\\end{aligned}"
