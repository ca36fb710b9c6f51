"""Several page processes with one scheduler, two workers and one storage."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cnn_lab.network import Network
from cnn_lab.runs.job import RunRefusedError, State
from cnn_lab.runs.ledger import PAGE_CLOSED
from cnn_lab.runs.queue import GONE_AFTER_S, RunQueue
from cnn_lab.runs.store import BEGUN, Store
from tests.processes import bounded, killed
from tests.unit.runs.small_runs import (
    CLOCK,
    LONG,
    OWNERS,
    PATIENCE_S,
    ROOT,
    Elsewhere,
    ended,
    in_state,
    of_kind,
    reported,
    serving_elsewhere,
    spec,
    stop_all,
)

Open = Callable[[], RunQueue]


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    with serving_elsewhere(tmp_path_factory.mktemp("elsewhere"), n_workers=2) as elsewhere:
        yield elsewhere


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def open_queue(where: Elsewhere, runs: Path) -> Iterator[Open]:
    opened: list[RunQueue] = []

    def open_() -> RunQueue:
        opened.append(RunQueue(runs, where.address, length=3, clock=CLOCK))
        opened[-1].warm()
        for owner in OWNERS:
            opened[-1].arrive(owner)
        return opened[-1]

    yield open_
    for queue in opened:
        stop_all(queue)
        queue.close()


@contextmanager
def asking(
    where: Elsewhere, runs: Path, n_runs: int
) -> Iterator[tuple[list[str], Callable[[], None]]]:
    """Give the ids of runs that another process has asked for, and what kills it."""
    settings = json.dumps(dict(where.settings))
    command = [sys.executable, "-m", "tests.unit.runs.asking", runs, where.address, settings]
    with (
        subprocess.Popen(
            [*command, str(n_runs)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process,
        bounded(process),
    ):
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(n_runs + 1)]
        assert lines[-1] == "reported"
        yield lines[:-1], lambda: os.kill(process.pid, signal.SIGKILL)


def test_runs_outlive_the_page_process_that_asked_for_them(
    where: Elsewhere, runs: Path, open_queue: Open
) -> None:
    """H1: One that was going on and one that waited, with everything that they have reported."""
    with asking(where, runs, n_runs=4) as (asked, kill):
        queue = open_queue()
        assert [queue.status(run_id).state for run_id in asked[2:]] == ["waiting"] * 2
        assert [queue.status(run_id).position for run_id in asked[2:]] == [2, 3]
        kill()
        for run_id in asked:
            status = queue.wait(run_id, ended, PATIENCE_S)
            assert (status.state, status.sentence) == ("done", "")
            events = queue.events(run_id)
            assert events[0].kind == "started"
            assert [event["epoch"] for event in of_kind(events, "epoch")] == [1, 2, 3, 4]
            assert len(queue.snapshots(run_id)) == len(of_kind(events, "snapshot")) > 1
            assert Network.load(queue.result(run_id)).card["result"]
            assert RunQueue(runs).status(run_id).result == status.result
            assert RunQueue(runs).events(run_id) == events


def test_every_page_process_shows_and_stops_any_run(open_queue: Open) -> None:
    one, other = open_queue(), open_queue()
    run_id = one.submit(LONG, "ann")
    assert other.status(run_id).owners == ("ann",)
    assert len(reported(other, run_id, n=3)) >= 3
    assert other.events(run_id)[:3] == one.events(run_id)[:3]
    reported(other, run_id, kind="snapshot", n=1)
    assert other.snapshots(run_id)[0].n_images == 0
    assert other.latest("ann") == run_id
    other.control(run_id, "pause")
    one.wait(run_id, in_state("paused"), PATIENCE_S)
    other.give_up(run_id, "ann")
    states: list[State] = [queue.wait(run_id, ended, PATIENCE_S).state for queue in (one, other)]
    assert states == ["stopped", "stopped"]


def test_order_limits_and_sharing_count_over_all_page_processes(open_queue: Open) -> None:
    queues = [open_queue(), open_queue()]
    asked = []
    for number in range(5):  # two are trained, three wait
        queue = queues[number % 2]
        asked.append(
            queue.submit(LONG.model_copy(update={"max_seconds": 3000 + number}), f"r{number}")
        )
        queue.arrive(f"r{number}")
        if number < 2:
            reported(queues[0], asked[number], n=1)
    for queue in queues:
        queue.wait(asked[4], in_state("waiting"), PATIENCE_S)
        assert [queue.status(run_id).position for run_id in asked] == [0, 0, 2, 3, 4]
        with pytest.raises(RunRefusedError, match="3 runs are waiting"):
            queue.submit(spec(), "ann")
        with pytest.raises(RunRefusedError, match="yours is still running"):
            queue.submit(spec(), "r0")
    same = queues[1].status(asked[2]).spec
    assert queues[1].submit(same, "bob") == asked[2]
    assert queues[0].wait(asked[2], lambda status: len(status.owners) == 2, PATIENCE_S)
    for run_id in reversed(asked):
        queues[0].control(run_id, "stop")
        queues[0].wait(run_id, ended, PATIENCE_S)


def test_a_run_goes_on_while_its_reader_is_in_another_page_process(open_queue: Open) -> None:
    """Each process says who is there by its own clock; a run stops when no process knows them."""
    one, other = open_queue(), open_queue()
    for queue in (one, other):
        queue.arrive("gus")
    run_id = one.submit(LONG, "gus")
    reported(one, run_id, n=2)
    one.leave("gus")
    CLOCK.ahead_s += 10 * GONE_AFTER_S
    reported(other, run_id, n=len(of_kind(other.events(run_id), "batch")) + 20)
    other.leave("gus")
    CLOCK.ahead_s += 10 * GONE_AFTER_S
    assert other.wait(run_id, ended, PATIENCE_S).sentence == PAGE_CLOSED


def test_a_worker_killed_while_another_process_asked(
    where: Elsewhere, runs: Path, open_queue: Open
) -> None:
    """H2: Told at once, with the finished epochs kept, by a process that only watched."""
    with asking(where, runs, n_runs=1) as ([run_id], kill):
        queue = open_queue()
        reported(queue, run_id, kind="epoch", n=1)
        kill()
        pid = json.loads((runs / run_id / BEGUN).read_text())["pid"]
        (worker,) = [one for one in where.workers if one.pid == pid]
        killed(worker)
        status = queue.wait(run_id, ended, PATIENCE_S)
        assert status.state == "failed"
        assert status.result["epochs"] == len(of_kind(queue.events(run_id), "epoch")) >= 1
        assert Store(runs).status(run_id).sentence == status.sentence
    where.start_worker()


def test_a_scheduler_that_is_started_again(where: Elsewhere, runs: Path, open_queue: Open) -> None:
    """H3: Finished epochs are kept, and what waited is trained by the next scheduler."""
    queue = open_queue()
    going = [queue.submit(spec(epochs=30, batch_size=2, seed=n), OWNERS[n]) for n in range(2)]
    for run_id in going:
        reported(queue, run_id, kind="epoch", n=1)
    waiting = queue.submit(spec(seed=9), OWNERS[2])
    assert queue.status(waiting).state == "waiting"
    killed(where.scheduler)
    queue.wait(waiting, lambda status: "scheduler" in status.sentence, PATIENCE_S)
    where.start_scheduler()
    for _ in range(2):
        where.start_worker()
    for run_id in going:
        status = queue.wait(run_id, ended, PATIENCE_S)
        assert status.state == "failed"
        assert "scheduler" in status.sentence
        kept = Store(runs).status(run_id)
        assert kept.state == "failed"
        assert kept.result["epochs"] >= 1
        assert "scheduler" in kept.sentence
        assert Network.load(queue.result(run_id)).card["result"]
    assert queue.wait(waiting, ended, PATIENCE_S).state == "done"


def test_a_worker_without_the_storage_of_the_pages_says_what_to_set(
    where: Elsewhere, tmp_path: Path
) -> None:
    """H5: A folder of the same name on another machine is not taken for the pages' own."""
    queue = RunQueue("memory://runs", where.address)  # of this process alone
    queue.arrive("ann")
    try:
        status = queue.wait(queue.submit(spec(), "ann"), ended, PATIENCE_S)
    finally:
        queue.close()
    assert status.state == "failed"
    assert "CNN_LAB_RUNS" in status.sentence
    assert "memory://runs" in status.sentence
