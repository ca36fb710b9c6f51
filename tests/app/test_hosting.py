"""Who may open a session, what a host may set, and what is kept of a visitor's files."""

import asyncio

import pytest
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from cnn_lab.app.first_paint import SCRIPT, SHEET, FirstPaint
from cnn_lab.app.hosting import Guard, UploadLimit, is_own_page


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
    with pytest.raises(ValueError, match="CNN_LAB_FRAME_ANCESTORS="):
        Guard(nothing)


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
