"""Measure what a host needs to know: `python -m benchmarks.hosting [--json] [all | H1 B18 ...]`.

`all` leaves out H4, which takes an hour. Without names it lists them.
"""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LONG = ("H4",)


def main() -> int:
    scripts = {
        path.stem.split("_")[0].upper(): path.stem for path in sorted(HERE.glob("[bh][0-9]*_*.py"))
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", metavar="H1", help=f"all, {', '.join(scripts)}")
    parser.add_argument("--json", action="store_true", help="write benchmarks/results/")
    parser.add_argument("--small", action="store_true", help="only try the scripts")
    arguments = parser.parse_args()
    names = [name for name in scripts if name not in LONG]
    if arguments.names != ["all"]:
        names = arguments.names
        if unknown := set(names) - set(scripts):
            parser.error(f"There is no such measurement. Received: {', '.join(sorted(unknown))}")
    switches = [f"--{name}" for name in ("json", "small") if getattr(arguments, name)]
    # Each in a process of its own, so that none measures what another left behind.
    return max(
        subprocess.call([sys.executable, "-m", f"benchmarks.hosting.{scripts[name]}", *switches])
        for name in names
    )


if __name__ == "__main__":
    sys.exit(main())
