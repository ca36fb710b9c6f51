"""End of the kit's processes after the kit itself was killed: `python -m tools.orphans`.

It reads process numbers from its standard input, one a line. When that is closed, since whoever
wrote them has ended, in whatever way, it ends those that are still there, with all they started.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psutil

PATIENCE_S = 10  # for an end in good order


@contextmanager
def no_orphans() -> Iterator[Callable[[int], None]]:
    """Have processes ended when this one ends, also by `kill -9`; give what notes one of them.

    Each must lead a process group of its own.
    """
    watcher = subprocess.Popen(
        [sys.executable, "-m", "tools.orphans"],
        stdin=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is not for it
    )
    assert watcher.stdin is not None
    told = watcher.stdin

    def note(pid: int) -> None:
        with suppress(BrokenPipeError):  # it was killed itself
            told.write(f"{pid}\n")
            told.flush()

    try:
        yield note
    finally:
        with suppress(BrokenPipeError):
            told.close()
        try:
            watcher.wait(2 * PATIENCE_S)
        except subprocess.TimeoutExpired:
            watcher.kill()
            watcher.wait(PATIENCE_S)


def main() -> None:
    """End what is left of the processes named, when no more can be named."""
    named = []
    for line in sys.stdin:
        with suppress(psutil.NoSuchProcess):
            named.append(psutil.Process(int(line)))
    left = [process for process in named if process.is_running()]  # and not another of that number
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    psutil.wait_procs(left, PATIENCE_S)
    for process in left:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
