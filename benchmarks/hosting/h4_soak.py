"""H4: readers who wander over all pages for an hour: memory stays where it was, logs stay clean.

Each opens pages, changes whatever control it finds, and now and then closes its tab and opens
another. `--minutes 10` makes it shorter; a new server takes some minutes to fill its caches.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from random import Random

import psutil

from benchmarks.hosting.reader import Reader, ReaderError
from benchmarks.hosting.scene import Latencies, log_problems
from benchmarks.report import Row, report, resident_mb, slope
from tools.server import ROOT, serving

READERS = 20
PAUSE_S = 2.0, 6.0  # between two deeds of a reader
GOES, REOPENS = 0.2, 0.05  # how often a deed is another page, or another tab
SAMPLED_EVERY_S = 1.0
# Of each so many seconds the lowest counts: what a script uses for a moment is no growth.
LOWEST_OF_S = 20.0
FULL_MINUTES, SMALL_MINUTES = 60.0, 0.7
# Until every cache is full, or half the time where that is less. Half an hour is too short for what
# is left: of one soak the lowest samples grew by 1.7 MB/h over 46 minutes, by 60 over the last 23.
WARM_MINUTES = 10.0
# Pages of the menu; the address of Home is empty.
PAGES = sorted(path.stem.replace("home", "") for path in (ROOT / "pages").glob("*.py"))


async def wander(url: str, seed: int, ends: float, waited: Latencies) -> None:
    """Do what a reader might, until a moment of the monotonic clock."""
    random = Random(seed)
    while time.monotonic() < ends:
        reader = Reader(url, random.choice(PAGES))
        try:
            await reader.open()
            while time.monotonic() < ends and random.random() > REOPENS:
                await asyncio.sleep(random.uniform(*PAUSE_S))
                waited.seconds.append(await deed(reader, random))
        except ReaderError as error:
            if not any(str(error) in told for told in reader.errors):
                waited.errors.append(str(error))
        waited.errors += reader.errors
        await reader.close()


async def deed(reader: Reader, random: Random) -> float:
    """Go to another page, or change a control of this one; return the seconds it took."""
    choices = [widget for widget in reader.widgets.values() if widget.has_choices]
    if not choices or random.random() < GOES:
        reader.page = random.choice(PAGES)
        return await reader.go(reader.page)
    widget = random.choice(choices)
    return await reader.set(widget.key, widget.other(random))


async def sample(process: psutil.Process, ends: float) -> list[tuple[float, float]]:
    """Return the memory of a process in MB, by seconds."""
    began, found = time.monotonic(), []
    while (now := time.monotonic()) < ends:
        found.append((now - began, resident_mb(process)))
        await asyncio.sleep(SAMPLED_EVERY_S)
    return found


def lowest(sampled: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the lowest sample of each `LOWEST_OF_S`, by hours."""
    found: dict[int, float] = {}
    for seconds, value in sampled:
        turn = int(seconds / LOWEST_OF_S)
        found[turn] = min(value, found.get(turn, value))
    return [(turn * LOWEST_OF_S / 3600, value) for turn, value in found.items()]


async def soak(
    url: str, process: psutil.Process, minutes: float
) -> tuple[list[tuple[float, float]], Latencies]:
    """Have readers wander; return the memory of the page process and how long they waited."""
    waited = Latencies()
    ends = time.monotonic() + 60 * minutes
    sampling = asyncio.create_task(sample(process, ends))
    await asyncio.gather(*(wander(url, seed, ends, waited) for seed in range(READERS)))
    return await sampling, waited


def measure(minutes: float) -> Sequence[Row]:
    with (
        tempfile.TemporaryDirectory() as runs,
        serving(ROOT / "app.py", CNN_LAB_RUNS=runs) as server,
    ):
        process = psutil.Process(server.process.pid)
        sampled, waited = asyncio.run(soak(server.url, process, minutes))
        problems = log_problems(server.log)
    for problem in problems + waited.errors:
        print(problem)
    warm_after_s = 60 * min(WARM_MINUTES, minutes / 2)
    warm = lowest([each for each in sampled if each[0] >= warm_after_s])
    return [
        Row("time", minutes, "min"),
        Row("deeds of readers", len(waited.seconds), ""),
        Row("errors that readers saw", len(waited.errors), "", 0),
        Row("errors in the log", len(problems), "", 0),
        Row(
            f"page process after {warm_after_s / 60:g} min, at its lowest in {LOWEST_OF_S:.0f} s",
            warm[0][1],
            "MB",
        ),
        Row("the same, at the end", warm[-1][1], "MB"),
        Row("growth from then on", slope(warm), "MB/h", 10),
        *waited.rows("a deed"),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--minutes", type=float, default=FULL_MINUTES)
    asked, sys.argv[1:] = parser.parse_known_args()
    report("H4", partial(measure, asked.minutes), partial(measure, SMALL_MINUTES))
