"""Resident memory of pages and worker: `python -m benchmarks.hosting.memory`.

Measures what the interpreter that runs it has installed: with Keras or without.
"""

import tempfile
import time
from contextlib import ExitStack
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil

from benchmarks.report import resident_mb
from benchmarks.session import Session
from cnn_lab.app.admission import READY
from cnn_lab.data.keras_here import has_keras
from cnn_lab.network.zoo import preset
from cnn_lab.runs.job import RunSpec
from cnn_lab.runs.queue import RunQueue
from tools.server import ROOT, serving

FRACTION = 0.1
TICK_S = 0.1


def wait_ready(url: str) -> None:
    """Return when a page process has imported what its pages need, which /readyz tells."""
    while True:
        try:
            urlopen(url + READY).close()
            return
        except HTTPError:
            time.sleep(TICK_S)


def page_process_mb() -> tuple[float, float]:
    """Return the memory of a page process: ready for visitors, and once each page was opened."""
    with serving(ROOT / "app.py") as server, ExitStack() as readers:
        process = psutil.Process(server.process.pid)
        wait_ready(server.url)
        at_first = resident_mb(process)
        for script in sorted((ROOT / "pages").glob("*.py")):
            readers.enter_context(Session(server.url, script.stem.replace("home", "")))
        return at_first, resident_mb(process)


def worker_mb() -> tuple[str, float]:
    """Return which engine trains *fast* on a tenth of MNIST, and the most that the worker takes."""
    fast = preset("fast")
    training = fast.training.model_copy(update={"data_fraction": FRACTION})
    most = 0.0
    with tempfile.TemporaryDirectory() as folder:
        queue = RunQueue(folder)
        try:
            run_id = queue.submit(RunSpec(network=fast.network, training=training), "host")
            while (status := queue.status(run_id)).active:
                pid = queue.cluster.worker_pid() if queue.cluster is not None else None
                if pid is not None:
                    most = max(most, resident_mb(psutil.Process(pid)))
                time.sleep(TICK_S)
        finally:
            queue.close()
    if status.state != "done":
        raise RuntimeError(f"The run was not finished: {status.sentence}")
    return status.spec.engine, most


def main() -> None:
    at_first, all_pages = page_process_mb()
    engine, most = worker_mb()
    print(f"Keras installed: {'yes' if has_keras() else 'no'}")
    print(f"page process, ready for its first visitor: {at_first:.0f} MB")
    print(f"page process, every page opened: {all_pages:.0f} MB")
    print(f"worker that trains fast with {engine}, at most: {most:.0f} MB")


if __name__ == "__main__":
    main()
