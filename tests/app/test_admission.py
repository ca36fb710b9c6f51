"""Who gets in when many come at once, with a real server and real connections."""

import asyncio
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress

import pytest
import uvicorn
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from cnn_lab.app.admission import (
    BURST,
    COOKIE,
    KNOWN_SHARE,
    OFFLINE_FOLDER,
    RETRY_S,
    UNKNOWN,
    VISITOR,
    Admission,
    cookie_of,
)
from cnn_lab.app.offline import OFFLINE
from tests.prose import wording

PATIENCE_S = 30
PAGE = {"Accept": "text/html"}
LARGE = bytes(100_000)
ENDLESS, MUCH = "all you have", "much at once"


class Lab:
    """Stands where Streamlit's app is: serves pages, and answers each message of a session."""

    def __init__(self) -> None:
        self.n_messages = 0
        self.visitors: list[str] = []
        self.ended: list[BaseException | None] = []
        self.session_ended = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for event in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{event}.complete"})
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"a page"})
        else:
            self.visitors += Headers(scope=scope).getlist(VISITOR)
            await receive()
            await send({"type": "websocket.accept"})
            await self._converse(receive, send)
            self.session_ended.set()

    async def _converse(self, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(asyncio.sleep(0))
        while (message := await receive())["type"] == "websocket.receive":
            self.n_messages += 1
            if message.get("text") == ENDLESS:
                sending = asyncio.create_task(self._send_without_end(send))
            elif message.get("text") == MUCH:
                await send({"type": "websocket.send", "bytes": 200 * LARGE})
            else:
                await send({"type": "websocket.send", "text": "yes"})
        await asyncio.gather(sending, return_exceptions=True)

    async def _send_without_end(self, send: Send) -> None:
        while True:
            await send({"type": "websocket.send", "bytes": LARGE})


class Running:
    """A server on a port of its own."""

    def __init__(self, port: int, lab: Lab, connections: set[object]) -> None:
        self.port, self.lab, self.connections = port, lab, connections

    def get(
        self, path: str = "/convolution", headers: Mapping[str, str] = PAGE
    ) -> tuple[int, str, str]:
        """Return status, the cookie that was set, and what was sent."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as server:
            server.request("GET", path, headers=dict(headers))
            answer = server.getresponse()
            cookie = (answer.getheader("set-cookie") or "").partition(";")[0]
            return answer.status, cookie, answer.read().decode()

    def newcomer(self) -> str:
        """Return the cookie that comes with a page."""
        status, cookie, _ = self.get()
        assert status == 200
        assert cookie.startswith(f"{COOKIE}=")
        return cookie

    def session(self, cookie: str = "", **headers: str) -> ClientConnection:
        return connect(
            f"ws://127.0.0.1:{self.port}/_stcore/stream",
            additional_headers={"Cookie": cookie, **headers} if cookie else headers,
        )

    def readiness(self) -> tuple[int, str]:
        status, _, content = self.get("/readyz", {})
        return status, json.loads(content)["state"]

    def wait_until(self, state: str) -> None:
        """Return once the server says so of itself."""
        end = time.monotonic() + PATIENCE_S
        while self.readiness()[1] != state:
            assert time.monotonic() < end, f"The server never was {state}."


@contextmanager
def serving(**settings: object) -> Iterator[Running]:
    lab = Lab()
    app = Admission(lab, **{"load": lambda: None, **settings})
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        config = uvicorn.Config(app, log_level="error", ws_ping_interval=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield Running(listening.getsockname()[1], lab, server.server_state.connections)
        finally:
            server.should_exit = server.force_exit = True
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


Serve = Callable[..., Running]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(serving(**settings))


def is_refused(server: Running, cookie: str = "") -> bool:
    try:
        with server.session(cookie):
            return False
    except InvalidStatus as error:
        return error.response.status_code == 403


def test_a_newcomer_to_a_full_server_waits_and_whoever_was_there_comes_back(serve: Serve) -> None:
    server = serve(max_sessions=2)
    first, second = server.newcomer(), server.newcomer()
    with server.session(first), server.session(second):
        status, cookie, page = server.get()
        assert (status, cookie) == (503, "")
        assert wording("full", "full", rendered=True, seconds=RETRY_S).search(page)
        assert f'http-equiv="refresh" content="{RETRY_S}"' in page
        assert is_refused(server)
        assert server.get(headers={**PAGE, "Cookie": first})[0] == 200
        with server.session(first) as again:  # beside the other, as after a lost connection
            again.send("are you there?")
            assert again.recv(PATIENCE_S) == "yes"
    server.wait_until("ready")
    assert server.get()[0] == 200


def test_a_page_that_is_loading_keeps_its_place(serve: Serve) -> None:
    """Thirty who come at once do not all find the same last place."""
    server = serve(max_sessions=1)
    cookie = server.newcomer()
    assert server.get()[0] == 503
    assert not is_refused(server, cookie)


def test_those_who_come_back_are_bounded_too(serve: Serve) -> None:
    server = serve(max_sessions=1, max_tabs=10)
    cookies = [f"{COOKIE}={cookie_of(str(n))}" for n in range(KNOWN_SHARE + 1)]
    with ExitStack() as sessions:
        for cookie in cookies[:KNOWN_SHARE]:
            sessions.enter_context(server.session(cookie))
        assert is_refused(server, cookies[-1])
        assert server.get(headers={**PAGE, "Cookie": cookies[-1]})[0] == 503


@pytest.mark.parametrize(
    "cookie",
    ["", "1.", ".", "1", f"2.{'0' * 32}", cookie_of("1") + "x"],
    ids=["empty", "unsigned", "dot", "number", "guessed", "longer"],
)
def test_a_cookie_without_our_signature_is_a_newcomers(serve: Serve, cookie: str) -> None:
    server = serve(max_sessions=1)
    with server.session(server.newcomer()):
        assert is_refused(server, f"{COOKIE}={cookie}")


def test_a_session_knows_its_visitor_whatever_the_client_says_of_itself(serve: Serve) -> None:
    server = serve()
    cookie = server.newcomer()
    for known_by in (cookie, cookie, ""):
        with server.session(known_by, **{VISITOR: "someone else"}):
            pass
    visitor = cookie.removeprefix(f"{COOKIE}=").partition(".")[0]
    assert server.lab.visitors == [visitor, visitor, UNKNOWN]


def test_one_visitors_many_sessions_leave_the_others_their_places(serve: Serve) -> None:
    """H14: those beyond a number are refused, and another visitor comes in."""
    server = serve(max_sessions=20, max_tabs=3)
    flood, other = server.newcomer(), server.newcomer()
    with ExitStack() as sessions:
        for _ in range(3):
            sessions.enter_context(server.session(flood))
        assert all(is_refused(server, flood) for _ in range(40))
        assert server.readiness() == (200, "ready")
        assert not is_refused(server, other)
        status, _, page = server.get(headers={**PAGE, "Cookie": flood})
        assert status == 429
        assert wording("full", "tabs", rendered=True, pages="3 pages").search(page)


def test_clients_without_cookies_leave_places_to_those_with(serve: Serve) -> None:
    """H14: they share half of all places."""
    server = serve(max_sessions=10)
    with ExitStack() as sessions:
        for _ in range(5):
            sessions.enter_context(server.session())
        assert is_refused(server)
        assert not is_refused(server, server.newcomer())


def test_a_client_that_sends_without_end_is_slowed_down_and_cut_off(serve: Serve) -> None:
    """H14: another visitor is answered meanwhile."""
    server = serve(max_slowed_s=0.5)
    visitor = server.newcomer()
    with server.session(server.newcomer()) as flood:
        with suppress(ConnectionClosed):
            for _ in range(20 * BURST):
                flood.send("again")
        with pytest.raises(ConnectionClosed):
            all(iter(flood.recv, None))
        assert flood.close_code == 1008
    assert BURST / 2 < server.lab.n_messages < 2 * BURST
    with server.session(visitor) as other:
        other.send("are you there?")
        assert other.recv(PATIENCE_S) == "yes"


@pytest.mark.parametrize("wish", [ENDLESS, MUCH])
def test_a_client_that_never_reads_does_not_hold_its_place(serve: Serve, wish: str) -> None:
    """H15: it is cut off, and what waited for it is forgotten."""
    server = serve(max_sessions=1, max_send_s=0.5)
    cookie = server.newcomer()
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", server.port))
        deaf.sendall(
            b"GET /_stcore/stream HTTP/1.1\r\nHost: lab\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: "
            + cookie.encode()
            + b"\r\n\r\n"
        )
        assert deaf.recv(1_000).startswith(b"HTTP/1.1 101")
        deaf.sendall(bytes([0x81, 0x80 | len(wish), 0, 0, 0, 0]) + wish.encode())
        assert server.lab.session_ended.wait(PATIENCE_S)
        server.wait_until("ready")
        # What waited to be sent is gone as well, with the connection that had kept it.
        assert not [one for one in server.connections if isinstance(one, WebSocketsSansIOProtocol)]


def test_the_server_is_ready_once_its_pages_are_loaded(serve: Serve) -> None:
    loaded = threading.Event()
    server = serve(max_sessions=1, load=lambda: loaded.wait(PATIENCE_S))
    assert server.readiness() == (503, "starting")
    loaded.set()
    server.wait_until("ready")
    with server.session(server.newcomer()):
        assert server.readiness() == (503, "full")
    server.wait_until("ready")


def test_the_page_for_those_who_wait_offers_what_needs_no_server(serve: Serve) -> None:
    server = serve(max_sessions=1)
    with server.session(server.newcomer()):
        page = server.get()[2]
        assert wording("full", "offline", rendered=True).search(page)
        links = re.findall(r'href="(/[^"]+)"', page)
        assert links == [f"{OFFLINE_FOLDER}{name}.html" for name in OFFLINE]
        for link in links:
            status, _, content = server.get(link)
            assert status == 200
            assert "default-src 'none'" in content
    assert server.get(f"{OFFLINE_FOLDER}nothing.html")[0] == 404


def test_what_is_no_page_needs_no_place(serve: Serve) -> None:
    server = serve(max_sessions=1)
    with server.session(server.newcomer()):
        for path in ("/_stcore/health", "/static/index.js"):
            assert server.get(path)[0] == 200
        assert server.get("/", {"Accept": "image/png"})[0] == 200
