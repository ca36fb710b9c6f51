"""What the engine writes down of its runs while they go on and after, and reads again."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import overload

from cnn_lab.runs import store
from cnn_lab.runs.active_run import GoingRun
from cnn_lab.runs.ending import Ending
from cnn_lab.runs.folder import Address
from cnn_lab.runs.job import Event, Status
from cnn_lab.runs.outbox import Parcel, Reached
from cnn_lab.runs.snapshot import Snapshot

_log = logging.getLogger(__name__)


class Snapshots(Sequence[Snapshot]):
    """The snapshots of a run, oldest first, each unpacked when it is looked at."""

    def __init__(self, packed: Sequence[bytes]) -> None:
        self._packed = tuple(packed)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._packed)

    @overload
    def __getitem__(self, index: int) -> Snapshot: ...
    @overload
    def __getitem__(self, index: slice) -> "Snapshots": ...
    def __getitem__(self, index: int | slice) -> "Snapshot | Snapshots":
        """Return one, or some of them."""
        if isinstance(index, slice):
            return Snapshots(self._packed[index])
        return _unpacked(self._packed[index])


@lru_cache(maxsize=16)
def _unpacked(packed: bytes) -> Snapshot:
    return Snapshot.from_bytes(packed)


class Keeper:
    """Keeps runs in a folder; what goes wrong while a run goes on does not end it.

    Parameters
    ----------
    folder : str or path
        See `store.runs_folder`.
    """

    def __init__(self, folder: Address) -> None:
        self._folder = folder
        self.events: Callable[[str], list[Event]] = lru_cache(maxsize=4)(
            partial(store.load_events, folder)
        )
        self._packed: Callable[[str], list[bytes]] = lru_cache(maxsize=2)(
            partial(store.load_snapshots, folder)
        )

    def begin(self, run: GoingRun) -> None:
        """Note that a run has begun."""
        if not run.spec.trial:
            with self._in_spite_of_trouble():
                store.begin_run(self._folder, run.run_id, run.spec)

    def take(self, run: GoingRun, parcel: Parcel) -> Snapshot | None:
        """Keep a parcel of a run; return the snapshot, if it is one."""
        if isinstance(parcel, Reached):
            run.reached = parcel
            if parcel.network is not None:
                with self._in_spite_of_trouble():
                    store.keep_epoch(self._folder, run.run_id, parcel.network, list(run.events))
            return None
        run.snapshots.append(parcel)
        with self._in_spite_of_trouble():
            store.keep_snapshot(self._folder, run.run_id, len(run.snapshots), parcel)
        return _unpacked(parcel)

    def end(self, run: GoingRun, ending: Ending) -> Status:
        """Keep what a run has come to, if it has come to anything, and return how it ended."""
        reached = ending.reached
        ended = replace(run.status(), state=ending.state, sentence=ending.sentence)
        if run.spec.trial or reached is None or reached.network is None:
            if not run.spec.trial:
                store.discard_run(self._folder, run.run_id)
            return replace(ended, result=reached.result if reached else {})
        ended = replace(ended, result=reached.result)
        try:
            store.keep_run(self._folder, ended, reached.network, reached.history, run.events)
        except OSError as error:
            why = f"The run could not be saved: {error.strerror or error}."
            return replace(ended, state="failed", sentence=why, result={})
        return ended

    def status(self, run_id: str) -> Status:
        """Return how a kept run ended; see `store.load_status`."""
        return store.load_status(self._folder, run_id)

    def snapshots(self, run_id: str) -> Sequence[bytes]:
        """Return the snapshots of a kept run, oldest first."""
        return self._packed(run_id)

    def weights(self, run_id: str) -> Path:
        """Return the weights file of a kept run; see `store.run_path`."""
        return store.run_path(run_id, self._folder)

    @contextmanager
    def _in_spite_of_trouble(self) -> Iterator[None]:
        """Go on where a file cannot be written: the run's end will tell, or try again."""
        try:
            yield
        except OSError:
            _log.warning("The results of a run could not be saved.", exc_info=True)
