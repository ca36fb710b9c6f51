"""Worksheets on paper: questions with room to write, and their answers on pages of their own.

The numbers of a sheet come from its own number, the seed, so the same number gives the same sheet.
Everything is black on white and drawn in millimetres, within a width that both A4 and Letter have.
"""

import re
from collections.abc import Iterator, Sequence
from html import escape

import numpy as np

from cnn_lab.content.words import listed
from cnn_lab.ops.types import Array, received
from cnn_lab.teaching.questions import QUESTIONS, Case
from cnn_lab.teaching.questions.case import (
    LEVELS,
    MAX_SEED,
    Answer,
    Form,
    Level,
    answer_text,
)
from cnn_lab.teaching.questions.shown import shown_grids

MAX_VARIANTS = 200
MAX_QUESTIONS = 40  # on a sheet
MAX_PRINTED = 2_000  # questions on all sheets, which take a few seconds to make
MAX_TITLE = 120  # characters
CELL_MM = 9
_LINE = '<span class="line"></span>'
_LABEL_MM = 5  # row and column numbers beside a grid
_DIGIT_MM = 2.3  # width of a digit at full size
_TEXT_MM = 4.0
# Room to write, below the numbers; there is more beside grids. So much for what is not listed.
_WORK_MM: dict[Form, int] = {"choice": 8, "order": 8}
_BELOW_GRIDS_MM, _BELOW_TEXT_MM = 12, 26

_STYLE = """
@page { margin: 14mm 15mm; }
* { box-sizing: border-box; }
html { background: #fff; color: #000;
  font: 11pt/1.4 system-ui, "Helvetica Neue", Arial, sans-serif; }
body { max-width: 180mm; margin: 10mm auto; padding: 0 4mm; }
table.sheet { width: 100%; border-collapse: collapse; }
table.sheet > * > tr > td, table.sheet > thead > tr > th { padding: 0; text-align: left;
  font-weight: normal; }
.head { display: flex; flex-wrap: wrap; gap: 2mm 6mm; align-items: baseline;
  border-bottom: .4mm solid #000; padding: 0 0 2mm; margin: 0 0 4mm; }
.head strong { flex: 1 1 auto; }
.line { display: inline-block; border-bottom: .25mm solid #000; min-width: 18mm; height: 7mm; }
.name { min-width: 55mm; }
.question { padding: 0 0 7mm; }
.question, .keys { break-inside: avoid; }
h2 { font-size: 11pt; margin: 0 0 1mm; break-after: avoid; }
p { margin: 0 0 2mm; }
ol { margin: 0 0 2mm; padding: 0 0 0 7mm; }
.choices { list-style: none; padding: 0; }
.grids { display: flex; flex-wrap: wrap; gap: 3mm 8mm; margin: 2mm 0; }
figure { margin: 0; break-inside: avoid; }
figcaption { font-size: 9.5pt; padding-left: 5mm; }
svg { display: block; }
svg rect { fill: none; stroke: #000; stroke-width: .25px; }
svg text { fill: #000; text-anchor: middle; dominant-baseline: central; font-size: 4px; }
svg .label { font-size: 2.8px; }
.answer { display: flex; flex-wrap: wrap; gap: 2mm; align-items: end; }
.keys { display: flex; gap: 6mm; }
.key { flex: 1 1 0; min-width: 0; padding: 0 0 4mm; font-size: 9.5pt; overflow-wrap: anywhere; }
.key ol { margin: 0; }
@media screen { .sheet + .sheet { margin-top: 20mm; } }
@media print {
  body { max-width: none; margin: 0; padding: 0; }
  .sheet + .sheet { break-before: page; }
  thead { display: table-header-group; }
}
"""


def worksheet_html(
    questions: Sequence[str],
    *,
    seed: int,
    variants: int = 1,
    level: Level = "alone",
    title: str = "",
) -> str:
    """Return worksheets as one page to print, without scripts or anything from elsewhere.

    Parameters
    ----------
    questions : sequence of str
        Names in `QUESTIONS`, in the order of the sheet; one may come twice with other numbers. 1 to
        40.
    seed : int
        Number of the first sheet, at least 0; the others follow. A sheet depends on its number,
        level and questions alone: however many are made with it, it stays the same.
    variants : int
        How many sheets, 1 to 200; with at most 2,000 questions on all of them.
    level : {"example", "one gap", "three gaps", "alone"}
        How much of each solution is printed.
    title : str
        On every page, at most 120 characters. By default "Worksheet".

    Returns
    -------
    str
        HTML: the sheets, each from a page of its own on, then the answers of all.

    Raises
    ------
    ValueError
        If a question does not exist, or a number, the level or the title is out of range; the
        message names it and what is allowed.
    """
    _check(questions, seed, variants, level, title)
    heading = "".join(each if each.isprintable() else " " for each in title).strip() or "Worksheet"
    numbers = range(seed, seed + variants)
    made = {number: _cases(questions, number, level) for number in numbers}
    sheets = [_sheet(heading, number, cases) for number, cases in made.items()]
    keys = _answers(heading, made)
    first, last = numbers[0], numbers[-1]
    which = f"sheet {first}" if first == last else f"sheets {first} to {last}"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{escape(heading)}, {which}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join([*sheets, keys])
        + "\n</body>\n</html>\n"
    )


def _check(questions: Sequence[str], seed: int, variants: int, level: Level, title: str) -> None:
    if unknown := [name for name in questions if name not in QUESTIONS]:
        raise ValueError(
            f"There is no such question. The questions are {listed(list(QUESTIONS))}. "
            f"Received: {received(unknown[0])}"
        )
    if not 1 <= len(questions) <= MAX_QUESTIONS:
        raise ValueError(
            f"A worksheet has 1 to {MAX_QUESTIONS} questions. Received: {len(questions)}"
        )
    if not 1 <= variants <= MAX_VARIANTS:
        raise ValueError(
            f"`variants` must be from 1 to {MAX_VARIANTS}. Received: variants={variants}"
        )
    if len(questions) * variants > MAX_PRINTED:
        raise ValueError(
            f"All sheets together may have at most {MAX_PRINTED:,} questions. "
            f"Received: {variants} sheets of {len(questions)}"
        )
    most = MAX_SEED - variants + 1
    if not 0 <= seed <= most:
        raise ValueError(f"`seed` must be from 0 to {most}. Received: seed={seed}")
    if level not in LEVELS:
        raise ValueError(f"`level` must be one of {listed(LEVELS)}. Received: level={level!r}")
    if len(title) > MAX_TITLE:
        raise ValueError(
            f"The title may have at most {MAX_TITLE} characters. Received: {len(title)}"
        )


def _cases(questions: Sequence[str], number: int, level: Level) -> list[Case]:
    """Return the cases of a sheet; a question that comes again takes numbers from far away."""
    cases, used = [], dict.fromkeys(questions, 0)
    for name in questions:
        seed = (number + used[name] * 1_000_003) % (MAX_SEED + 1)
        cases.append(QUESTIONS[name].make(seed=seed, level=level))
        used[name] += 1
    return cases


def _sheet(heading: str, number: int, cases: Sequence[Case]) -> str:
    """Return one sheet; a browser repeats the head of a table on each of its pages."""
    head = (
        f"<strong>{escape(heading)}</strong>"
        '<span>Name <span class="line name"></span></span>'
        f"<span>Sheet {number}</span>"
    )
    rows = [
        f'<tr><td><div class="question"><h2>{place}. {escape(QUESTIONS[case.question].title)}</h2>'
        f"{''.join(_question(case))}</div></td></tr>"
        for place, case in enumerate(cases, start=1)
    ]
    return _table(head, rows)


def _table(head: str, rows: Sequence[str]) -> str:
    return (
        f'<table class="sheet"><thead><tr><th><div class="head">{head}</div></th></tr></thead>\n'
        f"<tbody>\n{chr(10).join(rows)}\n</tbody></table>"
    )


def _question(case: Case) -> Iterator[str]:
    yield f"<p>{_html(case.ask)}</p>"
    figures = [
        _figure(name[0].upper() + name[1:], _grid(values))
        for name, values in shown_grids(case.settings).items()
    ]
    if _fills_grid(case):
        figures.append(_figure("Your answer", _grid(np.atleast_2d(case.key), blank=True)))
    if figures:
        yield f'<div class="grids">{"".join(figures)}</div>'
    if case.form == "choice":
        ticks = [f"<li>☐ {_letter(n)} · {_html(text)}</li>" for n, text in _numbered(case.choices)]
        yield f'<ol class="choices">{"".join(ticks)}</ol>'
    elif case.form == "order":
        yield f"<ol>{''.join(f'<li>{_html(text)}</li>' for text in case.choices)}</ol>"
    yield _lines(case)
    if case.level == "example":
        yield f"<p>Answer: <strong>{escape(answer_text(case.key, case.form))}</strong></p>"
        return
    if case.level == "alone":
        room = _WORK_MM.get(case.form, _BELOW_GRIDS_MM if figures else _BELOW_TEXT_MM)
        yield f'<div style="height: {room}mm"></div>'
    if case.level == "alone" or case.form in ("choice", "order", "points"):
        yield _answer_field(case)


def _lines(case: Case) -> str:
    """Return the worked solution as far as the level shows it, with lines for what it hides."""
    if case.level == "alone":
        return ""
    items = []
    for number, (text, value) in enumerate(case.lines, start=1):
        result = f" =\N{NO-BREAK SPACE}{_value(value) if number <= case.shown else _LINE}"
        if _fills_grid(case) and number == len(case.lines):
            result = ": your answer"
        items.append(f"<li>{_html(text)}{result}</li>")
    return f"<ol>{''.join(items)}</ol>"


def _fills_grid(case: Case) -> bool:
    return case.form == "cells" and case.level != "example"


def _answer_field(case: Case) -> str:
    """Return lines to write the answer on; cells have a grid for it, beside the numbers."""
    match case.form:
        case "cells":
            return ""
        case "size":
            lines = f"{_LINE} × {_LINE}"
        case "sides":
            lines = " ".join(f"{side} {_LINE}" for side in ("top", "bottom", "left", "right"))
        case "points":
            lines = f"(row, column) {_LINE}"
        case _:
            lines = _LINE
    return f'<div class="answer"><span>Answer:</span> {lines}</div>'


def _answers(heading: str, made: dict[int, list[Case]]) -> str:
    """Return the answers of all sheets, each question with its worked solution."""
    keys = []
    for number, cases in made.items():
        for place, case in enumerate(cases, start=1):
            items = "".join(
                f"<li>{_html(text)} =\N{NO-BREAK SPACE}{_value(value)}</li>"
                for text, value in case.lines
            )
            said = escape(answer_text(case.key, case.form))
            keys.append(
                f'<div class="key"><strong>Sheet {number}, {place}: {said}</strong>'
                f"<ol>{items}</ol></div>"
            )
        if len(cases) % 2:  # no row has answers of two sheets
            keys.append('<div class="key"></div>')
    rows = [
        f'<tr><td><div class="keys">{left}{right}</div></td></tr>'
        for left, right in zip(keys[::2], keys[1::2], strict=True)
    ]
    first, *others = made
    which = f"sheets {first} to {first + len(others)}" if others else f"sheet {first}"
    return _table(f"<strong>{escape(heading)}</strong><span>Answers, {which}</span>", rows)


def _figure(name: str, svg: str) -> str:
    return f"<figure><figcaption>{escape(name)}</figcaption>{svg}</figure>"


def _grid(values: Array, *, blank: bool = False) -> str:
    """Return rows and columns of numbers as SVG, the numbers of rows and columns beside them."""
    rows, columns = values.shape
    width, height = _LABEL_MM + columns * CELL_MM, _LABEL_MM + rows * CELL_MM
    parts = [
        _text(_LABEL_MM + (column + 0.5) * CELL_MM, _LABEL_MM / 2, str(column), "label")
        for column in range(columns)
    ]
    for row in range(rows):
        y = _LABEL_MM + (row + 0.5) * CELL_MM
        if rows > 1:
            parts.append(_text(_LABEL_MM / 2, y, str(row), "label"))
        for column in range(columns):
            x = _LABEL_MM + column * CELL_MM
            parts.append(
                f'<rect x="{x}" y="{y - CELL_MM / 2:g}" width="{CELL_MM}" height="{CELL_MM}"/>'
            )
            if not blank:
                parts.append(_text(x + CELL_MM / 2, y, answer_text(float(values[row, column]))))
    return (
        f'<svg width="{width + 1}mm" height="{height + 1}mm" viewBox="0 0 {width + 1} {height + 1}"'
        f' role="img">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    fits = (CELL_MM - 1) / _DIGIT_MM  # digits
    size = (
        ""
        if kind or len(text) <= fits
        else f' style="font-size: {_TEXT_MM * fits / len(text):.2f}px"'
    )
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{named}{size}>{text}</text>'


def _value(value: Answer) -> str:
    return f"<strong>{_html(answer_text(value))}</strong>"


def _numbered(choices: Sequence[str]) -> Iterator[tuple[int, str]]:
    return iter(enumerate(choices, start=1))


def _letter(number: int) -> str:
    return answer_text(number, "choice")


def _html(text: str) -> str:
    """Return the Markdown of a question as HTML: it has emphasis and code, and nothing else."""
    marked = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(text, quote=False))
    marked = re.sub(r"(?<!\*)\*(?!\*)(.+?)\*", r"<em>\1</em>", marked)
    marked = re.sub(r"`(.+?)`", r"<code>\1</code>", marked)
    return re.sub(r" ([×≈=·]) ", "\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", marked)
