"""Dask side of the run queue: scheduler, worker and communication.

By default both are local: the scheduler is a thread of the page's process and the worker a
separate process, so that TensorFlow stays out of the pages; only these two have the certificate
that talking to either needs. With an address, the same client talks to an external scheduler.
"""

# Dask has only partial type hints.
# mypy: allow-untyped-calls

import asyncio
import itertools
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil
from distributed import Client, LocalCluster
from distributed.scheduler import KilledWorker

from cnn_lab.concepts.checks import Answer, CheckFailedError, LayerCheck
from cnn_lab.runs import worker
from cnn_lab.runs.checks import KerasFile, KerasFileRequest
from cnn_lab.runs.connection import (
    PROBE_TIMEOUT_S,
    QUIET,
    ClusterError,
    Probe,
    connect,
    credentials,
    own_scheduler,
    quoted,
)
from cnn_lab.runs.job import RunRefusedError, TrainingFailedError, UnknownRunError
from cnn_lab.runs.ledger import WORKER_DIED
from cnn_lab.runs.scheduler import ask as ask_ledger

CLOSE_TIMEOUT_S = 5
RESULT_TIMEOUT_S = 15
CHECK_TIMEOUT_S = 20  # a layer takes Keras milliseconds, or a second with compilation
FIRST_CHECK_TIMEOUT_S = 90  # ten seconds on an idle machine
TICK_S = 0.5
RUNS_EACH = 10  # because Keras's memory grows with each run
MAX_RESIDENT_BYTES = 2_000_000_000
MAX_WAIT_FOR_WORKER_S = 60  # of a scheduler that has none; it may have to start one first
CALL_TIMEOUT_S = 10
LOST = "The connection to the training scheduler is lost. The server tries to restore it."
PACKAGE_PARENT = Path(__file__).resolve().parents[2]

Q = TypeVar("Q")
A = TypeVar("A")

_log = logging.getLogger(__name__)
_numbers = itertools.count(1)


class WorkerDiedError(TrainingFailedError):
    """Raised when the training process has died."""

    def __init__(self) -> None:
        super().__init__(WORKER_DIED)


class OwnWorker:
    """Worker process for one scheduler, with Keras loaded once it is warm.

    Parameters
    ----------
    scheduler : LocalCluster

    Attributes
    ----------
    resource : str
        Dask resource of this worker only, so that tasks can be assigned to it.
    warm : bool
        Whether it has loaded Keras for certain.
    address : str
        Its address at the scheduler, once it has come there.
    n_runs : int
        Number of finished runs.
    """

    def __init__(self, scheduler: LocalCluster) -> None:
        self.resource = f"cnn-lab-{next(_numbers)}"
        self.warm, self.address = False, ""
        self.n_runs = 0
        # A new interpreter, unaffected by forking or spawning from a page.
        quiet = {f"DASK_{name.upper().replace('.', '__')}": str(x) for name, x in QUIET.items()}
        path = os.pathsep.join(filter(None, [str(PACKAGE_PARENT), os.environ.get("PYTHONPATH")]))
        address = scheduler.scheduler_address
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cnn_lab.runs.worker", address, self.resource],
            stdin=subprocess.PIPE,
            env={**os.environ, **quiet, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "2"},
        )
        _log.info("A worker has been started.", extra={"event": "worker started"})
        # Through the pipe, because command lines and files can be read by others.
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # it has already died, which is noticed elsewhere
            self.process.stdin.write(json.dumps(credentials(scheduler)).encode() + b"\n")
            self.process.stdin.flush()

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self.process.poll() is None

    @property
    def worn(self) -> bool:
        """Whether it should be replaced between two runs."""
        if self.n_runs >= RUNS_EACH:
            return True
        with suppress(psutil.Error):  # it may have died
            resident: int = psutil.Process(self.process.pid).memory_info().rss
            return resident > MAX_RESIDENT_BYTES
        return False

    def end(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.communicate()  # waits, and closes the pipe


class Cluster:
    """Connection to a scheduler, made on first use and restored if it is lost.

    Parameters
    ----------
    address : str, optional
        Such as "tls://host:8786", with certificates from Dask's own configuration; "tcp://" is
        for loopback, see `connection.connect`. Without one, a scheduler and a worker are started
        here, bound to loopback, and end with this process.
    told : callable
        Called with what the ledger of the scheduler tells, in Dask's own thread.

    Notes
    -----
    A worker started here is replaced between two runs after a number of runs, as soon as its
    successor has loaded Keras.
    """

    def __init__(
        self, address: str | None = None, told: Callable[[dict[str, Any]], None] = lambda _: None
    ) -> None:
        self._address = address or None  # a variable may be set to nothing
        self._told = told
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._scheduler: LocalCluster | None = None
        self._probe: Probe | None = None
        self._own: OwnWorker | None = None
        self._next: OwnWorker | None = None
        self._enrolled: set[str] = set()
        self._without_since: float | None = None
        self._n_checks = 0
        self._closed = self._has_answered = False

    @property
    def has_keras(self) -> bool:
        """Whether the current worker has loaded Keras for certain."""
        return self._own.warm if self._own is not None else self._has_answered

    def start(self) -> None:
        """Connect, and start a worker if there is no live one.

        Raises
        ------
        ClusterError
            If no scheduler answers.
        """
        with self._lock:
            self._start()

    def _start(self) -> tuple[Client, OwnWorker | None]:
        """Return the client, and the worker if it was started here; requires the lock."""
        if self._closed:
            raise ClusterError("The server is shutting down.")
        if self._client is not None and self._client.status == "connecting":
            raise ClusterError(LOST)  # Dask tries for a while
        if self._client is not None and self._client.status != "running":
            self._disconnect()
        if self._client is None:
            self._connect()
        if self._scheduler is not None:
            self._take_over()
            if self._own is None or not self._own.alive:
                self._end_worker()
                self._own = OwnWorker(self._scheduler)
        assert self._client is not None
        return self._client, self._own

    def check(self, request: LayerCheck) -> Answer:
        """Compute a layer with Keras in a worker; see `worker.check`."""
        return self._ask(worker.check, request)

    def keras_file(self, request: KerasFileRequest) -> KerasFile:
        """Write a .keras file in a worker; see `worker.keras_file`."""
        return self._ask(worker.keras_file, request)

    def _ask(self, work: Callable[[Q], A], request: Q) -> A:
        """Have a worker answer a request while it trains.

        Blocks until there is an answer; starts or restores the cluster if necessary.

        Raises
        ------
        CheckFailedError
            If there is no answer: no scheduler, a dead worker, a timeout, or an error in Keras.
        """
        limit_s = CHECK_TIMEOUT_S if self.has_keras else FIRST_CHECK_TIMEOUT_S
        try:
            with self._lock:
                client, own = self._start()
                probe = self._probe
                self._n_checks += 1
        except ClusterError as error:
            raise CheckFailedError(str(error)) from error
        try:
            if probe is not None:
                probe.wait(limit_s)
            answer = ask(client, work, request, own, limit_s)
        except ClusterError as error:
            raise CheckFailedError(str(error)) from error
        except WorkerDiedError:
            self._bury(own)
            raise CheckFailedError(
                "The Keras process died before it could answer. The next attempt starts a new one."
            ) from None
        finally:
            with self._lock:
                self._n_checks -= 1
        self._note_keras(own)
        return answer

    @property
    def page(self) -> str:
        """Name of this process at the scheduler; empty without a connection."""
        return str(self._client.id) if self._client is not None else ""

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the scheduler's ledger, which takes a round trip.

        Raises
        ------
        ClusterError
            If there is no connection.
        RunRefusedError, UnknownRunError
            As the ledger does.
        """
        client = self._client
        if client is None or client.status != "running":
            raise ClusterError(LOST)
        try:
            answer = client.run_on_scheduler(
                ask_ledger, method, arguments, callback_timeout=CALL_TIMEOUT_S
            )
        except (OSError, RuntimeError, CancelledError, asyncio.CancelledError) as error:
            raise ClusterError(LOST) from error
        if isinstance(answer, RunRefusedError | UnknownRunError):
            raise answer
        return answer

    def tend(self, *, waiting: bool) -> None:
        """Look after the workers; to be called every second.

        Parameters
        ----------
        waiting : bool
            Whether runs are waiting for one.

        Raises
        ------
        ClusterError
            If there is none that can train, and none will come; says why.
        WorkerDiedError
            If one that was started here has died before it came to the scheduler.
        """
        own = self._own
        if own is not None and not own.alive and not own.address:
            self._bury(own)
            raise WorkerDiedError
        with self._lock:
            self._start()
            probe = self._probe
            if self._own is not None and self._own.worn and self._next is None:
                assert self._scheduler is not None
                self._next = OwnWorker(self._scheduler)
            if self._own is not None and self._own.address:
                self.call("use", self._own.address)  # again, in case that it failed before
        if probe is not None:
            self._tend_workers_elsewhere(probe, waiting=waiting)

    def _tend_workers_elsewhere(self, probe: Probe, *, waiting: bool) -> None:
        assert self._client is not None
        try:
            probe.run(wanted=waiting)
        except ClusterError:
            if not probe.fit:
                raise
            _log.warning("A worker cannot train.", exc_info=True)
        self._enrolled &= probe.fit
        for address in sorted(probe.fit - self._enrolled):
            with suppress(OSError):  # it has just gone
                self._client.run(worker.enrol, workers=[address], callback_timeout=PROBE_TIMEOUT_S)
                self.call("use", address)
                self._enrolled.add(address)
        now = time.monotonic()
        if probe.fit or not waiting:
            self._without_since = None
        elif self._without_since is None:
            self._without_since = now
        elif now - self._without_since > MAX_WAIT_FOR_WORKER_S:
            self._without_since = None
            raise ClusterError(probe.lack())

    def give_up(self, address: str) -> None:
        """Kill a worker that does not respond, if it was started here."""
        own = self._own
        if own is not None and own.address == address:
            self._bury(own)

    def close(self) -> None:
        """Disconnect from the scheduler and end what was started here."""
        with self._lock:
            self._closed = True
            self._disconnect()

    def worker_pid(self) -> int | None:
        """Return the process id of the worker started here, if there is one."""
        return self._own.process.pid if self._own is not None else None

    def _connect(self) -> None:
        where: LocalCluster | str
        if self._address is None:
            where = self._scheduler = own_scheduler()
        else:
            where = self._address
        try:
            self._client = connect(where)
            if self._scheduler is None:
                Probe(self._client).ask_scheduler()
        except ClusterError:
            self._disconnect()
            raise
        self._listen()

    def listen(self) -> None:
        """Follow what the ledger tells from now on; again after a connection was lost."""
        with self._lock:
            if self._client is not None:
                self._listen()

    def _listen(self) -> None:
        assert self._client is not None
        self._client.subscribe_topic(worker.TOPIC, self._on_event)
        self._enrolled.clear()
        if self._scheduler is None:
            self._probe = Probe(self._client)

    def _disconnect(self) -> None:
        self._enrolled.clear()
        if self._client is not None:
            with suppress(Exception):  # ended even if this fails
                self._client.close(timeout=CLOSE_TIMEOUT_S)
        self._end_worker()
        if self._next is not None:
            self._next.end()
            self._next = None
        if self._scheduler is not None:
            with suppress(TimeoutError):  # it ends with this process at the latest
                self._scheduler.close(timeout=CLOSE_TIMEOUT_S)
        self._client = self._scheduler = self._probe = None

    def _bury(self, own: OwnWorker | None) -> None:
        """Clean up after a worker that has died, unless it has already been replaced.

        Its connections close shortly before the process ends: without this, the next run could be
        assigned to a dying worker.
        """
        with self._lock:
            if own is not None and own is self._own:
                self._end_worker()

    def _end_worker(self) -> None:
        self._has_answered = False
        if self._own is not None:
            self._own.end()
            self._own = None

    def _take_over(self) -> None:
        """Replace the worker by its successor, if that is ready and nothing is running."""
        if self._next is None:
            return
        if not self._next.alive:
            self._next.end()
            self._next = None
            return
        own = self._own
        ready = self._next.warm and not self._n_checks
        if own is None or not own.alive or (ready and self.call("dismiss", own.address)):
            self._end_worker()
            self._own, self._next = self._next, None
            if self._own.address:
                self.call("use", self._own.address)

    def _note_keras(self, own: OwnWorker | None) -> None:
        self._has_answered = True
        if own is not None:
            own.warm = True

    def _note_own(self, message: Mapping[str, Any]) -> None:
        """Note that a worker started here has come to the scheduler, or has loaded Keras."""
        with self._lock:
            for own in (self._own, self._next):
                if own is not None and own.resource == message["resource"]:
                    own.address = message["worker"]
                    own.warm |= message["kind"] == "warm"
                    if own is self._own:
                        with suppress(ClusterError):  # the server is shutting down
                            self.call("use", own.address)

    def _on_event(self, stamped: tuple[float, dict[str, Any]]) -> None:
        message = stamped[1]
        if message["kind"] in ("here", "warm"):
            # Not in Dask's own thread, because a thread that waits for Dask may hold the lock.
            threading.Thread(target=self._note_own, args=(message,), daemon=True).start()
            return
        if message["kind"] == "ended":
            own = self._own
            if own is not None and own.address == message["worker"]:
                own.n_runs += 1
            return
        self._told(message)


def meant_for(own: OwnWorker | None) -> dict[str, float] | None:
    """Return the Dask resource of a worker started here; None if any worker will do."""
    return {own.resource: 1} if own is not None else None


def ask(
    client: Client,
    work: Callable[[Q], A],
    request: Q,
    own: OwnWorker | None,
    limit_s: float,
) -> A:
    """Have a worker answer a request to Keras and wait for it.

    Parameters
    ----------
    client : Client
    work : callable
        Function that the worker calls with the request.
    request : anything that can be pickled
    own : OwnWorker or None
        The worker, if it was started here, so that its death is noticed at once.
    limit_s : float

    Raises
    ------
    WorkerDiedError
        If the worker has died.
    CheckFailedError
        On a timeout, a lost connection or an error in Keras.
    """
    deadline = time.monotonic() + limit_s
    ended = threading.Event()
    # With the same priority as runs, it would wait for earlier ones.
    future = client.submit(
        work, request, resources=meant_for(own), pure=False, retries=0, priority=1
    )
    future.add_done_callback(lambda _future: ended.set())
    try:
        while not ended.wait(TICK_S):
            if own is not None and not own.alive:
                raise WorkerDiedError
            if time.monotonic() > deadline:
                raise CheckFailedError(
                    f"Keras did not answer within {limit_s:g} s. It may be busy: please try "
                    "again in a moment."
                )
        answer: A = future.result(timeout=RESULT_TIMEOUT_S)
        return answer
    except (CheckFailedError, WorkerDiedError):
        raise
    except KilledWorker:
        raise WorkerDiedError from None
    except (CancelledError, asyncio.CancelledError) as error:
        raise CheckFailedError("The connection to the scheduler was closed.") from error
    except Exception as error:
        _log.exception("A check failed.")
        raise CheckFailedError(f"Keras could not calculate this: {quoted(error)}") from error
    finally:
        # No one else wants it, so that ends it. `cancel` waits for Dask's own thread, for
        # ever if that ends in the meantime.
        with suppress(RuntimeError):  # it has ended
            future.release()
