"""No address hurts: whatever it brings, in a new session or an open one, the page stays well."""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cnn_lab.app.training import sweep
from tests.addresses import NASTY, STATES, UNBOUND, bound_parameters, go_back_to
from tests.app.kept_runs import add_snapshots, judged, keep
from tests.app.test_sweeping import SWEEP_ID
from tests.app.test_sweeping import keep as keep_sweep
from tools.server import ROOT

CASES = [(page, state) for page, states in STATES.items() for state in states]
TAB = "training_result"
# Boxes that say why settings, each of them allowed, do not go together.
EXPLAINED = {"This does not fit", "These settings cannot be trained"}
# What of `MARKDOWN` a browser would show as a link, a picture, an icon, a formula or a tag.
RENDERED = re.compile(r"://evil|(?<!\\):material/bug|(?<!\\)\$x(?<!\\)\$|(?<!\\)<b>x")
WRAPPER = ROOT / "cnn_lab" / "app" / "widgets" / "bound.py"


def calls_that_bind(source: str) -> Iterator[int]:
    """Yield the lines on which Python code passes an argument `bind`, or prepares to."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg == "bind":
            yield node.value.lineno
        if isinstance(node, ast.Constant) and node.value in ("bind", "query-params"):
            yield node.lineno


def test_only_the_wrapper_binds_widgets_to_the_address() -> None:
    """R1, R2: no call of Streamlit's binds a widget by itself, so that none misses the checks."""
    sources = [*(ROOT / "cnn_lab").rglob("*.py"), *(ROOT / "pages").glob("*.py"), ROOT / "app.py"]
    binding = {path: list(calls_that_bind(path.read_text(encoding="utf-8"))) for path in sources}
    assert len(binding.pop(WRAPPER)) == 2
    assert not {path: lines for path, lines in binding.items() if lines}


@pytest.mark.parametrize(("name", "state"), CASES)
def test_no_parameter_hurts(
    name: str, state: dict[str, str], open_page: Callable[..., AppTest]
) -> None:
    """R1, R2, R9: each parameter with each nasty value, in a new session and brought by Back."""
    try_nasty_values(partial(open_page, name), state, UNBOUND.get(name, ()))


@pytest.fixture
def _own_sweeps() -> Iterator[None]:
    """Keep the sweeps of other tests' folders away."""
    sweep.sweeps.clear()
    yield
    sweep.sweeps.clear()


@pytest.mark.usefixtures("_own_sweeps")
def test_no_parameter_hurts_what_has_ended(
    open_page: Callable[..., AppTest], tmp_path: Path
) -> None:
    """R1, R2, R9: the parameters that a finished run and a finished sweep bring."""
    run_id = keep(tmp_path, judged())
    add_snapshots(tmp_path, run_id)
    keep_sweep(tmp_path)
    state = {"run": run_id, "sweep": SWEEP_ID, "training_compare": "fast"}
    shown = set()
    for tab in ("Results", "Replay", "Compare", "Sweep"):
        shown |= {*try_nasty_values(partial(open_page, "training"), {**state, TAB: tab})}
    assert {"training_machine_digit", "training_confused", "sweep_figure"} <= shown


def try_nasty_values(
    open_: Callable[..., AppTest], state: dict[str, str], unbound: Sequence[str] = ()
) -> list[str]:
    """Try each of `NASTY` in each parameter; return the parameters that widgets are bound to."""
    session = open_(query=state)
    shown = bound_parameters(session)
    varied = [parameter for parameter in (*unbound, *shown) if parameter not in state]
    assert varied
    for turn in range(len(NASTY)):
        values = {key: NASTY[(i + turn) % len(NASTY)] for i, key in enumerate(varied)}
        assert_well(go_back_to(session, {**state, **values}))
        if turn % 2 == 0:
            assert_well(open_(query={**state, **values}))
    return shown


def assert_well(page: AppTest) -> None:
    assert not page.exception, page.exception[0].message
    assert {error.proto.title for error in page.error} <= EXPLAINED
    assert page.title
    shown = (page.markdown, page.caption, page.warning, page.error, page.info, page.subheader)
    assert not [each.value for kind in shown for each in kind if RENDERED.search(each.value)]


@pytest.mark.parametrize("nasty", NASTY)
def test_a_bad_value_leaves_the_default(nasty: Any, open_page: Callable[..., AppTest]) -> None:
    """R1: the widgets show their defaults, and the address no longer has the value."""
    keys = ("conv_channels", "conv_stride", "conv_flip", "conv_apart", "conv_kernel")
    page = open_page("convolution", dict.fromkeys(keys, nasty))
    for _ in range(2):
        widgets = [
            page.button_group(key="conv_channels"),
            page.number_input(key="conv_stride"),
            page.radio(key="conv_flip"),
            page.toggle(key="conv_apart"),
            page.selectbox(key="conv_kernel"),
        ]
        assert [widget.value for widget in widgets] == [
            1,
            1,
            "Cross-correlation",
            False,
            "sobel_columns",
        ]
        assert not {*page.query_params} & {*keys} - (
            {"conv_stride"} if nasty == ["1", "1"] else set()
        )
        go_back_to(page, dict.fromkeys(keys, nasty))


def test_a_choice_after_a_bad_value_enters_the_address(open_page: Callable[..., AppTest]) -> None:
    """R1: the widget is bound again as soon as the address is clean."""
    page = open_page("convolution", {"conv_channels": "", "conv_stride": "inf", "conv_seed": "2"})
    assert page.query_params == {"conv_seed": "2"}
    page.number_input(key="conv_stride").set_value(3).run()
    assert page.query_params == {"conv_seed": "2", "conv_stride": "3"}
    go_back_to(page, {"conv_channels": "colour", "conv_stride": "inf"})
    assert page.query_params == {"conv_channels": "colour"}
    assert page.number_input(key="conv_stride").value == 1
    assert page.button_group(key="conv_channels").value == 3


def test_a_page_keeps_its_settings_while_another_one_is_shown(
    open_page: Callable[..., AppTest],
) -> None:
    """D2: the menu restores them, and puts them into the address."""
    page = open_page("convolution", {"conv_stride": "2", "conv_padding": "same"})
    go_to(page, "pooling", {})
    assert page.query_params == {}
    go_to(page, "convolution", {})
    assert page.number_input(key="conv_stride").value == 2
    assert page.query_params == {"conv_stride": "2", "conv_padding": "same"}


def go_to(page: AppTest, name: str, query: dict[str, str]) -> None:
    page.query_params.clear()
    page.query_params.update(query)
    page.switch_page(f"pages/{name}.py").run()
    assert not page.exception
