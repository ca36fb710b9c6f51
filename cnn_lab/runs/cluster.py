"""The Dask side of the run queue: a scheduler, a worker, and what is carried there and back.

By default both are this machine's: the scheduler is a thread of the page's process and the
worker one process of its own, so that TensorFlow stays out of the pages. An address makes
the same client talk to a scheduler that somebody else keeps.
"""

# Dask is typed in parts only.
# mypy: allow-untyped-calls

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import dask
from distributed import Client, LocalCluster

from cnn_lab.concepts.checks import Answer, CheckFailedError, LayerCheck
from cnn_lab.runs import worker
from cnn_lab.runs.job import RunSpec
from cnn_lab.runs.keras_file import KerasFile, KerasFileWanted
from cnn_lab.runs.task import A, ClusterError, OnEvent, OnParcel, Q, Task, WorkerDiedError, ask
from cnn_lab.runs.worker_process import QUIET, OwnWorker

CONNECT_TIMEOUT_S = 15
CLOSE_TIMEOUT_S = 5
CHECK_TIMEOUT_S = 20  # a layer takes Keras some milliseconds, or a second where it compiles
FIRST_CHECK_TIMEOUT_S = 90  # ten seconds on a quiet machine
EVERYTHING = "all"  # Dask's name for the topic with the comings and goings of workers


class Cluster:
    """A connection to a scheduler, made at the first use and again when it was lost.

    Parameters
    ----------
    address : str, optional
        Such as "tcp://host:8786"; certificates for "tls://" are read from Dask's own
        configuration. Without one, a scheduler and a worker are started here, bound to
        loopback, and end with this process.

    Notes
    -----
    A worker of our own that has done its share of runs is replaced between two of them, as
    soon as the next one has Keras in it.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._scheduler: LocalCluster | None = None
        self._own: OwnWorker | None = None
        self._next: OwnWorker | None = None
        self._tasks: dict[str, Task] = {}
        self._withdrawn: dict[str, Task] = {}
        self._n_checks = 0
        self._closed = self._has_answered = False

    @property
    def has_keras(self) -> bool:
        """Whether the present worker has Keras in it for certain."""
        return self._own.warm if self._own is not None else self._has_answered

    def start(self) -> None:
        """Connect, and see to it that a worker of our own is alive.

        Raises
        ------
        ClusterError
            If no scheduler answers.
        """
        with self._lock:
            self._start()

    def _start(self) -> tuple[Client, OwnWorker | None]:
        """Return the client with the worker that is to be asked, if it is ours; lock held."""
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
                self._own = OwnWorker(self._scheduler.scheduler_address)
        assert self._client is not None
        return self._client, self._own

    def check(self, request: LayerCheck) -> Answer:
        """Have a worker ask Keras about a layer; see `worker.check`."""
        return self._ask(worker.check, request)

    def keras_file(self, request: KerasFileWanted) -> KerasFile:
        """Have a worker write a .keras file; see `worker.keras_file`."""
        return self._ask(worker.keras_file, request)

    def _ask(self, work: Callable[[Q], A], request: Q) -> A:
        """Have a worker answer a question, beside whatever it trains.

        Blocks until there is an answer; start or mend what is needed first.

        Raises
        ------
        CheckFailedError
            If there is none: no scheduler, a worker that died, no time left, or Keras refuses.
        """
        try:
            with self._lock:
                client, own = self._start()
                self._n_checks += 1
        except ClusterError as error:
            raise CheckFailedError(str(error)) from error
        limit_s = CHECK_TIMEOUT_S if self.has_keras else FIRST_CHECK_TIMEOUT_S
        try:
            answer = ask(client, work, request, own, limit_s)
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

    def submit(self, run_id: str, spec: RunSpec, on_event: OnEvent, on_parcel: OnParcel) -> Task:
        """Hand a run to a worker; start or mend what is needed first."""
        with self._lock:
            client, own = self._start()
            task = Task(client, run_id, on_event, on_parcel, own)
            self._tasks[run_id] = task
        task.begin(spec)
        return task

    def wait(self, task: Task, timeout_s: float) -> bool:
        """Return whether the task has ended, after waiting at most `timeout_s`."""
        ended = task.ended.wait(timeout_s)
        if not ended and task.own is not None and not task.own.alive:
            # The scheduler does not miss a worker that dies before they have met.
            task.worker_died()
        return task.ended.is_set()

    def delivery(self, task: Task) -> worker.Delivery | None:
        """Return what a task that has ended left behind; see `Task.delivery`."""
        try:
            delivery = task.delivery()
        except WorkerDiedError:
            self._bury(task.own)
            raise
        finally:
            # Until now, because a worker that is busy for a run is not replaced.
            self._tasks.pop(task.run_id, None)
            if task.worker is None:
                self._withdrawn[task.run_id] = task
            if task.own is not None:
                task.own.n_runs += 1
        if task.own is not None and delivery is not None:
            task.own.resident_bytes = delivery.resident_bytes
        return delivery

    def renew(self) -> None:
        """Between two runs: see to it that a worker that has served long enough is followed."""
        with self._lock:
            if self._closed or self._scheduler is None or self._own is None:
                return
            self._take_over()
            if self._own.worn and self._next is None:
                self._next = OwnWorker(self._scheduler.scheduler_address)

    def give_up(self, task: Task) -> None:
        """End a worker that does not obey; one that is not ours is left to itself."""
        task.give_up()
        self._bury(task.own)

    def close(self) -> None:
        """Let go of the scheduler, and end what was started here."""
        with self._lock:
            self._closed = True
            self._disconnect()

    def worker_pid(self) -> int | None:
        """Return the process id of the worker started here, if there is one."""
        return self._own.process.pid if self._own is not None else None

    def _connect(self) -> None:
        try:
            with dask.config.set(QUIET):
                if self._address is None:
                    self._scheduler = LocalCluster(
                        n_workers=0,
                        processes=False,
                        protocol="tcp",
                        host="127.0.0.1",
                        dashboard_address="127.0.0.1:0",
                        # A run that lost its worker is not started again behind the
                        # reader's back.
                        scheduler_kwargs={"dashboard": False, "allowed_failures": 0},
                        silence_logs=logging.CRITICAL,
                    )
                self._client = Client(
                    self._address or self._scheduler,
                    timeout=CONNECT_TIMEOUT_S,
                    set_as_default=False,
                    name="cnn-lab",
                )
        except (OSError, ValueError, RuntimeError) as error:
            self._disconnect()
            raise ClusterError(
                "The training scheduler does not answer. "
                f"Received: CNN_LAB_SCHEDULER={self._address!r} ({error})"
            ) from error
        self._client.subscribe_topic(worker.TOPIC, self._on_event)
        self._client.subscribe_topic(EVERYTHING, self._on_cluster_event)

    def _disconnect(self) -> None:
        for task in list(self._tasks.values()):
            task.lose()
        self._tasks.clear()
        self._withdrawn.clear()
        if self._client is not None:
            with suppress(Exception):  # whatever is wrong with it, it goes
                self._client.unsubscribe_topic(EVERYTHING)  # it would be told of its own going
                self._client.close(timeout=CLOSE_TIMEOUT_S)
        self._end_worker()
        if self._next is not None:
            self._next.end()
            self._next = None
        if self._scheduler is not None:
            self._scheduler.close(timeout=CLOSE_TIMEOUT_S)
        self._client = self._scheduler = None

    def _bury(self, own: OwnWorker | None) -> None:
        """Make an end of a worker that has died, and not of one that was started since.

        Its connections close a moment before the process is gone: without this the next run
        could be given to a worker that is about to vanish.
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
        """Put the next worker in the present one's place, if it is ready and nobody is busy."""
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
            # Not in Dask's own thread: the lock may be held by one that waits for Dask.
            threading.Thread(target=self._note_warm, args=(message["resource"],)).start()
        elif task := self._tasks.get(message["run"]):
            task.on_event(message)
        elif task := self._withdrawn.pop(message["run"], None):
            # Withdrawn at the moment when a worker took it up. Nobody wants it.
            task.worker = message["worker"]
            threading.Thread(target=task.send_stop, daemon=True).start()

    def _on_cluster_event(self, stamped: tuple[float, dict[str, Any]]) -> None:
        message = stamped[1]
        if message.get("action") == "remove-worker":
            for task in list(self._tasks.values()):
                if task.worker == message["worker"]:
                    task.worker_died()
