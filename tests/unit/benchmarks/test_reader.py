"""The readers of the hosting benchmarks, against a real Streamlit server."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks.hosting.reader import Reader, ReaderError
from benchmarks.hosting.scene import log_problems
from tools.server import ROOT, Server, serving

PATIENCE_S = 30
SCRIPT = """
import streamlit as st

state = st.session_state
state["runs"] = state.get("runs", 0) + 1
st.markdown(f"page {state['runs']}")
times = st.number_input("Times", 1, 9, key="times", bind="query-params")
if st.button("Break", key="break"):
    raise ValueError("broken on purpose")

@st.fragment
def part():
    state["parts"] = state.get("parts", 0) + 1
    size = st.slider("Size", 0, 10, key="size")
    st.markdown(f"part {state['parts']} {size}")

@st.fragment(run_every=0.05)
def clock():
    state["ticks"] = state.get("ticks", 0) + 1
    st.markdown(f"tick {state['ticks']}")

part()
if st.checkbox("Ticking", key="ticking"):
    clock()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    script = tmp_path_factory.mktemp("reader") / "page.py"
    script.write_text(SCRIPT)
    with serving(script) as started:
        yield started


def test_a_control_runs_what_the_browser_would_run(server: Server) -> None:
    async def read() -> None:
        async with Reader(server.url) as reader:
            assert reader.shows("page 1")
            await reader.set("size", 7)
            assert reader.shows("part 2 7")
            assert not reader.shows("page 2")
            await reader.set("times", 3)
            assert reader.shows("page 2")
            assert reader.shows("part 3 7")
            assert reader.parameter("times") == "3"
            assert reader.errors == []
            assert reader.n_bytes > 0

    asyncio.run(read())


def test_a_fragment_with_an_interval_runs_by_itself_until_it_has_gone(server: Server) -> None:
    async def read() -> None:
        async with Reader(server.url) as reader:
            await reader.set("ticking", value=True)
            await reader.until(lambda: reader.shows("tick 5"), PATIENCE_S)
            await reader.set("ticking", value=False)
            assert not reader.widget("ticking").proto.value
            assert reader.n_timers == 0

    asyncio.run(read())


def test_an_error_on_the_page_is_noted(server: Server) -> None:
    async def read() -> None:
        async with Reader(server.url) as reader:
            await reader.press("break")
            assert len(reader.errors) == 1
            with pytest.raises(ReaderError):
                reader.widget("size_of_nothing")

    asyncio.run(read())


def test_many_readers_have_sessions_of_their_own(server: Server) -> None:
    async def read() -> None:
        readers = [Reader(server.url) for _ in range(8)]
        await asyncio.gather(*(reader.open() for reader in readers))
        await asyncio.gather(*(reader.set("size", n) for n, reader in enumerate(readers)))
        assert all(reader.shows(f"part 2 {n}") for n, reader in enumerate(readers))
        assert len({reader.cookies["_streamlit_xsrf"] for reader in readers}) == len(readers)
        await asyncio.gather(*(reader.close() for reader in readers))

    asyncio.run(read())


def test_a_reader_comes_back_and_its_controls_work_when_a_server_has_forgotten_it(
    tmp_path: Path,
) -> None:
    """The page was only opened: the browser asks for no run, and then for a fragment alone."""

    async def read() -> None:
        with serving(ROOT / "app.py", CNN_LAB_RUNS=str(tmp_path)) as first:
            port = urlsplit(first.url).port
            reader = Reader(first.url, "convolution", "conv_padding=same")
            await reader.open()
            assert "cnn_lab_visitor" in reader.cookies
            first.process.kill()
            first.process.wait(PATIENCE_S)
            with serving(ROOT / "app.py", port=port, CNN_LAB_RUNS=str(tmp_path)):
                await reader.until(lambda: bool(reader.returns), PATIENCE_S)
                await reader.set("conv_stride", 2)
                assert reader.parameter("conv_padding") == "same"
                assert reader.parameter("conv_stride") == "2"
                assert reader.shows("same")
                await reader.set("conv_stride", 3)
                assert reader.errors == []
                await reader.close()

    asyncio.run(read())


def test_each_traceback_and_each_error_of_a_log_counts_once() -> None:
    log = (
        "You can now view your app\n"
        "Traceback (most recent call last):\n"
        '  File "a.py", line 1, in <module>\n'
        "    raise ValueError\n"
        "ValueError: no\n"
        "2026-01-01 - distributed.core - ERROR - lost\n"
        "all well\n"
    )
    traceback, line = log_problems(log)
    assert traceback.startswith("Traceback")
    assert traceback.endswith("\nValueError: no")
    assert line == "2026-01-01 - distributed.core - ERROR - lost"
    assert log_problems("nothing to see\n") == []
    assert len(log_problems("Traceback (most recent call last):\n  File")) == 1


@pytest.mark.parametrize("frame", ["╭╮│╰╯", "── ──"])
def test_a_traceback_in_a_frame_counts_once_and_ends_with_its_error(frame: str) -> None:
    left, right, side, low, end = frame
    framed = (
        f"\x1b[31m{left}── \x1b[0m\x1b[1mTraceback \x1b[0m"
        f"\x1b[2m(most recent call last)\x1b[0m ──{right}\n"
        f"\x1b[31m{side}\x1b[0m app.py:5 in <module> \x1b[31m{side}\x1b[0m\n"
        f"\x1b[31m{low}──{end}\x1b[0m\n"
        "\x1b[1;91mValueError: \x1b[0mno\n"
        "all well\n"
    )
    [problem] = log_problems(framed)
    assert "Traceback (most recent call last)" in problem
    assert problem.endswith("\nValueError: no")
