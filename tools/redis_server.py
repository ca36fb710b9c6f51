"""Find a Redis server; `python -m tools.redis_server` also fetches Debian's when there is none."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from tools.browser import fetch_debians_package
from tools.server import LOOPBACK, START_TIMEOUT_S, free_port, is_open, stop


class NoRedisError(RuntimeError):
    """No Redis server on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "The tests of class rooms need a Redis server. Run `make redis`, or install one "
            "yourself (on Debian: `sudo apt-get install redis-server`; on macOS: "
            "`brew install redis`)."
        )


def find_redis() -> str:
    """Return the path of a Redis server, or raise NoRedisError."""
    path = shutil.which("redis-server")
    if path is None:
        raise NoRedisError
    return path


@contextmanager
def serving_redis() -> Iterator[str]:
    """Run an empty Redis server on loopback that writes nothing to disk; yield its address."""
    port = free_port()
    with TemporaryDirectory(prefix="cnn-lab-") as folder:
        process = subprocess.Popen(
            [
                *(find_redis(), "--port", str(port), "--bind", LOOPBACK),
                *("--save", "", "--appendonly", "no", "--dir", folder),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait_open(port, process)
            yield f"redis://{LOOPBACK}:{port}/0"
        finally:
            stop(process)


def _wait_open(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        if is_open(port):
            return
        time.sleep(0.02)
    raise RuntimeError(f"The Redis server did not start. Its exit status: {process.poll()}")


def main() -> int:
    """Find a server or fetch one; print its path, or what would cure the lack of it."""
    if shutil.which("redis-server") is None:
        fetch_debians_package("redis-server")
    try:
        print(f"Redis: {find_redis()}")
    except NoRedisError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
