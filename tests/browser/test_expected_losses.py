"""A loss curve sketched by a finger before a run, and kept beside the real one."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

N_MOVES = 12


def sketch(page: Page, plot: Locator) -> None:
    """Draw a line with a finger, from the top left to the bottom right."""
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    touch = page.context.new_cdp_session(page)
    for i in range(N_MOVES + 1):
        share = 0.02 + 0.96 * i / N_MOVES
        at = {"x": box["x"] + share * box["width"], "y": box["y"] + share * box["height"]}
        kind = "touchMove" if i else "touchStart"
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [at]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_sketched_curve_stays_beside_the_real_one(
    open_page: Callable[..., Page], assert_accessible: Callable[[Page], None]
) -> None:
    page = open_page("/training?training_expect=true", width=390, height=844, touch=True)
    plot = page.locator(".st-key-training_curves .plot").first
    expect(plot.locator(".line.smooth")).to_have_count(0)
    scrolled = plot.evaluate("(plot) => plot.getBoundingClientRect().top")
    assert scrolled > 0
    sketch(page, plot)
    expect(plot.locator(".line.smooth")).to_have_count(1)
    drawn = plot.locator(".line.expected").get_attribute("points")
    assert drawn is not None
    assert len(drawn.split()) > 20
    start, last = (
        page.locator(f".st-key-training_expect_{when} input") for when in ("start", "end")
    )
    assert float(start.input_value()) > 2
    assert float(last.input_value()) < 0.02
    assert_accessible(page)

    last.fill("0.2")
    last.press("Enter")
    expect(plot.locator(".line.expected")).not_to_have_attribute("points", drawn)
    page.reload()
    expect(plot.locator(".line.expected[points]")).to_have_count(1)
    expect(last).to_have_value("0.2")
    page.get_by_role("button", name="Clear", exact=True).tap()
    expect(plot.locator(".line.smooth")).to_have_count(0)
