"""Find a Chromium that starts; `python -m tools.browser` also fetches one when there is none.

An installed Chromium or Chrome comes first, then Playwright's own, then Debian's package. Set
CNN_LAB_BROWSER to the path of a browser to use that one and no other.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

INSTALLED = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)
FETCH_TIMEOUT_S = 420
# Streamlit's page, connected and its script done.
READY = (
    '[data-testid="stApp"]'
    '[data-test-connection-state="CONNECTED"]'
    '[data-test-script-state="notRunning"]'
)


class NoBrowserError(RuntimeError):
    """No Chromium or Chrome on this machine starts."""

    def __init__(self) -> None:
        super().__init__(
            "The browser tests need Chromium or Chrome and found none that starts. Run "
            "`make browser`, or install one yourself (on Debian: `sudo apt-get install chromium`), "
            "or set CNN_LAB_BROWSER to its path. "
            f"Received: CNN_LAB_BROWSER={os.environ.get('CNN_LAB_BROWSER')!r}"
        )


@cache
def find_browser() -> Path:
    """Return the path of a browser that starts, or raise NoBrowserError."""
    chosen = os.environ.get("CNN_LAB_BROWSER")
    for candidate in [chosen] if chosen else _candidates():
        path = shutil.which(candidate)
        if path and _starts(path):
            return Path(path)
    raise NoBrowserError


def launch_arguments() -> list[str]:
    """Return the switches that keep a headless Chromium quiet and off the network."""
    arguments = [
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-gpu",
        "--disable-quic",
        "--disable-sync",
        "--no-first-run",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium refuses to start for root otherwise
    return arguments


def _candidates() -> Iterator[str]:
    yield from INSTALLED
    yield _playwrights_own()


def _playwrights_own() -> str:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def _starts(path: str) -> bool:
    """Tell a browser from a broken one: a stub package, or libraries that are missing."""
    try:
        subprocess.run([path, "--version"], check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _fetch_playwrights_own() -> None:
    _try([sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"])


def fetch_debians_package(name: str) -> None:
    """Try to install a package of Debian's, where there are such and this user may."""
    if shutil.which("apt-get") is None:
        return
    as_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if as_root and shutil.which("sudo") is None:
        return
    _try([*as_root, "apt-get", "update", "--quiet"])
    _try([*as_root, "apt-get", "install", "--yes", "--quiet", "--no-install-recommends", name])


def _try(command: list[str]) -> None:
    print("Trying:", " ".join(command), flush=True)
    try:
        subprocess.run(command, check=True, timeout=FETCH_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"That did not work: {error}", flush=True)


def main() -> int:
    """Find a browser or fetch one; print its path, or what would cure the lack of it."""
    remedies: list[Callable[[], None]] = [
        _fetch_playwrights_own,
        partial(fetch_debians_package, "chromium"),
    ]
    while True:
        try:
            print(f"Browser: {find_browser()}")
            return 0
        except NoBrowserError as error:
            if not remedies or "CNN_LAB_BROWSER" in os.environ:
                print(error, file=sys.stderr)
                return 1
            remedies.pop(0)()


if __name__ == "__main__":
    sys.exit(main())
