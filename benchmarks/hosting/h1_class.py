"""H1: a class of thirty behind one address, on three replicas, while one of them is killed.

All open one lesson, change a control every five seconds and start the same training; then the
replica of the first of them is killed. A one-line Streamlit script with as many readers, who run
it as often, gives the scale.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.hosting.reader import Reader, ReaderError
from benchmarks.hosting.scene import (
    Lab,
    Latencies,
    a_lab,
    crowd,
    keep_pace,
    run_again,
    until,
)
from benchmarks.report import Row, report
from benchmarks.scene import one_line_script
from cnn_lab.runs.job import UnknownRunError
from cnn_lab.runs.store import Store
from tools.server import serving

LESSON, N_STEPS, CONTROL, VALUES = "strides", 3, "pad_stride", (1, 2, 3)
# Long enough to be under way when the replica is killed.
TRAINING = "training_preset=fast&training_fast_epochs=6"
MAX_S = 5.0  # until all see the run they asked for, and until the killed replica's are back


class Size(NamedTuple):
    """How many readers on how many replicas, and how long each part takes, in seconds."""

    readers: int
    replicas: int
    opening: float
    every: float  # each reader changes a control
    pressing: float
    watching: float
    after: float
    patience: float


FULL = Size(30, 3, 10, 5, 20, 8, 30, 300)
SMALL = Size(6, 3, 3, 3, 4, 4, 12, 300)


class Pupil:
    """One of the class: a reader at a step of the lesson.

    Attributes
    ----------
    reader : Reader
    controls : Latencies
        Of the changes of a control.
    seen_s : float
        From pressing Start to the run on the page.
    run_id : str or None
    """

    def __init__(self, url: str, number: int) -> None:
        self.reader = Reader(url, query=f"lesson={LESSON}")
        self.controls = Latencies()
        self.seen_s = 0.0
        self.run_id: str | None = None
        self._number, self._at = number, 1 + number % N_STEPS

    @property
    def is_at_its_step(self) -> bool:
        """Whether address and page show the step that it was at."""
        return self.reader.parameter("at") == str(self._at)

    @property
    def sees_its_run(self) -> bool:
        """Whether the page shows a run under way as one that it has asked for."""
        shown = {"training_leave", "training_stop"} & self.reader.widgets.keys()
        return self.reader.parameter("run") is not None and bool(shown)

    async def attend(self, size: Size, started: float) -> None:
        """Do all that is asked of the class, and note what goes wrong."""
        try:
            await self._attend(size, started)
        except ReaderError as error:
            self.reader.errors.append(str(error))

    async def _attend(self, size: Size, started: float) -> None:
        share = self._number / size.readers
        ends = started + duration_s(size)
        await until(started + share * size.opening)
        await self.reader.open()
        for _ in range(1, self._at):
            await self.reader.press("lesson_next")
        press_at = started + size.opening + size.every + share * size.pressing
        await self._change_controls(size.every, press_at)
        await until(press_at)
        await self._train()
        if self._number % 2:  # the others go on watching
            await asyncio.sleep(size.watching)
            await self.reader.press("lesson_return")
            await self._change_controls(size.every, ends)
            if not self.reader.shows(f"{self._at} of"):
                await self.reader.run()
        await until(ends)

    async def _change_controls(self, every_s: float, until: float) -> None:
        n = self._number
        while time.monotonic() + every_s < until:
            await asyncio.sleep(every_s)
            await self.controls.note(self.reader.set(CONTROL, VALUES[n % len(VALUES)]))
            n += 1

    async def _train(self) -> None:
        await self.reader.go("training", TRAINING)
        pressed = time.monotonic()
        await self.reader.press("training_start")
        await self.reader.until(lambda: self.sees_its_run, 60)
        self.seen_s = time.monotonic() - pressed
        self.run_id = self.reader.parameter("run")


def duration_s(size: Size) -> float:
    """Return how long the class lasts."""
    return size.opening + size.every + size.pressing + size.watching + size.after


def kill_at_s(size: Size) -> float:
    """Return when the replica is killed."""
    return size.opening + size.every + size.pressing + size.watching + size.every / 2


async def hold_class(size: Size, lab: Lab) -> tuple[list[Pupil], int]:
    """Have the class meet and one replica killed; return who was there, and who were its readers.

    Returns
    -------
    pupils : list of Pupil
    n_cut_off : int
    """
    started = time.monotonic()
    pupils = [Pupil(lab.url, number) for number in range(size.readers)]
    everyone = asyncio.gather(*(pupil.attend(size, started) for pupil in pupils))
    await until(started + kill_at_s(size))
    killed = lab.replica_of(pupils[0].reader)
    n_cut_off = sum(lab.replica_of(pupil.reader) == killed for pupil in pupils)
    killed.kill()
    await everyone
    return pupils, n_cut_off


async def await_end(store: Store, run_id: str, patience_s: float) -> str:
    """Return how a run ended; "lost" if the store cannot tell in time."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        with contextlib.suppress(UnknownRunError):  # not written yet
            status = store.status(run_id)
            if not status.active:
                return status.state
        await asyncio.sleep(1)
    return "lost"


async def measure_class(size: Size, folder: Path) -> list[Row]:
    with a_lab(folder, replicas=size.replicas) as lab:
        pupils, n_cut_off = await hold_class(size, lab)
        run_ids = {pupil.run_id for pupil in pupils}
        ends = [await await_end(Store(folder / "runs"), str(one), size.patience) for one in run_ids]
        problems = lab.problems()
        for pupil in pupils:
            problems += pupil.reader.errors + pupil.controls.errors
            if not pupil.is_at_its_step:
                problems.append("A reader has lost the step of the lesson.")
        await asyncio.gather(*(pupil.reader.close() for pupil in pupils))
    for problem in problems:
        print(problem)
    returns = [back for pupil in pupils for back in pupil.reader.returns]
    controls = Latencies([s for pupil in pupils for s in pupil.controls.seconds])
    return [
        Row("errors seen by readers or in the logs", len(problems), "", 0),
        Row("runs that the class started", len(run_ids), "", 1),
        Row("of them finished", sum(end == "done" for end in ends), "", 1, at_least=True),
        Row(
            "from pressing Start to the run on the page, longest",
            max(pupil.seen_s for pupil in pupils),
            "s",
            MAX_S,
        ),
        Row("readers of the killed replica", n_cut_off, ""),
        Row("of them back", len(returns), "", n_cut_off, at_least=True),
        Row("back after, longest", max((back.seconds for back in returns), default=0), "s", MAX_S),
        *controls.rows("a control of the lesson"),
    ]


async def measure_script(size: Size) -> list[Row]:
    with one_line_script() as script, serving(script) as server:
        async with crowd(server.url, size.readers, pages=[""]) as readers:
            a_second = size.readers / size.every
            waited = await keep_pace(readers, run_again, a_second, size.pressing)
    return waited.rows(f"one-line Streamlit script, {size.readers} readers, one process")


def measure(size: Size) -> Sequence[Row]:
    with tempfile.TemporaryDirectory() as folder:
        rows = asyncio.run(measure_class(size, Path(folder)))
    return [*rows, *asyncio.run(measure_script(size))]


if __name__ == "__main__":
    report("H1", partial(measure, FULL), partial(measure, SMALL))
