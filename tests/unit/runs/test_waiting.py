"""Whom the queue lets wait, on a cluster that trains nothing."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cnn_lab.runs.job import RunRefusedError, Status
from cnn_lab.runs.ledger import ANONYMOUS, MAX_ANONYMOUS, PAGE_CLOSED, Keeping, Ledger, Run
from cnn_lab.runs.queue import RunQueue
from tests.fake_cluster import PATIENCE_S, FakeCluster
from tests.unit.runs.small_runs import spec

Open = Callable[..., RunQueue]


@pytest.fixture
def open_queue(tmp_path: Path) -> Iterator[Open]:
    opened = []

    def open_(n_workers: int = 1, **settings: int) -> RunQueue:
        opened.append(RunQueue(tmp_path / "runs", cluster=FakeCluster(n_workers), **settings))
        return opened[-1]

    yield open_
    for queue in opened:
        queue.close()


def begun(queue: RunQueue, run_id: str) -> None:
    queue.wait(run_id, lambda status: status.state != "waiting", PATIENCE_S)


def test_a_host_sets_how_many_may_wait(open_queue: Open) -> None:
    queue = open_queue(length=2)
    begun(queue, queue.submit(spec(seed=1), "ann"))
    for number in (2, 3):
        queue.submit(spec(seed=number), f"reader {number}")
    with pytest.raises(RunRefusedError, match="2 runs are waiting, which is the most"):
        queue.submit(spec(seed=4), "dan")
    assert queue.submit(spec(seed=3), "dan") == queue.latest("reader 3")  # sharing takes no room


@pytest.mark.parametrize("length", [-1, 1.5, "many"])
def test_a_length_that_cannot_be(open_queue: Open, length: object) -> None:
    with pytest.raises(ValueError, match=r"`length` must be .*Received: length="):
        open_queue(length=length)


def test_each_worker_has_one_run(open_queue: Open) -> None:
    queue = open_queue(n_workers=3)
    runs = [queue.submit(spec(seed=number), f"reader {number}") for number in range(5)]
    for run_id in runs[:3]:
        begun(queue, run_id)
    assert [queue.status(run_id).state for run_id in runs[3:]] == ["waiting"] * 2
    assert [queue.status(run_id).position for run_id in runs] == [0, 0, 0, 3, 4]
    queue.control(runs[1], "stop")
    begun(queue, runs[3])
    assert queue.status(runs[4]).state == "waiting"


def test_owners_without_cookies_are_a_few_at_most(open_queue: Open) -> None:
    queue = open_queue()
    for number in range(MAX_ANONYMOUS):
        queue.submit(spec(seed=number), f"{ANONYMOUS}{number}")
    with pytest.raises(RunRefusedError, match="keep no cookies"):
        queue.submit(spec(seed=99), f"{ANONYMOUS}99")
    assert queue.submit(spec(seed=99), "ann")


def test_how_long_it_takes_is_said_once_a_run_has_shown_its_speed(open_queue: Open) -> None:
    queue = open_queue()
    first = queue.submit(spec(epochs=2), "ann")
    second = queue.submit(spec(epochs=4), "bob")
    third = queue.submit(spec(epochs=8, seed=1), "cid")
    begun(queue, first)
    assert queue.status(third).wait_s is None
    assert isinstance(queue.cluster, FakeCluster)
    n_images = queue.status(first).spec.n_images_an_epoch
    for at, seconds in enumerate((0.0, 1.0, 2.0)):  # an epoch in two seconds, from the second on
        report = {"epoch": 1, "batch": at, "loss": 1.0, "accuracy": 0.5, "seconds": seconds}
        queue.cluster.tell(first, "batch", n_images=at * n_images / 2, **report)
    assert queue.status(first).wait_s is None
    assert queue.status(second).wait_s == pytest.approx(2.0)  # its second epoch
    assert queue.status(third).wait_s == pytest.approx(2.0 + 8.0)


class SlowToHear(FakeCluster):
    """A cluster to which a list of who is here travels longer than a run that is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.listed, self.heard, self.asked = (threading.Event() for _ in range(3))
        self.is_slow = False

    def call(self, method: str, *arguments: Any) -> Any:
        slow = self.is_slow and method == "present"
        if slow:
            self.listed.set()
            self.asked.wait(1)
        answer = super().call(method, *arguments)
        if slow:
            self.heard.set()
        if method == "submit":
            self.asked.set()
        return answer


def test_a_list_of_who_is_here_from_before_a_run_does_not_stop_it(tmp_path: Path) -> None:
    cluster = SlowToHear()
    queue = RunQueue(tmp_path / "runs", cluster=cluster)
    begun(queue, queue.submit(spec(seed=1), "ann"))
    cluster.asked.clear()
    cluster.is_slow = True
    assert cluster.listed.wait(PATIENCE_S)
    run_id = queue.submit(spec(seed=2), "bob")
    assert cluster.heard.wait(PATIENCE_S)
    assert queue.status(run_id).sentence != PAGE_CLOSED
    assert queue.status(run_id).state == "waiting"
    queue.close()


def test_a_run_can_be_read_before_this_process_has_been_told_of_it(open_queue: Open) -> None:
    here = open_queue(n_workers=2)
    here.arrive("bob")
    begun(here, here.submit(spec(seed=1), "ann"))
    cluster = here.cluster
    assert isinstance(cluster, FakeCluster)
    asking = RunQueue(here.store, cluster=cluster)  # alone is told of what happens from now on
    asking.arrive("bob")
    run_id = asking.submit(spec(seed=2), "bob")
    cluster.tell(run_id, "batch", batch=1)
    assert [event.kind for event in here.events(run_id)] == ["batch"]
    assert list(here.snapshots(run_id)) == []
    assert here.damage(run_id) == []
    asking.close()


def test_runs_are_in_the_order_in_which_they_were_submitted_whenever_a_page_hears_of_them() -> None:
    ticks = iter(range(3))
    ledger = Ledger(clock=lambda: float(next(ticks)))
    for number in range(3):
        run = Run(f"run {number}", [f"reader {number}"], spec(seed=number), Keeping("runs"), 0.0)
        ledger.submit("a page", run, length=3)
    copy = Ledger()
    for number in (2, 0, 1):
        found = ledger.find(f"run {number}")
        assert found is not None
        copy.put(found)
    assert [run.run_id for run in copy.active()] == ["run 0", "run 1", "run 2"]


def test_waiting_ends_also_for_a_run_that_reports_all_the_time(open_queue: Open) -> None:
    queue = open_queue()
    run_id = queue.submit(spec(), "ann")
    begun(queue, run_id)
    cluster = queue.cluster
    assert isinstance(cluster, FakeCluster)

    def never(_status: Status) -> bool:
        cluster.tell(run_id, "started")
        return False

    with pytest.raises(TimeoutError):
        queue.wait(run_id, never, 0.05)
