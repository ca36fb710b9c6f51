"""Locked and hidden controls: no address, session, link or edit changes them."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cnn_lab.app.widgets.guidance import Guidance
from tests.addresses import NASTY, go_back_to
from tests.app.elements import said, stages
from tests.app.lesson_walk import arrived

# Key -> its lock, what the lock means, another value as an address has it, and the default.
KINDS: dict[str, tuple[str, Any, str, Any]] = {
    "choice": ("b", "b", "c", "a"),
    "pills": ("b", "b", "c", "a"),
    "optional": ("b", "b", "c", None),
    "several": ("a|c", ["a", "c"], "b", ["b"]),
    "menu": ("b", "b", "c", "a"),
    "radio": ("b", "b", "c", "a"),
    "stops": ("0.5", 0.5, "2", 1.0),
    "slider": ("3", 3, "4", 1),
    "real_slider": ("0.25", 0.25, "0.75", 0.5),
    "switch": ("true", True, "false", False),
    "fold": ("true", True, "false", False),
    "tabs": ("Two", "Two", "Three", "One"),
    "text": ("1 2; 3 4", "1 2; 3 4", "5", ""),
    "whole": ("3", 3, "4", 1),
    "real": ("-0.5", -0.5, "4", 0.0),
}
BAD = {"choice": "z", "several": "a|z", "whole": "99", "real": "inf", "switch": "yes", "tabs": ""}


def controls() -> None:
    import streamlit as st

    from cnn_lab.app.widgets import inputs
    from cnn_lab.app.widgets.guidance import set_guidance
    from cnn_lab.app.widgets.story import chapter_tabs

    set_guidance(st.session_state.get("wanted"))
    letters, found = ["a", "b", "c"], {}
    found["choice"] = inputs.choice("Choice", letters, "choice")
    found["pills"] = inputs.choice("Pills", letters, "pills", pills=True)
    found["optional"] = inputs.optional_choice("Optional", letters, "optional")
    found["several"] = inputs.several("Several", letters, "several", default=["b"])
    found["menu"] = inputs.menu("Menu", letters, "menu")
    found["radio"] = inputs.radio("Radio", letters, "radio", captions=letters)
    found["stops"] = inputs.value_slider("Stops", [0.5, 1.0, 2.0], "stops", value=1.0)
    found["slider"] = inputs.slider("Slider", "slider", value=1, minimum=0, maximum=5)
    found["real_slider"] = inputs.slider("R", "real_slider", value=0.5, minimum=0.0, maximum=1.0)
    found["switch"] = inputs.switch("Switch", "switch")
    found["fold"] = inputs.fold("Fold", "fold", icon=":material/tune:").open
    open_tabs = []
    titles = ("One", "Two", "Three")
    chapter_tabs("tabs", {t: lambda title=t: open_tabs.append(title) for t in titles})
    found["tabs"] = open_tabs[0] if open_tabs else None
    found["text"] = inputs.text_field("Text", "text", placeholder="", help="Help")
    found["whole"] = inputs.whole_number("Whole", "whole", value=1, minimum=0, maximum=9)
    found["real"] = inputs.real_number("Real", "real", value=0.0, step=0.5)
    st.session_state.found = found


def open_controls(guidance: Guidance | None, query: dict[str, Any] | None = None) -> AppTest:
    page = AppTest.from_function(controls)
    page.session_state["wanted"] = guidance
    page.query_params.update(query or {})
    page.run()
    assert not page.exception
    return page


def widgets(page: AppTest) -> Iterator[Any]:
    """Yield every widget of the page but folds and tabs."""
    for kind in (page.number_input, page.text_input, page.toggle, page.slider, page.selectbox):
        yield from kind
    for kind in (page.radio, page.select_slider, page.button_group):
        yield from kind


LOCKS = Guidance("locks", {key: lock for key, (lock, *_) in KINDS.items()})
LOCKED = {key: value for key, (_, value, *_) in KINDS.items()}
OTHER = {key: other for key, (_, _, other, _) in KINDS.items()}
DEFAULTS = {key: default for key, (*_, default) in KINDS.items()}


def test_every_kind_of_control_takes_the_value_of_its_lock() -> None:
    page = open_controls(LOCKS)
    assert page.session_state.found == LOCKED
    assert not page.query_params


def test_no_address_changes_a_locked_control() -> None:
    assert open_controls(None, OTHER).session_state.found != DEFAULTS
    page = open_controls(LOCKS, OTHER)
    assert page.session_state.found == LOCKED
    assert not page.query_params
    for value in (OTHER, *({key: nasty for key in KINDS} for nasty in NASTY)):
        go_back_to(page, value)
        assert not page.exception
        assert page.session_state.found == LOCKED


def test_no_session_changes_a_locked_control() -> None:
    page = open_controls(None, OTHER)
    before = page.session_state.found
    page.session_state["wanted"] = LOCKS
    page.run()
    assert page.session_state.found == LOCKED != before
    page.session_state["choice"], page.session_state["whole"] = "c", 7
    page.run()
    assert page.session_state.found == LOCKED


def test_what_is_locked_is_shown_and_cannot_be_used() -> None:
    page = open_controls(LOCKS)
    shown = list(widgets(page))
    assert len(shown) == len(KINDS) - 2  # all but fold and tabs
    assert all(widget.disabled and ":material/lock:" in widget.help for widget in shown)
    assert [tab.label for tab in page.tabs] == ["Two"]


def test_a_lock_without_a_value_holds_the_default() -> None:
    page = open_controls(Guidance("locks", dict.fromkeys(KINDS)), OTHER)
    assert page.session_state.found == DEFAULTS


def test_a_lock_at_a_value_that_is_not_offered_holds_the_default() -> None:
    guidance = Guidance("locks", BAD)
    page = open_controls(guidance)
    assert {key: page.session_state.found[key] for key in BAD} == {
        key: DEFAULTS[key] for key in BAD
    }
    assert page.session_state.wanted.refused >= {"choice", "several", "whole", "real", "switch"}


def test_what_is_hidden_is_not_shown_and_keeps_its_value() -> None:
    hidden = Guidance("hidden", hidden=frozenset({*KINDS} - {"fold", "tabs"}))
    page = open_controls(None, OTHER)
    before = page.session_state.found
    page.session_state["wanted"] = hidden
    for _ in range(3):
        page.run()
        assert {**page.session_state.found, "tabs": "Three"} == before
        assert not list(widgets(page))
    page = open_controls(Guidance("hidden", hidden=frozenset({"fold", "tabs"})))
    assert not [*page.tabs, *page.expander]
    page = open_controls(Guidance("hidden", hidden=frozenset({"one", "three"})))
    assert [tab.label for tab in page.tabs] == ["Two"]


def test_what_is_hidden_and_locked_has_the_value_of_its_lock() -> None:
    both = Guidance("both", LOCKS.locked, frozenset({*KINDS} - {"fold", "tabs"}))
    page = open_controls(both, OTHER)
    assert page.session_state.found == LOCKED


def test_a_locked_matrix_cannot_be_edited(open_page: Callable[..., AppTest]) -> None:
    """Neither as text, by cell, nor on the stage; one whose source is locked neither."""
    query = {"lock": "conv_weights:1 2 3; 4 5 6; 7 8 9,conv_input:digit", "conv_weights": "0"}
    page = open_page("convolution", query)
    assert page.text_input(key="conv_weights").value == "1 2 3; 4 5 6; 7 8 9"
    assert page.text_input(key="conv_weights").disabled
    (stage,) = stages(page)
    grids = json.loads(stage.proto.json)["editing"]["grids"]
    assert grids["kernel-1-1"]["refusal"]
    assert grids["input"]["refusal"]
    assert not grids["bias-1"]["refusal"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"lock": "conv_no_such:3"}, "conv_no_such"),
        ({"lock": "conv_stride:77"}, "conv_stride"),
        ({"hide": "no_such"}, "no_such"),
        ({"lock": "!"}, "!"),
        ({"lesson": "no-such"}, "no-such"),
        ({"ask": "no-such"}, "no-such"),
        ({"lesson": "strides", "at": "99"}, "99"),
        ({"lesson": "strides", "at": "1", "seed": "x"}, "seed=x"),
        ({"lesson": "strides", "at": "1", "seal": "abcdef"}, "changed"),
    ],
)
def test_what_a_link_gets_wrong_is_said_once_and_the_page_is_well(
    query: dict[str, str], named: str, open_page: Callable[..., AppTest]
) -> None:
    page = arrived(open_page("convolution", query))
    assert not page.exception
    assert page.title
    (warning,) = page.warning
    assert named in said(page)
    page.run()
    assert [each.value for each in page.warning] == [warning.value]
