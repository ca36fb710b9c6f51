"""Calls that have to wait for an answer, made one after the other by a thread of their own."""

import logging
import queue
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Post:
    """Makes the calls it is given in order; a call that fails is a call that came too late.

    Dask's own thread, which tells what happens, cannot ask a worker anything and wait.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def send(self, call: Callable[[], object]) -> None:
        """Have a call made after those before it; returns at once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True, name=self._name)
            self._thread.start()
        self._calls.put(call)

    def close(self) -> None:
        """Let the thread end after the calls it has."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                call()
            except Exception:  # the worker, or the way to it, has gone in the meantime
                _log.debug("A call to a worker failed.", exc_info=True)
