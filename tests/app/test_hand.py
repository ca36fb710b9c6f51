"""Your own hand on the Training page: ten drawings, a run that learns them, and what came of it."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnn_lab.app.run_queue import run_queue
from cnn_lab.app.widgets.canvas import Drawing
from cnn_lab.digits.own_hand import START, TRAINING
from cnn_lab.digits.strokes import Stroke
from cnn_lab.network import Network
from cnn_lab.network.spec import N_DIGITS
from cnn_lab.runs.job import Outcome, Start, TrainingFailedError
from tests.addresses import go_back_to
from tests.app.elements import address, said
from tests.fake_cluster import FakeCluster
from tests.prose import wording
from tests.strokes import STROKES

Open = Callable[..., AppTest]
TAB = {"training_tab": "Your hand", "training_result": "Your hand"}
RESULT = {"epochs": 1, "test_accuracy": 0.99, "errors": 100, "n": 10_000, "engine": "keras"}
SCRIBBLE = [(30 + 220 * (number % 2), 30 + 20 * number) for number in range(11)]  # a zigzag


def drawing(*strokes: list[tuple[int, int]]) -> Drawing:
    return Drawing(tuple(Stroke("pen", 24, tuple(map(tuple, points))) for points in strokes))


def written(digits: Mapping[int, int]) -> dict[str, Drawing]:
    """The session's state with digits in cells: the cell's digit -> the digit that is drawn."""
    return {f"hand_{cell}_drawing": drawing(*STROKES[f"{digit}"]) for cell, digit in digits.items()}


OWN = written({digit: digit for digit in range(N_DIGITS)})
SAME = written(dict.fromkeys(range(N_DIGITS), 3))
SCRIBBLES = {f"hand_{cell}_drawing": drawing(SCRIBBLE) for cell in range(N_DIGITS)}


@pytest.fixture
def opened(open_page: Open) -> Callable[[Mapping[str, Any]], AppTest]:
    def open_(state: Mapping[str, Any]) -> AppTest:
        page = open_page("training", TAB, state)
        assert not page.exception
        return page

    return open_


Opened = Callable[[Mapping[str, Any]], AppTest]


def keys(page: AppTest) -> set[str]:
    return {button.key for button in page.button if (button.key or "").startswith("hand_")}


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click().run()
    assert not page.exception
    return page


def read_as(page: AppTest, when: str) -> int:
    """Return how many cells say what was read in them at a time."""
    return said(page).count(f":small[{when}")


def trained(page: AppTest, cluster: FakeCluster) -> str:
    """End the run that the page has begun, with weights that read otherwise; return its id."""
    run_id = address(page, "run")
    assert run_id is not None
    fast = Network.load(START)
    weights = {name: np.zeros_like(values) for name, values in fast.weights.items()}
    cluster.task(run_id).end(Outcome(Network(fast.spec, weights), [], RESULT))
    run_queue().wait(run_id, lambda status: not status.active, 60)
    return run_id


def test_without_a_drawing_there_is_nothing_to_train(opened: Opened) -> None:
    page = opened({})
    assert page.button(key="hand_train").disabled
    assert wording("hand", "empty").search(said(page))
    assert all(page.button(key=f"hand_clear_{digit}").disabled for digit in range(N_DIGITS))
    canvases = [
        each for each in page.get("bidi_component") if each.proto.component_name == "cnn_lab_canvas"
    ]
    assert len(canvases) == N_DIGITS


def test_each_drawing_is_read_at_once_and_can_be_cleared(opened: Opened) -> None:
    page = opened(OWN)
    assert read_as(page, "Read as") == N_DIGITS
    press(page, "hand_clear_3")
    assert read_as(page, "Read as") == N_DIGITS - 1
    assert page.button(key="hand_clear_3").disabled
    assert not page.button(key="hand_train").disabled


def test_a_run_is_asked_for_that_begins_with_fast_and_has_the_drawings(
    opened: Opened, cluster: FakeCluster
) -> None:
    page = press(opened(OWN), "hand_train")
    job = cluster.task(address(page, "run")).job
    assert job.spec.start == Start.of(START, Network.load(START))
    assert job.spec.own_drawings == N_DIGITS
    assert job.spec.training == TRAINING
    assert job.own.labels.tolist() == list(range(N_DIGITS))
    assert job.own.pixels.shape == (N_DIGITS, 28, 28)
    assert (job.own.pixels.reshape(N_DIGITS, -1).max(axis=1) > 200).all()
    assert any(wording("hand", "training").search(bar.proto.text) for bar in page.get("progress"))
    assert page.button(key="hand_train").disabled


def test_before_and_after_and_undo(opened: Opened, cluster: FakeCluster) -> None:
    page = press(opened(OWN), "hand_train")
    run_id = trained(page, cluster)
    page.run()
    assert not page.exception
    assert address(page, "training_result") == "Your hand"  # the tab has stayed open
    assert (read_as(page, "Before"), read_as(page, "Now")) == (N_DIGITS, N_DIGITS)
    # With all weights zero, every drawing is read as 0, so one of ten is right.
    assert wording("hand", "change", n=N_DIGITS, now=1).search(said(page))
    assert wording("hand", "price", now="99.00%").search(said(page))
    press(page, "hand_undo")
    assert (read_as(page, "Before"), read_as(page, "Read as")) == (0, N_DIGITS)
    assert not wording("hand", "change").search(said(page))
    assert "hand_undo" not in keys(page)
    press(page, "hand_train")
    again = cluster.task(address(page, "run")).job
    assert again.run_id != run_id
    assert again.spec.start == Start.of(START, Network.load(START))


def test_drawings_survive_another_page_and_another_tab(opened: Opened) -> None:
    page = opened(OWN)
    page.switch_page("pages/draw.py").run()
    assert not page.exception
    page.query_params.clear()
    page.query_params["training_tab"] = "Layers"
    page.switch_page("pages/training.py").run()
    assert "hand_train" not in keys(page)
    go_back_to(page, TAB)
    assert not page.exception
    assert read_as(page, "Read as") == N_DIGITS


@pytest.mark.parametrize(
    ("state", "section"), [(SAME, "misnamed"), (SCRIBBLES, "shapeless")], ids=["same", "scribbles"]
)
def test_most_drawings_in_doubt_get_a_sentence_and_the_reader_decides(
    opened: Opened, state: Mapping[str, Any], section: str
) -> None:
    page = press(opened(state), "hand_train")
    assert address(page, "run") is None
    assert wording("hand", section, of=N_DIGITS).search(said(page))
    assert {"hand_anyway", "hand_again"} <= keys(page)
    assert "hand_train" not in keys(page)
    press(page, "hand_anyway")
    run_id = address(page, "run")
    assert run_id is not None
    assert run_queue().status(run_id).spec.own_drawings == N_DIGITS
    assert not wording("hand", section).search(said(page))


def test_drawing_again_clears_what_is_in_doubt_and_nothing_else(opened: Opened) -> None:
    page = press(opened(SAME), "hand_train")
    press(page, "hand_again")
    assert address(page, "run") is None
    assert read_as(page, "Read as") == 1  # the 3 in the cell of the 3
    assert not page.button(key="hand_clear_3").disabled
    assert not page.button(key="hand_train").disabled
    assert not wording("hand", "misnamed").search(said(page))


def test_after_another_drawing_the_question_is_no_longer_asked(opened: Opened) -> None:
    page = press(opened(SAME), "hand_train")
    press(page, "hand_clear_7")
    assert not wording("hand", "misnamed").search(said(page))
    assert "hand_again" not in keys(page)
    assert not page.button(key="hand_train").disabled


def test_a_few_drawings_in_doubt_are_no_reason_to_ask(opened: Opened) -> None:
    """A hand that the network reads badly is what it is to learn."""
    page = press(opened(OWN | written({1: 7, 9: 4})), "hand_train")
    assert address(page, "run") is not None


def test_a_run_that_fails_says_so_and_another_can_be_asked_for(
    opened: Opened, cluster: FakeCluster
) -> None:
    page = press(opened(OWN), "hand_train")
    run_id = address(page, "run")
    cluster.task(run_id).end(TrainingFailedError("The training process has died."))
    run_queue().wait(run_id, lambda status: not status.active, 60)
    page.run()
    assert not page.exception
    assert wording("hand", "failed").search(said(page))
    assert read_as(page, "Read as") == N_DIGITS
    assert not page.button(key="hand_train").disabled


def test_a_refusal_is_shown_beside_the_button(opened: Opened) -> None:
    page = opened(OWN)
    press(page, "training_start")  # this browser's one run
    press(page, "hand_train")
    assert "One run at a time" in said(page)


def test_a_hand_can_be_borrowed_and_another_each_time(opened: Opened, cluster: FakeCluster) -> None:
    page = press(opened({}), "hand_borrow")
    assert read_as(page, "Read as") == N_DIGITS
    first = page.session_state["hand_7_drawing"].ink
    press(page, "hand_borrow")
    assert not np.array_equal(page.session_state["hand_7_drawing"].ink, first)
    press(page, "hand_train")
    assert cluster.task(address(page, "run")).job.own.labels.tolist() == list(range(N_DIGITS))
