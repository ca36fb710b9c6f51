"""The Learn pages without a mouse: everything can be reached, played and changed by keys."""

import pytest
from playwright.sync_api import Page, expect

from cnn_lab.network import zoo
from cnn_lab.network.spec import Draft
from cnn_lab.network.spec.token import to_json
from tests.browser.player import stage

MAX_TABS = 60

# The focused element, through all shadow roots, as a reader of screens would name it.
FOCUSED = """() => {
    let element = document.activeElement;
    while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    const name = element.getAttribute("aria-label") ?? element.innerText ?? "";
    const outlined = getComputedStyle(element).outlineStyle !== "none";
    const kind = element.localName === "input" ? element.type : element.localName;
    const role = element.getAttribute("role") ?? kind;
    return { role, name, outlined };
}"""


def tab_to(page: Page, name: str, role: str) -> dict[str, object]:
    """Press Tab until an element whose name holds these words has the focus."""
    passed = []
    for _ in range(MAX_TABS):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if role == focused["role"] and name in focused["name"]:
            return focused
        passed.append(f"{focused['role']} {focused['name']!r}")
    raise AssertionError(f"No {role} {name!r} among {passed}")


@pytest.mark.parametrize(
    ("name", "steps", "field", "then"),
    [
        ("convolution", 16, "Stride", 4),
        ("padding", 36, "Stride", 9),
        ("pooling", 9, "Window", 4),
        ("backpropagation?back_what=kernel", 9, None, 16),
    ],
)
def test_a_stage_is_played_and_its_settings_changed_by_keys(
    open_page, wait_ready, name, steps, field, then
):
    page = open_page(f"/{name}")
    expect(stage(page)).to_have_attribute("data-steps", str(steps))
    assert tab_to(page, "step by step", "application")["outlined"]
    page.keyboard.press("End")
    expect(stage(page)).to_have_attribute("data-step", str(steps - 1))
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(stage(page)).to_have_attribute("data-step", "1")
    page.keyboard.press("Space")
    expect(stage(page)).to_have_attribute("data-playing", "true")
    page.keyboard.press("Space")
    expect(stage(page)).to_have_attribute("data-playing", "false")
    tab_to(page, "Step forward", "button")
    page.keyboard.press("Enter")
    expect(stage(page)).not_to_have_attribute("data-step", "1")
    tab_to(page, "Numbers as tables", "summary")
    page.keyboard.press("Enter")
    expect(page.get_by_role("table").first).to_be_visible()
    if field is None:
        tab_to(page, "gather", "radio")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Space")
    else:
        tab_to(page, field, "number")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
    expect(stage(page)).to_have_attribute("data-steps", str(then))
    wait_ready(page)  # the stage comes first; what is pressed below it is still being drawn
    tab_to(page, "Explained", "tab")
    page.keyboard.press("End")
    expect(page.get_by_role("tab", name="PyTorch")).to_be_visible()
    wait_ready(page)
    tab_to(page, "Download", "button")
    page.keyboard.press("Enter")
    gif = page.get_by_role("button", name="Animated GIF")
    expect(gif).to_be_visible()
    wait_ready(page)
    page.keyboard.press("Escape")
    expect(gif).to_have_count(0)
    wait_ready(page)
    tab_to(page, "Check against Keras", "button")


def focused_name(page: Page) -> str:
    return str(page.evaluate(FOCUSED)["name"]).strip().splitlines()[-1]


def test_tab_leads_into_an_open_menu_and_on_from_it(open_page):
    page = open_page("/network")
    tab_to(page, "Open", "button")
    page.keyboard.press("Tab")
    after = focused_name(page)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    menu = page.get_by_test_id("stPopoverBody")
    expect(menu.get_by_role("button", name="Open it")).to_be_visible()
    page.keyboard.press("Tab")
    while focused_name(page) != "Open it":
        assert menu.evaluate("menu => menu.contains(document.activeElement)")
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert focused_name(page) == after


def test_shift_and_tab_lead_from_an_open_menu_back_to_its_button(open_page):
    page = open_page("/convolution?conv_input=custom")
    button = page.get_by_test_id("stPopoverButton").first
    button.focus()
    page.keyboard.press("Enter")
    menu = page.get_by_test_id("stPopoverBody")
    expect(menu).to_be_visible()
    page.keyboard.press("Tab")
    assert menu.evaluate("menu => menu.contains(document.activeElement)")
    while menu.evaluate("menu => menu.contains(document.activeElement)"):
        page.keyboard.press("Shift+Tab")
    expect(button).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()


def test_a_menu_that_closes_by_itself_gives_the_focus_to_its_button(open_page):
    page = open_page("/network")
    button = page.get_by_test_id("stPopover").get_by_role("button", name="Open", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    text = page.get_by_test_id("stPopoverBody").get_by_label("Or paste JSON text")
    text.fill(to_json(Draft.of(zoo.preset("lenet").network)))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(text).to_be_hidden()
    expect(button).to_be_focused()
