"""What the benchmarks of training in the app have in common: the page, and runs started on it."""

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page

from benchmarks.scene import a_browser
from cnn_lab.runs.store import ENDED, RESULT
from tools.browser import READY
from tools.server import ROOT, serving

RUN = re.compile(r"run=([A-Za-z0-9_-]{16})")
START = "Start training"
PATIENCE_MS, TICK_MS = 600_000, 250


@dataclass(frozen=True)
class TrainingPage:
    """The Training page in a browser, of a server with a folder of runs of its own."""

    page: Page
    url: str
    runs: Path
    server: psutil.Process

    def open(self, preset: str, **settings: Any) -> None:
        """Open the page with these settings, and wait until it is at rest."""
        chosen = "".join(f"&training_{preset}_{key}={value}" for key, value in settings.items())
        self.page.goto(f"{self.url}/training?training_preset={preset}{chosen}")
        self.page.locator(READY).wait_for()

    def start(self) -> str:
        """Start training and return the run's id."""
        self.page.get_by_role("button", name=START).click()
        self.page.wait_for_url(RUN)
        found = RUN.search(self.page.url)
        assert found
        return found[1]

    def finish(self, run_id: str) -> dict[str, Any]:
        """Wait until a run has ended as it was meant to, and return its result."""
        folder = self.runs / run_id
        for _ in range(PATIENCE_MS // TICK_MS):
            if (folder / ENDED).is_file():  # the last file of a run that is written
                break
            self.page.wait_for_timeout(TICK_MS)  # the browser goes on drawing
        result: dict[str, Any] = json.loads((folder / RESULT).read_text())
        return result


@contextmanager
def a_training_page() -> Iterator[TrainingPage]:
    """Serve the app and open a browser until the block ends."""
    with (
        tempfile.TemporaryDirectory() as runs,
        serving(ROOT / "app.py", CNN_LAB_RUNS=runs) as server,
        a_browser() as browser,
    ):
        process = psutil.Process(server.process.pid)
        yield TrainingPage(browser.new_page(), server.url, Path(runs), process)
