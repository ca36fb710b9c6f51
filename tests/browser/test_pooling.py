"""Pooling in a browser: the gradients' duel, overlap adding up, and a padded mean's divisor."""

import re

import pytest
from playwright.sync_api import expect

from cnn_lab.content import prose
from tests.browser.player import caption, on_page, open_fold, stage


def title(experiment):
    """The line of an experiment that is its link."""
    return prose("pooling", f"try_{experiment}").split("\n")[0]


def arithmetic(page):
    """The lines below the stage, without spaces: max pooling's, then average pooling's."""
    text = re.sub(r"\s", "", page.get_by_test_id("stage-arithmetic").inner_text())
    _, largest, mean = re.split("(?:Max|Average)pooling(?:'sgradient)?:", text)
    return largest, mean


def test_one_gradient_goes_to_one_cell_or_in_quarters_to_four(open_page):
    page = open_page("/pooling?pool_values=1 2; 4 3&pool_direction=back&pool_grad=own&pool_delta=8")
    expect(stage(page)).to_have_attribute("data-steps", "1")
    expect(caption(page)).to_contain_text("8 goes to the largest cell of its window, row 1")
    expect(caption(page)).to_contain_text("8 is shared by 4 cells")
    assert arithmetic(page) == ("0+8=8", "0+2=2" * 4)
    page.get_by_role("radio", name="gather").click()
    expect(stage(page)).to_have_attribute("data-steps", "4")
    expect(caption(page)).to_contain_text("the largest cell of no window, so its gradient is 0")
    expect(caption(page)).to_contain_text("one window covers it, and its share is 2")
    expect(page).to_have_url(re.compile("pool_form=gather"))


@pytest.mark.parametrize("width", [1280, 390])
def test_experiments_set_the_page_and_gradients_of_windows_that_overlap_add_up(open_page, width):
    page = open_page("/pooling?pool_input=digit", width=width)
    page.get_by_role("tab", name="Try this").click()
    page.get_by_role("link", name=title("overlap")).click()
    expect(stage(page)).to_have_attribute("data-steps", "9")
    expect(page).to_have_url(re.compile(r"pool_input=overlap&pool_size=3&pool_stride=1"))
    for step in range(1, 3):
        page.get_by_role("button", name="Step forward").click()
        expect(stage(page)).to_have_attribute("data-step", str(step))
    assert arithmetic(page)[0] == "2+1=3"
    page.get_by_role("button", name="Last step").click()
    expect(page.get_by_test_id("stage-arithmetic")).to_contain_text("8 + 1 = 9")
    page.get_by_role("link", name=title("ties")).click()
    expect(stage(page)).to_have_attribute("data-steps", "4")
    expect(caption(page)).to_contain_text("row 2, column 2, and to no other")


def test_the_divisor_changes_the_number_in_a_corner(open_page):
    page = open_page("/pooling?pool_values=8 0; 0 0&pool_padding=own")
    expect(caption(page)).to_contain_text("so the mean is 8")
    whole = page.get_by_role("radio", name="whole window")
    open_fold(page, "Padding, shape and divisor", shows=whole)
    whole.click()
    expect(page).to_have_url(re.compile("pool_divisor=whole(\\+|%20)window"))
    expect(caption(page)).to_contain_text("the mean of 4 cells is 2")
    assert arithmetic(page)[1].endswith("=2")


def test_keras_agrees_with_both_gradients(open_page):
    page = open_page(
        "/pooling?pool_direction=back&pool_size=3&pool_stride=2&pool_padding=same&pool_tab=Code"
    )
    for kind in ("Max pooling", "Average pooling"):
        page.get_by_role("radio", name=kind).click()
        check = page.get_by_role("button", name="Check against Keras")
        expect(on_page(page, "Agrees with Keras")).to_have_count(0)
        check.click()
        expect(on_page(page, "Agrees with Keras")).to_be_visible(timeout=120_000)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_the_way_back_is_accessible_and_fits(open_page, assert_accessible, width, scheme):
    query = "pool_direction=back&pool_grad=own&pool_size=3&pool_stride=1&pool_padding=same"
    page = open_page(f"/pooling?{query}&pool_apart=true", width=width, height=844, scheme=scheme)
    expect(stage(page)).to_have_attribute("data-steps", "18")
    assert_accessible(page)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("box => box.scrollWidth <= box.clientWidth")
