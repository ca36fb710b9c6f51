"""One sweep under way: a thread that hands the run queue one trial after the other."""

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from cnn_lab.network.spec import plain_error
from cnn_lab.runs.job import RunRefusedError, RunSpec, Status, new_run_id
from cnn_lab.runs.queue import RunQueue
from cnn_lab.runs.sweep.records import SweepSpec, SweepState, SweepStatus, Trial, TrialState
from cnn_lab.runs.sweep.space import run_of

if TYPE_CHECKING:
    from cnn_lab.runs.sweep.study import Study

TICK_S = 0.2
MAX_FAILURES_IN_A_ROW = 5

_log = logging.getLogger(__name__)


class Sweep:
    """Runs a sweep's trials through the run queue, in a thread of its own.

    Parameters
    ----------
    spec : SweepSpec
    owner : str
        Whose it is.
    queue : RunQueue
        Trains the trials, in turn with the runs of everybody else.
    watched : callable
        Whether the owner is still there; asked several times a second.
    ended : callable
        Called with the last status, in the sweep's thread.
    clock : callable
        Seconds.
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
        self._stopping = ""
        self._trainee = f"sweep-{self._status.sweep_id}"  # as whom it asks for runs
        self._thread = threading.Thread(target=self._run, daemon=True, name="sweep")

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    @property
    def status(self) -> SweepStatus:
        """How it stands now."""
        return self._status

    def stop(self, why: str = "Stopped as requested.") -> None:
        """End the trial under way and ask for no more; what has ended is kept."""
        with self._changed:
            if not self._stopping and self._status.active:
                self._stopping = why
                self._update(state="stopping", sentence=why)

    def wait(self, until: Callable[[SweepStatus], bool], timeout_s: float) -> SweepStatus:
        """Return the status once `until` says yes of it.

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
        """Put a trial in place of what was known of it."""
        others = self._status.trials[: trial.number - 1]
        self._update(trials=(*others, trial))
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
        return len(trials) == self._status.spec.n_trials and trials[-1].state != "stopped"

    def _go_through(self) -> str:
        """Do all trials; return why it gave up, or nothing."""
        from cnn_lab.runs.sweep.study import Study  # Optuna takes half a second

        study = Study(self._status.spec)
        n_failed = 0
        while not self._stopping and len(self._status.trials) < self._status.spec.n_trials:
            trial = self._see_through(study, self._note(study.ask()))
            study.tell(trial)
            n_failed = n_failed + 1 if trial.state == "failed" else 0
            if n_failed == MAX_FAILURES_IN_A_ROW:
                return f"{n_failed} trials in a row have failed; the last one: {trial.sentence}"
        return ""

    def _see_through(self, study: "Study", trial: Trial) -> Trial:
        """Have one trial trained, give it up where it is hopeless, and return how it ended."""
        try:
            run_id = self._submit(run_of(self._status.spec.base, trial.settings))
        except ValueError as error:  # the settings do not go together
            return self._note(_ended(trial, "failed", plain_error(error)))
        if run_id is None:
            return self._note(_ended(trial, "stopped", self._stopping))
        hopeless = stop_sent = False
        while True:
            self._look_around()
            status = self._queue.status(run_id)  # before the events: those of its end are there
            events = self._queue.events(run_id)
            fresh = [event for event in events if event.kind == "epoch"][len(trial.accuracies) :]
            for event in fresh:
                accuracy = event["val_accuracy"]
                trial = _judged(trial, accuracy, event["seconds"])
                hopeless |= study.should_give_up(trial.number, len(trial.accuracies), accuracy)
            if not status.active:
                return self._note(self._concluded(trial, status, hopeless=hopeless))
            if fresh or (events and trial.state == "waiting"):
                trial = self._note(trial.model_copy(update={"state": "training"}))
            if (hopeless or self._stopping) and not stop_sent:
                self._queue.control(run_id, "stop")
                stop_sent = True
            self._wait_a_moment()

    def _submit(self, run: RunSpec) -> str | None:
        """Return the id of the run once it is in the queue; None if the sweep is to stop."""
        trial = run.model_copy(update={"trial": True})
        while not self._stopping:
            try:
                return self._queue.submit(trial, self._trainee)
            except RunRefusedError:  # the queue is full: others come first
                self._look_around()
                self._wait_a_moment()
        return None

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
        """Keep the trial going while somebody watches, and the time is not up."""
        limit_s = self._status.spec.max_seconds
        if not self._watched():
            self.stop("Stopped because the page was no longer open.")
        elif self._clock() - self._began_at > limit_s:
            self.stop(f"Stopped after {limit_s:,.0f} s, the time limit of a sweep.")
        self._queue.touch(self._trainee)

    def _wait_a_moment(self) -> None:
        with self._changed:
            self._changed.wait(TICK_S)


def _judged(trial: Trial, accuracy: float, seconds: float) -> Trial:
    return trial.model_copy(
        update={"accuracies": (*trial.accuracies, accuracy), "seconds": seconds}
    )


def _ended(trial: Trial, state: TrialState, sentence: str = "") -> Trial:
    return trial.model_copy(update={"state": state, "sentence": sentence})
