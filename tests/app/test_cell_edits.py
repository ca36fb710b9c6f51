"""What an edit of a cell on the stage does to the controls, whatever the browser sends."""

import base64
import json
import math
from itertools import count
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnn_lab.app.widgets.cell_edits import MAX_UNDO
from cnn_lab.data.kernels import KERNELS
from cnn_lab.data.teaching_images import MAX_NUMBER, format_matrix
from tests.app.elements import stages

SOBEL = KERNELS["sobel_columns"].values(3, 3)


class Session:
    """A kernel, a bias and an image beside a stage that gets what a browser sends."""

    def __init__(self) -> None:
        def script() -> None:
            import numpy as np
            import streamlit as st

            from cnn_lab.app.widgets.cell_edits import Editable, editing_data, take_edits
            from cnn_lab.app.widgets.inputs import choice, real_number
            from cnn_lab.app.widgets.kernel_menu import kernel_menu
            from cnn_lab.app.widgets.matrix import MatrixEditor

            state = st.session_state
            name = kernel_menu("Kernel", "menu", (3, 3), "sobel_columns")
            from cnn_lab.data.kernels import KERNELS

            with MatrixEditor("Edit", "edit") as editor:
                kernel = editor.fixed_matrix(
                    "weights", KERNELS[name].values(3, 3), label="Kernel", preset=name
                )
            bias = real_number("Bias", "bias", value=0.0, step=0.5)
            image = np.arange(400.0).reshape(20, 20)
            if choice("Image", ("digit", "numbers"), "source") == "numbers":
                with MatrixEditor("Edit", "edit_image") as editor:
                    image = editor.matrix(
                        "values", np.zeros((6, 6)), label="Image", max_rows=28, max_columns=28
                    )
            typed = {"values": image}
            state.kernel, state.image, state.bias_now = kernel, image, bias
            state.told = editing_data(
                "stage",
                {
                    "kernel": Editable("kernel", "weights", kernel),
                    "bias": Editable("bias", "bias", np.array([[bias]]), is_number=True),
                    "input": Editable(
                        "input",
                        "values",
                        image,
                        is_painted=True,
                        source={"source": "numbers"},
                        typed=typed,
                    ),
                    "fixed": Editable("input", "fixed", kernel, obstacle="Not here."),
                },
            )
            st.button("Take", on_click=take_edits, args=("stage",))

        self.page = AppTest.from_function(script).run()
        self.numbers = count(1)

    def __getattr__(self, name: str) -> Any:
        assert not self.page.exception
        return self.page.session_state[name]

    def send(self, *actions: Any, **message: Any) -> None:
        self.prepare(*actions, **message)
        self.page.button[-1].click().run()

    def prepare(self, *actions: Any, **message: Any) -> None:
        numbered = [
            {"number": next(self.numbers), **each} if isinstance(each, dict) else each
            for each in actions
        ]
        kept = {"session": self.told["session"], "actions": numbered, **message}
        self.page.session_state["stage"] = {"kept": kept}


def cell(grid: str, *cells: tuple[int, int, float], **more: Any) -> dict[str, Any]:
    return {"grid": grid, "cells": [list(each) for each in cells], **more}


def changed(matrix: np.ndarray, *cells: tuple[int, int, float]) -> np.ndarray:
    copy = matrix.copy()
    for row, column, value in cells:
        copy[row, column] = value
    return copy


def test_a_cell_lands_in_the_text_that_is_typed():
    session = Session()
    session.send(cell("kernel", (0, 2, -3.5)))
    np.testing.assert_array_equal(session.kernel, changed(SOBEL, (0, 2, -3.5)))
    assert session.page.text_input(key="weights").value == format_matrix(session.kernel)
    session.send(cell("bias", (0, 0, 2.5)))
    assert session.bias_now == session.page.number_input(key="bias").value == 2.5


def test_an_edit_that_comes_again_counts_once_and_none_is_lost():
    """Until an edit is confirmed, the browser sends it with the later ones."""
    session = Session()
    first = {"number": 1, **cell("kernel", (0, 0, 1))}
    second = {"number": 2, **cell("kernel", (0, 0, 2))}
    third = {"number": 3, **cell("kernel", (1, 1, 5))}
    session.send(first)
    session.send(first, second)
    session.send(first, second, third)
    np.testing.assert_array_equal(session.kernel, changed(SOBEL, (0, 0, 2), (1, 1, 5)))
    assert session.told["seen"] == 3


def test_edits_are_undone_and_redone_one_by_one():
    session = Session()
    assert (session.told["undo"], session.told["redo"]) == (False, False)
    session.send(cell("kernel", (0, 0, 4)), cell("bias", (0, 0, 1)))
    session.send({"undo": True})
    assert (session.bias_now, session.kernel[0, 0]) == (0, 4)
    assert (session.told["undo"], session.told["redo"]) == (True, True)
    session.send({"undo": True})
    assert session.page.text_input(key="weights").value == ""
    assert (session.told["undo"], session.told["redo"]) == (False, True)
    session.send({"undo": True}, {"redo": True}, {"redo": True}, {"redo": True})
    assert (session.bias_now, session.kernel[0, 0]) == (1, 4)
    session.send({"undo": True}, cell("kernel", (2, 2, 9)))
    assert (session.told["undo"], session.told["redo"]) == (True, False)


def test_a_stroke_sent_in_parts_is_undone_as_one():
    session = Session()
    session.send(cell("input", (0, 0, 1)), cell("input", (0, 1, 1), (0, 2, 1), joins=True))
    session.send(cell("input", (0, 3, 1), joins=True))
    assert session.image[0, :4].tolist() == [1, 1, 1, 1]
    session.send({"undo": True})
    assert session.page.segmented_control(key="source").value == "digit"
    assert session.image[0, :4].tolist() == [0, 1, 2, 3]


def test_the_first_edit_of_a_digit_types_its_numbers():
    session = Session()
    session.send(cell("input", (3, 4, 7)), cell("input", (19, 19, 8)))
    assert session.page.segmented_control(key="source").value == "numbers"
    shown = np.arange(400.0).reshape(20, 20)
    np.testing.assert_array_equal(session.image, changed(shown, (3, 4, 7), (19, 19, 8)))


def test_an_edit_that_crosses_a_preset_is_of_the_preset():
    """The edit was made while the page with the preset was on its way."""
    session = Session()
    session.prepare(cell("kernel", (0, 0, 4)))
    session.page.selectbox(key="menu").set_value("laplacian")
    session.page.button[-1].click().run()
    laplacian = KERNELS["laplacian"].values(3, 3)
    np.testing.assert_array_equal(session.kernel, changed(laplacian, (0, 0, 4)))
    session.send({"undo": True})
    np.testing.assert_array_equal(session.kernel, laplacian)


def test_an_edit_that_a_preset_has_replaced_is_not_undone():
    session = Session()
    session.send(cell("kernel", (0, 0, 4)))
    session.page.selectbox(key="menu").set_value("laplacian").run()
    assert not session.told["undo"]
    session.send({"undo": True})
    np.testing.assert_array_equal(session.kernel, KERNELS["laplacian"].values(3, 3))


def test_what_can_be_undone_has_a_limit():
    session = Session()
    session.send(*(cell("bias", (0, 0, value)) for value in range(1, MAX_UNDO + 11)))
    session.send(*({"undo": True} for _ in range(MAX_UNDO + 20)))
    assert session.bias_now == 10


@pytest.mark.parametrize(
    "action",
    [
        cell("kernel"),
        cell("kernel", (3, 0, 1)),
        cell("kernel", (0, -1, 1)),
        cell("kernel", (0.0, 0, 1)),
        cell("kernel", (True, 0, 1)),
        cell("kernel", (0, 0, math.nan)),
        cell("kernel", (0, 0, math.inf)),
        cell("kernel", (0, 0, 1e300)),
        cell("kernel", (0, 0, MAX_NUMBER + 1)),
        {"grid": "kernel", "cells": [[0, 0, "7"]]},
        {"grid": "kernel", "cells": [[0, 0, None]]},
        {"grid": "kernel", "cells": [[0, 0]]},
        {"grid": "kernel", "cells": [[0, 0, 1]] * 10_001},
        {"grid": "kernel", "cells": "000"},
        {"grid": ["kernel"], "cells": [[0, 0, 1]]},
        {"number": "1", **cell("kernel", (0, 0, 1))},
        {"number": -1, **cell("kernel", (0, 0, 1))},
        {"undo": "yes"},
        cell("fixed", (0, 0, 1)),
        cell("nothing", (0, 0, 1)),
        "undo",
        None,
    ],
    ids=repr,
)
def test_what_is_no_edit_of_a_cell_changes_nothing(action):
    session = Session()
    session.send(action)
    np.testing.assert_array_equal(session.kernel, SOBEL)
    assert not session.told["undo"]
    session.send(cell("kernel", (0, 0, 4)))
    assert session.kernel[0, 0] == 4


@pytest.mark.parametrize("message", [{"session": "another"}, {"actions": 3}, {"actions": None}])
def test_a_message_for_another_session_changes_nothing(message):
    session = Session()
    session.send(cell("kernel", (0, 0, 4)), **message)
    np.testing.assert_array_equal(session.kernel, SOBEL)


COLOUR = {"conv_channels": "colour", "conv_filters": "2", "conv_biases": "true"}
GROUPS = {"conv_channels": "four", "conv_groups": "in groups", "conv_group_filters": "2"}
BACK = {"pool_direction": "back", "pool_grad": "own"}
OWN = {"back_part": "Gradients", "back_source": "own numbers", "back_what": "input"}
STAGES = {
    "convolution": "conv_stage",
    "padding": "pad_stage",
    "pooling": "pool_stage",
    "backpropagation": "back_stage",
}
TYPES = {"u1": np.uint8, "i1": np.int8, "u2": np.uint16, "i2": np.int16, "i4": np.int32}


@pytest.mark.parametrize(
    ("name", "query", "expected"),
    [
        ("convolution", {"conv_bias": "1", "conv_padding": "same"}, 3),
        ("convolution", {**COLOUR, "conv_bias": "1", "conv_bias_2": "2"}, 11),
        ("convolution", {**GROUPS, "conv_bias": "1"}, 16),
        ("padding", {"pad_compare": "one padding", "pad_padding": "full"}, 2),
        ("padding", {"pad_compare": "transposed", "pad_form": "gather"}, 2),
        ("pooling", BACK, 2),
        ("backpropagation", OWN, 2),
    ],
)
def test_each_grid_that_can_be_edited_shows_the_numbers_of_its_control(
    open_page, name, query, expected
):
    page = open_page(name, query, editors=True)
    (stage,) = [one.proto.json for one in stages(page)]
    grids = {each["key"]: each for each in json.loads(stage)["traces"][0]["grids"]}
    told = set(json.loads(stage)["editing"]["grids"]) & grids.keys()
    assert len(told) == expected
    known = page.session_state[f"{STAGES[name]}_editing"].grids
    edits = {grid: known[grid] for grid in told}
    values = {each.key: 11.0 + number for number, each in enumerate(edits.values())}
    for each in edits.values():
        if each.is_number:
            page.number_input(key=each.key).set_value(values[each.key])
        else:
            matrix = changed(each.values, (0, 0, values[each.key]))
            page.text_input(key=each.key).set_value(format_matrix(matrix))
    page.run()
    (stage,) = [one.proto.json for one in stages(page)]
    grids = {each["key"]: each for each in json.loads(stage)["traces"][0]["grids"]}
    for grid, edit in edits.items():
        assert first_cell(grids[grid]) == values[edit.key], grid


def first_cell(grid: dict[str, Any]) -> float:
    """The number in row 0 and column 0 of a grid as it is sent to the stage."""
    packed = grid["values"]
    numbers = np.frombuffer(base64.b64decode(packed["base64"]), TYPES[packed["type"]])
    row, column = grid["rowLabels"].index(0), grid["columnLabels"].index(0)
    return float(numbers[row * grid["columns"] + column] / 10 ** packed.get("decimals", 0))
