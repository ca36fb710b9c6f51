"""A sweep through the queue, with a real worker; several with a cluster that trains nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cnn_lab.network.spec import Conv2D, Dense, Flatten, NetworkSpec, Softmax, TrainingSpec
from cnn_lab.runs.job import Outcome, RunRefusedError, RunSpec
from cnn_lab.runs.queue import MAX_WAITING, RunQueue
from cnn_lab.runs.store import Store
from cnn_lab.runs.sweep.records import SweepSpec, SweepStatus
from cnn_lab.runs.sweep.runner import MAX_SWEEPS, Sweep, Sweeps, UnknownSweepError
from tests.fake_cluster import FakeCluster
from tests.unit.runs.small_runs import PATIENCE_S, STEEP

TINY = NetworkSpec(
    name="tiny",
    layers=(
        Conv2D(name="conv", filters=4, kernel_size=(5, 5), strides=(4, 4), activation="relu"),
        Flatten(name="flatten"),
        Dense(name="dense", units=10),
        Softmax(name="softmax"),
    ),
)


def sweep_spec(*, n_trials: int = 3, network: NetworkSpec = TINY, **training: object) -> SweepSpec:
    settings = {"epochs": 2, "data_fraction": 0.01, "learning_rate": 0.01, **training}
    base = RunSpec(network=network, training=TrainingSpec.model_validate(settings), engine="numpy")
    return SweepSpec(base=base, vary=("learning_rate",), n_trials=n_trials)


def over(status: SweepStatus) -> bool:
    return not status.active


@pytest.fixture
def queue(own_queue: RunQueue) -> RunQueue:
    return own_queue


def test_trials_are_trained_and_the_best_is_told(queue: RunQueue) -> None:
    queue.arrive("eve")
    before = list(queue.store.folder.path.glob("*/weights.safetensors"))
    sweeps = Sweeps(queue)
    sweep_id = sweeps.start(sweep_spec(), "eve")
    assert sweeps.latest("eve") == sweep_id
    status = sweeps.wait(sweep_id, over, PATIENCE_S)
    assert status.state == "done", status.sentence
    assert [trial.state for trial in status.trials] == ["done"] * 3
    assert all(len(trial.accuracies) == 2 for trial in status.trials)
    assert status.trials[0].settings == {"learning_rate": 0.01}
    assert status.best is not None
    assert status.best.accuracy == max(trial.accuracy or 0 for trial in status.trials)
    assert status.share == 1
    assert queue.runs("eve") == []  # the trials belong to no owner, and none is kept
    assert list(queue.store.folder.path.glob("*/weights.safetensors")) == before

    kept = Sweeps(queue).status(sweep_id)  # as another process would find it
    assert kept.trials == status.trials
    assert kept.owner == ""
    with pytest.raises(UnknownSweepError):
        Sweeps(queue).stop(sweep_id)


def test_a_trial_that_fails_is_told_and_the_sweep_goes_on(queue: RunQueue) -> None:
    """At a rate of ten, the loss of plain descent through many layers is soon no number."""
    spec = sweep_spec(n_trials=2, network=STEEP, learning_rate=10, optimizer="sgd", batch_size=50)
    sweep = Sweep(spec, "ann", queue)
    sweep.start()
    status = sweep.wait(over, PATIENCE_S)
    assert status.state == "done"
    assert status.trials[0].state == "failed"
    assert "the learning rate is probably too high" in status.trials[0].sentence
    assert status.trials[1].number == 2


def test_a_stop_ends_the_trial_and_keeps_those_before(queue: RunQueue) -> None:
    sweep = Sweep(sweep_spec(n_trials=40), "ann", queue)
    sweep.start()
    sweep.wait(lambda now: now.n_over >= 1, PATIENCE_S)
    sweep.stop()
    status = sweep.wait(over, PATIENCE_S)
    assert (status.state, status.sentence) == ("stopped", "Stopped as requested.")
    assert status.trials[0].state == "done"
    assert status.n_over == len(status.trials) < 40
    assert status.best is not None


def test_a_sweep_stops_when_nobody_watches(queue: RunQueue) -> None:
    sweep = Sweep(sweep_spec(n_trials=40), "ann", queue, watched=lambda: False)
    sweep.start()
    status = sweep.wait(over, PATIENCE_S)
    assert status.state == "stopped"
    assert status.sentence == "Stopped because the page was no longer open."
    assert status.best is None


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Sweeps]:
    queue = RunQueue(Store(tmp_path), cluster=FakeCluster())
    for owner in ("ann", "bob", "cid"):
        queue.arrive(owner)
    sweeps = Sweeps(queue)
    yield sweeps
    sweeps.close()
    queue.close()


def test_one_sweep_for_each_and_a_few_in_all(idle: Sweeps) -> None:
    first = idle.start(sweep_spec(), "ann")
    with pytest.raises(RunRefusedError, match="One sweep at a time"):
        idle.start(sweep_spec(), "ann")
    idle.start(sweep_spec(), "bob")
    with pytest.raises(RunRefusedError, match=f"{MAX_SWEEPS} sweeps are running"):
        idle.start(sweep_spec(), "cid")
    idle.stop(first)
    assert idle.wait(first, over, PATIENCE_S).state == "stopped"
    idle.start(sweep_spec(), "ann")


def test_a_full_queue_is_waited_for(idle: Sweeps) -> None:
    base = sweep_spec().base
    for number in range(1 + MAX_WAITING):
        other = base.training.model_copy(update={"seed": number + 1})
        run_id = idle.queue.submit(base.model_copy(update={"training": other}), f"reader {number}")
        if number == 0:
            idle.queue.wait(run_id, lambda status: status.state != "waiting", PATIENCE_S)
    sweep_id = idle.start(sweep_spec(), "ann")
    status = idle.wait(sweep_id, lambda now: bool(now.trials), PATIENCE_S)
    assert status.trials[0].state == "waiting"
    idle.stop(sweep_id)
    status = idle.wait(sweep_id, over, PATIENCE_S)
    assert [trial.state for trial in status.trials] == ["stopped"]


def test_trials_spread_over_all_workers(tmp_path: Path) -> None:
    """The next trial begins as soon as one has ended, whichever it is."""
    cluster = FakeCluster(n_workers=3)
    queue = RunQueue(Store(tmp_path), cluster=cluster)
    sweep = Sweep(sweep_spec(n_trials=5, epochs=1), "ann", queue)
    sweep.start()

    def run_of(number: int) -> str:
        """Return the run of a trial, once it is being trained."""
        rate = sweep.status.trials[number - 1].settings["learning_rate"]
        return cluster.submitted(lambda spec: spec.training.learning_rate == rate)

    def finish(number: int, accuracy: float) -> None:
        run_id = run_of(number)
        cluster.tell(run_id, "epoch", val_accuracy=accuracy, seconds=1.0)
        cluster.task(run_id).end(Outcome(None, [], {}))

    def training(*numbers: int) -> Callable[[SweepStatus], bool]:
        return lambda now: [trial.number for trial in now.trials if not trial.over] == [*numbers]

    try:
        sweep.wait(training(1, 2, 3), PATIENCE_S)
        assert {queue.status(run_of(number)).state for number in (1, 2, 3)} == {"starting"}
        finish(2, 0.9)
        sweep.wait(training(1, 3, 4), PATIENCE_S)
        finish(1, 0.5)
        sweep.wait(training(3, 4, 5), PATIENCE_S)
        for number in (3, 4, 5):
            finish(number, 0.6)
        status = sweep.wait(over, PATIENCE_S)
    finally:
        queue.close()
    assert status.state == "done"
    assert [trial.accuracy for trial in status.trials] == [0.5, 0.9, 0.6, 0.6, 0.6]
    assert status.best is not None
    assert status.best.number == 2


@pytest.mark.parametrize("sweep_id", ["0123456789abcdef", "../../etc/passwd", "", "a" * 500])
def test_a_sweep_that_nobody_knows(idle: Sweeps, sweep_id: str) -> None:
    with pytest.raises(UnknownSweepError, match="A sweep is kept until"):
        idle.status(sweep_id)
