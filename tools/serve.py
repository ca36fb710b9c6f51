"""The whole kit of a host on one machine, without containers: `python -m tools.serve`.

Several page processes behind Caddy, a Dask scheduler with workers, and Redis for class rooms where
it is installed. What dies is started again, and all of them end with this process. Everything that
is kept lies in one folder.
"""

import argparse
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from platformdirs import user_state_path

from cnn_lab.ops.environment import DATA, REDIS, RUNS, SCHEDULER, WRONG_SETTINGS
from cnn_lab.runs.certificates import dask_environment, make_certificate
from cnn_lab.runs.connection import QUIET
from cnn_lab.runs.worker import N_THREADS
from tools.caddy import NoCaddyError, find_caddy
from tools.orphans import no_orphans
from tools.server import LOOPBACK, ROOT, free_port, is_healthy, is_open, stop, streamlit_command

CADDYFILE = ROOT / "deploy" / "Caddyfile"
START_TIMEOUT_S = 120
TICK_S = 0.1
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0  # before a process that died is started again
STEADY_AFTER_S = 10.0
HEALTH = "/_stcore/health"


class StartError(RuntimeError):
    """A process of the kit did not start."""


@dataclass
class Part:
    """One process of the kit, which is started again when it ends.

    Attributes
    ----------
    name : str
        Such as "pages-1".
    command : sequence of str
    environment : mapping
        Variables beside those of this process.
    log_path : Path
        What it prints, also over several starts.
    is_ready : callable
        Whether it serves.
    note : callable
        Called with its process number at each start.
    n_starts : int
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log_path: Path
    is_ready: Callable[[], bool]
    note: Callable[[int], None] = lambda _pid: None
    n_starts: int = 0
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    _started_at: float = field(default=0.0, init=False)
    _pause_s: float = field(default=FIRST_PAUSE_S, init=False)
    _ended_at: float | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The process that runs now, or ran last."""
        assert self._process is not None
        return self._process

    @property
    def pid(self) -> int:
        """Its process number."""
        return self.process.pid

    @property
    def log(self) -> str:
        """All that it has printed so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start it."""
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.note(self._process.pid)
        self._started_at, self._ended_at = time.monotonic(), None
        self.n_starts += 1

    def tend(self) -> None:
        """Start it again if it has ended, after a pause that grows while it ends at once."""
        with self._lock:
            if self.process.poll() in (None, WRONG_SETTINGS):  # which another start does not mend
                return
            now = time.monotonic()
            if self._ended_at is None:
                self._ended_at = now
                steady = now - self._started_at > STEADY_AFTER_S
                self._pause_s = FIRST_PAUSE_S if steady else min(2 * self._pause_s, LONGEST_PAUSE_S)
            elif now - self._ended_at > self._pause_s:
                self.start()

    def kill(self) -> None:
        """Kill it as `kill -9` does, and all that it started; it is then started again."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()

    def restart(self) -> None:
        """End it in good order and start it again, as an update does; return when it is ready."""
        with self._lock:
            stop(self.process)
            self.start()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Return when it serves.

        Raises
        ------
        StartError
            If it does not within two minutes, or its settings are wrong.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is None and self.is_ready():
                return
            if self.process.poll() == WRONG_SETTINGS:
                break
            time.sleep(TICK_S)
        raise StartError(f"{self.name} did not start. It printed:\n{self.log}")


@dataclass(frozen=True)
class Kit:
    """A running kit.

    Attributes
    ----------
    url : str
        Where Caddy serves visitors.
    folder : Path
        Runs, data sets, secret, certificate and logs.
    proxy, scheduler : Part
    pages, workers : tuple of Part
        Page processes and Dask workers.
    page_urls : tuple of str
        Where each page process answers without Caddy, on loopback.
    scheduler_address : str
    environment : mapping
        What the page processes are started with: a program with it reaches the same scheduler.
    """

    url: str
    folder: Path
    proxy: Part
    scheduler: Part
    pages: tuple[Part, ...]
    workers: tuple[Part, ...]
    page_urls: tuple[str, ...]
    scheduler_address: str
    environment: Mapping[str, str]


@contextmanager
def serving_kit(
    folder: Path,
    *,
    pages: int = 3,
    workers: int = 2,
    host: str = "localhost",
    port: int | None = None,
    **environment: str,
) -> Iterator[Kit]:
    """Run the kit until the block ends.

    Parameters
    ----------
    folder : Path
        Everything that is kept; made if it does not exist.
    pages, workers : int
        Page processes, and Dask workers, each of which trains one run at a time.
    host : str
        "localhost" for this machine alone, "0.0.0.0" for the network, unencrypted, or a name,
        for which Caddy gets a certificate and listens on ports 80 and 443.
    port : int, optional
        Of Caddy, with the first two kinds of host; by default one that is free.
    **environment : str
        Additional environment variables of pages, scheduler and workers.

    Raises
    ------
    StartError
        If a process does not start.
    NoCaddyError
        If Caddy is not installed.
    """
    caddy = find_caddy()
    folder = folder.resolve()
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    make_certificate(folder / "certificate")
    scheduler_port, page_ports = free_port(), [free_port() for _ in range(pages)]
    scheduler_address = f"tls://{LOOPBACK}:{scheduler_port}"
    dask = {f"DASK_{name.upper().replace('.', '__')}": str(x) for name, x in QUIET.items()} | {
        **dask_environment(folder / "certificate"),
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    with tempfile.TemporaryDirectory(prefix="cnn-lab-") as scratch:
        shared = {
            **{RUNS.name: str(folder / "runs"), DATA.name: str(folder / "data")},
            **dask,
            **environment,
        }
        for_pages = {
            "STREAMLIT_SERVER_COOKIE_SECRET": _secret(folder / "cookie-secret"),
            SCHEDULER.name: scheduler_address,
            **shared,
        }

        def part(
            name: str,
            command: Sequence[str],
            variables: Mapping[str, str],
            ready: Callable[[], bool],
        ) -> Part:
            return Part(name, command, variables, logs / f"{name}.log", ready)

        parts: list[Part] = []
        redis = shutil.which("redis-server")
        if redis and find_spec("redis") and REDIS.name not in {**os.environ, **environment}:
            # A socket that only this user can open: class rooms are no other user's business.
            door = Path(scratch, "redis.sock")
            for_pages[REDIS.name] = f"unix://{door}"
            options = ("--port", "0", "--unixsocket", str(door), "--unixsocketperm", "700")
            kept = ("--dir", str(folder), "--save", "60", "1", "--appendonly", "no")
            parts.append(part("redis", [redis, *options, *kept], {}, door.exists))

        scheduler = part(
            "scheduler",
            [*_dask("scheduler"), "--port", str(scheduler_port)],
            shared,
            lambda: is_open(scheduler_port),
        )
        trainers = tuple(
            part(
                f"worker-{n}",
                [
                    *(*_dask("worker"), scheduler_address),
                    *("--no-nanny", "--nthreads", str(N_THREADS), "--memory-limit", "0"),
                    *("--local-directory", scratch),
                ],
                shared,
                lambda: True,
            )
            for n in range(1, workers + 1)
        )
        page_urls = tuple(f"http://{LOOPBACK}:{page_port}" for page_port in page_ports)
        servers = tuple(
            part(
                f"pages-{n}",
                streamlit_command(ROOT / "app.py", page_port),
                for_pages,
                lambda url=page_url: is_healthy(url),  # type: ignore[misc]
            )
            for n, (page_port, page_url) in enumerate(
                zip(page_ports, page_urls, strict=True), start=1
            )
        )
        url, site = _site(host, port)
        proxy = part(
            "proxy",
            [caddy, "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"],
            {
                **site,
                "PAGES": " ".join(f"{LOOPBACK}:{page_port}" for page_port in page_ports),
                "XDG_DATA_HOME": str(folder),
                "XDG_CONFIG_HOME": str(folder),
            },
            lambda: _answers(url),
        )
        parts += [scheduler, *trainers, *servers, proxy]
        with tended(parts):
            yield Kit(
                url,
                folder,
                proxy,
                scheduler,
                servers,
                trainers,
                page_urls,
                scheduler_address,
                for_pages,
            )


@contextmanager
def tended(parts: Sequence[Part]) -> Iterator[None]:
    """Start all parts, start again what ends, and end all, even if this process is killed."""
    with no_orphans() as note:
        for one in parts:
            one.note = note
        with _tended(parts):
            yield


@contextmanager
def _tended(parts: Sequence[Part]) -> Iterator[None]:
    over = threading.Event()
    started: list[Part] = []

    def tend() -> None:
        while not over.wait(TICK_S):
            for one in [*started]:
                one.tend()

    thread = threading.Thread(target=tend, daemon=True)
    thread.start()
    try:
        for one in parts:
            one.start()
            started.append(one)
        for one in parts:
            one.wait_ready()
        yield
    finally:
        over.set()
        thread.join(START_TIMEOUT_S)
        for one in started:
            one.process.terminate()
        for one in started:
            stop(one.process)


def _dask(role: str) -> list[str]:
    """Return the beginning of the command of a Dask scheduler or worker, in loopback alone."""
    return [
        *(sys.executable, "-m", f"distributed.cli.dask_{role}"),
        *("--host", f"tls://{LOOPBACK}"),
        *("--dashboard-address", f"{LOOPBACK}:0"),
    ]


def _site(host: str, port: int | None) -> tuple[str, Mapping[str, str]]:
    """Return the lab's address, and what it is called in the environment of Caddy."""
    port = free_port() if port is None else port
    if host == "localhost":
        url = f"http://localhost:{port}"
        return url, {"SITE": url, "BIND": "127.0.0.1 ::1" if _has_ipv6() else LOOPBACK}
    if host in ("0.0.0.0", "::"):
        return f"http://localhost:{port}", {"SITE": f"http://:{port}", "BIND": host}
    return f"https://{host}", {"SITE": host, "BIND": "0.0.0.0"}


def _has_ipv6() -> bool:
    with suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


def _secret(path: Path) -> str:
    """Return the secret in a file, which only this user can read; made if it is not there."""
    with (
        suppress(FileExistsError),
        open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file,
    ):
        file.write(secrets.token_hex(32))
    return path.read_text()


def _answers(url: str) -> bool:
    """Return whether Caddy serves pages, or at least answers where the address is not ours."""
    try:
        with urllib.request.urlopen(f"{url}{HEALTH}", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def main() -> int:
    """Serve until Ctrl-C or a signal to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=3, help="page processes")
    parser.add_argument("--workers", type=int, default=2, help="runs that train at a time")
    parser.add_argument("--host", default="localhost", help="localhost, 0.0.0.0, or a name")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument(
        "--folder",
        type=Path,
        default=user_state_path("cnn-lab", appauthor=False),
        help="runs, data sets, secret, certificate, logs",
    )
    asked = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with serving_kit(
            asked.folder,
            pages=asked.pages,
            workers=asked.workers,
            host=asked.host,
            port=asked.port,
        ) as kit:
            print(f"CNN Lab: {kit.url}\nLogs:    {kit.folder / 'logs'}", flush=True)
            ended.wait()
    except (StartError, NoCaddyError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
