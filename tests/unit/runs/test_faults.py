"""What each fault around a server costs its users: processes killed, stores full or gone, clocks.

Everything is real but the network between machines: a scheduler and workers that were started by
hand behind certificates, page processes, signals. docs/reliability.md has a table of the faults.
"""

import errno
import gc
import os
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from distributed import Scheduler

from cnn_lab.network import Network
from cnn_lab.runs import store
from cnn_lab.runs.connection import connect
from cnn_lab.runs.job import Status
from cnn_lab.runs.queue import RunQueue
from cnn_lab.runs.store import Store
from tests.processes import killed
from tests.unit.runs.small_runs import (
    PATIENCE_S,
    ROOT,
    Elsewhere,
    ended,
    of_kind,
    reported,
    serving_elsewhere,
    spec,
    stop_all,
    trusting,
)

LASTING = spec(epochs=30, batch_size=2, engine="numpy")
SHORT, ANOTHER = (spec(epochs=3, batch_size=64, engine="numpy", seed=seed) for seed in (0, 1))
# Python imports these at its start, as sitecustomize: a worker whose clocks are wrong by so many
# seconds, and one for which files are as read-only as their mode says, though it belongs to root.
WRONG_CLOCKS = """
import datetime, time

OFF_S = {off_s}
for name, unit in (("time", 1), ("time_ns", 10**9), ("monotonic", 1), ("monotonic_ns", 10**9)):
    def wrong(right=getattr(time, name), off=OFF_S * unit):
        return right() + off
    setattr(time, name, wrong)

class Wrong(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(seconds=OFF_S)

datetime.datetime = Wrong
"""
WITHOUT_PRIVILEGES = """
import ctypes

VERSION, DAC_OVERRIDE = 0x20080522, 1 << 1
libc = ctypes.CDLL(None, use_errno=True)
header, sets = (ctypes.c_uint32 * 2)(VERSION, 0), (ctypes.c_uint32 * 6)()
libc.capget(header, sets)
sets[0] &= ~DAC_OVERRIDE
if libc.capset(header, sets):
    raise OSError(ctypes.get_errno(), "capset")
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    with serving_elsewhere(tmp_path_factory.mktemp("elsewhere")) as elsewhere:
        yield elsewhere


@contextmanager
def serving(kept_in: Store | Path, elsewhere: Elsewhere) -> Iterator[RunQueue]:
    """Run a page process's queue; all runs are stopped afterwards."""
    queue = RunQueue(kept_in, elsewhere.address)
    for owner in ("ann", "bob"):
        queue.arrive(owner)
    try:
        yield queue
        stop_all(queue, ("ann", "bob"))
    finally:
        queue.close()


@pytest.fixture
def queue(elsewhere: Elsewhere, runs: Path) -> Iterator[RunQueue]:
    with serving(runs, elsewhere) as queue:
        yield queue


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def check_kept(runs: Path, queue: RunQueue, status: Status) -> None:
    """Check that a run is in the storage whole, for any process that looks there."""
    kept = Store(runs)
    assert kept.damage(status.run_id) == []
    assert kept.status(status.run_id).state == status.state
    assert kept.status(status.run_id).result == status.result
    assert kept.events(status.run_id) == queue.events(status.run_id)
    assert Network.load(kept.weights(status.run_id)).spec == status.spec.network


def test_a_scheduler_killed_and_started_again_at_once(
    elsewhere: Elsewhere, queue: RunQueue, runs: Path
) -> None:
    """H3: finished epochs are kept, and the runs that wait are trained afterwards."""
    going_on = queue.submit(LASTING, "ann")
    reported(queue, going_on, kind="epoch", n=1)
    waiting = queue.submit(SHORT, "bob")
    worker = elsewhere.worker
    killed(elsewhere.scheduler)
    elsewhere.start_scheduler()
    worker.wait(PATIENCE_S)
    elsewhere.start_worker()
    cut_off = queue.wait(going_on, ended, PATIENCE_S)
    assert cut_off.state == "failed"
    assert Network.load(queue.result(going_on)).card["result"]
    assert Store(runs).status(going_on).result["epochs"] >= 1
    after = queue.wait(waiting, ended, PATIENCE_S)
    assert (after.state, after.unsaved) == ("done", "")
    check_kept(runs, queue, after)


@contextmanager
def full_disk(worker: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Keep a process from writing files of more than 2,000 bytes, as a disk that is full does."""
    limits = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (2_000, limits[1]))
    try:
        yield
    finally:
        resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("when", ["before", "during"])
def test_a_full_store_loses_nothing_that_is_not_said(
    elsewhere: Elsewhere, queue: RunQueue, runs: Path, when: str
) -> None:
    """H4: the page says so while the run goes on, and offers its weights from memory."""
    run_id = ""
    if when == "during":
        run_id = queue.submit(LASTING, "ann")
        reported(queue, run_id, kind="epoch", n=1)
    with full_disk(elsewhere.worker):
        run_id = run_id or queue.submit(LASTING, "ann")
        told = queue.wait(run_id, lambda status: bool(status.unsaved), PATIENCE_S)
        assert told.active
        reported(queue, run_id, kind="epoch", n=2)
        queue.control(run_id, "stop")
        status = queue.wait(run_id, ended, PATIENCE_S)
        assert (status.state, status.unsaved) == ("stopped", os.strerror(errno.EFBIG))
        assert Network.from_bytes(queue.weights(run_id)).card["result"]
        assert len(queue.snapshots(run_id)) == len(of_kind(queue.events(run_id), "snapshot"))
    if when == "during":  # the epochs before are in the folder, whole
        assert Network.load(runs / run_id / store.WEIGHTS).card["result"]
    again = queue.wait(queue.submit(SHORT, "bob"), ended, PATIENCE_S)
    assert (again.state, again.unsaved) == ("done", "")
    check_kept(runs, queue, again)


@pytest.mark.parametrize("is_back", [False, True])
def test_a_store_that_goes_away_during_a_run(queue: RunQueue, runs: Path, is_back: bool) -> None:
    """H6: the run goes on, and all of it is saved if the store is back at its end."""
    aside = runs.with_name("aside")
    run_id = queue.submit(LASTING, "ann")
    reported(queue, run_id, kind="epoch", n=1)
    runs.rename(aside)
    runs.write_text("no folder any more")
    assert queue.wait(run_id, lambda status: bool(status.unsaved), PATIENCE_S).active
    if is_back:
        runs.unlink()
        aside.rename(runs)
    queue.control(run_id, "stop")
    status = queue.wait(run_id, ended, PATIENCE_S)
    assert status.state == "stopped"
    if is_back:
        assert status.unsaved == ""
        check_kept(runs, queue, status)
    else:
        assert status.unsaved
        assert Network.from_bytes(queue.weights(run_id)).card["result"]


@contextmanager
def unusual(folder: Path, *at_start: str) -> Iterator[Elsewhere]:
    """Run a scheduler with workers whose Python each does something unusual at its start."""
    elsewhere = Elsewhere(folder, worker_lab=None)
    for number, program in enumerate(at_start):
        site = folder / f"site-{number}"
        site.mkdir()
        (site / "sitecustomize.py").write_text(program)
        elsewhere.start_worker(os.pathsep.join([str(site), str(ROOT)]))
    try:
        with trusting(elsewhere):
            client = connect(elsewhere.address)
            client.wait_for_workers(len(at_start), timeout=PATIENCE_S)
            client.close()
            yield elsewhere
    finally:
        elsewhere.close()


def test_a_store_that_is_read_only_is_told_before_training(tmp_path: Path, runs: Path) -> None:
    """H5: a sentence says what to set, and the runs that are there can be read."""
    with unusual(tmp_path, WITHOUT_PRIVILEGES) as elsewhere, serving(runs, elsewhere) as queue:
        before = queue.wait(queue.submit(SHORT, "ann"), ended, PATIENCE_S)
        assert before.state == "done"
        runs.chmod(0o555)
        try:
            refused = queue.wait(queue.submit(SHORT, "bob"), ended, PATIENCE_S)
            check_kept(runs, queue, before)
        finally:
            runs.chmod(0o755)
        assert refused.state == "failed"
        assert "CNN_LAB_RUNS" in refused.sentence
        assert not of_kind(queue.events(refused.run_id), "batch")
        after = queue.wait(queue.submit(SHORT, "bob"), ended, PATIENCE_S)
        assert (after.state, after.unsaved) == ("done", "")


def test_workers_whose_clocks_are_two_hours_apart(tmp_path: Path, runs: Path) -> None:
    """H12: their runs are kept in their order, with times that the page's own clock confirms."""
    clocks = [WRONG_CLOCKS.format(off_s=off_s) for off_s in (3600, -3600)]
    newest = Store(runs, kept=store.Kept(in_all=1))
    with unusual(tmp_path, *clocks) as elsewhere:
        client = connect(elsewhere.address)
        slow, fast = sorted(client.run(time.time).values())
        client.close()
        assert fast - slow > 7000
        with serving(runs, elsewhere) as queue:
            began = time.monotonic()
            asked = [queue.submit(SHORT, "ann"), queue.submit(ANOTHER, "bob")]
            for run_id in asked:
                status = queue.wait(run_id, ended, PATIENCE_S)
                assert status.state == "done"
                check_kept(runs, queue, status)
                times = [event.at_s for event in queue.events(run_id)]
                assert times == sorted(times)
                assert 0 <= times[0] <= times[-1] <= time.monotonic() - began
        with serving(newest, elsewhere) as queue:
            last = queue.submit(SHORT, "ann")
            assert queue.wait(last, ended, PATIENCE_S).state == "done"
        assert [folder.name for folder in newest.folder.folders(holding=store.ENDED)] == [last]


class Line:
    """Connection between machines that can be cut: passes bytes on to a port of loopback."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break all connections; new ones are passed on."""
        while self._open:
            with suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Accept no more connections, and break those that are open."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                here, _ = self._listener.accept()
                try:
                    there = socket.create_connection(("127.0.0.1", self._to))
                except OSError:  # nothing listens there yet
                    here.close()
                    continue
                self._open += [here, there]
                threading.Thread(target=self._join, args=(here, there), daemon=True).start()

    def _join(self, here: socket.socket, there: socket.socket) -> None:
        back = threading.Thread(target=self._pass_on, args=(there, here), daemon=True)
        with here, there:
            back.start()
            self._pass_on(here, there)
            back.join(PATIENCE_S)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65_536):
                target.sendall(content)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def test_a_connection_that_breaks_for_a_moment(elsewhere: Elsewhere, runs: Path) -> None:
    """H18: the run goes on, and its page is told of all that it missed and of what follows."""
    connect(elsewhere.address).close()  # it is there
    line = Line(int(elsewhere.address.rpartition(":")[2]))
    queue = RunQueue(runs, f"tls://127.0.0.1:{line.port}")
    queue.arrive("ann")
    try:
        run_id = queue.submit(LASTING, "ann")
        n_epochs = len(reported(queue, run_id, kind="epoch", n=1))
        line.cut()
        reported(queue, run_id, kind="epoch", n=n_epochs + 3)
        queue.control(run_id, "stop")
        line.cut()
        status = queue.wait(run_id, ended, PATIENCE_S)
        assert (status.state, status.unsaved) == ("stopped", "")
        check_kept(runs, queue, status)
    finally:
        queue.close()
        line.close()
        gc.collect()  # of Dask, sockets whose connection was being made


def test_a_cluster_that_shrinks_keeps_the_workers_that_train(
    elsewhere: Elsewhere, queue: RunQueue
) -> None:
    """Runs are not Dask's tasks; an adaptive cluster asks which workers do nothing all the same."""

    def spared(dask_scheduler: Scheduler) -> tuple[int, list[str]]:
        """Return how many workers a cluster wants, and which it would close to have none."""
        return dask_scheduler.adaptive_target(), dask_scheduler.workers_to_close(target=0)

    run_id = queue.submit(LASTING, "ann")
    reported(queue, run_id, kind="epoch", n=1)
    client = connect(elsewhere.address)
    try:
        assert client.run_on_scheduler(spared, callback_timeout=PATIENCE_S) == (1, [])
        queue.control(run_id, "stop")
        queue.wait(run_id, ended, PATIENCE_S)
        [worker] = client.nthreads(callback_timeout=PATIENCE_S)
        assert client.run_on_scheduler(spared, callback_timeout=PATIENCE_S) == (0, [worker])
    finally:
        client.close()


def test_a_worker_that_is_retired_during_a_run_loses_no_finished_epoch(
    elsewhere: Elsewhere, queue: RunQueue, runs: Path
) -> None:
    """H19: told in a sentence; the next run waits for another worker."""
    worker = elsewhere.worker
    run_id = queue.submit(LASTING, "ann")
    reported(queue, run_id, kind="epoch", n=1)
    client = connect(elsewhere.address)
    try:
        [address] = client.nthreads(callback_timeout=PATIENCE_S)
        client.retire_workers([address], callback_timeout=PATIENCE_S)
    finally:
        client.close()
    status = queue.wait(run_id, ended, PATIENCE_S)
    assert status.state == "failed"
    assert "taken out of the cluster" in status.sentence
    assert status.result["epochs"] >= 1
    waiting = queue.submit(SHORT, "bob")
    assert worker.wait(PATIENCE_S) == 0  # once it has saved what it had reached
    assert Store(runs).status(run_id).result["epochs"] >= status.result["epochs"]
    assert Network.load(queue.result(run_id)).card["result"]
    elsewhere.start_worker()
    assert queue.wait(waiting, ended, PATIENCE_S).state == "done"
