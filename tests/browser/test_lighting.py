"""Text that lights cells on the stage, and cells that mark the text about them."""

from collections.abc import Callable
from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect

from tests.browser.player import caption, centre, stage

TEXT = (
    "The [kernel](#cells-kernel) lies on a [window](#cells-window); the [sixth](#cells-step-6) "
    "writes [one number](#cells-output-1-2), for [this weight](#cells-kernel-0-1), "
    "here without [padding](#cells-padding), [far away](#cells-output-90-2) or "
    "[nonsense](#cells-x)."
)
# The opacity that dims a cell: the colour of its corner on the upper canvas, 0 to 255.
DIMMED = """(root, [key, row, column]) => {
    const { x, y, size } = root.cellCenter(key, row, column);
    const upper = root.querySelectorAll("canvas")[1];
    const box = upper.getBoundingClientRect();
    const [across, down] = [x - box.left, y - box.top].map((at) => at - size / 2 + 6);
    const scale = upper.width / box.width;
    return upper.getContext("2d").getImageData(across * scale, down * scale, 1, 1).data[3];
}"""


def link(page: Page, words: str) -> Locator:
    return page.locator("a", has_text=words)


def is_dimmed(page: Page, key: str, row: int, column: int) -> bool:
    """Whether a cell is dimmed, once the stage has drawn what it was last told."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return stage(page).evaluate(DIMMED, [key, row, column]) > 0


def open_text(open_stage: Callable[..., Page], **options: object) -> Page:
    page = open_stage(f"small&text={quote(TEXT)}", **options)
    expect(page.locator("a[data-cells]")).to_have_count(5)
    return page


def test_words_light_cells_and_a_click_keeps_them_lit(open_stage: Callable[..., Page]) -> None:
    page = open_text(open_stage, reduced_motion=True)
    address = page.url
    assert not is_dimmed(page, "input", 5, 5)
    link(page, "kernel").hover()
    assert is_dimmed(page, "input", 5, 5)
    assert not is_dimmed(page, "kernel-1-1", 2, 2)
    link(page, "window").hover()
    assert is_dimmed(page, "kernel-1-1", 2, 2)
    page.mouse.move(2, 2)
    assert not is_dimmed(page, "kernel-1-1", 2, 2)
    link(page, "kernel").click()
    page.mouse.move(2, 2)
    expect(link(page, "kernel")).to_have_attribute("data-cells", "held")
    assert is_dimmed(page, "input", 5, 5)
    link(page, "kernel").click()
    page.mouse.move(2, 2)
    assert not is_dimmed(page, "input", 5, 5)
    link(page, "sixth").click()
    expect(stage(page)).to_have_attribute("data-step", "5")
    assert page.url == address
    for words in ("padding", "far away", "nonsense"):  # the stage has no such cells
        assert link(page, words).get_attribute("href") is None


def test_the_keyboard_lights_cells_too(open_stage: Callable[..., Page]) -> None:
    page = open_text(open_stage, reduced_motion=True)
    stage(page).get_by_role("group", name="Arithmetic of this step").focus()
    while not link(page, "this weight").evaluate("(a) => a === document.activeElement"):
        page.keyboard.press("Tab")
    expect(caption(page)).to_contain_text("16 output cells use it")
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    expect(link(page, "this weight")).to_have_attribute("data-cells", "held")
    page.keyboard.press("Escape")
    expect(link(page, "this weight")).to_have_attribute("data-cells", "here")


def test_cells_and_steps_mark_words(open_stage: Callable[..., Page]) -> None:
    page = open_text(open_stage, reduced_motion=True)
    place = centre(page, "kernel-1-1", 0, 1)
    page.mouse.move(place["x"], place["y"])
    for words in ("kernel", "this weight"):
        expect(link(page, words)).to_have_attribute("data-cells", "lit")
    expect(link(page, "one number")).to_have_attribute("data-cells", "here")
    page.mouse.move(2, 2)
    expect(link(page, "kernel")).to_have_attribute("data-cells", "here")
    for _ in range(6):
        page.get_by_label("Step forward").click()
    page.mouse.move(2, 2)
    expect(link(page, "one number")).to_have_attribute("data-cells", "lit")
    expect(link(page, "sixth")).to_have_attribute("data-cells", "here")


def test_a_tap_brings_the_stage_back_into_sight(open_stage: Callable[..., Page]) -> None:
    page = open_text(open_stage, width=390, height=500, touch=True, reduced_motion=True)
    link(page, "one number").scroll_into_view_if_needed()
    picture = stage(page).locator(".picture")
    expect(picture).not_to_be_in_viewport(ratio=0.5)
    link(page, "one number").tap()
    expect(picture).to_be_in_viewport(ratio=0.5)
    expect(link(page, "one number")).to_have_attribute("data-cells", "held")
    expect(caption(page)).to_contain_text("column 2")
