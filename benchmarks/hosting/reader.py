"""A browser tab without a browser: hundreds of them fit into one process."""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from http.cookies import SimpleCookie
from random import Random
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from streamlit.proto.ClientState_pb2 import ContextInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NumberInput_pb2 import NumberInput
from streamlit.proto.Slider_pb2 import Slider
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from benchmarks.session import RUN_TIMEOUT_S, question, stream_of

ANSWER_TIMEOUT_S = 10.0
# As Streamlit's script in the browser does it: a pause after the loss, then attempts, between
# which the pause doubles.
FIRST_PAUSE_S = 0.25, 0.5
RETRY_S, MAX_RETRY_S = 0.1, 4.0
GIVE_UP_S = 60.0
XSRF = "_streamlit_xsrf"
WHOLE_PAGE = ""
# Our own components by which a chapter's tabs follow its instrument.
INTERNAL = "$$STREAMLIT_INTERNAL_KEY"
FOLLOWS = re.compile(r"follow_(\w+)_tabs")


class ReaderError(Exception):
    """Raised when a page cannot be opened, breaks or does not answer."""


@dataclass(frozen=True)
class Widget:
    """A control of the page.

    Attributes
    ----------
    id : str
        By which Streamlit knows it.
    kind : str
        Of its element, such as "number_input".
    fragment : str
        That is run when it changes; "" for the whole page.
    parameter : str
        Under which its value stands in the address; "" if it does not.
    proto : message
        As the server described it.
    """

    id: str
    kind: str
    fragment: str
    parameter: str
    proto: Any

    @property
    def key(self) -> str:
        """The key that the page gave it."""
        return self.id.split("-", 2)[-1]

    @property
    def has_choices(self) -> bool:
        """Whether it can be changed by `other`."""
        kinds = "number_input", "slider", "checkbox", "button_group", "selectbox", "radio"
        return self.kind in kinds and not getattr(self.proto, "disabled", False)

    def state(self, value: Any) -> WidgetState:
        """Return the message that gives it a value."""
        match self.kind:
            case "button":
                return WidgetState(id=self.id, trigger_value=True)
            case "number_input" if self.proto.data_type == NumberInput.INT:
                return WidgetState(id=self.id, int_value=value)
            case "number_input":
                return WidgetState(id=self.id, double_value=value)
            case "checkbox":
                return WidgetState(id=self.id, bool_value=value)
            case "selectbox" | "radio" | "text_input" | "text_area":
                return WidgetState(id=self.id, string_value=value)
            case "slider" if self.proto.type != Slider.SELECT_SLIDER:
                state = WidgetState(id=self.id)
                state.double_array_value.data.append(value)
            case "slider" | "button_group":
                state = WidgetState(id=self.id)
                state.string_array_value.data.append(value)
            case _:
                raise ReaderError(f"No value of this kind is known. Received: kind={self.kind!r}")
        return state

    def other(self, random: Random) -> Any:
        """Draw one of its values."""
        proto = self.proto
        match self.kind:
            case "checkbox":
                return random.random() < 0.5
            case "selectbox" | "radio" | "button_group":
                options = proto.options
                one = random.choice(options)
                return one if isinstance(one, str) else one.content
            case "slider" if proto.type == Slider.SELECT_SLIDER:
                return random.choice(proto.options)
            case "slider":
                return proto.min + proto.step * random.randrange(_steps(proto))
            case _:
                near = proto.min if proto.has_min else proto.default
                value = near + proto.step * random.randrange(min(5, _steps(proto)))
                return int(value) if proto.data_type == NumberInput.INT else value


def _steps(proto: Any) -> int:
    """Return how many values a number field or slider has, at most a hundred."""
    if getattr(proto, "has_max", True) and getattr(proto, "has_min", True) and proto.step:
        return max(1, min(100, int((proto.max - proto.min) / proto.step) + 1))
    return 5


@dataclass
class _Waiting:
    """A run that has been asked for.

    Attributes
    ----------
    fragment : str
        "" for the whole page.
    has_begun : bool
        Whether a run that answers it is under way.
    """

    fragment: str
    done: asyncio.Future[None]
    has_begun: bool = False


@dataclass
class Return:
    """How a reader came back after the connection was lost.

    Attributes
    ----------
    seconds : float
        From the loss to a connection, and to the page's run if the browser asks for one.
    is_new : bool
        Whether another server answered, or the same one that had forgotten the session.
    """

    seconds: float
    is_new: bool


class Reader:
    """Opens a page as a browser tab does, changes its controls, and comes back when it is cut off.

    Parameters
    ----------
    url : str
        The server's address, "http://127.0.0.1:8501".
    page : str
        The page's address path without its slash; "" is the home page.
    query : str
        What follows the question mark in the address.

    Attributes
    ----------
    query : str
        As the address now has it.
    widgets : dict of str to Widget
        By their keys.
    messages : list of bytes
        What the latest run has sent.
    errors : list of str
        What a reader would have seen as an error, each after the page.
    returns : list of Return
    n_bytes : int
        Received.
    cookies : dict of str to str
        As the browser would keep them.

    Notes
    -----
    Like the browser's, the first requests bring the server's cookies and ask for its health, and
    the session is named when the connection is made again. Fragments that run by themselves are
    asked for at their interval. Unlike the browser, it keeps no messages: each run sends all of
    them again.
    """

    def __init__(self, url: str, page: str = "", query: str = "") -> None:
        self.url, self.page, self.query = url, page, query
        self.widgets: dict[str, Widget] = {}
        self.messages: list[bytes] = []
        self.errors: list[str] = []
        self.returns: list[Return] = []
        self.n_bytes = 0
        self.cookies: dict[str, str] = {}
        self._socket: ClientConnection
        self._session = self._page_hash = ""
        self._pages: dict[str, str] = {}
        self._states: dict[str, WidgetState] = {}
        self._waiting: list[_Waiting] = []
        self._fragments_of_run: tuple[str, ...] = ()
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._receiving: asyncio.Task[None] | None = None
        self._followed: dict[str, int] = {}
        self._random = Random(query)
        self._is_closing = False

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def n_timers(self) -> int:
        """How many fragments run by themselves."""
        return len(self._timers)

    async def open(self) -> float:
        """Open the page and return the seconds until it was there in full."""
        started = time.perf_counter()
        await self._connect()
        self._receiving = asyncio.create_task(self._receive())
        await self.run()
        return time.perf_counter() - started

    async def close(self) -> None:
        """Close the tab."""
        self._is_closing = True
        self._end_timers(tuple(self._timers))
        if self._receiving is not None:
            await self._socket.close()
            self._receiving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._receiving

    async def run(self) -> float:
        """Run the whole page and return the seconds that it took."""
        return await self._ask(WHOLE_PAGE)

    async def set(self, key: str, value: Any) -> float:
        """Change a control and return the seconds until the page had followed."""
        widget = self.widget(key)
        self._states[widget.id] = widget.state(value)
        if widget.parameter:
            address = parse_qs(self.query, keep_blank_values=True)
            text = str(int(value)) if isinstance(value, bool) else f"{value}"
            self.query = urlencode({**address, widget.parameter: [text]}, doseq=True)
        return await self._ask(widget.fragment)

    async def press(self, key: str) -> float:
        """Press a button and return the seconds until the page had followed."""
        widget = self.widget(key)
        return await self._ask(widget.fragment, widget.state(True))

    async def go(self, page: str, query: str = "") -> float:
        """Go to another page by the menu, or by a link with settings."""
        try:
            self._page_hash = self._pages[page]
        except KeyError:
            raise ReaderError(f"The menu has no such page. Received: page={page!r}") from None
        self.query = query
        return await self._ask(WHOLE_PAGE)

    def widget(self, key: str) -> Widget:
        """Return the page's control with this key."""
        try:
            return self.widgets[key]
        except KeyError:
            raise ReaderError(
                f"The page has no such control. Received: key={key!r} at ?{self.query}, which has "
                f"{', '.join(self.widgets) or 'none'}"
            ) from None

    def shows(self, text: str) -> bool:
        """Return whether the latest run has sent this text."""
        return any(text.encode() in data for data in self.messages)

    def parameter(self, name: str) -> str | None:
        """Return a parameter of the address."""
        values = parse_qs(self.query).get(name)
        return values[0] if values else None

    async def until(self, holds: Callable[[], bool], timeout_s: float) -> float:
        """Wait until something holds and return the seconds; looked at after each message."""
        started = time.perf_counter()
        while not holds():
            left = timeout_s - (time.perf_counter() - started)
            if left <= 0:
                raise ReaderError("The page did not show in time what it should have.")
            await asyncio.sleep(min(0.02, left))
        return time.perf_counter() - started

    async def _ask(self, fragment: str, *triggers: WidgetState) -> float:
        started = time.perf_counter()
        waiting = _Waiting(fragment, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        # A connection that is just being lost: the run is asked for again when it is back.
        with contextlib.suppress(ConnectionClosed):
            await self._send(fragment, *triggers)
        try:
            await asyncio.wait_for(waiting.done, RUN_TIMEOUT_S)
        except TimeoutError:
            raise ReaderError(f"The page did not answer within {RUN_TIMEOUT_S:.0f} s.") from None
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
        return time.perf_counter() - started

    async def _send(self, fragment: str, *triggers: WidgetState, by_itself: bool = False) -> None:
        asked = question(
            self.page,
            self._page_hash,
            self.query,
            [*self._states.values(), *triggers],
            fragment_id=fragment,
            is_auto_rerun=by_itself,
            context_info=ContextInfo(timezone="UTC", locale="en", url=self.url),
        )
        await self._socket.send(asked)

    async def _connect(self) -> None:
        paths = ["_stcore/health", "_stcore/host-config"]
        for path in paths if self.cookies else [self.page, *paths]:
            status, cookies = await get(f"{self.url}/{path}", self.cookies)
            self.cookies |= cookies
            if status != 200:
                raise ReaderError(f"The server does not let a reader in. Received: {status=}")
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        subprotocols = ["streamlit", self.cookies.get(XSRF, "none"), self._session]
        self._socket = await connect(
            stream_of(self.url),
            subprotocols=[name for name in subprotocols if name],  # type: ignore[misc]
            additional_headers={"Cookie": cookie},
            origin=self.url,  # type: ignore[arg-type]
            max_size=None,
            compression=None,
            open_timeout=ANSWER_TIMEOUT_S,
            ping_interval=None,
        )

    async def _receive(self) -> None:
        while True:
            try:
                async for data in self._socket:
                    assert isinstance(data, bytes)
                    self._take(data)
            except ConnectionClosed:
                pass
            if self._is_closing:
                return
            try:
                await self._come_back()
            except ReaderError as error:
                self._fail(str(error))
                return

    async def _come_back(self) -> None:
        """Connect again as the browser does, and ask for a run in the cases in which it does."""
        lost, session, pause_s = time.perf_counter(), self._session, RETRY_S
        asks = bool(self._waiting or self._fragments_of_run or self._timers)
        self._end_timers(tuple(self._timers))
        await asyncio.sleep(self._random.uniform(*FIRST_PAUSE_S))
        while True:
            with contextlib.suppress(OSError, ReaderError, InvalidHandshake, TimeoutError):
                await self._connect()
                break
            if time.perf_counter() - lost > GIVE_UP_S:
                raise ReaderError("The connection was lost and did not come back.")
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, MAX_RETRY_S)
        if not asks:
            self.returns.append(Return(time.perf_counter() - lost, is_new=False))
            return

        async def note() -> None:
            await self.run()
            is_new = self._session != session
            self.returns.append(Return(time.perf_counter() - lost, is_new=is_new))

        self._later(note)

    def _later(self, work: Callable[[], Awaitable[None]]) -> "asyncio.Task[None]":
        async def safely() -> None:
            try:
                await work()
            except ReaderError as error:
                self._fail(str(error))

        coroutine: Coroutine[Any, Any, None] = safely()
        return asyncio.create_task(coroutine)

    def _note(self, message: str) -> None:
        self.errors.append(f"{self.page or 'home'}?{self.query}: {message}")

    def _fail(self, message: str) -> None:
        self._note(message)
        for waiting in self._waiting:
            if not waiting.done.done():
                waiting.done.set_exception(ReaderError(message))

    def _take(self, data: bytes) -> None:
        self.n_bytes += len(data)
        message = ForwardMsg.FromString(data)
        fragments = tuple(message.metadata.run.fragment_ids)
        match message.WhichOneof("type"):
            case "new_session":
                self._begin(message, fragments)
            case "delta":
                self._look(message)
            case "navigation":
                self._page_hash = message.navigation.page_script_hash
                self._pages = {
                    "" if page.is_default else page.url_pathname: page.page_script_hash
                    for page in message.navigation.app_pages
                }
            case "page_info_changed":
                self.query = message.page_info_changed.query_string
            case "page_not_found":
                self._note("The page was not found.")
            case "session_event" if message.session_event.HasField("script_compilation_exception"):
                self._note("The script could not be compiled.")
            case "auto_rerun":
                self._repeat(message.auto_rerun.fragment_id, message.auto_rerun.interval)
            case "stop_auto_rerun":
                self._end_timers(tuple(message.stop_auto_rerun.fragment_ids))
            case "script_finished":
                self._finish(message.script_finished, fragments)
        self.messages.append(data)

    def _begin(self, message: ForwardMsg, fragments: tuple[str, ...]) -> None:
        self._session = message.new_session.initialize.session_id
        self._fragments_of_run = fragments
        self.messages = []
        if not fragments:
            self._end_timers(tuple(self._timers))
            self._page_hash = message.new_session.page_script_hash or self._page_hash
            self._seen: set[str] = set()
            self._followed = {}
        for waiting in self._waiting:
            if not fragments or waiting.fragment in fragments:
                waiting.has_begun = True

    def _look(self, message: ForwardMsg) -> None:
        delta = message.delta
        if delta.WhichOneof("type") != "new_element":
            return
        kind = delta.new_element.WhichOneof("type")
        if kind == "exception":
            exception = delta.new_element.exception
            self._note(f"{exception.type}: {exception.message}")
            return
        proto = getattr(delta.new_element, kind) if kind else None
        number = getattr(proto, "id", "")
        if number.startswith("$$"):
            parameter = getattr(proto, "query_param_key", "")
            widget = Widget(number, str(kind), delta.fragment_id, parameter, proto)
            self.widgets[widget.key] = widget
            self._seen.add(widget.key)

    def _finish(self, status: int, fragments: tuple[str, ...]) -> None:
        is_whole = status == ForwardMsg.FINISHED_SUCCESSFULLY
        if not is_whole and status != ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY:
            if status == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                self._fail("The script could not be compiled.")
            return
        if is_whole:
            self.widgets = {k: one for k, one in self.widgets.items() if k in self._seen}
            ids = {one.id for one in self.widgets.values()}
            self._states = {n: state for n, state in self._states.items() if n in ids}
        for waiting in self._waiting:
            fits = is_whole or waiting.fragment in fragments
            if waiting.has_begun and fits and not waiting.done.done():
                waiting.done.set_result(None)
        self._later(self._follow)

    async def _follow(self) -> None:
        """Ask for the tabs below an instrument that has changed, as our component does."""
        for key, tabs in list(self.widgets.items()):
            found = FOLLOWS.fullmatch(key)
            lead = self.widgets.get(f"follow_{found[1]}_lead") if found else None
            if lead is None:
                continue
            count = json.loads(lead.proto.json)["count"]
            if count <= max(json.loads(tabs.proto.json)["count"], self._followed.get(key, 0)):
                continue
            self._followed[key] = count
            events = json.dumps([{"event": "chosen", "value": count}])
            trigger = WidgetState(
                id=f"$$STREAMLIT_INTERNAL_KEY_{tabs.id}__events", json_trigger_value=events
            )
            with contextlib.suppress(ConnectionClosed):
                await self._send(tabs.fragment, trigger)

    def _repeat(self, fragment: str, interval_s: float) -> None:
        """Ask for a fragment again and again, as the browser does."""
        self._end_timers((fragment,))

        async def repeat() -> None:
            while True:
                await asyncio.sleep(interval_s)
                with contextlib.suppress(ConnectionClosed):
                    await self._send(fragment, by_itself=True)

        self._timers[fragment] = self._later(repeat)

    def _end_timers(self, fragments: tuple[str, ...]) -> None:
        for fragment in fragments:
            if (timer := self._timers.pop(fragment, None)) is not None:
                timer.cancel()


async def get(url: str, cookies: dict[str, str]) -> tuple[int, dict[str, str]]:
    """Ask for an address once; return the status and the cookies that came.

    Raises
    ------
    OSError, TimeoutError
        If there is no answer.
    """
    place = urlsplit(url)
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    lines = [
        f"GET {place.path or '/'} HTTP/1.1",
        f"Host: {place.netloc}",
        "Accept: text/html, */*",
        "Connection: close",
        *([f"Cookie: {cookie}"] if cookie else []),
    ]
    async with asyncio.timeout(ANSWER_TIMEOUT_S):
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            raise ConnectionResetError("The server gave no answer.") from None
        finally:
            writer.close()
    first, *headers = head.split("\r\n")
    jar: SimpleCookie = SimpleCookie()
    for line in headers:
        name, _, value = line.partition(":")
        if name.lower() == "set-cookie":
            jar.load(value.strip())
    return int(first.split()[1]), {name: morsel.value for name, morsel in jar.items()}
