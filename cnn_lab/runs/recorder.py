"""Recorder of a run in the process that trains it: what the run reports goes into the storage.

So a run outlives the page process that asked for it.
"""

import errno
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, cast

from cnn_lab.network import Network
from cnn_lab.runs.job import Event, Kind, Outcome, Parcel, State, Status, TrainingFailedError
from cnn_lab.runs.ledger import Job, ReportKind
from cnn_lab.runs.snapshots import Snapshots
from cnn_lab.runs.store import Store, kept_sentence

LIFE_EVERY_S = 15.0
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)

_log = logging.getLogger(__name__)


class Recorder:
    """Recorder of one run.

    Parameters
    ----------
    job : Job
    report : callable
        Called with the kind of a report and its content, for the ledger.
    clock : callable
        Returns seconds.

    Attributes
    ----------
    stopping : str
        Why the run has been asked to stop; empty if it has not.
    """

    def __init__(
        self,
        job: Job,
        report: Callable[[ReportKind, Any], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._job, self._report, self._clock = job, report, clock
        self._submitted_at = clock() - job.waited_s
        keeping = job.keeping
        self._store = Store(keeping.address, kept=keeping.kept, secret=job.secret)
        self._noting = threading.Lock()
        self._events: list[Event] = []
        self._snapshots: list[bytes] = []
        self._reached: Outcome | None = None
        self._n_sent = 0  # snapshots
        self._unsaved = self.stopping = ""

    def begin(self) -> None:
        """Record that the run has begun.

        Raises
        ------
        TrainingFailedError
            If the storage is not that of the pages, or this process may not write there.
        """
        job = self._job
        if job.spec.trial:
            return
        keeping = job.keeping
        if keeping.shared and keeping.word:
            with self._failing_unless(lambda _error: False):
                if self._store.word() != keeping.word:
                    raise OSError("there is another folder at this address")
        with (
            self._noting_failure(),
            self._failing_unless(lambda error: error.errno not in _FORBIDDEN),
        ):
            self._store.begin(job.run_id, job.spec, job.owner)

    @contextmanager
    def _failing_unless(self, harmless: Callable[[OSError], bool]) -> Iterator[None]:
        """Where a host has started the worker, say what to set if it cannot use the storage."""
        try:
            yield
        except OSError as error:
            keeping = self._job.keeping
            if not keeping.shared or harmless(error):
                raise
            raise TrainingFailedError(
                "The training worker cannot use the folder of runs that the pages use: "
                f"{error.strerror or error}. Set CNN_LAB_RUNS to a folder or an address, such as "
                "s3://bucket/runs, that pages and workers can read and write. "
                f"Received: CNN_LAB_RUNS={str(keeping.address)!r}"
            ) from error

    def show_life(self, ended: threading.Event) -> None:
        """Show other servers that the run is going on, until it has ended."""
        while not self._job.spec.trial and not ended.wait(LIFE_EVERY_S):
            with suppress(OSError):  # the next one may succeed
                self._store.show_life(self._job.run_id)

    def note(self, kind: str, values: Mapping[str, float] | None = None) -> None:
        """Note and report an event of the run."""
        at_s = self._clock() - self._submitted_at
        event = Event(cast(Kind, kind), at_s, dict(values or {}))
        with self._noting:  # settings come from another thread than all others
            self._events.append(event)
            self._report("event", event)

    def keep(self, parcel: Parcel) -> None:
        """Save what an epoch has reached, or a snapshot, before it is reported."""
        if isinstance(parcel, Outcome):
            self._reached = parcel
            if parcel.network is not None:
                with self._noting_failure():
                    self._store.keep_epoch(self._job.run_id, parcel.network, self._events)
            self._report("epoch", (parcel.result, parcel.network if self._unsaved else None))
            return
        self._snapshots.append(parcel)
        with self._noting_failure():
            self._store.keep_snapshot(self._job.run_id, len(self._snapshots), parcel)
        snapshot = Snapshots([parcel])[0]
        self.note(
            "snapshot", {name: getattr(snapshot, name) for name in ("n_images", "epoch", "batch")}
        )

    def end(self, outcome: Outcome | TrainingFailedError) -> None:
        """Save and report how the run ended: with an outcome, or a failure."""
        state: State
        if isinstance(outcome, TrainingFailedError):
            state = "stopped" if self.stopping else "failed"
            sentence = f"{self.stopping} {outcome}".strip()
            reached = self._reached
            if reached is not None:
                sentence += f" {kept_sentence(reached.result)}"
        else:
            reached = outcome
            state = "stopped" if outcome.cut_short else "done"
            sentence = (self.stopping or outcome.cut_short) if outcome.cut_short else ""
        network = reached.network if reached is not None else None
        result = reached.result if reached is not None else {}
        job, kept = self._job, False
        if not job.spec.trial:
            result = result if network is not None else {}
            status = Status(
                job.run_id, (job.owner,), job.spec, state, sentence=sentence, result=result
            )
            kept = self._keep_end(status, network, reached)
        unsaved = network if self._unsaved else None  # the ledger keeps it instead
        self._report("ended", (state, sentence, result, self._unsaved, kept, unsaved))

    def _keep_end(self, status: Status, network: Network | None, reached: Outcome | None) -> bool:
        """Save a run, unless it has reported nothing, and return whether all of it is saved."""
        if network is None and not any(event.kind == "batch" for event in self._events):
            self._store.discard(status.run_id)
            self._unsaved = ""
            return False
        before, self._unsaved = self._unsaved, ""
        with self._noting_failure():
            if before:  # perhaps there is room again
                for number, snapshot in enumerate(self._snapshots, start=1):
                    self._store.keep_snapshot(status.run_id, number, snapshot)
            history = reached.history if reached is not None else []
            self._store.keep(status, network, history, self._events)
        return not self._unsaved

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        """Note why a write has failed; training goes on, and the end of the run tries again."""
        try:
            yield
        except OSError as error:
            _log.warning("The results of a run could not be saved.", exc_info=True)
            self._unsaved = str(error.strerror or error)
            # From now on the ledger keeps the snapshots.
            self._report("unsaved", (self._unsaved, self._snapshots[self._n_sent :]))
            self._n_sent = len(self._snapshots)
