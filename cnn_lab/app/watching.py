"""What a host can watch: figures for Prometheus, and a line of JSON for each run and refusal.

Neither says anything about visitors. Both begin with the middleware `Figures`; without it,
as in a test of a page, nothing is counted or written.
"""

import json
import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import streamlit as st
from google.protobuf.message import DecodeError
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.url_util import make_url_path

from cnn_lab.ops.environment import LOG, METRICS
from cnn_lab.runs.job import Status, TrainingFailedError, UnknownRunError

METRICS_PATH = "/metrics"
LOOPBACK = ("127.0.0.1", "::1")
PROXIED = ("forwarded", "via", "x-forwarded-for", "x-real-ip")
TICK_S = 1.0
MAX_END_BYTES = 200  # of the message that ends a rerun
Refused = Literal["full", "tabs", "flood", "not reading", "run", "upload", "export", "check"]

FIGURES = CollectorRegistry()
SESSIONS = Gauge("cnn_lab_sessions", "Open pages.", registry=FIGURES)
REFUSALS = Counter("cnn_lab_refusals", "What was refused, by kind.", ["kind"], registry=FIGURES)
RERUN_SECONDS = Histogram(
    "cnn_lab_rerun_seconds",
    "From a reader's action, or a page's own, until the page is complete.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=FIGURES,
)
RUNS_WAITING = Gauge(
    "cnn_lab_runs_waiting", "Runs asked for here that wait for a worker.", registry=FIGURES
)
RUNS_ACTIVE = Gauge("cnn_lab_runs_active", "Runs asked for here that go on.", registry=FIGURES)
WAIT_SECONDS = Histogram(
    "cnn_lab_run_wait_seconds",
    "How long runs have waited for a worker.",
    buckets=(0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800),
    registry=FIGURES,
)
RUNS = Counter("cnn_lab_runs", "Runs that have ended, by outcome.", ["outcome"], registry=FIGURES)
WORKER_STARTS = Counter(
    "cnn_lab_worker_starts",
    "Training processes started by this server; one that died is started again.",
    registry=FIGURES,
)

_log = logging.getLogger(__name__)


class Figures:
    """Serve `/metrics`, measure reruns, and begin the log.

    `/metrics` is there for this machine alone, and not through a proxy, unless `CNN_LAB_METRICS`
    opens it; then the proxy has to keep it from the outside.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._open = app, METRICS.value()
        self._path = make_url_path(st.get_option("server.baseUrlPath"), METRICS_PATH)
        begin_log()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and scope["path"] == self._path:
            await self._figures(scope)(scope, receive, send)
        elif scope["type"] == "websocket":
            rerun = _Rerun()
            await self._app(scope, rerun.noting_begin(receive), rerun.noting_end(send))
        else:
            await self._app(scope, receive, send)

    def _figures(self, scope: Scope) -> Response:
        if not self._open and not _is_local(scope):
            return Response(status_code=404)
        return Response(generate_latest(FIGURES), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _is_local(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    client = scope.get("client")
    return client is not None and client[0] in LOOPBACK and not any(map(headers.get, PROXIED))


class _Rerun:
    """The rerun of a session that is under way."""

    def __init__(self) -> None:
        self._begun_at: float | None = None

    def noting_begin(self, receive: Receive) -> Receive:
        async def receive_noting() -> Message:
            message = await receive()
            data = message.get("bytes")
            if data and self._begun_at is None and _kind(BackMsg(), data) == "rerun_script":
                self._begun_at = time.perf_counter()
            return message

        return receive_noting

    def noting_end(self, send: Send) -> Send:
        async def send_noting(message: Message) -> None:
            await send(message)
            data = message.get("bytes")
            if self._begun_at is None or not data or len(data) > MAX_END_BYTES:
                return
            if _kind(ForwardMsg(), data) == "script_finished":
                RERUN_SECONDS.observe(time.perf_counter() - self._begun_at)
                self._begun_at = None

        return send_noting


def _kind(message: BackMsg | ForwardMsg, data: bytes) -> str | None:
    try:
        message.ParseFromString(data)
    except DecodeError:
        return None
    return message.WhichOneof("type")


def note_refusal(what: Refused) -> None:
    """Count and log that something was refused."""
    REFUSALS.labels(what).inc()
    _log.info("Refused: %s", what, extra={"event": "refusal", "what": what})


@dataclass
class _Followed:
    """A run that was asked for here."""

    asked_at: float = field(default_factory=time.monotonic)
    begun_at: float | None = None


class RunWatch:
    """Notes when runs begin and end, by asking for their status again and again.

    Parameters
    ----------
    tick_s : float
        Seconds between two looks.
    """

    def __init__(self, tick_s: float = TICK_S) -> None:
        self._tick_s = tick_s
        self._changed = threading.Condition()
        self._runs: dict[str, _Followed] = {}
        self._thread: threading.Thread | None = None

    def follow(self, run_id: str, status: Callable[[str], Status]) -> None:
        """Follow a run until it ends; one that is followed already stays one.

        Parameters
        ----------
        run_id : str
        status : callable
            Returns the status of a run.
        """
        with self._changed:
            self._runs.setdefault(run_id, _Followed())
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._watch, args=(status,), daemon=True, name="run-watch"
                )
                self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait until every run has ended, but no longer than so many seconds."""
        with self._changed:
            thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    def _watch(self, status: Callable[[str], Status]) -> None:
        while True:
            for run_id, run in list(self._runs.items()):
                self._look(run_id, run, status)
            with self._changed:
                n_active = sum(run.begun_at is not None for run in self._runs.values())
                RUNS_ACTIVE.set(n_active)
                RUNS_WAITING.set(len(self._runs) - n_active)
                if not self._runs:
                    self._thread = None
                    return
                self._changed.wait(self._tick_s)

    def _look(self, run_id: str, run: _Followed, status: Callable[[str], Status]) -> None:
        try:
            now = status(run_id)
        except UnknownRunError:  # removed by the host, or with its storage
            del self._runs[run_id]
            return
        except TrainingFailedError:  # no connection; the next look may find one
            return
        if run.begun_at is None and now.state != "waiting":
            run.begun_at = time.monotonic()
            waited_s = run.begun_at - run.asked_at
            WAIT_SECONDS.observe(waited_s)
            _note("run started", run_id, waited_s=round(waited_s, 1))
        if not now.active:
            RUNS.labels(now.state).inc()
            seconds = time.monotonic() - (run.begun_at or run.asked_at)
            _note("run ended", run_id, outcome=now.state, seconds=round(seconds, 1))
            del self._runs[run_id]


RUN_WATCH = RunWatch()


def watch_run(run_id: str, status: Callable[[str], Status]) -> None:
    """Follow a run that was asked for, where a host watches; see `RunWatch.follow`."""
    if LINES in logging.getLogger("cnn_lab").handlers:
        RUN_WATCH.follow(run_id, status)


def _note(event: str, run_id: str, **values: object) -> None:
    _log.info("%s: %s", event, run_id, extra={"event": event, "run": run_id, **values})


class Lines(logging.Handler):
    """Writes each event as a line of JSON to standard output, and counts starts of workers.

    An event is a record that has an attribute `event`; the others are not touched.
    """

    FIELDS = ("event", "what", "run", "waited_s", "seconds", "outcome")

    def emit(self, record: logging.LogRecord) -> None:
        """Handle a record."""
        event = getattr(record, "event", None)
        if event is None:
            return
        if event == "worker started":
            WORKER_STARTS.inc()
        if LOG.value() == "json":
            at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
            found = {name: getattr(record, name, None) for name in self.FIELDS}
            line = {"time": at} | {name: x for name, x in found.items() if x is not None}
            print(json.dumps(line), file=sys.stdout, flush=True)


LINES = Lines()


def begin_log() -> None:
    """Write events from now on."""
    log = logging.getLogger("cnn_lab")
    log.setLevel(logging.INFO)
    if LINES not in log.handlers:
        log.addHandler(LINES)
