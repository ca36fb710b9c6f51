"""Where sweeps are asked for: one for each reader, a few at a time, the latest ones kept."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

from cnn_lab.runs.folder import Folder
from cnn_lab.runs.job import RunRefusedError, UnknownRunError, checked_run_id
from cnn_lab.runs.queue import RunQueue
from cnn_lab.runs.sweep.records import SweepSpec, SweepStatus
from cnn_lab.runs.sweep.runner import Sweep

MAX_SWEEPS = 2
KEPT_SWEEPS = 20
FOLDER, FILE = "sweeps", "sweep.json"


class UnknownSweepError(ValueError):
    """No sweep has this id, or it is no longer kept."""

    def __init__(self, sweep_id: str) -> None:
        super().__init__(
            f"A sweep is kept until newer ones replace it. Received: sweep={sweep_id[:40]!r}"
        )


class Desk:
    """Takes sweeps, and keeps what came of them beside the runs.

    Parameters
    ----------
    queue : RunQueue
        Trains all trials. A sweep asks for one at a time and then takes its place at the end
        of the queue, so runs of other readers go in between. Its folder of runs gets one of
        sweeps, and a sweep stops when the queue finds its owner gone.
    """

    def __init__(self, queue: RunQueue) -> None:
        self.queue = queue
        self._lock = threading.RLock()
        self._sweeps: dict[str, Sweep] = {}

    def start(self, spec: SweepSpec, owner: str) -> str:
        """Begin a sweep and return its id, which nobody can guess.

        Raises
        ------
        RunRefusedError
            If the owner has one under way, or too many are.
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
        """Return how a sweep stands; one of an earlier process if it is still kept.

        Raises
        ------
        UnknownSweepError
            If there is none.
        """
        with self._lock:
            sweep = self._sweeps.get(sweep_id)
        return sweep.status if sweep is not None else self._load(sweep_id)

    def latest(self, owner: str) -> str | None:
        """Return the id of the newest sweep that an owner has asked for here."""
        with self._lock:
            mine = [name for name, s in self._sweeps.items() if s.status.owner == owner]
        return mine[-1] if mine else None

    def stop(self, sweep_id: str) -> None:
        """Stop a sweep of this process; one that has ended takes no notice.

        Raises
        ------
        UnknownSweepError
            If there is none.
        """
        self._here(sweep_id).stop()

    def wait(
        self, sweep_id: str, until: Callable[[SweepStatus], bool], timeout_s: float
    ) -> SweepStatus:
        """Return the status of a sweep of this process once `until` says yes; see `Sweep.wait`."""
        return self._here(sweep_id).wait(until, timeout_s)

    def close(self) -> None:
        """Let every sweep stop."""
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
        """Write a sweep to its folder; a disk that takes nothing leaves it in memory."""
        with suppress(OSError):
            sweeps = Folder(self.queue.folder) / FOLDER
            anonymous = status.model_copy(update={"owner": ""})
            (sweeps / status.sweep_id).put(FILE, anonymous.model_dump_json(indent=2).encode())
            for old in _oldest_first(sweeps)[:-KEPT_SWEEPS]:
                old.remove()

    def _load(self, sweep_id: str) -> SweepStatus:
        try:
            folder = Folder(self.queue.folder) / FOLDER / checked_run_id(sweep_id)
            return SweepStatus.model_validate_json(folder.get(FILE))
        except (OSError, UnknownRunError, ValueError) as error:
            raise UnknownSweepError(sweep_id) from error


def _oldest_first(sweeps: Folder) -> list[Folder]:
    found: Iterator[Folder] = sweeps.folders(holding=FILE)
    return sorted(found, key=lambda folder: folder.modified(FILE))
