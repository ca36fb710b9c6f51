"""Right of way of the pages: a process that trains takes the processor when they leave it."""

import contextlib
import os
import sys
from pathlib import Path

import psutil

NICENESS = 5
# Linux with autogroups shares the processor among sessions first, by a niceness of their own.
AUTOGROUP = Path("/proc/self/autogroup")


def give_way() -> None:
    """Lower the priority of this process, unless it is as low already.

    All its threads and, if it leads a session of its own as services do, the session too: on
    Linux the niceness of a process otherwise counts only against others of its session. Where
    the operating system refuses, nothing changes. In a container or a systemd unit of its own,
    a worker needs a smaller share of the processor as well (`cpu_shares`, `CPUWeight`).
    """
    if sys.platform != "linux":
        if hasattr(os, "nice") and os.nice(0) < NICENESS:
            os.nice(NICENESS - os.nice(0))
        return
    with contextlib.suppress(OSError, psutil.Error):
        for thread in psutil.Process().threads():  # Linux counts each for itself
            if os.getpriority(os.PRIO_PROCESS, thread.id) < NICENESS:
                os.setpriority(os.PRIO_PROCESS, thread.id, NICENESS)
    if os.getsid(0) != os.getpid():
        return
    with contextlib.suppress(OSError, ValueError):
        if int(AUTOGROUP.read_text().rpartition("nice")[2]) < NICENESS:
            AUTOGROUP.write_text(str(NICENESS))
