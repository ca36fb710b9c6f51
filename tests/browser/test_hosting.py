"""What the server asks of the world outside, and what it tells browsers about its pages."""

import http.client
import json
import re
import threading
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

from cnn_lab.app.hosting import MAX_UPLOADS
from tests.browser.conftest import Problems
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
        expect(page.get_by_text(re.compile(r"Epoch \d+ of"))).to_be_visible(timeout=PATIENCE_MS)
        page.context.close()
    assert hosts(recorded) <= LOOPBACK
    # Pictures and scripts that the browser makes itself have a scheme of their own.
    sent = [url for url in map(urlsplit, asked) if url.scheme not in ("blob", "data")]
    assert {url.netloc for url in sent} == {urlsplit(server.url).netloc}


def test_another_sites_page_has_the_server_ask_nothing_outside(recorded: Path) -> None:
    """R10: Streamlit alone would look for its own address before it refuses the session."""
    with serving(ROOT / "asgi.py", address="0.0.0.0", **watched(recorded)) as server:
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
        if response.request.resource_type == "script":
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
    lab = serve(ROOT / "asgi.py", CNN_LAB_FRAME_ANCESTORS=f"'self' {school}")
    page = new_context().new_page()
    page.goto(f"{school}/?{lab}/?embed=true")
    inside = page.frame_locator("iframe")
    expect(inside.get_by_role("heading", level=1)).to_be_visible(timeout=PATIENCE_MS)


def test_a_session_cannot_fill_the_servers_memory(
    serve: Callable[..., str], open_page: Callable[..., Page]
) -> None:
    """R13: Streamlit alone keeps as many files as a session sends."""
    lab = serve(ROOT / "asgi.py")
    page = open_page("/convolution?conv_input=picture", url=lab)
    with page.expect_request(lambda request: request.method == "PUT") as uploading:
        page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(
            [{"name": "seven.png", "mimeType": "image/png", "buffer": picture()}]
        )
    expect(page.get_by_text("seven.png")).to_be_attached()
    address, _, file = uploading.value.url.rpartition("/")
    statuses = page.evaluate(
        SEND_MANY, [address, file, uploading.value.headers["x-xsrftoken"], N_SENT, SENT_BYTES]
    )
    assert statuses == [204] * N_SENT
    with closing(http.client.HTTPConnection(urlsplit(lab).netloc, timeout=30)) as server:
        server.request("GET", "/_stcore/metrics")
        figures = server.getresponse().read().decode()
    found = re.findall(r"^cache_memory_bytes{.*UploadedFileManager.* (\d+)$", figures, re.M)
    assert sum(map(int, found)) == MAX_UPLOADS * SENT_BYTES


def picture() -> bytes:
    file = BytesIO()
    Image.new("L", (28, 28)).save(file, "PNG")
    return file.getvalue()
