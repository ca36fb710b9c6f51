import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from cnn_lab.network import Network, zoo
from cnn_lab.network.spec import Dense, Flatten, NetworkSpec, Softmax, TrainingSpec
from cnn_lab.network.spec.recipe import Recipe
from cnn_lab.runs import store
from cnn_lab.runs.job import (
    Event,
    Outcome,
    RunRefusedError,
    RunSpec,
    Start,
    Status,
    TrainingFailedError,
    UnknownRunError,
    new_run_id,
)
from cnn_lab.runs.ledger import MAX_UNSAVED
from cnn_lab.runs.queue import RunQueue
from cnn_lab.runs.snapshots import Snapshot
from cnn_lab.runs.store import Address, Folder, Store
from tests.fake_cluster import PATIENCE_S, FakeCluster
from tests.processes import bounded
from tools.server import ROOT

NETWORK = NetworkSpec(
    name="tiny",
    layers=(Flatten(name="flatten"), Dense(name="dense", units=10), Softmax(name="softmax")),
)
FIGURES = {"epoch": 1, "loss": 2.0, "accuracy": 0.1, "seconds": 1.0}
EVENTS = [
    Event("batch", 0.5, {**FIGURES, "batch": 1, "n_images": 128}),
    Event("epoch", 3.0, {**FIGURES, "val_loss": 0.9, "val_accuracy": 0.2, "n_images": 54_000}),
]

Keep = Callable[..., Status]


@pytest.fixture
def network() -> Network:
    weights = {
        name: np.random.default_rng(0).normal(size=shape).astype(np.float32)
        for name, shape in NETWORK.weight_shapes().items()
    }
    return Network(NETWORK, weights, {"result": json.dumps({"epochs": 1, "engine": "numpy"})})


@pytest.fixture
def keep(tmp_path: Path, network: Network) -> Keep:
    def keep_(run_id: str | None = None, runs: Address = tmp_path) -> Status:
        status = Status(
            run_id=run_id or new_run_id(),
            owners=("an owner",),
            spec=RunSpec(network=NETWORK, training=TrainingSpec(epochs=2, seed=7)),
            state="stopped",
            sentence="Stopped as requested.",
            result={"epochs": 1, "images": 54_000},
        )
        Store(runs).keep(status, network, [{"epoch": 1, "loss": 1.0}], EVENTS)
        return status

    return keep_


def test_a_kept_run_comes_back(keep: Keep, tmp_path: Path, network: Network) -> None:
    status = keep()
    loaded = Store(tmp_path).status(status.run_id)
    assert (loaded.state, loaded.sentence, loaded.result) == (
        status.state,
        status.sentence,
        status.result,
    )
    assert loaded.spec == status.spec
    assert not loaded.active
    assert Store(tmp_path).events(status.run_id) == EVENTS
    again = Network.load(Store(tmp_path).weights(status.run_id))
    np.testing.assert_array_equal(again.weights["dense/kernel"], network.weights["dense/kernel"])


def test_the_owner_is_not_written_down(keep: Keep, tmp_path: Path) -> None:
    status = keep()
    texts = [p.read_bytes() for p in (tmp_path / status.run_id).iterdir()]
    assert texts
    assert not any(b"an owner" in text for text in texts)


def test_only_the_newest_runs_stay_and_nothing_else_is_touched(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "KEPT_RUNS", 2)
    theirs = tmp_path / "holiday pictures"
    theirs.mkdir()
    (theirs / "beach.txt").write_text("sun")
    kept = [keep().run_id for _ in range(2)]
    kept.append(keep().run_id)
    assert {p.name for p in tmp_path.iterdir()} == {*kept[1:], theirs.name}
    assert (theirs / "beach.txt").read_text() == "sun"
    with pytest.raises(UnknownRunError):
        Store(tmp_path).weights(kept[0])


@pytest.mark.parametrize("run_id", ["0123456789abcdef", "../../../../etc", "", "x"])
def test_a_run_that_is_not_there(run_id: str, tmp_path: Path) -> None:
    runs = Store(tmp_path)
    for look_up in (runs.status, runs.events, runs.weights):
        with pytest.raises(UnknownRunError, match="Received: run="):
            look_up(run_id)


def test_a_folder_beside_the_runs_is_out_of_reach(keep: Keep, tmp_path: Path) -> None:
    status = keep()
    with pytest.raises(UnknownRunError):
        Store(tmp_path).weights(f"../{tmp_path.name}/{status.run_id}")


def test_the_epochs_are_a_line_each(keep: Keep, tmp_path: Path) -> None:
    folder = tmp_path / keep().run_id
    lines = (folder / store.HISTORY).read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"epoch": 1, "loss": 1.0}]


def test_where_runs_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CNN_LAB_RUNS", str(tmp_path / "chosen"))
    assert store.runs_folder() == tmp_path / "chosen"
    monkeypatch.delenv("CNN_LAB_RUNS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert store.runs_folder() == tmp_path / "cnn-lab" / "runs"


class FullFileSystem(MemoryFileSystem):
    """A disk that takes small files and refuses large ones."""

    protocol = "full"
    store: dict[str, Any] = {}  # noqa: RUF012 - as fsspec has it
    pseudo_dirs: list[str] = [""]  # noqa: RUF012

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_: Any) -> None:
        if len(value) > 10_000:
            raise OSError(28, "No space left on device")
        super().pipe_file(path, value, mode=mode)


@pytest.fixture(scope="module", autouse=True)
def full_disk() -> None:
    fsspec.register_implementation("full", FullFileSystem, clobber=True)


@pytest.fixture
def in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CNN_LAB_RUNS", "memory://lab/runs")
    yield "memory://lab/runs"
    Folder("memory://lab").remove()


def test_runs_are_kept_wherever_an_address_leads(
    keep: Keep, in_memory: str, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store.runs_folder() == in_memory
    status = keep(runs=in_memory)
    loaded = Store(in_memory).status(status.run_id)
    assert (loaded.state, loaded.result) == (status.state, status.result)
    assert Store(in_memory).events(status.run_id) == EVENTS
    path = Store(in_memory).weights(status.run_id)
    again = Network.load(path)
    np.testing.assert_array_equal(again.weights["dense/kernel"], network.weights["dense/kernel"])
    assert Store(in_memory).weights(status.run_id) == path

    monkeypatch.setattr(store, "KEPT_COPIES", 2)
    monkeypatch.setattr(store, "KEPT_RUNS", 3)
    more = [keep(runs=in_memory).run_id for _ in range(3)]
    for run_id in more:
        assert Store(in_memory).weights(run_id).is_file()
    assert len(list(path.parent.iterdir())) == 2
    with pytest.raises(UnknownRunError):
        Store(in_memory).status(status.run_id)


def snapshot(n_images: int) -> bytes:
    nothing = np.zeros((0, 0, 0, 0), np.float32), np.zeros((5, 0, 0, 0), np.float32)
    confusion = np.eye(10, dtype=np.int64)
    return Snapshot(n_images, 1, n_images // 128, *nothing, confusion, 10).to_bytes()


def test_snapshots_come_back_in_order(keep: Keep, tmp_path: Path, in_memory: str) -> None:
    for address in (tmp_path / "here", in_memory):
        run_id, runs = keep(runs=address).run_id, Store(address)
        assert runs.snapshots(run_id) == []
        for number in range(12, 0, -1):
            runs.keep_snapshot(run_id, number, snapshot(number))
        assert runs.snapshots(run_id) == [snapshot(n) for n in range(1, 13)]
        assert runs.damage(run_id) == []


def test_a_run_in_progress_cannot_be_read(tmp_path: Path, network: Network) -> None:
    run_id, spec = new_run_id(), RunSpec(network=NETWORK, training=TrainingSpec())
    runs = Store(tmp_path)
    runs.begin(run_id, spec)
    runs.keep_epoch(run_id, network, EVENTS)
    for read in (runs.status, runs.events, runs.weights):
        with pytest.raises(UnknownRunError):
            read(run_id)


def test_a_run_whose_server_went_away_keeps_its_epochs(tmp_path: Path, network: Network) -> None:
    code = (
        "import os, sys\n"
        "from cnn_lab.network import Network\n"
        "from cnn_lab.network.spec import TrainingSpec\n"
        "from cnn_lab.runs.store import Store\n"
        "from cnn_lab.runs.job import Event, RunSpec\n"
        "folder, begun, reached, weights = sys.argv[1:]\n"
        "runs = Store(folder)\n"
        "network = Network.load(weights)\n"
        "spec = RunSpec(network=network.spec, training=TrainingSpec())\n"
        "for run_id in (begun, reached):\n"
        "    runs.begin(run_id, spec)\n"
        "runs.keep_epoch(reached, network, [Event('started', 0.5)])\n"
        "os._exit(1)\n"
    )
    begun, reached, runs = new_run_id(), new_run_id(), Store(tmp_path / "runs")
    network.save(tmp_path / "weights.safetensors")
    arguments = [tmp_path / "runs", begun, reached, tmp_path / "weights.safetensors"]
    subprocess.run([sys.executable, "-c", code, *arguments], timeout=60, check=False)

    status = runs.status(reached)
    assert (status.state, status.result) == ("failed", {"epochs": 1, "engine": "numpy"})
    assert status.sentence == (
        "This run ended when its server stopped. Its state after epoch 1 is kept."
    )
    assert status.spec.engine == "numpy"
    assert runs.events(reached) == [Event("started", 0.5)]
    assert Network.load(runs.weights(reached)).spec == NETWORK

    status = runs.status(begun)
    assert (status.state, status.sentence) == ("failed", store.WITH_THE_SERVER)
    assert status.result == {}
    assert runs.events(begun) == []
    with pytest.raises(UnknownRunError):
        runs.weights(begun)


def test_an_object_store_that_refuses_large_files_loses_nothing(network: Network) -> None:
    """R3: what cannot be saved is told before training, and stays in memory."""
    runs, cluster = Store("full://runs"), FakeCluster()
    queue = RunQueue(runs, cluster=cluster)
    run_id = queue.submit(RunSpec(network=NETWORK, training=TrainingSpec()), "an owner")
    cluster.tell(run_id, "batch", **EVENTS[0].values)
    assert queue.status(run_id).unsaved == "No space left on device"
    reached = Outcome(network, [{"epoch": 1}], {"epochs": 1})
    cluster.task(run_id).send(reached)
    assert queue.status(run_id).active
    cluster.task(run_id).end(reached)
    ended = queue.wait(run_id, lambda status: not status.active, PATIENCE_S)
    assert (ended.state, ended.result, ended.unsaved) == (
        "done",
        {"epochs": 1},
        "No space left on device",
    )
    assert [event.kind for event in queue.events(run_id)].count("batch") == 1
    again = Network.from_bytes(queue.weights(run_id))
    np.testing.assert_array_equal(again.weights["dense/kernel"], network.weights["dense/kernel"])
    queue.close()


# A run in a process that may write only small files: what a full disk does to it.
FULL = """
import json, resource, sys
from safetensors.numpy import load
from cnn_lab.network import Network
from cnn_lab.network.spec import TrainingSpec
from cnn_lab.runs.job import Outcome, RunSpec
from cnn_lab.runs.queue import RunQueue
from cnn_lab.runs.store import Store
from tests.fake_cluster import PATIENCE_S, FakeCluster
from tests.unit.runs.test_store import EVENTS, snapshot

folder, weights, limit = sys.argv[1:]
network, cluster = Network.load(weights), FakeCluster()
queue = RunQueue(Store(folder), cluster=cluster)
first = Outcome(network, [{"epoch": 1}], {"epochs": 1})
if limit == "before":
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
run_id = queue.submit(RunSpec(network=network.spec, training=TrainingSpec(epochs=2)), "ann")
for event in EVENTS:
    cluster.tell(run_id, event.kind, **event.values)
told = queue.status(run_id).unsaved
task = cluster.task(run_id)
task.send(snapshot(128))
task.send(first)
if limit == "after":
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
network.card["result"] = json.dumps({"epochs": 2})
task.end(Outcome(network, [{"epoch": 1}, {"epoch": 2}], {"epochs": 2}))
ended = queue.wait(run_id, lambda status: not status.active, PATIENCE_S)
found = load(queue.weights(run_id))
same = all((found[name] == values).all() for name, values in network.weights.items())
again = queue.network(run_id).weights
same = same and all((again[name] == values).all() for name, values in network.weights.items())
kinds = [event.kind for event in queue.events(run_id)]
print(json.dumps([run_id, told, ended.state, ended.unsaved, ended.result, same, kinds]))
"""


@pytest.mark.parametrize("limit", ["before", "after"])
def test_a_disk_that_is_full_or_becomes_full_loses_nothing(
    network: Network, tmp_path: Path, limit: str
) -> None:
    """R3, H4: finished epochs stay on disk, the end stays in memory, and the run says so."""
    network.save(tmp_path / "weights.safetensors")
    runs = tmp_path / "runs"
    done = subprocess.run(
        [sys.executable, "-c", FULL, runs, tmp_path / "weights.safetensors", limit],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=ROOT,
    )
    run_id, told, state, unsaved, result, same, kinds = json.loads(done.stdout)
    assert told == (os.strerror(errno.EFBIG) if limit == "before" else "")
    assert (state, unsaved, result, same) == ("done", os.strerror(errno.EFBIG), {"epochs": 2}, True)
    assert kinds == ["batch", "epoch", "snapshot"]
    kept = Store(runs)
    if limit == "after":
        assert kept.status(run_id).result == {"epochs": 1, "engine": "numpy"}
        assert (
            kept.events(run_id)
            == [
                replace(event, at_s=kept_event.at_s)
                for event, kept_event in zip(EVENTS, kept.events(run_id)[:2], strict=True)
            ]
            + kept.events(run_id)[2:]
        )
        assert kept.snapshots(run_id) == [snapshot(128)]
        assert Network.load(kept.weights(run_id)).spec == NETWORK
    assert kept.status(run_id).state == "failed"  # as far as the next server can know


def test_too_little_room_is_told_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R3: the free space is compared with what such a run needs."""
    free = shutil.disk_usage(tmp_path)._replace(free=10_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: free)
    spec = RunSpec(network=NETWORK, training=TrainingSpec())
    with pytest.raises(OSError, match="10 MB are free, and a run like this needs up to 31"):
        Store(tmp_path).begin(new_run_id(), spec)
    monkeypatch.undo()
    Store(tmp_path).begin(run_id := new_run_id(), spec)
    assert store.PROBE not in {path.name for path in (tmp_path / run_id).iterdir()}


def test_a_file_where_the_folder_should_be_is_told_before_training(
    tmp_path: Path, network: Network
) -> None:
    """R3: no run trains for an hour to learn that its folder cannot be written."""
    (tmp_path / "runs").write_text("not a folder")
    cluster = FakeCluster()
    queue = RunQueue(Store(tmp_path / "runs"), cluster=cluster)
    run_id = queue.submit(RunSpec(network=NETWORK, training=TrainingSpec()), "an owner")
    cluster.tell(run_id, "batch", **EVENTS[0].values)
    assert queue.status(run_id).unsaved
    cluster.task(run_id).end(Outcome(network, [{"epoch": 1}], {"epochs": 1}))
    assert queue.wait(run_id, lambda status: not status.active, PATIENCE_S).state == "done"
    assert Network.from_bytes(queue.weights(run_id)).spec == NETWORK
    assert (tmp_path / "runs").read_text() == "not a folder"
    queue.close()


def test_the_memory_of_unsaved_runs_is_limited(network: Network, tmp_path: Path) -> None:
    """R3: the weights of a few unsaved runs are kept, not those of all."""
    (tmp_path / "runs").write_text("not a folder")
    cluster = FakeCluster()
    queue = RunQueue(Store(tmp_path / "runs"), cluster=cluster)
    run_ids = []
    for _ in range(MAX_UNSAVED + 2):
        run_ids.append(queue.submit(RunSpec(network=NETWORK, training=TrainingSpec()), "ann"))
        cluster.tell(run_ids[-1], "batch", **EVENTS[0].values)
        cluster.task(run_ids[-1]).end(Outcome(network, [{"epoch": 1}], {"epochs": 1}))
        queue.wait(run_ids[-1], lambda status: not status.active, PATIENCE_S)
    assert queue.weights(run_ids[-1])
    with pytest.raises(UnknownRunError):
        queue.weights(run_ids[0])
    queue.close()


def test_a_failure_in_the_first_epoch_keeps_what_was_reported(tmp_path: Path) -> None:
    """R3: the events and snapshots of a run that diverges at once outlive the server."""
    cluster = FakeCluster()
    queue = RunQueue(Store(tmp_path), cluster=cluster)
    run_id = queue.submit(RunSpec(network=NETWORK, training=TrainingSpec()), "an owner")
    cluster.tell(run_id, "batch", **EVENTS[0].values)
    cluster.task(run_id).send(snapshot(128))
    cluster.tell(run_id, "diverged")
    cluster.task(run_id).end(TrainingFailedError("The loss is not a finite number."))
    assert queue.wait(run_id, lambda status: not status.active, PATIENCE_S).state == "failed"
    queue.close()
    again = Store(tmp_path)
    assert again.status(run_id).sentence == "The loss is not a finite number."
    assert again.status(run_id).result == {}
    assert [event.kind for event in again.events(run_id)] == ["batch", "snapshot", "diverged"]
    assert again.snapshots(run_id) == [snapshot(128)]
    assert again.damage(run_id) == []


def test_a_run_says_with_whose_weights_it_began(
    keep: Keep, tmp_path: Path, network: Network
) -> None:
    """U17: the start of a run is kept beside its settings, which stay a recipe."""
    start = Start.of("run-abc", network)
    status = keep()
    assert Store(tmp_path).status(status.run_id).spec.start is None
    began = replace(status, spec=status.spec.model_copy(update={"start": start}))
    Store(tmp_path).keep(began, network, [], EVENTS)
    assert Store(tmp_path).status(status.run_id).spec == began.spec
    assert Recipe.from_json((tmp_path / status.run_id / store.SPEC).read_bytes())
    (tmp_path / status.run_id / store.START).write_text("{")
    assert Store(tmp_path).status(status.run_id).spec.start is None
    (sentence,) = Store(tmp_path).damage(status.run_id)
    assert sentence.startswith(store.START)


def test_weights_of_other_layers_are_refused(tmp_path: Path, network: Network) -> None:
    """U17: what does not fit is a sentence before anything is trained."""
    cluster = FakeCluster()
    queue = RunQueue(Store(tmp_path), cluster=cluster)
    other = RunSpec(network=zoo.preset("fast").network, training=TrainingSpec())
    with pytest.raises(RunRefusedError, match="other layers"):
        queue.submit(other, "ann", ("run-abc", network))
    same = RunSpec(network=NETWORK, training=TrainingSpec())
    run_id = queue.submit(same, "ann", ("run-abc", network))
    assert cluster.task(run_id).initial is network.weights
    assert queue.status(run_id).spec.start == Start.of("run-abc", network)
    queue.close()


BEGIN = """
import sys
from cnn_lab.network.spec import TrainingSpec
from cnn_lab.runs.job import RunSpec
from cnn_lab.runs.store import Store
from tests.unit.runs.test_store import NETWORK

folder, run_id = sys.argv[1:]
Store(folder).begin(run_id, RunSpec(network=NETWORK, training=TrainingSpec()))
print("begun", flush=True)
sys.stdin.read()
"""


def test_a_run_going_on_in_another_server_is_not_removed(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R5: pruning spares the folder of a run that another process is training."""
    monkeypatch.setattr(store, "MAX_RUNS", 1)
    theirs = new_run_id()
    with (
        subprocess.Popen(
            [sys.executable, "-c", BEGIN, tmp_path, theirs],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        ) as other,
        bounded(other),
    ):
        assert other.stdout is not None
        assert other.stdout.readline() == "begun\n"
        for _ in range(3):
            newest = keep().run_id
        assert {path.name for path in tmp_path.iterdir()} == {theirs, newest}
        with pytest.raises(UnknownRunError, match="Another server has begun this run"):
            Store(tmp_path).status(theirs)
        other.kill()
    assert Store(tmp_path).status(theirs).sentence == store.WITH_THE_SERVER


def test_a_run_on_another_machine_is_going_on_while_its_word_changes(
    keep: Keep, tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R5, H12: no clock of another machine is trusted, only that something changes."""
    monkeypatch.setattr(store, "MAX_RUNS", 1)
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    theirs, their_store = new_run_id(), Store(tmp_path)
    their_store.begin(theirs, RunSpec(network=NETWORK, training=TrainingSpec()))
    their_store.keep_epoch(theirs, network, EVENTS)
    monkeypatch.setattr("socket.gethostname", lambda: "here")
    os.utime(tmp_path / theirs / store.ALIVE, (1, 1))

    now = 0.0
    ours = Store(tmp_path, clock=lambda: now)
    status = keep()
    for _ in range(3):
        with pytest.raises(UnknownRunError, match="Another server has begun this run"):
            ours.status(theirs)
        ours.keep(status, network, [], EVENTS)
        now += store.LOST_AFTER_S - 1
        their_store.show_life(theirs)
    assert {path.name for path in tmp_path.iterdir()} == {theirs, status.run_id}

    with pytest.raises(UnknownRunError):
        ours.status(theirs)
    now += store.LOST_AFTER_S
    assert ours.status(theirs).result == {"epochs": 1, "engine": "numpy"}
    newest = keep().run_id
    ours.keep(replace(status, run_id=newest), network, [], EVENTS)
    assert {path.name for path in tmp_path.iterdir()} == {newest}


def test_a_run_dated_in_the_future_grows_old_too(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R5, H12: the order of runs is the store's own, whatever the times of their files."""
    monkeypatch.setattr(store, "KEPT_RUNS", 2)
    kept = [keep().run_id]
    for path in (tmp_path / kept[0]).iterdir():
        os.utime(path, (2**32, 2**32))
    kept += [keep().run_id for _ in range(2)]
    assert {path.name for path in tmp_path.iterdir()} == set(kept[1:])


def test_folders_of_an_earlier_version_go_first(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R5: folders without a number are older than all others."""
    monkeypatch.setattr(store, "MAX_RUNS", 3)
    old = [keep().run_id for _ in range(3)]
    now = int(time.time())
    for seconds, run_id in zip((2**32, now - 20, now - 10), old, strict=True):
        (tmp_path / run_id / store.ORDER).unlink()
        os.utime(tmp_path / run_id / store.ENDED, (seconds, seconds))
    new = [keep().run_id]
    assert {path.name for path in tmp_path.iterdir()} == {old[0], old[2], *new}
    new += [keep().run_id for _ in range(2)]
    assert {path.name for path in tmp_path.iterdir()} == set(new)


def test_runs_are_kept_by_owner_and_age(keep: Keep, tmp_path: Path, network: Network) -> None:
    """A visitor's runs do not push out those of others, and old runs go whosever they are."""
    status = keep()
    runs = Store(tmp_path, kept=store.Kept(each=2, in_all=5, days=30))

    def run_of(owner: str) -> str:
        one = replace(status, run_id=new_run_id(), owners=(owner,))
        runs.keep(one, network, [], EVENTS)
        return one.run_id

    bob = run_of("bob")
    ann = [run_of("ann") for _ in range(3)]
    assert {path.name for path in tmp_path.iterdir()} == {status.run_id, bob, *ann[1:]}
    aged = time.time() - 31 * 24 * 3600
    os.utime(tmp_path / bob / store.ENDED, (aged, aged))
    cid = run_of("cid")
    assert {path.name for path in tmp_path.iterdir()} == {status.run_id, *ann[1:], cid}
    others = [run_of(f"reader {number}") for number in range(4)]
    assert {path.name for path in tmp_path.iterdir()} == {cid, *others}


def test_a_file_that_cannot_be_replaced_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    Folder(tmp_path).put("a.json", b"old")
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        Folder(tmp_path).put("a.json", b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.json", b"old")]


def test_an_address_of_no_known_kind() -> None:
    with pytest.raises(OSError, match="nonsense://runs cannot be reached"):
        Store("nonsense://runs").weights(new_run_id())


def test_a_run_of_an_earlier_version_still_loads(keep: Keep, tmp_path: Path) -> None:
    run_id = keep().run_id
    path = tmp_path / run_id / store.SPEC
    specs = json.loads(path.read_text())
    for new in ("data_set", "data_fraction", "augmentation"):
        del specs["training"][new]
    path.write_text(json.dumps(specs))
    assert Store(tmp_path).status(run_id).spec.engine == "keras"
    assert not (tmp_path / run_id / store.BEGUN).exists()
