"""The Convolution page in a browser: own pictures, the flip lab, groups, padding of one's own."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from cnn_lab.content import _sections
from tests.browser.player import arithmetic, centre, on_page, open_fold, stage
from tests.prose import wording

RESULT = "Output on the whole picture"


def half_white(rows, columns):
    """A picture that is black on the left and white on the right, as a file."""
    pixels = np.zeros((rows, columns, 3), np.uint8)
    pixels[:, columns // 2 :] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return {"name": "half.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


def upload(page, file):
    page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files([file])


@pytest.mark.parametrize("width", [1280, 390])
def test_an_uploaded_picture_is_filtered_and_stays_while_settings_change(open_page, width):
    page = open_page("/convolution?conv_input=picture", width=width)
    drawn = page.get_by_alt_text(RESULT)
    expect(drawn).to_be_visible()
    before = drawn.get_attribute("src")
    open_fold(page, "Image", shows=page.get_by_test_id("stFileUploader"))
    upload(page, half_white(40, 60))
    expect(on_page(page, "The whole picture, 40 × 60 pixels")).to_be_visible()
    expect(on_page(page, re.compile("Output: 38 × 58 .*0.*1020"))).to_be_visible()
    expect(drawn).not_to_have_attribute("src", before)
    expect(page).to_have_url(re.compile(r"conv_crop_column=\d+"))
    expect(stage(page)).to_have_attribute("data-steps", "144")
    on_page(page, "same", exact=True).click()
    expect(on_page(page, re.compile("Output: 40 × 60"))).to_be_visible()
    expect(stage(page)).to_have_attribute("data-steps", "196")


def test_what_is_no_picture_gets_a_sentence_and_the_next_one_is_taken(open_page):
    page = open_page("/convolution?conv_input=picture")
    open_fold(page, "Image", shows=page.get_by_test_id("stFileUploader"))
    upload(page, {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(on_page(page, "This is not a picture")).to_be_visible()
    expect(on_page(page, "256 × 384 pixels")).to_be_visible()
    upload(page, half_white(9, 8))
    expect(on_page(page, "9 × 8 pixels")).to_be_visible()
    expect(on_page(page, "This is not a picture")).to_have_count(0)
    page.get_by_role("button", name="Back to the sample picture").click()
    expect(on_page(page, "256 × 384 pixels")).to_be_visible()


def test_the_camera_takes_a_picture(open_page, wait_ready, wait_for_camera):
    page = open_page("/convolution?conv_input=picture")
    expect(on_page(page, "256 × 384 pixels")).to_be_visible()
    open_fold(page, "Image", shows=page.get_by_test_id("stFileUploader"))
    expect(page.get_by_test_id("stCameraInput")).to_have_count(0)
    on_page(page, "the camera", exact=True).click()
    wait_for_camera(page)
    video = page.get_by_test_id("stCameraInput").locator("video")
    # Streamlit fits the video into the column a second after it has appeared; what the camera
    # films must not change with it.
    expect(video).not_to_have_attribute("width", "-1")
    wait_ready(page)
    page.get_by_role("button", name="Take photo").click()
    expect(page.get_by_role("button", name="Clear photo")).to_be_visible()
    expect(on_page(page, "256 × 384 pixels")).to_have_count(0)
    expect(on_page(page, re.compile(r"The whole picture, \d+ × 512 pixels"))).to_be_visible()
    expect(on_page(page, re.compile(r"Output: \d+ × 510 .* −\d"))).to_be_visible()


def results(page):
    """The two results of the step that is shown."""
    line = page.get_by_test_id("stage-arithmetic").inner_text().replace("−", "-")
    return [float(total) for total in re.findall(r"=\s*(-?[\d.]+)", line)]


def test_the_flip_lab_plays_both_in_step(open_page):
    page = open_page("/convolution?conv_flip=Both in step")
    opposite = wording("convolution", "flip_opposite", rendered=True)
    expect(on_page(page, opposite)).to_be_visible()
    caption = page.get_by_test_id("stage-caption")
    for step in range(1, 4):
        page.get_by_role("button", name="Step forward").click()
        expect(stage(page)).to_have_attribute("data-step", str(step))
        expect(caption).to_contain_text(f"Cross-correlation: Output, row 0, column {step}")
        expect(caption).to_contain_text(f"Convolution: Output, row 0, column {step}")
        as_it_stands, turned = results(page)
        assert as_it_stands == -turned


def test_a_symmetric_kernel_shows_the_same_numbers_both_ways(open_page):
    page = open_page("/convolution?conv_flip=Both in step&conv_kernel=Laplacian")
    symmetric = wording("convolution", "flip_symmetric", rendered=True)
    expect(on_page(page, symmetric)).to_be_visible()
    expect(stage(page)).to_have_attribute("data-steps", "16")
    page.get_by_role("button", name="Step forward").click()
    expect(stage(page)).to_have_attribute("data-step", "1")
    as_it_stands, turned = results(page)
    assert as_it_stands == turned != 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_flip_lab_on_a_picture_is_accessible_on_a_phone(open_page, assert_accessible, scheme):
    query = "conv_input=picture&conv_flip=Both in step&conv_channels=colour&conv_apart=true"
    page = open_page(f"/convolution?{query}", width=390, height=844, scheme=scheme)
    expect(page.get_by_alt_text("Output, kernel rotated on the whole picture")).to_be_visible()
    for name, label in (
        ("Image", "Side length in pixels"),
        ("Kernel size, filters, bias", "Filters"),
        ("Flip, dilation, border", "Dilation, columns"),
    ):
        open_fold(page, name, shows=page.get_by_label(label))
    assert_accessible(page)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) == 0


def test_padding_of_ones_own_is_in_the_address(open_page):
    page = open_page("/convolution")
    expect(stage(page)).to_have_attribute("data-steps", "16")
    on_page(page, "own", exact=True).click()
    expect(stage(page)).to_have_attribute("data-steps", "36")
    page.get_by_label("Top").fill("3")
    page.get_by_label("Top").press("Enter")
    expect(stage(page)).to_have_attribute("data-steps", "48")
    expect(page).to_have_url(
        re.compile("conv_padding=own.*conv_top=3|conv_top=3.*conv_padding=own")
    )


def test_each_channel_keeps_a_result_of_its_own_when_channels_never_meet(open_page):
    page = open_page("/convolution?conv_channels=colour&conv_groups=never&conv_tab=Cost")
    expect(stage(page)).to_have_attribute("data-steps", "48")
    expect(on_page(page, "In 3 groups", exact=False).first).to_be_visible()


def test_infinities_in_several_fields_leave_the_rest_of_the_address(open_page):
    page = open_page("/convolution?conv_bias=inf&conv_dilation=-1e999&conv_stride=2")
    expect(stage(page)).to_have_attribute("data-steps", "4")
    expect(page).to_have_url(re.compile(r"/convolution\?conv_stride=2$"))


@pytest.mark.parametrize("width", [1280, 390])
def test_an_experiment_sets_the_page_and_the_next_page_is_a_click_away(
    width, open_page, wait_ready
):
    page = open_page("/convolution?conv_stride=2", width=width)
    expect(stage(page)).to_have_attribute("data-steps", "4")
    page.get_by_role("tab", name="Try this").click()
    page.get_by_role("link", name=try_of("relu")).click()
    expect(stage(page)).to_have_attribute("data-steps", "16")
    expect(page).to_have_url(re.compile(r"/convolution\?conv_activation=relu$"))
    expect(arithmetic(page)).to_contain_text("ReLU(−2) = 0")
    wait_ready(page)  # nothing below the stage is still to come and moves it
    expect(stage(page).locator(".picture")).to_be_in_viewport(ratio=1)  # it is above the link
    place = centre(page, "activated-1", 3, 0)
    page.mouse.click(place["x"], place["y"])
    expect(stage(page)).to_have_attribute("data-step", "12")
    expect(arithmetic(page)).to_contain_text("ReLU(30) = 30")
    page.get_by_role("link", name="Next: ").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Padding and strides")


def try_of(name):
    return _sections("convolution")[f"try_{name}"].partition("\n")[0]
