"""Who gets through to scheduler and worker; what is said of a scheduler that cannot train."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dask
import numpy as np
import psutil
import pytest
from distributed import LocalCluster

from cnn_lab import __version__
from cnn_lab.concepts.checks import CheckFailedError, LayerCheck
from cnn_lab.concepts.layer_call import LayerCall
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.runs import cluster, connection
from cnn_lab.runs.connection import ClusterError, connect
from cnn_lab.runs.job import Status
from cnn_lab.runs.queue import RunQueue
from cnn_lab.runs.store import Store
from cnn_lab.runs.worker import HEARTBEAT_S
from tests.processes import killed
from tests.unit.runs.certificates import HOUR, Authority
from tests.unit.runs.small_runs import PATIENCE_S, ROOT, Elsewhere, ended, spec, trusting

NOBODY = 65534
SELDOM_MS = 1000
ROLES = ("client", "scheduler", "worker")


def intruded(attempts: list[str], limit_s: float) -> dict[str, object]:
    """Return what another process, and another user where that is possible, got an answer to.

    An attempt is a way and a port, see intruder.py.
    """
    user = NOBODY if os.geteuid() == 0 else os.geteuid()
    intruder = Path(__file__).with_name("intruder.py")
    done = subprocess.run(
        [sys.executable, intruder, str(user), str(limit_s), *attempts],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=PATIENCE_S,
    )
    answers: dict[str, object] = json.loads(done.stdout)
    return answers


def listening(pid: int) -> set[int]:
    connections = psutil.Process(pid).net_connections("tcp")
    return {one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN}


@contextmanager
def in_the_open(n_workers: int) -> Iterator[LocalCluster]:
    """Run a scheduler and workers in this process that ask for no certificate."""
    # Queues of other tests, which connect at the same time, leave their own setting behind.
    with dask.config.set(
        {"distributed.scheduler.http.routes": ["distributed.http.scheduler.info"]}
    ):
        opened = LocalCluster(
            n_workers=n_workers, processes=False, protocol="tcp", dashboard_address="127.0.0.1:0"
        )
    try:
        yield opened
    finally:
        opened.close(timeout=PATIENCE_S)


def test_no_other_process_gets_through_to_scheduler_or_worker(
    own_queue: RunQueue, worker_pid: Callable[[], int]
) -> None:
    """R7, H16: neither without a certificate nor with one of its own; nothing else is open."""
    run_id = own_queue.submit(spec(), "ann")
    assert own_queue.wait(run_id, ended, PATIENCE_S).state == "done"
    server, worker = listening(os.getpid()), listening(worker_pid())
    assert len(worker) == 1
    assert server
    ways = [f"{who}-{scheme}" for who in ROLES for scheme in ("tcp", "tls")]
    attempts = [f"{way}={port}" for way in (*ways, "browser") for port in server | worker]
    assert intruded(attempts, limit_s=3) == {}
    assert own_queue.wait(own_queue.submit(spec(), "ann"), ended, PATIENCE_S).state == "done"


def test_the_intruder_would_find_an_open_door() -> None:
    """R7: the process of the test above does run code where Dask asks for no certificate."""
    with in_the_open(n_workers=1) as opened:
        [worker] = opened.workers.values()
        here, http = opened.scheduler.port, opened.scheduler.http_server.port
        attempts = [
            *(f"client-tcp={here}", f"worker-tcp={here}"),
            *(f"scheduler-tcp={worker.port}", f"browser={http}"),
        ]
        answers = intruded(attempts, limit_s=60)
    assert answers == dict(zip(attempts, [os.getpid()] * 3 + [200], strict=True))


def test_the_certificate_is_on_no_command_line_and_in_no_environment(
    own_queue: RunQueue, worker_pid: Callable[[], int]
) -> None:
    """R7: the worker gets it through a pipe."""
    run_id = own_queue.submit(spec(), "ann")
    own_queue.wait(run_id, ended, PATIENCE_S)
    process = psutil.Process(worker_pid())
    shown = [*process.cmdline(), *process.environ().values()]
    assert not [word for word in shown if "-----BEGIN" in word]


def test_dask_seldom_looks_at_its_own_event_loops(
    own_queue: RunQueue, worker_pid: Callable[[], int]
) -> None:
    """Beside training each look is taken from the run, and nothing shows what it finds."""
    own_queue.wait(own_queue.submit(spec(), "ann"), ended, PATIENCE_S)
    scheduler = connection.own_scheduler()
    try:
        callbacks = scheduler.scheduler.periodic_callbacks
        assert callbacks["tick"].callback_time >= SELDOM_MS
    finally:
        scheduler.close()
    worker = dask.config.collect_env(psutil.Process(worker_pid()).environ())
    for name, value in connection.QUIET.items():
        assert str(dask.config.get(name, config=worker)) == str(value)


def test_the_worker_seldom_tells_the_scheduler_how_it_does(own_queue: RunQueue) -> None:
    own_queue.wait(own_queue.submit(spec(), "ann"), ended, PATIENCE_S)
    assert own_queue.cluster is not None
    [worker] = own_queue.cluster._scheduler.scheduler.workers.values()
    seen = {worker.last_seen}
    until = time.monotonic() + HEARTBEAT_S - 1
    while time.monotonic() < until:
        seen.add(worker.last_seen)
        time.sleep(0.05)
    assert len(seen) <= 2


def test_another_machine_is_reached_unencrypted_only_on_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R7: an address that is not this machine's loopback, and not tls://, is refused."""
    with in_the_open(n_workers=0) as opened:
        connect(opened.scheduler_address).close()
        address = f"tcp://0.0.0.0:{opened.scheduler.port}"  # not loopback by its name
        with pytest.raises(ClusterError, match="CNN_LAB_UNENCRYPTED_SCHEDULER=1"):
            connect(address)
        monkeypatch.setenv("CNN_LAB_UNENCRYPTED_SCHEDULER", "1")
        connect(address).close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    elsewhere = Elsewhere(tmp_path_factory.mktemp("encrypted"), worker_lab=None)
    yield elsewhere
    elsewhere.close()


def failed(address: str, folder: Path) -> Status:
    """Return how a run ends at a scheduler that cannot train."""
    queue = RunQueue(Store(folder / "runs"), address)
    queue.arrive("ann")
    try:
        status = queue.wait(queue.submit(spec(), "ann"), ended, PATIENCE_S)
    finally:
        queue.close()
    assert status.state == "failed"
    return status


def refusal(address: str) -> str:
    """Return what is said about a scheduler that cannot be connected to."""
    with pytest.raises(ClusterError) as refused:
        connect(address)
    return str(refused.value)


def test_a_scheduler_behind_another_certificate(certificates: Elsewhere, tmp_path: Path) -> None:
    """R12, H7: that the certificates do not match is said, not that nobody answers."""
    with dask.config.set(Authority(tmp_path).issue("page").settings):
        assert "certificates" in failed(certificates.address, tmp_path).sentence


def test_a_server_without_a_certificate(certificates: Elsewhere, tmp_path: Path) -> None:
    """R12, H7: what to set is said."""
    assert "distributed.comm.tls.ca-file" in failed(certificates.address, tmp_path).sentence
    lost = {**certificates.settings, "distributed.comm.tls.ca-file": str(tmp_path / "lost.pem")}
    with dask.config.set(lost):
        assert "certificate" in failed(certificates.address, tmp_path).sentence


@pytest.mark.parametrize("begins", [-2 * HOUR, HOUR])
def test_a_certificate_out_of_date_says_so_on_either_side(
    tmp_path: Path, begins: timedelta
) -> None:
    """H8: the page's own certificate, then the scheduler's, has expired or is not valid yet."""
    authority = Authority(tmp_path)
    good, bad = authority.issue("good"), authority.issue("bad", begins, begins + HOUR)
    in_date, out_of_date = (
        Elsewhere(tmp_path, certificate=one, worker_lab=None) for one in (good, bad)
    )
    try:
        with dask.config.set(bad.settings):
            ours = refusal(in_date.address)
        with dask.config.set(good.settings):
            theirs = refusal(out_of_date.address)
            connect(in_date.address).close()
    finally:
        in_date.close()
        out_of_date.close()
    assert "This server's certificate" in ours
    assert "certificate of the training scheduler" in theirs
    assert ("expired" if begins < -HOUR else "not valid yet") in theirs


@pytest.mark.parametrize("setting", ["ca-file", "client.cert", "client.key"])
def test_files_that_are_no_certificates_are_named(
    certificates: Elsewhere, tmp_path: Path, setting: str
) -> None:
    """H7: damaged and unreadable files are told from a scheduler that refuses good ones."""
    name = f"distributed.comm.tls.{setting}"
    damaged = tmp_path / "damaged.pem"
    damaged.write_text("-----BEGIN CERTIFICATE-----\nhello\n")
    for place in (damaged, tmp_path):
        with dask.config.set({**certificates.settings, name: str(place)}):
            assert f"Received: {name}={str(place)!r}" in refusal(certificates.address)


def test_a_key_of_another_certificate_is_named(certificates: Elsewhere, tmp_path: Path) -> None:
    """H7: certificate and key are each sound, and do not belong together."""
    other = Authority(tmp_path).issue("other")
    key = {"distributed.comm.tls.client.key": str(other.key)}
    with dask.config.set({**certificates.settings, **key}):
        assert "do not match" in refusal(certificates.address)


def test_a_scheduler_that_is_frozen_does_not_hold_its_reader_up(
    certificates: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H9: its port still takes connections, and nothing ever comes back."""
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 0.5)
    with trusting(certificates):
        certificates.scheduler.send_signal(signal.SIGSTOP)
        try:
            assert "does not answer" in refusal(certificates.address)
        finally:
            certificates.scheduler.send_signal(signal.SIGCONT)
        monkeypatch.undo()
        connect(certificates.address).close()


def test_a_worker_with_a_wrong_certificate_gets_no_run(tmp_path: Path) -> None:
    """H7, H8: one of another authority, and one that has expired, never join the scheduler."""
    ours = Authority(tmp_path)
    (tmp_path / "other").mkdir()
    wrong = (Authority(tmp_path / "other").issue("wrong"), ours.issue("old", -2 * HOUR, -HOUR))
    elsewhere = Elsewhere(tmp_path, certificate=ours.issue("good"), worker_lab=None)
    try:
        with trusting(elsewhere):
            client = connect(elsewhere.address)
            workers = []
            for certificate in wrong:
                elsewhere.start_worker(ROOT, "--death-timeout", "2", certificate=certificate)
                workers.append(elsewhere.worker)
            for worker in workers:  # each has tried, and given up
                assert worker.wait(PATIENCE_S) != 0
            assert client.nthreads() == {}
            elsewhere.start_worker(ROOT, "--death-timeout", "60")
            client.wait_for_workers(1, timeout=PATIENCE_S)
            client.close()
    finally:
        elsewhere.close()


@pytest.mark.parametrize(
    "address",
    [
        "nonsense",
        "tls://",
        "tls://host",
        "tls://host:port",
        "tls://host:99999",
        "lab:0",
        "https://host:8786",
        "inproc://x",
        " ",
        "tls://[::1",
        "tls://me@host:8786",
    ],
)
def test_an_address_that_is_none_is_named(address: str) -> None:
    """H10: nothing is looked up under it, and an example shows what belongs there."""
    sentence = refusal(address)
    assert "tls://host:8786" in sentence
    assert "CNN_LAB_SCHEDULER" in sentence


@pytest.fixture
def web() -> Iterator[int]:
    """Yields the port of a web server."""
    # A thread for each connection, so that one that says nothing holds nobody up.
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join(PATIENCE_S)


def test_something_else_listens_at_the_address(
    certificates: Elsewhere,
    web: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """H10: a web server, a port that says nothing, and a scheduler without certificates."""
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        quiet = f"127.0.0.1:{silent.getsockname()[1]}"
        for address in (f"tcp://127.0.0.1:{web}", f"tcp://{quiet}"):
            assert "does not answer" in refusal(address)
        with trusting(certificates):
            assert "does not speak TLS" in refusal(f"tls://127.0.0.1:{web}")
            assert "does not answer" in refusal(f"tls://{quiet}")
        assert "tls:// or tcp://" in refusal(certificates.address.replace("tls", "tcp"))
    assert "Traceback" not in capfd.readouterr().err


def test_a_scheduler_without_workers(
    certificates: Elsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R12, H11: a run does not wait for ever for a worker that nobody has started."""
    monkeypatch.setattr(cluster, "MAX_WAIT_FOR_WORKER_S", 0.5)
    with trusting(certificates):
        sentence = failed(certificates.address, tmp_path).sentence
    assert "has no workers" in sentence
    assert f"`dask worker {certificates.address}`" in sentence


def test_a_check_by_a_scheduler_without_workers(
    certificates: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R12, H11: a reader who asks Keras learns the same."""
    monkeypatch.setattr(cluster, "FIRST_CHECK_TIMEOUT_S", 0.5)
    images, kernel = np.ones((1, 3, 3, 1)), np.ones((2, 2, 1, 1))
    call = LayerCall("convolution", ConvolutionSettings(), images, kernel)
    with trusting(certificates):
        foreign = cluster.Cluster(certificates.address)
        try:
            with pytest.raises(CheckFailedError, match="has no workers"):
                foreign.check(LayerCheck(call, {"result": np.full((1, 2, 2, 1), 4.0)}))
        finally:
            foreign.close()


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    elsewhere = Elsewhere(tmp_path_factory.mktemp("open"), encrypted=False, worker_lab=None)
    yield elsewhere
    elsewhere.close()


def without_lab(folder: Path) -> str:
    return "does not have cnn_lab"


def of_another_version(folder: Path) -> str:
    (folder / "cnn_lab").mkdir()
    (folder / "cnn_lab" / "__init__.py").write_text("__version__ = '0.0.9'\n")
    return "has version 0.0.9"


def without_a_library(folder: Path) -> str:
    (folder / "cnn_lab" / "runs").mkdir(parents=True)
    (folder / "cnn_lab" / "__init__.py").write_text(f"__version__ = {__version__!r}\n")
    (folder / "cnn_lab" / "runs" / "__init__.py").touch()
    (folder / "cnn_lab" / "runs" / "worker.py").write_text("import a_library\n")
    return "does not have a_library"


@pytest.mark.parametrize("lab", [without_lab, of_another_version, without_a_library])
def test_workers_that_cannot_train(
    opened: Elsewhere, tmp_path: Path, lab: Callable[[Path], str]
) -> None:
    """R12, H11: a sentence says what the workers lack and how it is installed there."""
    what = lab(tmp_path)
    opened.start_worker(tmp_path)
    try:
        sentence = failed(opened.address, tmp_path).sentence
    finally:
        killed(opened.worker)
    assert f"CNN Lab {__version__}" in sentence
    assert "worker tcp://127.0.0.1:" in sentence
    assert what in sentence
    assert "`pip install '.[train]'`" in sentence


@pytest.mark.parametrize("lab", [without_lab, of_another_version])
def test_a_scheduler_that_lacks_the_lab(tmp_path: Path, lab: Callable[[Path], str]) -> None:
    """R12, H11: Dask's scheduler unpacks what is sent through it, so it needs the lab as well."""
    what = lab(tmp_path)
    elsewhere = Elsewhere(tmp_path, encrypted=False, scheduler_lab=tmp_path, worker_lab=None)
    try:
        sentence = failed(elsewhere.address, tmp_path).sentence
    finally:
        elsewhere.close()
    assert f"the scheduler {what}" in sentence
    assert "`pip install '.[train]'`" in sentence


def test_a_cluster_in_the_open_on_this_machine_trains(opened: Elsewhere, tmp_path: Path) -> None:
    """R7, R12: one's own cluster on loopback needs no certificate, as before."""
    opened.start_worker(ROOT)
    queue = RunQueue(Store(tmp_path), opened.address)
    queue.arrive("ann")
    try:
        status = queue.wait(queue.submit(spec(engine="numpy"), "ann"), ended, PATIENCE_S)
    finally:
        queue.close()
    assert (status.state, status.sentence) == ("done", "")
