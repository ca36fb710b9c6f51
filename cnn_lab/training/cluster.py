"""The Dask side of the engine: a scheduler, a worker, and a run carried there and back.

By default both are this machine's: the scheduler is a thread of the page's process and the
worker one process of its own, so that TensorFlow stays out of the pages. An address makes
the same client talk to a scheduler that somebody else keeps.
"""

# Dask is typed in parts only.
# mypy: allow-untyped-calls

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Future, LocalCluster
from distributed.scheduler import KilledWorker

from cnn_lab.training import worker
from cnn_lab.training.job import RunSpec, TrainingFailedError

CONNECT_TIMEOUT_S = 15
CLOSE_TIMEOUT_S = 5
EVERYTHING = "all"  # Dask's name for the topic with the comings and goings of workers
PACKAGE_PARENT = Path(__file__).resolve().parents[2]

# Read by every Dask process started here: no sampling profiler beside the training.
QUIET = {"distributed.worker.profile.enabled": False, "distributed.logging.distributed": "error"}

OnEvent = Callable[[str, Mapping[str, float]], None]
"""Called with the kind and the values of each event, in Dask's own thread."""

_log = logging.getLogger(__name__)


class ClusterError(TrainingFailedError):
    """There is no scheduler, or none any more."""


class WorkerDiedError(TrainingFailedError):
    """The process that trained is gone."""

    def __init__(self) -> None:
        super().__init__(
            "The process that trained has died, and this run ended with it. "
            "The next run gets a new process."
        )


class Cluster:
    """A connection to a scheduler, made at the first use and again when it was lost.

    Parameters
    ----------
    address : str, optional
        Such as "tcp://host:8786"; certificates for "tls://" are read from Dask's own
        configuration. Without one, a scheduler and a worker are started here, bound to
        loopback, and end with this process.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._scheduler: LocalCluster | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._tasks: dict[str, Task] = {}
        self._withdrawn: dict[str, Task] = {}

    def start(self) -> None:
        """Connect, and see to it that a worker of our own is alive.

        Raises
        ------
        ClusterError
            If no scheduler answers.
        """
        with self._lock:
            if self._client is not None and self._client.status != "running":
                self._disconnect()
            if self._client is None:
                self._connect()
            if self._scheduler is not None and not self._worker_is_alive():
                self._end_worker()
                self._process = start_worker(self._scheduler.scheduler_address)

    def submit(self, run_id: str, spec: RunSpec, on_event: OnEvent) -> "Task":
        """Hand a run to a worker; start or mend what is needed first."""
        self.start()
        assert self._client is not None
        task = Task(self._client, run_id, on_event)
        self._tasks[run_id] = task
        task.begin(spec)
        return task

    def wait(self, task: "Task", timeout_s: float) -> bool:
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

    def outcome(self, task: "Task") -> worker.Outcome | None:
        """Return what a task that has ended left behind; see `Task.outcome`."""
        try:
            return task.outcome()
        except WorkerDiedError:
            # Its connections close a moment before the process is gone: without this the
            # next run could be given to a worker that is about to vanish.
            with self._lock:
                self._end_worker()
            raise

    def close(self) -> None:
        """Let go of the scheduler, and end what was started here."""
        with self._lock:
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

    def _end_worker(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()  # waits, and closes the pipe
            self._process = None

    def _worker_is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _on_event(self, stamped: tuple[float, dict[str, Any]]) -> None:
        message = stamped[1]
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


class Task:
    """One run under way on a cluster.

    Attributes
    ----------
    ended : threading.Event
        Set when `outcome` has an answer.
    worker : str or None
        The Dask address of the worker that trains, once it has begun.
    """

    def __init__(self, client: Client, run_id: str, on_event: OnEvent) -> None:
        self.run_id = run_id
        self.ended = threading.Event()
        self.worker: str | None = None
        self._client, self._on_event = client, on_event
        self._future: Future[worker.Outcome] | None = None
        self._stop_asked = False
        self._failure: TrainingFailedError | None = None

    def begin(self, spec: RunSpec) -> None:
        """Send the run; it starts when a worker is free."""
        self._future = self._client.submit(
            worker.run,
            self.run_id,
            spec.model_dump_json(),
            key=f"cnn-lab-{self.run_id}",
            pure=False,
            retries=0,
        )
        self._future.add_done_callback(lambda _future: self.ended.set())

    def stop(self) -> None:
        """Ask the worker to stop after its present batch; before it began, withdraw the run.

        Returns at once: Dask's own thread, which carries the wish, may at this moment be
        handing an event to whoever calls.
        """
        self._stop_asked = True
        threading.Thread(target=self._send_stop, daemon=True).start()

    def outcome(self) -> worker.Outcome | None:
        """Return what the run left behind; None if it was withdrawn before it began.

        Raises
        ------
        TrainingFailedError
            If training failed, the worker died or the scheduler was lost.
        """
        if self._failure is not None:
            raise self._failure
        assert self._future is not None
        try:
            outcome: worker.Outcome = self._future.result(timeout=CONNECT_TIMEOUT_S)
            return outcome
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
            raise TrainingFailedError(
                f"Training failed with {type(error).__name__}: {str(error)[:200]}"
            ) from error
        finally:
            self._future.release()

    def worker_died(self) -> None:
        """Take the worker's death for the end of the run."""
        self._fail(WorkerDiedError())

    def lose(self) -> None:
        """Take the end of the connection for the end of the run."""
        self._fail(ClusterError("The connection to the scheduler was closed during this run."))

    def on_event(self, message: Mapping[str, Any]) -> None:
        """Take an event of this run from the scheduler's log."""
        if message["kind"] == "started":
            self.worker = message["worker"]
            if self._stop_asked:
                self.stop()
        self._on_event(message["kind"], message["values"])

    def _send_stop(self) -> None:
        if self.worker is not None:
            self._client.run(worker.command, self.run_id, "stop", workers=[self.worker], wait=False)
        elif self._future is not None:
            self._future.cancel()

    def _fail(self, failure: TrainingFailedError) -> None:
        if not self.ended.is_set():
            self._failure = failure
            self.ended.set()


def start_worker(scheduler_address: str) -> subprocess.Popen[bytes]:
    """Start a worker in a fresh interpreter, which no forking or spawning page can spoil."""
    quiet = {f"DASK_{key.upper().replace('.', '__')}": str(value) for key, value in QUIET.items()}
    path = os.pathsep.join(filter(None, [str(PACKAGE_PARENT), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-m", "cnn_lab.training.worker", scheduler_address],
        stdin=subprocess.PIPE,
        env={**os.environ, **quiet, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
