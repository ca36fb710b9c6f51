"""What the server tells browsers about its pages, whom it lets open a session, and what it keeps.

Plain ASGI middleware, because Starlette's own base class does not see websockets.
"""

import asyncio
import os
import re
import socket
import sys
import webbrowser
from collections import OrderedDict
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Timer
from urllib.parse import urlencode, urlsplit

import psutil
import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.url_util import make_url_path
from streamlit.web.server.server_util import get_url

from cnn_lab.app.admission import is_page
from cnn_lab.ops.environment import FRAME_ANCESTORS

LOOPBACK = ("localhost", "127.0.0.1", "::1")
HOME, MISSING = "home", "missing"  # a page, and the parameter that names one that does not exist
MAX_UPLOADS = 5
MAX_SESSIONS = 4096  # whose uploads are counted
UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+$")
POLICY_VIOLATION = 1008  # of a websocket
BROWSER_AFTER_S = 0.3  # the server listens only after all is started


def keep_on_path(folder: Path) -> None:
    """Keep the folder of app.py on the path on which Python looks for modules.

    Unless it is there, Streamlit adds it for each run of a page and takes it off again. What
    another thread imports at that moment may then not be found. `streamlit run` adds it when it
    starts, the command `uvicorn` does not.
    """
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


class Guard:
    """Add security headers to each response, and refuse sessions opened by other sites' pages.

    Parameters
    ----------
    app : ASGI application
    frame_ancestors : str, optional
        Who may show the lab inside a frame, as in a content security policy, such as
        "'self' https://moodle.example.org". By default what `CNN_LAB_FRAME_ANCESTORS` says, or
        the server's own pages only.

    Raises
    ------
    SettingsError
        If `frame_ancestors` would end its directive.

    Notes
    -----
    Streamlit refuses other sites' sessions too, but only after it has asked an outside service
    for the machine's own address, each time, while every other visitor waits.
    """

    def __init__(self, app: ASGIApp, frame_ancestors: str | None = None) -> None:
        if frame_ancestors is None:
            frame_ancestors = FRAME_ANCESTORS.value()
        self._app = app
        self._headers = {
            "Content-Security-Policy": f"frame-ancestors {FRAME_ANCESTORS.read(frame_ancestors)}",
            "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
            # A page's settings are in its address, which other sites need not see.
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            await self._app(scope, receive, self._with_headers(send))
        elif scope["type"] != "websocket" or is_own_page(Headers(scope=scope)):
            await self._app(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})

    def _with_headers(self, send: Send) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        return send_with_headers


class NoDelay:
    """Have every message sent at once, from the first page on; see `send_at_once`.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "lifespan":  # it begins before the server listens
            send_at_once()
        await self._app(scope, receive, send)


class Signpost:
    """Lead a browser that asks for a page that does not exist to Home, which says so.

    Streamlit alone shows Home below a window that speaks of files in a folder.

    Parameters
    ----------
    app : ASGI application
    pages : set of str
        Names of the pages, "home" among them.
    """

    def __init__(self, app: ASGIApp, pages: Set[str]) -> None:
        self._app, self._pages = app, pages
        self._home = make_url_path(st.get_option("server.baseUrlPath"), "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        name = self._named(scope["path"]) if is_page(scope) else ""
        if not name or (name in self._pages and name != HOME):
            await self._app(scope, receive, send)
            return
        query = scope["query_string"].decode() if name == HOME else urlencode({MISSING: name})
        answer = RedirectResponse(f"{self._home}?{query}" if query else self._home)
        await answer(scope, receive, send)

    def _named(self, path: str) -> str:
        """Return the page that a path names; empty if it names Home, a file or a folder."""
        name = path.removeprefix(self._home).strip("/") if path.startswith(self._home) else ""
        return "" if "." in name or "/" in name else name


class UploadLimit:
    """Keep no more than the latest few uploads of each session.

    Streamlit limits the size of one upload and keeps as many as a session sends, until it ends.
    The browser deletes a file that is replaced; here one more than `max_kept` deletes the oldest
    in the same way.

    Parameters
    ----------
    app : ASGI application
    max_kept : int
        Uploads of a session. Their size is at most Streamlit's `server.maxUploadSize` each.
    """

    def __init__(self, app: ASGIApp, max_kept: int = MAX_UPLOADS) -> None:
        self._app, self._max_kept = app, max_kept
        self._sessions: OrderedDict[str, _Uploads] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        found = UPLOAD.search(scope["path"]) if scope["type"] == "http" else None
        if found is None or scope["method"] not in ("PUT", "DELETE"):
            await self._app(scope, receive, send)
            return
        uploads = self._uploads_of(found[1])
        async with uploads.turn:  # so that many at once do not pass the limit together
            while scope["method"] == "PUT" and len(uploads.paths) >= self._max_kept:
                await self._delete(scope, uploads.paths.pop(0))
            if scope["path"] in uploads.paths:
                uploads.paths.remove(scope["path"])
            if scope["method"] == "PUT":
                uploads.paths.append(scope["path"])
            await self._app(scope, receive, send)

    def _uploads_of(self, session: str) -> "_Uploads":
        uploads = self._sessions.setdefault(session, _Uploads())
        self._sessions.move_to_end(session)
        if len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return uploads

    async def _delete(self, scope: Scope, path: str) -> None:
        """Delete a file in the name of the browser that sends the next one."""

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def ignore(_message: Message) -> None:
            """Drop the answer: no one waits for it."""

        headers = [pair for pair in scope["headers"] if not pair[0].startswith(b"content-")]
        deletion = {"method": "DELETE", "path": path, "raw_path": path.encode(), "headers": headers}
        await self._app({**scope, **deletion}, receive, ignore)


class _Uploads:
    """The uploads of a session, the oldest first."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.paths: list[str] = []


def is_own_page(headers: Headers) -> bool:
    """Return whether a websocket is opened by a page of this server, or no browser at all.

    Pages of a loopback address count, and those of Streamlit's settings
    `browser.serverAddress` and `server.corsAllowedOrigins`.
    """
    origin = headers.get("origin")
    if origin is None or not st.get_option("server.enableCORS"):
        return True
    if origin in st.get_option("server.corsAllowedOrigins"):
        return True
    try:
        place = urlsplit(origin)
    except ValueError:  # not an address
        return False
    if place.netloc == headers.get("host"):
        return True
    return place.hostname in {*LOOPBACK, st.get_option("browser.serverAddress")}


@cache
def send_at_once() -> None:
    """Turn Nagle's algorithm off for all TCP sockets of this process, once the server listens.

    asyncio does so only for sockets that were created with TCP as their protocol, and the one that
    Streamlit opens was not. A message then waits until the browser has confirmed the one before,
    which Linux puts off for about 40 ms, and each file of a page is sent as two messages. New
    connections inherit the setting from the socket that listens.
    """
    with suppress(psutil.Error, OSError):  # some systems tell a process nothing of its sockets
        for connection in psutil.Process().net_connections("tcp"):
            # One that has been closed meanwhile, or has no number, as on Windows.
            with suppress(OSError), socket.socket(fileno=os.dup(connection.fd)) as copy:
                copy.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@cache
def send_all() -> None:
    """Have all that a page says sent, also when a fragment of it runs again at once.

    When a fragment begins to run, Streamlit drops what it has not sent of that fragment yet. If
    the whole page has run just before, the browser takes what is missing for what the page no
    longer shows: what follows moves up, and the fragment takes its place. Of what was dropped,
    Streamlit still sends the large elements that the browser has kept from before. Where their
    container is missing, the browser gives up and the window is empty.
    """
    clear = ForwardMsgQueue.clear

    def clear_unless_fragment(
        self: ForwardMsgQueue,
        retain_lifecycle_msgs: bool = False,
        fragment_ids_this_run: list[str] | None = None,
    ) -> None:
        if fragment_ids_this_run is None:
            clear(self, retain_lifecycle_msgs)
        else:  # what comes now must not replace what belongs to the run before
            self._delta_index_map = {}

    ForwardMsgQueue.clear = clear_unless_fragment  # type: ignore[method-assign]


@asynccontextmanager
async def opening_browser(_app: st.App) -> AsyncIterator[None]:
    """Open a browser on the lab as it starts, as Streamlit does when it runs a script itself."""
    if not st.get_option("server.headless"):
        url = get_url(st.get_option("browser.serverAddress"))
        Timer(BROWSER_AFTER_S, webbrowser.open, [url]).start()
    yield
