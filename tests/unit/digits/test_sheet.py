"""Whole sheets of digits: found, in order, and read with their doubts."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnn_lab.data.uploads import PictureError
from cnn_lab.digits.answer import Answer
from cnn_lab.digits.photograph import FoundDigits, find_digits
from cnn_lab.digits.rows import in_rows
from cnn_lab.digits.sheet import ReadDigit, ReadSheet, read_sheet
from cnn_lab.network import Network
from tests.unit.pictures import encoded
from tests.unit.sheets import TWELVE, SheetOfDigits, sheet


def places(found: FoundDigits) -> np.ndarray:
    """Return the middle of each digit found, relative to the first and in units of the spread."""
    frames = np.array([digit.frame for digit in found.digits], float)
    return frames[:, :2] + frames[:, 2:]


def misplaced(found: FoundDigits, of: SheetOfDigits) -> float:
    """Return how far the digits are from where they were written, as a share of the sheet.

    The view may be cropped and scaled, so both are compared after the best scale and shift.
    """
    is_at, written = places(found), np.array(of.middles)
    is_at, written = is_at - is_at.mean(axis=0), written - written.mean(axis=0)
    scale = (is_at * written).sum() / (is_at * is_at).sum()
    return float(np.abs(scale * is_at - written).max() / np.ptp(written, axis=0).max())


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"pens": True},
        {"degrees": 4.0},
        {"degrees": -5.0, "pens": True},
        {"lines": True},
        {"lines": True, "degrees": 3.0},
        {"boxes": True},
        {"boxes": True, "degrees": 2.0},
        {"specks": 40},
        {"gap": (20, -14)},
        {"gap": (10, -27)},
    ],
    ids=str,
)
def test_twelve_digits_are_found_where_they_were_written_and_in_order(
    kind: dict[str, Any],
) -> None:
    written = sheet(**kind)
    found = find_digits(written.content, whole=True)
    assert len(found.digits) == len(written.labels)
    assert [[len(number) for number in row] for row in found.rows] in (
        [[1] * 4] * 3,
        [[4]] * 3,
    )
    assert misplaced(found, written) < 0.05
    if "gap" not in kind:  # rows that touch lose the ends of their strokes
        assert read_sheet(found, Network.load("champion")).lines == [" ".join(r) for r in TWELVE]


@pytest.mark.parametrize(("degrees", "pens"), [(0.0, False), (3.0, False), (0.0, True)])
def test_digits_next_to_each_other_are_numbers(degrees: float, *, pens: bool) -> None:
    written = sheet(("31 415", "9 2", "60 71"), gap=(-20, 40), degrees=degrees, pens=pens)
    read = read_sheet(find_digits(written.content, whole=True), Network.load("champion"))
    assert read.lines == ["31 415", "9 2", "60 71"]


def test_two_hundred_digits_are_all_found() -> None:
    written = sheet(("01234567890123456789",) * 10, side=40, gap=(12, 12))
    found = find_digits(written.content, whole=True)
    assert [sum(map(len, row)) for row in found.rows] == [20] * 10
    assert found.is_complete


def test_more_shapes_than_the_limit_are_told() -> None:
    written = sheet(("01234567890123456789",) * 15, side=40, gap=(12, 12))
    assert not find_digits(written.content, whole=True).is_complete


def test_a_sheet_of_sixteen_million_pixels_is_read() -> None:
    picture = Image.open(io.BytesIO(sheet().content)).resize((4_600, 3_450))
    found = find_digits(encoded(picture, "JPEG"), whole=True)
    assert [sum(map(len, row)) for row in found.rows] == [4, 4, 4]
    assert max(found.view.shape) <= 560


def test_an_empty_sheet_is_refused_in_a_sentence() -> None:
    with pytest.raises(PictureError, match="No digit stands out"):
        find_digits(sheet(("    ",) * 3).content, whole=True)


def test_a_sheet_upside_down_is_read_in_doubt_and_right_once_turned() -> None:
    picture = Image.open(io.BytesIO(sheet(pens=True).content)).rotate(180)
    network = Network.load("champion")
    found = find_digits(picture, whole=True)
    read = read_sheet(found, network)
    assert read.n_doubtful
    assert read.is_better_turned
    upright = read_sheet(found.turned().turned(), network)
    assert upright.lines == [" ".join(row) for row in TWELVE]
    assert not upright.is_better_turned


def test_a_digit_in_two_strokes_stays_one() -> None:
    written = sheet()
    page = np.array(Image.open(io.BytesIO(written.content)))
    x, y = (round(at) for at in written.middles[8])  # the 8: cut through its waist
    page[y - 2 : y + 2, x - 40 : x + 40] = 235
    found = find_digits(Image.fromarray(page), whole=True)
    assert len(found.digits) == len(written.labels)
    assert misplaced(found, written) < 0.05


def test_rows_of_a_turned_page_are_told_apart_and_two_digits_askew_are_two_rows() -> None:
    turned = [
        (40 * across, 50 * down + 4 * across, 40 * across + 20, 50 * down + 4 * across + 30)
        for down in range(3)
        for across in range(10)
    ]
    order = np.random.default_rng(1).permutation(30)
    rows = in_rows([turned[at] for at in order])
    assert [[int(order[at]) for number in row for at in number] for row in rows] == [
        list(range(10 * down, 10 * down + 10)) for down in range(3)
    ]
    assert in_rows([(0, 0, 20, 30), (200, 40, 220, 70)]) == [[[0]], [[1]]]


def test_doubts_stand_in_the_text() -> None:
    sure, unsure = Answer(7, 1, 0.99, 0.001), Answer(4, 9, 0.5, 0.4)
    novel = Answer(8, 3, 0.9, 0.05, is_novel=True)
    answers = (sure, unsure, unsure, novel, None)
    digits = [ReadDigit(answer, None, (0, 0, 1, 1)) for answer in answers]
    read = ReadSheet(digits, [[[0, 1], [2]], [[3, 4]]], is_better_turned=False)
    assert read.lines == ["7(4/9) 4/9", "??"]
    assert read.n_doubtful == 4
