"""Forced colours leave neither backgrounds nor shadows; what is chosen or focused is still seen."""

import io
from collections.abc import Callable
from functools import partial

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

Open = Callable[..., Page]
N_STOPS = 25

CHOSEN = '[data-testid="stButtonGroup"] [aria-checked="true"], [role="tab"][aria-selected="true"]'

# Colours of what is chosen and of its texts, and the system's own for that.
COLOURS = """(node) => {
    const probe = document.createElement("i");
    probe.style.cssText = "color: HighlightText; background: Highlight; forced-color-adjust: none";
    document.body.append(probe);
    const { color, backgroundColor } = getComputedStyle(probe);
    const of = getComputedStyle(node);
    const texts = [...node.querySelectorAll("p")].map((text) => getComputedStyle(text).color);
    probe.remove();
    return { system: [backgroundColor, color], shown: [of.backgroundColor, ...texts] };
}"""

# Of what has the focus, or of the parts around it: a field that is out of sight shows it on these.
FOCUS = """() => {
    let node = document.activeElement;
    while (node.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
    const name = node.ariaLabel ?? node.innerText;
    const around = [node, node.parentElement, node.closest("label, [data-focus-visible]")];
    const isSeen = (one) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(one);
        return outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
    };
    const frame = node.querySelector(":scope > rect"); // of a layer in a diagram
    if (frame) return { name, isSeen: parseFloat(getComputedStyle(frame).strokeWidth) >= 4 };
    return { name, isSeen: node === document.body || around.some((one) => one && isSeen(one)) };
}"""


@pytest.fixture(params=["light", "dark"])
def forced(request: pytest.FixtureRequest, open_page: Open) -> Open:
    """Open an address in forced colours, once on white and once on black."""
    return partial(open_page, scheme=request.param, height=1500, forced_colours=True)


def n_colours(shown: Locator) -> int:
    """How many colours a part of the page has in a screenshot."""
    expect(shown).to_be_visible()
    # Not the screenshot of a locator, which waits until a picture of frames rests.
    photograph = shown.page.screenshot(clip=shown.bounding_box())
    with Image.open(io.BytesIO(photograph)) as picture:
        return len(picture.convert("RGB").getcolors(picture.width * picture.height) or ())


@pytest.mark.parametrize(
    ("path", "least"), [("/pooling", 2), ("/training", 2), ("/network", 1), ("/draw", 2)]
)
def test_what_is_chosen_has_the_systems_colours_for_that(
    forced: Open, path: str, least: int
) -> None:
    page = forced(path)
    chosen = page.locator(CHOSEN)
    seen = [chosen.nth(n).evaluate(COLOURS) for n in range(chosen.count())]
    assert len(seen) >= least
    for one in seen:
        background, text = one["system"]
        assert one["shown"][0] == background
        assert set(one["shown"][1:]) == {text}


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/network", '[data-testid="stCheckbox"] label > div:not([data-testid])'),
        ("/draw", '[data-testid="stSlider"] [role="group"] > div > :first-child'),
        ("/draw", ".board"),
        ("/fool", ".bars .answer .track"),
        ("/training", ".key.training"),
        ("/training", ".key.validation"),
    ],
)
def test_what_is_made_of_colour_alone_is_seen(forced: Open, path: str, part: str) -> None:
    assert n_colours(forced(path).locator(part).first) > 1


@pytest.mark.parametrize("path", ["/network", "/draw", "/pooling"])
def test_what_has_the_focus_is_outlined(forced: Open, path: str) -> None:
    page = forced(path)
    page.locator("h1").click()
    for _ in range(N_STOPS):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUS)
        assert focused["isSeen"], focused["name"]


@pytest.mark.parametrize(
    ("path", "opener", "part"),
    [
        ("/network", "Open", "stPopoverBody"),
        ("/network", "Start from", "menu"),
        ("/convolution", "Kernel", "stSelectboxVirtualDropdown"),
        ("/network?network_preset=none", "", "stAlertContainer"),
    ],
)
def test_what_lies_above_the_page_has_an_edge(
    forced: Open, path: str, opener: str, part: str
) -> None:
    page = forced(path)
    if opener:
        page.get_by_role("button", name=opener).or_(page.get_by_label(opener)).first.click()
    shown = page.get_by_role("menu") if part == "menu" else page.get_by_test_id(part)
    expect(shown).to_be_visible()
    assert shown.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
