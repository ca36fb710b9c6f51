"""Crowds of readers for the hosting benchmarks, their pace, and scripts to compare with.

Readers are coroutines of one process, which shares the machine with the servers it measures.
"""

import asyncio
import hmac
import itertools
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psutil

from benchmarks.hosting.reader import Reader, ReaderError
from benchmarks.report import Row, percentile
from tools.serve import Kit, Part, serving_kit
from tools.server import Server, serving

# Pages with a stage, and the control that the readers change.
CONTROLS = {
    "convolution": ("conv_stride", (1, 2, 3)),
    "padding": ("pad_stride", (1, 2, 3)),
    "pooling": ("pool_size", (2, 3)),
    "features": ("features_digit", tuple(range(40))),
}
PROXY_COOKIE = "cnn_lab_page"  # in deploy/Caddyfile
OPENED_A_SECOND = 5.0
COUNTED_AFTER_S = 2.0  # of a steady pace
MS = 1000.0
COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # of a terminal
# A page of one control that costs the processor as much as it is told.
BURNING = """
import time
import streamlit as st
st.number_input("Number", 0, 1_000_000, key="number")
until = time.thread_time() + {seconds}
while time.thread_time() < until:
    pass
st.markdown("done")
"""


@dataclass
class Latencies:
    """How long readers waited, and what went wrong.

    Attributes
    ----------
    seconds : list of float
    errors : list of str
    """

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def note(self, asked: Awaitable[float]) -> None:
        """Wait until a page has followed and note how long that took."""
        try:
            self.seconds.append(await asked)
        except ReaderError as error:
            self.errors.append(str(error))

    def ms(self, share: float) -> float:
        """Return the milliseconds that so many of the answers did not exceed."""
        return MS * percentile(self.seconds, share)

    def rows(self, what: str) -> list[Row]:
        """Return median and 95th percentile as rows of a report."""
        return [
            Row(f"{what}, median", self.ms(0.5), "ms"),
            Row(f"{what}, 95th percentile", self.ms(0.95), "ms"),
        ]


Change = Callable[[Reader, int], Awaitable[float]]
"""Makes the n-th change on a reader's page and returns the seconds it took."""


async def change_control(reader: Reader, n: int) -> float:
    """Give the control of a reader's page its next value."""
    key, values = CONTROLS[reader.page]
    return await reader.set(key, values[n % len(values)])


async def change_number(reader: Reader, n: int) -> float:
    """Give the number of a burning script another value."""
    return await reader.set("number", n)


async def run_again(reader: Reader, _n: int) -> float:
    """Run a script without controls again."""
    return await reader.run()


@asynccontextmanager
async def crowd(
    url: str, count: int, *, pages: Sequence[str] = tuple(CONTROLS), query: str = ""
) -> AsyncIterator[list[Reader]]:
    """Open so many tabs, a few a second, and close them in the end.

    Parameters
    ----------
    url : str
    count : int
    pages : sequence of str
        On which they are spread.
    query : str
        Of their addresses.
    """
    readers = [Reader(url, pages[n % len(pages)], query) for n in range(count)]
    try:
        await asyncio.gather(
            *(after(n / OPENED_A_SECOND, one.open) for n, one in enumerate(readers))
        )
        yield readers
    finally:
        await asyncio.gather(*(reader.close() for reader in readers))


async def until(moment: float) -> None:
    """Sleep until a moment of the monotonic clock."""
    await asyncio.sleep(max(0.0, moment - time.monotonic()))


async def after(seconds: float, work: Callable[[], Awaitable[float]]) -> float:
    """Wait, then work."""
    await asyncio.sleep(seconds)
    return await work()


async def keep_pace(
    readers: Sequence[Reader], change: Change, a_second: float, seconds: float
) -> Latencies:
    """Have readers change their pages in turn, at a steady pace whether or not answers come.

    A reader whose page has not followed yet leaves its turn to the next, as a person would.

    Returns
    -------
    latencies : Latencies
        Without those of the first two seconds.
    """
    counted, warming = Latencies(), Latencies()
    numbers = {id(reader): itertools.count(n) for n, reader in enumerate(readers)}
    free = list(readers)
    tasks: set[asyncio.Task[None]] = set()
    started, n_asked, n_missed = time.perf_counter(), 0, 0

    async def ask(reader: Reader, latencies: Latencies) -> None:
        await latencies.note(change(reader, next(numbers[id(reader)])))
        free.append(reader)

    while (elapsed := time.perf_counter() - started) < COUNTED_AFTER_S + seconds:
        if n_asked < elapsed * a_second:
            n_asked += 1
            if free:
                latencies = counted if elapsed > COUNTED_AFTER_S else warming
                task = asyncio.create_task(ask(free.pop(0), latencies))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            else:
                n_missed += 1
        else:
            await asyncio.sleep(n_asked / a_second - elapsed)
    await asyncio.gather(*tasks)
    counted.errors += warming.errors + [error for one in readers for error in one.errors]
    if n_missed:
        counted.errors.append(f"All readers were waiting {n_missed} times.")
    return counted


async def processor_ms(
    process: psutil.Process, reader: Reader, change: Change, *, count: int = 30
) -> float:
    """Return the milliseconds of processor time of one change, tabs that follow it included."""
    for n in range(count // 3):
        await change(reader, n)
    await asyncio.sleep(1)
    before = used_s(process)
    for n in range(count):
        await change(reader, n)
        await asyncio.sleep(0.1)  # the tabs follow
    return MS * (used_s(process) - before) / count


def used_s(process: psutil.Process) -> float:
    """Return the seconds of processor time that a process has used, without its children."""
    times = process.cpu_times()
    return float(times.user + times.system)


@dataclass(frozen=True)
class Lab:
    """Replicas of the lab behind a proxy, a scheduler and its workers.

    Attributes
    ----------
    kit : Kit
    """

    kit: Kit

    @property
    def url(self) -> str:
        """Where the proxy serves readers."""
        return self.kit.url

    @property
    def replicas(self) -> list[psutil.Process]:
        """The page processes."""
        return [psutil.Process(part.pid) for part in self.kit.pages]

    def replica_of(self, reader: Reader) -> Part:
        """Return the page process that the proxy has a reader's browser talk to.

        Its cookie is a digest of the address behind it, so that no list of cookies is needed.
        """
        for url, part in zip(self.kit.page_urls, self.kit.pages, strict=True):
            place = urlsplit(url).netloc
            if reader.cookies.get(PROXY_COOKIE) == hmac.digest(b"", place.encode(), "sha256").hex():
                return part
        raise ReaderError("The proxy has not said which page process a reader's is.")

    def problems(self) -> list[str]:
        """Return what no host should find in the logs of pages, scheduler and workers."""
        parts = [*self.kit.pages, self.kit.scheduler, *self.kit.workers]
        return [f"{part.name}: {line}" for part in parts for line in log_problems(part.log)]


@contextmanager
def a_lab(folder: Path, *, replicas: int = 3, workers: int = 2) -> Iterator[Lab]:
    """Run the kit of `make serve` until the block ends, its workers warm."""
    with serving_kit(folder, pages=replicas, workers=workers) as kit:
        yield Lab(kit)


@contextmanager
def burning_script(seconds: float) -> Iterator[Server]:
    """Serve a page with one control whose every run takes so much processor time."""
    with TemporaryDirectory() as folder:
        script = Path(folder) / "burning.py"
        script.write_text(BURNING.format(seconds=seconds), encoding="utf-8")
        with serving(script) as server:
            yield server


async def script_of_cost(cost_ms: float) -> tuple[float, float]:
    """Return how long a burning script must burn for a run that costs so much, and what it costs.

    Both in milliseconds.
    """
    with burning_script(0) as server:
        async with Reader(server.url) as reader:
            process = psutil.Process(server.process.pid)
            bare_ms = await processor_ms(process, reader, change_number)
    return max(0.0, cost_ms - bare_ms), bare_ms


def log_problems(log: str) -> list[str]:
    """Return what no host should find in a server's log: tracebacks and lines of errors.

    Streamlit's tracebacks have colours and a frame, or lines above and below.
    """
    found: list[str] = []
    is_inside = False
    for line in COLOUR.sub("", log).splitlines():
        if "Traceback (most recent call last)" in line:
            is_inside = True
            found.append(line)
        elif is_inside:
            found[-1] += f"\n{line.rstrip()}"
            is_inside = not line or line[0] in " |+│╭╰─"
        elif "ERROR" in line.split():
            found.append(line)
    return found
