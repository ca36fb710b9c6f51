"""Exported pages play by themselves, say what Python says, and the menu hands files out."""

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from cnn_lab.stage.export import export_csv, export_html, export_png
from cnn_lab.stage.render import THEMES
from cnn_lab.trace.arithmetic import Arithmetic, arithmetic
from tests.browser.player import stage
from tests.browser.stage_cases import CASES

READ_LINES = """(root, steps) => steps.map((step) => {
    const slider = root.querySelector('[aria-label="Step"]');
    slider.value = step;
    slider.dispatchEvent(new Event("input"));
    const texts = (from, what) => [...from.querySelectorAll(what)].map((e) => e.textContent);
    return [...root.querySelectorAll(".line")].map((line) => ({
        titles: texts(line, ".title"),
        terms: texts(line, ".term"),
        faint: texts(line, ".term.faint"),
        strong: texts(line, ".term.strong"),
        terms_and_signs: texts(line, ".terms").map((text) => text.replace(/\\s+/g, " ").trim()),
        totals: texts(line, ".total"),
        end: line.querySelector(".end").textContent.replace(/\\s+/g, " ").trim(),
        in_rows: !line.classList.contains("flowing"),
    }));
})"""


@pytest.fixture
def open_file(new_context: Callable[..., BrowserContext], tmp_path: Path) -> Callable[..., Page]:
    """Write a page to disk and open it there; the browser has no network."""

    def open_(content: str, **options: Any) -> Page:
        path = tmp_path / "figure.html"
        path.write_text(content, encoding="utf-8")
        context = new_context(offline=True, **options)
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        expect(stage(page)).to_have_attribute("data-step", "0")
        assert asked == [path.as_uri()]
        return page

    return open_


def shown(line: Arithmetic) -> dict[str, object]:
    """What the stage writes for a line of arithmetic."""
    terms = [term for block in line.blocks for term in block.terms]
    sign = {"+": " + ", ",": ", "}.get(line.operator, " ")
    end = f"{line.finish} {line.equals} {line.result}".strip() if line.result else ""
    end = f"{end} {line.activated}".strip()
    return {
        "titles": [f"{block.title}: " for block in line.blocks if block.title],
        "terms": [term.text for term in terms],
        "faint": [term.text for term in terms if term.faint],
        "strong": [term.text for term in terms if term.strong],
        "terms_and_signs": [
            line.open + sign.join(term.text for term in block.terms) + line.close
            for block in line.blocks
            if block.terms
        ],
        "totals": [f"{line.equals} {block.total}" for block in line.blocks if block.total],
        "end": f"{end} rounded".strip() if line.equals == "≈" else end,
        "in_rows": line.in_rows,
    }


@pytest.mark.parametrize("case", CASES)
def test_a_page_from_disk_writes_the_arithmetic_that_python_writes(
    case: str, open_file: Callable[..., Page]
) -> None:
    traces = CASES[case]()
    n_steps = max(map(len, traces))
    page = open_file(export_html(traces, title=case))
    steps = sorted({*range(0, n_steps, max(1, n_steps // 12)), n_steps - 1})
    for step, lines in zip(steps, stage(page).evaluate(READ_LINES, steps), strict=True):
        expected = [shown(arithmetic(trace, min(step, len(trace) - 1))) for trace in traces]
        assert lines == expected


def test_a_page_from_disk_plays_steps_and_obeys_the_keyboard(
    open_file: Callable[..., Page],
) -> None:
    page = open_file(export_html(CASES["small"](), title="Sobel <on a patch>"))
    expect(page).to_have_title("Sobel <on a patch>")
    expect(page.get_by_role("heading")).to_have_text("Sobel <on a patch>")
    expect(page.get_by_text("Made with CNN Lab")).to_be_visible()
    page.get_by_label("Step forward").click()
    expect(page.get_by_text("2 / 16")).to_be_visible()
    page.get_by_role("application").focus()
    page.keyboard.press("End")
    expect(stage(page)).to_have_attribute("data-step", "15")
    page.keyboard.press("Home")
    page.get_by_label("Speed").select_option("16")
    page.get_by_label("Play", exact=True).click()
    expect(stage(page)).to_have_attribute("data-step", "15")
    expect(page.get_by_test_id("stage-arithmetic")).to_contain_text("= −18")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_a_page_wears_its_theme(theme: str, scheme: str, open_file: Callable[..., Page]) -> None:
    page = open_file(
        export_html(CASES["small"](), title="Colours", theme=theme),  # type: ignore[arg-type]
        color_scheme=scheme,
    )
    wanted = THEMES[scheme if theme == "auto" else theme]  # type: ignore[index]
    red, green, blue = wanted.paper
    expect(page.locator("html")).to_have_css("background-color", f"rgb({red}, {green}, {blue})")


def test_a_page_follows_the_system_while_it_is_open(open_file: Callable[..., Page]) -> None:
    page = open_file(export_html(CASES["small"](), title="Colours"))
    read = """(root) => {
        const {x, y, size} = root.cellCenter("output-1", 3, 3);
        const canvas = root.querySelector("canvas");
        const box = canvas.getBoundingClientRect();
        const at = [x - box.left, y - box.top].map((n) => Math.round(n * canvas.width / box.width));
        return [...canvas.getContext("2d").getImageData(...at, 1, 1).data].slice(0, 3);
    }"""
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_function(
            f"([root, empty]) => String(({read})(root)) === String(empty)",
            arg=[stage(page).element_handle(), list(THEMES[scheme].empty)],  # type: ignore[index]
        )


def test_a_printed_page_has_words_instead_of_buttons(open_file: Callable[..., Page]) -> None:
    page = open_file(export_html(CASES["small"](), title="On paper"))
    expect(page.get_by_label("Play", exact=True)).to_be_visible()
    page.emulate_media(media="print")
    expect(page.get_by_label("Play", exact=True)).to_be_hidden()
    expect(page.get_by_test_id("stage-caption")).to_be_visible()
    expect(page.get_by_test_id("stage-arithmetic")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_fits_and_is_accessible(
    width: int,
    open_file: Callable[..., Page],
    assert_accessible: Callable[[Page], None],
) -> None:
    page = open_file(
        export_html(CASES["colour"](), title="Colour"), viewport={"width": width, "height": 800}
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert_accessible(page)


def test_the_menu_hands_out_every_file(stage_url: str, open_page: Callable[..., Page]) -> None:
    traces = CASES["small"]()
    page = open_page("/?case=small&show=exports", url=stage_url)
    make_gif = page.get_by_role("button", name="Make animated GIF")
    expect(make_gif).to_have_count(0)
    page.get_by_role("button", name="Download").click()

    def download(label: str) -> tuple[str, bytes]:
        with page.expect_download() as started:
            page.get_by_role("button", name=label).click()
        return started.value.suggested_filename, Path(started.value.path()).read_bytes()

    make_gif.click()
    name, gif = download("Animated GIF (")
    assert name == "convolution-k3.gif"
    assert Image.open(BytesIO(gif)).n_frames == 16
    name, png = download("Picture of step 16")
    assert name == "convolution-k3-step-16.png"
    assert png == export_png(traces, 15)
    name, played = download("Interactive page")
    assert name == "convolution-k3.html"
    assert played.decode() == export_html(traces, title="Sobel <on a patch>")
    name, tables = download("Numbers as tables")
    assert name == "convolution-k3.csv"
    assert tables.decode("utf-8-sig") == export_csv(traces)
    page.get_by_role("radio", name="dark").click()
    expect(page.get_by_role("radio", name="dark")).to_be_checked()
    page.get_by_label("Step to export").fill("3")
    page.get_by_label("Step to export").press("Enter")
    name, png = download("Picture of step 3 ")
    assert name == "convolution-k3-step-3.png"
    assert png == export_png(traces, 2, theme="dark")
    expect(page.get_by_text("Runs of the script: 2")).to_be_visible()  # once for the GIF


def test_a_gif_shows_its_progress_and_is_given_up(
    stage_url: str, open_page: Callable[..., Page]
) -> None:
    """R13: a reader sees how far a long GIF is, and can do without it."""
    page = open_page("/?case=digit&show=exports", url=stage_url)
    page.get_by_role("button", name="Download").click()
    make_gif = page.get_by_role("button", name="Make animated GIF")
    make_gif.click()
    expect(page.get_by_text(re.compile(r"Drawing the GIF: [1-9]"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(make_gif).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_count(0)
