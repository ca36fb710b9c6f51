"""Find the proxy Caddy; `python -m tools.caddy` also fetches Debian's when there is none.

Only the program is taken from Debian's package, into the virtual environment: this needs no root,
and no service of Debian's is started.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.browser import FETCH_TIMEOUT_S, fetch_debians_package

OWN = Path(sys.prefix) / "bin" / "caddy"


class NoCaddyError(RuntimeError):
    """No Caddy on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "`make serve` and its tests need Caddy. Run `make caddy`, or install it yourself (on "
            "Debian: `sudo apt-get install caddy`; on macOS: `brew install caddy`)."
        )


def find_caddy() -> str:
    """Return the path of Caddy, or raise NoCaddyError."""
    path = shutil.which("caddy") or shutil.which(str(OWN))
    if path is None:
        raise NoCaddyError
    return path


def _fetch_program() -> None:
    """Try to take the program out of Debian's package."""
    with TemporaryDirectory(prefix="cnn-lab-") as folder:
        try:
            for command in (["apt-get", "download", "caddy"], ["sh", "-c", "dpkg-deb -x *.deb ."]):
                subprocess.run(command, cwd=folder, check=True, timeout=FETCH_TIMEOUT_S)
            shutil.copy(Path(folder, "usr/bin/caddy"), OWN)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"Caddy could not be taken from Debian's package: {error}", flush=True)


def _fetch_package() -> None:
    fetch_debians_package("caddy")


def main() -> int:
    """Find Caddy or fetch it; print its path, or what would cure the lack of it."""
    remedies = [_fetch_program, _fetch_package]
    while True:
        try:
            print(f"Caddy: {find_caddy()}")
            return 0
        except NoCaddyError as error:
            if not remedies:
                print(error, file=sys.stderr)
                return 1
            remedies.pop(0)()


if __name__ == "__main__":
    sys.exit(main())
