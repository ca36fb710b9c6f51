"""Processes that tests start: none is waited for without an end."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE_S = 300


@contextmanager
def bounded(process: "subprocess.Popen[Any]", limit_s: float = PATIENCE_S) -> Iterator[None]:
    """Kill a process when the block ends, or before if it takes too long.

    Reading what it prints has no limit of its own; what is killed prints nothing more.
    """
    timer = threading.Timer(limit_s, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        process.kill()


def killed(process: "subprocess.Popen[Any]") -> None:
    """Kill a process and wait until it has ended."""
    process.kill()
    process.wait(PATIENCE_S)
