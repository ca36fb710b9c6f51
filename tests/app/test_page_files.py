"""Streamlit's own files come from memory, compressed, and are the same files."""

import asyncio
import gzip

import pytest
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from cnn_lab.app.page_files import COMPRESSED, FOLDER, KINDS, PageFiles

PASSED_ON = 418


async def streamlit(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Stand for all that is not answered from memory."""
    await send({"type": "http.response.start", "status": PASSED_ON, "headers": []})


def asked(path: str, method: str = "GET", **more: str) -> tuple[int, Headers, bytes]:
    headers = {"accept-encoding": "gzip, br"} | more
    scope = {"type": "http", "method": method, "path": path, "headers": Headers(headers).raw}
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        messages.append(message)

    server = PageFiles(streamlit)
    for _ in range(2):  # read, and from memory
        messages.clear()
        asyncio.run(server(scope, receive, send))
    start, *bodies = messages
    return start["status"], Headers(raw=start["headers"]), b"".join(one["body"] for one in bodies)


def a_file(kind: str) -> str:
    """Return where the largest file of a kind is, as a page asks for it."""
    files = (FOLDER / "static").rglob(f"*{kind}")
    largest = max(files, key=lambda file: file.stat().st_size)
    return "/" + largest.relative_to(FOLDER).as_posix()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_arrives_as_it_is(kind: str) -> None:
    path = a_file(kind)
    status, headers, body = asked(path)
    assert status == 200
    assert headers["content-type"] == KINDS[kind]
    assert headers["content-length"] == str(len(body))
    assert "immutable" in headers["cache-control"]
    compressed = headers.get("content-encoding") == "gzip"
    assert compressed is (kind in COMPRESSED)
    assert (gzip.decompress(body) if compressed else body) == (FOLDER / path[1:]).read_bytes()


@pytest.mark.parametrize(
    ("path", "method", "more"),
    [
        ("/static/js/none.js", "GET", {}),
        ("/static/../index.html", "GET", {}),
        ("/index.html", "GET", {}),
        ("/", "GET", {}),
        (a_file(".js"), "HEAD", {}),
        (a_file(".js"), "GET", {"range": "bytes=0-9"}),
        (a_file(".js"), "GET", {"accept-encoding": "identity"}),
    ],
)
def test_all_else_is_left_to_streamlit(path: str, method: str, more: dict[str, str]) -> None:
    assert asked(path, method, **more)[0] == PASSED_ON


def test_a_base_path_comes_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamlit.get_option", {"server.baseUrlPath": "lab/"}.__getitem__)
    path = a_file(".css")
    assert asked("/lab" + path)[0] == 200
    assert asked(path)[0] == PASSED_ON
