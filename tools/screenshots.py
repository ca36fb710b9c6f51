"""Take the README's pictures again: `python -m tools.screenshots`."""

from typing import Literal

from playwright.sync_api import sync_playwright

from tools.browser import READY, find_browser, launch_arguments
from tools.server import ROOT, serving

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
STEPS_TAKEN = 5


def main() -> None:
    """Write docs/convolution-light.png and docs/convolution-dark.png."""
    with serving(ROOT / "app.py") as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=launch_arguments()
        )
        for scheme in SCHEMES:
            context = browser.new_context(
                viewport={"width": 1280, "height": 720},
                color_scheme=scheme,
                reduced_motion="reduce",
            )
            page = context.new_page()
            page.goto(f"{server.url}/convolution")
            page.locator(READY).wait_for()
            for step in range(1, STEPS_TAKEN + 1):
                page.get_by_role("button", name="Step forward").click()
                page.locator(f'.stage[data-step="{step}"]').wait_for()
            page.screenshot(path=ROOT / "docs" / f"convolution-{scheme}.png")
        browser.close()


if __name__ == "__main__":
    main()
