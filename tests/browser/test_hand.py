"""Your own hand on *Training*: digits drawn by mouse, learned, and read."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.player import on_page
from tests.prose import wording
from tests.strokes import STROKES

PATH = "/training?training_tab=Your+hand"
TRAINED_MS = 600_000  # TensorFlow starts first
SOON_MS = 60_000
# As people write a 1 where MNIST does not come from: with a long upstroke.
ONE = [(70, 150), (110, 105), (150, 55), (150, 100), (150, 160), (150, 230)]

Open = Callable[..., Page]


def cell(page: Page, digit: int) -> Locator:
    return page.get_by_role("img", name=re.compile(rf"^Canvas for your {digit}\."))


def draw(page: Page, digit: int, strokes: list[list[tuple[int, int]]]) -> None:
    """Draw into a digit's cell, and go on once the server has seen it."""
    board = cell(page, digit)
    board.scroll_into_view_if_needed()
    for stroke in strokes:
        box = board.bounding_box()
        assert box is not None
        unit = box["width"] / 280
        start, *way = [(box["x"] + unit * x, box["y"] + unit * y) for x, y in stroke]
        page.mouse.move(*start)
        page.mouse.down()
        for point in way:
            page.mouse.move(*point)
        page.mouse.up()
        expect(board).to_have_attribute("data-waiting", "0")


def test_digits_by_mouse_are_learned_and_read_and_the_training_is_undone(
    open_page: Open,
) -> None:
    page = open_page(PATH)
    train = page.get_by_role("button", name="Train it on my hand")
    expect(train).to_be_disabled()
    draw(page, 1, [ONE])
    expect(on_page(page, re.compile(r"^Read as \d"))).to_have_count(1)
    for digit in (3, 7):
        draw(page, digit, [stroke[::4] for stroke in STROKES[f"{digit}"]])
    expect(on_page(page, re.compile(r"^Read as \d"))).to_have_count(3)
    train.click()
    expect(on_page(page, wording("hand", "training", rendered=True))).to_be_visible()
    change = on_page(page, wording("hand", "change", n=3, now=3, rendered=True))
    expect(change).to_be_visible(timeout=TRAINED_MS)
    for digit in (1, 3, 7):
        expect(on_page(page, re.compile(rf"Now {digit} ✓"))).to_be_visible()
    assert "own" not in page.url

    page.get_by_role("tab", name="Results").click()
    expect(cell(page, 1)).to_have_count(0)
    page.get_by_role("tab", name="Your hand").click()
    expect(cell(page, 1)).to_have_attribute("data-strokes", "1", timeout=SOON_MS)
    expect(change).to_be_visible()
    page.get_by_role("button", name="Undo the training").click()
    expect(change).to_have_count(0)
    expect(on_page(page, re.compile(r"^Read as \d"))).to_have_count(3)


def test_on_a_phone_two_cells_stand_side_by_side_and_the_keyboard_can_borrow_a_hand(
    open_page: Open, assert_accessible: Callable[[Page], None]
) -> None:
    page = open_page(PATH, width=390, scheme="dark", touch=True, reduced_motion=True)
    boxes = [cell(page, digit).bounding_box() for digit in range(10)]
    places = [(box["x"], box["y"]) for box in boxes if box is not None]
    assert len({x for x, _ in places}) == 2
    assert len({y for _, y in places}) == 5
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    borrow = page.get_by_role("button", name="Borrow a hand")
    borrow.focus()
    borrow.press("Enter")
    expect(on_page(page, re.compile(r"^Read as \d"))).to_have_count(10)
    assert_accessible(page)
    page.get_by_role("button", name="Clear 3").press("Enter")
    expect(on_page(page, re.compile(r"^Read as \d"))).to_have_count(9)
    expect(cell(page, 3)).to_have_attribute("data-strokes", "0")
