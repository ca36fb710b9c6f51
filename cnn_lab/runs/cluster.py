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
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil
from distributed import Client, Future, LocalCluster
from distributed.scheduler import KilledWorker

from cnn_lab.concepts.checks import Answer, CheckFailedError, LayerCheck
from cnn_lab.runs import worker
from cnn_lab.runs.checks import KerasFile, KerasFileRequest
from cnn_lab.runs.connection import (
    QUIET,
    ClusterError,
    Probe,
    connect,
    credentials,
    explained,
    own_scheduler,
    quoted,
)
from cnn_lab.runs.job import Command, CommandValue, Outcome, Parcel, RunSpec, TrainingFailedError
from cnn_lab.training.engine import Weights

CLOSE_TIMEOUT_S = 5
RESULT_TIMEOUT_S = 15
CHECK_TIMEOUT_S = 20  # a layer takes Keras milliseconds, or a second with compilation
FIRST_CHECK_TIMEOUT_S = 90  # ten seconds on an idle machine
TICK_S = 0.5
RUNS_EACH = 10  # because Keras's memory grows with each run
MAX_RESIDENT_BYTES = 2_000_000_000
MAX_WAIT_FOR_WORKER_S = 60  # of a scheduler that has none; it may have to start one first
EVERYTHING = "all"  # Dask's name for the topic with workers that come and go
PACKAGE_PARENT = Path(__file__).resolve().parents[2]

Q = TypeVar("Q")
A = TypeVar("A")

OnEvent = Callable[[str, Mapping[str, float]], None]
"""Called with the kind and the values of each event, in Dask's own thread."""

OnParcel = Callable[[Parcel], None]
"""Called with each parcel, in order, and never two at a time."""

_log = logging.getLogger(__name__)
_numbers = itertools.count(1)


class WorkerDiedError(TrainingFailedError):
    """Raised when the training process has died."""

    def __init__(self) -> None:
        super().__init__(
            "The training process has died, and this run ended with it. "
            "The next run starts a new one."
        )


class WorkerStuckError(TrainingFailedError):
    """Raised when the training process does not respond to a stop."""

    def __init__(self) -> None:
        super().__init__(
            "The training process did not respond and was ended. The next run starts a new one."
        )


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
    n_runs : int
        Number of finished runs.
    """

    def __init__(self, scheduler: LocalCluster) -> None:
        self.resource = f"cnn-lab-{next(_numbers)}"
        self.warm = False
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


class CallThread:
    """Thread that makes calls in order; failed calls came too late and are ignored.

    Dask's own thread, which delivers events, cannot wait for the answer of a worker.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def send(self, call: Callable[[], object]) -> None:
        """Queue a call; returns immediately."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True, name=self._name)
            self._thread.start()
        self._calls.put(call)

    def close(self) -> None:
        """End the thread after the queued calls."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                call()
            except Exception:  # the worker or the connection is gone
                _log.debug("A call to a worker failed.", exc_info=True)


class Task:
    """Run on a cluster.

    Attributes
    ----------
    ended : threading.Event
        Set when `outcome` has an answer.
    worker : str or None
        Dask address of the training worker, once the run has begun.
    own : OwnWorker or None
        The worker assigned to the run, if it was started here.
    """

    def __init__(
        self,
        client: Client,
        run_id: str,
        spec: RunSpec,
        on_event: OnEvent,
        on_parcel: OnParcel,
        own: OwnWorker | None,
        initial: Weights | None,
    ) -> None:
        self.run_id, self.own = run_id, own
        self._spec, self._initial = spec, initial
        self.ended = threading.Event()
        self.worker: str | None = None
        self._client, self._on_event, self._on_parcel = client, on_event, on_parcel
        self._future: Future[tuple[Outcome, int, list[Parcel]]] | None = None
        self._commands = CallThread("training-commands")
        self._fetching = CallThread("training-parcels")
        self._n_arrived = 0
        self._arriving = threading.Lock()
        self._made_at = time.monotonic()
        self._stop_asked = False
        self._failure: TrainingFailedError | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the run has been sent."""
        return self._future is not None

    @property
    def is_late(self) -> bool:
        """Whether a run has waited so long that there will be no worker for it."""
        return time.monotonic() - self._made_at > MAX_WAIT_FOR_WORKER_S

    def begin(self) -> None:
        """Send the run; it starts when a worker is free."""
        self._future = self._client.submit(
            worker.run,
            self.run_id,
            self._spec.model_dump_json(),
            self._initial,
            key=f"cnn-lab-{self.run_id}",
            resources=meant_for(self.own),
            pure=False,
            retries=0,
        )
        self._future.add_done_callback(lambda _future: self.ended.set())
        if self._stop_asked:  # at the same moment
            self._future.cancel()

    def stop(self) -> None:
        """Ask the worker to stop after its current batch; withdraw a run that has not begun.

        Returns immediately, because Dask's own thread, which sends the command, may be delivering
        an event to the caller.
        """
        self._stop_asked = True
        self._commands.send(self.send_stop)

    def command(self, what: Command, value: CommandValue = None) -> None:
        """Send a command to a run that has begun; returns immediately. Commands arrive in order."""
        self._commands.send(lambda: self._run(worker.command, what, value))

    def outcome(self) -> Outcome | None:
        """Return the outcome of the run; None if it was withdrawn before it began.

        Raises
        ------
        TrainingFailedError
            If training failed, the worker died or the scheduler was lost.
        """
        self._commands.close()
        self._fetching.close()
        with self._arriving:  # events still arriving are included
            if self._failure is not None:
                if self._future is not None:
                    self._future.release()  # otherwise a scheduler might repeat it
                raise self._failure
        if self._future is None:
            return None
        try:
            outcome, n_before, parcels = self._future.result(timeout=RESULT_TIMEOUT_S)
        except TrainingFailedError:
            raise
        except KilledWorker:
            raise WorkerDiedError from None
        except (CancelledError, asyncio.CancelledError) as error:
            if self._stop_asked:
                return None
            raise ClusterError("The scheduler has dropped this run.") from error
        except Exception as error:
            _log.exception("A training run failed.")
            raise TrainingFailedError(f"Training failed with {explained(error)}") from error
        finally:
            self._future.release()
        self._take(n_before, parcels)
        return outcome

    def fail(self, failure: TrainingFailedError) -> None:
        """End the run with a failure, unless it has already ended."""
        if not self.ended.is_set():
            self._failure = failure
            self.ended.set()

    def on_event(self, message: Mapping[str, Any]) -> None:
        """Handle an event of this run from the scheduler's log."""
        kind = message["kind"]
        if kind == "parcel":
            self._fetching.send(self._fetch)
            return
        if kind == "started":
            self.worker = message["worker"]
            if self._stop_asked:
                # It was withdrawn just when a worker started it, and may count as
                # ended already, with no thread left to send commands.
                threading.Thread(target=self.send_stop, daemon=True).start()
        self._on_event(kind, message["values"])

    def send_stop(self) -> None:
        """Send the stop command and wait until it has arrived."""
        if self.worker is not None:
            self._run(worker.command, "stop")
        elif self._future is not None:
            self._future.cancel()
        else:
            self.ended.set()

    def _fetch(self) -> None:
        """Fetch all parcels; each request confirms the previous ones."""
        while True:
            n_before, parcels = self._run(worker.parcels, self._n_arrived)
            if not parcels:
                return
            self._take(n_before, parcels)

    def _take(self, n_before: int, parcels: Sequence[Parcel]) -> None:
        with self._arriving:  # the last ones are part of the result
            for number, parcel in enumerate(parcels, start=n_before + 1):
                if number > self._n_arrived:
                    self._on_parcel(parcel)
                    self._n_arrived = number

    def _run(self, what: Callable[..., Any], *arguments: Any) -> Any:
        """Call a coroutine function in the worker while its tasks are running."""
        assert self.worker is not None
        answers = self._client.run(what, self.run_id, *arguments, workers=[self.worker])
        return answers[self.worker]


class Cluster:
    """Connection to a scheduler, made on first use and restored if it is lost.

    Parameters
    ----------
    address : str, optional
        Such as "tls://host:8786", with certificates from Dask's own configuration; "tcp://" is
        for loopback, see `connection.connect`. Without one, a scheduler and a worker are started
        here, bound to loopback, and end with this process.

    Notes
    -----
    A worker started here is replaced between two runs after a number of runs, as soon as its
    successor has loaded Keras.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address or None  # a variable may be set to nothing
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._scheduler: LocalCluster | None = None
        self._probe: Probe | None = None
        self._own: OwnWorker | None = None
        self._next: OwnWorker | None = None
        self._tasks: dict[str, Task] = {}
        self._withdrawn: dict[str, Task] = {}
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

    def submit(
        self,
        run_id: str,
        spec: RunSpec,
        on_event: OnEvent,
        on_parcel: OnParcel,
        initial: Weights | None = None,
    ) -> Task:
        """Submit a run to a worker; starts or restores the cluster if necessary.

        Parameters
        ----------
        run_id, spec
        on_event, on_parcel : callable
        initial : mapping of str to ndarray, optional
            The weights of the run's `start`.

        Raises
        ------
        ClusterError
            If no scheduler answers.
        """
        with self._lock:
            client, own = self._start()
            task = Task(client, run_id, spec, on_event, on_parcel, own, initial)
            self._tasks[run_id] = task
        self._begin(task)
        return task

    def _begin(self, task: Task) -> None:
        """Send a run to a worker, or find out why there is none for it."""
        probe = self._probe
        try:
            if task.own is not None or probe is None or probe.run():
                task.begin()
            elif task.is_late:
                task.fail(ClusterError(probe.lack()))
        except ClusterError as error:
            task.fail(error)

    def wait(self, task: Task, timeout_s: float) -> bool:
        """Wait at most `timeout_s` for a task to end, and return whether it has."""
        ended = task.ended.wait(timeout_s)
        if not ended and task.own is not None and not task.own.alive:
            # The scheduler does not notice a worker that dies before it has registered.
            task.fail(WorkerDiedError())
        elif not ended and not task.has_begun:
            self._begin(task)
        return task.ended.is_set()

    def outcome(self, task: Task) -> Outcome | None:
        """Return the outcome of a task that has ended; see `Task.outcome`."""
        try:
            return task.outcome()
        except WorkerDiedError:
            self._bury(task.own)
            raise
        finally:
            # Until here, the worker is busy and is not replaced.
            self._tasks.pop(task.run_id, None)
            if task.worker is None:
                self._withdrawn[task.run_id] = task
            if task.own is not None:
                task.own.n_runs += 1

    def renew(self) -> None:
        """Start a successor for a worn worker, between two runs."""
        with self._lock:
            if self._closed or self._scheduler is None or self._own is None:
                return
            self._take_over()
            if self._own.worn and self._next is None:
                self._next = OwnWorker(self._scheduler)

    def give_up(self, task: Task) -> None:
        """Kill a worker that does not respond, if it was started here."""
        task.fail(WorkerStuckError())
        self._bury(task.own)

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
        except ClusterError:
            self._disconnect()
            raise
        if self._scheduler is None:
            self._probe = Probe(self._client)
        self._client.subscribe_topic(worker.TOPIC, self._on_event)
        self._client.subscribe_topic(EVERYTHING, self._on_cluster_event)

    def _disconnect(self) -> None:
        for task in list(self._tasks.values()):
            task.fail(ClusterError("The connection to the scheduler was closed during this run."))
        self._tasks.clear()
        self._withdrawn.clear()
        if self._client is not None:
            with suppress(Exception):  # ended even if this fails
                self._client.unsubscribe_topic(
                    EVERYTHING
                )  # otherwise it is notified of its own shutdown
                self._client.close(timeout=CLOSE_TIMEOUT_S)
        self._end_worker()
        if self._next is not None:
            self._next.end()
            self._next = None
        if self._scheduler is not None:
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
        idle = not self._tasks and not self._n_checks
        dead = self._own is None or not self._own.alive
        if not self._next.alive:
            self._next.end()
            self._next = None
        elif dead or (self._next.warm and idle):
            self._end_worker()
            self._own, self._next = self._next, None

    def _note_keras(self, own: OwnWorker | None) -> None:
        self._has_answered = True
        if own is not None:
            own.warm = True

    def _note_warm(self, resource: str) -> None:
        with self._lock:
            for own in (self._own, self._next):
                if own is not None and own.resource == resource:
                    own.warm = True
            self._take_over()

    def _on_event(self, stamped: tuple[float, dict[str, Any]]) -> None:
        message = stamped[1]
        if message["kind"] == "warm":
            # Not in Dask's own thread, because a thread that waits for Dask may hold the lock.
            threading.Thread(target=self._note_warm, args=(message["resource"],)).start()
        elif task := self._tasks.get(message["run"]):
            task.on_event(message)
        elif task := self._withdrawn.pop(message["run"], None):
            # Withdrawn just when a worker started it.
            task.worker = message["worker"]
            threading.Thread(target=task.send_stop, daemon=True).start()

    def _on_cluster_event(self, stamped: tuple[float, dict[str, Any]]) -> None:
        message = stamped[1]
        if message.get("action") == "remove-worker":
            for task in list(self._tasks.values()):
                if task.worker == message["worker"]:
                    task.fail(WorkerDiedError())


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
        with suppress(Exception):  # whatever the state of the connection
            future.cancel()
