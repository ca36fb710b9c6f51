"""The engine that pages talk to: one run at a time, a short queue, and nobody forgotten.

An owner is whoever asked for a run: one browser. The engine is told when owners come
(`arrive`), go (`leave`) and do something (`touch`); the run of an owner who has been gone
for a minute stops and keeps what it has learned so far.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from cnn_lab.layer_check import CheckFailedError, LayerCheck
from cnn_lab.training import store
from cnn_lab.training.checks import Checks, CheckStatus
from cnn_lab.training.job import (
    ACTIVE,
    Event,
    Kind,
    RunRefusedError,
    RunSpec,
    State,
    Status,
    TrainingFailedError,
    UnknownRunError,
    checked_run_id,
    new_run_id,
)

if TYPE_CHECKING:
    from cnn_lab.training.cluster import Cluster
    from cnn_lab.training.task import Task
    from cnn_lab.training.worker import Outcome

GONE_AFTER_S = 60.0
MAX_WAITING = 3
KEPT_JOBS = 20
TICK_S = 1.0

STOPPABLE: frozenset[State] = frozenset({"waiting", "starting", "training"})
_STATE_AFTER: Mapping[str, State] = {
    "batch": "training",
    "validating": "training",
    "epoch": "training",
    "testing": "testing",
}
_log = logging.getLogger(__name__)


@dataclass
class _Job:
    run_id: str
    owner: str
    spec: RunSpec
    asked_at: float
    state: State = "waiting"
    sentence: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    task: "Task | None" = None
    stopping: str = ""

    def status(self, position: int) -> Status:
        return Status(
            self.run_id,
            self.owner,
            self.spec,
            self.state,
            position,
            self.sentence or self.stopping,
            self.result,
        )


class Engine:
    """Trains networks somewhere else and tells how it goes.

    Parameters
    ----------
    runs : Path
        Folder of finished runs; made at the first.
    address : str, optional
        A Dask scheduler to use instead of a worker of our own.
    gone_after_s : float
        Seconds without its owner after which a run stops.

    Notes
    -----
    Making an engine costs nothing: Dask is imported, and a worker started, by the first
    `warm` or `submit`. One thread takes runs from the queue, one after the other, and
    every other method returns at once.
    """

    def __init__(
        self,
        runs: Path,
        address: str | None = None,
        *,
        gone_after_s: float = GONE_AFTER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.runs = runs
        self._address, self._gone_after_s, self._clock = address, gone_after_s, clock
        self._changed = threading.Condition(threading.RLock())
        self._jobs: dict[str, _Job] = {}
        self._present: dict[str, int] = {}
        self._seen: dict[str, float] = {}
        self.cluster: Cluster | None = None
        self._wanted, self._closed = False, False
        self._thread: threading.Thread | None = None
        self._checks = Checks(self._cluster_for_checks)

    def warm(self) -> None:
        """Get a worker ready, so that the first run starts sooner; returns at once."""
        with self._changed:
            if self.cluster is None:
                self._wanted = True
                self._wake()

    def check(self, request: LayerCheck) -> str:
        """Ask Keras about a layer, also while a run is going; see `Checks.ask`."""
        return self._checks.ask(request)

    def check_status(self, digest: str) -> CheckStatus | None:
        """Return how a check stands; None if it was not asked for, or long ago."""
        return self._checks.status(digest)

    def wait_for_check(self, digest: str, timeout_s: float) -> CheckStatus:
        """Return the status of a check once it has ended; see `Checks.wait`."""
        return self._checks.wait(digest, timeout_s)

    def submit(self, spec: RunSpec, owner: str) -> str:
        """Take a run; it starts as soon as those before it have ended.

        Returns
        -------
        str
            The run's id, which nobody can guess.

        Raises
        ------
        RunRefusedError
            If the owner has a run already, or too many are waiting.
        """
        with self._changed:
            active = self._active()
            if any(job.owner == owner for job in active):
                raise RunRefusedError(
                    "One run at a time: yours is still going. Stop it, or let it finish, and "
                    "start again."
                )
            if len(active) > MAX_WAITING:
                raise RunRefusedError(
                    f"One run is going and {MAX_WAITING} are waiting, which is as many as this "
                    "server takes. Please try again in a few minutes."
                )
            job = _Job(new_run_id(), owner, spec, self._clock())
            self._jobs[job.run_id] = job
            self._forget_old_jobs()
            self.touch(owner)
            self._wake()
        return job.run_id

    def events(self, run_id: str, after: int = 0) -> list[Event]:
        """Return what has happened to a run, leaving out its first `after` events."""
        with self._changed:
            job = self._jobs.get(checked_run_id(run_id))
            if job is not None:
                return job.events[after:]
        return store.load_events(self.runs, run_id)[after:]

    def status(self, run_id: str) -> Status:
        """Return how a run stands; one of an earlier process if it is still on disk.

        Raises
        ------
        UnknownRunError
            If there is none.
        """
        with self._changed:
            job = self._jobs.get(checked_run_id(run_id))
            if job is not None:
                active = self._active()
                return job.status(active.index(job) if job.state == "waiting" else 0)
        return store.load_status(self.runs, run_id)

    def latest(self, owner: str) -> str | None:
        """Return the id of the newest run that an owner has asked for here."""
        with self._changed:
            mine = [job.run_id for job in self._jobs.values() if job.owner == owner]
        return mine[-1] if mine else None

    def control(self, run_id: str, command: Literal["stop"]) -> None:
        """Steer a run; one that has ended, or is being tested, takes no notice."""
        with self._changed:
            job = self._jobs.get(checked_run_id(run_id))
            if job is None:
                raise UnknownRunError(run_id)
            if command == "stop":
                self._stop(job, "Stopped as asked.")

    def result(self, run_id: str) -> Path:
        """Return the weights file of a run that has one.

        Raises
        ------
        UnknownRunError
            If there is none.
        """
        return store.run_path(run_id, self.runs)

    def wait(self, run_id: str, until: Callable[[Status], bool], timeout_s: float) -> Status:
        """Return the status once `until` says yes of it.

        Raises
        ------
        TimeoutError
            If that takes longer than `timeout_s`.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: until(self.status(run_id)), timeout_s):
                raise TimeoutError(f"Run {run_id} is still {self.status(run_id).state}.")
            return self.status(run_id)

    def arrive(self, owner: str) -> None:
        """Count a session of this owner; each must be followed by one `leave`."""
        with self._changed:
            self._present[owner] = self._present.get(owner, 0) + 1
            self.touch(owner)

    def leave(self, owner: str) -> None:
        """Count a session less; with the last one the minute begins."""
        with self._changed:
            self._present[owner] = self._present.get(owner, 0) - 1
            if self._present[owner] <= 0:
                del self._present[owner]
            self.touch(owner)

    def touch(self, owner: str) -> None:
        """Note that this owner is there now."""
        with self._changed:
            self._seen[owner] = self._clock()

    def close(self) -> None:
        """End whatever runs, and the worker; the engine is of no more use."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def _active(self) -> list[_Job]:
        return [job for job in self._jobs.values() if job.state in ACTIVE]

    def _forget_old_jobs(self) -> None:
        ended = [run_id for run_id, job in self._jobs.items() if job.state not in ACTIVE]
        for run_id in ended[: max(0, len(ended) - KEPT_JOBS)]:
            del self._jobs[run_id]

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, daemon=True, name="training-queue")
            self._thread.start()
        self._changed.notify_all()

    def _serve(self) -> None:
        """Take runs from the queue until the engine is closed."""
        from cnn_lab.training.cluster import Cluster

        cluster = Cluster(self._address)
        with self._changed:
            self.cluster = cluster
            self._changed.notify_all()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._wanted or self._active())
                if self._closed:
                    break
                self._wanted = False
                job = next(iter(self._active()), None)
                if job is not None:
                    job.state = "starting"
                    self._changed.notify_all()
            if job is None:
                self._warm(cluster)
            else:
                self._run(cluster, job)
        cluster.close()

    def _cluster_for_checks(self) -> "Cluster":
        """Return the cluster, once the thread that keeps it has made it."""
        self.warm()
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self.cluster is not None)
            if self.cluster is None:
                raise CheckFailedError("The server is shutting down.")
            return self.cluster

    def _warm(self, cluster: "Cluster") -> None:
        try:
            cluster.start()
        except TrainingFailedError:
            _log.warning("No worker yet; the next run tries again.", exc_info=True)

    def _run(self, cluster: "Cluster", job: _Job) -> None:
        """See one run through, whatever comes of it."""
        try:
            outcome = self._follow(cluster, job)
            if outcome is None:
                self._end(job, "stopped", "Stopped before training began.")
                return
            state: State = "stopped" if outcome.cut_short else "done"
            sentence = job.stopping or outcome.cut_short if outcome.cut_short else ""
            ended = replace(
                job.status(0), state=state, sentence=sentence, result=dict(outcome.result)
            )
            store.keep_run(self.runs, ended, outcome.network, outcome.history, job.events)
            self._end(job, state, sentence, outcome.result)
        except TrainingFailedError as failure:
            self._end(job, "failed", str(failure))
            self._warm(cluster)
        except OSError as error:
            self._end(job, "failed", f"The run could not be saved: {error.strerror or error}.")
        except Exception as error:
            _log.exception("A training run ended in a way nobody foresaw.")
            self._end(job, "failed", f"Training failed with {type(error).__name__}.")

    def _follow(self, cluster: "Cluster", job: _Job) -> "Outcome | None":
        task = cluster.submit(
            job.run_id, job.spec, lambda kind, values: self._note(job, kind, values)
        )
        with self._changed:
            job.task = task
            if job.stopping:
                task.stop()
        while not cluster.wait(task, TICK_S):
            with self._changed:
                if self._closed:
                    raise TrainingFailedError("The server is shutting down.")
                for other in self._active():
                    if self._is_gone(other.owner):
                        self._stop(other, "Stopped because nobody was watching any more.")
        return cluster.outcome(task)

    def _note(self, job: _Job, kind: str, values: Mapping[str, float]) -> None:
        with self._changed:
            job.events.append(Event(cast(Kind, kind), self._clock() - job.asked_at, values))
            job.state = _STATE_AFTER.get(kind, job.state)
            self._changed.notify_all()

    def _stop(self, job: _Job, why: str) -> None:
        if job.stopping or job.state not in STOPPABLE:
            return
        job.stopping = why
        if job.state == "waiting":
            self._end(job, "stopped", why)
        elif job.task is not None:
            job.task.stop()

    def _end(
        self, job: _Job, state: State, sentence: str, result: Mapping[str, Any] | None = None
    ) -> None:
        with self._changed:
            job.state, job.sentence, job.result, job.task = state, sentence, result or {}, None
            self._changed.notify_all()

    def _is_gone(self, owner: str) -> bool:
        away_s = self._clock() - self._seen[owner]
        return owner not in self._present and away_s > self._gone_after_s
