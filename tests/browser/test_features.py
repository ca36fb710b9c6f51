"""Feature maps in a browser: a number chosen by mouse, keys or touch, opened on the stage."""

import re

import numpy as np
from playwright.sync_api import Page, expect

from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import Network
from tests.browser.player import on_page, stage


def maps(page: Page):
    return page.get_by_role("application", name=re.compile("^The 16 maps of"))


def chosen(page: Page):
    return page.locator(".maps[data-chosen]").first


def point(page: Page, map_: int, row: int, column: int) -> tuple[float, float]:
    """Where a number of the picture lies, in pixels of the picture."""
    place = page.locator(".maps").first.evaluate(
        """(root, [map, row, column]) => {
            const canvas = root.querySelector("canvas");
            const frame = root.querySelector(".frame:not(.pointed)");
            const side = frame.clientWidth / 28;
            const across = Math.round(canvas.clientWidth / (frame.clientWidth + 2));
            const step = frame.clientWidth + 2;
            return [(map % across) * step + (column + 0.5) * side + 3,
                    Math.floor(map / across) * step + (row + 0.5) * side + 3];
        }""",
        [map_, row, column],
    )
    return place[0], place[1]


def written(value: float) -> re.Pattern[str]:
    return re.compile(re.escape(f"{value:.3f}".replace("-", "−")))


def test_a_click_on_a_number_opens_its_sum_on_the_stage(open_page):
    page = open_page("/features")
    expect(page.get_by_label("Row", exact=True)).to_be_visible()
    shown = [page.get_by_label(name, exact=True).input_value() for name in ("Map", "Row", "Column")]
    expect(chosen(page)).to_have_attribute("data-chosen", " ".join(shown))
    expect(stage(page)).to_have_attribute("data-steps", "784")
    x, y = point(page, 5, 8, 9)
    maps(page).click(position={"x": x, "y": y})
    expect(chosen(page)).to_have_attribute("data-chosen", "5 8 9")
    expect(on_page(page, re.compile("map 5, row 8, column 9"))).to_be_visible()
    expect(stage(page)).to_have_attribute("data-step", str(8 * 28 + 9))

    image = load_mnist().test.image(0)[np.newaxis]
    value = Network.load("paper").activations(image)["conv1"][0, 8, 9, 5]
    result = page.get_by_test_id("stage-arithmetic").locator(".result")
    expect(result).to_have_text(written(value))
    said = on_page(page, re.compile("map 5, row 8, column 9")).locator("strong").last
    expect(said).to_have_text(result.inner_text())
    expect(page).to_have_url(re.compile("features_map=5&features_row=8&features_column=9"))


def test_the_sum_is_beside_the_maps_and_on_a_phone_directly_below(open_page):
    number = "features_map=5&features_row=8&features_column=9"
    sums = {}
    for width, height in ((1280, 800), (390, 844)):
        page = open_page(f"/features?{number}", width=width, height=height)
        expect(stage(page)).to_have_attribute("data-step", str(8 * 28 + 9))
        sums[width] = on_page(page, re.compile("bias .* ≈ ")).first.bounding_box()
        picture = maps(page).bounding_box()
        fields = page.get_by_label("Column", exact=True).bounding_box()
        if width == 1280:
            assert sums[width]["x"] > picture["x"] + picture["width"]
            assert sums[width]["y"] + sums[width]["height"] < height
        else:
            assert 0 < sums[width]["y"] - fields["y"] < 300


def test_the_address_brings_back_the_number_that_a_layer_opened_at(open_page, wait_ready):
    """U19: the strongest response is another one for each layer."""
    page = open_page("/features?features_map=2&features_row=8&features_column=9")
    expect(chosen(page)).to_have_attribute("data-chosen", "2 8 9")
    page.get_by_role("radio", name="conv3").click()
    image = load_mnist().test.image(0)[np.newaxis]
    maps = Network.load("paper").activations(image)["conv3"][0]
    row, column, at = np.unravel_index(maps.argmax(), maps.shape)
    expect(chosen(page)).to_have_attribute("data-chosen", f"{at} {row} {column}")
    expect(page).to_have_url(re.compile(f"features_map={at}"))
    page.reload()
    wait_ready(page)
    expect(chosen(page)).to_have_attribute("data-chosen", f"{at} {row} {column}")


def test_the_arrow_keys_move_from_number_to_number(open_page):
    page = open_page(
        "/features?features_layer=pool1&features_map=3&features_row=7&features_column=7"
    )
    expect(stage(page)).to_have_attribute("data-steps", "196")
    maps(page).focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "PageDown"):
        page.keyboard.press(key)
    expect(chosen(page)).to_have_attribute("data-chosen", "4 8 9")
    expect(stage(page)).to_have_attribute("data-step", str(8 * 14 + 9))
    expect(page.get_by_label("Map", exact=True)).to_have_value("4")


def test_a_tap_chooses_on_a_phone_and_everything_fits(open_page, assert_accessible):
    page = open_page("/features?features_digit=3", width=390, height=844, scheme="dark", touch=True)
    expect(stage(page)).to_have_attribute("data-steps", "784")
    x, y = point(page, 2, 20, 12)
    maps(page).tap(position={"x": x, "y": y})
    expect(on_page(page, re.compile("map 2, row 20, column 12"))).to_be_visible()
    expect(stage(page)).to_have_attribute("data-step", str(20 * 28 + 12))
    main = page.get_by_test_id("stMain")
    assert main.evaluate("box => box.scrollWidth <= box.clientWidth")
    assert_accessible(page)


def test_surgery_changes_the_number_and_is_put_back(open_page):
    there = "features_map=3&features_row=14&features_column=14"
    page = open_page(f"/features?features_view=surgery&{there}")
    page.get_by_role("button", name="Silence map 3 of conv1").click()
    expect(on_page(page, "Changed: conv1, map 3: silent")).to_be_visible()
    expect(page).to_have_url(re.compile("features_cuts=conv1.3"))
    page.get_by_role("radio", name="this number").click()
    number = on_page(page, re.compile("map 3, row 14, column 14")).locator("strong").last
    expect(number).to_have_text("0")
    page.get_by_role("button", name="Undo").click()
    image = load_mnist().test.image(0)[np.newaxis]
    expect(number).to_have_text(
        written(Network.load("paper").activations(image)["conv1"][0, 14, 14, 3])
    )


def test_the_network_turns_in_space_and_a_click_opens_a_layer(open_page, assert_accessible):
    page = open_page("/features?features_view=in+3-D")
    space = page.locator(".space")
    expect(space.locator(".plane")).to_have_count(8)
    expect(space).to_have_attribute("data-turn", "-52")
    space.focus()
    page.keyboard.press("ArrowRight")
    expect(space).to_have_attribute("data-turn", "-46")
    assert_accessible(page)
    space.locator('img[data-name="conv2"]').click()
    expect(page).to_have_url(re.compile("features_layer=conv2"))
    expect(space.locator(".plane.now span")).to_have_text("conv2")
