"""The order in which the server follows what a browser asks of a page."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import NoReturn
from weakref import WeakValueDictionary

import streamlit as st
from google.protobuf.message import DecodeError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Navigation_pb2 import Navigation
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.scriptrunner import get_script_run_ctx

# What a widget sends once, and not again with the next question.
CLICKS = ("trigger_value", "string_trigger_value", "json_trigger_value", "chat_input_value")
MAX_FIRST_RUN_S = 10.0  # for which what follows waits
MAX_BEGIN_S = 0.5  # for which another page waits
MAX_FINISHED_BYTES = 1000  # of the message that a run is over
MAX_NAVIGATION_BYTES = 50_000  # of the message that names the page and all others
# What such a message contains: its tag. Most others need not be read to tell.
_NAVIGATION = ForwardMsg(navigation=Navigation()).SerializeToString()[:-1]


class RunOrder:
    """Run what a browser asks for only where the page that it asks of is shown.

    **The whole page first.** A browser that was cut off may come back to a server that does not
    know its session, such as another replica or the same one started again, and there go on with
    the page that it shows. Streamlit answers that a session without the fragment that is asked for
    needs no run, and sends nothing: the page would look alive, and none of its controls would work.
    And it calls nothing for a button that no run of the session has made yet: a click would lead
    nowhere. On a new connection of an old page, what the browser asks is asked of the whole page,
    and what follows waits until that was run.

    **Nothing of a page that was left.** While the server goes on to another page, a browser may
    still ask for a fragment of the one before, such as when a button that leads there is clicked
    twice. Streamlit runs that after the new page, under the old page's name, and the browser then
    empties the window. It is not asked.

    **What was set on it counts.** A number is typed, and the next click is on a link. Streamlit
    ends the run that would take the number, if it has not begun, for that of the next page. A
    question for another page waits until it has.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "websocket":
            connection = _Connection(receive, send)
            receive, send = connection.receive, connection.send
            if comes_back(Headers(scope=scope)):
                connection.await_first_run()
        await self._app(scope, receive, send)


class _Connection:
    """What a browser asks on one connection, in the order in which the server can follow it."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._has_asked = False
        # The page that is shown or on its way, by Streamlit's name for it; "" before the first.
        self._page = ""
        self._names: dict[str, str] = {}  # page -> Streamlit's name for it
        self._is_known = False  # by its session
        self._later: Message | None = None  # clicks that came with the first question
        self._first_run_is_over = asyncio.Event()
        self._first_run_is_over.set()
        self._is_announced = False  # the run that was asked for last
        self._has_begun = asyncio.Event()  # that run, with what was set
        self._has_begun.set()

    def await_first_run(self) -> None:
        """Keep what follows the first question until the page has been run."""
        self._first_run_is_over.clear()

    async def receive(self) -> Message:
        """Return what the browser says next."""
        if self._later is not None:
            message, self._later = self._later, None
            await _until(self._first_run_is_over, MAX_FIRST_RUN_S)
            return message
        message, asked = await self._next()
        if asked is None:
            return message
        if self._has_asked:
            await _until(self._first_run_is_over, MAX_FIRST_RUN_S)
            return message
        self._has_asked = True
        run = asked.rerun_script
        lasting = [state for state in run.widget_states.widgets if not _is_click(state)]
        clicked = len(lasting) < len(run.widget_states.widgets)
        if clicked and not self._first_run_is_over.is_set():
            self._later = message
            del run.widget_states.widgets[:]
            run.widget_states.widgets.extend(lasting)
        elif not run.fragment_id:
            return message
        run.fragment_id = ""
        run.is_auto_rerun = False
        return {**message, "bytes": asked.SerializeToString()}

    async def _next(self) -> tuple[Message, BackMsg | None]:
        """Return the next message, and the question for a run of the page shown that it may be."""
        while True:
            message = await self._receive()
            asked = _asked_run(message)
            if asked is None:
                return message, None
            run = asked.rerun_script
            if not run.fragment_id:
                if run.page_script_hash != self._page:
                    await _until(self._has_begun, MAX_BEGIN_S)
                self._page = run.page_script_hash
            if run.page_script_hash == self._page or not self._page:
                self._is_announced = False
                self._has_begun.clear()
                return message, asked

    async def send(self, message: Message) -> None:
        """Send what the server says."""
        if not self._first_run_is_over.is_set() and _ends_run(message):
            self._first_run_is_over.set()
        self._note(message.get("bytes") or b"")
        await self._send(message)

    def lead_to(self, page: str) -> None:
        """Note that the server goes on to another page, before it says so."""
        self._page = self._names.get(page, "")

    def _note(self, data: bytes) -> None:
        """Note what a message says of session, page and run."""
        is_told = len(data) <= MAX_NAVIGATION_BYTES and _NAVIGATION in data
        if self._is_known and self._has_begun.is_set() and not is_told:
            return
        told = ForwardMsg.FromString(data)
        kind = told.WhichOneof("type")
        if kind == "new_session":
            _connections[told.new_session.initialize.session_id] = self
            self._is_known = self._is_announced = True
        elif self._is_announced and kind != "session_status_changed":
            self._has_begun.set()  # what was set is taken before the script says anything
        if kind == "navigation":
            self._page = told.navigation.page_script_hash
            self._names = {
                each.url_pathname or "home": each.page_script_hash
                for each in told.navigation.app_pages
            }


_connections: WeakValueDictionary[str, _Connection] = WeakValueDictionary()  # by session


def switch_page(page: str, query: Mapping[str, str]) -> NoReturn:
    """End the run and show another page, or the same one with other settings.

    From now on nothing is run of the page that is left.

    Parameters
    ----------
    page : str
        Name of its file.
    query : mapping of str to str
        Parameters of its address.
    """
    context = get_script_run_ctx()
    connection = _connections.get(context.session_id) if context is not None else None
    if connection is not None:
        connection.lead_to(page)
    st.switch_page(f"pages/{page}.py", query_params=query)


async def _until(event: asyncio.Event, seconds: float) -> None:
    """Wait for something, but not for ever."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


def comes_back(headers: Headers) -> bool:
    """Return whether a browser that opens a websocket names the session that it had before."""
    told = headers.get("sec-websocket-protocol", "").split(",")
    return len(told) > 2 and bool(told[2].strip())


def _asked_run(message: Message) -> BackMsg | None:
    """Return the question for a run of the page's script that a message is, if it is one."""
    asked = BackMsg()
    try:
        asked.ParseFromString(message.get("bytes") or b"")
    except DecodeError:  # Streamlit refuses it
        return None
    return asked if asked.WhichOneof("type") == "rerun_script" else None


def _is_click(state: WidgetState) -> bool:
    return state.WhichOneof("value") in CLICKS


def _ends_run(message: Message) -> bool:
    """Return whether a message says that a run is over, and not only interrupted by another."""
    data = message.get("bytes") or b""
    if len(data) > MAX_FINISHED_BYTES:
        return False
    told = ForwardMsg.FromString(data)
    if told.WhichOneof("type") != "script_finished":
        return False
    return bool(told.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN)
