"""Several page processes behind the real Caddy: one address, and each visitor stays with one."""

import http.client
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.conftest import Problems
from tests.browser.test_draw import board, draw, draw_and_wait, picture, seen, wait_until_seen
from tests.browser.test_hosting import session_status
from tests.browser.test_lesson_panel import NAME, SEED, STEPS, do_task, next_button
from tests.prose import wording
from tests.unit.runs.test_connection import ROLES, intruded, listening
from tools.browser import READY
from tools.serve import Kit, serving_kit
from tools.server import ROOT, serving

COOKIE = "cnn_lab_page"
PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    with serving_kit(tmp_path_factory.mktemp("kit"), pages=2, workers=1) as kit:
        yield kit


def ask(url: str, path: str, **headers: str) -> http.client.HTTPResponse:
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer


@pytest.mark.parametrize(
    "path", ["/metrics", "/_stcore/metrics", "/_stcore/metrics/", "//_stcore/%6Detrics", "/METRICS"]
)
def test_figures_for_the_host_stay_inside(kit: Kit, path: str) -> None:
    assert ask(kit.page_urls[0], "/metrics").status == 200
    assert ask(kit.url, path).status == 404


def test_pages_of_the_same_address_alone_open_a_session_through_the_proxy(kit: Kit) -> None:
    assert session_status(kit.url, kit.url) == 101
    assert session_status(kit.url, "http://elsewhere.example") == 403


def test_no_other_process_gets_through_to_the_scheduler_or_its_workers(kit: Kit) -> None:
    """H16: another user's, if this one can become another; nothing is open beside Dask's TLS."""
    ports = set[int]().union(*(listening(part.pid) for part in (kit.scheduler, *kit.workers)))
    assert len(ports) >= 2
    ways = [f"{who}-{scheme}" for who in ROLES for scheme in ("tcp", "tls")]
    assert intruded([f"{way}={port}" for way in (*ways, "browser") for port in ports], 3) == {}


def test_secrets_can_be_read_by_their_owner_alone(kit: Kit) -> None:
    for name in ("cookie-secret", "certificate/key.pem"):
        assert (kit.folder / name).stat().st_mode & 0o077 == 0


def test_a_full_process_keeps_its_visitors_and_sends_newcomers_on(tmp_path: Path) -> None:
    with serving_kit(tmp_path, pages=2, workers=0, CNN_LAB_MAX_SESSIONS="1") as full:
        let_in = []
        while (visit := look(full.url))[0] == 200:
            let_in.append(visit[1])
        status, refused = visit
        assert status == 503
        assert COOKIE not in refused
        for cookies in let_in:  # as often as they like, each at its own process
            status, then = look(full.url, cookies)
            assert status == 200
            assert then[COOKIE] == cookies[COOKIE]


def look(url: str, cookies: Mapping[str, str] | None = None) -> tuple[int, dict[str, str]]:
    """Open a page as a browser with some cookies; return status and the cookies it then has."""
    then = dict(cookies or {})
    sent = "; ".join(f"{name}={value}" for name, value in then.items())
    answer = ask(url, "/", Accept="text/html", Cookie=sent)
    for text in answer.headers.get_all("Set-Cookie", []):
        for name, morsel in SimpleCookie(text).items():
            then[name] = morsel.value
            if morsel["max-age"] == "0":
                del then[name]
    return answer.status, then


def n_sessions(page_url: str) -> int:
    """Return how many sessions a page process has now."""
    with urlopen(f"{page_url}/_stcore/metrics?families=active_sessions", timeout=30) as answer:
        found = re.search(r"^active_sessions (\d+)", answer.read().decode(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def test_a_visitor_whose_process_is_killed_is_back_at_the_same_place(
    kit: Kit, open_page: Callable[..., Page], problems: Problems
) -> None:
    """H13: its page finds another process by itself."""
    page = open_page("/convolution?conv_stride=2", url=kit.url)
    page.goto(f"{kit.url}/pooling?pool_stride=3")
    stride = page.locator(".st-key-pool_stride input")
    expect(stride).to_have_value("3")
    # Whatever was opened, one process has served it.
    n = [n_sessions(page_url) for page_url in kit.page_urls]
    assert sorted(n)[0] == 0, n
    assert sorted(n)[-1] >= 1, n

    problems.allow(re.escape(urlsplit(kit.url).netloc))  # the page looks for its server
    lost = kit.pages[n.index(max(n))]
    lost.kill()
    stride.fill("2")
    stride.press("Enter")
    expect(page).to_have_url(re.compile("pool_stride=2"), timeout=PATIENCE_MS)
    expect(stride).to_have_value("2")
    expect(page.locator(READY)).to_be_visible(timeout=PATIENCE_MS)
    lost.wait_ready()
    assert lost.n_starts == 2


def kill_in_use(kit: Kit) -> None:
    """Kill the page processes that have sessions."""
    for one, page_url in zip(kit.pages, kit.page_urls, strict=True):
        if n_sessions(page_url):
            one.kill()


def messages(page: Page) -> list[str]:
    """Return a list to which the kind of each message from a server is added from now on."""
    told: list[str] = []

    def note(data: str | bytes) -> None:
        if isinstance(data, bytes):
            told.append(str(ForwardMsg.FromString(data).WhichOneof("type")))

    page.on("websocket", lambda socket: socket.on("framereceived", note))
    return told


def wait_for_message(page: Page, told: list[str], kind: str) -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while kind not in told:
        assert time.monotonic() < deadline
        page.title()


def test_a_learner_whose_process_is_killed_is_back_at_the_same_step_with_the_answer(
    kit: Kit, open_page: Callable[..., Page], problems: Problems
) -> None:
    """H13: nothing of the lesson is done again."""
    page = open_page(f"/?lesson={NAME}&seed={SEED}", url=kit.url)
    verdict = page.locator(".st-key-lesson [data-testid='stAlert']")
    do_task(page, 1, STEPS[0])
    problems.allow(re.escape(urlsplit(kit.url).netloc))
    told = messages(page)
    kill_in_use(kit)
    # What is on screen stays there, so only this tells when another process has made the page.
    wait_for_message(page, told, "script_finished")
    expect(page.locator(READY)).to_be_visible(timeout=PATIENCE_MS)
    expect(verdict).to_contain_text("✓")
    next_button(page).click()
    expect(page).to_have_url(re.compile("at=2"))
    expect(verdict).to_have_count(0)
    page.go_back()
    expect(verdict).to_contain_text("✓")


def test_a_button_that_is_pressed_before_the_page_is_back_is_followed(
    kit: Kit, open_page: Callable[..., Page], problems: Problems
) -> None:
    """H13: another process has begun to make the page, and has not come to this button yet."""
    page = open_page(f"/?lesson={NAME}&seed={SEED}", url=kit.url)
    do_task(page, 1, STEPS[0])
    problems.allow(re.escape(urlsplit(kit.url).netloc))
    told = messages(page)
    kill_in_use(kit)
    wait_for_message(page, told, "new_session")
    next_button(page).click()
    expect(page).to_have_url(re.compile("at=2"), timeout=PATIENCE_MS)


def test_a_server_that_does_not_answer_is_told_in_our_words_until_it_is_back(
    open_page: Callable[..., Page], problems: Problems
) -> None:
    """H13: where no other process is left, the page waits for the next one."""
    with serving(ROOT / "app.py") as first:
        page = open_page("/pooling", url=first.url, width=390)
        problems.allow(re.escape(urlsplit(first.url).netloc))
        port = urlsplit(first.url).port
    told = page.get_by_role("dialog")
    expect(told.get_by_role("heading")).to_have_text(
        wording("full", "lost_title", rendered=True), timeout=PATIENCE_MS
    )
    expect(told).to_contain_text(wording("full", "lost", rendered=True))
    with serving(ROOT / "app.py", port=port):
        expect(page.locator(READY)).to_be_visible(timeout=PATIENCE_MS)
        expect(told).to_have_count(0)


def test_a_drawing_whose_process_is_killed_is_whole_in_another_one(
    kit: Kit, open_page: Callable[..., Page], problems: Problems
) -> None:
    """H13: with a stroke that was drawn while there was no server; the pen goes on working."""
    page = open_page("/draw", url=kit.url)
    draw_and_wait(page, [(80, 60), (200, 60)])
    first = seen(page)
    problems.allow(re.escape(urlsplit(kit.url).netloc))
    kill_in_use(kit)
    draw(page, [(200, 60), (120, 220)])
    drawn = board(page).evaluate("node => node.toDataURL()")
    expect(board(page)).to_have_attribute("data-waiting", "0", timeout=PATIENCE_MS)
    wait_until_seen(page)
    both = seen(page)
    assert both != first
    assert board(page).evaluate("node => node.toDataURL()") == drawn
    draw_and_wait(page, [(90, 140), (190, 140)])
    assert seen(page) != both
    page.get_by_test_id("stMain").get_by_role("button", name="Undo").click()
    expect(picture(page)).to_have_attribute("src", both)
