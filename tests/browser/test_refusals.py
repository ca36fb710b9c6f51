"""What is refused is explained where the reader looks, and what a menu opened is not covered."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from cnn_lab.network import zoo
from cnn_lab.network.spec import Draft
from cnn_lab.network.spec.token import to_json
from tests.browser.player import bring, on_page, open_fold
from tools.server import ROOT

PATIENCE_S = 15
WIDTHS = pytest.mark.parametrize("width", [1280, 390])
# That an element is in the window, with nothing above its middle.
IS_IN_SIGHT = """element => {
  const {left, right, top, bottom} = element.getBoundingClientRect();
  const middle = [(left + right) / 2, (top + bottom) / 2];
  return element.contains(document.elementFromPoint(...middle));
}"""


def open_menu(page: Page, label: str) -> None:
    page.get_by_test_id("stPopover").get_by_role("button", name=label).click()
    expect(page.get_by_test_id("stPopoverBody")).to_be_visible()


def expect_in_sight(page: Page, element: Locator) -> None:
    expect(element).to_be_visible()
    end = time.monotonic() + PATIENCE_S
    while not element.evaluate(IS_IN_SIGHT):
        assert time.monotonic() < end, "It is covered, or outside the window."
        page.wait_for_timeout(50)


def alert(page: Page) -> Locator:
    return page.get_by_test_id("stAlert")


@WIDTHS
@pytest.mark.parametrize(
    ("address", "menu", "name"),
    [
        ("/draw", "Picture", "a.png"),
        ("/draw", "Use your own", "a.safetensors"),
        ("/features?features_input=picture", "Upload", "a.png"),
        ("/network", "Open", "a.json"),
    ],
)
def test_a_file_that_cannot_be_used_is_explained_beside_it(
    open_page: Callable[..., Page], width: int, address: str, menu: str, name: str
) -> None:
    page = open_page(address, width=width)
    open_menu(page, menu)
    bring(page, name, b"{}")
    expect_in_sight(page, alert(page))
    expect(page.get_by_test_id("stPopoverBody").locator(alert(page))).to_have_count(1)


@WIDTHS
def test_a_settings_file_that_cannot_be_used_is_explained_beside_it(
    open_page: Callable[..., Page], width: int
) -> None:
    page = open_page("/training", width=width)
    open_fold(page, "Settings", shows=page.get_by_role("button", name="File"))
    open_menu(page, "File")
    bring(page, "a.json", b"{}")
    expect_in_sight(page, alert(page))


@WIDTHS
def test_pasted_text_that_is_no_network_is_explained_and_then_opened(
    open_page: Callable[..., Page], width: int
) -> None:
    page = open_page("/network", width=width)
    open_menu(page, "Open")
    page.get_by_label("Or paste JSON text").fill("{}")
    page.get_by_role("button", name="Open it").click()
    expect_in_sight(page, alert(page))
    page.get_by_label("Or paste JSON text").fill(to_json(Draft.of(zoo.preset("lenet").network)))
    page.get_by_role("button", name="Open it").click()
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    expect_in_sight(page, on_page(page, "61,706").first)


@WIDTHS
def test_a_picture_that_is_taken_is_not_covered_by_the_menu(
    open_page: Callable[..., Page], width: int
) -> None:
    page = open_page("/features?features_input=picture", width=width)
    open_menu(page, "Upload")
    sample = ROOT / "cnn_lab" / "app" / "icon.png"
    bring(page, "a.png", sample.read_bytes())
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)


@WIDTHS
def test_a_layer_name_that_is_taken_is_explained_beside_it(
    open_page: Callable[..., Page], width: int
) -> None:
    page = open_page("/network", width=width)
    name = page.get_by_label("Name", exact=True)
    name.evaluate("element => element.scrollIntoView({block: 'center'})")
    name.fill("conv2")
    name.press("Enter")
    expect_in_sight(page, alert(page))
    expect(name).to_be_in_viewport(ratio=1)  # another field than before


@WIDTHS
def test_a_run_that_is_refused_is_explained_below_its_button(
    serve: Callable[..., str], open_page: Callable[..., Page], width: int
) -> None:
    lab = serve(ROOT / "app.py", CNN_LAB_RUN_LIMIT="1 an hour")
    page = open_page("/training?training_preset=fast", url=lab, width=width)
    start = page.get_by_role("button", name="Start training")
    start.click()
    page.get_by_role("button", name="Stop").click()
    expect(start).to_be_visible(timeout=60_000)
    open_fold(page, "Settings", shows=page.get_by_role("button", name="File"))
    start.click()
    expect_in_sight(page, alert(page))
