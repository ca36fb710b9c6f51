"""What a browser asks is run where its page is shown, and in order."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Logo_pb2 import Logo
from streamlit.proto.Navigation_pb2 import Navigation
from streamlit.proto.NewSession_pb2 import NewSession
from streamlit.proto.SessionStatus_pb2 import SessionStatus

from cnn_lab.app.run_order import RunOrder

Asked = tuple[str, set[str]]  # the fragment, and the controls of which a value was sent


def question(*clicks: str, fragment: str = "") -> bytes:
    """Return a browser's question for a run, with a number that is set and buttons pressed."""
    asked = BackMsg()
    asked.rerun_script.fragment_id = fragment
    asked.rerun_script.widget_states.widgets.add(id="number", double_value=3.0)
    for button in clicks:
        asked.rerun_script.widget_states.widgets.add(id=button, trigger_value=True)
    return asked.SerializeToString()


def followed(asked: list[bytes], *, back: bool) -> tuple[Asked, Asked, list[bool]]:
    """Return the first two questions on a connection, as the server gets them.

    And whether it had the second before its first run was over: at once, and after another run
    that was interrupted.
    """
    coming = iter(asked)
    got: list[Asked] = []
    early: list[bool] = []
    protocols = b"streamlit, token, session" if back else b"streamlit, token"
    scope = {"type": "websocket", "headers": [(b"sec-websocket-protocol", protocols)]}

    async def receive() -> Message:
        return {"type": "websocket.receive", "bytes": next(coming)}

    async def send(_message: Message) -> None:
        """Tell nobody."""

    def note(message: Message) -> None:
        run = BackMsg.FromString(message["bytes"]).rerun_script
        got.append((run.fragment_id, {state.id for state in run.widget_states.widgets}))

    async def serve(_scope: Scope, receive: Receive, send: Send) -> None:
        note(await receive())
        second = asyncio.ensure_future(receive())
        for status in (ForwardMsg.FINISHED_EARLY_FOR_RERUN, ForwardMsg.FINISHED_SUCCESSFULLY):
            for _ in range(10):  # turns of the loop
                await asyncio.sleep(0)
            early.append(second.done())
            finished = ForwardMsg(script_finished=status).SerializeToString()
            await send({"type": "websocket.send", "bytes": finished})
        note(await second)

    asyncio.run(RunOrder(serve)(scope, receive, send))
    return got[0], got[1], early


@pytest.mark.parametrize("fragment", ["", "part"])
def test_a_click_on_a_page_that_comes_back_is_followed_after_the_page_was_run(
    fragment: str,
) -> None:
    first, second, early = followed([question("next", fragment=fragment)], back=True)
    assert first == ("", {"number"})
    assert second == (fragment, {"number", "next"})
    assert early == [False, False]


def test_what_follows_the_first_question_waits_until_the_page_is_back() -> None:
    first, second, early = followed([question(), question("next", fragment="part")], back=True)
    assert first == ("", {"number"})
    assert second == ("part", {"number", "next"})
    assert early == [False, False]


def test_a_page_that_is_new_waits_for_nothing() -> None:
    first, second, early = followed([question("next"), question(fragment="part")], back=False)
    assert first == ("", {"number", "next"})
    assert second == ("part", {"number"})
    assert early == [True, True]


def of_page(page: str, fragment: str = "") -> bytes:
    """Return a browser's question for a run of a page, or of a fragment of it."""
    asked = BackMsg()
    asked.rerun_script.page_script_hash = page
    asked.rerun_script.fragment_id = fragment
    return asked.SerializeToString()


def told(page: str) -> bytes:
    """Return what the server says when a page's run begins."""
    return ForwardMsg(navigation=Navigation(page_script_hash=page)).SerializeToString()


def test_nothing_is_asked_of_a_page_that_was_left() -> None:
    """By a link or Back, which the browser asks for, and by what the server does by itself."""
    talk = [
        ("asks", of_page("")),
        ("tells", told("home")),
        ("asks", of_page("home", "part")),
        ("asks", of_page("pooling")),
        ("asks", of_page("home", "left")),
        ("tells", told("pooling")),
        ("asks", of_page("home", "left")),
        ("asks", of_page("pooling", "part")),
        ("tells", told("padding")),
        ("asks", of_page("pooling", "left")),
        ("asks", of_page("padding", "part")),
    ]
    asked = iter([data for who, data in talk if who == "asks"])
    got: list[tuple[str, str]] = []

    async def receive() -> Message:
        return {"type": "websocket.receive", "bytes": next(asked)}

    async def send(_message: Message) -> None:
        """Tell nobody."""

    async def serve(_scope: Scope, receive: Receive, send: Send) -> None:
        for who, data in talk:
            if who == "tells":
                await send({"type": "websocket.send", "bytes": data})
            elif b"left" not in data:  # those are passed over on the way to the next
                run = BackMsg.FromString((await receive())["bytes"]).rerun_script
                got.append((run.page_script_hash, run.fragment_id))

    asyncio.run(RunOrder(serve)({"type": "websocket", "headers": []}, receive, send))
    assert got == [
        ("", ""),
        ("home", "part"),
        ("pooling", ""),
        ("pooling", "part"),
        ("padding", "part"),
    ]


def test_what_was_set_is_taken_before_another_page_is_run() -> None:
    """Of the same page the latest counts, and nothing waits."""
    asked = iter([of_page("home"), of_page("home"), of_page("pooling")])
    early: list[bool] = []

    async def receive() -> Message:
        return {"type": "websocket.receive", "bytes": next(asked)}

    async def send(_message: Message) -> None:
        """Tell nobody."""

    async def serve(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.wait_for(receive(), 1)
        other_page = asyncio.ensure_future(receive())
        for told in (
            ForwardMsg(script_finished=ForwardMsg.FINISHED_EARLY_FOR_RERUN),  # of the run before
            ForwardMsg(new_session=NewSession()),
            ForwardMsg(session_status_changed=SessionStatus(script_is_running=True)),
            ForwardMsg(logo=Logo()),
        ):
            await send({"type": "websocket.send", "bytes": told.SerializeToString()})
            for _ in range(10):  # turns of the loop
                await asyncio.sleep(0)
            early.append(other_page.done())

    asyncio.run(RunOrder(serve)({"type": "websocket", "headers": []}, receive, send))
    assert early == [False, False, False, True]
