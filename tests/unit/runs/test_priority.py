"""The right of way of the pages over a process that trains."""

import os
import subprocess
import sys

import pytest

from cnn_lab.runs.priority import NICENESS

SCRIPT = """
import os, threading
import psutil
from cnn_lab.runs.priority import AUTOGROUP, give_way
end = threading.Event()
thread = threading.Thread(target=end.wait, daemon=True)
thread.start()
def group():
    words = AUTOGROUP.read_text().split() if AUTOGROUP.exists() else []
    return words[-1] if words else "none"
before = group()
give_way()
give_way()
numbers = [one.id for one in psutil.Process().threads()]
print(*{os.getpriority(os.PRIO_PROCESS, number) for number in numbers})
print(before, group())
end.set()
"""


@pytest.mark.parametrize("leads", [True, False])
def test_every_thread_gives_way_and_so_does_a_session_of_its_own(leads: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
        start_new_session=leads,
    )
    threads, group = done.stdout.splitlines()
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert threads == str(max(own, NICENESS))
    before, after = group.split()
    if before == "none" or not leads:  # a control group of its own leaves the file empty
        assert after == before
    else:
        assert int(after) == max(int(before), NICENESS)
