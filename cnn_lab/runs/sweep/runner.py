"""Active sweeps, each a thread that submits its trials, and all sweeps of a server."""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnn_lab.network.spec import plain_error
from cnn_lab.runs.job import (
    RunRefusedError,
    Status,
    UnknownRunError,
    checked_run_id,
    new_run_id,
)
from cnn_lab.runs.queue import RunQueue
from cnn_lab.runs.store import Folder, put_in_order, remove_oldest
from cnn_lab.runs.sweep.records import SweepSpec, SweepState, SweepStatus, Trial, TrialState
from cnn_lab.runs.sweep.space import run_of

if TYPE_CHECKING:
    from cnn_lab.runs.sweep.search import Search

TICK_S = 0.2
MAX_FAILURES_IN_A_ROW = 5
MAX_SWEEPS = 2
KEPT_SWEEPS = 20
FOLDER, FILE = "sweeps", "sweep.json"
DAMAGED = "The record of this sweep is damaged."

_log = logging.getLogger(__name__)


class UnknownSweepError(ValueError):
    """Raised when no sweep has this id, or it is no longer kept, or it cannot be read."""

    def __init__(
        self, sweep_id: str, why: str = "A sweep is kept until newer ones replace it."
    ) -> None:
        super().__init__(f"{why} Received: sweep={sweep_id[:40]!r}")


@dataclass
class _UnderWay:
    """Trial that has begun and not ended; without a run until the queue has taken it."""

    trial: Trial
    owner: str
    run_id: str = ""
    hopeless: bool = False
    stop_sent: bool = False


class Sweep:
    """A sweep whose trials go through the run queue, in a separate thread.

    As many trials are under way as the queue trains runs at once. With one worker a sweep always
    takes the same course. With several, the search learns of results in the order of the trials;
    which of them it knows when it proposes or prunes depends on how fast they come.

    Parameters
    ----------
    spec : SweepSpec
    owner : str
    queue : RunQueue
        Trains the trials, in turn with other runs.
    watched : callable
        Returns whether the owner is still there; called several times a second.
    ended : callable
        Called with the last status, in the sweep's thread.
    clock : callable
        Returns seconds.
    """

    def __init__(
        self,
        spec: SweepSpec,
        owner: str,
        queue: RunQueue,
        *,
        watched: Callable[[], bool] = lambda: True,
        ended: Callable[[SweepStatus], None] = lambda _status: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._status = SweepStatus(sweep_id=new_run_id(), owner=owner, spec=spec)
        self._queue, self._watched, self._tell = queue, watched, ended
        self._clock, self._began_at = clock, clock()
        self._changed = threading.Condition()
        self._stopping = self._failure = ""
        self._trial_owner = f"sweep-{self._status.sweep_id}"
        self._thread = threading.Thread(target=self._run, daemon=True, name="sweep")

    def start(self) -> None:
        """Start the sweep; returns immediately."""
        self._thread.start()

    @property
    def status(self) -> SweepStatus:
        """Current state of the sweep."""
        return self._status

    def stop(self, why: str = "Stopped as requested.") -> None:
        """Stop the current trials and the sweep; finished trials are kept."""
        with self._changed:
            if not self._stopping and self._status.active:
                self._stopping = why
                self._update(state="stopping", sentence=why)

    def wait(self, until: Callable[[SweepStatus], bool], timeout_s: float) -> SweepStatus:
        """Wait until `until` returns true for the status, and return the status.

        Raises
        ------
        TimeoutError
            If that takes longer than `timeout_s`.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: until(self._status), timeout_s):
                raise TimeoutError(f"The sweep is still {self._status.state}.")
            return self._status

    def _update(self, **changes: object) -> None:
        with self._changed:
            self._status = self._status.model_copy(update=changes)
            self._changed.notify_all()

    def _note(self, trial: Trial) -> Trial:
        """Add or update a trial."""
        before = self._status.trials[: trial.number - 1]
        self._update(trials=(*before, trial, *self._status.trials[trial.number :]))
        return trial

    def _run(self) -> None:
        try:
            sentence = self._go_through()
            state: SweepState = "failed" if sentence else "done"
            if self._stopping and not self._complete:
                state, sentence = "stopped", self._stopping
        except Exception as error:
            _log.exception("A sweep ended unexpectedly.")
            state, sentence = "failed", f"The sweep failed with {type(error).__name__}."
        ended = self._status.model_copy(update={"state": state, "sentence": sentence})
        self._tell(ended)
        self._update(state=ended.state, sentence=ended.sentence)

    @property
    def _complete(self) -> bool:
        trials = self._status.trials
        all_ended = all(trial.state != "stopped" for trial in trials)
        return len(trials) == self._status.spec.n_trials and all_ended

    def _go_through(self) -> str:
        """Run all trials; return the reason for stopping early, or ""."""
        from cnn_lab.runs.sweep.search import Search  # Optuna takes half a second

        search = Search(self._status.spec)
        under_way: list[_UnderWay] = []
        n_told = n_failed = 0
        while True:
            while not (self._stopping or self._failure) and self._has_room(len(under_way)):
                under_way.append(self._begun(search, under_way))
            if not under_way:
                return self._failure
            self._look_around()
            under_way = [one for one in under_way if not self._see_to(search, one)]
            # In order, so that the search learns the same wherever trials end in order.
            while n_told < len(self._status.trials) and self._status.trials[n_told].over:
                trial = self._status.trials[n_told]
                n_told += 1
                search.tell(trial)
                n_failed = n_failed + 1 if trial.state == "failed" else 0
                if n_failed == MAX_FAILURES_IN_A_ROW:
                    self._failure = (
                        f"{n_failed} trials in a row have failed; the last one: {trial.sentence}"
                    )
            if under_way:
                self._wait_a_moment()

    def _has_room(self, n_under_way: int) -> bool:
        """Return whether another trial should begin: one for each run trained at once."""
        more = len(self._status.trials) < self._status.spec.n_trials
        return more and n_under_way < self._queue.capacity

    def _begun(self, search: "Search", others: Sequence["_UnderWay"]) -> "_UnderWay":
        """Return the next trial; `others` are those under way."""
        # The queue takes one run at a time of each owner.
        taken = {one.owner for one in others}
        names = (f"{self._trial_owner}-{place}" for place in itertools.count())
        owner = next(name for name in names if name not in taken)
        return _UnderWay(self._note(search.ask()), owner)

    def _see_to(self, search: "Search", one: "_UnderWay") -> bool:
        """Take a trial further, prune it if it is hopeless, and return whether it has ended."""
        if not one.run_id and not self._submit(one):
            return one.trial.over
        self._queue.touch(one.owner)
        status = self._queue.status(one.run_id)  # before the events, to include the last ones
        events = self._queue.events(one.run_id)
        fresh = [event for event in events if event.kind == "epoch"][len(one.trial.accuracies) :]
        for event in fresh:
            accuracy = event["val_accuracy"]
            one.trial = _judged(one.trial, accuracy, event["seconds"])
            n_epochs = len(one.trial.accuracies)
            one.hopeless |= search.should_prune(one.trial.number, n_epochs, accuracy)
        if not status.active:
            self._note(self._concluded(one.trial, status, hopeless=one.hopeless))
            return True
        if fresh or (events and one.trial.state == "waiting"):
            one.trial = self._note(one.trial.model_copy(update={"state": "training"}))
        if (one.hopeless or self._stopping or self._failure) and not one.stop_sent:
            self._queue.control(one.run_id, "stop")
            one.stop_sent = True
        return False

    def _submit(self, one: "_UnderWay") -> bool:
        """Submit a trial, and return whether the queue has taken it; the trial may end instead."""
        if self._stopping or self._failure:
            one.trial = self._note(_ended(one.trial, "stopped", self._stopping))
            return False
        try:
            run = run_of(self._status.spec.base, one.trial.settings)
        except ValueError as error:  # the settings contradict each other
            one.trial = self._note(_ended(one.trial, "failed", plain_error(error)))
            return False
        with suppress(RunRefusedError):  # the queue is full: next time
            one.run_id = self._queue.submit(run.model_copy(update={"trial": True}), one.owner)
        return bool(one.run_id)

    def _concluded(self, trial: Trial, status: Status, *, hopeless: bool) -> Trial:
        complete = len(trial.accuracies) == self._status.spec.base.training.epochs
        if status.state == "done" or complete:
            return _ended(trial, "done")
        if status.state == "failed" and not self._stopping:
            return _ended(trial, "failed", status.sentence)
        if hopeless:
            return _ended(trial, "pruned")
        return _ended(trial, "stopped", self._stopping or status.sentence)

    def _look_around(self) -> None:
        """Stop the trials if their owner is gone or the time is up."""
        limit_s = self._status.spec.max_seconds
        if not self._watched():
            self.stop("Stopped because the page was no longer open.")
        elif self._clock() - self._began_at > limit_s:
            self.stop(f"Stopped after {limit_s:,.0f} s, the time limit of a sweep.")

    def _wait_a_moment(self) -> None:
        with self._changed:
            self._changed.wait(TICK_S)


class Sweeps:
    """Sweeps of a server: one per reader, a few at a time; the latest are kept.

    Parameters
    ----------
    queue : RunQueue
        Trains all trials. A sweep submits a trial for each worker, and the next when one has ended;
        it goes to the end of the queue, so other readers' runs come in between. Sweeps are stored
        next to runs, and a sweep stops when its owner is gone.
    """

    def __init__(self, queue: RunQueue) -> None:
        self.queue = queue
        self._lock = threading.RLock()
        self._sweeps: dict[str, Sweep] = {}

    def start(self, spec: SweepSpec, owner: str) -> str:
        """Start a sweep and return its id, which cannot be guessed.

        Raises
        ------
        RunRefusedError
            If the owner already has an active sweep, or there are too many.
        """
        with self._lock:
            active = [sweep.status for sweep in self._sweeps.values() if sweep.status.active]
            if any(status.owner == owner for status in active):
                raise RunRefusedError(
                    "One sweep at a time: yours is still running. Stop it or let it finish, and "
                    "start again."
                )
            if len(active) >= MAX_SWEEPS:
                raise RunRefusedError(
                    f"{MAX_SWEEPS} sweeps are running, which is the most this server accepts. "
                    "Please try again in a few minutes."
                )
            sweep = Sweep(
                spec,
                owner,
                self.queue,
                watched=lambda: not self.queue.is_gone(owner),
                ended=self._keep,
            )
            self.queue.touch(owner)
            self._sweeps[sweep.status.sweep_id] = sweep
            self._forget_old()
            sweep.start()
            return sweep.status.sweep_id

    def status(self, sweep_id: str) -> SweepStatus:
        """Return the status of a sweep, also of an earlier process if it is still kept.

        Raises
        ------
        UnknownSweepError
            If it does not exist.
        """
        with self._lock:
            sweep = self._sweeps.get(sweep_id)
        return sweep.status if sweep is not None else self._load(sweep_id)

    def latest(self, owner: str) -> str | None:
        """Return the id of an owner's newest sweep in this process."""
        with self._lock:
            mine = [name for name, s in self._sweeps.items() if s.status.owner == owner]
        return mine[-1] if mine else None

    def stop(self, sweep_id: str) -> None:
        """Stop a sweep of this process; no effect if it has ended.

        Raises
        ------
        UnknownSweepError
            If it does not exist.
        """
        self._here(sweep_id).stop()

    def wait(
        self, sweep_id: str, until: Callable[[SweepStatus], bool], timeout_s: float
    ) -> SweepStatus:
        """Return the status of a sweep of this process once `until` returns true for it."""
        return self._here(sweep_id).wait(until, timeout_s)

    def close(self) -> None:
        """Stop every sweep."""
        with self._lock:
            for sweep in self._sweeps.values():
                sweep.stop("The server is shutting down.")

    def _here(self, sweep_id: str) -> Sweep:
        with self._lock:
            sweep = self._sweeps.get(sweep_id)
        if sweep is None:
            raise UnknownSweepError(sweep_id)
        return sweep

    def _forget_old(self) -> None:
        over = [name for name, sweep in self._sweeps.items() if not sweep.status.active]
        for name in over[: max(0, len(over) - KEPT_SWEEPS)]:
            del self._sweeps[name]

    def _keep(self, status: SweepStatus) -> None:
        """Save a sweep to its folder; if that fails, it stays in memory."""
        with suppress(OSError):
            sweeps = self._folder
            anonymous = status.model_copy(update={"owner": ""})
            folder = sweeps / status.sweep_id
            folder.put(FILE, anonymous.model_dump_json(indent=2).encode())
            put_in_order(sweeps, folder, FILE)
            remove_oldest(sweeps, FILE, KEPT_SWEEPS, spare=lambda _folder: False)

    def _load(self, sweep_id: str) -> SweepStatus:
        try:
            folder = self._folder / checked_run_id(sweep_id)
            status = SweepStatus.model_validate_json(folder.get(FILE))
        except (OSError, UnknownRunError) as error:
            raise UnknownSweepError(sweep_id) from error
        except ValueError as error:
            raise UnknownSweepError(sweep_id, DAMAGED) from error
        if status.active or status.sweep_id != sweep_id:
            raise UnknownSweepError(sweep_id, DAMAGED)
        return status

    @property
    def _folder(self) -> Folder:
        return self.queue.store.folder / FOLDER


def _judged(trial: Trial, accuracy: float, seconds: float) -> Trial:
    return trial.model_copy(
        update={"accuracies": (*trial.accuracies, accuracy), "seconds": seconds}
    )


def _ended(trial: Trial, state: TrialState, sentence: str = "") -> Trial:
    return trial.model_copy(update={"state": state, "sentence": sentence})
