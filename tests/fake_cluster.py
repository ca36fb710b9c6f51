"""A cluster that trains nothing: what happens to a run is up to the test."""

import pickle
import threading
from collections.abc import Callable
from typing import Any

from cnn_lab.concepts.checks import Answer, CheckFailedError, LayerCheck
from cnn_lab.runs.checks import KerasFile, KerasFileRequest
from cnn_lab.runs.job import Outcome, RunSpec, TrainingFailedError
from cnn_lab.runs.ledger import Job, Ledger, ReportKind
from cnn_lab.runs.recorder import Recorder

PATIENCE_S = 60


class FakeTask:
    """A run that has been handed to a worker, and the commands that arrived for it."""

    def __init__(self, job: Job, report: Callable[[ReportKind, Any], None]) -> None:
        self.job, self.initial = job, job.initial
        self._recorder = Recorder(job, report)
        self.commands: list[tuple[str, Any]] = []
        try:
            self._recorder.begin()
        except TrainingFailedError as failure:
            self._recorder.end(failure)
        self.tell, self.send = self._recorder.note, self._recorder.keep

    def command(self, what: str, value: Any) -> None:
        if what == "stop":
            self._recorder.stopping = value
            self.end(Outcome(None, [], {}, "Stopped as requested."))
            return
        self.commands.append((what, value))
        if what == "settings":
            self.tell("settings", value)

    def end(self, outcome: Outcome | TrainingFailedError) -> None:
        self._recorder.end(outcome)


class FakeCluster:
    """Takes the place of `cnn_lab.runs.cluster.Cluster` in a RunQueue."""

    has_keras = True
    page = "this one"

    def __init__(self, n_workers: int = 1) -> None:
        self._workers = [f"worker {number}" for number in range(n_workers)]
        self._tasks: dict[str, FakeTask] = {}
        self._changed = threading.Condition(threading.RLock())
        self._told: Callable[[dict[str, Any]], None] = lambda _: None
        self._ledger = Ledger(self._send, self._tell)

    def __call__(self, told: Callable[[dict[str, Any]], None]) -> "FakeCluster":
        """Return itself, as what a RunQueue asks for a cluster."""
        self._told = told
        return self

    def task(self, run_id: str) -> FakeTask:
        """Return a run once a worker has it."""
        with self._changed:
            assert self._changed.wait_for(lambda: run_id in self._tasks, PATIENCE_S)
        return self._tasks[run_id]

    def submitted(self, meant: Callable[[RunSpec], bool]) -> str:
        """Return the id of a run with such a specification, once a worker has it."""

        def found() -> str | None:
            return next((name for name, task in self._tasks.items() if meant(task.job.spec)), None)

        with self._changed:
            run_id = self._changed.wait_for(found, PATIENCE_S)
        assert run_id is not None
        return run_id

    def tell(self, run_id: str, kind: str, **values: float) -> None:
        """Report an event of a run."""
        self.task(run_id).tell(kind, values)

    def start(self) -> None:
        """Have the workers come to the ledger."""
        for worker in self._workers:
            self.call("use", worker)

    def call(self, method: str, *arguments: Any) -> Any:
        with self._changed:
            return pickle.loads(pickle.dumps(getattr(self._ledger, method)(*arguments)))

    def _tell(self, told: dict[str, Any]) -> None:
        self._told(told)

    def _send(self, worker: str, run_id: str, content: Any) -> None:
        if isinstance(content, Job):

            def report(kind: ReportKind, told: Any) -> None:
                with self._changed:
                    self._ledger.report(worker, run_id, kind, told)

            self._tasks[run_id] = FakeTask(content, report)
            self._changed.notify_all()
        else:
            self._tasks[run_id].command(*content)

    def tend(self, *, waiting: bool) -> None:
        """No worker dies."""

    def give_up(self, worker: str) -> None:
        """No worker is stuck."""

    def close(self) -> None:
        """Nothing was started."""

    listen = close

    def check(self, request: LayerCheck) -> Answer:
        raise CheckFailedError("There is no Keras here.")

    def keras_file(self, request: KerasFileRequest) -> KerasFile:
        raise CheckFailedError("There is no Keras here.")
