"""What a reader expects of the loss, beside what it was."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from cnn_lab.app.training.expected import ExpectedLosses, asked_epochs, compared
from cnn_lab.runs.job import Outcome
from cnn_lab.runs.queue import RunQueue
from cnn_lab.runs.recording import recording
from tests.app.elements import drawn_curves, said
from tests.app.test_training_page import BATCH, EPOCH, run_in_address
from tests.fake_cluster import PATIENCE_S, FakeCluster
from tests.prose import wording

Open = Callable[..., AppTest]
ASKED = {"training_expect": "true"}
GIVEN = ASKED | {"training_expect_start": "2.3", "training_expect_first": "0.5"}


def lines(page: AppTest) -> set[str]:
    assert not page.exception
    return {line["of"] for line in drawn_curves(page)["panels"][0]["lines"]}


@pytest.mark.parametrize("n_epochs", range(1, 9))
def test_a_loss_is_asked_for_after_each_epoch_at_most_once(n_epochs: int) -> None:
    asked = [*asked_epochs(n_epochs).values()]
    assert asked == sorted({0, 1, (n_epochs + 1) // 2, n_epochs})


def test_the_sentence_compares_what_has_been_reached() -> None:
    losses = ExpectedLosses((2.3, 0.3, None, 0.05))
    rows = [{"val_loss": 0.12}, {"val_loss": 0.08}, {"val_loss": 0.031}]
    assert compared(ExpectedLosses((None, 0.3, None, None)), 3, rows) == ""
    assert wording("training", "expect_waits").search(compared(losses, 3, []))
    first = compared(losses, 3, rows[:1])
    assert wording("training", "expect_was", expected="**0.30** after epoch 1", was="0.12").search(
        first
    )
    both = "**0.30** after epoch 1 and **0.05** after epoch 3"
    said_last = wording("training", "expect_was", expected=both, was="0.12 and 0.03")
    assert said_last.search(compared(losses, 3, rows))


def test_a_recorded_run_is_not_sent_before_the_numbers_are_given(open_page: Open) -> None:
    page = open_page("training", ASKED)
    assert lines(page) == {"chance"}
    assert drawn_curves(page)["panels"][0]["sketch"]
    assert not wording("training", "recorded").search(said(page))
    page.number_input(key="training_expect_start").set_value(2.3).run()
    assert lines(page) == {"chance"}
    page.number_input(key="training_expect_first").set_value(0.5).run()
    assert {"expected", "smooth", "validation"} <= lines(page)
    assert "sketch" not in drawn_curves(page)["panels"][0]
    recorded = recording("fast")
    assert recorded is not None
    was = f"{recorded.history[0]['val_loss']:.2f}"
    told = wording("training", "expect_was", expected="**0.50** after epoch 1", was=was)
    assert told.search(said(page))
    page.button(key="training_expect_clear").click().run()
    assert lines(page) == {"chance"}
    assert page.number_input(key="training_expect_first").value is None


def test_numbers_of_the_address_stand_beside_the_run_when_the_fold_is_closed(
    open_page: Open,
) -> None:
    closed = {key: value for key, value in GIVEN.items() if key not in ASKED}
    page = open_page("training", closed)
    assert {"expected", "smooth"} <= lines(page)
    assert "expected" not in lines(open_page("training"))


def test_what_was_expected_stays_beside_its_run_and_goes_with_the_next(
    open_page: Open, cluster: FakeCluster, queue: RunQueue
) -> None:
    page = open_page("training", {**GIVEN, "training_fast_epochs": "1"})
    page.number_input(key="training_expect_end").set_value(0.4).run()
    page.button(key="training_start").click().run()
    first = run_in_address(page)
    cluster.tell(first, "batch", **BATCH)
    page.run()
    assert {"expected", "smooth"} <= lines(page)
    assert wording("training", "expect_waits").search(said(page))
    cluster.tell(first, "epoch", **EPOCH)
    cluster.task(first).end(Outcome(None, [EPOCH], {"epochs": 1, "seconds": 9.0}, "Stopped."))
    queue.wait(first, lambda status: not status.active, PATIENCE_S)
    page.run()
    numbers = {"expected": "**0.40** after epoch 1", "was": "0.10"}
    assert wording("training", "expect_was", **numbers).search(said(page))

    page.button(key="training_start").click().run()
    assert run_in_address(page) != first
    assert "expected" not in lines(page)
    assert page.number_input(key="training_expect_end").value is None
