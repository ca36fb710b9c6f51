"""Measure every budget, or those named: `python -m benchmarks [--json] [B1 B7 ...]`."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    scripts = {
        match[1].upper(): path.stem
        for path in sorted(HERE.glob("b*_*.py"))
        if (match := re.match(r"(b\d+)_", path.name))
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="B1", help=", ".join(scripts))
    parser.add_argument("--json", action="store_true", help="write benchmarks/results/")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(scripts):
        parser.error(f"There is no such budget. Received: {', '.join(sorted(unknown))}")
    switches = ["--json"] if arguments.json else []
    # Each in a process of its own, so that none measures what another left behind.
    return max(
        subprocess.call([sys.executable, "-m", f"benchmarks.{scripts[name]}", *switches])
        for name in arguments.names or scripts
    )


if __name__ == "__main__":
    sys.exit(main())
