"""The Dask side of the engine: a scheduler, a worker, and what is carried there and back.

By default both are this machine's: the scheduler is a thread of the page's process and the
worker one process of its own, so that TensorFlow stays out of the pages. An address makes
the same client talk to a scheduler that somebody else keeps.
"""

# Dask is typed in parts only.
# mypy: allow-untyped-calls

import logging
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import dask
from distributed import Client, LocalCluster

from cnn_lab.layer_check import Answer, CheckFailedError, LayerCheck
from cnn_lab.training import worker
from cnn_lab.training.job import RunSpec
from cnn_lab.training.task import ClusterError, OnEvent, Task, WorkerDiedError, ask

CONNECT_TIMEOUT_S = 15
CLOSE_TIMEOUT_S = 5
CHECK_TIMEOUT_S = 20  # a layer takes Keras some milliseconds, or a second where it compiles
FIRST_CHECK_TIMEOUT_S = 90  # ten seconds on a quiet machine
EVERYTHING = "all"  # Dask's name for the topic with the comings and goings of workers
PACKAGE_PARENT = Path(__file__).resolve().parents[2]

# Read by every Dask process started here: no sampling profiler beside the training.
QUIET = {"distributed.worker.profile.enabled": False, "distributed.logging.distributed": "error"}


class Cluster:
    """A connection to a scheduler, made at the first use and again when it was lost.

    Parameters
    ----------
    address : str, optional
        Such as "tcp://host:8786"; certificates for "tls://" are read from Dask's own
        configuration. Without one, a scheduler and a worker are started here, bound to
        loopback, and end with this process.

    Attributes
    ----------
    has_keras : bool
        Whether the present worker has Keras in it for certain.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._scheduler: LocalCluster | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._tasks: dict[str, Task] = {}
        self._withdrawn: dict[str, Task] = {}
        self._closed = False
        self.has_keras = False

    def start(self) -> None:
        """Connect, and see to it that a worker of our own is alive.

        Raises
        ------
        ClusterError
            If no scheduler answers.
        """
        self._started()

    def _started(self) -> "tuple[Client, subprocess.Popen[bytes] | None]":
        """Start, and return the client with the worker that it will reach, if it is ours."""
        with self._lock:
            if self._closed:
                raise ClusterError("The server is shutting down.")
            if self._client is not None and self._client.status != "running":
                self._disconnect()
            if self._client is None:
                self._connect()
            if self._scheduler is not None and not self._worker_is_alive():
                self._end_worker()
                self._process = start_worker(self._scheduler.scheduler_address)
            assert self._client is not None
            return self._client, self._process

    def check(self, request: LayerCheck) -> Answer:
        """Have a worker ask Keras about a layer, beside whatever it trains.

        Blocks until there is an answer; start or mend what is needed first.

        Raises
        ------
        CheckFailedError
            If there is none: no scheduler, a worker that died, no time left, or Keras refuses.
        """
        try:
            client, process = self._started()
        except ClusterError as error:
            raise CheckFailedError(str(error)) from error
        limit_s = CHECK_TIMEOUT_S if self.has_keras else FIRST_CHECK_TIMEOUT_S
        try:
            answer = ask(client, request, process, limit_s)
        except WorkerDiedError:
            self._bury(process)
            raise CheckFailedError(
                "The process with Keras in it has died before it could answer. The next try gets "
                "a new one."
            ) from None
        self.has_keras = True
        return answer

    def submit(self, run_id: str, spec: RunSpec, on_event: OnEvent) -> Task:
        """Hand a run to a worker; start or mend what is needed first."""
        client, process = self._started()
        task = Task(client, run_id, on_event, process)
        self._tasks[run_id] = task
        task.begin(spec)
        return task

    def wait(self, task: Task, timeout_s: float) -> bool:
        """Return whether the task has ended, after waiting at most `timeout_s`."""
        ended = task.ended.wait(timeout_s)
        if not ended and self._process is not None and not self._worker_is_alive():
            # The scheduler does not miss a worker that dies before they have met.
            task.worker_died()
        if task.ended.is_set():
            self._tasks.pop(task.run_id, None)
            if task.worker is None:
                self._withdrawn[task.run_id] = task
        return task.ended.is_set()

    def outcome(self, task: Task) -> worker.Outcome | None:
        """Return what a task that has ended left behind; see `Task.outcome`."""
        try:
            return task.outcome()
        except WorkerDiedError:
            self._bury(task.process)
            raise

    def close(self) -> None:
        """Let go of the scheduler, and end what was started here."""
        with self._lock:
            self._closed = True
            self._disconnect()

    def worker_pid(self) -> int | None:
        """Return the process id of the worker started here, if there is one."""
        return self._process.pid if self._process is not None else None

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
                "No scheduler for training answers. "
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
        if self._scheduler is not None:
            self._scheduler.close(timeout=CLOSE_TIMEOUT_S)
        self._client = self._scheduler = None

    def _bury(self, process: "subprocess.Popen[bytes] | None") -> None:
        """Make an end of a worker that has died, and not of one that was started since.

        Its connections close a moment before the process is gone: without this the next run
        could be given to a worker that is about to vanish.
        """
        with self._lock:
            if process is self._process:
                self._end_worker()

    def _end_worker(self) -> None:
        self.has_keras = False
        if self._process is not None:
            self._process.kill()
            self._process.communicate()  # waits, and closes the pipe
            self._process = None

    def _worker_is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _on_event(self, stamped: tuple[float, dict[str, Any]]) -> None:
        message = stamped[1]
        self.has_keras |= message["kind"] != "started"
        if task := self._tasks.get(message["run"]):
            task.on_event(message)
        elif task := self._withdrawn.pop(message["run"], None):
            # Withdrawn at the moment when a worker took it up. Nobody wants it.
            task.worker = message["worker"]
            task.stop()

    def _on_cluster_event(self, stamped: tuple[float, dict[str, Any]]) -> None:
        message = stamped[1]
        if message.get("action") == "remove-worker":
            for task in list(self._tasks.values()):
                if task.worker == message["worker"]:
                    task.worker_died()


def start_worker(scheduler_address: str) -> subprocess.Popen[bytes]:
    """Start a worker in a fresh interpreter, which no forking or spawning page can spoil."""
    quiet = {f"DASK_{key.upper().replace('.', '__')}": str(value) for key, value in QUIET.items()}
    path = os.pathsep.join(filter(None, [str(PACKAGE_PARENT), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-m", "cnn_lab.training.worker", scheduler_address],
        stdin=subprocess.PIPE,
        env={**os.environ, **quiet, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
