"""Every matrix that can be typed, on every page: which numbers count, and what is said."""

import json
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from streamlit.testing.v1 import AppTest

from cnn_lab.data.kernels import KERNELS
from tests.app.elements import stages, tables

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "9 0 0 0 0 0; 0 9 0 0 0 0; 0 0 9 0 0 0; 0 0 0 9 0 0; 0 0 0 0 9 0; 0 0 0 0 0 9"
WEIGHTS = "0 0 0; 0 2 0; 0 0 0"
COLOUR = {"conv_channels": "colour"}
TWO = {"conv_filters": "2"}


class Case(NamedTuple):
    """A typed matrix, and a preset that is chosen after it."""

    module: str
    page: str
    key: str
    text: str
    preset: tuple[str, Any]
    query: Mapping[str, str] = MappingProxyType({})

    @property
    def typed(self) -> dict[str, str]:
        """The address that shows the typed numbers."""
        return {**self.query, self.key: self.text}


def image(page: str, key: str, preset: str, value: int, **query: str) -> Case:
    return Case("widgets/image_input.py", page, key, IMAGE, (preset, value), query)


IMAGES = [
    image("convolution", "conv_values", "conv_seed", 7),
    image("convolution", "conv_values", "conv_rows", 5),
    image("convolution", "conv_values_green", "conv_columns", 8, **COLOUR),
    image("padding", "pad_values", "pad_seed", 7),
    image("pooling", "pool_values", "pool_columns", 8),
    image("backpropagation", "back_values", "back_seed", 7, back_part="Gradients"),
]
KERNEL_BANK = [
    Case("convolution/controls.py", "convolution", key, WEIGHTS, (menu, "laplacian"), query)
    for key, menu, query in (
        ("conv_weights", "conv_kernel", {}),
        ("conv_weights_1", "conv_kernel", TWO),
        ("conv_weights_2_blue", "conv_kernel_2", {**COLOUR, **TWO}),
    )
]
KERNEL = Case(
    "backpropagation/controls.py",
    "backpropagation",
    "back_weights",
    WEIGHTS,
    ("back_kernel", "laplacian"),
    {"back_part": "Gradients"},
)
PADDING_KERNEL = Case(
    "padding/controls.py",
    "padding",
    "pad_weights",
    WEIGHTS,
    ("pad_kernel", "laplacian"),
)
# Here the preset is another source of the numbers, and hides their field.
SOURCES = [
    Case(
        "backpropagation/controls.py",
        "backpropagation",
        "back_delta",
        "1 2 3 4; 0 0 0 0; 0 0 0 0; 5 6 7 8",
        ("back_source", "ones"),
        {"back_source": "own numbers"},
    ),
    Case(
        "pooling/controls.py",
        "pooling",
        "pool_delta",
        "1 2 3; 0 0 0; 4 5 6",
        ("pool_grad", "ones"),
        {"pool_direction": "back", "pool_grad": "own"},
    ),
    Case(
        "backpropagation/softmax.py",
        "backpropagation",
        "back_logits",
        "4 -2",
        ("back_scores", "network"),
        {"back_part": "Softmax and loss"},
    ),
    Case("widgets/image_input.py", "pooling", "pool_values", IMAGE, ("pool_input", "ties")),
]
CASES = [*IMAGES, *KERNEL_BANK, KERNEL, PADDING_KERNEL]
EVERY_MATRIX = {case.key: case for case in (*CASES, *SOURCES)}


def named(cases: list[Case]) -> list[Any]:
    return [pytest.param(case, id=f"{case.key}-{case.preset[0]}") for case in cases]


def shown(page: AppTest) -> list[Any]:
    """Return the numbers that a page computes with: its stages, or its tables."""
    assert not page.exception
    return [json.loads(each.proto.json)["traces"] for each in stages(page)] or tables(page)


def choose(page: AppTest, key: str, value: Any) -> None:
    """Choose a value in a control of any kind."""
    kinds = (page.selectbox, page.number_input, page.segmented_control)
    (control,) = [one for kind in kinds for one in kind if one.key == key]
    control.set_value(value).run()


def buttons(page: AppTest) -> set[str]:
    return {one.key for one in page.button if re.search("_edit_.*_(preset|numbers)$", one.key)}


def press(page: AppTest, ending: str) -> None:
    (button,) = [one for one in page.button if one.key.endswith(ending)]
    button.click().run()


def test_every_typed_matrix_of_the_app_is_tested_here():
    """U2: a module that shows another matrix needs a case in this file."""
    folder = ROOT / "cnn_lab/app"
    using = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        if "MatrixEditor(" in path.read_text(encoding="utf-8")
    }
    assert using == {case.module for case in EVERY_MATRIX.values()}


@pytest.fixture
def open_page(open_page):
    """Open a page with the editors of its matrices open."""
    return partial(open_page, editors=True)


@pytest.mark.parametrize("case", named(CASES))
def test_a_preset_chosen_after_typing_counts_and_the_numbers_can_come_back(open_page, case):
    """U2: the later choice wins on every page, and nothing that was typed is lost."""
    page = open_page(case.page, case.query)
    before = shown(page)
    page.text_input(key=case.key).set_value(case.text).run()
    with_numbers = shown(page)
    assert with_numbers != before
    choose(page, *case.preset)
    fresh = open_page(case.page, case.query)
    choose(fresh, *case.preset)
    assert page.text_input(key=case.key).value == ""
    assert shown(page) == shown(fresh) != with_numbers
    assert len(buttons(page)) == 1
    press(page, "_numbers")
    assert page.text_input(key=case.key).value == case.text
    press(page, "_preset")
    assert shown(page) == shown(fresh)
    press(page, "_numbers")
    page.text_input(key=case.key).set_value("").run()
    assert not buttons(page)


@pytest.mark.parametrize("case", named(CASES))
def test_an_address_with_a_preset_and_numbers_shows_the_numbers(open_page, case):
    """U2: links made so far mean what they meant."""
    name, value = case.preset
    text = KERNELS[value].title if value in KERNELS else str(value)
    page = open_page(case.page, {**case.typed, name: text})
    assert page.text_input(key=case.key).value == case.text
    by_hand = open_page(case.page, {**case.query, name: text})
    by_hand.text_input(key=case.key).set_value(case.text).run()
    assert shown(page) == shown(by_hand)
    page.run()
    assert page.text_input(key=case.key).value == case.text
    press(page, "_preset")
    assert shown(page) == shown(open_page(case.page, {**case.query, name: text}))


@pytest.mark.parametrize("case", named(SOURCES))
def test_another_source_counts_and_the_numbers_wait_for_theirs(open_page, case):
    """U2: numbers typed for one source have no part in another, and are there afterwards."""
    page = open_page(case.page, case.typed)
    with_numbers = shown(page)
    name, value = case.preset
    kind = (
        page.selectbox if any(one.key == name for one in page.selectbox) else page.segmented_control
    )
    source = kind(key=name).value
    choose(page, name, value)
    assert shown(page) == shown(open_page(case.page, {**case.query, name: str(value)}))
    choose(page, name, source)
    assert shown(page) == with_numbers


def test_a_preset_leaves_the_numbers_of_other_filters_alone(open_page):
    """U2: a kernel chosen for one filter changes this filter only."""
    query = {**TWO, **COLOUR, "conv_weights_1_red": WEIGHTS, "conv_weights_2_red": WEIGHTS}
    page = open_page("convolution", query)
    choose(page, "conv_kernel_2", "laplacian")
    assert page.text_input(key="conv_weights_1_red").value == WEIGHTS
    assert page.text_input(key="conv_weights_2_red").value == ""
    assert len(buttons(page)) == 2
    press(page, "_numbers")
    assert page.text_input(key="conv_weights_2_red").value == WEIGHTS


def test_a_size_that_the_numbers_do_not_have_keeps_them(open_page):
    """U2: numbers of another size than the kernel's are named, and count again where they fit."""
    page = open_page("convolution", {"conv_weights": WEIGHTS})
    with_numbers = shown(page)
    page.number_input(key="conv_kernel_rows").set_value(5).run()
    (problem,) = page.warning
    assert "5 rows and 3 columns" in problem.value
    assert "3 rows and 3 columns" in problem.value
    page.number_input(key="conv_kernel_rows").set_value(3).run()
    assert shown(page) == with_numbers
    assert not page.warning


BAD = {
    "1 2; a": "“a” in row 2",
    "nan": "“nan” in row 1",
    "inf; 1": "“inf” in row 1",
    "1e400": "1,000,000",
    "0,5 1": "“0,5” in row 1",
    "1 2; 3": "row 1 has 2, row 2 has 1",
    ";": "at least one number",
    "1 " * 5000: "6,000 characters",
    "[x](//y) <b>": r"“\[x\](//y)” in row 1",
}


@pytest.mark.parametrize("case", EVERY_MATRIX.values(), ids=EVERY_MATRIX)
def test_text_that_is_no_matrix_is_explained_in_whole_sentences(open_page, case):
    """U8: one warning, sentence by sentence, says what is wrong and what is shown instead."""
    page = open_page(case.page, case.query)
    before = shown(page)
    for text, fact in BAD.items() if case.key == "conv_weights" else list(BAD.items())[:1]:
        page.text_input(key=case.key).set_value(text).run()
        (problem,) = [warning.value for warning in page.warning]
        assert fact in problem
        assert all(re.match(r"[A-Z“*]|-0\.5", sentence) for sentence in problem.split(". "))
        assert re.search(r"[.] The preset is shown instead[.]$", problem)
        assert shown(page) == before


@pytest.mark.parametrize("text", ["1 2; a", "1 2"])
def test_a_problem_is_shown_in_the_popover_while_it_is_open_and_outside_afterwards(open_page, text):
    """U8: the open popover does not cover the warning; closed, it does not hide it."""

    def in_popover(page: AppTest) -> list[str]:
        (popover,) = [
            block
            for block in page.get("popover")
            if "Edit the weights" in block.proto.popover.label
        ]
        return [warning.value for warning in popover.get("warning")]

    page = open_page("convolution", {"conv_weights": text}, {"conv_edit_kernel": True})
    assert len(in_popover(page)) == len(page.warning) == 1
    page.session_state["conv_edit_kernel"] = False
    page.run()
    assert (len(in_popover(page)), len(page.warning)) == (0, 1)


def test_a_problem_goes_when_a_preset_is_chosen(open_page):
    """U8: what is wrong with numbers that no longer count is not said."""
    page = open_page("convolution", {"conv_weights": "1 2; a"})
    assert page.warning
    choose(page, "conv_kernel", "laplacian")
    assert not page.warning
    press(page, "_numbers")
    assert page.text_input(key="conv_weights").value == "1 2; a"
    assert page.warning


def test_a_closed_editor_has_no_field_until_something_is_typed(open_page):
    def fields(page: AppTest) -> list[str]:
        return [each.key for each in page.text_input]

    assert fields(open_page("convolution", editors=False)) == []
    page = open_page("convolution", {"conv_weights": WEIGHTS}, editors=False)
    assert fields(page) == ["conv_weights"]
