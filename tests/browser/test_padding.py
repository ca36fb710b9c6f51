"""The main job of the page on padding: three paddings in step, two libraries, a shared link."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.player import caption, on_page, stage
from tests.prose import wording

# Pixels of outlines over the third figure: the first one has the kernel.
OUTLINED_ON_THE_RIGHT = """(root) => {
  const overlay = root.querySelectorAll("canvas")[1];
  const { width, height } = overlay;
  const from = Math.floor((2 * width) / 3);
  const { data } = overlay.getContext("2d").getImageData(from, 0, width - from, height);
  return data.filter((value, i) => i % 4 === 3 && value > 0).length;
}"""


def test_three_paddings_play_in_step_and_the_shorter_wait_at_their_end(open_page):
    page = open_page("/padding")
    expect(stage(page)).to_have_attribute("data-steps", "36")
    on_page(page, "all three", exact=True).click()
    expect(stage(page)).to_have_attribute("data-steps", "64")
    expect(caption(page)).to_contain_text("Full: Output, row 0, column 0")
    page.get_by_role("button", name="Step forward").click()
    for name in ("Valid", "Same", "Full"):
        expect(caption(page)).to_contain_text(f"{name}: Output, row 0, column 1")
    page.get_by_role("button", name="Last step").click()
    expect(stage(page)).to_have_attribute("data-step", "63")
    for name, last in (("Valid", 3), ("Same", 5), ("Full", 7)):
        expect(caption(page)).to_contain_text(f"{name}: Output, row {last}, column {last}")


def test_a_weight_of_the_kernel_drawn_once_is_pointed_at_in_all_three(open_page):
    page = open_page("/padding?pad_compare=all three")
    expect(stage(page)).to_have_attribute("data-steps", "64")
    page.mouse.move(5, 5)
    before = stage(page).evaluate(OUTLINED_ON_THE_RIGHT)
    place = stage(page).evaluate("(root) => root.cellCenter('kernel-1-1', 0, 0)")
    page.mouse.move(place["x"], place["y"])
    expect(caption(page)).to_contain_text("Kernel, row 0, column 0: 1")
    assert stage(page).evaluate(OUTLINED_ON_THE_RIGHT) > before


def test_a_stride_parts_keras_from_pytorch_number_by_number(open_page):
    page = open_page("/padding?pad_compare=Keras+and+PyTorch&pad_stride=1")
    expect(on_page(page, wording("padding", "agree", rendered=True))).to_be_visible()
    page.get_by_label("Stride", exact=True).fill("2")
    page.keyboard.press("Enter")
    differ = wording("padding", "numbers_differ", rendered=True, differing=9, n=9)
    expect(on_page(page, differ)).to_be_visible()
    expect(page).not_to_have_url(re.compile("pad_stride"))  # there, 2 is what it opens at
    ruler = page.get_by_role("img", name=re.compile("^Rows and columns: "))
    expect(ruler).to_have_accessible_name(re.compile("Keras pads 0 before and 1 after"))
    expect(ruler).to_have_accessible_name(re.compile("PyTorch pads 1 before and 1 after"))
    results = page.get_by_role("img", name=re.compile("^Output of "))
    expect(results).to_have_count(2)
    first = stage(page)
    expect(first).to_have_attribute("data-steps", "9")
    expect(caption(page)).to_contain_text("9 products add up to 58")
    expect(caption(page)).to_contain_text("9 products add up to 31")
    expect(results.first).to_contain_text("58")
    expect(results.last).to_contain_text("31")


@pytest.mark.parametrize("form", ["scatter", "gather"])
def test_a_link_opens_a_transposed_convolution_and_the_switch_retells_it(open_page, form):
    page = open_page(f"/padding?pad_compare=transposed&pad_stride=2&pad_form={form}")
    steps = {"scatter": "36", "gather": "169"}
    expect(stage(page)).to_have_attribute("data-steps", steps[form])
    other = "gather" if form == "scatter" else "scatter"
    on_page(page, other, exact=True).click()
    expect(stage(page)).to_have_attribute("data-steps", steps[other])


def test_what_is_compared_can_be_taken_away(open_page):
    page = open_page("/padding?pad_compare=all three&pad_stride=2&pad_tab=Code")
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Numbers").click()
    assert download.value.suggested_filename.startswith("all-three-k3-s2")
