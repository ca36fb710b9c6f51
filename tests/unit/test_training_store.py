import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cnn_lab.network import Network
from cnn_lab.spec import Dense, Flatten, NetworkSpec, Softmax, TrainingSpec
from cnn_lab.training import store
from cnn_lab.training.job import Event, RunSpec, Status, UnknownRunError, new_run_id

NETWORK = NetworkSpec(
    name="tiny",
    layers=(Flatten(name="flatten"), Dense(name="dense", units=10), Softmax(name="softmax")),
)
EVENTS = [
    Event("batch", 0.5, {"epoch": 1, "batch": 1, "loss": 2.0, "accuracy": 0.1, "n_images": 128}),
    Event("epoch", 3.0, {"epoch": 1, "loss": 1.0, "val_loss": 0.9, "n_images": 54_000}),
]

Keep = Callable[..., Status]


@pytest.fixture
def network() -> Network:
    weights = {
        name: np.random.default_rng(0).normal(size=shape).astype(np.float32)
        for name, shape in NETWORK.weight_shapes().items()
    }
    return Network(NETWORK, weights, {"result": "{}"})


@pytest.fixture
def keep(tmp_path: Path, network: Network) -> Keep:
    def keep_(run_id: str | None = None) -> Status:
        status = Status(
            run_id=run_id or new_run_id(),
            owner="somebody",
            spec=RunSpec(network=NETWORK, training=TrainingSpec(epochs=2, seed=7)),
            state="stopped",
            sentence="Stopped as asked.",
            result={"epochs": 1, "images": 54_000},
        )
        store.keep_run(tmp_path, status, network, [{"epoch": 1, "loss": 1.0}], EVENTS)
        return status

    return keep_


def test_a_kept_run_comes_back(keep: Keep, tmp_path: Path, network: Network) -> None:
    status = keep()
    loaded = store.load_status(tmp_path, status.run_id)
    assert (loaded.state, loaded.sentence, loaded.result) == (
        status.state,
        status.sentence,
        status.result,
    )
    assert loaded.spec == status.spec
    assert not loaded.active
    assert store.load_events(tmp_path, status.run_id) == EVENTS
    again = Network.load(store.run_path(status.run_id, tmp_path))
    np.testing.assert_array_equal(again.weights["dense/kernel"], network.weights["dense/kernel"])


def test_the_owner_is_not_written_down(keep: Keep, tmp_path: Path) -> None:
    status = keep()
    texts = [p.read_bytes() for p in (tmp_path / status.run_id).iterdir()]
    assert texts
    assert not any(b"somebody" in text for text in texts)


def test_only_the_newest_runs_stay_and_nothing_else_is_touched(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "KEPT_RUNS", 2)
    theirs = tmp_path / "holiday pictures"
    theirs.mkdir()
    (theirs / "beach.txt").write_text("sun")
    kept = [keep().run_id for _ in range(2)]
    oldest = tmp_path / kept[0] / store.ENDED
    os.utime(oldest, (1, 1))
    kept.append(keep().run_id)
    assert {p.name for p in tmp_path.iterdir()} == {*kept[1:], theirs.name}
    assert (theirs / "beach.txt").read_text() == "sun"
    with pytest.raises(UnknownRunError):
        store.run_path(kept[0], tmp_path)


@pytest.mark.parametrize("run_id", ["0123456789abcdef", "../../../../etc", "", "x"])
def test_a_run_that_is_not_there(run_id: str, tmp_path: Path) -> None:
    for look_up in (store.load_status, store.load_events):
        with pytest.raises(UnknownRunError, match="Received: run="):
            look_up(tmp_path, run_id)
    with pytest.raises(UnknownRunError):
        store.run_path(run_id, tmp_path)


def test_a_folder_beside_the_runs_is_out_of_reach(keep: Keep, tmp_path: Path) -> None:
    status = keep()
    with pytest.raises(UnknownRunError):
        store.run_path(f"../{tmp_path.name}/{status.run_id}", tmp_path)


@pytest.mark.parametrize("damage", ["", "[1, 2", '{"state": 3}'])
def test_a_damaged_run_is_no_run(keep: Keep, tmp_path: Path, damage: str) -> None:
    status = keep()
    (tmp_path / status.run_id / store.ENDED).write_text(damage)
    with pytest.raises(UnknownRunError):
        store.load_status(tmp_path, status.run_id)


def test_the_epochs_are_a_line_each(keep: Keep, tmp_path: Path) -> None:
    folder = tmp_path / keep().run_id
    lines = (folder / store.HISTORY).read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"epoch": 1, "loss": 1.0}]


def test_where_runs_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CNN_LAB_RUNS", str(tmp_path / "chosen"))
    assert store.runs_folder() == tmp_path / "chosen"
    monkeypatch.delenv("CNN_LAB_RUNS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert store.runs_folder() == tmp_path / "cnn-lab" / "runs"
