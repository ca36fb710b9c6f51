"""B18: readers beside a training run, on one machine with the worker that the server starts.

The scale is a Streamlit page with one control whose run costs as much processor time as a change
of the lab's pages on average, the tabs that follow included. Its readers have no run beside them.
"""

import asyncio
import json
import statistics
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.hosting.reader import Reader
from benchmarks.hosting.scene import (
    CONTROLS,
    Latencies,
    burning_script,
    change_control,
    change_number,
    crowd,
    keep_pace,
    log_problems,
    processor_ms,
    script_of_cost,
)
from benchmarks.report import Row, report
from cnn_lab.runs.store import ENDED, RESULT
from tools.server import ROOT, Server, serving

PRESET = "paper"  # large batches, all threads: the run that takes most from others
PATIENCE_S = 120


class Size(NamedTuple):
    """How many readers, how many changes a second in all, and how long each measurement takes."""

    readers: int
    a_second: float
    seconds: float


FULL, SMALL = Size(100, 10.0, 60.0), Size(8, 4.0, 8.0)


async def start_run(reader: Reader) -> None:
    """Press Start, and wait for the first point of the curves."""
    await reader.until(lambda: "training_start" in reader.widgets, PATIENCE_S)
    before = reader.parameter("run")
    await reader.press("training_start")
    await reader.until(lambda: reader.parameter("run") not in (None, before), PATIENCE_S)
    await reader.until(lambda: "training_stop" in reader.widgets, PATIENCE_S)
    await reader.until(lambda: not reader.widget("training_pause").proto.disabled, PATIENCE_S)


async def stop_run(reader: Reader, runs: Path) -> float:
    """Press Stop, and return the images a second of the run."""
    folder = runs / str(reader.parameter("run"))
    await reader.press("training_stop")
    await reader.until((folder / ENDED).is_file, PATIENCE_S)
    return float(json.loads((folder / RESULT).read_text())["images_per_second"])


async def page_ms(server: Server) -> float:
    """Return the processor time of a change, mean of the pages that the readers have open."""
    process = psutil.Process(server.process.pid)
    costs = []
    for page in CONTROLS:
        async with Reader(server.url, page) as reader:
            costs.append(await processor_ms(process, reader, change_control))
    return statistics.mean(costs)


async def measure_lab(size: Size, runs: Path) -> tuple[float, Latencies, Latencies, float, float]:
    """Return a change's cost, latencies without and with a run, and the run's pace with and alone.

    Milliseconds and images a second.
    """
    with serving(ROOT / "app.py", CNN_LAB_RUNS=str(runs)) as server:
        cost_ms = await page_ms(server)
        query = f"training_preset={PRESET}&training_{PRESET}_epochs=30"
        async with Reader(server.url, "training", query) as trainer:
            async with crowd(server.url, size.readers) as readers:
                pace = size.a_second, size.seconds
                alone = await keep_pace(readers, change_control, *pace)
                await start_run(trainer)
                beside = await keep_pace(readers, change_control, *pace)
                with_readers = await stop_run(trainer, runs)
            await start_run(trainer)
            await asyncio.sleep(size.seconds / 2)
            without = await stop_run(trainer, runs)
            beside.errors += trainer.errors + log_problems(server.log)
    return cost_ms, alone, beside, with_readers, without


async def measure_script(size: Size, cost_ms: float) -> tuple[float, Latencies]:
    """Return what a change of the script costs, in milliseconds, and the latencies of its readers.

    No run is beside them.
    """
    burn_ms, _ = await script_of_cost(cost_ms)
    with burning_script(burn_ms / 1000) as server:
        async with Reader(server.url) as reader:
            process = psutil.Process(server.process.pid)
            script_ms = await processor_ms(process, reader, change_number)
        async with crowd(server.url, size.readers, pages=[""]) as readers:
            pace = size.a_second, size.seconds
            return script_ms, await keep_pace(readers, change_number, *pace)


def measure(size: Size) -> Sequence[Row]:
    crowd_of = f"{size.readers} readers"
    with tempfile.TemporaryDirectory() as folder:
        cost_ms, alone, beside, with_readers, without = asyncio.run(measure_lab(size, Path(folder)))
    script_ms, script = asyncio.run(measure_script(size, cost_ms))
    for error in alone.errors + beside.errors + script.errors:
        print(error)
    n_errors = len(alone.errors + beside.errors)
    return [
        Row("processor time of a change, mean of the pages", cost_ms, "ms"),
        Row("the same of the script that burns as much", script_ms, "ms"),
        *script.rows(f"script of the same cost, {crowd_of}, no run"),
        *alone.rows(f"pages, {crowd_of}, no run"),
        *beside.rows(f"pages, {crowd_of}, beside a run"),
        Row(
            "95th percentile beside a run, times the script's without",
            beside.ms(0.95) / script.ms(0.95),
            "",
            3,
        ),
        Row("errors", n_errors, "", 0),
        Row(f"{PRESET}, trained beside the readers", with_readers, "images/s"),
        Row(f"{PRESET}, trained alone", without, "images/s"),
    ]


if __name__ == "__main__":
    report("B18", partial(measure, FULL), partial(measure, SMALL))
