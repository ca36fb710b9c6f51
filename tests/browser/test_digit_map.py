"""The digit map under a mouse and under a finger."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

CHART = ".js-plotly-plot"
PICTURE = f"{CHART} canvas[data-number]"


def joined(page: Page) -> tuple[float, float, float, float]:
    """Wait for the chart and return its box: left, top, width, height."""
    chart = page.locator(f"{CHART}[data-joined]")
    chart.scroll_into_view_if_needed()
    expect(chart.locator(".gl-canvas, canvas").first).to_be_attached()
    box = chart.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


def point_on_screen(page: Page, trace: int, point: int) -> tuple[float, float]:
    """Where Plotly has put a point of the flat map."""
    return tuple(
        page.evaluate(
            """([css, trace, point]) => {
                const chart = document.querySelector(css);
                const { x, y } = chart._fullData[trace];
                const { xaxis, yaxis } = chart._fullLayout;
                const box = chart.getBoundingClientRect();
                return [
                    box.x + xaxis._offset + xaxis.d2p(x[point]),
                    box.y + yaxis._offset + yaxis.d2p(y[point]),
                ];
            }""",
            [CHART, trace, point],
        )
    )


def test_pointing_shows_a_digit_and_a_click_opens_it(open_page: Callable[..., Page]) -> None:
    page = open_page("/digit_map?digit_map_misclassified=true")
    joined(page)
    page.mouse.move(*point_on_screen(page, 10, 0))
    expect(page.locator(PICTURE)).to_be_visible()
    number = page.locator(PICTURE).get_attribute("data-number")
    assert number is not None
    page.mouse.down()
    page.mouse.up()
    expect(page.get_by_label("Test image", exact=True)).to_have_value(number)
    page.get_by_role("link", name="Open in Feature maps").click()
    page.wait_for_url(f"**/features?*features_digit={number}*")


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_finger_scrolls_the_page_across_the_map(
    dimensions: int, open_page: Callable[..., Page]
) -> None:
    page = open_page(
        f"/digit_map?digit_map_dimensions={dimensions}", width=390, height=844, touch=True
    )
    left, top, width, height = joined(page)
    scroller = page.get_by_test_id("stMain")
    before = scroller.evaluate("(main) => main.scrollTop")
    finger = page.context.new_cdp_session(page)
    across, down = left + width / 2, top + height / 2
    for kind, moved in (("touchStart", 0), *(("touchMove", up) for up in range(10, 210, 20))):
        touch = {"type": kind, "touchPoints": [{"x": across, "y": down - moved}]}
        finger.send("Input.dispatchTouchEvent", touch)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function(
        """before => document.querySelector('[data-testid="stMain"]').scrollTop > before + 100""",
        arg=before,
    )


def test_a_click_on_the_loss_surface_starts_the_descent_there(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("/loss_surface?surface_view=from+above")
    left, top, width, height = joined(page)
    page.mouse.move(left + 0.3 * width, top + 0.3 * height)
    expect(page.locator(f"{CHART} .hovertext").first).to_be_visible()
    page.mouse.down()
    page.mouse.up()
    first = page.get_by_label("First starts at")
    expect(first).not_to_have_value("-0.5")
    page.wait_for_url("**surface_start_first=*")
