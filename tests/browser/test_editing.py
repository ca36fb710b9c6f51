"""Change numbers on the stage itself: type, paint, drag the window, undo; mouse, touch and keys."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlparse

import keras
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from cnn_lab.data.kernels import KERNELS
from cnn_lab.data.teaching_images import parse_matrix, stroke_image
from tests.browser.player import caption, centre, on_page, open_fold, stage

IMAGE = stroke_image(6, 6)[..., 0]
SOBEL = KERNELS["sobel_columns"].values(3, 3)
SCROLLED = "document.querySelector('[data-testid=stMain]').scrollTop"
READ_TABLE = """(root, title) => {
    const table = [...root.querySelectorAll("table")].find(
        (each) => each.caption.textContent.startsWith(title)
    );
    const cells = (row) => [...row.querySelectorAll("td")].map((cell) => cell.textContent);
    return [...table.tBodies[0].rows].map(cells).filter((row) => row.length);
}"""


def in_address(page: Page, key: str) -> np.ndarray | None:
    text = parse_qs(urlparse(page.url).query).get(key)
    return None if text is None else parse_matrix(text[0], max_rows=28, max_columns=28)


def expect_matrix(page: Page, key: str, matrix: np.ndarray) -> None:
    """Wait until the address has a matrix and the stage its result, so that nothing moves."""
    page.wait_for_url(lambda url: np.array_equal(_of(url, key), matrix))
    expect(stage(page)).to_have_attribute("data-unseen", "0")


def _of(url: str, key: str) -> np.ndarray:
    text = parse_qs(urlparse(url).query).get(key, ["0"])[0]
    return parse_matrix(text, max_rows=28, max_columns=28)


def changed(matrix: np.ndarray, *cells: tuple[int, int, float]) -> np.ndarray:
    copy = matrix.copy()
    for row, column, value in cells:
        copy[row, column] = value
    return copy


def table(page: Page, title: str) -> np.ndarray:
    rows = stage(page).evaluate(READ_TABLE, title)
    return np.array([[float(cell.replace("−", "-")) for cell in row] for row in rows])


def field(page: Page) -> Any:
    return stage(page).locator(".cell-field input")


def click(page: Page, key: str, row: int, column: int, **options: Any) -> None:
    place = centre(page, key, row, column)
    page.mouse.click(place["x"], place["y"], **options)


def drag(page: Page, key: str, *cells: tuple[int, int], beyond: bool = False) -> None:
    """Drag across cells, and let go there or far below."""
    for number, (row, column) in enumerate(cells):
        place = centre(page, key, row, column)
        page.mouse.move(place["x"], place["y"], steps=4)
        if not number:
            page.mouse.down()
    if beyond:
        page.mouse.move(place["x"], page.viewport_size["height"] - 1, steps=9)
    page.mouse.up()


def touch(page: Page) -> Callable[..., None]:
    session = page.context.new_cdp_session(page)

    def send(kind: str, *places: dict[str, float]) -> None:
        points = [{"x": place["x"], "y": place["y"]} for place in places]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    return send


@pytest.fixture
def convolution(open_page: Callable[..., Page]) -> Callable[..., Page]:
    def open_(query: str = "", **options: Any) -> Page:
        page = open_page(f"/convolution{query}", **options)
        expect(stage(page)).to_have_attribute("data-steps", "16")
        return page

    return open_


def test_a_kernel_cell_edited_on_the_stage_gives_kerass_numbers(convolution):
    page = convolution()
    click(page, "kernel-1-1", 0, 0)
    expect(field(page)).to_be_focused()
    page.keyboard.type("7.5")
    page.keyboard.press("Enter")
    kernel = changed(SOBEL, (0, 0, 7.5))
    expect_matrix(page, "conv_weights", kernel)
    expect(field(page)).to_have_accessible_name("Kernel, row 0, column 1")
    page.keyboard.press("Escape")
    page.get_by_label("Last step").click()
    on_page(page, "Numbers as tables").click()
    layer = keras.layers.Conv2D(1, 3, use_bias=False)
    images = IMAGE[np.newaxis, ..., np.newaxis]
    layer.build(images.shape)
    layer.set_weights([kernel[..., np.newaxis, np.newaxis]])
    np.testing.assert_array_equal(table(page, "Output"), layer(images).numpy()[0, ..., 0])
    np.testing.assert_array_equal(table(page, "Kernel"), kernel)


def test_quick_edits_while_the_numbers_are_computed_are_all_kept(convolution):
    page = convolution("?conv_bias=1")
    page.get_by_label("Step forward").click(click_count=10, delay=5)
    expect(stage(page)).to_have_attribute("data-step", "10")
    click(page, "kernel-1-1", 0, 0)
    for value in range(1, 10):
        page.keyboard.type(str(value))
        page.keyboard.press("Tab")
    expect_matrix(page, "conv_weights", np.arange(1.0, 10).reshape(3, 3))
    expect(field(page)).to_have_count(0)
    expect(stage(page)).to_have_attribute("data-step", "10")
    click(page, "bias-1", 0, 0)
    page.keyboard.type("-2")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("conv_bias=-2"))
    bias = page.get_by_label("Bias", exact=True)
    open_fold(page, "Kernel size, filters, bias", shows=bias)
    expect(bias).to_have_value("-2")


def test_a_cell_takes_numbers_alone_by_keyboard_alone(convolution, assert_accessible):
    page = convolution()
    picture = stage(page).locator(".picture")
    picture.focus()
    page.keyboard.press("e")
    expect(field(page)).to_have_accessible_name("Kernel, row 0, column 0")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(field(page)).to_have_accessible_name("Kernel, row 1, column 1")
    for typed in ("abc", "NaN", "1e300", ""):
        field(page).fill(typed)
        page.keyboard.press("Enter")
        expect(stage(page).get_by_role("alert")).to_have_text(re.compile(r"\. The cell keeps 0\.$"))
        expect(field(page)).to_have_attribute("aria-invalid", "true")
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(picture).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(stage(page)).to_have_attribute("data-step", "1")
    assert in_address(page, "conv_weights") is None
    page.keyboard.press("Enter")
    page.keyboard.press("PageDown")
    expect(field(page)).to_have_accessible_name("Input, row 0, column 0")
    field(page).fill("−0,25")
    page.keyboard.press("Shift+Enter")
    expect_matrix(page, "conv_values", changed(IMAGE, (0, 0, -0.25)))
    expect(picture).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page).not_to_have_url(re.compile("conv_values"))


def test_the_input_is_painted_by_mouse_and_undone(convolution):
    page = convolution()
    drag(page, "input", (5, 0), (5, 3), beyond=True)
    painted = changed(IMAGE, *((5, column, 9) for column in range(4)))
    expect_matrix(page, "conv_values", painted)
    drag(page, "input", (5, 2), (5, 3))  # begun on a painted cell, it clears
    erased = changed(painted, (5, 2, 0), (5, 3, 0))
    expect_matrix(page, "conv_values", erased)
    page.keyboard.press("Control+z")
    expect_matrix(page, "conv_values", painted)
    page.get_by_label("Undo").click()
    expect(page).not_to_have_url(re.compile("conv_values"))
    expect(page.get_by_label("Undo")).to_be_disabled()
    page.get_by_label("Redo").click()
    expect_matrix(page, "conv_values", painted)


def test_the_window_is_dragged(convolution):
    page = convolution()
    drag(page, "input", (1, 1), (2, 3))
    expect(stage(page)).to_have_attribute("data-step", "6")
    drag(page, "input", (3, 4), (0, 5), beyond=True)
    expect(stage(page)).to_have_attribute("data-step", "15")
    assert in_address(page, "conv_values") is None
    click(page, "input", 0, 0)
    expect(caption(page)).to_contain_text("Input, row 0, column 0")


def test_a_finger_holds_paints_and_drags_the_window(convolution):
    page = convolution(width=390, height=1200, touch=True)  # with Paint and the input on screen
    finger = touch(page)
    finger("touchStart", centre(page, "kernel-1-1", 2, 2))
    expect(field(page)).to_have_accessible_name("Kernel, row 2, column 2")
    finger("touchEnd")
    expect(field(page)).to_be_focused()
    page.keyboard.type("6")
    page.keyboard.press("Enter")
    expect_matrix(page, "conv_weights", changed(SOBEL, (2, 2, 6)))
    finger("touchStart", centre(page, "input", 1, 1))
    finger("touchMove", centre(page, "input", 2, 2))
    finger("touchEnd")
    expect(stage(page)).to_have_attribute("data-step", "5")
    page.get_by_label("Paint").tap()
    scrolled = page.evaluate(SCROLLED)
    finger("touchStart", centre(page, "input", 0, 3))
    for row in range(1, 6):
        finger("touchMove", centre(page, "input", row, 3))
    finger("touchEnd")
    expect_matrix(page, "conv_values", changed(IMAGE, *((row, 3, 9) for row in range(6))))
    assert page.evaluate(SCROLLED) == scrolled


def test_the_output_gradient_typed_on_the_stage_is_in_the_address(open_page):
    """Its text field appears with the edit, and a link has it all the same."""
    page = open_page("/pooling?pool_direction=back")
    expect(stage(page)).to_have_attribute("data-steps", "9")
    click(page, "grad-output", 1, 1, click_count=2, delay=10)
    field(page).fill("4")
    page.keyboard.press("Enter")
    expect_matrix(page, "pool_delta", changed(np.ones((3, 3)), (1, 1, 4)))
    expect(page).to_have_url(re.compile("pool_grad=own"))


def test_the_first_edit_of_an_example_types_its_numbers_and_undo_gives_it_back(open_page):
    page = open_page("/pooling?pool_input=ties")
    expect(stage(page)).to_have_attribute("data-steps", "4")
    click(page, "input", 3, 0, click_count=2, delay=10)
    field(page).fill("8")
    page.keyboard.press("Enter")
    ties = parse_matrix("5 5 0 1; 2 5 1 1; 3 0 7 2; 0 3 2 7", max_rows=4, max_columns=4)
    expect_matrix(page, "pool_values", changed(ties, (3, 0, 8)))
    expect(page).not_to_have_url(re.compile("pool_input"))
    page.get_by_label("Undo").click()
    expect(page).to_have_url(re.compile(r"/pooling\?pool_input=ties$"))


def test_without_the_app_nothing_is_edited(open_stage):
    page = open_stage("small")
    click(page, "kernel-1-1", 0, 0)
    expect(caption(page)).to_contain_text("Kernel, row 0, column 0")
    stage(page).locator(".picture").press("e")
    expect(field(page)).to_have_count(0)
    expect(page.get_by_role("group", name="Editing")).to_have_count(0)
