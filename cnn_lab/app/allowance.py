"""How often a visitor may ask for what costs the server much: runs, uploads, exports and checks.

With `CNN_LAB_REDIS` all page processes count together, otherwise each by itself.
"""

import logging
import time
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, Literal

import streamlit as st

from cnn_lab.app.admission import UNKNOWN, VISITOR
from cnn_lab.app.watching import note_refusal
from cnn_lab.content import prose
from cnn_lab.content.words import counted
from cnn_lab.ops.environment import (
    CHECK_LIMIT,
    EXPORT_LIMIT,
    REDIS,
    RUN_LIMIT,
    UPLOAD_LIMIT,
    Rate,
    Setting,
)

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import MovingWindowRateLimiter

What = Literal["run", "upload", "export", "check"]

# All clients without cookies together may do this much more than one visitor; each of them could
# present itself as any number of others.
SHARED_BY = 4
REDIS_TIMEOUT_S = 1
_NOUNS: dict[What, str] = {"run": "run", "upload": "file", "export": "file", "check": "time"}
_SETTINGS: dict[What, Setting[Rate | None]] = {
    "run": RUN_LIMIT,
    "upload": UPLOAD_LIMIT,
    "export": EXPORT_LIMIT,
    "check": CHECK_LIMIT,
}


_log = logging.getLogger(__name__)


class Counts:
    """How often each visitor has asked for something, in Redis or in this process.

    Parameters
    ----------
    address : str, optional
        Of a Redis server, which several page processes share. While it does not answer, each
        counts by itself: a limit must not keep anyone from working.
    """

    def __init__(self, address: str | None = None) -> None:
        # Imported late, because the package takes a quarter of a second.
        from limits.errors import ConfigurationError, StorageError
        from limits.storage import MemoryStorage, RedisStorage
        from limits.strategies import MovingWindowRateLimiter

        self._unreachable = StorageError
        self._here = MovingWindowRateLimiter(MemoryStorage())
        self._shared: MovingWindowRateLimiter | None = None
        if address is None:
            return
        try:
            storage = RedisStorage(
                address,
                key_prefix="cnn-lab:limit",
                wrap_exceptions=True,
                socket_timeout=REDIS_TIMEOUT_S,
                socket_connect_timeout=REDIS_TIMEOUT_S,
            )
        except ConfigurationError:
            _log.warning("Limits count in each page process by itself.", exc_info=True)
        else:
            self._shared = MovingWindowRateLimiter(storage)

    def wait_s(self, limit: "RateLimitItem", visitor: str) -> float:
        """Count once more, and return 0; or the seconds until that is allowed again."""
        if self._shared is not None:
            try:
                return _wait_s(self._shared, limit, visitor)
            except self._unreachable:
                _log.warning("Limits count in this process, because of Redis.", exc_info=True)
        return _wait_s(self._here, limit, visitor)


def _wait_s(limiter: "MovingWindowRateLimiter", limit: "RateLimitItem", visitor: str) -> float:
    if limiter.hit(limit, visitor):
        return 0.0
    return max(1.0, limiter.get_window_stats(limit, visitor).reset_time - time.time())


_counts = lru_cache(maxsize=1)(Counts)


def _about(wait_s: float) -> str:
    """Return how long to wait, never too short; it stays on the page while the time goes by.

    Examples
    --------
    >>> _about(1), _about(61), _about(3599), _about(80_000)
    ('1 second', '2 minutes', '60 minutes', '23 hours')
    """
    for seconds, noun, most in ((1, "second", 60), (60, "minute", 90)):
        if (n := ceil(wait_s / seconds)) <= most:
            return counted(n, noun)
    return counted(ceil(wait_s / 3600), "hour")


def over_limit(what: What) -> str:
    """Count something that this visitor asks for, or return why it is too much for now.

    Returns
    -------
    str
        A sentence for the page that says when it works again; empty if it works now. Without
        `Admission`, as in a test of a page, it always does.
    """
    visitor = st.context.headers.get(VISITOR)
    rate = _SETTINGS[what].value()
    if visitor is None or rate is None:
        return ""
    from limits import RateLimitItemPerSecond

    most = rate.most * (SHARED_BY if visitor == UNKNOWN else 1)
    limit = RateLimitItemPerSecond(most, rate.seconds, namespace=what)
    wait_s = ceil(_counts(REDIS.value()).wait_s(limit, visitor))
    if not wait_s:
        return ""
    note_refusal(what)
    told = {"most": counted(most, _NOUNS[what]), "period": rate.period, "wait": _about(wait_s)}
    sentence = prose("full", f"limit_{what}", **told)
    return f"{sentence} {prose('full', 'shared')}" if visitor == UNKNOWN else sentence
