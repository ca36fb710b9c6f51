"""What the server asks of the world outside, and what it tells browsers about its pages."""

import http.client
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Response, expect

from cnn_lab.app.admission import RETRY_S
from cnn_lab.app.hosting import MAX_UPLOADS
from cnn_lab.app.offline import OFFLINE
from tests.browser.conftest import Problems
from tests.browser.player import bring, on_page, open_fold
from tests.prose import wording
from tools.browser import READY
from tools.server import ROOT, serving

N_SENT, SENT_BYTES = 12, 100_000
# Other files to the same session, as a visitor's own program would send them.
SEND_MANY = """([address, file, token, count, size]) => Promise.all(
  Array.from({length: count}, async (_, n) => {
    const body = new FormData();
    body.append("file", new Blob([new Uint8Array(size)]), `${n}.png`);
    const headers = {"X-Xsrftoken": token};
    return (await fetch(`${address}/${n}${file}`, {method: "PUT", body, headers})).status;
  })
)"""
PATIENCE_MS = 90_000  # until a worker has loaded Keras
LOOPBACK = {"localhost", "127.0.0.1", "::1", "0.0.0.0", None}
# Runs in the server, and in the worker that it starts, before anything else.
RECORDER = """
import json, os, sys

PLACE = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1}
NAMES = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")

def record(event, arguments):
    if event in PLACE:
        place = arguments[PLACE[event]]
        host = place[0] if isinstance(place, tuple) else None  # a socket of the file system
    elif event in NAMES:
        host = arguments[0]
    else:
        return
    with open(os.environ["RECORDED"], "a") as file:
        file.write(json.dumps([event, host.decode() if isinstance(host, bytes) else host]) + "\\n")

sys.addaudithook(record)
record("socket.getaddrinfo", ("localhost",))  # that it records at all
"""


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A file in which a server with `watched(recorded)` records whom it asks."""
    (tmp_path / "sitecustomize.py").write_text(RECORDER)
    return tmp_path / "recorded"


def watched(recorded: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": f"{recorded.parent}:{ROOT}",
        "RECORDED": str(recorded),
        "CNN_LAB_RUNS": str(recorded.parent / "runs"),
    }


def hosts(recorded: Path) -> set[str | None]:
    """Return every machine that the server and its worker have looked for or connected to."""
    events = [json.loads(line) for line in recorded.read_text().splitlines()]
    assert "localhost" in {host for _, host in events}
    return {host for _, host in events}


def test_a_server_and_its_pages_ask_nothing_outside(
    recorded: Path, open_page: Callable[..., Page]
) -> None:
    """R10: neither when it starts without a display nor for a training."""
    with serving(ROOT / "app.py", address="0.0.0.0", **watched(recorded)) as server:
        page = open_page(url=server.url)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{server.url}/training")
        page.get_by_role("button", name="Start training").click()
        expect(on_page(page, re.compile(r"Epoch \d+ of"))).to_be_visible(timeout=PATIENCE_MS)
        page.context.close()
    assert hosts(recorded) <= LOOPBACK
    # Pictures and scripts that the browser makes itself have a scheme of their own.
    sent = [url for url in map(urlsplit, asked) if url.scheme not in ("blob", "data")]
    assert {url.netloc for url in sent} == {urlsplit(server.url).netloc}


@pytest.mark.parametrize(
    ("path", "says"), [("/readyz", '"state"'), ("/metrics", "cnn_lab_sessions")]
)
def test_a_browser_may_look_at_what_a_host_watches(
    path: str, says: str, app_url: str, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context().new_page()
    page.goto(app_url + path)
    expect(page.locator("body")).to_contain_text(says)


@pytest.mark.parametrize("script", ["app.py", "asgi.py"])
def test_another_sites_page_has_the_server_ask_nothing_outside(script: str, recorded: Path) -> None:
    """R10: Streamlit alone would look for its own address before it refuses the session."""
    with serving(ROOT / script, address="0.0.0.0", **watched(recorded)) as server:
        assert session_status(server.url, "http://elsewhere.example") == 403
        assert session_status(server.url, server.url) == 101
    assert hosts(recorded) <= LOOPBACK


def session_status(url: str, origin: str) -> int:
    """Return the status with which the server answers a page that wants a session."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request(
        "GET",
        "/_stcore/stream",
        headers={
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Origin": origin,
        },
    )
    try:
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture
def school(tmp_path: Path) -> Iterator[str]:
    """Another site, whose page shows the address in its query inside a frame."""
    (tmp_path / "index.html").write_text(
        "<link rel=icon href=data:,><iframe width=900 height=600></iframe>"
        "<script>document.querySelector('iframe').src = location.search.slice(1)</script>"
    )
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_every_answer_has_security_headers(app_url: str, open_page: Callable[..., Page]) -> None:
    """R14: pages, the browser's code, and what the server says of itself or does not have."""
    for path in ("/", "/convolution", "/_stcore/health", "/media/nowhere.png"):
        with closing(http.client.HTTPConnection(urlsplit(app_url).netloc, timeout=30)) as server:
            server.request("GET", path)
            check_headers(dict(server.getresponse().getheaders()))
    scripts: list[Response] = []

    def note(response: Response) -> None:
        # A part of the page runs from a blob, which no server sent and which has no such headers.
        if response.request.resource_type == "script" and response.url.startswith(app_url):
            scripts.append(response)

    page = open_page(url=app_url)
    page.on("response", note)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert scripts
    for script in scripts:
        check_headers(script.headers)


def check_headers(found: Mapping[str, str]) -> None:
    headers = {name.lower(): value for name, value in found.items()}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["content-security-policy"] == "frame-ancestors 'self'"
    assert "camera=(self)" in headers["permissions-policy"]


def test_another_site_may_not_show_the_lab_in_a_frame(
    app_url: str, school: str, new_context: Callable[..., BrowserContext], problems: Problems
) -> None:
    """R14: a click on the lab cannot be stolen by a page around it."""
    problems.expect("frame-ancestors")
    problems.expect("ERR_BLOCKED_BY_RESPONSE")
    page = new_context().new_page()
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.goto(f"{school}/?{app_url}")
    assert page.frame_locator("iframe").get_by_test_id("stApp").count() == 0


def test_a_school_may_if_the_host_says_so(
    school: str, serve: Callable[..., str], new_context: Callable[..., BrowserContext]
) -> None:
    """R14: teachers can still put the lab into their own pages."""
    lab = serve(ROOT / "app.py", CNN_LAB_FRAME_ANCESTORS=f"'self' {school}")
    page = new_context().new_page()
    page.goto(f"{school}/?{lab}/?embed=true")
    inside = page.frame_locator("iframe")
    expect(inside.get_by_role("heading", level=1)).to_be_visible(timeout=PATIENCE_MS)


def test_a_session_cannot_fill_the_servers_memory(
    serve: Callable[..., str], open_page: Callable[..., Page]
) -> None:
    """R13: Streamlit alone keeps as many files as a session sends."""
    lab = serve(ROOT / "app.py")
    page = open_page("/convolution?conv_input=picture", url=lab)
    open_upload(page)
    with page.expect_request(lambda request: request.method == "PUT") as uploading:
        bring(page, "seven.png", picture())
    expect(on_page(page, "seven.png")).to_be_attached()
    address, _, file = uploading.value.url.rpartition("/")
    statuses = page.evaluate(
        SEND_MANY, [address, file, uploading.value.headers["x-xsrftoken"], N_SENT, SENT_BYTES]
    )
    assert statuses == [204] * N_SENT
    told = figures(lab, "/_stcore/metrics")
    found = re.findall(r"^cache_memory_bytes{.*UploadedFileManager.* (\d+)$", told, re.M)
    assert sum(map(int, found)) == MAX_UPLOADS * SENT_BYTES


def test_a_full_server_says_so_and_lets_a_waiting_visitor_in_by_itself(
    serve: Callable[..., str],
    new_context: Callable[..., BrowserContext],
    wait_ready: Callable[[Page], None],
    problems: Problems,
) -> None:
    lab = serve(ROOT / "app.py", CNN_LAB_MAX_SESSIONS="1")
    inside = new_context().new_page()
    inside.goto(f"{lab}/padding")
    wait_ready(inside)
    problems.expect("503")
    waiting = new_context().new_page()
    waiting.clock.install()
    waiting.goto(f"{lab}/pooling?pool_strides=3")
    expect(waiting.get_by_role("status")).to_have_text(
        wording("full", "full", rendered=True, seconds=RETRY_S)
    )
    expect(waiting.get_by_role("listitem")).to_have_count(len(OFFLINE))
    link = waiting.get_by_role("link").first
    waiting.keyboard.press("Tab")
    with waiting.expect_response(lambda answer: answer.status == 503):
        waiting.clock.fast_forward(RETRY_S * 1000)
    expect(link).to_be_focused()
    inside.reload()  # whoever is in stays in
    wait_ready(inside)
    inside.context.close()
    wait_for_place(lab)
    waiting.clock.fast_forward(RETRY_S * 1000)
    expect(waiting.get_by_test_id("stApp")).to_be_visible(timeout=PATIENCE_MS)
    wait_ready(waiting)
    assert urlsplit(waiting.url).path == "/pooling"


def wait_for_place(url: str) -> None:
    """Wait until a server is full no longer."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while '"ready"' not in figures(url, "/readyz"):
        assert time.monotonic() < end


def test_a_host_sees_a_run_in_the_figures_and_in_the_log(
    recorded: Path, open_page: Callable[..., Page]
) -> None:
    with serving(ROOT / "app.py", **watched(recorded)) as server:
        page = open_page("/training", url=server.url)
        page.get_by_role("button", name="Start training").click()
        expect(on_page(page, re.compile(r"Epoch \d+ of"))).to_be_visible(timeout=PATIENCE_MS)
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(on_page(page, "Start training")).to_be_visible(timeout=PATIENCE_MS)
        end = time.monotonic() + PATIENCE_MS / 1000
        while 'cnn_lab_runs_total{outcome="stopped"} 1.0' not in figures(server.url, "/metrics"):
            assert time.monotonic() < end
        found = figures(server.url, "/metrics")
        page.context.close()
        lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    assert [line["event"] for line in lines] == ["worker started", "run started", "run ended"]
    assert lines[1]["run"] == lines[2]["run"]
    assert re.search(r"^cnn_lab_sessions 1\.0$", found, re.M)
    assert re.search(r"^cnn_lab_worker_starts_total 1\.0$", found, re.M)
    assert re.search(r"^cnn_lab_rerun_seconds_count [1-9]", found, re.M)


def figures(url: str, path: str) -> str:
    """Return what a server says of itself at a path."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)) as server:
        server.request("GET", path)
        return server.getresponse().read().decode()


def test_a_visitor_who_has_uploaded_too_much_reads_when_it_works_again(
    serve: Callable[..., str], open_page: Callable[..., Page]
) -> None:
    lab = serve(ROOT / "app.py", CNN_LAB_UPLOAD_LIMIT="1 an hour")
    sentence = wording("full", "limit_upload", rendered=True, most="1 file", period="an hour")
    page = open_page("/convolution?conv_input=picture", url=lab)
    open_upload(page)
    bring(page, "one.png", picture())
    # Before it has arrived, another file would take its place, and only that would be counted.
    expect(page.get_by_role("button", name="Back to the sample picture")).to_be_visible()
    expect(on_page(page, sentence)).to_have_count(0)
    bring(page, "two.png", picture())
    expect(on_page(page, sentence)).to_be_visible()
    other = open_page("/convolution?conv_input=picture", url=lab)  # another browser
    open_upload(other)
    bring(other, "three.png", picture())
    expect(other.get_by_role("button", name="Back to the sample picture")).to_be_visible()
    expect(on_page(other, sentence)).to_have_count(0)


def test_a_page_answers_its_controls_after_its_server_was_started_again(
    open_page: Callable[..., Page], problems: Problems
) -> None:
    """Streamlit alone ignores the fragment that a page asks a new process for."""
    problems.allow("ERR_CONNECTION_REFUSED|WebSocket|Failed to load resource")
    with serving(ROOT / "app.py") as before:
        problems.allow(re.escape(urlsplit(before.url).netloc))  # the page looks for its server
        page = open_page("/convolution", url=before.url)
        words = page.get_by_role("region", name="Summary of this page").get_by_role("paragraph")
        expect(words).to_contain_text("Step 1 of 16")
        before.process.kill()
        expect(page.locator(READY)).to_have_count(0)
        with serving(ROOT / "app.py", port=urlsplit(before.url).port):
            page.locator(READY).wait_for(timeout=PATIENCE_MS)
            page.get_by_label("Stride", exact=True).fill("2")
            page.get_by_label("Stride", exact=True).press("Enter")
            expect(words).to_contain_text("Step 1 of 4")
            page.context.close()


def open_upload(page: Page) -> None:
    open_fold(page, "Image", shows=page.get_by_label("Side length in pixels"))


def picture() -> bytes:
    file = BytesIO()
    Image.new("L", (28, 28)).save(file, "PNG")
    return file.getvalue()
