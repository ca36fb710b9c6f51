"""Who may open a session, what a host may set, and what is kept of a visitor's files."""

import ast
import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send
from streamlit import config
from streamlit.testing.v1 import AppTest

from cnn_lab.app import frame, run_queue
from cnn_lab.app.first_paint import SCRIPT, SHEET, FirstPaint
from cnn_lab.app.hosting import (
    Guard,
    NoDelay,
    Signpost,
    UploadLimit,
    is_own_page,
    send_at_once,
)
from cnn_lab.runs.store import Kept
from tools.server import ROOT


async def nothing(*_: object) -> None:
    """Serve nothing."""


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        (None, True),  # not a browser
        ("https://lab.example.org", True),
        ("https://lab.example.org:8443", False),
        ("http://localhost:3000", True),
        ("http://[::1]:8501", True),
        ("https://elsewhere.example", False),
        ("https://lab.example.org.elsewhere.example", False),
        ("null", False),  # a page in a sandboxed frame
        ("http://[", False),
    ],
)
def test_only_pages_of_this_server_open_a_session(origin: str | None, own: bool) -> None:
    """R10, R14: others are refused before Streamlit looks up its own address for them."""
    names = {"host": "lab.example.org", **({"origin": origin} if origin else {})}
    assert is_own_page(Headers(names)) is own


@pytest.mark.parametrize("setting", ["'self'; script-src *", "a,b", "https://a.example\nx: y"])
def test_a_setting_that_would_add_a_directive_is_refused(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R14: who may frame the lab is one list, and nothing else."""
    monkeypatch.setenv("CNN_LAB_FRAME_ANCESTORS", setting)
    with pytest.raises(ValueError, match="CNN_LAB_FRAME_ANCESTORS"):
        Guard(nothing)


def sends_at_once(connection: socket.socket) -> bool:
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


@pytest.mark.skipif(sys.platform != "linux", reason="that connections inherit it is known of Linux")
def test_short_messages_do_not_wait_for_the_browser() -> None:
    """Streamlit creates its socket without a protocol, so asyncio leaves it as it is."""
    server = NoDelay(nothing)
    send_at_once.cache_clear()

    async def never(*_: object) -> Message:
        raise AssertionError

    def connected() -> tuple[socket.socket, socket.socket]:
        browser = socket.create_connection(listening.getsockname())
        return browser, listening.accept()[0]

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        pairs = [connected()]
        asyncio.run(server({"type": "lifespan"}, never, nothing))
        assert not sends_at_once(pairs[0][1])
        asyncio.run(server({"type": "http"}, never, nothing))
        pairs.append(connected())
        assert [sends_at_once(accepted) for _, accepted in pairs] == [True, True]
        for pair in pairs:
            for one in pair:
                one.close()


@pytest.mark.parametrize(
    ("path", "base", "to"),
    [
        ("/", "", None),
        ("/padding", "", None),
        ("/padding/", "", None),
        ("/favicon.png", "", None),
        ("/a/padding", "", None),
        ("/home", "", "/?home_digit=3"),
        ("/padings", "", "/?missing=padings"),
        ("/a b&c=d", "", "/?missing=a+b%26c%3Dd"),
        ("/lab", "lab", None),
        ("/lab/padding", "lab", None),
        ("/lab/home/", "lab", "/lab/?home_digit=3"),
        ("/lab/padings", "lab", "/lab/?missing=padings"),
    ],
)
def test_a_page_that_does_not_exist_leads_home(path: str, base: str, to: str | None) -> None:
    passed: list[Scope] = []
    answers: list[Message] = []

    async def inner(scope: Scope, _receive: Receive, _send: Send) -> None:
        passed.append(scope)

    async def never() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        answers.append(message)

    before = config.get_option("server.baseUrlPath")
    config.set_option("server.baseUrlPath", base)
    try:
        server = Signpost(inner, {"home", "padding"})
    finally:
        config.set_option("server.baseUrlPath", before)
    asked = {"headers": [(b"accept", b"text/html")], "query_string": b"home_digit=3"}
    scope = {"type": "http", "method": "GET", "path": path, **asked}
    asyncio.run(server(scope, never, send))
    assert bool(passed) is (to is None)
    if to is not None:
        assert Headers(raw=answers[0]["headers"])["location"] == to
    for other in ({"type": "lifespan"}, {**scope, "headers": [(b"accept", b"image/png")]}):
        passed.clear()
        asyncio.run(server(other, never, send))
        assert passed


class Files:
    """Keeps what is uploaded until it is deleted, as Streamlit does."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.tokens: set[bytes] = set()
        self.at_once = self.most_at_once = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.tokens.add(dict(scope["headers"])[b"x-xsrftoken"])
        if scope["method"] == "PUT":
            self.kept.append(scope["path"])
        elif scope["path"] in self.kept:
            self.kept.remove(scope["path"])
        self.at_once -= 1
        await send({"type": "http.response.start", "status": 204, "headers": []})


def upload(server: UploadLimit, paths: list[str], method: str = "PUT") -> list[Message]:
    answers: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        answers.append(message)

    async def all_at_once() -> None:
        scopes = [
            {"type": "http", "method": method, "path": path, "headers": [(b"x-xsrftoken", b"t")]}
            for path in paths
        ]
        await asyncio.gather(*(server(scope, receive, send) for scope in scopes))

    asyncio.run(all_at_once())
    return answers


def names(session: str, *numbers: int) -> list[str]:
    return [f"/_stcore/upload_file/{session}/{number}" for number in numbers]


def test_a_session_keeps_its_latest_uploads() -> None:
    """R13: forty files, one after another or all at once, are not forty in memory."""
    files = Files()
    server = UploadLimit(files, max_kept=5)
    answers = upload(server, names("ann", *range(40)))
    assert files.kept == names("ann", *range(35, 40))
    assert len(answers) == 40  # none of them to a deletion that nobody asked for
    assert files.most_at_once == 1
    assert files.tokens == {b"t"}
    upload(server, names("bob", 0, 1))
    assert files.kept == names("ann", *range(35, 40)) + names("bob", 0, 1)


def test_a_file_that_the_browser_deletes_makes_room() -> None:
    """R13: who replaces a file by another loses no third one."""
    files = Files()
    server = UploadLimit(files, max_kept=2)
    upload(server, names("ann", 1, 2))
    upload(server, names("ann", 2), "DELETE")
    upload(server, names("ann", 3))
    assert files.kept == names("ann", 1, 3)


PAGE = (b"<html><head><title>Lab</title></head>", b"<body></body></html>")


async def a_page(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a page in two pieces, and any other address as a script."""
    assert "accept-encoding" not in Headers(scope=scope) or scope["path"] == "/index.js"
    kind = b"text/javascript" if scope["path"] == "/index.js" else b"text/html; charset=utf-8"
    sent = [(b"content-type", kind), (b"content-length", b"999"), (b"etag", b'"theirs"')]
    await send({"type": "http.response.start", "status": 200, "headers": sent})
    await send({"type": "http.response.body", "body": PAGE[0], "more_body": True})
    await send({"type": "http.response.body", "body": PAGE[1]})


def fetched(path: str, accept: bytes) -> tuple[Headers, bytes]:
    asked = [(b"accept", accept), (b"accept-encoding", b"gzip")]
    scope = {"type": "http", "method": "GET", "path": path, "headers": asked}
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        messages.append(message)

    asyncio.run(FirstPaint(a_page)(scope, receive, send))
    start, *bodies = messages
    return Headers(raw=start["headers"]), b"".join(one["body"] for one in bodies)


def test_a_page_has_the_style_sheet_and_the_script_from_its_first_moment() -> None:
    """U10: what comes with the first message moves what has been drawn before it."""
    headers, body = fetched("/padding", b"text/html,*/*")
    assert SHEET.encode() in body.partition(b"</head>")[0]
    assert SCRIPT.encode() in body.partition(b"</head>")[0]
    assert body.endswith(PAGE[1])
    assert headers["content-length"] == str(len(body))
    assert "etag" not in headers


def test_what_is_not_a_page_is_left_as_it_is() -> None:
    headers, body = fetched("/index.js", b"*/*")
    assert (body, headers["etag"]) == (b"".join(PAGE), '"theirs"')


def test_a_host_sets_how_many_runs_wait_and_stay(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chosen = {"QUEUE_LENGTH": "0", "KEPT_RUNS": "7", "MAX_RUNS": "8", "MAX_DAYS": "9"}
    for name, value in {**chosen, "RUNS": str(tmp_path)}.items():
        monkeypatch.setenv(f"CNN_LAB_{name}", value)
    run_queue.run_queue.clear()
    queue = run_queue.run_queue()
    assert (queue.length, queue.store.kept) == (0, Kept(7, 8, 9))
    assert queue.store.folder.address == str(tmp_path)
    run_queue.run_queue.clear()


def test_a_page_names_all_settings_that_it_cannot_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a host runs app.py only as a script, it cannot end as it starts."""
    monkeypatch.setenv("CNN_LAB_MAX_DAYS", "many")
    monkeypatch.setenv("CNN_LAB_QUEUE_LENGHT", "4")
    frame.wrong_settings.cache_clear()
    page = AppTest.from_file(ROOT / "app.py", default_timeout=30).run()
    frame.wrong_settings.cache_clear()
    assert not page.exception
    assert not page.main.title
    [shown] = page.error
    for name in ("MAX_DAYS", "QUEUE_LENGHT"):
        assert name in shown.value.replace("\\", "")


@pytest.mark.parametrize("name", ["app", "asgi"])
def test_any_server_keeps_the_lab_on_the_path_for_modules(name: str) -> None:
    """As `uvicorn app:app` does, Python starts here with "" for the current folder."""
    code = f"import sys, {name}; print(sys.path.count({str(ROOT)!r}))"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert ended.stdout.strip() == "1"


def test_the_frame_brings_all_that_pages_import() -> None:
    """Of a fresh server's first visitors, two could import one package from two ends.

    Python then ends one of the imports with an error.
    """
    imported = []
    for path in sorted((ROOT / "pages").glob("*.py")):
        nodes = ast.parse(path.read_text(encoding="utf-8")).body
        ours = [
            (node.module, alias.name)
            for node in nodes
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cnn_lab")
            for alias in node.names
        ]
        assert ours[0] == ("cnn_lab.app", "frame"), path
        imported += ours
    code = f"""
import sys
from cnn_lab.app import frame
before = set(sys.modules)
for module, name in {imported}:
    exec(f"from {{module}} import {{name}}")
print(*sorted(set(sys.modules) - before))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.strip() == ""
