"""What every queue owes its readers: one with a worker of its own, and one on Dask elsewhere."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest

from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import Network
from cnn_lab.runs import connection
from cnn_lab.runs import queue as queue_module
from cnn_lab.runs.job import ASIDE, CommandRefusedError, RunRefusedError, UnknownRunError, progress
from cnn_lab.runs.queue import GONE_AFTER_S, HELD_UP_FOR_S, RunQueue
from cnn_lab.runs.store import Store
from tests.processes import killed
from tests.unit.runs.small_runs import (
    CLOCK,
    LONG,
    OWNERS,
    PATIENCE_S,
    STEEP,
    Elsewhere,
    ended,
    in_state,
    of_kind,
    reported,
    serving_elsewhere,
    spec,
    stop_all,
)


@pytest.fixture(scope="module", params=["here", "elsewhere"])
def where(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Elsewhere | None]:
    if request.param == "here":
        yield None
        return
    with serving_elsewhere(tmp_path_factory.mktemp("elsewhere")) as elsewhere:
        yield elsewhere


@pytest.fixture(scope="module")
def queue(
    where: Elsewhere | None, own_queue: RunQueue, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunQueue]:
    if where is None:
        yield own_queue
        return
    queue = RunQueue(Store(tmp_path_factory.mktemp("runs")), where.address, clock=CLOCK)
    for owner in OWNERS:
        queue.arrive(owner)
    yield queue
    queue.close()


@pytest.fixture(autouse=True)
def nothing_is_left_going(queue: RunQueue) -> Iterator[None]:
    yield
    stop_all(queue)


@pytest.fixture
def kill_worker(queue: RunQueue, where: Elsewhere | None) -> Iterator[Callable[[], None]]:
    """Returns what kills the worker in the hardest way; elsewhere, another is started by hand."""

    def kill() -> None:
        assert queue.cluster is not None
        pid = where.worker.pid if where else queue.cluster.worker_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    yield kill
    if where is not None:
        killed(where.worker)
        where.start_worker()


def test_events_and_snapshots_are_complete_and_in_order(queue: RunQueue) -> None:
    run_id = queue.submit(spec(epochs=2), "ann")
    assert queue.latest("ann") == run_id
    status = queue.wait(run_id, ended, PATIENCE_S)
    assert (status.state, status.sentence) == ("done", "")
    events = queue.events(run_id)
    kinds = [event.kind for event in events]
    assert kinds[0] == "started"
    assert [kind for kind in kinds if kind not in ASIDE][-1] == "testing"
    assert [event["epoch"] for event in of_kind(events, "epoch")] == [1, 2]
    assert {"batch", "validating"} & set(kinds)
    assert all(a.at_s <= b.at_s for a, b in pairwise(events))
    trained = [event["n_images"] for event in events if event.kind in ("batch", "epoch")]
    assert trained == sorted(trained)
    assert trained[-1] == status.spec.n_images
    assert queue.events(run_id, after=len(events) - 2) == events[-2:]
    assert progress(status.spec, events).share == 1.0

    snapshots = queue.snapshots(run_id)
    told = of_kind(events, "snapshot")
    assert [(s.n_images, s.epoch, s.batch) for s in snapshots] == [
        (event["n_images"], event["epoch"], event["batch"]) for event in told
    ]
    assert snapshots[0].n_images == 0
    assert snapshots[-1].kernels.shape == (5, 5, 1, 8)


def test_the_result_is_a_network_with_its_judgement(queue: RunQueue) -> None:
    run_id = queue.submit(spec(), "ann")
    result = queue.wait(run_id, ended, PATIENCE_S).result
    assert (result["epochs"], result["n"], result["engine"]) == (1, 10_000, "keras")
    assert np.sum(result["confusion"]) == 10_000
    assert np.trace(result["confusion"]) == 10_000 - result["errors"]
    assert all(mistake["label"] != mistake["predicted"] for mistake in result["mistakes"])
    assert result["val_accuracy"] == of_kind(queue.events(run_id), "epoch")[0]["val_accuracy"]
    network = Network.load(queue.result(run_id))
    assert "keras" in network.card["versions"]
    test = load_mnist().test
    wrong = network.predict(test.images).argmax(axis=1) != test.labels
    assert abs(int(np.count_nonzero(wrong)) - result["errors"]) <= 2


def test_a_run_is_steered(queue: RunQueue) -> None:
    run_id = queue.submit(LONG, "ann")
    reported(queue, run_id)
    queue.control(run_id, "pause")
    queue.wait(run_id, in_state("paused"), PATIENCE_S)
    waiting = queue.events(run_id)
    assert [event.kind for event in waiting if event.kind not in ASIDE][-1] == "paused"

    queue.control(run_id, "step")
    reported(queue, run_id, kind="paused", n=2)
    queue.control(run_id, "settings", {"learning_rate": 0.0005})
    queue.control(run_id, "step")
    reported(queue, run_id, kind="paused", n=3)
    since = queue.events(run_id, after=len(waiting))
    steps = of_kind(since, "batch")
    before = of_kind(waiting, "batch")[-1]["n_images"]
    assert [event["n_images"] for event in steps] == [before + 1, before + 2]
    assert [event["rate"] for event in steps] == [0.001, 0.0005]
    assert [event.values for event in of_kind(since, "settings")] == [{"learning_rate": 0.0005}]
    assert queue.status(run_id).state == "paused"

    queue.control(run_id, "resume")
    goes_on = reported(queue, run_id, n=len(of_kind(queue.events(run_id), "batch")) + 2)
    assert goes_on[-1]["rate"] == 0.0005
    assert queue.status(run_id).state == "training"
    queue.control(run_id, "stop")
    status = queue.wait(run_id, ended, PATIENCE_S)
    assert (status.state, status.sentence) == ("stopped", "Stopped as requested.")
    assert 0 < status.result["images"] < LONG.n_images
    assert "test_accuracy" not in status.result
    assert not of_kind(queue.events(run_id), "testing")
    assert Network.load(queue.result(run_id)).spec == LONG.network


def test_a_run_that_is_stopped_at_once_holds_nobody_up(queue: RunQueue) -> None:
    for _ in range(5):  # withdrawn before it begins, or at the moment when it does
        run_id = queue.submit(LONG, "ann")
        queue.control(run_id, "stop")
        assert queue.wait(run_id, ended, PATIENCE_S).state == "stopped"
    run_id = queue.submit(spec(), "ann")
    assert queue.wait(run_id, ended, PATIENCE_S).state == "done"


@pytest.mark.parametrize("rate", [0, -1, 11, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(queue: RunQueue, rate: float) -> None:
    run_id = queue.submit(LONG, "ann")
    with pytest.raises(CommandRefusedError, match="must be above 0 and at most 10"):
        queue.control(run_id, "settings", {"learning_rate": rate})
    assert not of_kind(queue.events(run_id), "settings")


def test_a_pause_before_training_begins(queue: RunQueue) -> None:
    run_id = queue.submit(LONG, "ann")
    queue.control(run_id, "pause")
    queue.wait(run_id, in_state("paused"), PATIENCE_S)
    assert not of_kind(queue.events(run_id), "batch")
    with pytest.raises(UnknownRunError):
        queue.result(run_id)  # nothing to draw with yet


def test_the_other_engine(queue: RunQueue) -> None:
    run_id = queue.submit(spec(engine="numpy"), "ann")
    status = queue.wait(run_id, ended, PATIENCE_S)
    assert (status.state, status.result["engine"]) == ("done", "numpy")
    assert status.result["n"] == 10_000
    network = Network.load(queue.result(run_id))
    assert "keras" not in network.card["versions"]
    assert RunQueue(queue.store).status(run_id).spec.engine == "numpy"


def test_a_trial_is_neither_tested_nor_watched_nor_kept(queue: RunQueue) -> None:
    run_id = queue.submit(spec(epochs=2).model_copy(update={"trial": True}), "ann")
    status = queue.wait(run_id, ended, PATIENCE_S)
    events = queue.events(run_id)
    assert status.state == "done"
    assert status.result["val_accuracy"] == of_kind(events, "epoch")[-1]["val_accuracy"]
    assert "test_accuracy" not in status.result
    assert not {"snapshot", "testing"} & {event.kind for event in events}
    assert not queue.snapshots(run_id)
    with pytest.raises(UnknownRunError):
        queue.result(run_id)
    with pytest.raises(UnknownRunError):
        RunQueue(queue.store).status(run_id)


def test_a_loss_that_is_no_number_keeps_the_epochs_before(queue: RunQueue) -> None:
    steep = spec(network=STEEP, optimizer="sgd", learning_rate=0.01, epochs=30)
    run_id = queue.submit(steep, "ann")
    reported(queue, run_id, kind="epoch", n=1)
    queue.control(run_id, "settings", {"learning_rate": 10})
    status = queue.wait(run_id, ended, PATIENCE_S)
    epochs = of_kind(queue.events(run_id), "epoch")
    assert status.state == "failed"
    assert "The loss is not a finite number after batch" in status.sentence
    assert f"Its state after epoch {len(epochs)} is kept." in status.sentence
    assert status.result["epochs"] == len(epochs)
    assert status.result["val_accuracy"] == epochs[-1]["val_accuracy"]
    assert "test_accuracy" not in status.result
    network = Network.load(queue.result(run_id))
    assert all(np.isfinite(weight).all() for weight in network.weights.values())


def test_a_killed_worker_loses_no_finished_epoch(
    queue: RunQueue, kill_worker: Callable[[], None]
) -> None:
    """H2: events and snapshots stay as well."""
    run_id = queue.submit(spec(epochs=30, batch_size=2), "ann")
    reported(queue, run_id, kind="epoch", n=2)
    kill_worker()
    status = queue.wait(run_id, ended, PATIENCE_S)
    epochs = of_kind(queue.events(run_id), "epoch")
    assert status.state == "failed"
    assert "has died" in status.sentence
    assert status.result["epochs"] == len(epochs) >= 2
    assert Network.load(queue.result(run_id)).card["result"]
    assert len(queue.snapshots(run_id)) == len(of_kind(queue.events(run_id), "snapshot"))
    later = RunQueue(queue.store)
    assert later.status(run_id).result == status.result
    assert later.events(run_id) == queue.events(run_id)


def test_the_next_run_finds_a_worker(queue: RunQueue) -> None:
    run_id = queue.submit(spec(), "ann")
    assert queue.wait(run_id, ended, PATIENCE_S).state == "done"


def test_twenty_at_once(queue: RunQueue) -> None:
    taken: list[str] = []

    def ask(number: int) -> None:
        long = spec(epochs=30, batch_size=1, seed=number)
        taken.append(queue.submit(long, f"reader {number}"))

    askers = [threading.Thread(target=ask, args=(number,), daemon=True) for number in range(20)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(PATIENCE_S)
    assert len(set(taken)) == 20
    taken.sort(key=lambda run_id: queue.status(run_id).position)
    reported(queue, taken[0], n=2)
    assert [queue.status(run_id).position for run_id in taken] == list(range(20))
    queue.control(taken[1], "stop")
    assert [queue.status(run_id).position for run_id in taken] == [0, 0, *range(1, 19)]
    queue.control(taken[0], "stop")
    reported(queue, taken[2], n=1)
    for run_id in taken[2:]:
        queue.control(run_id, "stop")
        assert queue.wait(run_id, ended, PATIENCE_S).state == "stopped"


def test_readers_who_ask_for_the_same_share_a_run(queue: RunQueue) -> None:
    run_id = queue.submit(LONG, "ann")
    reported(queue, run_id)
    assert queue.submit(LONG, "bob") == run_id
    assert queue.submit(LONG, "bob") == run_id
    assert queue.status(run_id).run_id == run_id
    assert queue.status(run_id).owners == ("ann", "bob")
    assert queue.latest("bob") == run_id
    queue.give_up(run_id, "ann")
    reported(queue, run_id, n=len(of_kind(queue.events(run_id), "batch")) + 1)
    queue.give_up(run_id, "ann")  # it is bob's alone now
    assert queue.status(run_id).owners == ("bob",)
    assert queue.status(run_id).sentence == ""
    queue.give_up(run_id, "bob")
    assert queue.wait(run_id, ended, PATIENCE_S).state == "stopped"


def test_a_run_that_was_changed_is_not_shared(queue: RunQueue) -> None:
    run_id = queue.submit(LONG, "ann")
    reported(queue, run_id)
    queue.control(run_id, "settings", {"learning_rate": 0.002})
    other = queue.submit(LONG, "bob")
    assert other != run_id
    assert queue.status(other).position == 1


def test_a_second_run_of_the_same_reader_is_refused(queue: RunQueue) -> None:
    first = queue.submit(LONG, "ann")
    with pytest.raises(RunRefusedError, match="yours is still running"):
        queue.submit(spec(), "ann")
    assert queue.runs("ann")[0].run_id == queue.latest("ann") == first


def test_a_paused_run_whose_reader_is_gone_stops(queue: RunQueue) -> None:
    queue.arrive("gus")
    run_id = queue.submit(LONG, "gus")
    queue.control(run_id, "pause")
    queue.wait(run_id, in_state("paused"), PATIENCE_S)
    queue.leave("gus")
    CLOCK.ahead_s += GONE_AFTER_S + 1
    status = queue.wait(run_id, ended, PATIENCE_S)
    assert status.sentence == "Stopped because the page was no longer open."


def test_a_paused_run_does_not_hold_others_up_for_ever(queue: RunQueue) -> None:
    paused = queue.submit(LONG, "ann")
    queue.control(paused, "pause")
    queue.wait(paused, in_state("paused"), PATIENCE_S)
    CLOCK.ahead_s += 2 * HELD_UP_FOR_S
    waiting = queue.submit(spec(), "bob")  # before that, no other run was held up
    with pytest.raises(TimeoutError):
        queue.wait(paused, ended, 3 * queue_module.TICK_S)
    CLOCK.ahead_s += HELD_UP_FOR_S + 1
    status = queue.wait(paused, ended, PATIENCE_S)
    assert status.state == "stopped"
    assert status.sentence == "Stopped: it was paused for 5 minutes while others were waiting."
    assert queue.wait(waiting, ended, PATIENCE_S).state == "done"


@pytest.mark.parametrize("where", ["elsewhere"], indirect=True)
def test_two_workers_train_two_runs_at_once(queue: RunQueue, where: Elsewhere) -> None:
    first = where.worker
    where.start_worker()
    try:
        queue.wait(queue.submit(spec(), "cid"), ended, PATIENCE_S)
        runs = [queue.submit(spec(epochs=30, batch_size=1, seed=n), OWNERS[n]) for n in range(3)]
        for run_id in runs[:2]:
            reported(queue, run_id, n=2)
        assert {queue.status(run_id).state for run_id in runs[:2]} == {"training"}
        third = queue.status(runs[2])
        assert (third.state, third.position) == ("waiting", 2)
        assert third.wait_s is not None
        assert third.wait_s > 0
        queue.control(runs[0], "stop")
        reported(queue, runs[2], n=1)
    finally:
        stop_all(queue)
        killed(first)


@pytest.mark.parametrize("where", ["elsewhere"], indirect=True)
def test_a_scheduler_that_goes_away(
    queue: RunQueue, where: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H3: its finished epochs are kept."""
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 0.5)  # it will not come back
    run_id = queue.submit(spec(epochs=30, batch_size=2), "ann")
    reported(queue, run_id, kind="epoch", n=1)
    where.scheduler.kill()
    status = queue.wait(run_id, ended, PATIENCE_S)
    assert status.state == "failed"
    assert "scheduler" in status.sentence
    assert status.result["epochs"] == len(of_kind(queue.events(run_id), "epoch"))
    assert Network.load(queue.result(run_id)).spec == LONG.network
