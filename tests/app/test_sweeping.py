"""The sweep of the Training page, with a cluster that trains nothing."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnn_lab.app import run_queue
from cnn_lab.app.training import sweep
from cnn_lab.network import zoo
from cnn_lab.runs.job import RunSpec
from cnn_lab.runs.store import Folder
from cnn_lab.runs.sweep.records import SweepSpec, SweepStatus, Trial
from cnn_lab.runs.sweep.runner import Sweeps
from cnn_lab.runs.sweep.space import words
from tests.app.elements import address, said, tables
from tests.prose import wording

Open = Callable[..., AppTest]
SWEEP_ID = "x" * 16
PATIENCE_S = 60


@pytest.fixture(autouse=True)
def sweeps() -> Iterator[Sweeps]:
    sweep.sweeps.clear()
    yield sweep.sweeps()
    sweep.sweeps.clear()


def opened(open_page: Open, query: Mapping[str, str | list[str]] | None = None) -> AppTest:
    return open_page("training", {"training_tab": "Sweep", **(query or {})})


def keep(runs: Path, **changes: object) -> SweepStatus:
    """Put a sweep into the folder of those that are over."""
    preset = zoo.preset("fast")
    base = RunSpec(network=preset.network, training=preset.training)
    given = [
        ({"learning_rate": 0.01, "width": 1.0}, "done", (0.95,)),
        ({"learning_rate": 0.02, "width": 2.0}, "done", (0.97,)),
        ({"learning_rate": 0.09, "width": 0.5}, "failed", ()),
        ({"learning_rate": 0.0002, "width": 0.5}, "pruned", (0.5,)),
        ({"learning_rate": 0.015, "width": 1.4}, "done", (0.965,)),
        ({"learning_rate": 0.005, "width": 0.7}, "done", (0.94,)),
    ]
    trials = tuple(
        Trial.model_validate(
            {
                "number": number,
                "settings": settings,
                "state": state,
                "accuracies": accuracies,
                "seconds": 12.3,
                "sentence": "The loss is not a number." if state == "failed" else "",
            }
        )
        for number, (settings, state, accuracies) in enumerate(given, start=1)
    )
    status = SweepStatus(
        sweep_id=SWEEP_ID,
        owner="",
        spec=SweepSpec(base=base, vary=("learning_rate", "width"), n_trials=6),
        state="done",
        trials=trials,
    ).model_copy(update=changes)
    folder = Folder(runs) / "sweeps" / SWEEP_ID
    folder.put("sweep.json", status.model_dump_json().encode())
    return status


def test_nothing_of_it_is_there_before_it_is_opened(open_page: Open) -> None:
    page = open_page("training")
    assert not page.exception
    assert "sweep_start" not in [button.key for button in page.button]
    page = opened(open_page)
    assert "sweep_start" in [button.key for button in page.button]
    cost = wording("sweep", "cost", trials=10, epochs="1 epoch", images="5,400")
    assert cost.search(said(page))


def test_a_link_sets_what_is_asked_for_and_stop_ends_it(open_page: Open, sweeps: Sweeps) -> None:
    page = opened(
        open_page,
        {
            "sweep_vary": ["Maps", "Augmentation"],
            "sweep_trials": "4",
            "sweep_epochs": "2",
            "sweep_percent": "1",
            "training_fast_learning_rate": "0.03",
        },
    )
    page.button(key="sweep_start").click().run()
    assert not page.exception
    sweep_id = address(page, "sweep")
    spec = sweeps.status(sweep_id).spec
    assert (spec.vary, spec.n_trials) == (("width", "augmentation"), 4)
    queue = spec.base.training
    assert (queue.epochs, queue.data_fraction, queue.learning_rate) == (2, 0.01, 0.03)
    sweeps.wait(sweep_id, lambda now: bool(now.trials), PATIENCE_S)
    page.run()
    assert "**Trial 1 of 4**" in said(page)
    page.button(key="sweep_stop").click()
    sweeps.stop(sweep_id)
    sweeps.wait(sweep_id, lambda now: not now.active, PATIENCE_S)
    page.run()
    assert not page.exception
    assert "Stopped as requested. 1 of 4 trials have ended." in said(page)
    assert wording("sweep", "none").search(said(page))
    assert "sweep_start" in [button.key for button in page.button]


def test_somebody_elses_sweep_can_be_watched_and_not_stopped(
    open_page: Open, sweeps: Sweeps
) -> None:
    preset = zoo.preset("fast")
    base = RunSpec(network=preset.network, training=preset.training)
    sweep_id = sweeps.start(SweepSpec(base=base, vary=("optimizer",)), "another owner")
    page = opened(open_page, {"sweep": sweep_id})
    assert "**Trial 1 of 10**" in said(page)
    assert "sweep_stop" not in [button.key for button in page.button]


def test_one_that_is_over_shows_what_was_best_and_by_how_much(
    open_page: Open, tmp_path: Path
) -> None:
    keep(tmp_path)
    page = opened(open_page, {"sweep": SWEEP_ID})
    assert not page.exception
    text = said(page)
    best = {"accuracy": "97.00%", "number": 2, "settings": "learning rate 0.02, maps 2 ×"}
    assert wording("sweep", "best", **best).search(text)
    against = {"base": "95.00%", "difference": "+2.00", "images": "6,000", "chance": "0.61"}
    assert wording("sweep", "against", **against).search(text)
    assert "Trial 3 failed: The loss is not a number." in text
    (table,) = (one for one in tables(page) if "Validation" in one)
    assert table["State"] == [
        "done",
        "best",
        "failed",
        "pruned after epoch 1",
        "done",
        "done",
    ]
    assert table["Validation"] == ["95.00%", "97.00%", "–", "50.00%", "96.50%", "94.00%"]
    assert table["Maps"][:2] == ["1 ×", "2 ×"]


def test_the_best_settings_become_those_of_the_page(open_page: Open, tmp_path: Path) -> None:
    status = keep(tmp_path)
    assert status.best is not None
    page = opened(open_page, {"sweep": SWEEP_ID, "training_fast_epochs": "5"})
    page.button(key="sweep_apply").click().run()
    told = wording("training", "applied", changes=words(status.best.settings))
    assert told.search(page.toast[0].value)
    page.run()
    assert not page.exception
    assert page.number_input(key="training_own_learning_rate").value == 0.02
    assert page.number_input(key="training_own_epochs").value == 5
    page.button(key="training_start").click().run()
    run_id = address(page, "run")
    asked = run_queue.run_queue().status(run_id).spec
    assert asked.network == status.run(status.best).network
    assert not asked.trial


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"sweep": "0123456789abcdef"}, "A sweep is kept until"),
        ({"sweep": "../../etc/passwd"}, "A sweep is kept until"),
        ({"sweep_trials": "9999", "sweep_percent": "-3"}, "10 trials of 1 epoch on 5,400 images"),
        ({"sweep_vary": "Colour"}, "trials of 1 epoch"),
        ({"training_fast_learning_rate": "0"}, "cannot be trained as they are"),
    ],
)
def test_nonsense_in_the_address_is_a_sentence(
    open_page: Open, query: dict[str, str], sentence: str
) -> None:
    page = opened(open_page, query)
    assert not page.exception
    assert sentence in said(page)
