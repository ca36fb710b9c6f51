"""Which owners of runs are there: with a page open, or heard of lately."""

import threading
from collections.abc import Callable


class Presence:
    """Counts the sessions of each owner, and remembers when they were last heard of.

    Parameters
    ----------
    clock : callable
        Returns seconds.
    gone_after_s : float
        Seconds without a session and without a sign after which an owner counts as gone.
    """

    def __init__(self, clock: Callable[[], float], gone_after_s: float) -> None:
        self._clock, self._gone_after_s = clock, gone_after_s
        self._lock = threading.RLock()
        self._sessions: dict[str, int] = {}
        self._seen: dict[str, float] = {}

    def arrive(self, owner: str) -> None:
        """Count a session of this owner; each must be followed by one `leave`."""
        with self._lock:
            self._sessions[owner] = self._sessions.get(owner, 0) + 1
            self.touch(owner)

    def leave(self, owner: str) -> None:
        """Count a session less; with the last one the minute begins."""
        with self._lock:
            self._sessions[owner] = self._sessions.get(owner, 0) - 1
            if self._sessions[owner] <= 0:
                del self._sessions[owner]
            self.touch(owner)

    def touch(self, owner: str) -> None:
        """Note that this owner is there now."""
        with self._lock:
            self._seen[owner] = self._clock()

    def is_gone(self, owner: str) -> bool:
        """Return whether nothing has been seen of an owner for too long."""
        with self._lock:
            away_s = self._clock() - self._seen[owner]
            return owner not in self._sessions and away_s > self._gone_after_s
