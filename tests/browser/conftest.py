"""A real browser on a real server, and a test fails when either of them complains."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    WebError,
    expect,
)

from tests.browser.player import WAIT_FOR_ARRIVALS, stage
from tools.browser import READY, find_browser, launch_arguments
from tools.server import ROOT, Server, serving

READY_TIMEOUT_MS = 30_000
CAMERA_TIMEOUT_MS = 60_000
# What axe finds in Streamlit's own markup, each only below the element named: its navigation
# nests sections between list and items; its formulas scroll sideways where they must, and a
# browser lets the keyboard into a box that scrolls by itself, which axe does not count.
NAVIGATION = "@data-testid='stSidebarNavItems'"
FORMULA = "contains(@class, 'katex-display')"
STREAMLITS_VIOLATIONS = {
    "list": NAVIGATION,
    "listitem": NAVIGATION,
    "scrollable-region-focusable": FORMULA,
}
# A camera that films a test card; a page still has to ask for leave.
A_CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
# A desk in daylight.
DESK: dict[str, Any] = {
    "viewport": {"width": 1280, "height": 800},
    "color_scheme": "light",
    "locale": "en-GB",
}
SERVERS = pytest.StashKey[list[Server]]()

expect.set_options(timeout=15_000)


class Problems:
    """What the browser and the servers complained about during one test.

    `expect` names a complaint that the test causes on purpose and that must come; `allow` one
    that may come.
    """

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._expected: list[str] = []
        self._allowed: list[str] = []

    def expect(self, pattern: str) -> None:
        self._expected.append(pattern)

    def allow(self, pattern: str) -> None:
        self._allowed.append(pattern)

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("requestfailed", self._on_request_failed)
        context.on("response", self._on_response)

    def unwatch(self, context: BrowserContext) -> None:
        context.remove_listener("console", self._on_console)
        context.remove_listener("weberror", self._on_error)
        context.remove_listener("requestfailed", self._on_request_failed)
        context.remove_listener("response", self._on_response)

    def check(self) -> None:
        known = [*self._expected, *self._allowed]
        surprises = [text for text in self.seen if not any(re.search(p, text) for p in known)]
        assert not surprises, "The browser or the server complained:\n" + "\n".join(surprises)
        missing = [p for p in self._expected if not any(re.search(p, t) for t in self.seen)]
        assert not missing, f"Expected complaints that never came: {missing}"

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.seen.append(f"console error: {message.text} ({message.location['url']})")

    def _on_error(self, event: WebError) -> None:
        self.seen.append(f"page error: {event.error}")

    def _on_request_failed(self, request: Request) -> None:
        # The browser aborts what is under way when a page is left.
        if request.failure != "net::ERR_ABORTED":
            self.seen.append(f"failed request: {request.url}: {request.failure}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self.seen.append(f"failed request: {response.url}: {response.status}")


@pytest.fixture(scope="session")
def base_url() -> None:
    """Tests name their server; pytest-playwright's own fixture is of a kind pytest deprecates."""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {
        **browser_type_launch_args,
        "executable_path": find_browser(),
        "args": [*launch_arguments(), *A_CAMERA],
    }


@pytest.fixture
def problems(request: pytest.FixtureRequest, serve: object) -> Iterator[Problems]:
    # Asking for `serve` makes this end first, while the test's own servers still have their logs.
    problems = Problems()
    servers = request.config.stash.setdefault(SERVERS, [])
    already_logged = {server.url: len(server.log) for server in servers}
    yield problems
    for server in servers:
        new = server.log[already_logged.get(server.url, 0) :]
        problems.seen += [
            f"server log: {block.strip()}"
            for block in re.findall(
                r"Traceback \(most recent call last\).*?(?=\n\S.*\n|\Z)", new, re.S
            )
        ]
    problems.check()


@pytest.fixture
def new_context(
    new_context: Callable[..., BrowserContext], problems: Problems
) -> Callable[..., BrowserContext]:
    """Pytest-playwright's factory: a desk in daylight unless told otherwise, and watched."""

    def watched(**options: Any) -> BrowserContext:
        context = new_context(**DESK | options)
        problems.watch(context)
        return context

    return watched


@pytest.fixture
def serve(request: pytest.FixtureRequest) -> Iterator[Callable[..., str]]:
    """Start a fresh server for one script: `serve(path, NAME="value")` gives its address."""
    with ExitStack() as stack:

        def start(script: Path, **environment: str) -> str:
            return _start(request.config, stack, script, environment)

        yield start


@pytest.fixture(scope="session")
def app_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of the lab as `make run` serves it, one server for the whole session."""
    with ExitStack() as stack:
        yield _start(request.config, stack, ROOT / "app.py", {})


@pytest.fixture(scope="session")
def stage_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a page that shows one stage, one server for the whole session."""
    with ExitStack() as stack:
        yield _start(request.config, stack, ROOT / "tests" / "browser" / "stage_harness.py", {})


def _start(
    config: pytest.Config, stack: ExitStack, script: Path, environment: dict[str, str]
) -> str:
    servers = config.stash.setdefault(SERVERS, [])
    server = stack.enter_context(serving(script, **environment))
    servers.append(server)
    stack.callback(servers.remove, server)
    return server.url


@pytest.fixture
def wait_for_camera() -> Callable[[Page], None]:
    """Wait until the camera on the page has a frame to be taken.

    In a busy Chromium the video of its pretended camera may have come and not be playing.
    """

    def wait(page: Page) -> None:
        video = page.get_by_test_id("stCameraInput").locator("video")
        expect(video).to_have_js_property("readyState", 4, timeout=CAMERA_TIMEOUT_MS)
        video.evaluate("node => node.play()")
        expect(video).not_to_have_js_property("currentTime", 0, timeout=CAMERA_TIMEOUT_MS)

    return wait


@pytest.fixture
def wait_ready() -> Callable[[Page], None]:
    """Wait until the page is connected, its script has run and nothing is left to fill in.

    A click takes a moment to start a run, so after one wait for what it changes instead.
    """

    def wait(page: Page) -> None:
        page.locator(READY).wait_for(timeout=READY_TIMEOUT_MS)
        expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=READY_TIMEOUT_MS)
        expect(page.locator("html[data-loading]")).to_have_count(0)

    return wait


@pytest.fixture
def open_page(
    new_context: Callable[..., BrowserContext],
    wait_ready: Callable[[Page], None],
    request: pytest.FixtureRequest,
) -> Callable[..., Page]:
    """Open an address in a new window: `open_page("/pooling?...", width=390, scheme="dark")`."""

    def open_(
        path: str = "/",
        *,
        url: str | None = None,
        width: int = 1280,
        height: int = 800,
        scheme: Literal["light", "dark"] = "light",
        touch: bool = False,
        reduced_motion: bool = False,
        forced_colours: bool = False,
    ) -> Page:
        base = url if url is not None else request.getfixturevalue("app_url")
        context = new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            has_touch=touch,
            reduced_motion="reduce" if reduced_motion else "no-preference",
            forced_colors="active" if forced_colours else "none",
        )
        page = context.new_page()
        page.goto(base + path)
        wait_ready(page)
        return page

    return open_


@pytest.fixture
def open_stage(stage_url: str, open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Open a page with one stage: `open_stage("small", start=5, width=390)`."""

    def open_(case: str, start: int = 0, **options: Any) -> Page:
        page = open_page(f"/?case={case}&start={start}", url=stage_url, **options)
        expect(stage(page)).to_have_attribute("data-step", str(start))
        return page

    return open_


@pytest.fixture(scope="module")
def _stage_page(browser: Browser, stage_url: str) -> Iterator[Page]:
    with browser.new_context(**DESK) as context:
        page = context.new_page()
        page.goto(stage_url)
        yield page


@pytest.fixture
def show_case(
    _stage_page: Page, problems: Problems, wait_ready: Callable[[Page], None]
) -> Iterator[Callable[[str], Page]]:
    """Put another case on the stage of a page that a module's tests share."""

    def show(case: str) -> Page:
        _stage_page.get_by_label("Case").fill(case)
        _stage_page.get_by_label("Case").press("Enter")
        expect(_stage_page.get_by_text(f"On the stage: {case}.", exact=True)).to_be_visible()
        wait_ready(_stage_page)
        expect(_stage_page.locator(".stage[data-steps]")).to_have_count(1)
        return _stage_page

    problems.watch(_stage_page.context)
    yield show
    problems.unwatch(_stage_page.context)


@pytest.fixture
def assert_accessible() -> Callable[[Page], None]:
    """Fail on any violation that axe calls serious or critical, bar STREAMLITS_VIOLATIONS."""

    def check(page: Page) -> None:
        page.evaluate(WAIT_FOR_ARRIVALS)  # what is still fading in has no contrast yet
        serious = []
        for violation in Axe().run(page).response["violations"]:
            excuse = STREAMLITS_VIOLATIONS.get(violation["id"])
            for node in violation["nodes"]:
                target = node["target"][-1]
                excused = (
                    excuse
                    and isinstance(target, str)  # a list leads into a shadow root: ours
                    and page.locator(target).locator(f"xpath=ancestor-or-self::*[{excuse}]").count()
                )
                if violation["impact"] in {"serious", "critical"} and not excused:
                    serious.append(f"{violation['id']}: {violation['help']}: {node['html']}")
        assert not serious, "\n".join(serious)

    return check


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Show with a failure what the servers have printed."""
    report = yield
    if report.failed:
        for server in item.config.stash.get(SERVERS, []):
            report.sections.append((f"log of {server.url}", server.log[-4000:]))
    return report
