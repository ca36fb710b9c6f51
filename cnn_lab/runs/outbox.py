"""What is worth keeping of a run travels while it goes on: parcels, and the box they wait in."""

import threading
from dataclasses import dataclass
from typing import Any

from cnn_lab.network import Network

MAX_WAITING = 16


@dataclass(frozen=True)
class Reached:
    """What a run had reached at the end of an epoch.

    Attributes
    ----------
    network : Network or None
        With its card; None of a trial, of which only the figures count.
    history : list of dict
        One per finished epoch.
    result : dict
        Epochs and images done, seconds, the last validation accuracy.
    """

    network: Network | None
    history: list[dict[str, Any]]
    result: dict[str, Any]


Parcel = Reached | bytes
"""What an epoch has reached, or a snapshot as bytes."""


class Outbox:
    """Parcels in order, each kept until whoever takes them says that it has arrived.

    Whoever trains puts in; the thread that answers the engine takes out.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[Parcel] = []
        self._n_arrived = 0

    def put(self, parcel: Parcel) -> int:
        """Add a parcel and return its number, from 1; of too many the oldest is lost."""
        with self._changed:
            self._waiting.append(parcel)
            if len(self._waiting) > MAX_WAITING:
                del self._waiting[0]
                self._n_arrived += 1
            return self._n_arrived + len(self._waiting)

    def after(self, n_arrived: int) -> tuple[int, list[Parcel]]:
        """Return the parcels after the first `n_arrived`, which are needed no more.

        Returns
        -------
        n_before : int
            The number of the parcel before these.
        parcels : list
        """
        with self._changed:
            del self._waiting[: max(0, n_arrived - self._n_arrived)]
            self._n_arrived = max(self._n_arrived, n_arrived)
            self._changed.notify_all()
            return self._n_arrived, list(self._waiting)

    def wait_for(self, number: int, timeout_s: float) -> bool:
        """Return whether a parcel has arrived, after waiting at most `timeout_s` for that."""
        with self._changed:
            return self._changed.wait_for(lambda: self._n_arrived >= number, timeout_s)
