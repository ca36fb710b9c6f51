import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from cnn_lab.network import Network
from cnn_lab.network.spec import Dense, Flatten, NetworkSpec, Softmax, TrainingSpec
from cnn_lab.runs import store
from cnn_lab.runs.job import Event, Outcome, RunSpec, Status, UnknownRunError, new_run_id
from cnn_lab.runs.queue import RunQueue
from cnn_lab.runs.store import Address, Folder, Store
from tests.fake_cluster import PATIENCE_S, FakeCluster

NETWORK = NetworkSpec(
    name="tiny",
    layers=(Flatten(name="flatten"), Dense(name="dense", units=10), Softmax(name="softmax")),
)
EVENTS = [
    Event("batch", 0.5, {"epoch": 1, "batch": 1, "loss": 2.0, "accuracy": 0.1, "n_images": 128}),
    Event("epoch", 3.0, {"epoch": 1, "loss": 1.0, "val_loss": 0.9, "n_images": 54_000}),
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
            owner="an owner",
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
    oldest = tmp_path / kept[0] / store.ENDED
    os.utime(oldest, (1, 1))
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


@pytest.mark.parametrize("damage", ["", "[1, 2", '{"state": 3}'])
def test_a_damaged_run_is_no_run(keep: Keep, tmp_path: Path, damage: str) -> None:
    status = keep()
    (tmp_path / status.run_id / store.ENDED).write_text(damage)
    with pytest.raises(UnknownRunError):
        Store(tmp_path).status(status.run_id)


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


def test_snapshots_come_back_in_order(keep: Keep, tmp_path: Path, in_memory: str) -> None:
    for address in (tmp_path / "here", in_memory):
        run_id, runs = keep(runs=address).run_id, Store(address)
        assert runs.snapshots(run_id) == []
        for number in range(12, 0, -1):
            runs.keep_snapshot(run_id, number, b"%d" % number)
        assert runs.snapshots(run_id) == [b"%d" % n for n in range(1, 13)]


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


def test_a_full_disk_leaves_nothing_and_says_so(network: Network) -> None:
    runs, cluster = Store("full://runs"), FakeCluster()
    queue = RunQueue(runs, cluster=cluster)
    run_id = queue.submit(RunSpec(network=NETWORK, training=TrainingSpec()), "an owner")
    reached = Outcome(network, [{"epoch": 1}], {"epochs": 1})
    cluster.task(run_id).send(reached)  # is not written, and does no harm
    assert queue.status(run_id).active
    cluster.task(run_id).end(reached)
    ended = queue.wait(run_id, lambda status: not status.active, PATIENCE_S)
    assert ended.state == "failed"
    assert ended.sentence == "The run could not be saved: No space left on device."
    assert not ended.result
    assert not list(runs.folder.folders(holding=store.SPEC))
    queue.close()


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


def test_an_address_of_no_known_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNN_LAB_RUNS", "nonsense://runs")
    with pytest.raises(OSError, match="nonsense://runs cannot be reached"):
        Store(store.runs_folder()).weights(new_run_id())


def test_a_run_of_an_earlier_version_still_loads(keep: Keep, tmp_path: Path) -> None:
    run_id = keep().run_id
    path = tmp_path / run_id / store.SPEC
    specs = json.loads(path.read_text())
    for new in ("data_set", "data_fraction", "augmentation"):
        del specs["training"][new]
    path.write_text(json.dumps(specs))
    assert Store(tmp_path).status(run_id).spec.engine == "keras"
    assert not (tmp_path / run_id / store.BEGUN).exists()
