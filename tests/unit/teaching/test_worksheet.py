"""Worksheets: the same number, the same sheet; black on white; answers last; what is refused."""

import re

import numpy as np
import pytest

from cnn_lab.teaching import QUESTIONS
from cnn_lab.teaching.questions.case import LEVELS, answer_text
from cnn_lab.teaching.questions.shown import shown_grids
from cnn_lab.teaching.worksheet import CELL_MM, MAX_VARIANTS, worksheet_html

NAMES = ["conv-output-size", "max-pool-gradient", "softmax-temperature"]
WIDTH_MM = 180  # of A4 between its margins; Letter has more


def sheets(page):
    """The tables of a page: one for each sheet, and last that of the answers."""
    return re.findall(r'<table class="sheet">.*?</table>', page, re.DOTALL)


def test_a_page_has_each_sheet_with_its_number_and_the_answers_of_all_last():
    *asked, answers = sheets(worksheet_html(NAMES, seed=7, variants=3))
    assert len(asked) == 3
    for number, sheet in zip((7, 8, 9), asked, strict=True):
        head = re.search("<thead>.*?</thead>", sheet, re.DOTALL)[0]
        assert f"Sheet {number}<" in head
        assert "Name" in head
        for place, name in enumerate(NAMES, start=1):
            case = QUESTIONS[name].make(seed=number)
            key = answer_text(case.key, case.form)
            assert f"Sheet {number}, {place}: {key}<" in answers
            said = answers.replace("\N{NO-BREAK SPACE}", " ")
            assert all(answer_text(line.value) in said for line in case.lines)


def test_a_sheet_does_not_depend_on_those_made_with_it():
    page = worksheet_html(NAMES, seed=7, variants=3)
    assert sheets(page)[1] == sheets(worksheet_html(NAMES, seed=8))[0]
    assert worksheet_html(NAMES, seed=7, variants=3) == page


def test_a_question_that_comes_twice_has_other_numbers():
    sheet, _ = sheets(worksheet_html(["conv-cell", "conv-cell"], seed=1))
    first, second = re.findall(r'<div class="grids">.*?</div>', sheet, re.DOTALL)
    assert first != second


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_prints_so_much_of_the_solution(level):
    sheet, answers = sheets(worksheet_html(["receptive-field"], seed=3, level=level))
    case = QUESTIONS["receptive-field"].make(seed=3, level=level)
    values = [answer_text(line.value) for line in case.lines]
    assert re.findall(r"=\s<strong>([^<]*)</strong>", sheet) == values[: case.shown]
    assert re.findall(r"=\s<strong>([^<]*)</strong>", answers) == values


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_every_question_prints_its_numbers_in_cells_that_fit_on_the_page(name):
    for level in LEVELS:
        page = worksheet_html([name], seed=0, variants=4, level=level)
        for svg in re.findall("<svg.*?</svg>", page):
            width, height = map(float, re.findall(r'(?:width|height)="([\d.]+)mm"', svg))
            assert width <= WIDTH_MM
            assert height <= WIDTH_MM
            sides = set(re.findall(r'<rect [^>]*width="(\d+)" height="(\d+)"', svg))
            assert sides == {(str(CELL_MM), str(CELL_MM))}
        case = QUESTIONS[name].make(seed=0, level=level)
        for values in shown_grids(case.settings).values():
            for value in np.unique(values):
                assert f">{answer_text(float(value))}</text>" in page


def test_nothing_is_grey_and_nothing_comes_from_elsewhere():
    page = worksheet_html(NAMES, seed=0)
    assert set(re.findall("#[0-9a-f]{3,6}", page)) == {"#000", "#fff"}
    assert not re.search(r"<script|https?:|url\(|rgba?\(|opacity|gr[ae]y", page)


def test_a_title_is_text_and_nothing_else():
    page = worksheet_html(NAMES, seed=0, title="<b>7a\n& 7b</b>")
    assert "&lt;b&gt;7a &amp; 7b&lt;/b&gt;" in page
    assert "<b>" not in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"questions": ["no-such"]},
        {"questions": []},
        {"questions": ["conv-cell"] * 100},
        {"variants": 0},
        {"variants": 10_000},
        {"questions": ["conv-cell"] * 40, "variants": 51},
        {"seed": -1},
        {"seed": 2**31 - MAX_VARIANTS, "variants": MAX_VARIANTS + 1},
        {"seed": 2**31},
        {"level": "hard"},
        {"title": "x" * 1000},
    ],
)
def test_what_cannot_be_printed_is_refused_with_what_was_received(wrong):
    settings = {"questions": NAMES, "seed": 1} | wrong
    with pytest.raises(ValueError, match=r"Received: .+"):
        worksheet_html(**settings)
