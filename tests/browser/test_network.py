"""The Network page in a browser: layers are chosen, added, broken, mended and taken away."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.player import bring

MAX_TABS = 40
UNFOLDED = "/network?network_costs=true"


def line(page: Page, name: str):
    """The table's line of a layer."""
    return page.locator(f'.layers tr[data-layer="{name}"]')


def block(page: Page, name: str):
    """The diagram's block of a layer."""
    return page.locator(f'.layers g[data-layer="{name}"]')


def complaint(page: Page):
    """The title above the reason why a layer does not fit."""
    return page.get_by_test_id("stAlertTitle")


def add(page: Page, type_: str) -> None:
    page.get_by_role("button", name=re.compile("^.*Add a layer after")).click()
    page.get_by_role("menuitem", name=type_, exact=True).click()


def test_a_network_is_changed_broken_mended_undone_and_taken_to_training(open_page, wait_ready):
    page = open_page(UNFOLDED)
    expect(line(page, "conv1")).to_have_class(re.compile("now"))
    block(page, "conv2").click()
    expect(line(page, "conv2")).to_have_class(re.compile("now"))
    expect(page).to_have_url(re.compile("network_layer=conv2"))

    add(page, "MaxPooling2D")
    expect(line(page, "pool3")).to_contain_text("6 × 6 × 128")
    expect(line(page, "conv3")).to_contain_text("4 × 4 × 256")
    expect(block(page, "pool3")).to_contain_text("6 × 6 × 128")
    expect(page).to_have_url(re.compile("network_token=[A-Za-z0-9_-]+"))

    window = page.get_by_role("spinbutton", name="Window")
    window.fill("13")
    window.press("Enter")
    expect(complaint(page)).to_have_text("pool3 does not fit")
    expect(line(page, "pool3")).to_contain_text("spans 13 pixels")
    expect(line(page, "conv3")).to_contain_text("?")
    page.get_by_role("button", name="Use a window of 12 × 12 in pool3").click()
    expect(line(page, "pool3")).to_contain_text("1 × 1 × 128")
    expect(complaint(page)).to_have_text("conv3 does not fit")
    expect(window).to_have_value("12")

    undo = page.get_by_role("button", name="Undo")
    for then in ("spans 13 pixels", "6 × 6 × 128"):
        undo.click()
        expect(line(page, "pool3")).to_contain_text(then)
    expect(complaint(page)).to_have_count(0)
    expect(window).to_have_value("2")

    page.get_by_role("button", name="Download", exact=True).click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Network (JSON)").click()
    assert waiting.value.suggested_filename == "own.json"
    network = json.loads(waiting.value.path().read_text(encoding="utf-8"))
    assert [layer["name"] for layer in network["layers"]][2:5] == ["conv2", "pool3", "conv3"]
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Picture (PNG)").click()
    assert waiting.value.path().read_bytes().startswith(b"\x89PNG")
    page.keyboard.press("Escape")

    page.get_by_role("link", name="Train this network").click()
    expect(page).to_have_url(re.compile(r"/training\?.*training_network="))
    wait_ready(page)
    page.go_back()
    expect(line(page, "pool3")).to_contain_text("6 × 6 × 128")


def test_a_file_is_opened_and_another_network_started_from(open_page):
    page = open_page(UNFOLDED)
    network = {
        "layers": [
            {"type": "Flatten", "name": "flatten"},
            {"type": "Dense", "name": "only", "units": 10},
            {"type": "Softmax", "name": "softmax"},
        ]
    }
    page.get_by_test_id("stPopoverButton").filter(has_text="Open").click()
    bring(page, "own.json", json.dumps(network).encode())
    expect(line(page, "only")).to_contain_text("7,850")
    expect(line(page, "conv1")).to_have_count(0)
    page.get_by_role("button", name="Start from").click()
    page.get_by_role("menuitem", name="fast", exact=True).click()
    expect(line(page, "norm1")).to_contain_text("BatchNormalization")
    expect(page).to_have_url(re.compile("network_preset=fast"))


def test_typing_in_one_field_is_not_disturbed_by_another(open_page):
    page = open_page(UNFOLDED)
    filters = page.get_by_role("spinbutton", name="Filters")
    kernel = page.get_by_role("spinbutton", name="Kernel")
    filters.fill("20")
    kernel.click()
    kernel.fill("3")
    expect(line(page, "conv1")).to_contain_text("28 × 28 × 20")
    expect(kernel).to_have_value("3")
    kernel.press("Enter")
    expect(line(page, "conv1")).to_contain_text("3 × 3")


def test_a_layer_is_chosen_and_changed_by_keys_alone(open_page):
    page = open_page(UNFOLDED)
    for name, chosen in (
        ("conv2", line(page, "conv2").get_by_role("button")),
        ("conv3", block(page, "conv3")),
    ):
        chosen.focus()
        page.keyboard.press("Enter")
        expect(line(page, name)).to_have_class(re.compile("now"))
        # Both are drawn again, and the focus is where it was.
        expect(chosen).to_have_attribute("aria-pressed", "true")
        expect(chosen).to_be_focused()
    name = page.get_by_role("textbox", name="Name")
    expect(name).to_have_value("conv3")
    for _ in range(MAX_TABS):
        page.keyboard.press("Tab")
        if name.evaluate("field => field === document.activeElement"):
            break
    page.keyboard.press("Control+a")
    page.keyboard.type("deep")
    page.keyboard.press("Enter")
    expect(line(page, "deep")).to_contain_text("10 × 10 × 256")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_adds_a_layer_and_mends_what_breaks(open_page, assert_accessible, scheme):
    page = open_page(UNFOLDED, width=390, height=844, scheme=scheme, touch=True)
    line(page, "flatten").get_by_role("button").tap()
    expect(line(page, "flatten")).to_have_class(re.compile("now"))
    page.get_by_role("button", name="Remove", exact=True).tap()
    mend = page.get_by_role("button", name="Insert Flatten before dense1")
    expect(mend).to_be_visible()
    assert_accessible(page)
    mend.tap()
    expect(line(page, "flatten")).to_contain_text("6,400")
    main = page.get_by_test_id("stMain")
    assert main.evaluate("box => box.scrollWidth <= box.clientWidth")
    line(page, "softmax").get_by_role("button").tap()
    expect(line(page, "softmax")).to_have_class(re.compile("now"))
    page.locator(".layers").first.scroll_into_view_if_needed()
    expect(block(page, "softmax")).to_be_in_viewport()
