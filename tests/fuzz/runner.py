"""Random inputs of every kind, each from a seed that brings it again.

A kind is a module in `tests/fuzz/kinds/` with one function, which raises if something goes wrong:

    def kind(random: np.random.Generator) -> None:

`make fuzz SECONDS=3600` runs all kinds in turn. A failure is printed with the command that
repeats it. `IN_TESTS` in the module is how many inputs `make test` tries (20 if there is none).
"""

import argparse
import importlib
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
import psutil

KINDS = tuple(sorted(path.stem for path in Path(__file__).parent.joinpath("kinds").glob("*.py")))
MAX_MB = 500
IN_TESTS = 20
_MB = 2**20


@dataclass
class Summary:
    """What a fuzzing run has tried, and what went wrong."""

    tried: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    most_mb: float = 0.0

    def __str__(self) -> str:
        """Return the numbers as lines of text."""
        lines = [f"{self.tried[kind]:>9,} inputs of kind {kind}" for kind in sorted(self.tried)]
        lines.append(f"{self.tried.total():>9,} inputs in all, {len(self.failures)} failures")
        lines.append(f"{self.most_mb:>9,.0f} MB at most")
        return "\n".join([*lines, *self.failures])


def load(name: str) -> Callable[[np.random.Generator], None]:
    """Return the function of a kind."""
    function: Callable[[np.random.Generator], None] = _module(name).kind
    return function


def n_in_tests(name: str) -> int:
    """Return how many inputs of a kind `make test` tries."""
    return int(getattr(_module(name), "IN_TESTS", IN_TESTS))


def generator(name: str, seed: int, number: int) -> np.random.Generator:
    """Return the source of randomness of a kind's input of this number."""
    return np.random.default_rng([seed, number, *name.encode()])


def fuzz(
    names: tuple[str, ...],
    *,
    seed: int,
    first: int = 0,
    number: int | None = None,
    seconds: float | None = None,
    max_mb: float = MAX_MB,
) -> Summary:
    """Try inputs of these kinds in turn, `number` of each or for so many seconds."""
    summary, end = Summary(), time.monotonic() + (np.inf if seconds is None else seconds)
    functions = {name: load(name) for name in names}
    for index in count(first) if number is None else range(first, first + number):
        for name, function in functions.items():
            if time.monotonic() >= end:
                return summary
            problems = _problems(function, generator(name, seed, index))
            used_mb = psutil.Process().memory_info().rss / _MB
            if used_mb > max(max_mb, summary.most_mb):
                problems.append(f"The process takes {used_mb:.0f} MB.")
            summary.tried[name] += 1
            summary.most_mb = max(summary.most_mb, used_mb)
            for problem in problems:
                again = f"python -m tests.fuzz {name} --seed {seed} --first {index} --number 1"
                summary.failures.append(f"\n{again}\n{problem}")
                print(summary.failures[-1], file=sys.stderr, flush=True)
    return summary


def _module(name: str) -> object:
    return importlib.import_module(f"tests.fuzz.kinds.{name}")


def _problems(
    function: Callable[[np.random.Generator], None], random: np.random.Generator
) -> list[str]:
    """Try one input and return what went wrong."""
    try:
        function(random)
    except Exception:  # a fuzzer looks for all of them
        return [traceback.format_exc()]
    return []


def main() -> None:
    """Read the command line, fuzz, print the summary; the exit code tells whether all went well."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("kinds", nargs="*", choices=[[], *KINDS], help="all by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--number", type=int, help="of inputs of each kind")
    parser.add_argument("--seconds", type=float)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cnn-lab-fuzz-") as folder:
        os.environ["CNN_LAB_RUNS"] = folder
        summary = fuzz(
            tuple(asked.kinds) or KINDS,
            seed=asked.seed,
            first=asked.first,
            number=asked.number,
            seconds=asked.seconds,
        )
    print(summary)
    sys.exit(bool(summary.failures))
