"""The files that Streamlit's page is made of, answered from memory and packed once."""

import asyncio
import gzip
from pathlib import Path

import streamlit as st
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.url_util import make_url_path

FOLDER = Path(st.__file__).parent / "static"
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".woff2": "font/woff2",
}
PACKED = (".css", ".js")  # fonts are packed already
# The names of these files change with what is in them.
FOR_EVER = "public, immutable, max-age=31536000"


class PageFiles:
    """Answer requests for Streamlit's own scripts, style sheets and fonts.

    A first visit asks for about a hundred of them, 3.6 MB. Streamlit reads each file anew in
    several steps that wait for one another, which takes more than twice as long as an answer from
    memory, and sends it as it is; packed, all together are half that size, which a class on one
    wireless network notices. Whatever else is asked for goes on to `app`, as do browsers
    that cannot unpack.

    What is kept is bounded by what Streamlit's folder has, 9 MB packed, and a third of it is ever
    asked for.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        base = st.get_option("server.baseUrlPath")
        self._files = {
            make_url_path(base, path.relative_to(FOLDER).as_posix()): path
            for path in (FOLDER / "static").rglob("*")
            if path.suffix in KINDS
        }
        self._kept: dict[str, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        file = self._files.get(scope["path"]) if scope["type"] == "http" else None
        if file is None or scope["method"] != "GET" or not _may_be_packed(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        body = self._kept.get(scope["path"])
        if body is None:
            body = self._kept[scope["path"]] = await asyncio.to_thread(_read, file)
        headers = {
            "content-type": KINDS[file.suffix],
            "content-length": str(len(body)),
            "cache-control": FOR_EVER,
            "vary": "accept-encoding",
        }
        if file.suffix in PACKED:
            headers["content-encoding"] = "gzip"
        await send({"type": "http.response.start", "status": 200, "headers": Headers(headers).raw})
        await send({"type": "http.response.body", "body": body})


def _may_be_packed(headers: Headers) -> bool:
    return "gzip" in headers.get("accept-encoding", "") and "range" not in headers


def _read(file: Path) -> bytes:
    """Return what is sent for a file."""
    body = file.read_bytes()
    return gzip.compress(body, mtime=0) if file.suffix in PACKED else body
