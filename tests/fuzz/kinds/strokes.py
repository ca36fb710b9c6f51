"""Odd data from a browser to the drawing canvas: ignored with a sentence, or a drawing."""

from typing import Any
from unittest.mock import patch

import numpy as np

from cnn_lab.app.widgets import canvas
from tests.fuzz.damage import with_odd_values

IN_TESTS = 200


def kind(random: np.random.Generator) -> None:
    """Let a canvas that has a drawing take odd data, and then a stroke as the browser sends it."""
    state: dict[str, Any] = {}
    with patch.object(canvas.st, "session_state", state):
        _take(state, _sent(state, 1, random))
        first = canvas.drawing("pad")
        assert len(first.items) == 1
        _take(state, with_odd_values(random, _sent(state, 2, random)))
        after = canvas.drawing("pad")
        assert after.items[:1] == first.items or after.note, "the first stroke is lost"
        assert after.ink.shape == (280, 280)
        assert isinstance(canvas.problem("pad"), str)
        _take(state, _sent(state, canvas_number(state) + 1, random))
        assert len(canvas.drawing("pad").items) == len(after.items) + 1


def canvas_number(state: dict[str, Any]) -> int:
    """Return the number of the last stroke that a canvas has taken."""
    return int(state["pad_board"].seen)


def _sent(state: dict[str, Any], number: int, random: np.random.Generator) -> dict[str, Any]:
    canvas.problem("pad")  # makes the session's side of the canvas
    points = random.uniform(0, 280, (random.integers(1, 20), 2)).tolist()
    stroke = {"number": number, "tool": "pen", "width": 20, "points": points}
    session = state["pad_board"].session
    return {"session": session, "strokes": [stroke], "told": 3, "moving": stroke}


def _take(state: dict[str, Any], kept: Any) -> None:
    state["pad_canvas"] = {"kept": kept}
    canvas.take("pad")
