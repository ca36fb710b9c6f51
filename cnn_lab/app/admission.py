"""Who gets in when many come at once, and how much of the server one visitor can take.

Plain ASGI middleware, because Starlette's own base class does not see websockets. Nothing here
looks at a visitor's network address: a whole school has the same one.
"""

import asyncio
import hmac
import secrets
import socket
from collections import Counter, OrderedDict
from collections.abc import Callable
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Literal

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.url_util import make_url_path
from streamlit.web.server.server_util import get_cookie_secret

from cnn_lab.app.offline import OFFLINE, offline_page
from cnn_lab.app.watching import METRICS_PATH, SESSIONS, note_refusal
from cnn_lab.content import LANGUAGE, prose
from cnn_lab.content.words import counted
from cnn_lab.ops.environment import FRAME_ANCESTORS, MAX_SESSIONS, MAX_TABS

COOKIE = "cnn_lab_visitor"
VISITOR = "X-CNN-Lab-Visitor"  # header of a session, for the page's script
UNKNOWN = "unknown"  # a visitor without our cookie
COOKIE_S = 12 * 60 * 60
RETRY_S = 10
RESERVED_S = 20.0  # from a page to its session
KNOWN_SHARE = 2  # times the limit, up to which visitors who were let in before come back
WITHOUT_COOKIES_SHARE = 0.5  # of the limit
MAX_SEND_S = 60.0  # for one message, to a client that may have stopped reading
MESSAGES_A_SECOND, BURST = 20.0, 200  # of a visitor; a page sends one for each change of a control
SESSION_COST = 10  # messages
MAX_SLOWED_S = 20.0
MAX_PACES = 4096
TRY_AGAIN, TOO_MANY = 503, 429
POLICY_VIOLATION = 1008  # of a websocket
STREAM = "/_stcore/stream"
NO_PAGES = ("/_stcore/", "/static/", "/media/", "/component/", METRICS_PATH)
LOGO = Path(__file__).with_name("logo.svg")
READY, OFFLINE_FOLDER = "/readyz", "/offline/"

Why = Literal["full", "tabs"]


def load_pages() -> None:
    """Import all that pages need, so that the first visitor does not wait for it."""
    import_module("cnn_lab.app.frame")


class Admission:
    """Let visitors in while there is room, and serve each at a pace that leaves room for others.

    A visitor is a browser, known by a cookie that holds a number drawn at random and this server's
    signature. It comes with the first page; who has it comes in again, even when the server is
    full. Newcomers then get a small page that says so and tries again. `/readyz` answers 503 while
    the server starts, stops or is full.

    A client that sends more messages than a page ever does is served at a slower pace and at last
    cut off; so is one that no longer reads what it is sent.

    Parameters
    ----------
    app : ASGI application
    max_sessions : int, optional
        Open pages in all; those who come back may take up to twice as many, clients without
        cookies half. By default what `CNN_LAB_MAX_SESSIONS` says.
    max_tabs : int, optional
        Open pages of one visitor. By default what `CNN_LAB_MAX_TABS` says.
    max_send_s : float
        Seconds that a client may take to read one message.
    max_slowed_s : float
        Seconds for which a client that sends too much is slowed down, before it is cut off.
    load : callable
        Called once in a thread when the server has started; until it returns, it is not ready.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_sessions: int | None = None,
        max_tabs: int | None = None,
        max_send_s: float = MAX_SEND_S,
        max_slowed_s: float = MAX_SLOWED_S,
        load: Callable[[], object] = load_pages,
    ) -> None:
        self._app, self._load = app, load
        self._max_send_s, self._max_slowed_s = max_send_s, max_slowed_s
        self._places = Places(
            MAX_SESSIONS.value() if max_sessions is None else max_sessions,
            MAX_TABS.value() if max_tabs is None else max_tabs,
        )
        self._paces: OrderedDict[str, Pace] = OrderedDict()
        self._loading: asyncio.Task[None] | None = None
        self._ready = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, self._until_shutdown(receive), self._from_startup(send))
        elif scope["type"] == "websocket" and scope["path"].endswith(STREAM):
            await self._serve_session(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].endswith(READY):
            await self._readiness()(scope, receive, send)
        elif scope["type"] == "http" and OFFLINE_FOLDER in scope["path"]:
            await (await _offline(scope["path"]))(scope, receive, send)
        elif is_page(scope):
            await self._serve_page(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _from_startup(self, send: Send) -> Send:
        async def send_and_load(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                self._loading = asyncio.create_task(self._become_ready())

        return send_and_load

    async def _become_ready(self) -> None:
        await asyncio.to_thread(self._load)
        self._ready = True

    def _until_shutdown(self, receive: Receive) -> Receive:
        async def receive_shutdown() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self._ready = False
            return message

        return receive_shutdown

    def _readiness(self) -> Response:
        state = "starting" if not self._ready else "full" if self._places.full else "ready"
        content = {"state": state, "sessions": self._places.n_open, "limit": self._places.limit}
        status = 200 if state == "ready" else TRY_AGAIN
        return JSONResponse(content, status, {"Cache-Control": "no-store"})

    async def _serve_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        visitor = visitor_of(Headers(scope=scope).get("cookie", ""))
        if visitor is None:
            why: Why | None = "full" if self._places.full else None
        else:
            why = self._places.refusal(visitor)
        if why is not None:
            note_refusal(why)
            await full_page(why, self._places.max_tabs)(scope, receive, send)
            return
        if visitor is None:
            visitor = secrets.token_hex(8)
            self._places.reserve(visitor)
        await self._app(scope, receive, _with_cookie(send, visitor, HTTPConnection(scope)))

    async def _serve_session(self, scope: Scope, receive: Receive, send: Send) -> None:
        visitor = visitor_of(Headers(scope=scope).get("cookie", ""))
        if why := self._places.refusal(visitor):
            note_refusal(why)
            await receive()
            # Not an answer of our own, for which uvicorn logs an error.
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        self._places.take(visitor)
        _bound_silence(send, self._max_send_s)
        watched = WatchedSend(send, self._max_send_s)
        try:
            pace = self._pace_of(visitor)
            if visitor is not None:
                await asyncio.sleep(pace.wait_s(_now(), SESSION_COST))
            scope = _with_visitor(scope, visitor or UNKNOWN)
            await self._app(scope, self._paced(receive, send, pace), watched)
        finally:
            watched.close()
            self._places.leave(visitor)

    def _pace_of(self, visitor: str | None) -> "Pace":
        """Return the pace of a visitor, which outlasts its connections, or one for a connection."""
        if visitor is None:
            return Pace()
        pace = self._paces.setdefault(visitor, Pace())
        self._paces.move_to_end(visitor)
        if len(self._paces) > MAX_PACES:
            self._paces.popitem(last=False)
        return pace

    def _paced(self, receive: Receive, send: Send, pace: "Pace") -> Receive:
        """Return a `receive` that takes messages at a pace, and cuts off who exceeds it."""
        slowed_s = 0.0

        async def receive_paced() -> Message:
            nonlocal slowed_s
            message = await receive()
            if message["type"] != "websocket.receive":
                return message
            wait_s = pace.wait_s(_now())
            slowed_s = slowed_s + wait_s if wait_s else 0.0
            if slowed_s > self._max_slowed_s:
                note_refusal("flood")
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})
                return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
            await asyncio.sleep(wait_s)
            return message

        return receive_paced


class Places:
    """Open sessions, counted by visitor, and places kept for pages that are loading.

    Parameters
    ----------
    limit : int
        Sessions in all.
    max_tabs : int
        Sessions of one visitor.

    Attributes
    ----------
    n_open : int
        Sessions at the moment.
    """

    def __init__(self, limit: int, max_tabs: int) -> None:
        self.limit, self.max_tabs = limit, max_tabs
        self.n_open = 0
        self._n_unknown = 0
        self._tabs: Counter[str] = Counter()
        self._reserved: dict[str, float] = {}  # visitor -> until when

    @property
    def full(self) -> bool:
        """Whether a newcomer would be refused."""
        now = _now()
        self._reserved = {who: until for who, until in self._reserved.items() if until > now}
        return self.n_open + len(self._reserved) >= self.limit

    def refusal(self, visitor: str | None) -> Why | None:
        """Return why a visitor does not get a session now; None if it does."""
        if visitor is not None:
            if self._tabs[visitor] >= self.max_tabs:
                return "tabs"
            return "full" if self.n_open >= KNOWN_SHARE * self.limit else None
        most_unknown = max(1, round(WITHOUT_COOKIES_SHARE * self.limit))
        return "full" if self.full or self._n_unknown >= most_unknown else None

    def reserve(self, visitor: str) -> None:
        """Keep a place for a visitor whose page is loading."""
        self._reserved[visitor] = _now() + RESERVED_S

    def take(self, visitor: str | None) -> None:
        """Count a session that begins."""
        self.n_open += 1
        SESSIONS.inc()
        if visitor is None:
            self._n_unknown += 1
        else:
            self._reserved.pop(visitor, None)
            self._tabs[visitor] += 1

    def leave(self, visitor: str | None) -> None:
        """Count a session that has ended."""
        self.n_open -= 1
        SESSIONS.dec()
        if visitor is None:
            self._n_unknown -= 1
        else:
            self._tabs[visitor] -= 1
            if not self._tabs[visitor]:
                del self._tabs[visitor]


class WatchedSend:
    """A `send` that drops the connection of a client that takes too long to read one message.

    Streamlit then keeps up to 500 messages for it, and uvicorn's own check of silent clients closes
    its connection only once it has read everything, which may be never. One timer watches all
    messages, because one for each would cost a rerun a tenth more.

    Parameters
    ----------
    send : callable
    max_s : float
        Seconds for one message.
    """

    def __init__(self, send: Send, max_s: float) -> None:
        self._send, self._max_s = send, max_s
        self._since: float | None = None
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(max_s, self._look)

    async def __call__(self, message: Message) -> None:
        """Send a message."""
        self._since = self._loop.time()
        try:
            await self._send(message)
        finally:
            self._since = None

    def close(self) -> None:
        """End the watch."""
        self._timer.cancel()

    def _look(self) -> None:
        if self._since is not None and self._loop.time() - self._since >= self._max_s:
            note_refusal("not reading")
            _abort(self._send)
        else:
            since = self._loop.time() if self._since is None else self._since
            self._timer = self._loop.call_at(since + self._max_s, self._look)


class Pace:
    """How fast messages of a visitor are taken: many at once after a rest, then so many a second.

    Parameters
    ----------
    rate : float
        Messages a second.
    burst : int
        Messages that may come at once.
    """

    def __init__(self, rate: float = MESSAGES_A_SECOND, burst: int = BURST) -> None:
        self._rate, self._burst = rate, burst
        self._paid_until = float("-inf")

    def wait_s(self, now: float, cost: int = 1) -> float:
        """Count a message that comes now, and return the seconds that it has to wait."""
        self._paid_until = max(self._paid_until, now - self._burst / self._rate)
        self._paid_until += cost / self._rate
        return max(0.0, self._paid_until - now)


def is_page(scope: Scope) -> bool:
    """Return whether a browser asks for a page of the lab, and not for one of its parts."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    if any(part in scope["path"] for part in NO_PAGES):
        return False
    return "text/html" in Headers(scope=scope).get("accept", "")


def visitor_of(cookies: str) -> str | None:
    """Return the visitor that a header of cookies names with a valid signature, if any."""
    visitor, _, signature = cookie_parser(cookies).get(COOKIE, "").partition(".")
    valid = hmac.compare_digest(_signature(visitor).encode(), signature.encode())
    return visitor if visitor and valid else None


def cookie_of(visitor: str) -> str:
    """Return the value of the cookie by which a visitor is known again."""
    return f"{visitor}.{_signature(visitor)}"


def _with_visitor(scope: Scope, visitor: str) -> Scope:
    """Return a connection that tells the page who it is, whatever the client says of itself."""
    name = VISITOR.lower().encode()
    others = [header for header in scope["headers"] if header[0] != name]
    return {**scope, "headers": [*others, (name, visitor.encode())]}


def _signature(visitor: str) -> str:
    key = f"cnn-lab {get_cookie_secret()}".encode()
    return hmac.new(key, visitor.encode(), "sha256").hexdigest()[:32]


def _with_cookie(send: Send, visitor: str, connection: HTTPConnection) -> Send:
    kind = "SameSite=Lax"
    if connection.url.scheme == "https":
        # In another site's page a browser keeps only cookies that are for that page alone.
        framed = FRAME_ANCESTORS.value() != FRAME_ANCESTORS.default
        kind = "Secure; SameSite=None; Partitioned" if framed else f"Secure; {kind}"
    cookie = f"{COOKIE}={cookie_of(visitor)}; Path=/; Max-Age={COOKIE_S}; HttpOnly; {kind}"

    async def send_with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            MutableHeaders(scope=message).append("Set-Cookie", cookie)
        await send(message)

    return send_with_cookie


def _abort(send: Send) -> None:
    """Drop a connection with all that waits to be sent."""
    if (transport := _transport(send)) is not None:
        transport.abort()


def _bound_silence(send: Send, seconds: float) -> None:
    """Have the system drop a connection over which nothing that was sent gets through for so long.

    It then also ends where no further message is to be sent, and no `send` waits. Linux alone can.
    """
    if (transport := _transport(send)) is None or not hasattr(socket, "TCP_USER_TIMEOUT"):
        return
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        milliseconds = int(seconds * 1000)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


def _transport(send: Send) -> asyncio.Transport | None:
    """Return what uvicorn sends through; ASGI itself has no word for it."""
    return getattr(getattr(send, "__self__", None), "transport", None)


def full_page(why: Why, max_tabs: int) -> Response:
    """Return the page for those who do not get in; it needs nothing else from the server.

    A script asks again and leaves the page as it is until there is room, since one that loads again
    every few seconds takes the keyboard's place in it away. Without scripts, it loads again.
    """
    tabs = why == "tabs"
    told = {"seconds": RETRY_S, **({"pages": counted(max_tabs, "page")} if tabs else {})}
    folder = make_url_path(st.get_option("server.baseUrlPath"), OFFLINE_FOLDER)
    links = "".join(
        f'<li><a href="{folder}{name}.html" target="_blank">{escape(title)}</a></li>'
        for name, title in OFFLINE.items()
    )
    page = _FULL.format(
        language=LANGUAGE,
        seconds=RETRY_S,
        logo=LOGO.read_text(encoding="utf-8"),
        light=_colours("light"),
        dark=_colours("dark"),
        title=escape(prose("full", "tabs_title" if tabs else "title")),
        sentence=escape(prose("full", why, **told)),
        offline=escape(prose("full", "offline")),
        links=links,
    )
    headers = {"Retry-After": str(RETRY_S), "Cache-Control": "no-store"}
    return HTMLResponse(page, TOO_MANY if tabs else TRY_AGAIN, headers)


def _colours(theme: str) -> str:
    """Return those of the lab's pages as style properties."""
    names = {"back": "backgroundColor", "text": "textColor", "link": "linkColor"}
    return "; ".join(
        f"--{name}: {st.get_option(f'theme.{theme}.{option}')}" for name, option in names.items()
    )


_FULL = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<noscript><meta http-equiv="refresh" content="{seconds}"></noscript>
<title>{title} · CNN Lab</title>
<link rel="icon" href="data:,">
<style>
:root {{ color-scheme: light dark; {light} }}
@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}
body {{ margin: 0 auto; padding: 1.5rem 1.5rem 2rem; max-width: 34rem;
  font: 1.0625rem/1.6 "Source Sans", "Source Sans Pro", system-ui, sans-serif;
  color: var(--text); background: var(--back) }}
header {{ margin-bottom: clamp(2.5rem, 10vh, 6rem) }}
h1 {{ margin: 0 0 1rem; font: 600 2.1rem/1.2 "Source Serif 4", Charter, Georgia, serif }}
p {{ margin: 0 0 1rem }}
ul {{ margin: 0; padding: 0; list-style: none }}
a {{ display: inline-block; padding-block: .375rem; color: var(--link);
  text-underline-offset: .2em }}
a:focus-visible {{ outline: 2px solid var(--link); outline-offset: 3px; border-radius: .2rem }}
</style>
<script>
async function ask() {{
  try {{
    const page = await fetch(location.href, {{ headers: {{ Accept: "text/html" }} }});
    if (page.ok) return location.reload();
  }} catch {{
    // The server is being started again.
  }}
  setTimeout(ask, {seconds} * 1000);
}}
setTimeout(ask, {seconds} * 1000);
</script>
</head>
<body>
<header>{logo}</header>
<main>
<h1>{title}</h1>
<p role="status">{sentence}</p>
<p>{offline}</p>
<ul>{links}</ul>
</main>
</body>
</html>
"""


async def _offline(path: str) -> Response:
    name = path.rpartition("/")[2].removesuffix(".html")
    if name not in OFFLINE:
        return Response(status_code=404)
    page = await asyncio.to_thread(offline_page, name)
    return HTMLResponse(page, headers={"Cache-Control": "max-age=3600"})


def _now() -> float:
    return asyncio.get_running_loop().time()
