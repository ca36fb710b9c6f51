"""Controls of the Pooling page, returned as one setup for both kinds of pooling."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import streamlit as st

from cnn_lab.app.caches import test_digits
from cnn_lab.app.widgets.bound import number_within, unshown
from cnn_lab.app.widgets.cell_edits import Editable
from cnn_lab.app.widgets.image_input import MAX_SIDE, SOURCES, editable_image, sourced_image
from cnn_lab.app.widgets.inputs import (
    apart_toggle,
    choice,
    controls_fold,
    menu,
    padding_control,
    pair_number,
    two_numbers,
)
from cnn_lab.app.widgets.matrix import MatrixEditor
from cnn_lab.app.widgets.predict import Prompt, in_turn
from cnn_lab.concepts.checks import LayerCheck
from cnn_lab.concepts.layer_call import LayerCall, Operation
from cnn_lab.data.teaching_images import parse_matrix
from cnn_lab.ops import average_pool2d, average_pool2d_gradient, max_pool2d, max_pool2d_gradient
from cnn_lab.ops.settings import PoolingSettings
from cnn_lab.ops.types import Array, Pair
from cnn_lab.trace import (
    Form,
    Trace,
    average_pool_gradient_trace,
    average_pool_trace,
    max_pool_gradient_trace,
    max_pool_trace,
)

Kind = Literal["max", "average"]
KINDS: dict[Kind, str] = {"max": "Max pooling", "average": "Average pooling"}
FORMS: tuple[Form, ...] = ("scatter", "gather")


class Way(NamedTuple):
    """One kind of pooling, forward or back: its name in a call, its result, its trace."""

    name: Operation
    compute: Callable[..., Array]
    trace: Callable[..., Trace]


FORWARD: dict[Kind, Way] = {
    "max": Way("max_pooling", max_pool2d, max_pool_trace),
    "average": Way("average_pooling", average_pool2d, average_pool_trace),
}
BACK: dict[Kind, Way] = {
    "max": Way("max_pooling_gradient", max_pool2d_gradient, max_pool_gradient_trace),
    "average": Way(
        "average_pooling_gradient", average_pool2d_gradient, average_pool_gradient_trace
    ),
}
AS_WINDOW = "as the window"
INSIDE, WHOLE = "cells inside", "whole window"
ONES, ONE_CELL, OWN = "ones", "one cell", "own"
TIES, OVERLAP = "ties", "overlap"
# Example maps. In the second, every 3 x 3 window contains the bright cell in the middle.
EXAMPLE_MAPS = {
    TIES: "5 5 0 1; 2 5 1 1; 3 0 7 2; 0 3 2 7",
    OVERLAP: "1 2 1 0 2; 0 1 3 1 0; 2 4 9 5 1; 1 3 4 2 0; 0 2 1 1 3",
}
MAX_WINDOW = 6
MAX_ASKED = 36  # cells that a question lets a reader fill in, or choose from
# 28 pixels with a border of 5 on either side.
MAX_OUT_SIDE = 33


@dataclass(frozen=True, eq=False)
class PoolingSetup:
    """Pooling that the controls describe.

    Attributes
    ----------
    image : ndarray of float64, shape (height, width)
    settings : PoolingSettings
    out_size : (int, int)
        Rows and columns of the pooled maps.
    form : {"scatter", "gather"}
    grad_output : ndarray of float64, shape `out_size`, or None
        None in the forward pass.
    digit : int
        The test image whose part is pooled, the first if it is not one.
    """

    image: Array
    settings: PoolingSettings
    out_size: Pair
    form: Form = "scatter"
    grad_output: Array | None = None
    digit: int = 0

    @property
    def size(self) -> Pair:
        """Rows and columns of the image."""
        return self.image.shape[0], self.image.shape[1]

    @property
    def heading(self) -> str:
        """The pooling and its settings in words, as the full screen shows them."""
        what = "Pooling" if self.grad_output is None else "Gradient of pooling"
        return f"{what}: {self.settings.words}"

    @property
    def label(self) -> str:
        """The window and its stride as in file names, such as "k2-s2"."""
        parts = zip("ks", (self.settings.pool_size, self.settings.strides), strict=True)
        return "-".join(
            f"{letter}{'x'.join(map(str, dict.fromkeys(pair)))}" for letter, pair in parts
        )

    @property
    def editable(self) -> dict[str, Editable]:
        """What can be edited on the stage, by the keys of its grids."""
        grids = editable_image("pool", self.image[..., np.newaxis])
        if self.grad_output is not None:
            grids["grad-output"] = Editable(
                "output gradient",
                "pool_delta",
                self.grad_output,
                source={"pool_grad": OWN},
                typed={"pool_delta": self.grad_output},
            )
        return grids

    def trace(self, kind: Kind, form: Form | None = None) -> Trace:
        """Return the trace of pooling, or of its gradient.

        Raises
        ------
        TraceTooLarge
            If the browser could not play it well.
        """
        if self.grad_output is None:
            return FORWARD[kind].trace(self.image, **self._arguments(kind))
        return BACK[kind].trace(
            self.image,
            self.grad_output,
            **self._arguments(kind),
            form=form or self.form,
            name=f"{KINDS[kind]}'s gradient",
        )

    def prompts(self, traces: Sequence[Trace]) -> list[Prompt]:
        """Return questions about what the stage shows.

        Forward, they are about cells of both maps in turn, and every other one of a maximum asks
        where it comes from. Back, they are about whole gradients.
        """
        settings = {
            "input": self.image,
            "pool_size": self.settings.pool_size,
            "strides": self.settings.strides,
            "padding": self.settings.padding,
        }
        if self.grad_output is not None:
            if self.image.size > MAX_ASKED:
                return []
            given = {**settings, "grad_output": self.grad_output}
            return [
                Prompt(f"{kind}-pool-gradient", given, whole=(number,), about=KINDS[kind])
                for number, kind in enumerate(KINDS)
                if kind == "max" or not self.settings.count_include_pad
            ]
        prompts = []
        for number, kind in enumerate(KINDS):
            output = traces[number].grid("output")
            asks_where = kind == "max" and self.image.size <= MAX_ASKED
            own = {"count_include_pad": self.settings.count_include_pad} if number else {}
            prompts.append(
                [
                    Prompt(
                        "max-pool-winner" if asks_where and turn % 2 else f"{kind}-pool-cell",
                        {**settings, **own, "row": row, "column": column},
                        ((number, output.cell(row, column)),),
                    )
                    for turn, (row, column) in enumerate(in_turn(np.abs(self.result(kind))))
                ]
            )
        return [one for both in zip(*prompts, strict=True) for one in both]

    def result(self, kind: Kind) -> Array:
        """Return the pooled map or the gradient of the image, shape (rows, columns)."""
        way = FORWARD if self.grad_output is None else BACK
        arrays = (array for _, array in self._call(kind).arrays())
        return np.asarray(way[kind].compute(*arrays, **self._arguments(kind))[0, ..., 0])

    def check(self, kind: Kind) -> LayerCheck:
        """Return the operation for code and for the check against Keras."""
        call = self._call(kind)
        computed = self.result(kind)[np.newaxis, ..., np.newaxis]
        return LayerCheck(call, {call.quantities[0]: computed})

    def _call(self, kind: Kind) -> LayerCall:
        images = self.image[np.newaxis, ..., np.newaxis]
        if self.grad_output is None:
            return LayerCall(FORWARD[kind].name, self.settings, images)
        delta = self.grad_output[np.newaxis, ..., np.newaxis]
        return LayerCall(BACK[kind].name, self.settings, images, grad_output=delta)

    def _arguments(self, kind: Kind) -> dict[str, Any]:
        arguments = dict(vars(self.settings))
        if kind == "max":
            del arguments["count_include_pad"]
        return arguments


def pooling_controls() -> PoolingSetup:
    """Show all controls and return the pooling they describe.

    Raises
    ------
    ShapeError
        If the window does not fit; raised after all controls are shown.
    ValueError
        If the padding is as wide as the window; raised after all controls are shown.
    """
    menu = st.container()
    with controls_fold("Image", "pool_image_fold"):
        image = _image()
    with controls_fold("Padding, shape and divisor", "pool_shape_fold"):
        padding = padding_control("pool", names=("valid", "same"))
        apart = apart_toggle("pool")
        divisor = choice(
            "Divide a padded mean by",
            (INSIDE, WHOLE),
            "pool_divisor",
            help="Keras divides by the cells inside the image, PyTorch by default by the whole "
            "window. Without padding, both are the same.",
        )
    with menu:
        backwards = choice("Direction", ("forward", "back"), "pool_direction") == "back"
        gradient = st.container()
        window = pair_number(
            "Window", "pool_size", value=2, minimum=1, maximum=MAX_WINDOW, apart=apart
        )
        strides = _strides(window, apart)
    settings = PoolingSettings(window, strides, padding, count_include_pad=divisor == WHOLE)
    out_size = settings.geometry(image.shape).positions
    if not backwards:
        digit = unshown("pool_digit", 0, number_within(0, len(test_digits()) - 1), int)
        return PoolingSetup(image, settings, out_size, digit=digit)
    with gradient:
        form = choice("Form", FORMS, "pool_form")
        return PoolingSetup(image, settings, out_size, form, _output_gradient(out_size))


def _image() -> Array:
    """Show the source of the map and return the map."""
    source = menu("Image", (*SOURCES, *EXAMPLE_MAPS), "pool_input")
    if source in EXAMPLE_MAPS:
        return parse_matrix(EXAMPLE_MAPS[source], max_rows=MAX_SIDE, max_columns=MAX_SIDE)
    return sourced_image(source, "pool", channels=1)[..., 0]


def _strides(window: Pair, apart: bool) -> Pair:
    """Show one stride for both axes, or one for each, and return (rows, columns)."""
    if not apart:
        chosen = _stride("Stride", "pool_stride")
        return window if chosen is None else (chosen, chosen)
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        rows = _stride("Stride, rows", "pool_stride")
    with right:
        columns = _stride("Stride, columns", "pool_stride_columns")
    return rows or window[0], columns or window[1]


def _stride(label: str, key: str) -> int | None:
    chosen = menu(
        label,
        (AS_WINDOW, *range(1, MAX_WINDOW + 1)),
        key,
        help="As the window: windows lie side by side. A smaller stride makes them overlap.",
    )
    return None if chosen == AS_WINDOW else int(chosen)


def _output_gradient(out_size: Pair) -> Array:
    """Show the source of the output gradient and return the gradient."""
    chosen = choice(
        "Output gradient",
        (ONES, ONE_CELL, OWN),
        "pool_grad",
        help="How fast the loss grows with each pooled cell; a next layer would supply it.",
    )
    if chosen == ONES:
        return np.ones(out_size)
    if chosen == OWN:
        return _own_gradient(out_size)
    delta = np.zeros(out_size)
    asked = two_numbers(
        ("Row", "Column"), ("pool_grad_row", "pool_grad_column"), maximum=MAX_OUT_SIDE
    )
    row, column = (min(number, side - 1) for number, side in zip(asked, out_size, strict=True))
    if (row, column) != asked:
        st.caption(f"Using the nearest cell: row {row}, column {column}.")
    delta[row, column] = 1
    return delta


def _own_gradient(out_size: Pair) -> Array:
    """Show the editor, which starts with numbered cells so that each can be recognized."""
    counted = np.arange(1.0, out_size[0] * out_size[1] + 1).reshape(out_size)
    with MatrixEditor("Edit the output gradient", "pool_edit_delta") as editor:
        return editor.fixed_matrix("pool_delta", counted, label="Output gradient")
