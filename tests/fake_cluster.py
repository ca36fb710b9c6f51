"""A cluster that trains nothing: what happens to a run is up to the test."""

import threading
from collections.abc import Callable
from typing import Any

from cnn_lab.concepts.checks import Answer, CheckFailedError, LayerCheck
from cnn_lab.runs.checks import KerasFile, KerasFileRequest
from cnn_lab.runs.job import Command, CommandValue, Outcome, Parcel, RunSpec, TrainingFailedError

PATIENCE_S = 60
TICK_S = 0.01


class FakeTask:
    """A run that has been handed to the cluster, and the commands that arrived for it."""

    worker = "nowhere"

    def __init__(self, on_event: Callable[..., None], on_parcel: Callable[[Parcel], None]) -> None:
        self.tell, self.send = on_event, on_parcel
        self.initial: Any = None
        self.commands: list[tuple[Command, CommandValue]] = []
        self.followed, self.ended = threading.Event(), threading.Event()
        self.outcome: Outcome | TrainingFailedError | None = None

    def command(self, what: Command, value: CommandValue = None) -> None:
        self.commands.append((what, value))

    def stop(self) -> None:
        self.end(Outcome(None, [], {}, "Stopped as requested."))

    def end(self, outcome: Outcome | TrainingFailedError | None) -> None:
        self.outcome = outcome
        self.ended.set()


class FakeCluster:
    """Takes the place of `cnn_lab.runs.cluster.Cluster` in a RunQueue."""

    has_keras = True

    def __init__(self) -> None:
        self._tasks: dict[str, FakeTask] = {}
        self._changed = threading.Condition()

    def __call__(self) -> "FakeCluster":
        """Return itself, as what a RunQueue asks for a cluster."""
        return self

    def task(self, run_id: str) -> FakeTask:
        """Return a run once the queue follows it."""
        with self._changed:
            assert self._changed.wait_for(lambda: run_id in self._tasks, PATIENCE_S)
        task = self._tasks[run_id]
        assert task.followed.wait(PATIENCE_S)
        return task

    def tell(self, run_id: str, kind: str, **values: float) -> None:
        """Report an event of a run."""
        self.task(run_id).tell(kind, values)

    def submit(
        self, run_id: str, _spec: RunSpec, on_event: Any, on_parcel: Any, initial: Any = None
    ) -> FakeTask:
        with self._changed:
            task = self._tasks[run_id] = FakeTask(on_event, on_parcel)
            task.initial = initial
            self._changed.notify_all()
        return task

    def wait(self, task: FakeTask, _timeout_s: float) -> bool:
        task.followed.set()
        return task.ended.wait(TICK_S)

    def outcome(self, task: FakeTask) -> Outcome | None:
        if isinstance(task.outcome, TrainingFailedError):
            raise task.outcome
        return task.outcome

    def check(self, request: LayerCheck) -> Answer:
        raise CheckFailedError("There is no Keras here.")

    def keras_file(self, request: KerasFileRequest) -> KerasFile:
        raise CheckFailedError("There is no Keras here.")

    def start(self) -> None:
        """Nothing has to be started."""

    renew = close = start

    def give_up(self, task: FakeTask) -> None:
        task.end(TrainingFailedError("The training process did not respond."))
