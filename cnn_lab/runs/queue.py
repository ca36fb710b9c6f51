"""Run queue of the pages: what one page process asks of the ledger, and knows of it.

An owner is a browser that submitted a run. Owners who ask for the same thing share one run. The
queue is told when owners come (`arrive`), go (`leave`) and do something (`touch`); a run whose
owners have all been gone for a minute stops and keeps what it has learned so far.

Page processes with the same scheduler and storage share all runs: each shows any of them, while it
goes on and afterwards, and a run outlives the process that asked for it.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnn_lab.concepts.checks import Answer, CheckFailedError, LayerCheck
from cnn_lab.data.keras_here import has_keras, needs_keras
from cnn_lab.data.mnist import Split
from cnn_lab.network import MAX_FILE_BYTES, Network
from cnn_lab.network.initial import weights_problem
from cnn_lab.ops.environment import QUEUE_LENGTH
from cnn_lab.ops.types import check_at_least
from cnn_lab.runs.checks import Checks, KerasFile, KerasFileRequest
from cnn_lab.runs.job import (
    Command,
    CommandValue,
    Event,
    RunRefusedError,
    RunSpec,
    Start,
    Status,
    TrainingFailedError,
    UnknownRunError,
    checked_run_id,
    checked_settings,
    new_run_id,
    own_problem,
    progress,
)
from cnn_lab.runs.ledger import Keeping, Ledger, Run
from cnn_lab.runs.snapshots import Snapshot, Snapshots
from cnn_lab.runs.store import Address, Store
from cnn_lab.training.engine import EngineName

if TYPE_CHECKING:
    from cnn_lab.runs.cluster import Cluster

GONE_AFTER_S = 60.0
MAX_WAITING = QUEUE_LENGTH.default  # runs, unless the host sets another length
KEPT_KERAS_FILES = 4
TICK_S, IDLE_TICK_S = 1.0, 5.0
STUCK_AFTER_S = 15.0  # long enough for Keras to be imported, or to do a batch of a large network
HELD_UP_FOR_S = 300.0
LOST_SCHEDULER_AFTER_S = 20.0  # without a connection
CONNECT_PATIENCE_S = 20.0

NOT_STARTED = "The training process could not be started. The server tries again; its log says why."
NOT_YET = "Keras has not started yet. Please try again in a moment."
RESTARTED = "The training scheduler was started again during this run."
SHUT_DOWN = "The server was shut down during this run."
STUCK = "The training process did not respond and was ended. The next run starts a new one."

_log = logging.getLogger(__name__)


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
            away_s = self._clock() - self._seen.get(owner, float("-inf"))
            return owner not in self._sessions and away_s > self._gone_after_s

    def here(self) -> set[str]:
        """Return the owners who are not gone, and forget the others."""
        with self._lock:
            self._seen = {owner: at for owner, at in self._seen.items() if not self.is_gone(owner)}
            return set(self._seen)


class RunQueue:
    """Queue of runs, trained in other processes, one run a worker at a time.

    Parameters
    ----------
    store : Store, path or str
        Storage of runs, or its folder.
    address : str, optional
        A Dask scheduler to use instead of starting a worker. All of its workers are used.
    length : int
        How many runs may wait, at least 0; more are refused.
    cluster : callable, optional
        Returns a replacement for a `cnn_lab.runs.cluster.Cluster` at this address, given what it
        calls with what the ledger tells.
    gone_after_s : float
        Seconds after which a run stops if its owner is gone.
    clock : callable
        Returns seconds.

    Attributes
    ----------
    engines : tuple of str
        The engines that can train, the usual one first: "numpy" alone where a worker of our own
        would have no Keras.
    checks, keras_files : Checks
        Requests to Keras, about a layer or for a .keras file, answered during training too. Without
        Keras the answer is a sentence that says so.

    Notes
    -----
    Creating a queue is cheap: Dask is imported, and a worker started, by the first `warm` or
    `submit`, or by the first session if the scheduler is elsewhere. One thread keeps the
    connection, looks after the workers and tells the ledger who is here. Until there is a
    connection, and while it is lost, runs wait in this process.
    """

    def __init__(
        self,
        store: Store | Address,
        address: str | None = None,
        *,
        length: int = MAX_WAITING,
        cluster: "Callable[[Callable[[dict[str, Any]], None]], Cluster] | None" = None,
        gone_after_s: float = GONE_AFTER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_at_least(0, length=length)
        self.store = store = store if isinstance(store, Store) else Store(store)
        self.length = length
        self.engines: tuple[EngineName, ...] = ("keras", "numpy")
        if not address and not has_keras():
            self.engines = ("numpy",)
        self._address, self._new_cluster, self._clock = address, cluster, clock
        # Pages request these repeatedly, and they no longer change.
        self._kept_events = lru_cache(maxsize=4)(store.events)
        self._kept_snapshots = lru_cache(maxsize=2)(store.snapshots)
        self._kept_damage = lru_cache(maxsize=16)(store.damage)
        self._presence = Presence(clock, gone_after_s)
        # Held from looking who is here until the ledger knows it: a list without the owner of a new
        # run that arrived after the run would stop it.
        self._telling_presence = threading.Lock()
        self._changed = threading.Condition(threading.RLock())
        self._n_changes = 0
        self._known = Ledger()  # a copy
        self._snapshots: dict[str, list[bytes]] = {}
        self._incomplete: set[str] = set()  # runs whose events have to be fetched
        self._held_up: dict[str, float] = {}  # paused runs while others wait, and since when
        self._stop_asked: dict[str, float] = {}
        self.cluster: Cluster | None = None
        self._word = ""  # of the ledger
        self._online = self._tried = self._woken = self._closed = False
        self._synchronizing = False
        self._problem = ""  # why there is no connection
        self._lost_since: float | None = None
        self._thread: threading.Thread | None = None
        self.checks: Checks[LayerCheck, Answer] = Checks(
            lambda request: self._cluster_with_keras("This check").check(request),
            self._has_keras,
        )
        self.keras_files: Checks[KerasFileRequest, KerasFile] = Checks(
            lambda request: self._cluster_with_keras("A .keras file").keras_file(request),
            self._has_keras,
            max_bytes=MAX_FILE_BYTES,
            kept=KEPT_KERAS_FILES,
        )

    def warm(self) -> None:
        """Start a worker in advance of the first run; returns immediately."""
        self._wake()

    @property
    def capacity(self) -> int:
        """How many runs are trained at once: one a worker; 1 while that is not known."""
        return max(1, self._known.n_workers)

    def submit(
        self,
        spec: RunSpec,
        owner: str,
        start: tuple[str, Network] | None = None,
        *,
        own: Split | None = None,
    ) -> str:
        """Add a run to the queue; it starts when those before it have ended.

        Parameters
        ----------
        spec : RunSpec
            Trained with NumPy, whatever its engine, if that is the only one of `engines`.
        owner : str
        start : (str, Network), optional
            Name and network whose weights it begins with, instead of new ones.
        own : Split, optional
            The owner's own drawings, which the run sees in each batch. No other visitor gets them;
            they are forgotten when the run has begun, and the run is not shared.

        Returns
        -------
        str
            The run's id, which cannot be guessed. If an active run does the same already, it is
            that run's: both owners share it.

        Raises
        ------
        RunRefusedError
            If the owner has another run, too many are waiting, the weights to begin with are
            those of a network with other layers, or the run cannot learn from these drawings.
        """
        initial = None
        if spec.engine not in self.engines:
            spec = spec.model_copy(update={"engine": self.engines[0]})
        if start is not None:
            name, network = start
            if problem := weights_problem(name, network.spec, spec.network):
                raise RunRefusedError(problem)
            spec = spec.model_copy(update={"start": Start.of(name, network)})
            initial = network.weights
        if own is not None:
            if problem := own_problem(own, spec):
                raise RunRefusedError(problem)
            spec = spec.model_copy(update={"own_drawings": len(own)})
        run = Run(new_run_id(), [owner], spec, self._keeping(spec), 0.0, initial, own)
        self._wake()
        self._await_connection()
        with self._telling_presence:
            self.touch(owner)
            submitted = self._ask("submit", self._page, run, self.length)
        with self._changed:
            if submitted.run_id == run.run_id and submitted.state == "waiting":
                # For a scheduler that is started again.
                known = self._known.runs[run.run_id]
                known.initial, known.own = initial, own
        return str(submitted.run_id)

    def _keeping(self, spec: RunSpec) -> Keeping:
        """Return where a worker keeps a run."""
        address = os.fspath(self.store.address)
        if "://" not in address:
            address = os.path.abspath(address)
        word, shared = "", bool(self._address)
        if shared and not spec.trial:
            with suppress(OSError):  # the worker finds out what is wrong
                word = self.store.word(write=True)
        return Keeping(address, word, self.store.kept, shared)

    def events(self, run_id: str, after: int = 0) -> list[Event]:
        """Return the events of a run after its first `after` ones."""
        run = self._unkept(run_id)
        if run is None:
            return self._kept_events(run_id)[after:]
        with self._changed:
            return run.events[after:]

    def snapshots(self, run_id: str) -> Sequence[Snapshot]:
        """Return the snapshots of a run so far, or of a kept one, oldest first.

        The run's events of kind "snapshot" are in the same order and say when each was taken.

        Raises
        ------
        UnknownRunError
            If the run does not exist.
        """
        run = self._unkept(run_id)
        if run is None:
            return Snapshots(self._kept_snapshots(run_id))
        with self._changed:
            n_taken = sum(event.kind == "snapshot" for event in run.events)
            packed = list(self._snapshots.get(run_id, []))
        if len(packed) < n_taken:
            packed = self._fetched(run, packed, n_taken)
        return Snapshots(packed[:n_taken])

    def _fetched(self, run: Run, packed: list[bytes], n_taken: int) -> list[bytes]:
        """Return the snapshots of a run that is not kept yet, after those fetched before."""
        with suppress(OSError):
            while len(packed) < n_taken:
                packed.append(self.store.snapshot(run.run_id, len(packed) + 1))
        if len(packed) < n_taken and run.unsaved:
            packed += self._ask("unsaved_snapshots", run.run_id, len(packed))
        with self._changed:
            if run.run_id in self._known.runs:
                self._snapshots[run.run_id] = packed
        return packed

    def damage(self, run_id: str) -> list[str]:
        """Return a sentence for each part of a run on disk that is damaged.

        Raises
        ------
        UnknownRunError
            If the run does not exist.
        """
        return self._kept_damage(run_id) if self._unkept(run_id) is None else []

    def status(self, run_id: str) -> Status:
        """Return the status of a run, also of another or an earlier process.

        Raises
        ------
        UnknownRunError
            If it does not exist.
        """
        run = self._find(run_id)
        if run is None:
            try:
                return self.store.status(run_id)
            except UnknownRunError:
                run = self._asked(run_id)
                if run is None:
                    raise
        if run.broken:  # those who are told that it has ended can read it in the storage
            self._save_broken()
        with self._changed:
            return self._status(self._known.runs.get(run_id, run))

    def _status(self, run: Run) -> Status:
        position, wait_s = 0, None
        if run.state == "waiting":
            active = self._known.active()
            before = active[: active.index(run)]
            position, wait_s = len(before), self._expected_wait_s(before)
        status = run.status(position, wait_s)
        if run.active and self._problem and not status.sentence:
            status = replace(status, sentence=self._problem)
        return status

    def _expected_wait_s(self, before: Sequence[Run]) -> float | None:
        """Return how long the runs before one will take; None while none has shown its speed.

        Counted in multiply-adds: one after another if there is one worker, spread over all of them
        otherwise. Validation and tests are left out.
        """
        left, rates = 0.0, []
        for run in before:
            each = sum(row.multiply_adds for row in run.spec.network.summary())
            now = progress(run.spec, run.events)
            left += each * run.spec.n_images * (1 - now.share)
            if now.images_per_second:
                rates.append(each * now.images_per_second)
        return left / sum(rates) if rates else None

    def latest(self, owner: str) -> str | None:
        """Return the id of an owner's newest run."""
        mine = self.runs(owner)
        return mine[0].run_id if mine else None

    def runs(self, owner: str) -> list[Status]:
        """Return the status of an owner's runs, newest first."""
        with self._changed:
            mine = [run for run in self._known.runs.values() if owner in run.owners]
            return [self._status(run) for run in reversed(mine)]

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
            If the run does not exist, or has ended long ago.
        CommandRefusedError
            If a setting cannot change, or a value is not allowed.
        """
        run = self._here(run_id)
        if command == "settings":
            value = checked_settings(run.spec, value or {})
        if not run.active:
            return
        if command == "stop":
            self._ask("stop", run_id)
        else:
            self._ask("control", run_id, command, value)

    def give_up(self, run_id: str, owner: str) -> None:
        """Stop an owner's run, or leave it to those who share it.

        Raises
        ------
        UnknownRunError
            If the run does not exist, or has ended long ago.
        """
        if self._here(run_id).active:
            self._ask("leave", run_id, owner)

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
        deadline = time.monotonic() + timeout_s
        while True:
            n_seen = self._n_changes
            status = self.status(run_id)
            if until(status):
                return status
            with self._changed:
                while True:
                    left_s = deadline - time.monotonic()
                    if left_s <= 0:  # which a run that reports all the time reaches as well
                        raise TimeoutError(f"Run {run_id} is still {status.state}.")
                    if self._n_changes != n_seen:
                        break
                    self._changed.wait(left_s)

    def arrive(self, owner: str) -> None:
        """Count a new session of an owner; must be followed by one `leave`."""
        self._presence.arrive(owner)
        if self._address:  # where a run of this owner may be going on
            self._wake()

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
        """Disconnect from the scheduler; the queue cannot be used afterwards.

        Runs at a scheduler elsewhere go on. One that was started here ends with its runs.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=30)

    @property
    def _page(self) -> str:
        return self.cluster.page if self.cluster is not None else ""

    def _find(self, run_id: str) -> Run | None:
        """Return a run that the ledger knows; None for one that is only in the storage."""
        checked_run_id(run_id)
        with self._changed:
            if run_id not in self._known.runs and self._address and not self._closed:
                self._wake()
                self._await_connection()
            return self._known.runs.get(run_id)

    def _unkept(self, run_id: str) -> Run | None:
        """Return a run that the ledger knows and that cannot be read in the storage yet."""
        run = self._find(run_id)
        if run is None:
            try:
                self.store.status(run_id)
            except UnknownRunError:
                run = self._asked(run_id)
        return None if run is None or run.kept else run

    def _await_connection(self) -> None:
        """Wait for the first connection to a scheduler that others use as well, or its failure."""
        with self._changed:
            if self._address:
                self._changed.wait_for(lambda: self._tried or self._closed, CONNECT_PATIENCE_S)

    def _asked(self, run_id: str) -> Run | None:
        """Return a run that the ledger knows, if the copy here does not show it yet."""
        if not self._online:
            return None
        found: Run | None = self._ask("find", run_id)
        return found

    def _here(self, run_id: str) -> Run:
        run = self._find(run_id) or self._asked(run_id)
        if run is None:
            raise UnknownRunError(run_id)
        return run

    def _unsaved_network(self, run_id: str) -> Network | None:
        run = self._find(run_id)
        if run is None or run.active or not run.unsaved:
            return None
        network: Network | None = self._ask("unsaved_network", run_id)
        return network

    def _ask(self, method: str, *arguments: Any) -> Any:
        """Ask the ledger; without a connection, the copy of it here."""
        answer = None
        while True:
            with self._changed:
                # In between, what is asked here could be missed there.
                self._changed.wait_for(lambda: not self._synchronizing)
                if not self._online or self.cluster is None:
                    answer = getattr(self._known, method)(*arguments)
                    break
                cluster = self.cluster
            try:
                answer = cluster.call(method, *arguments)
                break
            except TrainingFailedError as error:
                self._note_lost(str(error))
        with self._changed:
            if isinstance(answer, Run):
                self._known.put(answer)
                answer = self._known.runs[answer.run_id]
            self._notify()
        return answer

    def _notify(self) -> None:
        self._n_changes += 1
        self._changed.notify_all()

    def _wake(self) -> None:
        """Have the thread look after everything at once; starts it if necessary."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(
                    target=self._serve, daemon=True, name="training-queue"
                )
                self._thread.start()

    def _serve(self) -> None:
        """Keep the connection until the queue is closed."""
        while not self._closed:
            try:
                if self.cluster is None:
                    self._begin()
                if self.cluster is not None:
                    self._look_after(self.cluster)
            except Exception:
                _log.exception("The run queue could not be looked after.")
            with self._changed:
                tick_s = TICK_S if self._known.active() else IDLE_TICK_S
                self._changed.wait_for(lambda: self._closed or self._woken, tick_s)
                self._woken = False
        with self._changed:
            cut_off = [] if self._address else self._known.active()
            for run in cut_off:
                self._known.end(run.run_id, "failed", SHUT_DOWN)
            self._online = False
            self._notify()
        if self.cluster is not None:
            self.cluster.close()
        self._save_broken()

    def _begin(self) -> None:
        """Make the cluster; if that fails, end the runs with a sentence, and leave it unmade."""
        try:
            cluster = self._connected()
        except Exception:
            _log.exception("Dask could not be loaded.")
            self._note_lost(NOT_STARTED)
            return
        with self._changed:
            self.cluster = cluster
            self._notify()

    def _look_after(self, cluster: "Cluster") -> None:
        """Restore the connection, tell the ledger who is here, and look after runs and workers."""
        try:
            cluster.start()
            with self._telling_presence:
                word, self._known.n_workers = cluster.call(
                    "present", cluster.page, self._presence.here()
                )
            if not self._online or word != self._word:
                cluster.listen()
                self._synchronize(cluster)
            self._fetch_events(cluster)
        except TrainingFailedError as error:
            self._note_lost(str(error))
            return
        try:
            cluster.tend(waiting=bool(self._waiting()))
        except TrainingFailedError as error:
            # A worker of our own is started again for the next run.
            for run in self._waiting()[: None if self._address else 1]:
                self._ask("end", run.run_id, "failed", str(error))
        self._look_after_runs(cluster)
        self._save_broken()

    def _synchronize(self, cluster: "Cluster") -> None:
        """Exchange all runs with the ledger."""
        with self._changed:
            self._synchronizing = True
        try:
            word, runs = cluster.call("all")
            theirs = {run.run_id for run in runs}
            ours = [
                run
                for run in self._waiting()
                if run.run_id not in theirs
                # Only the process with its weights and drawings can restore such a run.
                and (run.spec.start is None or run.initial is not None)
                and (not run.spec.own_drawings or run.own is not None)
            ]
            if ours:
                cluster.call("restore", cluster.page, self._presence.here(), ours)
                word, runs = cluster.call("all")
            with self._changed:
                self._take_over(word, runs)
        finally:
            with self._changed:
                self._synchronizing = False
                self._notify()

    def _take_over(self, word: str, runs: Sequence[Run]) -> None:
        """Take over what the ledger knows; runs that it does not know are over."""
        theirs = {run.run_id for run in runs}
        for run in self._known.active():
            if run.run_id not in theirs:
                self._known.end(run.run_id, "failed", RESTARTED)
        for run in runs:
            here = self._known.runs.get(run.run_id)
            if here is not None and run.active and not here.active:  # it was given up too early
                del self._known.runs[run.run_id]
            self._known.put(run)
        self._word, self._problem, self._lost_since = word, "", None
        self._online = self._tried = True

    def _fetch_events(self, cluster: "Cluster") -> None:
        while self._incomplete:
            run_id = self._incomplete.pop()
            run = self._known.runs.get(run_id)
            if run is None or not run.active:
                continue
            n_here = len(run.events)
            fetched = cluster.call("events", run_id, n_here)
            with self._changed:
                run = self._known.runs[run_id]
                run.events += fetched[len(run.events) - n_here :]
                self._notify()

    def _note_lost(self, problem: str) -> None:
        """Note that there is no connection, and why; runs end with it after some time."""
        with self._changed:
            now = self._clock()
            self._online, self._tried, self._problem = False, True, problem
            self._lost_since = self._lost_since or now
            never, late = not self._word, now - self._lost_since > LOST_SCHEDULER_AFTER_S
            for run in self._known.active():
                if never or (late and run.state != "waiting"):
                    self._known.end(run.run_id, "failed", problem)
            self._notify()

    def _told(self, told: dict[str, Any]) -> None:
        """Follow what the ledger tells; called in Dask's own thread."""
        with self._changed:
            if self._known.apply(told):
                self._incomplete.add(told["run"])
            self._woken |= bool(self._incomplete) or any(
                run.broken for run in self._known.runs.values()
            )
            self._notify()

    def _waiting(self) -> list[Run]:
        with self._changed:
            return [run for run in self._known.active() if run.state == "waiting"]

    def _look_after_runs(self, cluster: "Cluster") -> None:
        """Stop runs that hold up others, and end those that do not respond to a stop."""
        now, others_wait = self._clock(), bool(self._waiting())
        with self._changed:
            active = self._known.active()
        held_up, stop_asked = {}, {}
        for run in active:
            if run.state == "paused" and others_wait:
                held_up[run.run_id] = self._held_up.get(run.run_id, now)
                if now - held_up[run.run_id] > HELD_UP_FOR_S:
                    minutes = f"{HELD_UP_FOR_S / 60:.0f} minutes"
                    why = f"Stopped: it was paused for {minutes} while others were waiting."
                    self._ask("stop", run.run_id, why)
            if run.stopping:
                stop_asked[run.run_id] = self._stop_asked.get(run.run_id, now)
                if now - stop_asked[run.run_id] > STUCK_AFTER_S:
                    self._ask("end", run.run_id, "stopped", STUCK)
                    cluster.give_up(run.worker)
        self._held_up, self._stop_asked = held_up, stop_asked

    def _save_broken(self) -> None:
        """Save how runs ended whose worker has died; every process that knows of it may do so."""
        with self._changed:
            known = self._known.runs
            for run_id in [name for name in self._snapshots if name not in known]:
                del self._snapshots[run_id]
            broken = [run for run in known.values() if run.broken]
        for run in broken:
            saves = not (run.spec.trial or run.unsaved)
            if saves and any(event.kind == "batch" for event in run.events):
                try:
                    self.store.break_off(run.status(), run.events)
                    kept = self.store.status(run.run_id)
                except (OSError, UnknownRunError):
                    _log.warning("How a run ended could not be saved.", exc_info=True)
                else:
                    # Its worker may have come further than was told here, and saved that.
                    run.state, run.sentence, run.result = kept.state, kept.sentence, kept.result
                    run.kept = True
            elif saves:
                self.store.discard(run.run_id)
            with self._changed:
                run.broken = False
                if run.kept:
                    run.events = []
                    self._snapshots.pop(run.run_id, None)
                self._notify()

    def _connected(self) -> "Cluster":
        if self._new_cluster is not None:
            return self._new_cluster(self._told)
        from cnn_lab.runs.cluster import Cluster  # Dask takes half a second

        return Cluster(self._address, self._told)

    def _cluster_with_keras(self, for_what: str) -> "Cluster":
        """Return the cluster, once the thread that keeps the connection has made it.

        Raises
        ------
        CheckFailedError
            If there is no Keras or no cluster, or the queue has been closed.
        """
        if "keras" not in self.engines:
            raise CheckFailedError(needs_keras(for_what))
        self._wake()
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or self.cluster is not None, CONNECT_PATIENCE_S
            )
            if self._closed:
                raise CheckFailedError("The server is shutting down.")
            if self.cluster is None:
                raise CheckFailedError(self._problem or NOT_YET)
            return self.cluster

    def _has_keras(self) -> bool:
        return self.cluster is not None and self.cluster.has_keras
