"""A run on real MNIST, watched in a real browser."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.player import on_page, open_fold
from tests.prose import wording
from tools.server import ROOT, serving

FIRST_POINT_MS = 240_000  # TensorFlow starts first
SOON_MS = 60_000
FAST = "/training?training_fast_batch_size=64&training_fast_epochs=30"
SHORT = (
    "/training?training_fast_batch_size=64&training_fast_epochs=30&training_fast_data_fraction=0.1"
)
PAUSED = re.compile(r"Paused in epoch \d+ of 30, after batch (\d+) of 85")
RUN = re.compile(r"run=([A-Za-z0-9_-]{16})")

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own, so that no other test's run is in the way."""
    runs = tmp_path_factory.mktemp("runs")
    with serving(ROOT / "app.py", CNN_LAB_RUNS=str(runs)) as server:
        yield server.url


def start(page: Page) -> str:
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(RUN)
    found = RUN.search(page.url)
    assert found
    return found[1]


def stop(page: Page) -> None:
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(on_page(page, "Stopped as requested.")).to_be_visible(timeout=SOON_MS)


def batches_done(page: Page) -> int:
    words = on_page(page, re.compile(r"Epoch \d+ of 30, batch"))
    expect(words).to_be_visible(timeout=FIRST_POINT_MS)
    epoch, batch = re.findall(r"[\d,]+", words.inner_text())[0::2][:2]
    return (int(epoch) - 1) * 844 + int(batch.replace(",", ""))


def expect_progress(page: Page, beyond: int) -> int:
    """Wait until training has come further than `beyond` batches; return how far."""
    page.wait_for_function(
        """beyond => {
            const text = document.body.innerText.match(/Epoch (\\d+) of 30, batch ([\\d,]+)/)
            return text && (text[1] - 1) * 844 + Number(text[2].replace(',', '')) > beyond
        }""",
        arg=beyond,
        timeout=SOON_MS,
    )
    return batches_done(page)


def watch_curves(page: Page) -> None:
    """Mark the charts that are in the page now."""
    curves(page).locator(".panel").evaluate_all(
        "panels => panels.forEach(panel => { panel.dataset.watched = '1' })"
    )


def expect_same_curves(page: Page) -> None:
    """Make sure that the charts are those that were marked: they grow, and are never replaced."""
    expect(curves(page).locator(".panel[data-watched]")).to_have_count(3)


def curves(page: Page) -> Locator:
    return page.locator(".st-key-training_curves")


def paused_after(page: Page) -> int:
    """Wait until the run is paused; return after how many batches of its epoch."""
    words = on_page(page, PAUSED)
    expect(words).to_be_visible(timeout=FIRST_POINT_MS)
    found = PAUSED.search(words.inner_text())
    assert found
    return int(found[1])


@pytest.mark.parametrize("width", [1280, 390])
def test_a_run_that_begins_is_in_the_window(lab: str, open_page: Open, width: int) -> None:
    page = open_page("/training", url=lab, width=width)
    open_fold(page, "Settings", shows=page.get_by_role("button", name="File"))
    start(page)
    pause = page.get_by_role("button", name="Pause")
    expect(pause).to_be_in_viewport()
    expect(curves(page).locator(".panel").first).to_be_in_viewport()
    stop(page)
    page.locator("summary").get_by_text("Settings", exact=True).click()
    expect(page.get_by_role("button", name="File")).to_be_visible()


def test_a_run_is_watched_left_reloaded_and_stopped(lab: str, open_page: Open) -> None:
    page = open_page(FAST, url=lab)
    run_id = start(page)
    seen = expect_progress(page, batches_done(page))

    # The charts grow and are never taken away.
    expect(curves(page).locator(".panel")).to_have_count(3)
    line = curves(page).locator("polyline.smooth").first
    drawn = line.get_attribute("points") or ""
    watch_curves(page)
    seen = expect_progress(page, seen + 10)
    expect(line).not_to_have_attribute("points", drawn)
    expect_same_curves(page)

    # Another page, and a reload there.
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Pooling").click()
    expect(page.get_by_role("heading", name="Pooling", level=1)).to_be_visible()
    expect(on_page(page, "A run is in progress")).to_be_visible(timeout=SOON_MS)
    page.reload()
    page.get_by_role("link", name="View it").click(timeout=SOON_MS)
    page.wait_for_url(re.compile(f"run={run_id}"))
    seen = expect_progress(page, seen)

    # A reload here, and the bare address.
    page.reload()
    seen = expect_progress(page, seen)
    page.goto(lab + "/training")
    seen = expect_progress(page, seen)

    # Another reader has to wait, and can give up.
    other = open_page("/training", url=lab)
    start(other)
    expect(on_page(other, "Waiting: one run is ahead of this one")).to_be_visible(timeout=SOON_MS)
    stop(other)
    expect_progress(page, seen)

    stop(page)
    expect(on_page(page, wording("afterwards", "untested", rendered=True))).to_be_visible()
    page.get_by_role("link", name="Use this model in Draw").click()
    page.wait_for_url(re.compile(f"draw_model=run-{run_id}"))
    expect(page.get_by_role("heading", name="Draw a digit", level=1)).to_be_visible()


def test_a_run_is_paused_stepped_steered_and_compared(
    lab: str, open_page: Open, wait_ready: Callable[[Page], None]
) -> None:
    """U9: Enter in the field of a new learning rate applies it."""
    page = open_page(SHORT, url=lab)
    start(page)
    pause = page.get_by_role("button", name="Pause", exact=True)
    expect(pause).to_be_enabled(timeout=FIRST_POINT_MS)
    expect(page.get_by_alt_text(wording("training", "filters now", rendered=True))).to_be_visible()
    watch_curves(page)
    pause.click()
    before = paused_after(page)

    # One batch, and nothing in between: the next count is the next number.
    step = page.get_by_role("button", name="One batch", exact=True)
    for done in range(before + 1, min(before + 3, 85)):
        step.click()
        expect(on_page(page, f"after batch {done} of 85")).to_be_visible(timeout=SOON_MS)

    page.get_by_role("button", name="Change settings").click()
    rate = page.get_by_role("spinbutton", name="Learning rate")
    rate.fill("0.0237")
    rate.press("Enter")
    expect(rate).to_be_hidden(timeout=SOON_MS)
    page.get_by_role("button", name="Continue").click()
    expect(on_page(page, re.compile(r"Epoch \d+ of 30"))).to_be_visible(timeout=SOON_MS)
    expect(curves(page).locator(".changes")).to_contain_text("0.0237")  # the marks on the curve
    expect_same_curves(page)

    page.reload()
    expect(curves(page).locator(".changes")).to_contain_text("0.0237", timeout=SOON_MS)
    later = on_page(page, re.compile(r"Epoch (?!1 )\d+ of 30"))
    expect(later).to_be_visible(timeout=FIRST_POINT_MS)
    stop(page)

    # Played again, from before the first batch to where it was stopped.
    page.get_by_role("tab", name="Replay").click()
    machine = page.locator(".st-key-training_machine")
    moment, words = machine.get_by_role("slider", name="Moment"), machine.locator(".words")
    stopped_in = words.inner_text()
    moment.press("Home")
    expect(words).to_contain_text("Before the first batch.")
    machine.get_by_role("button", name="Play").click()
    expect(words).to_have_text(stopped_in, timeout=SOON_MS)

    # Beside another one.
    page.get_by_role("tab", name="Compare").click()
    page.mouse.wheel(0, 300)  # its list closes when the page scrolls, so that comes first
    wait_ready(page)
    page.get_by_role("combobox", name="Other run").press_sequentially("as rec")
    page.get_by_role("option", name="fast, as recorded").click()
    differing = page.get_by_role("region", name="Settings in which the runs differ")
    expect(differing.get_by_role("row", name="epochs 30 2", exact=True)).to_be_visible()


def test_a_run_to_its_end_is_tested_and_can_be_taken_away(
    lab: str,
    open_page: Open,
    wait_ready: Callable[[Page], None],
    assert_accessible: Callable[[Page], None],
    tmp_path: Path,
) -> None:
    page = open_page(
        "/training?training_fast_batch_size=1024&training_fast_epochs=1"
        "&training_fast_data_fraction=0.5&training_fast_engine=NumPy",
        url=lab,
        width=390,
    )
    run_id = start(page)
    expect(on_page(page, re.compile(r"It classifies \d\d\.\d\d% of the 10,000"))).to_be_visible(
        timeout=FIRST_POINT_MS
    )
    expect(on_page(page, re.compile(r"\d+ of 10,000"))).to_be_visible()
    wait_ready(page)
    assert_accessible(page)
    loss = curves(page).locator(".panel").first
    loss.locator(".plot").press("ArrowLeft")
    expect(loss.locator(".reading")).to_contain_text("Epoch 1")
    page.get_by_role("tab", name="Download").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Weights (.safetensors)").click()
    assert download.value.suggested_filename == f"fast-{run_id}.safetensors"
    kept = tmp_path / "fast.safetensors"
    download.value.save_as(kept)
    with page.expect_download() as download:
        page.get_by_role("button", name="History (CSV)").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0].startswith("kind,epoch,")
    assert lines[-1].startswith("epoch,1")


def test_a_killed_worker_is_noticed_and_the_next_run_starts(
    tmp_path: Path, open_page: Open
) -> None:
    with serving(ROOT / "app.py", CNN_LAB_RUNS=str(tmp_path)) as server:
        page = open_page(FAST, url=server.url)
        start(page)
        expect_progress(page, batches_done(page))
        os.kill(worker_of(server.process.pid), signal.SIGKILL)
        expect(on_page(page, "The training process has died")).to_be_visible()
        start(page)
        expect_progress(page, batches_done(page))
        stop(page)


def worker_of(server_pid: int) -> int:
    (worker,) = (
        child.pid
        for child in psutil.Process(server_pid).children(recursive=True)
        if "cnn_lab.runs.worker" in child.cmdline()
    )
    return worker
