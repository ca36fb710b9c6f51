"""Small runs for the queue's tests, and a scheduler that is not its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dask

from cnn_lab.network.spec import Conv2D, Dense, Flatten, NetworkSpec, Softmax
from cnn_lab.runs.job import Event, RunSpec, Status
from cnn_lab.runs.queue import RunQueue
from tests.processes import PATIENCE_S, killed
from tests.unit.runs.certificates import Authority, Certificate

ROOT = Path(__file__).resolve().parents[3]
TINY = NetworkSpec(
    name="tiny",
    layers=(
        Conv2D(name="conv", filters=8, kernel_size=(5, 5), strides=(4, 4), activation="relu"),
        Flatten(name="flatten"),
        Dense(name="dense", units=10),
        Softmax(name="softmax"),
    ),
)
STEEP = NetworkSpec(
    name="steep",
    layers=(
        Flatten(name="flatten"),
        *(Dense(name=f"dense{i}", units=64) for i in range(6)),
        Dense(name="ten", units=10),
        Softmax(name="softmax"),
    ),
)


class Clock:
    """Time as it goes, and as much more of it as a test wants to have gone by."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


def spec(
    *, epochs: int = 1, network: NetworkSpec = TINY, engine: str = "keras", **training: object
) -> RunSpec:
    settings = {"epochs": epochs, "batch_size": 256, "data_fraction": 0.05, **training}
    return RunSpec.model_validate({"network": network, "training": settings, "engine": engine})


CLOCK = Clock()  # of the queue that all tests share
OWNERS = ("ann", "bob", "cid", "dan")  # who are there all the time
LONG = spec(epochs=30, batch_size=1)  # ends only by being stopped


def ended(status: Status) -> bool:
    return not status.active


def in_state(state: str) -> Callable[[Status], bool]:
    return lambda status: status.state == state or not status.active


def of_kind(events: list[Event], kind: str) -> list[Event]:
    return [event for event in events if event.kind == kind]


def reported(queue: RunQueue, run_id: str, *, n: int = 2, kind: str = "batch") -> list[Event]:
    """Wait until a run has reported `n` events of a kind, and return them."""
    status = queue.wait(
        run_id,
        lambda status: len(of_kind(queue.events(run_id), kind)) >= n or not status.active,
        PATIENCE_S,
    )
    assert status.active, status.sentence
    return of_kind(queue.events(run_id), kind)


class Elsewhere:
    """A scheduler and a worker that were started by hand, behind certificates or in the open.

    Each finds the lab in a folder of its own; the scheduler may have no worker at first. Without a
    `certificate`, one is made for them.
    """

    def __init__(
        self,
        folder: Path,
        *,
        encrypted: bool = True,
        certificate: Certificate | None = None,
        scheduler_lab: Path = ROOT,
        worker_lab: Path | None = ROOT,
    ) -> None:
        self._folder = folder
        self.certificate = certificate
        if encrypted and certificate is None:
            self.certificate = Authority(folder).issue("elsewhere")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        host = f"{'tls' if encrypted else 'tcp'}://127.0.0.1"
        self.address = f"{host}:{port}"
        self._scheduler_lab, self._where = scheduler_lab, ("--host", host, "--port", port)
        self.workers: list[subprocess.Popen[bytes]] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self.start_scheduler()
        if worker_lab is not None:
            self.start_worker(worker_lab)

    @property
    def settings(self) -> Mapping[str, object]:
        """Dask's configuration for a page."""
        return self.certificate.settings if self.certificate is not None else {}

    def start_scheduler(self) -> None:
        """Start the scheduler, or another one at the same address."""
        self.scheduler = self._start(
            self._scheduler_lab, "scheduler", self.certificate, *self._where
        )
        self._processes.append(self.scheduler)

    def start_worker(
        self, lab: Path | str = ROOT, *options: str, certificate: Certificate | None = None
    ) -> None:
        self.worker = self._start(
            lab,
            "worker",
            certificate or self.certificate,
            self.address,
            *("--no-nanny", "--nthreads", "2", "--memory-limit", "0"),
            *("--local-directory", self._folder),
            *options,
        )
        self.workers.append(self.worker)
        self._processes.append(self.worker)

    def close(self) -> None:
        for process in self._processes:
            killed(process)

    def _start(
        self, lab: Path | str, role: str, certificate: Certificate | None, *arguments: str | Path
    ) -> subprocess.Popen[bytes]:
        module = f"distributed.cli.dask_{role}"
        tls = certificate.arguments if certificate is not None else []
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments, *tls, "--no-dashboard"],
            cwd=self._folder,  # which python -m would search for the lab, too
            env={**os.environ, "PYTHONPATH": str(lab), "TF_CPP_MIN_LOG_LEVEL": "2"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def stop_all(queue: RunQueue, owners: Iterable[str] = OWNERS) -> None:
    """Stop the runs of some owners, and return when they have ended."""
    for status in [status for owner in owners for status in queue.runs(owner)]:
        queue.control(status.run_id, "stop")
        queue.wait(status.run_id, ended, PATIENCE_S)


@contextmanager
def serving_elsewhere(folder: Path, n_workers: int = 1) -> Iterator[Elsewhere]:
    """Run a scheduler with workers behind certificates that Dask knows in the meantime."""
    elsewhere = Elsewhere(folder)
    try:
        for _ in range(n_workers - 1):
            elsewhere.start_worker()
        with trusting(elsewhere):
            yield elsewhere
    finally:
        elsewhere.close()


def trusting(elsewhere: Elsewhere) -> dask.config.set:
    """Return a context in which Dask knows the certificates."""
    return dask.config.set(elsewhere.settings)
