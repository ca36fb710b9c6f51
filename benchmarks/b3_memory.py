"""B3: what a hundred readers cost in the page process."""

import time
from collections.abc import Sequence
from contextlib import ExitStack

import psutil

from benchmarks.report import Row, report, resident_mb
from benchmarks.scene import pages
from benchmarks.session import Session
from tools.server import ROOT, serving

SESSIONS = 100
FIRST = 20  # what they cost is the server's warming up, not a reader's share
RUNS_EACH = 3
STILL_MB, STILL_S = 0.5, 2.0


def settled_mb(process: psutil.Process) -> float:
    """Return the memory of a process once it is still: pages are prepared in the background."""
    before = resident_mb(process)
    while True:
        time.sleep(STILL_S)
        now = resident_mb(process)
        if abs(now - before) < STILL_MB:
            return now
        before = now


def measure() -> Sequence[Row]:
    addresses = [address.strip("/") for _, address in pages()]
    with serving(ROOT / "app.py") as server, ExitStack() as readers:
        process = psutil.Process(server.process.pid)
        first_mb = 0.0
        for index in range(SESSIONS):
            if index == FIRST:
                first_mb = settled_mb(process)
            address = addresses[index % len(addresses)]
            reader = readers.enter_context(Session(server.url, address))
            for _ in range(RUNS_EACH - 1):
                reader.run()
        all_mb = resident_mb(process)
        libraries = {mapping.path for mapping in process.memory_maps()}
    tensorflow_files = sum("tensorflow" in path for path in libraries)
    return [
        Row("TensorFlow's libraries in the page process", tensorflow_files, "", 0),
        Row(f"page process with {SESSIONS} sessions", all_mb, "MB", 300),
        Row("each session more", (all_mb - first_mb) / (SESSIONS - FIRST), "MB", 0.5),
    ]


if __name__ == "__main__":
    report("B3", measure)
