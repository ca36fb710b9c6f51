"""B1: from `make run` on an installed checkout to a healthy server."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import Row, median, report
from tools.server import ROOT, free_port, is_healthy, streamlit_command

RUNS = 5


def time_to_healthy(command: list[str], port: int) -> float:
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "STREAMLIT_SERVER_HEADLESS": "true"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not is_healthy(f"http://127.0.0.1:{port}"):
            if process.poll() is not None:
                raise RuntimeError(f"It ended early. Received: command={command}")
            time.sleep(0.01)
        return time.perf_counter() - started
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def measure() -> Sequence[Row]:
    ours, bare = [], []
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.py"
        empty.write_text("import streamlit as st\nst.title('Nothing')\n", encoding="utf-8")
        for _ in range(RUNS):
            port = free_port()
            ours.append(time_to_healthy(["make", "run", f"PORT={port}"], port))
            port = free_port()
            bare.append(time_to_healthy(streamlit_command(empty, port), port))
    return [
        Row("`make run` on an installed checkout to a healthy server", median(ours), "s", 3),
        Row("the same for a one-line Streamlit script", median(bare), "s"),
    ]


if __name__ == "__main__":
    subprocess.run(["make", "install"], cwd=ROOT, check=True, stdout=sys.stderr)
    report("B1", measure)
