"""A run in the process that trains, here without Dask and with the engine that needs no Keras."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from cnn_lab.runs import trainer
from cnn_lab.runs.job import RunSpec, TrainingFailedError
from cnn_lab.runs.outbox import Outbox, Parcel, Reached
from cnn_lab.runs.snapshot import Snapshot
from cnn_lab.training.loop import Control
from tests.unit.training_runs import spec

FEW = spec(engine="numpy", epochs=2, data_fraction=0.005, batch_size=64)


class Office:
    """Where a run's news and parcels arrive, in one order."""

    def __init__(self) -> None:
        self.control, self.outbox = Control(), Outbox()
        self.now_s = 0.0
        self.arrived: list[str | Parcel] = []
        self.on_kind: dict[str, Callable[[], None]] = {}
        self._n = 0

    def emit(self, kind: str, values: Mapping[str, float] | None = None) -> None:
        if kind == "parcel":
            self._n, parcels = self.outbox.after(self._n)
            self.arrived += parcels
            self._n += len(parcels)
            self.outbox.after(self._n)
        else:
            self.arrived.append(kind)
        self.on_kind.pop(kind, lambda: None)()

    def train(self, run: RunSpec = FEW) -> trainer.Outcome:
        return trainer.train(run, self.control, self.emit, self.outbox, clock=lambda: self.now_s)


def test_what_an_epoch_reached_arrives_before_the_epoch_is_told_of() -> None:
    office = Office()
    outcome = office.train()
    assert outcome.cut_short == ""
    news = [thing for thing in office.arrived if thing in ("epoch", "testing") or _reached(thing)]
    kinds = ["reached" if _reached(thing) else thing for thing in news]
    assert kinds == ["reached", "epoch", "reached", "epoch", "testing"]
    first, second = (thing for thing in office.arrived if isinstance(thing, Reached))
    assert (first.result["epochs"], second.result["epochs"]) == (1, 2)
    assert first.network is not None
    assert second.network is not None
    for name, weight in outcome.network.weights.items():
        np.testing.assert_array_equal(second.network.weights[name], weight)
    assert not np.array_equal(
        first.network.weights["dense/kernel"], outcome.network.weights["dense/kernel"]
    )
    assert np.sum(outcome.result["confusion"]) == outcome.result["n"] == 10_000


def test_snapshots_begin_with_the_untrained_network() -> None:
    office = Office()
    office.train()
    snapshots = [Snapshot.from_bytes(p) for p in office.arrived if isinstance(p, bytes)]
    assert snapshots[0].n_images == 0
    assert [s.n_images for s in snapshots] == sorted(s.n_images for s in snapshots)


def test_a_run_stopped_at_once_can_be_looked_back_on() -> None:
    office = Office()
    office.on_kind["batch"] = office.control.stop
    outcome = office.train()
    first, last = (Snapshot.from_bytes(p) for p in office.arrived if isinstance(p, bytes))
    assert (first.n_images, last.n_images) == (0, 64)
    assert not np.array_equal(first.kernels, last.kernels)
    assert np.array_equal(last.kernels, outcome.network.weights["conv/kernel"])
    assert outcome.result["images"] == 64


def test_a_run_whose_work_nobody_takes_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "ARRIVAL_TIMEOUT_S", 0.0)
    office = Office()
    outcome = trainer.train(FEW, office.control, lambda kind, values=None: None, office.outbox)
    assert outcome.cut_short == "Stopped because its results could not be delivered."
    assert len(outcome.history) == 1
    assert "test_accuracy" not in outcome.result


def test_a_pause_does_not_count_as_training_time() -> None:
    office = Office()

    def a_long_break() -> None:
        office.now_s += 10 * FEW.max_seconds
        office.control.resume()

    office.control.pause()
    office.on_kind["paused"] = a_long_break
    assert office.train().cut_short == ""


def test_the_longest_a_run_may_take() -> None:
    office = Office()

    def much_later() -> None:
        office.now_s += FEW.max_seconds + 1

    office.on_kind["epoch"] = much_later
    outcome = office.train(spec(engine="numpy", epochs=3, data_fraction=0.005))
    assert outcome.cut_short == "Stopped after 3,600 s, the time limit of a run."
    assert len(outcome.history) == 1


def test_a_data_set_that_is_not_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnn_lab.data import keras_download
    from cnn_lab.data.mnist import DataError

    def unreachable(*_: object) -> None:
        raise DataError("Fashion-MNIST could not be downloaded.")

    monkeypatch.setattr(keras_download, "ensure_data_set", unreachable)
    with pytest.raises(TrainingFailedError, match="could not be downloaded"):
        Office().train(spec(engine="numpy", data_set="fashion_mnist"))


def _reached(thing: object) -> bool:
    return isinstance(thing, Reached)
