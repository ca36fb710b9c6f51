"""The queue with a real Dask worker of its own, real Keras and real MNIST: its own concerns.

What every queue owes its readers is in test_contract.py.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from cnn_lab import ops
from cnn_lab.concepts.checks import MAX_BYTES, Answer, CheckRefusedError, LayerCheck
from cnn_lab.concepts.layer_call import LayerCall
from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import MAX_FILE_BYTES, Network, zoo
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.runs import cluster, connection
from cnn_lab.runs import queue as queue_module
from cnn_lab.runs.checks import MAX_UNDER_WAY, Checks, KerasFileRequest
from cnn_lab.runs.job import Event, RunSpec, Status, UnknownRunError, new_run_id
from cnn_lab.runs.queue import GONE_AFTER_S, NOT_STARTED, STUCK_AFTER_S, RunQueue
from cnn_lab.runs.store import Store
from tests.fake_cluster import FakeCluster
from tests.unit.runs.small_runs import (
    CLOCK,
    LONG,
    OWNERS,
    PATIENCE_S,
    STEEP,
    TINY,
    ended,
    of_kind,
    reported,
    spec,
    stop_all,
)

GUEST = "gus"  # who comes and goes


@pytest.fixture
def queue(own_queue: RunQueue) -> RunQueue:
    return own_queue


@pytest.fixture(autouse=True)
def nothing_is_left_going(queue: RunQueue) -> Iterator[None]:
    yield
    stop_all(queue, (*OWNERS, GUEST))


def layer(seed: int, *, side: int = 6, wrong_by: float = 0.0) -> LayerCheck:
    """A convolution with the page's result, other numbers for each seed."""
    images = np.random.default_rng(seed).normal(size=(1, side, side, 1))
    call = LayerCall(
        "convolution", ConvolutionSettings(padding="same"), images, np.ones((3, 3, 1, 1))
    )
    return LayerCheck(
        call, {"result": ops.conv2d(images, np.ones((3, 3, 1, 1)), padding="same") + wrong_by}
    )


def test_a_check_starts_a_worker_and_is_answered(queue: RunQueue) -> None:
    check = layer(0)
    assert queue.checks.status(check.digest) is None
    digest = queue.checks.ask(check)
    status = queue.checks.status(digest)
    assert status is not None
    assert status.active
    status = queue.checks.wait(digest, PATIENCE_S)
    assert status.state == "answered", status.sentence
    assert status.answer is not None
    assert status.answer.agrees
    assert status.sentence.startswith("Agrees with Keras 3.")
    assert status.answer.backend.startswith("tensorflow 2.")
    assert queue.checks.ask(check) == digest
    assert queue.checks.status(digest) is status  # asked again, answered at once


def test_a_wrong_number_is_told(queue: RunQueue) -> None:
    status = queue.checks.wait(queue.checks.ask(layer(0, wrong_by=0.001)), PATIENCE_S)
    assert status.state == "answered"
    assert status.answer is not None
    assert not status.answer.agrees
    assert status.sentence.startswith("Differs from Keras 3.")


def test_a_check_that_keras_refuses(queue: RunQueue) -> None:
    call = LayerCall(
        "convolution", ConvolutionSettings(), np.ones((1, 2, 2, 1)), np.ones((3, 3, 1, 1))
    )
    shown = LayerCheck(call, {"result": np.ones((1, 1, 1, 1))})
    status = queue.checks.wait(queue.checks.ask(shown), PATIENCE_S)
    assert status.state == "failed"
    assert status.sentence.startswith("Keras could not calculate this: ")
    assert status.answer is None


def test_too_many_numbers_are_refused(queue: RunQueue) -> None:
    large = layer(0, side=260)
    assert large.n_bytes > MAX_BYTES
    with pytest.raises(CheckRefusedError, match="at most 1,000,000 bytes"):
        queue.checks.ask(large)
    assert queue.checks.status(large.digest) is None


def test_only_a_few_checks_at_a_time() -> None:
    def never(_request: LayerCheck) -> Answer:
        raise AssertionError(released.wait(PATIENCE_S))

    released = threading.Event()
    checks = Checks[LayerCheck, Answer](never, lambda: True)
    digests = [checks.ask(layer(seed)) for seed in range(MAX_UNDER_WAY)]
    with pytest.raises(CheckRefusedError, match="checks are running"):
        checks.ask(layer(MAX_UNDER_WAY))
    assert checks.ask(layer(0)) == digests[0]  # the same question needs no further check
    released.set()
    for digest in digests:
        assert checks.wait(digest, PATIENCE_S).state == "failed"
    checks.ask(layer(MAX_UNDER_WAY))
    assert checks.wait(layer(MAX_UNDER_WAY).digest, PATIENCE_S).state == "failed"


def test_a_check_is_answered_while_a_run_goes_on(queue: RunQueue) -> None:
    run_id = queue.submit(LONG, "ann")
    reported(queue, run_id)
    for seed in range(10, 13):
        status = queue.checks.wait(queue.checks.ask(layer(seed)), PATIENCE_S)
        assert status.answer is not None
        assert status.answer.agrees
    n_before = len(queue.events(run_id))
    reported(queue, run_id, n=n_before + 2)
    assert queue.status(run_id).state == "training"


def test_the_same_spec_gives_the_same_weights(queue: RunQueue) -> None:
    weights = []
    for _ in range(2):
        run_id = queue.submit(spec(seed=3), "ann")
        queue.wait(run_id, ended, PATIENCE_S)
        weights.append(Network.load(queue.result(run_id)).weights)
    for name, weight in weights[0].items():
        np.testing.assert_array_equal(weight, weights[1][name], err_msg=name)


def test_a_stop_before_training_has_begun(queue: RunQueue) -> None:
    run_id = queue.submit(LONG, "ann")
    queue.control(run_id, "stop")
    status = queue.wait(run_id, ended, PATIENCE_S)
    assert status.state == "stopped"
    assert status.result.get("epochs", 0) == 0


def test_a_run_whose_reader_is_gone_for_a_minute_stops(queue: RunQueue) -> None:
    run_id = queue.submit(LONG, GUEST)
    queue.arrive(GUEST)
    queue.arrive(GUEST)
    reported(queue, run_id)
    CLOCK.ahead_s += 10 * GONE_AFTER_S
    reported(queue, run_id, n=8)  # a page is open, however quiet

    queue.leave(GUEST)
    CLOCK.ahead_s += 10 * GONE_AFTER_S
    reported(queue, run_id, n=12)  # another tab still is

    queue.leave(GUEST)
    CLOCK.ahead_s += GONE_AFTER_S / 2
    queue.touch(GUEST)
    CLOCK.ahead_s += GONE_AFTER_S / 2 + 1
    reported(queue, run_id, n=18)  # half a minute without a sign is not a minute

    CLOCK.ahead_s += GONE_AFTER_S
    status = queue.wait(run_id, ended, PATIENCE_S)
    assert (status.state, status.sentence) == (
        "stopped",
        "Stopped because the page was no longer open.",
    )
    assert Network.load(queue.result(run_id)).spec == TINY


def test_a_rate_too_high_ends_the_run_and_keeps_what_was_reported(queue: RunQueue) -> None:
    steep = spec(network=STEEP, optimizer="sgd", learning_rate=10, batch_size=100)
    run_id = queue.submit(steep, "ann")
    status = queue.wait(run_id, ended, PATIENCE_S)
    assert status.state == "failed"
    assert "The loss is not a finite number after batch" in status.sentence
    assert queue.events(run_id)
    with pytest.raises(UnknownRunError):
        queue.result(run_id)


def test_a_worker_that_takes_no_notice_is_replaced(
    queue: RunQueue, worker_pid: Callable[[], int]
) -> None:
    run_id = queue.submit(spec(epochs=30, batch_size=2), "ann")
    reported(queue, run_id, kind="epoch", n=1)
    stuck = worker_pid()
    os.kill(stuck, signal.SIGSTOP)
    queue.control(run_id, "stop")
    CLOCK.ahead_s += STUCK_AFTER_S + 1
    status = queue.wait(run_id, ended, PATIENCE_S)
    assert status.state == "stopped"
    assert status.sentence.startswith("Stopped as requested. The training process did not respond")
    epochs = of_kind(queue.events(run_id), "epoch")
    assert status.result["epochs"] == len(epochs)
    assert Network.load(queue.result(run_id)).spec == TINY

    again = queue.submit(spec(), "ann")
    assert queue.wait(again, ended, PATIENCE_S).state == "done"
    assert worker_pid() != stuck


def test_a_worker_that_has_served_long_enough_is_followed_by_a_warm_one(
    queue: RunQueue, worker_pid: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.checks.wait(queue.checks.ask(layer(0)), PATIENCE_S)
    before = worker_pid()
    monkeypatch.setattr(cluster, "RUNS_EACH", 1)
    run_id = queue.submit(spec(), "ann")
    assert queue.wait(run_id, ended, PATIENCE_S).state == "done"
    monkeypatch.undo()
    deadline, seed = time.monotonic() + PATIENCE_S, 100
    while worker_pid() == before and time.monotonic() < deadline:
        seed += 1  # answered all the time, by the one and then by the other
        assert queue.checks.wait(queue.checks.ask(layer(seed)), PATIENCE_S).answer is not None
    assert worker_pid() != before
    assert queue.cluster is not None
    assert queue.cluster.has_keras
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)


def test_a_check_whose_worker_is_killed(queue: RunQueue, worker_pid: Callable[[], int]) -> None:
    run_id = queue.submit(LONG, "ann")
    reported(queue, run_id)
    killed = worker_pid()
    os.kill(killed, signal.SIGSTOP)  # it takes the check and never gets to it
    digest = queue.checks.ask(layer(20))
    os.kill(killed, signal.SIGKILL)
    status = queue.checks.wait(digest, timeout_s=10)
    assert status.state == "failed"
    assert "died before it could answer" in status.sentence
    assert queue.wait(run_id, ended, timeout_s=10).state == "failed"

    status = queue.checks.wait(queue.checks.ask(layer(20)), PATIENCE_S)
    assert status.state == "answered", status.sentence
    assert worker_pid() != killed


def test_a_check_that_takes_too_long(
    queue: RunQueue, worker_pid: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.checks.wait(queue.checks.ask(layer(0)), PATIENCE_S)
    monkeypatch.setattr(cluster, "CHECK_TIMEOUT_S", 0.1)
    pid = worker_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        status = queue.checks.wait(queue.checks.ask(layer(21)), PATIENCE_S)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert status.state == "failed"
    assert status.sentence.startswith("Keras did not answer within 0.1 s.")
    monkeypatch.undo()
    assert queue.checks.wait(queue.checks.ask(layer(21)), PATIENCE_S).state == "answered"


@pytest.mark.parametrize("run_id", ["0123456789abcdef", "../../secret", ""])
def test_a_run_that_nobody_knows(queue: RunQueue, run_id: str) -> None:
    for ask in (queue.status, queue.events, queue.result):
        with pytest.raises(UnknownRunError):
            ask(run_id)
    with pytest.raises(UnknownRunError):
        queue.control(run_id, "stop")


def test_keras_stays_in_the_worker() -> None:
    code = (
        "import sys, cnn_lab.runs.queue, cnn_lab.runs.cluster\n"
        "print([name for name in ('keras', 'tensorflow') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_no_scheduler_at_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """H9: a run and a check say the same, and neither waits for ever."""
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 0.5)
    queue = RunQueue(Store(tmp_path), "tcp://127.0.0.1:9")
    try:
        status = queue.wait(queue.submit(spec(), "ann"), ended, PATIENCE_S)
        assert status.state == "failed"
        assert status.sentence.startswith("The training scheduler does not answer.")
        asked = queue.checks.wait(queue.checks.ask(layer(0)), PATIENCE_S)
        assert (asked.state, asked.sentence) == ("failed", status.sentence)
    finally:
        queue.close()


def test_a_cluster_that_cannot_be_made_is_made_again(tmp_path: Path) -> None:
    fake, attempts = FakeCluster(), []

    def make(told: Callable[[dict[str, object]], None]) -> FakeCluster:
        attempts.append(told)
        if len(attempts) == 1:
            raise ModuleNotFoundError("Dask")
        return fake(told)

    queue = RunQueue(Store(tmp_path), cluster=make)
    try:
        status = queue.wait(queue.submit(spec(), "ann"), ended, PATIENCE_S)
        assert (status.state, status.sentence) == ("failed", NOT_STARTED)
        asked = queue.checks.wait(queue.checks.ask(layer(0)), PATIENCE_S)
        assert asked.sentence == "There is no Keras here."  # says the cluster
        assert fake.task(queue.submit(spec(), "ann"))
    finally:
        queue.close()


def test_a_check_without_a_cluster_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_module, "CONNECT_PATIENCE_S", 0.5)

    def fail(told: Callable[[dict[str, object]], None]) -> FakeCluster:
        raise ModuleNotFoundError("Dask")

    queue = RunQueue(Store(tmp_path), cluster=fail)
    try:
        asked = queue.checks.wait(queue.checks.ask(layer(0)), PATIENCE_S)
        assert (asked.state, asked.sentence) == ("failed", NOT_STARTED)
    finally:
        queue.close()


def test_events_have_their_values_by_name() -> None:
    assert Event("batch", 0.0, {"loss": 2.5})["loss"] == 2.5


def test_keras_reads_the_file_and_the_same_digits(queue: RunQueue, tmp_path: Path) -> None:
    preset, network = zoo.preset("fast"), Network.load("fast")
    spec = RunSpec(network=preset.network, training=preset.training)
    status = Status(new_run_id(), (), spec, "done", result={"epochs": 3})
    queue.store.keep(status, network, [], [])

    wanted = KerasFileRequest(queue.result(status.run_id).read_bytes())
    digest = queue.keras_files.ask(wanted)
    answered = queue.keras_files.wait(digest, PATIENCE_S)
    assert answered.state == "answered", answered.sentence
    assert answered.answer is not None
    assert answered.sentence.startswith(f"Written by Keras {keras.__version__}: ")
    assert queue.keras_files.ask(wanted) == digest
    assert queue.keras_files.status(digest) is answered  # nothing is written twice

    path = tmp_path / "model.keras"
    path.write_bytes(answered.answer.content)
    model = keras.models.load_model(path)
    assert [layer.name for layer in model.layers] == [x.name for x in preset.network.layers]
    images = load_mnist().test.images[:20]
    read = model.predict(images, verbose=0)
    np.testing.assert_allclose(read, network.predict(images), atol=1e-5)


def test_what_is_no_model_is_a_sentence(queue: RunQueue) -> None:
    digest = queue.keras_files.ask(KerasFileRequest(b"no weights at all"))
    failed = queue.keras_files.wait(digest, PATIENCE_S)
    assert failed.state == "failed"
    assert "is not a model of CNN Lab" in failed.sentence
    assert failed.answer is None


def test_too_large_a_file_is_refused(queue: RunQueue) -> None:
    with pytest.raises(CheckRefusedError, match=f"Received: bytes={MAX_FILE_BYTES + 1:,}"):
        queue.keras_files.ask(KerasFileRequest(bytes(MAX_FILE_BYTES + 1)))
