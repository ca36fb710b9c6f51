"""The run queue that pages talk to: one run at a time, a short queue, and nobody forgotten.

An owner is whoever asked for a run: one browser. The queue is told when owners come
(`arrive`), go (`leave`) and do something (`touch`); the run of an owner who has been gone
for a minute stops and keeps what it has learned so far.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cnn_lab.concepts.checks import Answer, CheckFailedError, LayerCheck
from cnn_lab.runs.active_run import STEERABLE, GoingRun
from cnn_lab.runs.checks import Checks
from cnn_lab.runs.ending import see_through
from cnn_lab.runs.folder import Address
from cnn_lab.runs.job import (
    ACTIVE,
    Command,
    Event,
    RunRefusedError,
    RunSpec,
    Status,
    TrainingFailedError,
    UnknownRunError,
    checked_rate,
    checked_run_id,
    new_run_id,
)
from cnn_lab.runs.keras_file import keras_files
from cnn_lab.runs.outbox import Parcel
from cnn_lab.runs.presence import Presence
from cnn_lab.runs.recorder import Keeper, Snapshots
from cnn_lab.runs.snapshot import Snapshot

if TYPE_CHECKING:
    from cnn_lab.runs.cluster import Cluster
    from cnn_lab.runs.worker import Delivery

GONE_AFTER_S = 60.0
MAX_WAITING = 3
KEPT_JOBS = 20
TICK_S = 1.0
STUCK_AFTER_S = 15.0  # long enough for Keras to be imported, or to do a batch of a large network
HELD_UP_FOR_S = 300.0

_log = logging.getLogger(__name__)


class RunQueue:
    """Trains networks somewhere else and tells how it goes.

    Parameters
    ----------
    folder : str or path
        Where runs are kept, see `store.runs_folder`; made at the first.
    address : str, optional
        A Dask scheduler to use instead of a worker of our own.
    gone_after_s : float
        Seconds without its owner after which a run stops.

    Attributes
    ----------
    checks, keras_files : Checks
        Have the worker ask Keras about a layer, or write a .keras file, beside whatever it trains.

    Notes
    -----
    Making a queue costs nothing: Dask is imported, and a worker started, by the first
    `warm` or `submit`. One thread takes runs from the queue, one after the other, and
    every other method returns at once.
    """

    def __init__(
        self,
        folder: Address,
        address: str | None = None,
        *,
        gone_after_s: float = GONE_AFTER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self._address, self._clock = address, clock
        self._keeper = Keeper(folder)
        self._presence = Presence(clock, gone_after_s)
        self._changed = threading.Condition(threading.RLock())
        self._runs: dict[str, GoingRun] = {}
        self.cluster: Cluster | None = None
        self._wanted, self._closed = False, False
        self._thread: threading.Thread | None = None
        self.checks: Checks[LayerCheck, Answer] = Checks(
            self._cluster_for_checks, lambda cluster, request: cluster.check(request)
        )
        self.keras_files = keras_files(self._cluster_for_checks)

    def warm(self) -> None:
        """Get a worker ready, so that the first run starts sooner; returns at once."""
        with self._changed:
            if self.cluster is None:
                self._wanted = True
                self._wake()

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
            if any(run.owner == owner for run in active):
                raise RunRefusedError(
                    "One run at a time: yours is still running. Stop it or let it finish, and "
                    "start again."
                )
            if len(active) > MAX_WAITING:
                raise RunRefusedError(
                    f"One run is active and {MAX_WAITING} are waiting, which is the most this "
                    "server accepts. Please try again in a few minutes."
                )
            run = GoingRun(new_run_id(), owner, spec, self._clock())
            self._runs[run.run_id] = run
            self._forget_old_runs()
            self.touch(owner)
            self._wake()
        return run.run_id

    def events(self, run_id: str, after: int = 0) -> list[Event]:
        """Return what has happened to a run, leaving out its first `after` events."""
        with self._changed:
            run = self._runs.get(checked_run_id(run_id))
            if run is not None and not run.kept:
                return run.events[after:]
        return self._keeper.events(run_id)[after:]

    def snapshots(self, run_id: str) -> Sequence[Snapshot]:
        """Return the snapshots of a run so far, or of a kept one, oldest first.

        The run's events of the kind "snapshot" say of each, in the same order, where it was.

        Raises
        ------
        UnknownRunError
            If there is no such run.
        """
        with self._changed:
            run = self._runs.get(checked_run_id(run_id))
            if run is not None and not run.kept:
                return Snapshots(run.snapshots)
        if run is None:
            self._keeper.status(run_id)  # raises where nothing is to be looked for
        return Snapshots(self._keeper.snapshots(run_id))

    def status(self, run_id: str) -> Status:
        """Return how a run stands; one of an earlier process if it is still on disk.

        Raises
        ------
        UnknownRunError
            If there is none.
        """
        with self._changed:
            run = self._runs.get(checked_run_id(run_id))
            if run is not None:
                return run.status(self._active().index(run) if run.state == "waiting" else 0)
        return self._keeper.status(run_id)

    def latest(self, owner: str) -> str | None:
        """Return the id of the newest run that an owner has asked for here."""
        mine = self.runs(owner)
        return mine[0].run_id if mine else None

    def runs(self, owner: str) -> list[Status]:
        """Return how the runs stand that an owner has asked for here, the newest first."""
        with self._changed:
            mine = [run_id for run_id, run in self._runs.items() if run.owner == owner]
            return [self.status(run_id) for run_id in reversed(mine)]

    def control(self, run_id: str, command: Command, value: float | None = None) -> None:
        """Steer a run; one that has ended, or is being tested, takes no notice.

        Parameters
        ----------
        run_id : str
        command : {"stop", "pause", "resume", "step", "rate"}
            "step" does one batch and waits again. Whoever asks is told by the events and the
            state of the run when it has obeyed: within a batch.
        value : float, optional
            Of "rate": the highest rate from then on; the schedule keeps its shape.

        Raises
        ------
        UnknownRunError
            If no such run is in hand.
        CommandRefusedError
            If the rate is none.
        """
        with self._changed:
            run = self._runs.get(checked_run_id(run_id))
            if run is None:
                raise UnknownRunError(run_id)
            if command == "rate":
                value = checked_rate(value)
            if command == "stop":
                self._stop(run, "Stopped as requested.")
            elif run.state in STEERABLE and not run.stopping:
                run.steer(command, value)
                if command == "rate" and value is not None:
                    self._note(run, "rate", {"rate": value})

    def result(self, run_id: str) -> Path:
        """Return the weights file of a run that has ended and has one.

        Raises
        ------
        UnknownRunError
            If there is none.
        """
        return self._keeper.weights(run_id)

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
        self._presence.arrive(owner)

    def leave(self, owner: str) -> None:
        """Count a session less; with the last one the minute begins."""
        self._presence.leave(owner)

    def touch(self, owner: str) -> None:
        """Note that this owner is there now."""
        self._presence.touch(owner)

    def is_gone(self, owner: str) -> bool:
        """Return whether an owner who was there has been gone for too long."""
        return self._presence.is_gone(owner)

    def close(self) -> None:
        """End whatever runs, and the worker; the queue is of no more use."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def _active(self) -> list[GoingRun]:
        return [run for run in self._runs.values() if run.state in ACTIVE]

    def _forget_old_runs(self) -> None:
        for trial in (False, True):  # many trials must not push out a run that somebody follows
            ended = [
                run_id
                for run_id, run in self._runs.items()
                if run.state not in ACTIVE and run.spec.trial == trial
            ]
            for run_id in ended[: max(0, len(ended) - KEPT_JOBS)]:
                del self._runs[run_id]

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, daemon=True, name="training-queue")
            self._thread.start()
        self._changed.notify_all()

    def _serve(self) -> None:
        """Take runs from the queue until the queue is closed."""
        from cnn_lab.runs.cluster import Cluster

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
                run = next(iter(self._active()), None)
                if run is not None:
                    run.state = "starting"
                    self._changed.notify_all()
            if run is None:
                self._warm(cluster)
            else:
                self._run(cluster, run)
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

    def _run(self, cluster: "Cluster", run: GoingRun) -> None:
        """See one run through, whatever comes of it."""
        self._keeper.begin(run)
        ending = see_through(run, lambda: self._follow(cluster, run))
        ended = self._keeper.end(run, ending)
        with self._changed:
            run.end(ended)
            self._changed.notify_all()
        if not self._closed:
            if ending.worker_in_doubt:
                self._warm(cluster)
            cluster.renew()

    def _follow(self, cluster: "Cluster", run: GoingRun) -> "Delivery | None":
        task = cluster.submit(
            run.run_id,
            run.spec,
            lambda kind, values: self._note(run, kind, values),
            lambda parcel: self._take(run, parcel),
        )
        with self._changed:
            run.task = task
            if run.stopping:
                task.stop()
            run.send_wishes()
        while not cluster.wait(task, TICK_S):
            with self._changed:
                if self._closed:
                    raise TrainingFailedError("The server was shut down during this run.")
                stuck = self._look_after(run)
            if stuck:
                cluster.give_up(task)
        return cluster.delivery(task)

    def _look_after(self, run: GoingRun) -> bool:
        """Stop what nobody follows or what holds others up; return whether it does not obey."""
        now = self._clock()
        others = False
        for other in self._active():
            others |= other is not run
            if self._presence.is_gone(other.owner):
                self._stop(other, "Stopped because the page was no longer open.")
        if run.state == "paused" and others:
            run.held_up_since = run.held_up_since or now
            if now - run.held_up_since > HELD_UP_FOR_S:
                self._stop(
                    run,
                    f"Stopped: it was paused for {HELD_UP_FOR_S / 60:.0f} minutes while others "
                    "were waiting.",
                )
        else:
            run.held_up_since = None
        return run.stop_asked_at is not None and now - run.stop_asked_at > STUCK_AFTER_S

    def _take(self, run: GoingRun, parcel: Parcel) -> None:
        snapshot = self._keeper.take(run, parcel)
        if snapshot is not None:
            place = {name: getattr(snapshot, name) for name in ("n_images", "epoch", "batch")}
            self._note(run, "snapshot", place)

    def _note(self, run: GoingRun, kind: str, values: Mapping[str, float]) -> None:
        with self._changed:
            run.note(kind, values, self._clock())
            run.send_wishes()
            self._changed.notify_all()

    def _stop(self, run: GoingRun, why: str) -> None:
        if run.stopping or run.state not in STEERABLE:
            return
        if run.state == "waiting":
            run.state, run.sentence = "stopped", why
            self._changed.notify_all()
        run.stop(why, self._clock())
