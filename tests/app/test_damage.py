"""The views of a run whose folder is damaged: sentences, and all that is sound."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cnn_lab.app.caches import network
from cnn_lab.app.training import sweep
from cnn_lab.network import Network
from cnn_lab.runs import store
from cnn_lab.runs.queue import RunQueue
from cnn_lab.runs.sweep.runner import Sweeps, UnknownSweepError
from tests import damage
from tests.app.elements import drawn_curves, said
from tests.app.kept_runs import add_snapshots, judged, keep
from tests.app.test_sweeping import SWEEP_ID
from tests.app.test_sweeping import keep as keep_sweep
from tests.prose import wording

Open = Callable[..., AppTest]
SEEDS = 8  # each a folder damaged in another way; `make fuzz` tries thousands


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("sound")
    run_id = keep(runs, judged())
    add_snapshots(runs, run_id)
    return runs / run_id


def forget() -> None:
    """Empty the caches of pages, which rely on a kept run not changing any more."""
    network.clear()
    st.cache_data.clear()


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    forget()
    return Path(shutil.copytree(sound, tmp_path / sound.name))


TABS = ("Results", "Replay", "Compare", "Download")


def opened(open_page: Open, run_id: str, tab: str = "Results") -> AppTest:
    query = {"run": run_id, "training_compare": "fast", "training_result": tab}
    page = open_page("training", query, {"training_code": True})
    assert not page.exception
    return page


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_damage_to_a_run_is_an_exception_on_its_page(
    open_page: Open, sound: Path, tmp_path: Path, seed: int
) -> None:
    """R4: run view, time machine, comparison, doctor, downloads and results."""
    forget()
    dice = random.Random(seed)
    done = damage.damaged(sound, tmp_path / sound.name, dice, at_once=dice.choice((1, 3)))
    for tab in TABS:
        page = opened(open_page, sound.name, tab)
        assert page.title[0].value == "Training", done
    drawn = open_page("draw", {"draw_model": f"run-{sound.name}"})
    assert not drawn.exception, done


def test_a_damaged_report_is_named_and_the_others_are_drawn(open_page: Open, copy: Path) -> None:
    """R4: the page tells what is missing, and shows the rest."""
    with (copy / store.EVENTS).open("ab") as file:
        file.write(b'{"kind": "batch", "at_s": 1')
    page = opened(open_page, copy.name)
    assert wording("afterwards", "damaged").search(said(page))
    assert any("1 of 8 lines" in text.value for text in page.text)
    assert len(drawn_curves(page)["panels"][0]["readings"]) > 1


def test_a_damaged_snapshot_leaves_the_time_machine(open_page: Open, copy: Path) -> None:
    """R4: the replay goes over the snapshots that are sound."""
    (copy / store.SNAPSHOTS / "0001.safetensors").write_bytes(b"not a snapshot")
    page = opened(open_page, copy.name, "Replay")
    assert wording("afterwards", "machine", n=3).search(said(page))


def test_lost_weights_leave_the_results(open_page: Open, copy: Path) -> None:
    """R4: without weights there are figures, history and settings, and a sentence."""
    (copy / store.WEIGHTS).unlink()
    page = opened(open_page, copy.name, "Download")
    assert wording("afterwards", "no_weights").search(said(page))
    labels = {button.proto.label for button in page.get("download_button")}
    assert labels == {"History (CSV)", "Settings (JSON)"}
    assert wording("afterwards", "tested").search(said(opened(open_page, copy.name)))


@pytest.mark.parametrize(
    "result", ["", "[", "null", '{"test_accuracy": "high"}', '{"test_accuracy": 0.9, "n": 1e999}']
)
def test_a_card_that_is_damaged_leaves_the_network(
    open_page: Open, copy: Path, result: str
) -> None:
    """R4: a network can be used whatever its file says about its test."""
    trained = Network.load(copy / store.WEIGHTS)
    trained.card["result"] = result
    trained.save(copy / store.WEIGHTS)
    page = open_page("draw", {"draw_model": f"run-{copy.name}"})
    assert not page.exception
    assert f"{trained.spec.n_parameters:,} parameters" in said(page)
    assert "accuracy on" not in said(page)


def test_a_folder_beyond_reading_is_a_sentence(open_page: Open, copy: Path) -> None:
    """R4: without settings and weights there is no run to show."""
    for name in (store.SPEC, store.WEIGHTS):
        (copy / name).write_bytes(b"")
    page = opened(open_page, copy.name)
    assert store.DAMAGED in said(page)


@pytest.mark.parametrize("seed", range(5))
def test_no_damage_to_a_sweep_is_an_exception_on_its_page(
    open_page: Open, tmp_path: Path, seed: int
) -> None:
    """R4: the record of a sweep is shown if it is sound, and named if it is not."""
    forget()
    sweep.sweeps.clear()
    keep_sweep(tmp_path / "sound")
    damage.damaged(tmp_path / "sound" / "sweeps", tmp_path / "sweeps", random.Random(seed))
    page = open_page("training", {"sweep": SWEEP_ID})
    assert not page.exception
    assert page.title[0].value == "Training"
    sweep.sweeps.clear()


@pytest.mark.parametrize(
    "change",
    [
        {"state": "running"},
        {"sweep_id": "y" * 16},
        {"trials": [{"number": 1, "settings": {}, "state": "done", "accuracies": [0.5]}]},
        {"trials": [{"number": 1, "settings": {"learning_rate": 0.01, "width": 1e99}}]},
        {"trials": [{"number": 7, "settings": {"learning_rate": 0.01, "width": 1}}]},
    ],
)
def test_a_record_that_contradicts_itself_is_damaged(
    tmp_path: Path, queue: RunQueue, change: dict[str, Any]
) -> None:
    """R4: the record of a sweep is checked as a whole."""
    keep_sweep(tmp_path)
    path = tmp_path / "sweeps" / SWEEP_ID / "sweep.json"
    assert Sweeps(queue).status(SWEEP_ID).state == "done"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UnknownSweepError, match="is damaged"):
        Sweeps(queue).status(SWEEP_ID)
