"""B4: what one rerun costs the server's processor: a page of text, and a page with a stage."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.report import Row, report
from benchmarks.scene import one_line_script
from benchmarks.session import Session
from tools.server import ROOT, Server, serving

WARM_UP, RUNS = 20, 200
PARAGRAPH = "What a page of text costs is what its frame costs, and a little for the words. " * 8
TEXT_PAGE = f"""
import streamlit as st
from cnn_lab.app import frame
frame.ensure()
st.title("Text")
for section in range(6):
    st.subheader(f"Section {{section}}")
    st.markdown({PARAGRAPH!r})
    st.latex(r"y = \\sum_k w_k x_k + b")
"""


def processor_ms(server: Server, rerun: Callable[[int], None]) -> float:
    """Return the milliseconds of processor time that the server spends on one rerun."""
    process = psutil.Process(server.process.pid)
    for index in range(WARM_UP):
        rerun(index)
    before = process.cpu_times()
    for index in range(WARM_UP, WARM_UP + RUNS):
        rerun(index)
    after = process.cpu_times()
    used_s = after.user + after.system - before.user - before.system
    return float(1000 * used_s / RUNS)


def measure_text() -> float:
    """Rerun a page of text in a copy of the app that has it in the place of its home page."""
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder)
        for name in ("app.py", "pages", ".streamlit"):
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, app / name)
        (app / "pages" / "home.py").write_text(TEXT_PAGE, encoding="utf-8")
        with serving(app / "app.py") as server, Session(server.url) as reader:
            assert any(PARAGRAPH.encode() in data for data in reader.received)
            return processor_ms(server, lambda _: reader.run())


def measure_stages() -> list[Row]:
    rows = []
    with serving(ROOT / "app.py") as server:
        for page, key in (("convolution", "conv_stride"), ("pooling", "pool_size")):
            with Session(server.url, page) as reader:
                number = reader.widget_id(key)

                def change(index: int, reader: Session = reader, number: str = number) -> None:
                    reader.run(WidgetState(id=number, int_value=1 + index % 2))

                changed_ms = processor_ms(server, change)
            rows.append(Row(f"{page} page, another number each time", changed_ms, "ms", 30))
    return rows


def measure_one_line() -> float:
    """Rerun a script of one line: what a rerun costs Streamlit itself."""
    with one_line_script() as script, serving(script) as server, Session(server.url) as reader:
        return processor_ms(server, lambda _: reader.run())


def measure() -> Sequence[Row]:
    rows = [Row("page of text", measure_text(), "ms", 10), *measure_stages()]
    return [Row("one-line Streamlit script", measure_one_line(), "ms"), *rows]


if __name__ == "__main__":
    report("B4", measure)
