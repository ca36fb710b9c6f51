"""How somebody else, in another thread, steers a run."""

import threading

from cnn_lab.training.loop.reports import TrainingStopped


class Control:
    """What somebody else wants of a run; the loop looks before each batch.

    Every method may be called from any thread, and returns at once.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._paused = self._stopped = False
        self._steps = 0
        self._rate: float | None = None

    def stop(self) -> None:
        """End the run after the current batch."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def pause(self) -> None:
        """Wait after the current batch."""
        with self._changed:
            self._paused, self._steps = True, 0

    def resume(self) -> None:
        """Go on after a pause."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def step(self) -> None:
        """Do one batch more, and wait again."""
        with self._changed:
            self._paused = True
            self._steps += 1
            self._changed.notify_all()

    def set_rate(self, highest: float) -> None:
        """Take another highest rate from the next batch on; the schedule keeps its shape."""
        with self._changed:
            self._rate = highest

    @property
    def stopped(self) -> bool:
        """Whether the run is to end."""
        return self._stopped

    @property
    def holds(self) -> bool:
        """Whether the next batch has to wait."""
        with self._changed:
            return self._paused and not self._steps and not self._stopped

    def wait_for_turn(self) -> None:
        """Return when the next batch may be done.

        Raises
        ------
        TrainingStopped
            If none may.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self._paused or self._steps)
            if self._stopped:
                raise TrainingStopped
            self._steps = max(0, self._steps - 1)

    def rate(self, scheduled: float, highest: float) -> float:
        """Return the rate of the next batch, given the schedule's and the schedule's highest."""
        return scheduled if self._rate is None else scheduled * self._rate / highest
