"""What the Training page shows of runs that are over."""

import base64
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from cnn_lab.app.training.fields import setting_key
from cnn_lab.concepts.checks import CheckFailedError
from cnn_lab.data.mnist import load_mnist
from cnn_lab.runs.checks import KerasFile
from cnn_lab.runs.comparison import uncertainty
from cnn_lab.runs.doctor.diagnosis import diagnose
from cnn_lab.runs.job import new_run_id
from cnn_lab.runs.queue import RunQueue
from tests.app.elements import said, tables
from tests.app.kept_runs import MOMENTS, N_TESTED, add_snapshots, judged, keep
from tests.fake_cluster import FakeCluster
from tests.prose import wording

Open = Callable[..., AppTest]
PATIENCE_S = 60


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    return judged()


@pytest.fixture(scope="module")
def done(runs: Path, result: dict[str, Any]) -> str:
    run_id = keep(runs, result)
    add_snapshots(runs, run_id)
    return run_id


@pytest.fixture(autouse=True)
def _kept_here(monkeypatch: pytest.MonkeyPatch, runs: Path) -> None:
    monkeypatch.setenv("CNN_LAB_RUNS", str(runs))


def tiles(page: AppTest) -> list[str]:
    """The markup of each mistake shown."""
    bodies = [html.proto.body for html in page.get("html")]
    (body,) = (body for body in bodies if 'class="mistakes"' in body)
    return re.findall(r'<div role="listitem">(.*?)</div>', body)


def machine(page: AppTest) -> dict[str, Any] | None:
    found = [
        json.loads(each.proto.json)
        for each in page.get("bidi_component")
        if each.proto.component_name == "cnn_lab_time_machine"
    ]
    return found[0] if found else None


def test_a_tested_run_says_what_chance_does(
    open_page: Open, done: str, result: dict[str, Any]
) -> None:
    page = open_page("training", {"run": done})
    assert not page.exception
    chance = f"{100 * uncertainty(result['test_accuracy'], N_TESTED):.2f}"
    tested = wording("afterwards", "tested", n=f"{N_TESTED:,}", uncertainty=chance)
    assert tested.search(said(page))
    (chart,) = page.get("plotly_chart")
    figure = json.loads(chart.proto.spec)
    text = [[int(count or 0) for count in row] for row in figure["data"][0]["text"]]
    assert text == result["confusion"]


def test_mistakes_are_the_very_images_worst_first(
    open_page: Open, done: str, result: dict[str, Any]
) -> None:
    shown = tiles(open_page("training", {"run": done}))
    assert len(shown) == min(15, result["errors"])
    for tile, mistake in zip(shown, result["mistakes"], strict=False):
        assert f"<b>{mistake['label']}</b>, read as <b>{mistake['predicted']}</b>" in tile
        png = base64.b64decode(tile.split("base64,")[1].split('"')[0])
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
        assert (pixels == load_mnist().test.pixels[mistake["index"]]).all()
        assert f'alt="Test image {mistake["index"]}: {mistake["label"]}"' in tile


def test_one_confusion_at_a_time_also_from_the_address(
    open_page: Open, done: str, result: dict[str, Any]
) -> None:
    mistake = result["mistakes"][0]
    chosen = f"{mistake['label']} read as {mistake['predicted']}"
    page = open_page("training", {"run": done, "training_confused": chosen})
    assert not page.exception
    assert page.selectbox(key="training_confused").value == chosen
    label, predicted = mistake["label"], mistake["predicted"]
    assert len(tiles(page)) == result["confusion"][label][predicted]
    assert all(f"<b>{label}</b>, read as <b>{predicted}</b>" in tile for tile in tiles(page))


def test_nonsense_in_the_address_shows_everything(open_page: Open, done: str) -> None:
    query = {
        "run": done,
        "training_confused": "<b>7</b>",
        "training_machine_digit": "11",
        "training_compare": "../../etc",
        "training_compare_along": "miles",
    }
    results, replay, comparison = (
        open_page("training", {**query, "training_result": tab})
        for tab in ("Results", "Replay", "Compare")
    )
    assert not any(page.exception for page in (results, replay, comparison))
    assert results.selectbox(key="training_confused").value == "all"
    assert machine(replay) is not None
    assert "A run is kept until" in said(comparison)


def test_a_stopped_run_is_not_measured_and_can_be_taken_along(open_page: Open, runs: Path) -> None:
    run_id = keep(runs, {}, state="stopped", sentence="Stopped as requested.", val_losses=(0.3,))
    page = open_page("training", {"run": run_id})
    assert not page.exception
    assert wording("afterwards", "untested").search(said(page))
    assert not page.get("plotly_chart")
    page = open_page("training", {"run": run_id, "training_result": "Replay"})
    assert wording("afterwards", "machine_none").search(said(page))
    assert machine(page) is None
    page = open_page("training", {"run": run_id, "training_result": "Download"})
    labels = [button.proto.label for button in page.get("download_button")]
    assert labels == ["Weights (.safetensors)", "History (CSV)", "Settings (JSON)"]


def test_the_time_machine_holds_every_moment_in_words_and_numbers(
    open_page: Open, done: str
) -> None:
    data = machine(open_page("training", {"run": done, "training_result": "Replay"}))
    assert data is not None
    assert data["words"][0].startswith("Before the first batch. ")
    assert data["words"][-1].startswith("Epoch 3 of 3, after batch 422: 162,000 images. ")
    n = len(MOMENTS)
    assert len(data["words"]) == len(data["points"]) == len(data["confusion"]) == n
    assert data["points"][-1] == [1.0, max(up for _, up in data["points"])]
    right = [sum(counts[i * 11] for i in range(10)) for counts in data["confusion"]]
    for words, n_right, counts in zip(data["words"], right, data["confusion"], strict=True):
        assert f"{n_right} of {sum(counts)} classified correctly." in words
        assert max(counts) < len(data["shades"])
    assert [sheet["title"] for sheet in data["sheets"]] == [
        "Filters of the first layer",
        "Feature maps of “0”",
    ]


def test_another_digit_has_other_maps_and_the_same_filters(open_page: Open, done: str) -> None:
    page = open_page("training", {"run": done, "training_result": "Replay"})
    before = machine(page)
    page.segmented_control(key="training_machine_digit").set_value("4").run()
    after = machine(page)
    assert before is not None
    assert after is not None
    assert after["sheets"][1]["title"] == "Feature maps of “4”"
    assert before["sheets"][0] == after["sheets"][0]
    assert before["sheets"][1]["picture"] != after["sheets"][1]["picture"]


def test_two_runs_side_by_side_with_what_differs(
    open_page: Open, done: str, runs: Path, result: dict[str, Any]
) -> None:
    other = keep(runs, result, learning_rate=0.002, batch_size=64)
    page = open_page("training", {"run": done, "training_compare": other})
    assert not page.exception
    settings, results = (table for table in tables(page) if "this run" in table)
    assert settings["setting"] == ["learning rate", "batch size"]
    assert settings["this run"] == ["0.01", "128"]
    name = next(name for name in settings if name not in ("setting", "this run"))
    assert name.startswith("fast, Keras, 3 × 64, rate 0.002")
    assert settings[name] == ["0.002", "64"]
    assert results[name][0] == f"{result['test_accuracy']:.2%}"
    assert wording("afterwards", "gap", gap="0.00").search(said(page))
    assert "does not show which one is better" in said(page)


def test_another_runs_address_may_be_pasted(open_page: Open, done: str, runs: Path) -> None:
    other = keep(runs, {}, state="stopped", seed=5)
    address = f"http://lab.example/training?training_seed=1&run={other}&x=y"
    page = open_page("training", {"run": done, "training_compare": address})
    assert not page.exception
    (settings, _) = (table for table in tables(page) if "this run" in table)
    assert settings["setting"] == ["seed"]


def test_a_recorded_run_can_be_laid_beside(open_page: Open, done: str) -> None:
    page = open_page("training", {"run": done, "training_compare": "paper"})
    assert not page.exception
    settings, results = (table for table in tables(page) if "this run" in table)
    assert settings["paper, as recorded"][settings["setting"].index("network")] == "paper"
    assert results["paper, as recorded"][0] == "99.31%"


@pytest.mark.parametrize("what", ["itself", "unknown"])
def test_what_cannot_be_compared_is_a_sentence(open_page: Open, done: str, what: str) -> None:
    other = done if what == "itself" else new_run_id()
    page = open_page("training", {"run": done, "training_compare": other})
    assert not page.exception
    assert ("this run itself" if what == "itself" else "A run is kept until") in said(page)
    assert not [table for table in tables(page) if "this run" in table]


def test_the_doctor_gives_reasons_and_sets_what_it_advises(
    open_page: Open, runs: Path, result: dict[str, Any], queue: RunQueue
) -> None:
    run_id = keep(runs, result, val_losses=(0.10, 0.20, 0.30, 0.40, 0.50), epochs=5)
    spec = queue.status(run_id).spec
    events = [{"kind": event.kind, **event.values} for event in queue.events(run_id)]
    findings = diagnose(spec.network, spec.training, events, queue.snapshots(run_id))
    advice = next(finding for finding in findings if "augmentation" in finding.changes)

    page = open_page("training", {"run": run_id})
    assert not page.exception
    boxes = {box.label: box for box in page.expander}
    for finding in findings:
        assert boxes[finding.sentence].markdown[0].value == finding.reason
    button = page.button(key=f"training_finding_{advice.rule}_apply")
    wanted = {bound: n for bound, n in dict(advice.changes["augmentation"]).items() if n}
    assert button.label == "Set " + ", ".join(f"{bound} {n:g}" for bound, n in wanted.items())
    button.click().run()
    assert not page.exception
    told = wording("training", "applied", changes=button.label.removeprefix("Set "))
    assert told.search(page.toast[0].value)
    asked = {bound: page.session_state[setting_key("fast", bound)] for bound in wanted}
    assert asked == wanted


def prepare(page: AppTest, queue: RunQueue, run_id: str) -> None:
    page.button(key="training_keras").click().run()
    queue.keras_files.wait(page.session_state["training_keras_asked"][run_id], PATIENCE_S)
    page.run()
    assert not page.exception


def test_a_keras_file_takes_its_buttons_place(
    open_page: Open, done: str, cluster: FakeCluster, queue: RunQueue
) -> None:
    cluster.keras_file = lambda _request: KerasFile(b"0" * 2_000_000, "3.15.1")
    page = open_page("training", {"run": done, "training_result": "Download"})
    prepare(page, queue, done)
    assert "Written by Keras 3.15.1: 2 MB." in said(page)
    labels = [button.proto.label for button in page.get("download_button")]
    assert "Keras model (.keras)" in labels
    assert "training_keras" not in [button.key for button in page.button]


def test_no_keras_file_is_a_sentence_and_another_try(
    open_page: Open, done: str, cluster: FakeCluster, queue: RunQueue
) -> None:
    def refuse(_request: object) -> KerasFile:
        raise CheckFailedError("The connection to the scheduler was closed.")

    cluster.keras_file = refuse
    page = open_page("training", {"run": done, "training_result": "Download"})
    prepare(page, queue, done)
    assert "The connection to the scheduler was closed." in said(page)
    assert page.button(key="training_keras").label == "Prepare .keras"


def test_code_is_written_when_it_is_unfolded(open_page: Open, done: str) -> None:
    page = open_page("training", {"run": done, "training_result": "Download"})
    assert not page.code
    page.session_state["training_code"] = True
    page.run()
    assert "keras.Sequential(" in page.code[0].value
    assert "model.fit(" in page.code[0].value
