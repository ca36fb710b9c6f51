"""Run queue of the pages: one active run and a few that wait.

An owner is the browser that submitted a run. The queue is told when owners come (`arrive`),
go (`leave`) and do something (`touch`); the run of an owner who has been gone for a minute stops
and keeps what it has learned so far.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cnn_lab.concepts.checks import Answer, CheckFailedError, LayerCheck
from cnn_lab.network import MAX_FILE_BYTES, Network
from cnn_lab.network.initial import weights_problem
from cnn_lab.runs.checks import Checks, KerasFile, KerasFileRequest
from cnn_lab.runs.job import (
    ACTIVE,
    Command,
    CommandValue,
    Event,
    Kind,
    Outcome,
    Parcel,
    RunRefusedError,
    RunSpec,
    Start,
    State,
    Status,
    TrainingFailedError,
    UnknownRunError,
    checked_run_id,
    checked_settings,
    new_run_id,
)
from cnn_lab.runs.snapshots import Snapshot, Snapshots
from cnn_lab.runs.store import Store, kept_sentence
from cnn_lab.training.engine import Weights

if TYPE_CHECKING:
    from cnn_lab.runs.cluster import Cluster, Task

GONE_AFTER_S = 60.0
MAX_WAITING = 3
KEPT_JOBS = 20
MAX_UNSAVED = 3  # runs whose weights are in memory only
LIFE_EVERY_S = 15.0
KEPT_KERAS_FILES = 4
TICK_S = 1.0
STUCK_AFTER_S = 15.0  # long enough for Keras to be imported, or to do a batch of a large network
HELD_UP_FOR_S = 300.0

STEERABLE: frozenset[State] = frozenset({"waiting", "starting", "training", "paused"})
_STATE_AFTER: Mapping[str, State] = {
    "batch": "training",
    "paused": "paused",
    "validating": "training",
    "epoch": "training",
    "testing": "testing",
}

_log = logging.getLogger(__name__)


@dataclass
class Run:
    """A submitted run, with everything this process knows about it.

    Attributes
    ----------
    submitted_at : float
        Time on the queue's clock.
    initial : mapping of str to ndarray or None
        The weights of its `start`, until it has ended.
    reached : Outcome or None
        Outcome after its last finished epoch, if any.
    snapshots : list of bytes
    kept : bool
        Whether events and snapshots are on disk only.
    unsaved : str
        Why not all of it could be saved so far; empty if it could.
    showed_life_at : float
        When other servers were last told that it is going on.
    stopping : str
        Why it has been asked to stop; empty if it has not.
    stop_asked_at, held_up_since : float or None
        When it was asked to stop; since when it has been paused while others wait.
    unsent : list
        Commands not sent yet because it has not begun.
    """

    run_id: str
    owner: str
    spec: RunSpec
    submitted_at: float
    initial: Weights | None = None
    state: State = "waiting"
    sentence: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    snapshots: list[bytes] = field(default_factory=list)
    reached: Outcome | None = None
    kept: bool = False
    unsaved: str = ""
    showed_life_at: float = 0.0
    task: "Task | None" = None
    stopping: str = ""
    stop_asked_at: float | None = None
    held_up_since: float | None = None
    unsent: list[tuple[Command, CommandValue]] = field(default_factory=list)

    def status(self, position: int = 0) -> Status:
        """Return its status for a page; `position` is its place in the queue."""
        return Status(
            self.run_id,
            self.owner,
            self.spec,
            self.state,
            position,
            self.sentence or self.stopping,
            self.result,
            self.unsaved,
        )

    def note(self, kind: str, values: Mapping[str, float], now: float) -> None:
        """Add an event and update the state."""
        self.events.append(Event(cast(Kind, kind), now - self.submitted_at, values))
        self.state = _STATE_AFTER.get(kind, self.state)

    def steer(self, command: Command, value: CommandValue) -> None:
        """Send a command; commands are sent in order once the run has begun."""
        self.unsent.append((command, value))
        self.send_commands()

    def send_commands(self) -> None:
        """Send the waiting commands."""
        if self.task is not None and self.task.worker is not None:
            for command, value in self.unsent:
                self.task.command(command, value)
            self.unsent.clear()

    def stop(self, why: str, now: float) -> None:
        """Stop it, if it has begun."""
        self.stopping, self.stop_asked_at = why, now
        if self.task is not None:
            self.task.stop()

    def end(self, ended: Status, outcome: Outcome | None) -> None:
        """Record how it ended, and release what is on disk; the rest stays in memory."""
        self.state, self.sentence, self.result = ended.state, ended.sentence, ended.result
        self.reached = outcome if self.unsaved else None
        if self.kept:
            self.events, self.snapshots = [], []
        self.task = self.initial = None


class Presence:
    """Presence of owners, from their sessions and their latest activity.

    Parameters
    ----------
    clock : callable
        Returns seconds.
    gone_after_s : float
        Seconds without a session and activity after which an owner counts as gone.
    """

    def __init__(self, clock: Callable[[], float], gone_after_s: float) -> None:
        self._clock, self._gone_after_s = clock, gone_after_s
        self._lock = threading.RLock()
        self._sessions: dict[str, int] = {}
        self._seen: dict[str, float] = {}

    def arrive(self, owner: str) -> None:
        """Count a new session of an owner; must be followed by one `leave`."""
        with self._lock:
            self._sessions[owner] = self._sessions.get(owner, 0) + 1
            self.touch(owner)

    def leave(self, owner: str) -> None:
        """End a session of an owner; after the last one, the time until `is_gone` starts."""
        with self._lock:
            self._sessions[owner] = self._sessions.get(owner, 0) - 1
            if self._sessions[owner] <= 0:
                del self._sessions[owner]
            self.touch(owner)

    def touch(self, owner: str) -> None:
        """Record activity of an owner."""
        with self._lock:
            self._seen[owner] = self._clock()

    def is_gone(self, owner: str) -> bool:
        """Return whether an owner has had no session and no activity for too long."""
        with self._lock:
            away_s = self._clock() - self._seen[owner]
            return owner not in self._sessions and away_s > self._gone_after_s


class RunQueue:
    """Queue of runs, trained in another process one at a time.

    Parameters
    ----------
    store : Store
        Storage of runs.
    address : str, optional
        A Dask scheduler to use instead of starting a worker.
    cluster : callable, optional
        Returns a replacement for a `cnn_lab.runs.cluster.Cluster` at this address.
    gone_after_s : float
        Seconds after which a run stops if its owner is gone.
    clock : callable
        Returns seconds.

    Attributes
    ----------
    checks, keras_files : Checks
        Requests to Keras, about a layer or for a .keras file, answered during training too.

    Notes
    -----
    Creating a queue is cheap: Dask is imported, and a worker started, by the first `warm` or
    `submit`. One thread processes the queue; all methods other than `wait` return immediately.
    """

    def __init__(
        self,
        store: Store,
        address: str | None = None,
        *,
        cluster: "Callable[[], Cluster] | None" = None,
        gone_after_s: float = GONE_AFTER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store
        self._address, self._new_cluster, self._clock = address, cluster, clock
        # Pages request these repeatedly, and they no longer change.
        self._kept_events = lru_cache(maxsize=4)(store.events)
        self._kept_snapshots = lru_cache(maxsize=2)(store.snapshots)
        self._kept_damage = lru_cache(maxsize=16)(store.damage)
        self._presence = Presence(clock, gone_after_s)
        self._changed = threading.Condition(threading.RLock())
        self._runs: dict[str, Run] = {}
        self.cluster: Cluster | None = None
        self._wanted, self._closed = False, False
        self._thread: threading.Thread | None = None
        self.checks: Checks[LayerCheck, Answer] = Checks(
            lambda request: self._cluster_for_checks().check(request), self._has_keras
        )
        self.keras_files: Checks[KerasFileRequest, KerasFile] = Checks(
            lambda request: self._cluster_for_checks().keras_file(request),
            self._has_keras,
            max_bytes=MAX_FILE_BYTES,
            kept=KEPT_KERAS_FILES,
        )

    def warm(self) -> None:
        """Start a worker in advance of the first run; returns immediately."""
        with self._changed:
            if self.cluster is None:
                self._wanted = True
                self._wake()

    def submit(self, spec: RunSpec, owner: str, start: tuple[str, Network] | None = None) -> str:
        """Add a run to the queue; it starts when those before it have ended.

        Parameters
        ----------
        spec : RunSpec
        owner : str
        start : (str, Network), optional
            Name and network whose weights it begins with, instead of new ones.

        Returns
        -------
        str
            The run's id, which cannot be guessed.

        Raises
        ------
        RunRefusedError
            If the owner has a run already, too many are waiting, or the weights to begin with
            are those of a network with other layers.
        """
        initial = None
        if start is not None:
            name, network = start
            if problem := weights_problem(name, network.spec, spec.network):
                raise RunRefusedError(problem)
            spec = spec.model_copy(update={"start": Start.of(name, network)})
            initial = network.weights
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
            run = Run(new_run_id(), owner, spec, self._clock(), initial)
            self._runs[run.run_id] = run
            self._forget_old_runs()
            self.touch(owner)
            self._wake()
        return run.run_id

    def events(self, run_id: str, after: int = 0) -> list[Event]:
        """Return the events of a run after its first `after` ones."""
        with self._changed:
            if (run := self._in_memory(run_id)) is not None:
                return run.events[after:]
        return self._kept_events(run_id)[after:]

    def snapshots(self, run_id: str) -> Sequence[Snapshot]:
        """Return the snapshots of a run so far, or of a kept one, oldest first.

        The run's events of kind "snapshot" are in the same order and say when each was taken.

        Raises
        ------
        UnknownRunError
            If the run does not exist.
        """
        with self._changed:
            if (run := self._in_memory(run_id)) is not None:
                return Snapshots(run.snapshots)
        return Snapshots(self._kept_snapshots(run_id))

    def damage(self, run_id: str) -> list[str]:
        """Return a sentence for each part of a run on disk that is damaged.

        Raises
        ------
        UnknownRunError
            If the run does not exist.
        """
        with self._changed:
            if self._in_memory(run_id) is not None:
                return []
        return self._kept_damage(run_id)

    def status(self, run_id: str) -> Status:
        """Return the status of a run, also of an earlier process if it is still on disk.

        Raises
        ------
        UnknownRunError
            If it does not exist.
        """
        with self._changed:
            run = self._runs.get(checked_run_id(run_id))
            if run is not None:
                return run.status(self._active().index(run) if run.state == "waiting" else 0)
        return self.store.status(run_id)

    def latest(self, owner: str) -> str | None:
        """Return the id of an owner's newest run in this process."""
        mine = self.runs(owner)
        return mine[0].run_id if mine else None

    def runs(self, owner: str) -> list[Status]:
        """Return the status of an owner's runs in this process, newest first."""
        with self._changed:
            mine = [run_id for run_id, run in self._runs.items() if run.owner == owner]
            return [self.status(run_id) for run_id in reversed(mine)]

    def control(self, run_id: str, command: Command, value: CommandValue = None) -> None:
        """Send a command to a run; no effect if it has ended or is being tested.

        Parameters
        ----------
        run_id : str
        command : {"stop", "pause", "resume", "step", "settings"}
            "step" trains on one batch and pauses again. Commands take effect within a batch, as
            shown by the events and the state of the run.
        value : mapping of str to float, optional
            For "settings": new values by name, see `cnn_lab.runs.job.changeable`. A schedule
            keeps its shape when its highest rate changes.

        Raises
        ------
        UnknownRunError
            If the run does not exist in this process.
        CommandRefusedError
            If a setting cannot change, or a value is not allowed.
        """
        with self._changed:
            run = self._runs.get(checked_run_id(run_id))
            if run is None:
                raise UnknownRunError(run_id)
            if command == "settings":
                value = checked_settings(run.spec, value or {})
            if command == "stop":
                self._stop(run, "Stopped as requested.")
            elif run.state in STEERABLE and not run.stopping:
                run.steer(command, value)
                if value is not None:
                    self._note(run, "settings", value)

    def result(self, run_id: str) -> Path:
        """Return the weights file of a run that has ended.

        Raises
        ------
        UnknownRunError
            If it does not exist.
        """
        return self.store.weights(run_id)

    def network(self, run_id: str) -> Network:
        """Return the network of a run that has ended, saved or not.

        Raises
        ------
        UnknownRunError
            If there is none.
        ModelFileError
            If its file is damaged.
        """
        unsaved = self._unsaved_network(run_id)
        return Network.load(self.result(run_id)) if unsaved is None else unsaved

    def weights(self, run_id: str) -> bytes:
        """Return the content of the weights file of a run that has ended, saved or not.

        Raises
        ------
        UnknownRunError
            If there is none.
        """
        unsaved = self._unsaved_network(run_id)
        if unsaved is not None:
            return unsaved.to_bytes()
        try:
            return self.result(run_id).read_bytes()
        except OSError as error:
            raise UnknownRunError(run_id) from error

    def wait(self, run_id: str, until: Callable[[Status], bool], timeout_s: float) -> Status:
        """Wait until `until` returns true for the status, and return the status.

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
        """Count a new session of an owner; must be followed by one `leave`."""
        self._presence.arrive(owner)

    def leave(self, owner: str) -> None:
        """End a session of an owner; after the last one, the time until `is_gone` starts."""
        self._presence.leave(owner)

    def touch(self, owner: str) -> None:
        """Record activity of an owner."""
        self._presence.touch(owner)

    def is_gone(self, owner: str) -> bool:
        """Return whether an owner has been gone for too long."""
        return self._presence.is_gone(owner)

    def close(self) -> None:
        """End all runs and the worker; the queue cannot be used afterwards."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def _in_memory(self, run_id: str) -> Run | None:
        """Return a run whose events and snapshots are not on disk alone."""
        run = self._runs.get(checked_run_id(run_id))
        return None if run is None or run.kept else run

    def _unsaved_network(self, run_id: str) -> Network | None:
        with self._changed:
            run = self._runs.get(checked_run_id(run_id))
            if run is None or run.state in ACTIVE or run.reached is None:
                return None
            return run.reached.network

    def _active(self) -> list[Run]:
        return [run for run in self._runs.values() if run.state in ACTIVE]

    def _forget_old_runs(self) -> None:
        for trial in (False, True):  # trials must not displace runs that a page shows
            ended = [
                run_id
                for run_id, run in self._runs.items()
                if run.state not in ACTIVE and run.spec.trial == trial
            ]
            for run_id in ended[: max(0, len(ended) - KEPT_JOBS)]:
                del self._runs[run_id]
        unsaved = [run for run in self._runs.values() if run.unsaved and run.state not in ACTIVE]
        for run in unsaved[: max(0, len(unsaved) - MAX_UNSAVED)]:
            run.reached, run.snapshots = None, []

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, daemon=True, name="training-queue")
            self._thread.start()
        self._changed.notify_all()

    def _serve(self) -> None:
        """Process runs until the queue is closed."""
        cluster = self._connected()
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

    def _connected(self) -> "Cluster":
        if self._new_cluster is not None:
            return self._new_cluster()
        from cnn_lab.runs.cluster import Cluster  # Dask takes half a second

        return Cluster(self._address)

    def _cluster_for_checks(self) -> "Cluster":
        """Return the cluster, once the thread that serves the queue has made it."""
        self.warm()
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self.cluster is not None)
            if self.cluster is None:
                raise CheckFailedError("The server is shutting down.")
            return self.cluster

    def _has_keras(self) -> bool:
        return self.cluster is not None and self.cluster.has_keras

    def _warm(self, cluster: "Cluster") -> None:
        try:
            cluster.start()
        except TrainingFailedError:
            _log.warning("No worker yet; the next run tries again.", exc_info=True)

    def _run(self, cluster: "Cluster", run: Run) -> None:
        """Process one run until it ends in any way."""
        state: State
        if not run.spec.trial:
            with self._noting_failure(run):
                self.store.begin(run.run_id, run.spec)
        worker_in_doubt = False
        try:
            outcome = self._follow(cluster, run)
        except TrainingFailedError as failure:
            state = "stopped" if run.stopping else "failed"  # the worker did not respond to a stop
            sentence = f"{run.stopping} {failure}".strip()
            outcome, worker_in_doubt = run.reached, True
            if outcome is not None:
                sentence += f" {kept_sentence(outcome.result)}"
        except Exception as error:
            _log.exception("A training run ended unexpectedly.")
            state, sentence = "failed", f"Training failed with {type(error).__name__}."
            outcome = run.reached
        else:
            if outcome is None:
                state, sentence = "stopped", "Stopped before training began."
            elif outcome.cut_short:
                state, sentence = "stopped", run.stopping or outcome.cut_short
            else:
                state, sentence = "done", ""
        ended = self._keep(run, replace(run.status(), state=state, sentence=sentence), outcome)
        with self._changed:
            run.end(ended, outcome)
            self._changed.notify_all()
        if not self._closed:
            if worker_in_doubt:
                self._warm(cluster)
            cluster.renew()

    def _keep(self, run: Run, ended: Status, outcome: Outcome | None) -> Status:
        """Save the outcome of a run, if anything was reported, and return how it ended."""
        network, history, result = None, [], {}
        if outcome is not None:
            network, history, result = outcome.network, outcome.history, outcome.result
        ended = replace(ended, result=result)
        if run.spec.trial:
            return ended
        if network is None:
            ended = replace(ended, result={})
            if not any(event.kind == "batch" for event in run.events):
                self.store.discard(run.run_id)
                run.unsaved = ""
                return ended
        before, run.unsaved = run.unsaved, ""
        with self._noting_failure(run):
            if before:  # perhaps there is room again
                for number, snapshot in enumerate(run.snapshots, start=1):
                    self.store.keep_snapshot(run.run_id, number, snapshot)
            self.store.keep(ended, network, history, run.events)
            run.kept = True
        return ended

    def _follow(self, cluster: "Cluster", run: Run) -> Outcome | None:
        task = cluster.submit(
            run.run_id,
            run.spec,
            lambda kind, values: self._note(run, kind, values),
            lambda parcel: self._take(run, parcel),
            run.initial,
        )
        with self._changed:
            run.task = task
            if run.stopping:
                task.stop()
            run.send_commands()
        while not cluster.wait(task, TICK_S):
            with self._changed:
                if self._closed:
                    raise TrainingFailedError("The server was shut down during this run.")
                stuck = self._look_after(run)
            if stuck:
                cluster.give_up(task)
            self._show_life(run)
        return cluster.outcome(task)

    def _look_after(self, run: Run) -> bool:
        """Stop runs whose page is closed or that hold up others; return whether `run` is stuck."""
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

    def _take(self, run: Run, parcel: Parcel) -> None:
        """Save a parcel of a run."""
        if isinstance(parcel, Outcome):
            run.reached = parcel
            if parcel.network is not None:
                with self._noting_failure(run):
                    self.store.keep_epoch(run.run_id, parcel.network, list(run.events))
            return
        run.snapshots.append(parcel)
        with self._noting_failure(run):
            self.store.keep_snapshot(run.run_id, len(run.snapshots), parcel)
        snapshot = Snapshots([parcel])[0]
        place = {name: getattr(snapshot, name) for name in ("n_images", "epoch", "batch")}
        self._note(run, "snapshot", place)

    def _show_life(self, run: Run) -> None:
        """Tell servers that share the storage that a run is going on."""
        now = self._clock()
        if run.spec.trial or now - run.showed_life_at < LIFE_EVERY_S:
            return
        run.showed_life_at = now
        with suppress(OSError):  # the next one may succeed
            self.store.show_life(run.run_id)

    @contextmanager
    def _noting_failure(self, run: Run) -> Iterator[None]:
        """Note why a write has failed; training goes on, and the end of the run tries again."""
        try:
            yield
        except OSError as error:
            _log.warning("The results of a run could not be saved.", exc_info=True)
            run.unsaved = str(error.strerror or error)

    def _note(self, run: Run, kind: str, values: Mapping[str, float]) -> None:
        with self._changed:
            run.note(kind, values, self._clock())
            run.send_commands()
            self._changed.notify_all()

    def _stop(self, run: Run, why: str) -> None:
        if run.stopping or run.state not in STEERABLE:
            return
        if run.state == "waiting":
            run.state, run.sentence = "stopped", why
            self._changed.notify_all()
        run.stop(why, self._clock())
