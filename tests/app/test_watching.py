"""What a host can watch, and that it says nothing about visitors."""

import asyncio
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from cnn_lab.app.watching import FIGURES, LINES, Figures, RunWatch, note_refusal
from cnn_lab.network import zoo
from cnn_lab.network.spec import TrainingSpec
from cnn_lab.runs.job import RunSpec, State, Status, UnknownRunError, new_run_id


def value(name: str, **labels: str) -> float:
    return FIGURES.get_sample_value(name, labels) or 0.0


def messages(*sent: bytes) -> list[Message]:
    return [{"type": "websocket.receive", "bytes": data} for data in sent]


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve nothing."""


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that writes its log."""
    monkeypatch.delenv("CNN_LAB_LOG", raising=False)
    Figures(nothing)
    yield
    logging.getLogger("cnn_lab").removeHandler(LINES)
    logging.getLogger("cnn_lab").setLevel(logging.NOTSET)


def metrics(client: str, **headers: str) -> tuple[int, str]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    raw = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    scope = {"type": "http", "method": "GET", "path": "/metrics", "client": (client, 1)}
    asyncio.run(Figures(nothing)({**scope, "headers": raw}, receive, send))
    return sent[0]["status"], sent[1]["body"].decode()


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize(
    ("client", "headers", "setting", "status"),
    [
        ("127.0.0.1", {}, "", 200),
        ("::1", {}, "", 200),
        ("10.0.0.7", {}, "", 404),
        ("127.0.0.1", {"x_forwarded_for": "10.0.0.7"}, "", 404),
        ("127.0.0.1", {"via": "1.1 Caddy"}, "", 404),
        ("10.0.0.7", {}, "1", 200),
    ],
)
def test_the_figures_are_for_this_machine_alone_unless_the_host_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
    client: str,
    headers: dict[str, str],
    setting: str,
    status: int,
) -> None:
    monkeypatch.setenv("CNN_LAB_METRICS", setting)
    answer, text = metrics(client, **headers)
    assert answer == status
    names = {family.name for family in text_string_to_metric_families(text)}
    assert ("cnn_lab_sessions" in names) is (status == 200)


@pytest.mark.usefixtures("watched")
def test_a_rerun_is_measured_from_the_readers_action_to_the_complete_page() -> None:
    asked, ended = BackMsg(), ForwardMsg()
    asked.rerun_script.query_string = ""
    ended.script_finished = ForwardMsg.FINISHED_SUCCESSFULLY
    other = BackMsg(clear_cache=True).SerializeToString()
    begun = asked.SerializeToString()

    async def converse(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(4):
            await receive()
        for data in (b"", ForwardMsg().SerializeToString(), ended.SerializeToString()):
            await send({"type": "websocket.send", "bytes": data})

    async def send(message: Message) -> None:
        """Send nothing."""

    # Nonsense, something else, and two actions that one rerun answers.
    coming = iter(messages(b"\xff", other, begun, begun))

    async def receive() -> Message:
        return next(coming)

    before = value("cnn_lab_rerun_seconds_count")
    asyncio.run(Figures(converse)({"type": "websocket"}, receive, send))
    assert value("cnn_lab_rerun_seconds_count") == before + 1


def events(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


def status(state: State) -> Status:
    spec = RunSpec(network=zoo.preset("paper").network, training=TrainingSpec())
    return Status(new_run_id(), ("someone",), spec, state, 0, None, "", {}, "")


@pytest.mark.usefixtures("watched")
def test_a_run_is_a_line_when_it_begins_and_one_when_it_ends(
    capsys: pytest.CaptureFixture[str],
) -> None:
    course: Sequence[State] = ("waiting", "waiting", "training", "training", "done")
    now = status("waiting")
    coming = iter(course)
    before = value("cnn_lab_runs_total", outcome="done"), value("cnn_lab_run_wait_seconds_count")
    watch = RunWatch(tick_s=0.01)
    watch.follow(now.run_id, lambda _: replace(now, state=next(coming)))
    watch.join(30)
    first, last = events(capsys.readouterr().out)
    assert (first["event"], last["event"]) == ("run started", "run ended")
    assert first["run"] == last["run"] == now.run_id
    assert last["outcome"] == "done"
    assert {*first, *last} == {"time", "event", "run", "waited_s", "seconds", "outcome"}
    assert value("cnn_lab_runs_total", outcome="done") == before[0] + 1
    assert value("cnn_lab_run_wait_seconds_count") == before[1] + 1
    assert value("cnn_lab_runs_waiting") == value("cnn_lab_runs_active") == 0


@pytest.mark.usefixtures("watched")
def test_a_run_whose_folder_the_host_has_removed_is_no_longer_followed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def gone(run_id: str) -> Status:
        raise UnknownRunError(run_id)

    watch = RunWatch(tick_s=0.01)
    watch.follow(new_run_id(), gone)
    watch.join(30)
    assert events(capsys.readouterr().out) == []


@pytest.mark.usefixtures("watched")
def test_a_refusal_is_counted_and_is_a_line_that_says_nothing_about_whom(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = value("cnn_lab_refusals_total", kind="full")
    note_refusal("full")
    [line] = events(capsys.readouterr().out)
    assert {**line, "time": ""} == {"time": "", "event": "refusal", "what": "full"}
    assert value("cnn_lab_refusals_total", kind="full") == before + 1


@pytest.mark.usefixtures("watched")
def test_a_host_can_do_without_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CNN_LAB_LOG", "off")
    note_refusal("full")
    assert capsys.readouterr().out == ""
