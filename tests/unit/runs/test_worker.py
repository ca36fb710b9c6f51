"""A run in the process that trains, here without Dask and with the NumPy engine."""

import threading
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from cnn_lab.runs import worker
from cnn_lab.runs.job import Outcome, Parcel, RunSpec, Start, TrainingFailedError
from cnn_lab.runs.snapshots import Snapshot
from cnn_lab.runs.worker import MAX_WAITING, Outbox, WorkerRun
from cnn_lab.training.engine import Weights
from tests.unit.runs.small_runs import spec

FEW = spec(engine="numpy", epochs=2, data_fraction=0.005, batch_size=64)


class Receiver:
    """A run whose events and parcels arrive here, in one order."""

    def __init__(self, run: RunSpec = FEW, initial: Weights | None = None) -> None:
        self.run = WorkerRun(run, self.emit, initial=initial, clock=lambda: self.now_s)
        self.now_s = 0.0
        self.arrived: list[str | Parcel] = []
        self.on_kind: dict[str, Callable[[], None]] = {}
        self._n = 0

    def emit(self, kind: str, values: Mapping[str, float] | None = None) -> None:
        if kind == "parcel":
            self._n, parcels = self.run.outbox.after(self._n)
            self.arrived += parcels
            self._n += len(parcels)
            self.run.outbox.after(self._n)
        else:
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


def test_a_run_whose_results_are_not_fetched_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "ARRIVAL_TIMEOUT_S", 0.0)
    outcome = WorkerRun(FEW, lambda kind, values=None: None).train()
    assert outcome.cut_short == "Stopped because its results could not be delivered."
    assert len(outcome.history) == 1
    assert "test_accuracy" not in outcome.result


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


def test_a_parcel_stays_until_it_has_arrived() -> None:
    box = Outbox()
    assert [box.put(b"a"), box.put(b"b")] == [1, 2]
    assert box.after(0) == (0, [b"a", b"b"])
    assert box.after(0) == (0, [b"a", b"b"])  # the answer was lost on its way
    assert not box.wait_for(1, 0)
    assert box.after(1) == (1, [b"b"])
    assert box.wait_for(1, 0)
    assert not box.wait_for(2, 0)
    assert box.after(2) == (2, [])
    assert box.put(b"c") == 3
    assert box.after(2) == (2, [b"c"])


def test_a_thread_that_waits_for_an_arrival_is_told() -> None:
    box = Outbox()
    number = box.put(b"a")
    taker = threading.Thread(target=box.after, args=(number,))
    taker.start()
    assert box.wait_for(number, 60)
    taker.join()


def test_parcels_that_are_not_fetched_do_not_pile_up() -> None:
    box = Outbox()
    for number in range(MAX_WAITING + 3):
        assert box.put(b"%d" % number) == number + 1
    n_before, parcels = box.after(0)
    assert n_before == 3
    assert parcels[0] == b"3"
    assert len(parcels) == MAX_WAITING
