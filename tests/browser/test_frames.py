"""The player of frames: it plays by itself, asks for what is missing, and obeys."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

OpenPage = Callable[..., Page]


def player(page: Page) -> Locator:
    return page.locator(".frames")


def frame(page: Page) -> int:
    return int(player(page).get_attribute("data-frame") or 0)


def test_it_plays_to_the_end_by_itself_and_then_obeys_the_keyboard(open_page: OpenPage) -> None:
    page = open_page("/fool?fool_model=fast")
    shown = player(page)
    expect(shown).to_have_attribute("data-state", "done")
    last = int(shown.get_attribute("data-frames") or 0) - 1
    assert last > 3
    expect(shown).to_have_attribute("data-frame", str(last))
    expect(shown.locator("li.answer .name")).to_have_text("3")
    slider = shown.get_by_role("slider", name="Step")
    slider.press("Home")
    expect(shown).to_have_attribute("data-frame", "0")
    expect(shown.locator("li.answer .name")).to_have_text("7")
    slider.press("ArrowRight")
    expect(shown).to_have_attribute("data-frame", "1")
    shown.locator(".roll").click(position={"x": 1, "y": 5})
    expect(shown).to_have_attribute("data-frame", "0")
    shown.get_by_role("button", name="Play").press("Space")
    expect(shown).to_have_attribute("data-frame", str(last))
    page.locator('[data-testid="stButtonGroup"]').filter(has_text="Make it read").get_by_role(
        "radio", name="8"
    ).click()
    expect(shown).not_to_have_attribute("data-frames", str(last + 1))
    expect(shown).to_have_attribute("data-state", "done")


def test_stop_at_once_keeps_what_there_is_and_continue_goes_on(open_page: OpenPage) -> None:
    page = open_page("/fool?fool_model=paper&fool_limit=0.5")
    shown = player(page)
    shown.get_by_role("button", name="Stop").click()
    expect(shown).to_have_attribute("data-state", "stopped")
    shown.get_by_role("button", name="Continue").click()
    expect(shown).to_have_attribute("data-state", "done", timeout=60_000)
    expect(shown.get_by_role("button", name="Continue")).to_be_hidden()


def test_with_reduced_motion_nothing_plays_and_the_newest_frame_is_shown(
    open_page: OpenPage,
) -> None:
    page = open_page("/fool?fool_model=fast", width=390, height=844, reduced_motion=True)
    shown = player(page)
    expect(shown).to_have_attribute("data-state", "done")
    last = int(shown.get_attribute("data-frames") or 0) - 1
    assert frame(page) == last
    expect(shown.get_by_role("button", name="Play")).to_be_visible()
