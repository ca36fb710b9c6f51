"""Ledger of the runs at a scheduler: who asked for each, in which order, and where it is trained.

There is one beside each scheduler, and all page processes use it, so that they share one queue. It
knows nothing of Dask: what it sends to workers and tells the pages goes through two functions. Each
page process holds a copy, kept up to date by what the ledger tells, in which a page looks things
up without asking anyone.
"""

import pickle
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from cnn_lab.content.words import counted
from cnn_lab.data.mnist import Split
from cnn_lab.network import Network
from cnn_lab.runs.job import (
    ACTIVE,
    Command,
    CommandValue,
    Event,
    RunRefusedError,
    RunSpec,
    State,
    Status,
    UnknownRunError,
)
from cnn_lab.runs.store import Address, Kept, kept_sentence
from cnn_lab.training.engine import Weights

MAX_ANONYMOUS = 4  # active runs of owners who can present themselves as any number of others
KEPT_RUNS, KEPT_TRIALS = 200, 20  # that have ended
MAX_UNSAVED = 3  # runs whose weights are in memory only
ANONYMOUS = "session-"  # what the names of owners begin with who have no cookie
AS_REQUESTED = "Stopped as requested."
PAGE_CLOSED = "Stopped because the page was no longer open."
ELSEWHERE = ""  # stands for page processes that have not connected yet
WORKER_DIED = (
    "The training process has died, and this run ended with it. The next run starts a new one."
)
WORKER_RETIRED = (
    "The worker that trained this run was taken out of the cluster, and the run ended with it."
)

STEERABLE: frozenset[State] = frozenset({"waiting", "starting", "training", "paused"})
_STATE_AFTER: Mapping[str, State] = {
    "batch": "training",
    "paused": "paused",
    "validating": "training",
    "epoch": "training",
    "testing": "testing",
}
ReportKind = Literal["event", "unsaved", "epoch", "ended"]
Send = Callable[[str, str, Any], None]
"""Called with a worker, the id of a run, and a `Job` or what to tell the run's process."""


def is_anonymous(owner: str) -> bool:
    """Return whether an owner is a single session, of a browser or program without cookies."""
    return owner.startswith(ANONYMOUS)


@dataclass(frozen=True)
class Keeping:
    """Where and how a worker keeps a run.

    Attributes
    ----------
    address : str or path
        Of the storage.
    word : str
        What is written in the storage as the pages see it; empty if they cannot write there.
    kept : Kept
    shared : bool
        Whether the worker is one that a host has started. It must find the pages' storage then,
        and be allowed to write there.
    """

    address: Address
    word: str = ""
    kept: Kept = field(default_factory=Kept)
    shared: bool = False


@dataclass(frozen=True)
class Job:
    """What a worker gets to know of a run.

    Attributes
    ----------
    owner : str
        Who asked for it first.
    secret : bytes
        With which the storage tells the runs of an owner from those of others.
    initial : mapping of str to ndarray or None
        The weights of its `start`.
    own : Split or None
        Its own drawings; they are not stored.
    waited_s : float
        Seconds between its submission and now.
    """

    run_id: str
    spec: RunSpec
    keeping: Keeping
    owner: str = ""
    secret: bytes = b""
    initial: Weights | None = None
    own: Split | None = None
    waited_s: float = 0.0


@dataclass
class Run:
    """A run, with everything that is known about it.

    Attributes
    ----------
    owners : list of str
        Who asked for it, the first one first; all of them see the same run.
    submitted_at : float
        Time on the ledger's clock.
    initial : mapping of str to ndarray or None
        The weights of its `start`, until it has begun.
    own : Split or None
        Its own drawings, until it has begun; other page processes never get them.
    worker : str
        Address of the worker that trains it; empty while it waits.
    stopping : str
        Why it has been asked to stop; empty if it has not.
    steered : bool
        Whether someone has changed, paused or stopped it, so that no other request gets the same.
    kept : bool
        Whether it has ended and events and snapshots are in the storage.
    broken : bool
        Whether it has ended without a word from its worker, which has not saved how.
    unsaved : str
        Why not all of it could be saved so far; empty if it could.
    unsent : list
        Commands not sent yet because it has not begun.
    version : int
        Number of changes so far.
    """

    run_id: str
    owners: list[str]
    spec: RunSpec
    keeping: Keeping
    submitted_at: float
    initial: Weights | None = None
    own: Split | None = None
    state: State = "waiting"
    sentence: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    worker: str = ""
    stopping: str = ""
    steered: bool = False
    kept: bool = False
    broken: bool = False
    unsaved: str = ""
    unsent: list[tuple[Command, CommandValue]] = field(default_factory=list)
    version: int = 0

    @property
    def active(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in ACTIVE

    def status(self, position: int = 0, wait_s: float | None = None) -> Status:
        """Return its status for a page; `position` is its place in the queue."""
        return Status(
            self.run_id,
            tuple(self.owners),
            self.spec,
            self.state,
            position,
            wait_s,
            self.sentence or self.stopping,
            self.result,
            self.unsaved,
        )

    def serves(self, spec: RunSpec) -> bool:
        """Return whether another request for `spec` gets just what this run will give.

        Trials of a sweep are compared with each other, and each is a run of its own; so is a run
        with own drawings, of which the spec has only the number.
        """
        shareable = not (self.steered or spec.trial or spec.own_drawings)
        return self.active and shareable and self.spec == spec


@dataclass
class Unsaved:
    """What a run has reached and could not save."""

    network: Network | None = None
    snapshots: list[bytes] = field(default_factory=list)


class Ledger:
    """All runs of one queue, in the order in which they were submitted.

    Parameters
    ----------
    send, tell : callable
        `tell` is called with a dict for all pages after each change.
    clock : callable
        Returns seconds.

    Attributes
    ----------
    word : str
        Differs from ledger to ledger, so that pages notice a new one.

    Notes
    -----
    Not for several threads at once.
    """

    def __init__(
        self,
        send: Send = lambda *_: None,
        tell: Callable[[dict[str, Any]], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send, self._tell, self._clock = send, tell, clock
        self.word, self._secret = secrets.token_hex(8), secrets.token_bytes(16)
        self.runs: dict[str, Run] = {}
        self.n_workers = 0
        self._workers: dict[str, str] = {}  # and the run that each trains; "" for none
        self._present: dict[str, set[str]] = {}  # page process -> owners who are there
        self._unsaved: dict[str, Unsaved] = {}

    # What pages ask for; each answer is a copy.

    def all(self) -> tuple[str, list[Run]]:
        """Return the ledger's `word`, and all runs."""
        return self.word, [_copy(run) for run in self.runs.values()]

    def find(self, run_id: str) -> Run | None:
        """Return a run; None if it is not known."""
        return _copy(self.runs[run_id]) if run_id in self.runs else None

    def events(self, run_id: str, after: int) -> list[Event]:
        """Return the events of a run after its first `after` ones."""
        return self._run(run_id).events[after:]

    def unsaved_network(self, run_id: str) -> Network | None:
        """Return the network of a run that could not be saved; None if there is none."""
        return self._unsaved[run_id].network if run_id in self._unsaved else None

    def unsaved_snapshots(self, run_id: str, after: int) -> list[bytes]:
        """Return the snapshots of a run that could not be saved, after its first `after` ones."""
        return self._unsaved[run_id].snapshots[after:] if run_id in self._unsaved else []

    def submit(self, page: str, run: Run, length: int) -> Run:
        """Add a run, or join one that does the same, and return it.

        Parameters
        ----------
        page : str
            The page process in which its owner is present.
        run : Run
            Of one owner.
        length : int
            How many may wait.

        Raises
        ------
        RunRefusedError
            If the owner has another run, or too many are waiting.
        """
        [owner] = run.owners
        active = self.active()
        mine = next((one for one in active if owner in one.owners), None)
        same = next((one for one in active if one.serves(run.spec)), None)
        if mine is not None and mine is not same:
            raise RunRefusedError(
                "One run at a time: yours is still running. Stop it or let it finish, and start "
                "again."
            )
        if same is None:
            self._check_room(owner, active, length)
            same = self._add(run)
        elif mine is None:
            same.owners.append(owner)
        self._present.setdefault(page, set()).add(owner)
        self._changed(same)
        self._dispatch()
        return _copy(same)

    def restore(self, page: str, here: Iterable[str], runs: Iterable[Run]) -> None:
        """Add runs that waited in a page process, or at another ledger that is gone.

        Parameters
        ----------
        page : str
            The page process.
        here : iterable of str
            The owners who are present there. Others count as present elsewhere for a while.
        runs : iterable of Run
        """
        self._present.setdefault(page, set()).update(here)
        for run in runs:
            if run.run_id not in self.runs:
                self._present.setdefault(ELSEWHERE, set()).update(set(run.owners) - set(here))
                self._changed(self._add(run))
        self._dispatch()

    def control(self, run_id: str, command: Command, value: CommandValue = None) -> Run:
        """Send a command other than "stop" to a run, once it has begun, and return the run."""
        run = self._run(run_id)
        if run.state in STEERABLE and not run.stopping:
            run.steered = True
            run.unsent.append((command, value))
            self._send_commands(run)
            self._changed(run)
        return _copy(run)

    def stop(self, run_id: str, why: str = AS_REQUESTED) -> Run:
        """Stop a run after its current batch, or withdraw it if it has not begun."""
        run = self._run(run_id)
        self._stop(run, why)
        return _copy(run)

    def leave(self, run_id: str, owner: str) -> Run:
        """Stop an owner's run, or leave it to those who share it."""
        run = self._run(run_id)
        if len(run.owners) > 1 and owner in run.owners:
            run.owners.remove(owner)
            self._changed(run)
        elif run.owners == [owner]:
            self._stop(run, AS_REQUESTED)
        return _copy(run)

    def end(self, run_id: str, state: State, sentence: str) -> Run:
        """End a run of which nothing more is to be expected; what its epochs gave is kept.

        Its worker gets no other run before it has reported that this one has ended.
        """
        run = self._run(run_id)
        if run.active:
            if run.result:
                sentence += f" {kept_sentence(run.result)}"
            run.state, run.sentence = state, f"{run.stopping} {sentence}".strip()
            run.broken = bool(run.worker)
            self._ended(run)
        return _copy(run)

    def present(self, page: str, owners: Iterable[str]) -> tuple[str, int]:
        """Note who is present in a page process, and stop runs whose owners are all gone.

        Returns
        -------
        str
            The ledger's `word`.
        int
            Number of workers.
        """
        self._present[page] = set(owners)
        self._stop_abandoned()
        return self.word, len(self._workers)

    def forget(self, page: str) -> None:
        """Forget who was present in a page process that has been gone for some time."""
        self._present.pop(page, None)
        self._stop_abandoned()

    def use(self, worker: str) -> None:
        """Have a worker train runs from now on."""
        if worker not in self._workers:
            self._workers[worker] = ""
            self._tell_workers()
            self._dispatch()

    def dismiss(self, worker: str) -> bool:
        """Give no more runs to a worker, unless it trains one, and return whether it does not."""
        if self._workers.get(worker):
            return False
        if self._workers.pop(worker, None) is not None:
            self._tell_workers()
        return True

    # What workers report.

    def report(self, worker: str, run_id: str, kind: ReportKind, content: Any) -> None:
        """Note what a worker reports of a run; the run may have been given up before."""
        run = self.runs.get(run_id)
        if kind == "ended" and self._workers.get(worker) == run_id:
            self._workers[worker] = ""
            self._tell({"kind": "ended", "worker": worker})
        if run is None or run.worker != worker or not run.active:
            self._dispatch()
            return
        match kind:
            case "event":
                self._note(run, content)
                return
            case "unsaved":
                run.unsaved, snapshots = content
                self._unsaved.setdefault(run_id, Unsaved()).snapshots += snapshots
            case "epoch":
                run.result, network = content
                self._keep_unsaved(run_id, network)
            case "ended":
                run.state, run.sentence, run.result, run.unsaved, run.kept, network = content
                self._keep_unsaved(run_id, network)
                self._ended(run)
                return
        self._changed(run)

    @property
    def training(self) -> set[str]:
        """Workers that have a run."""
        return {worker for worker, run_id in self._workers.items() if run_id}

    def gone(self, worker: str, why: str = WORKER_DIED) -> None:
        """Note that a worker has gone; its run, if it trained one, has failed."""
        run_id = self._workers.pop(worker, None)
        if run_id is None:
            return
        self._tell_workers()
        if run_id:
            self.end(run_id, "stopped" if self.runs[run_id].stopping else "failed", why)

    # What copies are told.

    def apply(self, told: Mapping[str, Any]) -> bool:
        """Follow what another ledger tells, and return whether events are missing here."""
        if told["kind"] == "workers":
            self.n_workers = told["n"]
        elif told["kind"] == "run":
            self.put(pickle.loads(told["run"]))
        elif told["kind"] == "event":
            run = self.runs.get(told["run"])
            if run is None or not run.active:
                return False
            if told["n"] > len(run.events):
                return True
            if told["n"] == len(run.events):
                run.events.append(Event(told["what"], told["at_s"], told["values"]))
                run.state = _STATE_AFTER.get(told["what"], run.state)
        return False

    def put(self, run: Run) -> None:
        """Take over a run from another ledger, unless what is known here is newer."""
        before = self.runs.get(run.run_id)
        if before is None:
            self.runs[run.run_id] = run
            self._forget_old()
        elif before.version < run.version:
            events = max(before.events, run.events, key=len)
            run.events = [] if run.kept else events
            if run.state == "waiting":
                run.initial, run.own = before.initial, before.own
            else:
                run.initial = run.own = None
            self.runs[run.run_id] = run

    def active(self) -> list[Run]:
        """Return the runs that have not ended, in the order in which they were submitted."""
        active = [run for run in self.runs.values() if run.active]
        # A copy may hear of a run of its own page before an earlier one of another page.
        return sorted(active, key=lambda run: run.submitted_at)

    def _run(self, run_id: str) -> Run:
        if run_id not in self.runs:
            raise UnknownRunError(run_id)
        return self.runs[run_id]

    def _add(self, run: Run) -> Run:
        run = self.runs[run.run_id] = replace(run, submitted_at=self._clock())
        self._forget_old()
        return run

    def _check_room(self, owner: str, active: Sequence[Run], length: int) -> None:
        """Raise a RunRefusedError if there is no room for another run of an owner."""
        n_waiting = sum(run.state == "waiting" for run in active)
        if n_waiting >= max(length, 1):
            raise RunRefusedError(
                f"{counted(n_waiting, 'run')} {'is' if n_waiting == 1 else 'are'} waiting, which "
                "is the most this server accepts. Please try again in a few minutes."
            )
        anonymous = [run for run in active if all(map(is_anonymous, run.owners))]
        if is_anonymous(owner) and len(anonymous) >= MAX_ANONYMOUS:
            raise RunRefusedError(
                f"{counted(len(anonymous), 'run')} of browsers that keep no cookies are active, "
                "which is the most this server accepts. Allow cookies for this page, or try again "
                "in a few minutes."
            )

    def _dispatch(self) -> None:
        """Hand the runs that have waited longest to the workers that train none."""
        for worker, trained in self._workers.items():
            run = next((one for one in self.runs.values() if one.state == "waiting"), None)
            if run is None:
                return
            if not trained:
                self._begin(run, worker)

    def _begin(self, run: Run, worker: str) -> None:
        run.state, run.worker = "starting", worker
        self._workers[worker] = run.run_id
        waited_s = self._clock() - run.submitted_at
        job = Job(
            run.run_id,
            run.spec,
            run.keeping,
            run.owners[0],
            self._secret,
            run.initial,
            run.own,
            waited_s,
        )
        run.initial = run.own = None
        self._send(worker, run.run_id, job)
        self._send_commands(run)
        self._changed(run)

    def _send_commands(self, run: Run) -> None:
        if run.worker:
            for command in run.unsent:
                self._send(run.worker, run.run_id, command)
            run.unsent.clear()

    def _stop(self, run: Run, why: str) -> None:
        if run.stopping or run.state not in STEERABLE:
            return
        run.steered, run.stopping = True, why
        if run.worker:
            self._send(run.worker, run.run_id, ("stop", why))
            self._changed(run)
        else:
            run.state, run.sentence = "stopped", why
            self._ended(run)

    def _stop_abandoned(self) -> None:
        here = set().union(*self._present.values())
        for run in self.active():
            if here.isdisjoint(run.owners):
                self._stop(run, PAGE_CLOSED)

    def _keep_unsaved(self, run_id: str, network: Network | None) -> None:
        if network is not None:
            self._unsaved.setdefault(run_id, Unsaved()).network = network

    def _note(self, run: Run, event: Event) -> None:
        run.events.append(event)
        run.state = _STATE_AFTER.get(event.kind, run.state)
        self._tell(
            {
                "kind": "event",
                "run": run.run_id,
                "n": len(run.events) - 1,
                "what": event.kind,
                "at_s": event.at_s,
                "values": dict(event.values),
            }
        )

    def _ended(self, run: Run) -> None:
        run.initial = run.own = None
        self._changed(run)
        if run.kept:
            run.events = []
        self._forget_old()
        self._dispatch()

    def _changed(self, run: Run) -> None:
        """Tell the pages of a change, without the events, which they are told one by one."""
        run.version += 1
        told = replace(_copy(run), events=[])
        self._tell({"kind": "run", "run": pickle.dumps(told)})

    def _tell_workers(self) -> None:
        self._tell({"kind": "workers", "n": len(self._workers)})

    def _forget_old(self) -> None:
        for trial, n_kept in ((False, KEPT_RUNS), (True, KEPT_TRIALS)):
            ended = [
                run_id
                for run_id, run in self.runs.items()
                if not run.active and run.spec.trial == trial
            ]
            for run_id in ended[: max(0, len(ended) - n_kept)]:
                del self.runs[run_id]
        active = {run.run_id for run in self.active()}
        ended = [run_id for run_id in self._unsaved if run_id not in active]
        for run_id in ended[: max(0, len(ended) - MAX_UNSAVED)]:
            del self._unsaved[run_id]


def _copy(run: Run) -> Run:
    """Return what pages get to know of a run."""
    owners, events = list(run.owners), list(run.events)
    return replace(run, owners=owners, events=events, initial=None, own=None)
