"""H3: three hundred readers on three replicas, against one, and what each costs in memory.

Ten changes a second in all, whatever the number of readers. The same crowd on a one-line
Streamlit script in one process gives the scale.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.hosting.scene import (
    Latencies,
    a_lab,
    change_control,
    crowd,
    keep_pace,
    run_again,
)
from benchmarks.report import Row, report, resident_mb
from benchmarks.scene import one_line_script
from tools.server import serving

REPLICAS = 3
ALONE_A_SECOND = 2.0  # a single reader's, so that each change has been answered before the next


class Size(NamedTuple):
    """How many readers, those that warm the servers, changes a second in all, and seconds."""

    readers: int
    first: int
    a_second: float
    seconds: float


FULL, SMALL = Size(300, 30, 10.0, 60.0), Size(20, 6, 4.0, 8.0)


async def measure_lab(size: Size, folder: Path) -> tuple[Latencies, Latencies, list[Row]]:
    """Return the latencies of one reader and of all, and rows about memory and errors."""
    with a_lab(folder, replicas=REPLICAS) as lab:
        async with crowd(lab.url, size.first) as first:
            # All pages and controls are warm on all replicas, and one reader after another moves.
            await keep_pace(first, change_control, size.a_second, size.seconds / 4)
            alone = await keep_pace(first, change_control, ALONE_A_SECOND, size.seconds / 2)
            before_mb = resident_mb(*lab.replicas)
            async with crowd(lab.url, size.readers - size.first) as others:
                together = await keep_pace(
                    [*first, *others], change_control, size.a_second, size.seconds
                )
                after_mb = resident_mb(*lab.replicas)
        problems = lab.problems() + alone.errors + together.errors
    for problem in problems:
        print(problem)
    each_mb = (after_mb - before_mb) / (size.readers - size.first)
    rows = [
        Row("errors seen by readers or in the logs", len(problems), "", 0),
        Row("page processes together, all readers", after_mb, "MB"),
        Row("each reader more", each_mb, "MB", 0.5),
    ]
    return alone, together, rows


async def measure_script(size: Size) -> tuple[Latencies, Latencies]:
    """Return the latencies of a one-line script's readers: of few, and of all."""
    with one_line_script() as script, serving(script) as server:
        async with crowd(server.url, 1, pages=[""]) as one:
            alone = await keep_pace(one, run_again, ALONE_A_SECOND, size.seconds / 4)
        async with crowd(server.url, size.readers, pages=[""]) as readers:
            together = await keep_pace(readers, run_again, size.a_second, size.seconds / 2)
    return alone, together


def measure(size: Size) -> Sequence[Row]:
    with tempfile.TemporaryDirectory() as folder:
        alone, together, rows = asyncio.run(measure_lab(size, Path(folder)))
    script_alone, script_together = asyncio.run(measure_script(size))
    return [
        *alone.rows("one change at a time"),
        *together.rows(f"{size.readers} readers on {REPLICAS} replicas"),
        Row("the same, times one at a time, median", together.ms(0.5) / alone.ms(0.5), ""),
        Row("the same, 95th percentile", together.ms(0.95) / alone.ms(0.95), ""),
        *rows,
        *script_alone.rows("one-line Streamlit script, one at a time"),
        *script_together.rows(f"one-line Streamlit script, {size.readers} readers, one process"),
    ]


if __name__ == "__main__":
    report("H3", partial(measure, FULL), partial(measure, SMALL))
