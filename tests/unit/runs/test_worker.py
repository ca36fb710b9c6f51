"""A run in the process that trains, here without Dask and with the NumPy engine."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from cnn_lab.data.mnist import Split
from cnn_lab.runs.job import Outcome, Parcel, RunSpec, Start, TrainingFailedError
from cnn_lab.runs.snapshots import Snapshot
from cnn_lab.runs.worker import WorkerRun
from cnn_lab.training.engine import Weights
from tests.unit.runs.small_runs import spec

FEW = spec(engine="numpy", epochs=2, data_fraction=0.005, batch_size=64)


class Receiver:
    """A run whose events and parcels arrive here, in one order."""

    def __init__(
        self, run: RunSpec = FEW, initial: Weights | None = None, own: Split | None = None
    ) -> None:
        self.now_s = 0.0
        self.arrived: list[str | Parcel] = []
        self.run = WorkerRun(
            run, self.emit, self.arrived.append, initial=initial, own=own, clock=lambda: self.now_s
        )
        self.on_kind: dict[str, Callable[[], None]] = {}

    def emit(self, kind: str, values: Mapping[str, float] | None = None) -> None:
        self.arrived.append(kind)
        self.on_kind.pop(kind, lambda: None)()

    def train(self) -> Outcome:
        return self.run.train()


def test_what_an_epoch_reached_arrives_before_the_epoch_is_told_of() -> None:
    receiver = Receiver()
    outcome = receiver.train()
    assert outcome.cut_short == ""
    news = [thing for thing in receiver.arrived if thing in ("epoch", "testing") or _reached(thing)]
    kinds = ["reached" if _reached(thing) else thing for thing in news]
    assert kinds == ["reached", "epoch", "reached", "epoch", "testing"]
    first, second = (thing for thing in receiver.arrived if isinstance(thing, Outcome))
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
    receiver = Receiver()
    receiver.train()
    snapshots = [Snapshot.from_bytes(p) for p in receiver.arrived if isinstance(p, bytes)]
    assert snapshots[0].n_images == 0
    assert [s.n_images for s in snapshots] == sorted(s.n_images for s in snapshots)


def test_a_run_from_given_weights_says_so_in_its_file() -> None:
    """U17: the card of the weights names the start, and the replay begins with it."""
    before = Receiver().train().network
    assert before is not None
    start = Start.of("run-abc", before)
    receiver = Receiver(FEW.model_copy(update={"start": start}), before.weights)
    after = receiver.train().network
    assert after is not None
    assert "start" not in before.card
    assert Start.model_validate_json(after.card["start"]) == start
    first = next(Snapshot.from_bytes(p) for p in receiver.arrived if isinstance(p, bytes))
    np.testing.assert_array_equal(first.kernels, before.weights["conv/kernel"])


def test_a_run_stopped_at_once_can_be_looked_back_on() -> None:
    receiver = Receiver()
    receiver.on_kind["batch"] = receiver.run.control.stop
    outcome = receiver.train()
    first, last = (Snapshot.from_bytes(p) for p in receiver.arrived if isinstance(p, bytes))
    assert (first.n_images, last.n_images) == (0, 64)
    assert not np.array_equal(first.kernels, last.kernels)
    assert np.array_equal(last.kernels, outcome.network.weights["conv/kernel"])
    assert outcome.result["images"] == 64


def test_a_pause_does_not_count_as_training_time() -> None:
    receiver = Receiver()

    def a_long_break() -> None:
        receiver.now_s += 10 * FEW.max_seconds
        receiver.run.control.resume()

    receiver.run.control.pause()
    receiver.on_kind["paused"] = a_long_break
    assert receiver.train().cut_short == ""


def test_the_longest_a_run_may_take() -> None:
    receiver = Receiver(spec(engine="numpy", epochs=3, data_fraction=0.005))

    def much_later() -> None:
        receiver.now_s += FEW.max_seconds + 1

    receiver.on_kind["epoch"] = much_later
    outcome = receiver.train()
    assert outcome.cut_short == "Stopped after 3,600 s, the time limit of a run."
    assert len(outcome.history) == 1


def test_a_data_set_that_is_not_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnn_lab.data import keras_download
    from cnn_lab.data.mnist import DataError

    def unreachable(*_: object) -> None:
        raise DataError("Fashion-MNIST could not be downloaded.")

    monkeypatch.setattr(keras_download, "ensure_data_set", unreachable)
    with pytest.raises(TrainingFailedError, match="could not be downloaded"):
        Receiver(spec(engine="numpy", data_set="fashion_mnist")).train()


def _reached(thing: object) -> bool:
    return isinstance(thing, Outcome)
