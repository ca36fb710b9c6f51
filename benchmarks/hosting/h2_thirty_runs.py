"""H2: thirty different runs at once, on two workers behind three replicas.

As many readers start a training of their own within ten seconds. Each must be told its place in
the queue or begin, and each run must finish.
"""

import asyncio
import re
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.hosting.h1_class import await_end
from benchmarks.hosting.reader import Reader, ReaderError
from benchmarks.hosting.scene import a_lab, until
from benchmarks.report import Row, report
from cnn_lab.runs.store import Store

REPLICAS, WORKERS = 3, 2
PLACE = re.compile(rb"Waiting: (one|\d+) runs? ")
PATIENCE_S = 60
RUNS_TIMEOUT_S = 400


class Size(NamedTuple):
    """How many runs within how many seconds, each of which share of the training images."""

    runs: int
    pressing: float
    fraction: float


FULL, SMALL = Size(30, 10, 0.05), Size(5, 3, 0.05)


class Starter:
    """A reader who starts a run that no one else has asked for.

    Attributes
    ----------
    reader : Reader
    seen_s : float
        From pressing Start to the run on the page.
    place : int
        That the page has told; 0 if the run began at once.
    """

    def __init__(self, url: str, number: int, size: Size) -> None:
        query = (
            f"training_preset=fast&training_fast_epochs=1&training_fast_seed={number}"
            f"&training_fast_data_fraction={size.fraction}"
        )
        self.reader = Reader(url, "training", query)
        self.seen_s, self.place = 0.0, 0
        self._share = number / size.runs

    @property
    def run_id(self) -> str | None:
        """The run that it has been given."""
        return self.reader.parameter("run")

    async def start(self, pressing_s: float, started: float) -> None:
        """Open Training, press Start and read what the page says."""
        try:
            await self.reader.open()
            await until(started + pressing_s * (1 + self._share))
            pressed = time.monotonic()
            await self.reader.press("training_start")
            await self.reader.until(lambda: "training_stop" in self.reader.widgets, PATIENCE_S)
            self.seen_s = time.monotonic() - pressed
        except ReaderError as error:
            self.reader.errors.append(str(error))
        found = PLACE.search(b"".join(self.reader.messages))
        if found:
            self.place = 1 if found[1] == b"one" else int(found[1])


async def measure_runs(size: Size, folder: Path) -> list[Row]:
    with a_lab(folder, replicas=REPLICAS, workers=WORKERS) as lab:
        starters = [Starter(lab.url, number, size) for number in range(size.runs)]
        started = time.monotonic()
        await asyncio.gather(*(one.start(size.pressing, started) for one in starters))
        accepted = {one.run_id for one in starters if one.run_id is not None}
        store = Store(folder / "runs")
        deadline = time.monotonic() + RUNS_TIMEOUT_S
        ends = [await await_end(store, run_id, deadline - time.monotonic()) for run_id in accepted]
        all_s = time.monotonic() - started - size.pressing
        problems = lab.problems()
        for one in starters:
            problems += one.reader.errors
        await asyncio.gather(*(one.reader.close() for one in starters))
    for problem in problems:
        print(problem)
    return [
        Row("different runs asked for", size.runs, ""),
        Row("of them accepted", len(accepted), "", size.runs, at_least=True),
        Row("told that they wait, with their place", sum(one.place > 0 for one in starters), ""),
        Row("last place told", max(one.place for one in starters), ""),
        Row("finished", sum(end == "done" for end in ends), "", size.runs, at_least=True),
        Row("errors seen by readers or in the logs", len(problems), "", 0),
        Row(
            "from pressing Start to the run on the page, longest",
            max(one.seen_s for one in starters),
            "s",
        ),
        Row(f"all {size.runs} runs on {WORKERS} workers", all_s, "s"),
    ]


def measure(size: Size) -> Sequence[Row]:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure_runs(size, Path(folder)))


if __name__ == "__main__":
    report("H2", partial(measure, FULL), partial(measure, SMALL))
