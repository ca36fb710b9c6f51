"""One run as the engine has it in hand, from the moment it is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from cnn_lab.runs.job import Command, Event, Kind, RunSpec, State, Status
from cnn_lab.runs.outbox import Reached

if TYPE_CHECKING:
    from cnn_lab.runs.task import Task

STEERABLE: frozenset[State] = frozenset({"waiting", "starting", "training", "paused"})
_STATE_AFTER: Mapping[str, State] = {
    "batch": "training",
    "paused": "paused",
    "validating": "training",
    "epoch": "training",
    "testing": "testing",
}


@dataclass
class GoingRun:
    """A run with all that is known of it, in this process only.

    Attributes
    ----------
    asked_at : float
        By the queue's clock.
    reached : Reached or None
        At the end of its last finished epoch, once there is one.
    snapshots : list of bytes
    kept : bool
        Whether events and snapshots are on disk, and no longer here.
    stopping : str
        Why it is to stop; empty if it is not.
    stop_asked_at, held_up_since : float or None
        Since when it is to stop; since when it has been paused while others wait.
    wishes : list
        Commands that have not been sent yet, because it has not begun.
    """

    run_id: str
    owner: str
    spec: RunSpec
    asked_at: float
    state: State = "waiting"
    sentence: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    snapshots: list[bytes] = field(default_factory=list)
    reached: Reached | None = None
    kept: bool = False
    task: "Task | None" = None
    stopping: str = ""
    stop_asked_at: float | None = None
    held_up_since: float | None = None
    wishes: list[tuple[Command, float | None]] = field(default_factory=list)

    def status(self, position: int = 0) -> Status:
        """Return what a page needs to know; `position` is that in the queue."""
        return Status(
            self.run_id,
            self.owner,
            self.spec,
            self.state,
            position,
            self.sentence or self.stopping,
            self.result,
        )

    def note(self, kind: str, values: Mapping[str, float], now: float) -> None:
        """Add an event, and be where it says the run is."""
        self.events.append(Event(cast(Kind, kind), now - self.asked_at, values))
        self.state = _STATE_AFTER.get(kind, self.state)

    def steer(self, command: Command, value: float | None) -> None:
        """Send a command, in order; one that comes too early waits until the run has begun."""
        self.wishes.append((command, value))
        self.send_wishes()

    def send_wishes(self) -> None:
        """Send what could not be sent before."""
        if self.task is not None and self.task.worker is not None:
            for command, value in self.wishes:
                self.task.command(command, value)
            self.wishes.clear()

    def stop(self, why: str, now: float) -> None:
        """Have it stop, if it has begun."""
        self.stopping, self.stop_asked_at = why, now
        if self.task is not None:
            self.task.stop()

    def end(self, ended: Status) -> None:
        """Be over; what is on disk need not be here any longer."""
        self.state, self.sentence, self.result = ended.state, ended.sentence, ended.result
        self.kept = bool(ended.result) and not self.spec.trial
        if self.kept:
            self.events, self.snapshots = [], []
        self.task = self.reached = None
