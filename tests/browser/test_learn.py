"""The main job of the Learn pages, in a browser: step a convolution, read its sum, share a link."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.player import arithmetic, on_page, stage


def test_a_convolution_is_stepped_and_its_sum_read(open_page):
    page = open_page("/convolution")
    expect(stage(page)).to_have_attribute("data-steps", "16")
    page.get_by_role("button", name="Step forward").click()
    expect(stage(page)).to_have_attribute("data-step", "1")
    expect(page.get_by_test_id("stage-caption")).to_contain_text("row 0, column 1")
    line = arithmetic(page).inner_text().replace("−", "-")
    products, total = re.sub(r"\s", "", line).rsplit("=", 1)
    terms = re.findall(r"\+?(-?[\d.]+)·\(?(-?[\d.]+)\)?", products)
    assert len(terms) == 9
    assert sum(float(a) * float(b) for a, b in terms) == float(total)


def test_a_changed_control_changes_the_stage_and_the_address(open_page):
    page = open_page("/convolution")
    expect(stage(page)).to_have_attribute("data-steps", "16")
    on_page(page, "full", exact=True).click()
    expect(stage(page)).to_have_attribute("data-steps", "64")
    expect(page).to_have_url(re.compile("conv_padding=full"))
    on_page(page, "valid", exact=True).click()
    expect(stage(page)).to_have_attribute("data-steps", "16")
    expect(page).not_to_have_url(re.compile("conv_padding"))


def test_a_link_shows_the_very_view_and_the_back_way_leads_home(open_page):
    page = open_page(
        "/convolution?conv_stride=2&conv_padding=same&conv_weights=0 0 0; 0 3 0; 0 0 0&conv_bias=1"
    )
    expect(stage(page)).to_have_attribute("data-steps", "9")
    line = re.sub(r"\s", "", arithmetic(page).inner_text())
    assert "·3" in line
    assert "1" in line
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What does a network see in a digit?")


def test_typed_weights_stay_when_the_reader_leaves_and_returns(open_page):
    page = open_page("/convolution?conv_weights=0 0 0; 0 3 0; 0 0 0")
    expect(arithmetic(page)).to_contain_text("·3")
    page.get_by_role("link", name="Pooling").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Pooling")
    page.get_by_role("link", name="Convolution").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Convolution")
    expect(arithmetic(page)).to_contain_text("·3")


def test_cells_of_the_kernel_are_edited_by_keyboard(open_page, wait_ready):
    page = open_page("/convolution?conv_kernel=Ones")
    page.get_by_role("button", name="Edit the weights").click()
    cells = page.get_by_test_id("stDataFrame").locator(".dvn-scroller")
    cells.click(trial=True)  # waits until the popover stands still
    wait_ready(page)
    box = cells.bounding_box()
    cells.dblclick(position={"x": box["width"] - 28, "y": box["height"] - 17})
    expect(page.locator(".gdg-input")).to_be_focused()
    page.locator(".gdg-input").fill("7")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"conv_weights=1\+1\+1%3B\+1\+1\+1%3B\+1\+1\+7"))
    expect(arithmetic(page)).to_contain_text("·7")


@pytest.mark.parametrize("width", [1280, 390])
def test_max_and_average_pooling_move_in_step(open_page, width):
    page = open_page("/pooling", width=width)
    expect(stage(page)).to_have_attribute("data-steps", "9")
    page.get_by_role("button", name="Last step").click()
    expect(stage(page)).to_have_attribute("data-step", "8")
    expect(page.get_by_test_id("stage-caption")).to_contain_text("Max pooling, row 2, column 2")
    expect(page.get_by_test_id("stage-caption")).to_contain_text("Average pooling, row 2, column 2")


@pytest.mark.parametrize("width", [1280, 390])
def test_why_on_home_lands_on_the_reasons(open_page, width):
    """U12: the page opened at its top, with the reasons below the window."""
    page = open_page("/", width=width, height=800)
    page.get_by_role("link", name="Why?").click()
    section = page.get_by_role("radio", name="why this answer")
    expect(section).to_be_checked()
    expect(section).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("heading", level=1)).not_to_be_in_viewport()
    page.mouse.wheel(0, -10_000)
    expect(page.get_by_role("heading", level=1)).to_be_in_viewport()


@pytest.mark.parametrize("number", ["inf", "-1e9999"])
def test_an_infinite_number_in_the_address_is_dropped_and_the_rest_kept(open_page, number):
    page = open_page(f"/convolution?conv_stride={number}&conv_padding=same")
    expect(stage(page)).to_have_attribute("data-steps", "36")
    expect(page).to_have_url(re.compile(r"/convolution\?conv_padding=same$"))
    expect(page.get_by_test_id("stException")).to_have_count(0)
