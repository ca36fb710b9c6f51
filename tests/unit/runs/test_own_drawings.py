"""Runs with their owner's own drawings: no one else gets those, and nothing keeps them."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnn_lab.data.mnist import Split
from cnn_lab.network import zoo
from cnn_lab.network.spec import TrainingSpec
from cnn_lab.runs import store
from cnn_lab.runs.comparison import Compared, differing_settings
from cnn_lab.runs.job import MAX_OWN_DRAWINGS, Outcome, RunRefusedError, RunSpec
from cnn_lab.runs.ledger import Ledger
from cnn_lab.runs.queue import RunQueue
from cnn_lab.runs.store import Store
from tests.fake_cluster import PATIENCE_S, FakeCluster
from tests.unit.runs.small_runs import spec
from tests.unit.runs.test_worker import FEW, Receiver

NUMBERS = np.random.default_rng(3)
OWN = Split(NUMBERS.integers(0, 256, (10, 28, 28), np.uint8), np.arange(10))
SECRET = OWN.pixels[0].tobytes()[:32]  # in every copy of the drawings, wherever it is


class Overheard(FakeCluster):
    """A cluster of which all is kept that it tells page processes."""

    def __init__(self, n_workers: int = 1) -> None:
        super().__init__(n_workers)
        self.told: list[bytes] = []

    def _tell(self, told: dict[str, Any]) -> None:
        self.told.append(pickle.dumps(told))
        super()._tell(told)

    def start_again(self) -> None:
        """Have another ledger, which knows of no run, take the place of this one."""
        self._ledger = Ledger(self._send, self._tell)
        for worker in self._workers:
            self.call("use", worker)

    def runs(self) -> dict[str, Any]:
        return self._ledger.runs


@pytest.fixture
def cluster() -> Overheard:
    return Overheard()


@pytest.fixture
def queue(cluster: Overheard, tmp_path: Path) -> Iterator[RunQueue]:
    queue = RunQueue(Store(tmp_path / "runs"), cluster=cluster)
    for owner in ("ann", "bob"):
        queue.arrive(owner)
    yield queue
    queue.close()


def begun(queue: RunQueue, run_id: str) -> None:
    queue.wait(run_id, lambda status: status.state != "waiting", PATIENCE_S)


def test_the_worker_gets_them_and_then_they_are_forgotten(
    cluster: Overheard, queue: RunQueue, tmp_path: Path
) -> None:
    run_id = queue.submit(spec(), "ann", own=OWN)
    job = cluster.task(run_id).job
    np.testing.assert_array_equal(job.own.pixels, OWN.pixels)
    np.testing.assert_array_equal(job.own.labels, OWN.labels)
    begun(queue, run_id)
    assert cluster.runs()[run_id].own is None
    cluster.tell(run_id, "batch", epoch=1, batch=1, loss=2, accuracy=0, n_images=9, seconds=1)
    cluster.task(run_id).end(Outcome(None, [], {}))
    queue.wait(run_id, lambda status: not status.active, PATIENCE_S)

    assert cluster.told
    assert not [told for told in cluster.told if SECRET in told]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {store.SPEC, store.OWN} <= {path.name for path in files}
    assert not [path for path in files if SECRET in path.read_bytes()]
    assert SECRET not in pickle.dumps(queue.status(run_id))


def test_how_many_there_were_is_kept_with_the_run(
    cluster: Overheard, queue: RunQueue, tmp_path: Path
) -> None:
    run_id = queue.submit(spec(), "ann", own=OWN)
    begun(queue, run_id)
    assert queue.status(run_id).spec.own_drawings == 10
    cluster.tell(run_id, "batch", epoch=1, batch=1, loss=2, accuracy=0, n_images=9, seconds=1)
    cluster.task(run_id).end(Outcome(None, [], {}))
    queue.wait(run_id, lambda status: not status.active, PATIENCE_S)
    later = Store(tmp_path / "runs")
    assert later.status(run_id).spec.own_drawings == 10
    before = later.damage(run_id)
    path = tmp_path / "runs" / run_id / store.OWN
    for content in ("", "{", "[]", "{}", '{"drawings": 0}', '{"drawings": 1e9}'):
        path.write_text(content)
        damaged = Store(tmp_path / "runs")
        assert damaged.status(run_id).spec.own_drawings == 0
        (sentence,) = [one for one in damaged.damage(run_id) if one not in before]
        assert sentence.startswith(store.OWN)


def test_no_one_shares_such_a_run(tmp_path: Path) -> None:
    queue = RunQueue(Store(tmp_path), cluster=FakeCluster(n_workers=3))
    first = queue.submit(spec(), "ann", own=OWN)
    assert queue.submit(spec(), "bob", own=OWN) != first
    plain = queue.submit(spec(), "cid")
    assert plain not in (first, queue.latest("bob"))
    assert queue.submit(spec(), "dan") == plain  # as ever
    with pytest.raises(RunRefusedError, match="One run at a time"):
        queue.submit(spec(), "ann", own=OWN)
    queue.close()


def test_a_run_that_waits_has_them_still_when_it_begins(
    cluster: Overheard, queue: RunQueue
) -> None:
    first = queue.submit(spec(seed=1), "ann")
    waiting = queue.submit(spec(seed=2), "bob", own=OWN)
    begun(queue, first)
    assert queue.status(waiting).state == "waiting"
    queue.control(first, "stop")
    np.testing.assert_array_equal(cluster.task(waiting).job.own.pixels, OWN.pixels)


def test_a_scheduler_that_was_started_again_gets_them_from_their_page(
    cluster: Overheard, queue: RunQueue
) -> None:
    first = queue.submit(spec(seed=1), "ann")
    waiting = queue.submit(spec(seed=2), "bob", own=OWN)
    begun(queue, first)
    cluster.start_again()
    assert waiting not in cluster.runs()
    queue.warm()
    np.testing.assert_array_equal(cluster.task(waiting).job.own.pixels, OWN.pixels)


def test_without_them_such_a_run_cannot_be_restored(cluster: Overheard, queue: RunQueue) -> None:
    """Another page process has only the number of the drawings."""
    first = queue.submit(spec(seed=1), "ann")
    waiting = queue.submit(spec(seed=2), "bob", own=OWN)
    begun(queue, first)
    queue._known.runs[waiting].own = None
    cluster.start_again()
    queue.warm()
    status = queue.wait(waiting, lambda status: not status.active, PATIENCE_S)
    assert status.state == "failed"
    assert waiting not in cluster.runs()


def of(n: int) -> Split:
    return Split(np.zeros((n, 28, 28), np.uint8), np.zeros(n, np.int64))


@pytest.mark.parametrize(
    ("own", "settings", "sentence"),
    [
        (OWN, {"data_set": "fashion_mnist"}, "MNIST's digits only"),
        (OWN, {"batch_size": 7}, "at least 8 images"),
        (of(0), {}, "takes 1 to 100 own drawings. Received: 0"),
        (of(MAX_OWN_DRAWINGS + 1), {}, "Received: 101"),
        (Split(OWN.pixels, OWN.labels + 1), {}, "a digit as its label"),
        (Split(OWN.pixels[:, :20], OWN.labels), {}, "28 × 28 pixels"),
        (Split(OWN.pixels.astype(np.float32), OWN.labels), {}, "must be bytes"),
    ],
)
def test_drawings_that_a_run_cannot_learn_from_are_refused_with_a_sentence(
    queue: RunQueue, own: Split, settings: dict[str, object], sentence: str
) -> None:
    with pytest.raises(RunRefusedError, match=sentence):
        queue.submit(spec(**settings), "ann", own=own)
    assert queue.latest("ann") is None


def test_the_card_says_how_many_and_nothing_has_them() -> None:
    run = FEW.model_copy(update={"own_drawings": 10})
    receiver = Receiver(run, own=OWN)
    network = receiver.train().network
    plain = Receiver().train().network
    assert network is not None
    assert plain is not None
    assert network.card["own_drawings"] == "10"
    assert "own_drawings" not in plain.card
    assert not np.array_equal(network.weights["dense/kernel"], plain.weights["dense/kernel"])
    snapshots = [parcel for parcel in receiver.arrived if isinstance(parcel, bytes)]
    assert snapshots
    for content in (network.to_bytes(), *snapshots):
        assert SECRET not in content
    assert json.loads(network.card["training"]) == FEW.training.model_dump(mode="json")


def test_two_runs_are_compared_by_them_too() -> None:
    fast = zoo.preset("fast")
    first, second = (
        Compared("a run", fast.network, TrainingSpec(), "keras", 54_000, [], own_drawings=n)
        for n in (0, 10)
    )
    (difference,) = differing_settings(first, second)
    assert (difference.setting, difference.first, difference.second) == ("own drawings", "0", "10")


@pytest.mark.parametrize("n", [-1, MAX_OWN_DRAWINGS + 1])
def test_a_number_of_drawings_that_no_run_has(n: int) -> None:
    with pytest.raises(ValueError, match="own_drawings"):
        RunSpec(network=zoo.preset("fast").network, training=TrainingSpec(), own_drawings=n)
