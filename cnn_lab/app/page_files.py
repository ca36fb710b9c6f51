"""The files that Streamlit's page is made of, answered from memory and compressed once."""

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
COMPRESSED = (".css", ".js")  # fonts are compressed already
# A file that changes gets another name.
FOR_EVER = "public, immutable, max-age=31536000"


class PageFiles:
    """Answer requests for Streamlit's own scripts, style sheets and fonts.

    A first visit asks for about a hundred of them. Streamlit reads a file from the disk for each
    request and sends it uncompressed; here it is read and compressed once. A class that opens the
    lab on one wireless network loads about half as many bytes. All other requests go on to `app`,
    as do those of browsers that cannot decompress.

    The memory is bounded by the size of Streamlit's folder, about 9 MB compressed.

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
        if file is None or scope["method"] != "GET" or not _takes_compressed(Headers(scope=scope)):
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
        if file.suffix in COMPRESSED:
            headers["content-encoding"] = "gzip"
        await send({"type": "http.response.start", "status": 200, "headers": Headers(headers).raw})
        await send({"type": "http.response.body", "body": body})


def _takes_compressed(headers: Headers) -> bool:
    return "gzip" in headers.get("accept-encoding", "") and "range" not in headers


def _read(file: Path) -> bytes:
    """Return what is sent for a file."""
    body = file.read_bytes()
    return gzip.compress(body, mtime=0) if file.suffix in COMPRESSED else body
