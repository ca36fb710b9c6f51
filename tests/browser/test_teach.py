"""From the form of a task to the class: the link on a phone, the worksheet, the locks."""

from collections.abc import Callable
from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from cnn_lab.teaching.questions import QUESTIONS
from cnn_lab.teaching.worksheet import worksheet_html

QUESTION = QUESTIONS["conv-output-size"]
SEED = 7
TASK = {
    "teach_what": "A page",
    "teach_address": "https://elsewhere.example.org/padding?pad_padding=valid&pad_stride=2",
    "teach_seed": SEED,
    "teach_ask": f"{QUESTION.topic}: {QUESTION.title}",
    "teach_lock_padding": "Stride",
    "teach_hide_padding": "All tabs",
    "teach_embed": "true",
}


def test_a_link_made_on_teach_gives_a_class_the_task(
    open_page: Callable[..., Page],
    app_url: str,
    assert_accessible: Callable[[Page], None],
) -> None:
    page = open_page(f"/teach?{urlencode(TASK)}", width=390, scheme="dark")
    link = page.locator(".stCode").first.inner_text().strip()
    assert link.startswith(f"{app_url}/padding?")
    expect(page.get_by_alt_text("QR code")).to_have_js_property("complete", True)
    expect(page.locator(".stCode").nth(1)).to_contain_text("embed=true")
    assert_accessible(page)
    page.get_by_role("button", name="Show the code large").click()
    expect(page.get_by_role("dialog").get_by_alt_text("QR code")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("dialog").locator("code")).to_have_text(link)
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Worksheet (HTML)").click()
    assert waiting.value.suggested_filename == f"worksheet-padding-{SEED}.html"
    sheet = worksheet_html([QUESTION.name], seed=SEED, title="Padding and strides")
    assert waiting.value.path().read_text(encoding="utf-8") == sheet

    with page.context.expect_page() as opening:
        page.get_by_role("link", name="Open the link").click()
    given = opening.value
    expect(given.locator(".st-key-lesson")).to_contain_text("1 of 1")
    stride = given.get_by_label("Stride", exact=True)
    expect(stride).to_have_value("2")
    expect(stride).to_be_disabled()
    expect(given.get_by_role("tab")).to_have_count(0)
