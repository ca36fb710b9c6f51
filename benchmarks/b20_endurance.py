"""B20: runs in a row leave memory where it was, and a killed worker costs no finished epoch.

What Keras keeps of each run adds up in the worker, so after some runs another takes its place.
"""

import gc
import os
import signal
import tempfile
from collections.abc import Sequence
from contextlib import closing

import psutil

from benchmarks.report import Row, report, resident_mb
from cnn_lab.network import Network, zoo
from cnn_lab.runs.cluster import RUNS_EACH
from cnn_lab.runs.job import RunSpec, Status
from cnn_lab.runs.queue import RunQueue
from cnn_lab.runs.store import Store

OWNER = "reader"
PATIENCE_S = 600
SHARE = 0.1  # of the training images: what adds up is left by runs, not by batches
WARM_UP = 2  # runs until everything that is made once has been made
KILLS = 3


def run_spec(epochs: int) -> RunSpec:
    preset = zoo.preset("fast")
    changes = {"epochs": epochs, "data_fraction": SHARE}
    return RunSpec(network=preset.network, training=preset.training.model_copy(update=changes))


def ended(status: Status) -> bool:
    return not status.active


def worker_pid(queue: RunQueue) -> int:
    assert queue.cluster is not None
    pid = queue.cluster.worker_pid()
    assert pid is not None
    return pid


def n_epochs(queue: RunQueue, run_id: str) -> int:
    return sum(event.kind == "epoch" for event in queue.events(run_id))


def await_epochs(queue: RunQueue, run_id: str, n: int) -> None:
    queue.wait(run_id, lambda _: n_epochs(queue, run_id) >= n, PATIENCE_S)


def one_run(queue: RunQueue) -> tuple[int, float]:
    """Return which worker did it, and the memory of that worker at its end."""
    run_id = queue.submit(run_spec(1), OWNER)
    await_epochs(queue, run_id, 1)
    pid = worker_pid(queue)
    # Between testing and the end: after it another worker may take this one's place.
    queue.wait(run_id, lambda status: status.state != "training", PATIENCE_S)
    process_mb = resident_mb(psutil.Process(pid))
    status = queue.wait(run_id, ended, PATIENCE_S)
    assert status.state == "done", status.sentence
    gc.collect()
    return pid, process_mb


def in_a_row(queue: RunQueue) -> list[tuple[int, float]]:
    """Return the runs of one worker to its end, and as many of the next until it is warmed up."""
    runs = [one_run(queue) for _ in range(RUNS_EACH)]
    while len({pid for pid, _ in runs}) == 1:
        runs.append(one_run(queue))
    return runs + [one_run(queue) for _ in range(WARM_UP - 1)]


def epochs_lost(queue: RunQueue) -> int:
    """Return how many finished epochs a run lost whose worker was killed in the next one."""
    run_id = queue.submit(run_spec(20), OWNER)
    await_epochs(queue, run_id, 2)
    n_events = len(queue.events(run_id))
    queue.wait(run_id, lambda _: len(queue.events(run_id)) > n_events, PATIENCE_S)
    os.kill(worker_pid(queue), signal.SIGKILL)
    status = queue.wait(run_id, ended, PATIENCE_S)
    assert status.state == "failed", status.sentence
    Network.load(queue.result(run_id))
    return n_epochs(queue, run_id) - int(status.result["epochs"])


def measure() -> Sequence[Row]:
    with tempfile.TemporaryDirectory() as folder, closing(RunQueue(Store(folder))) as queue:
        queue.arrive(OWNER)
        for _ in range(WARM_UP):
            one_run(queue)
        page_mb = resident_mb(psutil.Process())
        runs = in_a_row(queue)
        gained_mb = resident_mb(psutil.Process()) - page_mb
        lost = sum(epochs_lost(queue) for _ in range(KILLS))
    first, last = runs[0][0], runs[-1][0]
    before = [mb for pid, mb in runs if pid == first]
    after = [mb for pid, mb in runs if pid == last]
    return [
        Row("worker after its first runs", before[0], "MB"),
        Row("worker before another takes its place", before[-1], "MB"),
        Row(
            "the next worker after its first runs, more than this one after its own",
            after[-1] - before[0],
            "MB",
            100,
        ),
        Row("page's side, after all these runs, more", gained_mb, "MB", 20),
        Row(f"finished epochs lost in {KILLS} kills", lost, "", 0),
    ]


if __name__ == "__main__":
    report("B20", measure)
