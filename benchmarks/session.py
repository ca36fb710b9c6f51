"""A reader without a browser: one Streamlit session over its own websocket."""

import re
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.sync.client import connect

RUN_TIMEOUT_S = 60


def stream_of(url: str) -> str:
    """Return where a server's websocket is."""
    return f"{url.replace('http', 'ws', 1)}/_stcore/stream"


def question(
    page: str, page_hash: str, query: str, widgets: Iterable[WidgetState], **more: Any
) -> bytes:
    """Return what a browser sends to have a page run, by its hash once that is known."""
    state = ClientState(
        query_string=query,
        page_name="" if page_hash else page,
        page_script_hash=page_hash,
        widget_states=WidgetStates(widgets=widgets),
        **more,
    )
    return bytes(BackMsg(rerun_script=state).SerializeToString())


class Session:
    """Opens a page as a browser tab does, and reruns it as a control does.

    Parameters
    ----------
    url : str
        The server's address, "http://127.0.0.1:8501".
    page : str
        The page's address path without its slash; "" is the home page.
    query : str
        What follows the question mark in the address.
    """

    def __init__(self, url: str, page: str = "", query: str = "") -> None:
        self._socket = connect(
            stream_of(url),
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=None,
            compression=None,
        )
        self._page = page
        self._query = query
        self._page_hash = ""
        self.received: list[bytes] = []
        self.run()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()

    def run(self, *changes: WidgetState) -> None:
        """Run the page once and return when it is done; `received` holds what came."""
        self._socket.send(question(self._page, self._page_hash, self._query, changes))
        self.received = []
        while True:
            data = self._socket.recv(timeout=RUN_TIMEOUT_S)
            assert isinstance(data, bytes)
            self.received.append(data)
            message = ForwardMsg.FromString(data)
            match message.WhichOneof("type"):
                case "navigation":
                    self._page_hash = message.navigation.page_script_hash
                case "page_not_found":
                    raise LookupError(f"The app has no such page. Received: page={self._page!r}")
                case "delta" if message.delta.new_element.HasField("exception"):
                    raise RuntimeError(f"The page failed: {message.delta.new_element.exception}")
                case "script_finished" if message.script_finished == (
                    ForwardMsg.FINISHED_SUCCESSFULLY
                ):
                    return

    def stage_messages(self) -> list[tuple[int, int]]:
        """Return for each stage the page just sent the bytes of its message and of its trace."""
        messages = [(len(data), ForwardMsg.FromString(data)) for data in self.received]
        return [
            (size, len(message.delta.new_element.bidi_component.json))
            for size, message in messages
            if message.delta.new_element.bidi_component.component_name == "cnn_lab_stage"
        ]

    def widget_id(self, key: str) -> str:
        """Return the id under which the page just sent the widget with this key."""
        for data in self.received:
            if match := re.search(rb"\$\$ID-[0-9a-f]+-" + re.escape(key.encode()) + rb"\b", data):
                return match[0].decode()
        raise KeyError(key)
