"""A run folder damaged in every way: its readers give what is sound, and sentences."""

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import Network, zoo
from cnn_lab.runs import store
from cnn_lab.runs.job import UnknownRunError
from cnn_lab.runs.snapshots import LARGEST, Observer, Snapshot
from cnn_lab.runs.store import Store
from tests import damage
from tests.app.kept_runs import add_snapshots, judged, keep

N_DAMAGED = 120


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that was kept as it should be."""
    runs = tmp_path_factory.mktemp("sound")
    run_id = keep(runs, judged())
    add_snapshots(runs, run_id)
    folder = runs / run_id
    Store(runs).show_life(run_id)
    shutil.copy(folder / store.ENDED, folder / store.BEGUN)
    (folder / store.BEGUN).write_text('{"host": "elsewhere", "pid": 1, "started": 1.0}')
    (folder / store.OWN).write_text('{"drawings": 10}')
    return folder


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / sound.name))


def test_an_undamaged_run_has_nothing_to_say(sound: Path) -> None:
    runs = Store(sound.parent)
    assert runs.damage(sound.name) == []
    assert len(runs.events(sound.name)) == 7
    assert len(runs.snapshots(sound.name)) == 4


def test_no_damage_to_a_file_of_a_run_is_an_exception(sound: Path, tmp_path: Path) -> None:
    """R4: hundreds of damaged folders, each file in every way."""
    for seed in range(N_DAMAGED):
        dice = random.Random(seed)
        folder = tmp_path / sound.name
        done = damage.damaged(sound, folder, dice, at_once=dice.choice((1, 1, 1, 3)))
        try:
            damage.check_readers(folder)
        except Exception as error:  # which damage was it?
            raise AssertionError(f"seed {seed}: {done}") from error


@pytest.mark.parametrize("name", [store.SPEC, store.EVENTS, store.RESULT, store.ENDED])
def test_a_file_cut_off_at_any_byte_can_be_read(copy: Path, name: str) -> None:
    """R4: a file is damaged at every byte, in steps that meet all its parts."""
    content = (copy / name).read_bytes()
    for length in range(0, len(content), max(1, len(content) // 12)):
        (copy / name).write_bytes(content[:length])
        damage.check_readers(copy)


def test_the_events_around_a_damaged_line_are_kept(copy: Path) -> None:
    """R4: one damaged line costs one event."""
    path = copy / store.EVENTS
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b"{\x00garbage\n", *lines[4:]]))
    runs = damage.check_readers(copy)
    assert len(runs.events(copy.name)) == len(lines) - 1
    (sentence,) = runs.damage(copy.name)
    assert sentence.startswith("1 of 7 lines in events.jsonl")


def test_a_changed_rate_of_an_old_run_is_a_changed_setting(copy: Path) -> None:
    """Once, the learning rate had an event of its own."""
    with (copy / store.EVENTS).open("ab") as file:
        file.write(b'{"kind": "rate", "at_s": 90, "values": {"rate": 0.02}}\n')
    last = damage.check_readers(copy).events(copy.name)[-1]
    assert (last.kind, last.values) == ("settings", {"learning_rate": 0.02})


def test_settings_that_no_run_has_are_not_shown(copy: Path) -> None:
    """R4: what a page writes as text comes from a list, not from a file."""
    with (copy / store.EVENTS).open("a") as file:
        for name in ("shift", "[x](http://evil.example)"):
            line = {"kind": "settings", "at_s": 1.0, "values": {name: 1}}
            file.write(json.dumps(line) + "\n")
    events = damage.check_readers(copy).events(copy.name)
    assert [event.values for event in events if event.kind == "settings"] == [{"shift": 1}]


@pytest.mark.parametrize("n_images", [0, 1, 108_000.5, 161_000, 10**9])
def test_a_report_out_of_its_order_is_left_out_and_no_other(copy: Path, n_images: float) -> None:
    """R4: a flipped digit in the images of one report does not cost the reports after it."""
    path = copy / store.EVENTS
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[3]["values"]["n_images"] = n_images
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    events = damage.check_readers(copy).events(copy.name)
    kinds = [event.kind for event in events]
    assert len(events) >= len(lines) - 1 - (n_images == 161_000)
    assert kinds.count("epoch") >= 2


def test_damaged_snapshots_are_left_out_and_counted(copy: Path) -> None:
    """R4: the time machine shows the snapshots that are sound."""
    folder = copy / store.SNAPSHOTS
    (folder / "0001.safetensors").write_bytes(b"")
    (folder / "0002.safetensors").write_bytes(bytes(10_000_000))
    (folder / ".0003.safetensors.77").write_bytes(b"left by a killed process")
    (folder / "0009.safetensors").mkdir()
    runs = damage.check_readers(copy)
    assert len(runs.snapshots(copy.name)) == 2
    assert [sentence[:6] for sentence in runs.damage(copy.name)] == ["2 of 4"]


def test_without_its_settings_a_run_is_read_from_its_weights(copy: Path) -> None:
    """R4: the weights file holds settings, history and result as well."""
    before = Store(copy.parent).status(copy.name)
    network = Network.load(copy / store.WEIGHTS)
    network.card["training"] = before.spec.training.model_dump_json()
    network.card["result"] = json.dumps(dict(before.result))
    network.save(copy / store.WEIGHTS)
    for name in (store.SPEC, store.RESULT):
        (copy / name).write_text("{")
    runs = damage.check_readers(copy)
    assert runs.status(copy.name) == before
    assert len(runs.damage(copy.name)) == 2
    (copy / store.WEIGHTS).unlink()
    with pytest.raises(UnknownRunError, match="settings can no longer be read"):
        runs.status(copy.name)


def test_how_it_ended_is_told_where_that_can_be_read(copy: Path) -> None:
    """R4: a damaged ended.json or result.json leaves the rest of the run."""
    (copy / store.ENDED).write_text('{"state": 3}')
    runs = Store(copy.parent)
    assert runs.status(copy.name).state == "done"  # it has been tested
    assert len(runs.damage(copy.name)) == 1
    result = json.loads((copy / store.RESULT).read_text())
    (copy / store.RESULT).write_text(json.dumps(result | {"errors": result["errors"] + 1}))
    network = Network.load(copy / store.WEIGHTS)
    network.card["result"] = "null"
    network.save(copy / store.WEIGHTS)
    status = runs.status(copy.name)
    assert (status.state, status.sentence) == ("failed", store.HOW_IT_ENDED)
    assert status.result["epochs"] == result["epochs"]
    assert {"test_accuracy", "errors", "confusion"}.isdisjoint(status.result)


def test_weights_that_are_no_numbers_are_told(copy: Path) -> None:
    """R4: a weights file that can be opened may hold nothing to use."""
    network = Network.load(copy / store.WEIGHTS)
    next(iter(network.weights.values())).flat[0] = np.nan
    network.save(copy / store.WEIGHTS)
    (sentence,) = Store(copy.parent).damage(copy.name)
    assert "not finite" in sentence


def test_exploded_weights_make_a_snapshot_that_can_be_read() -> None:
    """R4: what a run writes can always be read, even the snapshot of a run about to diverge."""
    data, spec = load_mnist(), zoo.preset("fast").network
    weights = {n: np.full(s, 3e38, np.float32) for n, s in spec.weight_shapes().items()}
    again = Snapshot.from_bytes(Observer(spec, data).take(1, 1, 1, weights).to_bytes())
    assert np.isfinite(again.maps).all()
    assert again.kernels.max() == np.float32(LARGEST)
