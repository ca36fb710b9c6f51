"""Serve a Streamlit script on a free port: wait until it is healthy, stop all that it started."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = "127.0.0.1"
PORTS = range(20_000, 32_000)
START_TIMEOUT_S = 60


@dataclass(frozen=True)
class Server:
    """A running `streamlit run`."""

    url: str
    process: subprocess.Popen[bytes]
    log_path: Path

    @property
    def log(self) -> str:
        """All that the server has printed so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")


@contextmanager
def serving(
    script: Path, *, address: str = LOOPBACK, port: int | None = None, **environment: str
) -> Iterator[Server]:
    """Serve `script` with these additional environment variables until the block ends."""
    port = free_port() if port is None else port
    with tempfile.TemporaryDirectory(prefix="cnn-lab-") as folder:
        log_path = Path(folder) / "server.log"
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                streamlit_command(script, port, address),
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = Server(f"http://127.0.0.1:{port}", process, log_path)
        try:
            wait_healthy(server)
            yield server
        finally:
            stop(process)


def streamlit_command(script: Path, port: int, address: str = LOOPBACK) -> list[str]:
    """Return the command that serves `script` on an address and never reloads it."""
    return [
        *(sys.executable, "-m", "streamlit", "run", str(script)),
        *("--server.port", str(port)),
        *("--server.address", address),
        *("--server.headless", "true"),
        *("--server.fileWatcherType", "none"),
    ]


def free_port() -> int:
    """Return a port of the loopback interface that is free.

    It is none of those that systems give to outgoing connections: one of these may take it, and
    hold it for hours, before the server that it is for has started.
    """
    while True:
        port = SystemRandom().choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port


def is_open(port: int) -> bool:
    """Return whether something listens on a port of the loopback interface."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def wait_healthy(server: Server) -> None:
    """Return when the server answers its health address; raise with its log when it does not."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if is_healthy(server.url):
            return
        try:
            server.process.wait(timeout=0.02)
        except subprocess.TimeoutExpired:
            continue
        break
    raise RuntimeError(f"The server did not become healthy. It printed:\n{server.log}")


def is_healthy(url: str) -> bool:
    """Ask a server's health address once."""
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and the whole group that it leads."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
