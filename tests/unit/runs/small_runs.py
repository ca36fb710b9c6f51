"""Small runs for the queue's tests, and a scheduler that is not its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dask

from cnn_lab.network.spec import Conv2D, Dense, Flatten, NetworkSpec, Softmax
from cnn_lab.runs.job import Event, RunSpec, Status
from cnn_lab.runs.queue import RunQueue

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 300
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

    Each finds the lab in a folder of its own; the scheduler may have no worker at first.
    """

    def __init__(
        self,
        folder: Path,
        *,
        encrypted: bool = True,
        scheduler_lab: Path = ROOT,
        worker_lab: Path | None = ROOT,
    ) -> None:
        self._folder = folder
        self._tls: list[str | Path] = []
        self.settings: dict[str, object] = {}
        if encrypted:
            self._encrypt()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        host = f"{'tls' if encrypted else 'tcp'}://127.0.0.1"
        self.address = f"{host}:{port}"
        self.scheduler = self._start(scheduler_lab, "scheduler", "--host", host, "--port", port)
        self._processes = [self.scheduler]
        if worker_lab is not None:
            self.start_worker(worker_lab)

    def start_worker(self, lab: Path = ROOT) -> None:
        self.worker = self._start(
            lab,
            "worker",
            self.address,
            *("--no-nanny", "--nthreads", "2", "--memory-limit", "0"),
            *("--local-directory", self._folder),
        )
        self._processes.append(self.worker)

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()

    def _encrypt(self) -> None:
        certificate, key = self._folder / "certificate.pem", self._folder / "key.pem"
        request = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
        subprocess.run(
            ["openssl", *request.split(), "-keyout", key, "-out", certificate],
            check=True,
            capture_output=True,
        )
        self._tls = ["--tls-ca-file", certificate, "--tls-cert", certificate, "--tls-key", key]
        self.settings = {
            "distributed.comm.tls.ca-file": str(certificate),
            "distributed.comm.tls.client.cert": str(certificate),
            "distributed.comm.tls.client.key": str(key),
            "distributed.comm.require-encryption": True,
        }

    def _start(self, lab: Path, role: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
        module = f"distributed.cli.dask_{role}"
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments, *self._tls, "--no-dashboard"],
            cwd=self._folder,  # which python -m would search for the lab, too
            env={**os.environ, "PYTHONPATH": str(lab), "TF_CPP_MIN_LOG_LEVEL": "2"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def trusting(elsewhere: Elsewhere) -> dask.config.set:
    """Return a context in which Dask knows the certificates."""
    return dask.config.set(elsewhere.settings)
