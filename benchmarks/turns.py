"""Contestants that take turns, so that what else the machine does falls on all of them alike.

Each round goes through them forwards or backwards (A B B A). A ratio is taken within each round;
its median and its spread over the rounds are what is reported. Processor time counts only the
work of the process itself, wall time also its waiting for a core that others have.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

from benchmarks.report import Row, median, spread
from tools.server import ROOT


class Turn(NamedTuple):
    """What one turn took, in seconds."""

    processor_s: float
    wall_s: float


def timed(work: Callable[[], object], n_calls: int = 1) -> Turn:
    """Return the time of one call, of so many in a row."""
    processor, wall = time.process_time(), time.perf_counter()
    for _ in range(n_calls):
        work()
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    return Turn(processor / n_calls, wall / n_calls)


def in_turns(
    contestants: Mapping[str, Callable[[], Turn]], n_rounds: int, n_warm_up: int = 1
) -> dict[str, list[Turn]]:
    """Return the turns of each contestant, a round at the same index; warm-up rounds left out."""
    turns: dict[str, list[Turn]] = {name: [] for name in contestants}
    names = list(contestants)
    for number in range(n_warm_up + n_rounds):
        for name in names if number % 2 else reversed(names):
            turns[name].append(contestants[name]())
    return {name: found[n_warm_up:] for name, found in turns.items()}


def compared(
    what: str, ours: Sequence[Turn], theirs: Sequence[Turn], goal: float | None = None
) -> list[Row]:
    """Return how many times as long the others take: median and spread, then in wall time."""
    pairs = list(zip(ours, theirs, strict=True))
    processor = [their.processor_s / our.processor_s for our, their in pairs]
    wall = [their.wall_s / our.wall_s for our, their in pairs]
    return [
        Row(what, median(processor), "times as long", goal, at_least=True),
        Row(f"{what}: spread of {len(pairs)} rounds", spread(processor), ""),
        Row(f"{what}: in wall time", median(wall), "times as long"),
    ]


class Rival:
    """Another Python process that takes its turns when asked, with its own threads.

    Parameters
    ----------
    module : str
        Calls `answer`, "benchmarks.in_pytorch".
    *arguments : str
    """

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            # PyTorch's threads would otherwise wait for each other in loops.
            env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    def ask(self, **request: Any) -> Any:
        """Return the answer to a request; both are JSON data."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def turn(self, **request: Any) -> Turn:
        """Return the time of a request whose answer is a Turn."""
        return Turn(*self.ask(**request))


def answer(work: Callable[..., Any]) -> None:
    """Answer requests from standard input until it ends; what a Rival's module calls."""
    for line in sys.stdin:
        print(json.dumps(work(**json.loads(line))), flush=True)
