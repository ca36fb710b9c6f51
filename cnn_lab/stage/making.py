"""A GIF in the making: drawn by a process of its own, with progress, and given up on request.

Drawing keeps a processor core busy for seconds. In the server's own process, everyone else's
pages would wait for it.
"""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from cnn_lab.stage.export import export_gif
from cnn_lab.stage.render import ThemeName
from cnn_lab.trace import Trace

MAX_AT_ONCE = 2
MAX_SECONDS = 300  # on a busy machine; otherwise a tenth of it
TICK_S = 0.2
NICENESS = 5
PACKAGE_PARENT = Path(__file__).resolve().parents[2]

_turns = threading.Semaphore(MAX_AT_ONCE)


class GifMaking:
    """GIF that is being made; begins at once, or when fewer than `MAX_AT_ONCE` are under way.

    Parameters
    ----------
    traces, theme, seconds_per_step
        As for `export_gif`.

    Attributes
    ----------
    share : float
        How much of it is drawn, from 0 to 1.
    result : bytes or None
        The GIF, once it is complete.
    failed : bool
        Whether it ended without a result.
    ended : threading.Event
        Set when it is complete, has failed or was given up.
    """

    def __init__(
        self, traces: Sequence[Trace], *, theme: ThemeName, seconds_per_step: float
    ) -> None:
        self.share = 0.0
        self.result: bytes | None = None
        self.ended = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._given_up = False
        order = pickle.dumps((traces, theme, seconds_per_step))
        threading.Thread(target=self._make, args=(order,), daemon=True, name="gif").start()

    @property
    def failed(self) -> bool:
        """Whether it ended without a result."""
        return self.ended.is_set() and self.result is None

    def give_up(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._given_up = True
            if self._process is not None:
                self._process.kill()

    def _make(self, order: bytes) -> None:
        while not _turns.acquire(timeout=TICK_S):
            if self._given_up:
                self.ended.set()
                return
        try:
            self._draw(order)
        finally:
            _turns.release()
            self.ended.set()

    def _draw(self, order: bytes) -> None:
        with self._lock:
            if self._given_up:
                return
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                cwd=PACKAGE_PARENT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        limit = threading.Timer(MAX_SECONDS, process.kill)
        limit.start()
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            with suppress(BrokenPipeError):  # it was ended already
                process.stdin.write(order)
                process.stdin.close()
            self._follow(process.stdout)
        limit.cancel()

    def _follow(self, reports: IO[bytes]) -> None:
        """Read the reports of the process: how far it is, and at last the GIF."""
        with suppress(EOFError, pickle.UnpicklingError):  # it has ended
            while isinstance(report := pickle.load(reports), float):
                self.share = report
            self.result = report


def main() -> None:
    """Make the GIF that standard input asks for, and report on standard output."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    traces, theme, seconds_per_step = pickle.load(sys.stdin.buffer)

    def report(what: float | bytes) -> None:
        pickle.dump(what, sys.stdout.buffer)
        sys.stdout.buffer.flush()

    gif = export_gif(
        traces,
        theme=theme,
        seconds_per_step=seconds_per_step,
        on_progress=lambda n, of: report(n / of),
    )
    report(gif)


if __name__ == "__main__":
    main()
