"""What the server tells browsers about its pages, and whom it lets open a session.

Plain ASGI middleware, because Starlette's own base class does not see websockets.
"""

import os
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Timer
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.web.server.server_util import get_url

FRAME_ANCESTORS = "CNN_LAB_FRAME_ANCESTORS"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
POLICY_VIOLATION = 1008  # of a websocket
BROWSER_AFTER_S = 0.3  # the server listens only after all is started


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
    ValueError
        If `frame_ancestors` would end its directive.

    Notes
    -----
    Streamlit refuses other sites' sessions too, but only after it has asked an outside service
    for the machine's own address, each time, while every other visitor waits.
    """

    def __init__(self, app: ASGIApp, frame_ancestors: str | None = None) -> None:
        if frame_ancestors is None:
            frame_ancestors = os.environ.get(FRAME_ANCESTORS) or "'self'"
        if not frame_ancestors.isprintable() or set(frame_ancestors) & set(";,"):
            raise ValueError(
                "Who may frame the lab must be a list of origins separated by spaces. "
                f"Received: {FRAME_ANCESTORS}={frame_ancestors!r}"
            )
        self._app = app
        self._headers = {
            "Content-Security-Policy": f"frame-ancestors {frame_ancestors}",
            "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
            # A page's settings are in its address, and nobody else's business.
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


@asynccontextmanager
async def opening_browser(_app: st.App) -> AsyncIterator[None]:
    """Open a browser on the lab as it starts, as Streamlit does when it runs a script itself."""
    if not st.get_option("server.headless"):
        url = get_url(st.get_option("browser.serverAddress"))
        Timer(BROWSER_AFTER_S, webbrowser.open, [url]).start()
    yield
