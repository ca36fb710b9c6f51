"""Follow a gradient in a browser: gathered, scattered, compared with Keras; and watch it learn."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.player import caption, on_page, stage
from tests.prose import wording

CHECK_TIMEOUT_MS = 120_000  # the worker has Keras to load first


def total(page):
    """What the arithmetic line comes to."""
    line = re.sub(r"\s", "", page.get_by_test_id("stage-arithmetic").inner_text())
    return line.replace("−", "-").rsplit("=", 1)[1]


def group(page, name):
    return page.get_by_role("radiogroup", name=name)


def choose(page, label, option):
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_gradient_is_gathered_scattered_and_agrees_with_keras(open_page):
    page = open_page("/backpropagation?back_what=kernel")
    expect(stage(page)).to_have_attribute("data-steps", "9")
    choose(page, re.compile("Output gradient"), "one cell")
    page.get_by_label("Cell, column").fill("1")
    page.get_by_label("Cell, column").press("Enter")
    expect(page).to_have_url(re.compile("back_cell_column=1"))
    expect(page).to_have_url(re.compile("back_source=one.cell"))

    for _ in range(4):
        page.get_by_role("button", name="Step forward").click()
    expect(caption(page)).to_contain_text("Kernel gradient, row 1, column 1")
    # One cell of ones: the weight's gradient is the pixel that it lay upon.
    gathered = total(page)
    assert float(gathered) > 0

    group(page, "Form").get_by_text("scatter").click()
    expect(stage(page)).to_have_attribute("data-steps", "16")
    page.get_by_role("button", name="Last step").click()
    expect(stage(page)).to_have_attribute("data-step", "15")
    expect(caption(page)).to_contain_text("Output gradient, row 3, column 3")
    on_page(page, "Numbers as tables").click()
    kernel = page.get_by_role("table", name=re.compile("Kernel gradient"))
    scattered = kernel.get_by_role("row").nth(2).get_by_role("cell").nth(1)
    expect(scattered).to_have_text(gathered.replace("-", "−"))

    expect(on_page(page, wording("backpropagation", "agree", rendered=True))).to_be_visible()
    page.get_by_role("tab", name="Code").click()
    page.get_by_role("button", name="Check against Keras").click()
    expect(on_page(page, "Agrees with Keras")).to_be_visible(timeout=CHECK_TIMEOUT_MS)


def test_a_press_is_a_step_and_the_address_remembers_it(open_page):
    page = open_page("/backpropagation")
    figure = page.locator(".panels figure", has_text="Kernel").first
    before = figure.inner_text()
    page.get_by_role("button", name="Take a step").click()
    step = wording("backpropagation", "step_after", rendered=True, steps="1 step")
    expect(on_page(page, step)).to_be_visible()
    expect(page).to_have_url(re.compile("back_taken=1"))
    expect(page).to_have_url(re.compile(r"back_part=One(\+|%20)step"))
    expect(figure).not_to_have_text(before)
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(0)


def test_a_kernel_learns_before_the_readers_eyes(open_page):
    page = open_page("/backpropagation?back_part=Learn+a+kernel&back_lesson_steps=20")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(on_page(page, "Step 20 of 20")).to_be_visible()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect(page).to_have_url(re.compile("back_step=20"))
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(0)


@pytest.mark.parametrize("part", ["Check by nudging", "Learn a kernel"])
def test_the_layer_stays_while_other_parts_are_looked_at(open_page, part):
    page = open_page("/backpropagation?back_stride=2&back_what=kernel")
    expect(stage(page)).to_have_attribute("data-steps", "9")
    group(page, "Gradient of the").get_by_text("input").click()
    expect(stage(page)).to_have_attribute("data-steps", "36")
    group(page, "Part").get_by_text(part).click()
    expect(page.locator(".stage")).to_have_count(0)
    group(page, "Part").get_by_text("Gradients").click()
    expect(stage(page)).to_have_attribute("data-steps", "36")
    expect(page).to_have_url(re.compile("back_stride=2"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "query",
    [
        "back_part=Check+by+nudging&back_kernel_rows=5",
        "back_part=One+step&back_rate=0.001&back_taken=2",
        "back_part=Learn+a+kernel&back_lesson_rate=2",
        "back_part=Softmax+and+loss&back_scores=network",
        "back_activation=tanh&back_what=input&back_form=both&back_stride=2",
    ],
)
def test_every_part_is_accessible_and_fits_a_phone(open_page, assert_accessible, query, scheme):
    page = open_page(f"/backpropagation?{query}", width=390, height=844, scheme=scheme)
    page.get_by_role("tab", name="Explained").wait_for()
    main = page.get_by_test_id("stMain")
    assert main.evaluate("(box) => box.scrollWidth - box.clientWidth") <= 0
    assert_accessible(page)
