"""The worker process that the lab starts for itself, and when it has served long enough."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

RUNS_EACH = 10  # what Keras keeps of each run adds up
MAX_RESIDENT_BYTES = 2_000_000_000
PACKAGE_PARENT = Path(__file__).resolve().parents[2]

# Read by every Dask process started here: no sampling profiler beside the training.
QUIET = {"distributed.worker.profile.enabled": False, "distributed.logging.distributed": "error"}

_numbers = itertools.count(1)


class OwnWorker:
    """A process with Keras in it, which works for one scheduler.

    Parameters
    ----------
    scheduler_address : str

    Attributes
    ----------
    resource : str
        What this worker alone offers to Dask, so that a task can be meant for it.
    warm : bool
        Whether it has Keras in it for certain.
    n_runs, resident_bytes : int
        Runs done, and the memory that the process had after the last one.
    """

    def __init__(self, scheduler_address: str) -> None:
        self.resource = f"cnn-lab-{next(_numbers)}"
        self.warm = False
        self.n_runs = self.resident_bytes = 0
        self.process = start_worker(scheduler_address, self.resource)

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self.process.poll() is None

    @property
    def worn(self) -> bool:
        """Whether another one should take its place between two runs."""
        return self.n_runs >= RUNS_EACH or self.resident_bytes > MAX_RESIDENT_BYTES

    def end(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        self.process.communicate()  # waits, and closes the pipe


def start_worker(scheduler_address: str, resource: str = "cnn-lab") -> subprocess.Popen[bytes]:
    """Start a worker in a fresh interpreter, which no forking or spawning page can spoil."""
    quiet = {f"DASK_{key.upper().replace('.', '__')}": str(value) for key, value in QUIET.items()}
    path = os.pathsep.join(filter(None, [str(PACKAGE_PARENT), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-m", "cnn_lab.runs.worker", scheduler_address, resource],
        stdin=subprocess.PIPE,
        env={**os.environ, **quiet, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
