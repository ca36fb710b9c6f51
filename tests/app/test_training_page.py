"""The Training page with a cluster that trains nothing: no worker, and any state at will."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnn_lab.app import run_queue
from cnn_lab.app.training import curves, live
from cnn_lab.app.widgets.model_choice import OwnNetwork
from cnn_lab.content import prose
from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import Network, zoo
from cnn_lab.network.initial import initial_weights
from cnn_lab.network.spec import (
    Augmentation,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPooling2D,
    NetworkSpec,
    Softmax,
    TrainingSpec,
)
from cnn_lab.network.spec.recipe import Recipe
from cnn_lab.network.spec.token import to_token
from cnn_lab.network.variants import with_dropout
from cnn_lab.runs.job import CommandRefusedError, Event, Outcome, RunSpec, Start, Status, new_run_id
from cnn_lab.runs.queue import MAX_WAITING, RunQueue
from cnn_lab.runs.snapshots import Observer, Snapshot
from cnn_lab.runs.store import Store
from tests.app.elements import address, drawn_curves, figures, said, tables
from tests.fake_cluster import PATIENCE_S, FakeCluster
from tests.prose import wording

Open = Callable[..., AppTest]

BATCH = {"epoch": 1, "batch": 3, "loss": 0.5, "accuracy": 0.84, "n_images": 384, "seconds": 1.5}
STEERING = {"training_pause", "training_resume", "training_step", "training_stop"}
EPOCH = {
    "epoch": 1,
    "loss": 0.2,
    "accuracy": 0.93,
    "val_loss": 0.1,
    "val_accuracy": 0.971,
    "n_images": 54_000,
    "seconds": 60.0,
}


def spec(**changes: object) -> RunSpec:
    preset = zoo.preset("fast")
    settings = TrainingSpec.model_validate(preset.training.model_dump() | changes)
    return RunSpec(network=preset.network, training=settings)


def unfolded(open_page: Open, query: Mapping[str, str] | None = None, **state: object) -> AppTest:
    """Open the page with its settings unfolded."""
    return open_page("training", query, {"training_fold": True, **state})


def asked_for(page: AppTest) -> RunSpec:
    """Start training, and return what was asked for."""
    page.button(key="training_start").click().run()
    assert not page.exception
    return run_queue.run_queue().status(run_in_address(page)).spec


def run_in_address(page: AppTest) -> str:
    value = page.query_params["run"]
    return value if isinstance(value, str) else value[0]


def keep(runs: Path, **ended: object) -> Status:
    """Put a run into the folder of finished runs."""
    status = Status(
        **{  # type: ignore[arg-type]
            "run_id": new_run_id(),
            "owners": (),
            "spec": spec(),
            "state": "done",
            "result": {
                "epochs": 3,
                "seconds": 62.4,
                "images_per_second": 2596.2,
                "test_accuracy": 0.9912,
                "errors": 88,
                "n": 10_000,
            },
            **ended,
        }
    )
    events = [Event("started", 0.1), Event("batch", 2.0, BATCH), Event("epoch", 70.0, EPOCH)]
    wanted = status.spec.network
    network = Network(wanted, initial_weights(wanted, 0))
    Store(runs).keep(status, network, [EPOCH], events)
    return status


def test_the_first_visit_shows_the_recorded_run(open_page: Open) -> None:
    page = open_page("training")
    assert not page.exception
    assert [title.value for title in page.title] == ["Training"]
    assert "How does a network learn?" in said(page)
    assert wording("training", "recorded", epochs=2).search(said(page))
    assert wording("training", "shipped", name="fast").search(said(page))
    loss, accuracy, rate = drawn_curves(page)["panels"]
    assert (loss["title"], accuracy["title"], rate["title"]) == (
        "Loss",
        "Accuracy",
        "Learning rate",
    )
    for panel in (loss, accuracy):
        assert {line["of"] for line in panel["lines"]} >= {"raw", "smooth", "validation", "chance"}
        assert len(panel["readings"]) > 100
    assert page.button(key="training_start").label == "Start training"


def test_at_first_only_the_network_and_start_are_open(open_page: Open) -> None:
    """The settings count as the address has them, and the page says which are not the preset's."""
    page = open_page("training")
    assert not [*page.number_input, *page.selectbox]
    page = open_page("training", {"training_fast_epochs": "7", "training_fast_optimizer": "SGD"})
    in_the_fold = {field.key for field in (*page.number_input, *page.selectbox)}
    assert in_the_fold == {"training_fast_epochs", "training_fast_optimizer"}
    shown = wording("training", "changed", changed="optimizer sgd and epochs 7")
    assert shown.search(said(page))
    wanted = spec(epochs=7, optimizer="sgd")
    assert asked_for(page) == wanted
    assert address(page, "training_fast_epochs") == "7"
    unfold = unfolded(open_page, {"training_fast_epochs": "7", "training_fast_optimizer": "SGD"})
    assert unfold.number_input(key="training_fast_epochs").value == 7
    assert asked_for(unfold) == wanted


@pytest.mark.parametrize("name", ["champion", "lenet"])
def test_filters_are_shown_before_and_after_training(open_page: Open, name: str) -> None:
    """A network that is shipped has learned its filters; another begins with random ones."""
    page = open_page("training", {"training_preset": name})
    learned = name == "champion"
    section = "filters learned" if learned else "filters new"
    assert wording("training", section).search(said(page))
    assert bool(wording("training", "trained").search(said(page))) == learned


@pytest.mark.parametrize("name", list(zoo.PRESETS))
def test_a_preset_brings_its_settings_and_its_layers(open_page: Open, name: str) -> None:
    page = unfolded(open_page, {"training_preset": name, "training_tab": "Layers"})
    assert not page.exception
    preset = zoo.preset(name)
    assert page.number_input(key=f"training_{name}_epochs").value == preset.training.epochs
    assert page.number_input(key=f"training_{name}_batch_size").value == preset.training.batch_size
    rate = page.number_input(key=f"training_{name}_learning_rate").value
    assert rate == preset.training.learning_rate
    (layers,) = tables(page)
    assert layers["Layer"] == [*(layer.name for layer in preset.network.layers), "Total"]
    assert layers["Parameters"][-1] == f"{preset.network.n_parameters:,}"


def test_a_link_sets_every_control(open_page: Open) -> None:
    page = open_page(
        "training",
        {
            "training_preset": "paper",
            "training_paper_epochs": "2",
            "training_paper_batch_size": "64",
            "training_paper_learning_rate": "0.05",
            "training_paper_seed": "7",
        },
    )
    page.button(key="training_start").click().run()
    run_id = run_in_address(page)
    asked = run_queue.run_queue().status(run_id).spec
    assert asked.network == zoo.preset("paper").network
    assert asked.training.model_dump() == zoo.preset("paper").training.model_dump() | {
        "epochs": 2,
        "batch_size": 64,
        "learning_rate": 0.05,
        "seed": 7,
    }


@pytest.mark.parametrize(
    "query",
    [
        {"training_preset": "gigantic"},
        {"training_fast_epochs": "0", "training_fast_batch_size": "-5"},
        {"training_fast_epochs": "9" * 30},
        {"training_fast_learning_rate": "fast", "training_fast_seed": "nan"},
        {"training_fast_epochs": "<script>"},
    ],
)
def test_nonsense_in_the_address_leaves_a_page_that_can_start(
    open_page: Open, query: dict[str, str]
) -> None:
    page = open_page("training", query)
    assert not page.exception
    assert not page.button(key="training_start").disabled


@pytest.mark.parametrize("rate", ["0", "-1", "11"])
def test_a_rate_that_cannot_be_is_a_sentence(open_page: Open, rate: str) -> None:
    page = open_page("training", {"training_fast_learning_rate": rate})
    assert not page.exception
    assert f"Here: {rate}." in said(page)
    assert page.button(key="training_start").disabled


@pytest.mark.parametrize("run", ["0123456789abcdef", "../../../etc/passwd", "", "<b>", "a" * 500])
def test_a_run_that_nobody_knows_is_a_sentence(open_page: Open, run: str) -> None:
    page = open_page("training", {"run": run})
    assert not page.exception
    assert "A run is kept until" in said(page)
    assert wording("training", "recorded").search(said(page))


def test_start_asks_for_a_run_and_stop_ends_it(open_page: Open, queue: RunQueue) -> None:
    page = open_page("training")
    page.button(key="training_start").click().run()
    assert not page.exception
    assert "Starting TensorFlow" in said(page)
    run_id = run_in_address(page)
    assert queue.status(run_id).active

    page.button(key="training_stop").click().run()
    assert queue.wait(run_id, lambda status: not status.active, PATIENCE_S).state == "stopped"
    page.run()
    assert "Stopped as requested." in said(page)
    assert page.button(key="training_start").label == "Start training"


def test_one_more_in_line_is_told_its_place(open_page: Open, queue: RunQueue) -> None:
    queue.submit(spec(seed=41), "another owner")
    page = open_page("training")
    page.button(key="training_start").click().run()
    assert "Waiting: one run is ahead of this one. It will start automatically." in said(page)


def test_too_many_in_line_are_refused_with_a_sentence(open_page: Open, queue: RunQueue) -> None:
    first = queue.submit(spec(seed=99), "the first")
    queue.wait(first, lambda status: status.state != "waiting", PATIENCE_S)
    for i in range(MAX_WAITING):
        queue.submit(spec(seed=100 + i), f"reader {i}")
    page = open_page("training")
    page.button(key="training_start").click().run()
    assert not page.exception
    assert "the most this server accepts" in said(page)
    assert "run" not in page.query_params


def test_somebody_elses_run_can_be_watched_and_not_stopped(
    open_page: Open, queue: RunQueue
) -> None:
    run_id = queue.submit(spec(seed=41), "another owner")
    page = open_page("training", {"run": run_id})
    assert "seed 41" in said(page)
    assert {button.key for button in page.button}.isdisjoint(STEERING)


def test_readers_who_ask_for_the_same_share_a_run(open_page: Open, queue: RunQueue) -> None:
    mine = open_page("training")
    mine.button(key="training_start").click().run()
    run_id = run_in_address(mine)
    assert not {button.key for button in mine.button}.isdisjoint(STEERING)
    assert queue.submit(queue.status(run_id).spec, "another owner") == run_id
    mine.run()
    assert {button.key for button in mine.button}.isdisjoint(STEERING)
    assert wording("training", "shared", others="1 other browser").search(said(mine))
    mine.button(key="training_leave").click().run()
    assert queue.status(run_id).active
    assert queue.status(run_id).owners == ("another owner",)
    assert "training_start" in {button.key for button in mine.button}


def test_a_finished_run_outlives_the_server(open_page: Open, tmp_path: Path) -> None:
    status = keep(tmp_path)
    page = open_page("training", {"run": status.run_id})
    assert not page.exception
    assert "It classifies **99.12%** of the 10,000 test images correctly: 88 errors." in said(page)
    assert figures(page)["Training time"] == "1 min 2 s"
    (link,) = (x.proto for x in page.get("page_link") if "Draw" in x.proto.label)
    assert f"draw_model=run-{status.run_id}" in link.query_string
    page = open_page("training", {"run": status.run_id, "training_result": "Download"})
    files = {button.label for button in page.get("download_button")}
    assert files >= {"Weights (.safetensors)", "History (CSV)", "Settings (JSON)"}


def other_settings() -> RunSpec:
    """Return a run that differs from the preset in every control."""
    bounds = {name: 0.25 for name in Augmentation.model_fields} | {"shift": 3}
    return RunSpec(
        network=zoo.preset("paper").network,
        training=TrainingSpec(
            optimizer="muon",
            momentum=0.5,
            weight_decay=0.01,
            learning_rate=0.02,
            schedule="step",
            label_smoothing=0.2,
            weight_averaging=0.9,
            data_fraction=0.5,
            augmentation=Augmentation.model_validate(bounds),
            pens=0.2,
            unchanged=0.1,
            fade=0.3,
            batch_size=77,
            epochs=6,
            seed=41,
        ),
        engine="numpy",
    )


def test_pen_digits_are_previewed_for_mnist_alone(open_page: Open) -> None:
    opened = {"training_fold": True}

    def n_previews(**query: str) -> int:
        page = open_page("training", {"training_preset": "paper", **query}, opened)
        assert not page.exception
        return said(page).count(prose("training", "pens"))

    assert n_previews() == 0
    assert n_previews(training_paper_pens="0.1") == 1
    assert n_previews(training_paper_pens="0.1", training_paper_data_set="Fashion-MNIST") == 0


def test_the_controls_show_the_settings_of_the_run_in_the_address(
    open_page: Open, tmp_path: Path
) -> None:
    """U13: every field, whatever the preset's own values are."""
    for wanted in (other_settings(), spec(epochs=5, seed=9)):
        status = keep(tmp_path, spec=wanted, result={"epochs": 1, "engine": wanted.engine})
        page = open_page("training", {"run": status.run_id})
        assert not page.exception
        assert asked_for(page) == wanted


def test_a_network_of_ones_own_comes_with_its_run(open_page: Open, tmp_path: Path) -> None:
    """U13: the network of the run is in the controls too, not the preset's."""
    layers = zoo.preset("fast").network.layers[-3:]
    own = RunSpec(network=NetworkSpec(name="mine", layers=layers), training=TrainingSpec(epochs=4))
    status = keep(tmp_path, spec=own)
    page = open_page("training", {"run": status.run_id})
    assert page.pills(key="training_preset").value == "own"
    assert asked_for(page) == own


def test_a_control_in_the_address_of_a_run_counts(open_page: Open, tmp_path: Path) -> None:
    """U13: a reload keeps what was changed beside a run, and a change stays while it is shown."""
    status = keep(tmp_path, spec=spec(epochs=5))
    query = {"run": status.run_id, "training_preset": "fast", "training_fast_epochs": "7"}
    page = unfolded(open_page, query)
    assert page.number_input(key="training_fast_epochs").value == 7
    page = unfolded(open_page, {"run": status.run_id})
    page.number_input(key="training_fast_epochs").set_value(3).run()
    page.run()
    assert page.number_input(key="training_fast_epochs").value == 3


def test_a_run_opened_in_a_session_brings_its_settings(open_page: Open, tmp_path: Path) -> None:
    """U13: controls that were changed before show the run that is opened now."""
    first, second = (keep(tmp_path, spec=spec(epochs=n, batch_size=32 * n)) for n in (5, 6))
    page = unfolded(open_page, {"run": first.run_id})
    page.number_input(key="training_fast_seed").set_value(3).run()
    page.query_params.clear()
    page.query_params["run"] = second.run_id
    page.run()
    assert asked_for(page) == second.spec


def test_starting_a_run_leaves_the_controls_as_they_were(open_page: Open) -> None:
    """U13: switches that rewrite the network are not turned into a network of one's own."""
    page = unfolded(open_page, {"training_fast_dropout": "0.1"})
    page.button(key="training_start").click().run()
    page.run()
    assert page.pills(key="training_preset").value == "fast"
    assert page.selectbox(key="training_fast_dropout").value == "0.1"


def test_a_finished_run_is_trained_further(
    open_page: Open, tmp_path: Path, cluster: FakeCluster
) -> None:
    """U17: a run begins with the weights of the one that is shown, and says so."""
    status = keep(tmp_path, spec=spec(epochs=5))
    page = open_page("training", {"run": status.run_id})
    page.button(key="training_further").click().run()
    assert not page.exception
    run_id = run_in_address(page)
    asked = run_queue.run_queue().status(run_id).spec
    trained = Network.load(Store(tmp_path).weights(status.run_id))
    name = f"run-{status.run_id}"
    assert asked == status.spec.model_copy(update={"start": Start.of(name, trained)})
    np.testing.assert_equal(cluster.task(run_id).initial, trained.weights)
    assert f"starting from the weights of {name}" in said(page)


def test_a_loaded_network_is_trained_further(open_page: Open, cluster: FakeCluster) -> None:
    """U17: the address may name a network whose weights a run begins with."""
    page = unfolded(open_page, {"training_initial": "fast"})
    assert page.selectbox(key="training_initial").options == ["new", "fast"]
    assert asked_for(page).start == Start.of("fast", Network.load("fast"))
    fast = Network.load("fast").weights
    np.testing.assert_equal(cluster.task(run_in_address(page)).initial, fast)


def test_an_uploaded_network_is_offered_where_it_fits(open_page: Open) -> None:
    """U17: the networks of the session count too; those with other layers are not offered."""
    own = Network(zoo.preset("lenet").network, initial_weights(zoo.preset("lenet").network, 5))
    uploaded = {"models_own": OwnNetwork("upload-12345678", own)}
    page = unfolded(open_page, {"training_preset": "lenet"}, **uploaded)
    page.selectbox(key="training_initial").select("upload-12345678").run()
    assert asked_for(page).start == Start.of("upload-12345678", own)
    page = unfolded(open_page, **uploaded)
    assert "upload-12345678" not in page.selectbox(key="training_initial").options


def test_weights_of_other_layers_are_refused_with_a_way_out(open_page: Open) -> None:
    """F53: the sentence names what differs, and a click chooses the network of the weights."""
    page = open_page("training", {"training_initial": "paper"})
    assert wording("training", "initial other").search(said(page))
    assert "conv1/kernel is 2 × 2 × 1 × 16" in said(page)
    page.button(key="training_initial_network").click().run()
    assert page.pills(key="training_preset").value == "paper"
    assert asked_for(page).start == Start.of("paper", Network.load("paper"))


@pytest.mark.parametrize("initial", ["", "nonsense", "run-aaaaaaaaaaaaaaaa", "../x", "paper"])
def test_initial_weights_that_are_not_there_are_new_ones(open_page: Open, initial: str) -> None:
    page = open_page("training", {"training_initial": initial})
    assert not page.exception
    assert asked_for(page).start is None


def test_a_network_that_the_doctor_offers_is_applied_with_the_settings_of_its_run(
    open_page: Open, tmp_path: Path
) -> None:
    """N12: maps that have shrunk to nothing are cured by a click."""
    pools = [MaxPooling2D(name=f"pool{i}") for i in range(1, 5)]
    late = Conv2D(name="late", filters=4, kernel_size=(3, 3), padding="same")
    ends = (Flatten(name="flat"), Dense(name="dense", units=10), Softmax(name="softmax"))
    shrunk = NetworkSpec(name="shrunk", layers=(*pools, late, *ends))
    ill = RunSpec(network=shrunk, training=TrainingSpec(epochs=4, batch_size=50))
    page = open_page("training", {"run": keep(tmp_path, spec=ill).run_id})
    button = page.button(key="training_finding_maps_shrunk_apply")
    assert button.label == "Set a network of 7 layers"
    button.click().run()
    asked = asked_for(page)
    assert [layer.name for layer in asked.network.layers if layer.name in ("late", "pool4")] == [
        "late"
    ]
    assert asked.training == ill.training


def test_a_run_that_cannot_be_saved_is_told_at_once_and_can_be_used(
    open_page: Open, cluster: FakeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R3: a warning before training, and the weights from memory after it."""
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CNN_LAB_RUNS", str(tmp_path / "file" / "runs"))
    run_queue.run_queue.clear()
    query = {"training_fast_epochs": "1", "training_result": "Download"}
    page = open_page("training", query)
    page.button(key="training_start").click().run()
    run_id = run_in_address(page)
    cluster.tell(run_id, "batch", **BATCH)
    page.run()
    assert wording("training", "unsaved").search(said(page))

    trained = Network.load("fast")
    cluster.tell(run_id, "epoch", **EPOCH)
    cluster.task(run_id).end(Outcome(trained, [EPOCH], {"epochs": 1, "seconds": 60.0}, "Stopped."))
    run_queue.run_queue().wait(run_id, lambda status: not status.active, PATIENCE_S)
    page.run()
    assert not page.exception
    assert wording("training", "unsaved").search(said(page))
    labels = {button.proto.label for button in page.get("download_button")}
    assert "Weights (.safetensors)" in labels
    drawn = open_page("draw", {"draw_model": f"run-{run_id}"})
    assert drawn.segmented_control(key="draw_model").value == f"run-{run_id}"


def test_a_stopped_run_says_why_it_was_not_tested(open_page: Open, tmp_path: Path) -> None:
    status = keep(
        tmp_path,
        state="stopped",
        sentence="Stopped as requested.",
        result={"epochs": 1, "images": 54_000, "seconds": 60.0, "images_per_second": 900.0},
    )
    page = open_page("training", {"run": status.run_id})
    assert not page.exception
    assert "Stopped as requested. 1 of 2 epochs finished, 50% of the way." in said(page)
    assert wording("afterwards", "untested").search(said(page))
    assert figures(page)["Validation"] == "97.10%"


def test_a_finished_run_can_be_used_by_other_pages(open_page: Open, tmp_path: Path) -> None:
    status = keep(tmp_path)
    page = open_page("draw", {"draw_model": f"run-{status.run_id}"})
    assert not page.exception
    assert page.segmented_control(key="draw_model").value == f"run-{status.run_id}"


def test_without_keras_the_settings_offer_numpy_alone(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_queue.run_queue(), "engines", ("numpy",))
    page = unfolded(open_page, {"training_fast_engine": "Keras"})
    assert not page.exception
    assert page.selectbox(key="training_fast_engine").options == ["NumPy"]
    assert "pip install" in said(page)
    assert asked_for(page).engine == "numpy"


def test_without_keras_a_data_set_that_it_would_download_is_told(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNN_LAB_DATA", str(tmp_path))
    address = {"training_fast_data_set": "Fashion-MNIST"}
    assert "pip install" not in said(open_page("training", address))
    monkeypatch.setattr(run_queue.run_queue(), "engines", ("numpy",))
    assert "pip install" in said(open_page("training", address))


def test_folded_settings_come_from_a_link_too(open_page: Open) -> None:
    page = open_page(
        "training",
        {
            "training_fast_optimizer": "SGD",
            "training_fast_schedule": "in steps",
            "training_fast_engine": "NumPy",
            "training_fast_momentum": "0.8",
            "training_fast_label_smoothing": "0.1",
            "training_fast_weight_averaging": "0.99",
            "training_fast_data_fraction": "0.05",
            "training_fast_shift": "2",
            "training_fast_rotate": "10",
        },
    )
    assert not page.exception
    asked = asked_for(page)
    assert asked.engine == "numpy"
    assert asked.training.model_dump() == zoo.preset("fast").training.model_dump() | {
        "optimizer": "sgd",
        "schedule": "step",
        "momentum": 0.8,
        "label_smoothing": 0.1,
        "weight_averaging": 0.99,
        "data_fraction": 0.05,
        "augmentation": Augmentation(shift=2, rotate=10).model_dump(),
    }


def test_switches_rewrite_the_network(open_page: Open) -> None:
    page = unfolded(open_page, {"training_preset": "paper"})
    page.selectbox(key="training_paper_norm").select("everywhere").run()
    page.selectbox(key="training_paper_dropout").select("0.1").run()
    layers = asked_for(page).network.layers
    assert sum(isinstance(layer, BatchNormalization) for layer in layers) == 3
    assert [layer.rate for layer in layers if isinstance(layer, Dropout)] == [0.1, 0.1]


def test_a_preset_takes_the_images_of_the_data_set_chosen(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNN_LAB_DATA", str(tmp_path))
    page = open_page("training", {"training_fast_data_set": "CIFAR-10"})
    assert "CIFAR-10 is not on this machine yet." in said(page)
    assert "(170 MB)" in said(page)
    asked = asked_for(page)
    assert (asked.training.data_set, asked.network.input_shape) == ("cifar10", (32, 32, 3))


def test_own_network_comes_in_the_address_and_stays(open_page: Open) -> None:
    own = NetworkSpec(name="mine", layers=zoo.preset("fast").network.layers[-3:])
    query = {"training_preset": "own", "training_network": to_token(own), "training_tab": "Layers"}
    page = open_page("training", query)
    assert not page.exception
    assert tables(page)[0]["Layer"] == ["flatten", "dense1", "softmax", "Total"]
    page.pills(key="training_preset").set_value("paper").run()
    page.pills(key="training_preset").set_value("own").run()
    assert asked_for(page).network == own


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("", "build a network of your own first"),
        ("nonsense", "cannot be unpacked"),
        ("x" * 20_000, "may have at most"),
        ("<script>", "letters, digits"),
    ],
)
def test_what_is_no_network_is_a_sentence(open_page: Open, token: str, words: str) -> None:
    page = open_page("training", {"training_preset": "own", "training_network": token})
    assert not page.exception
    assert words in said(page)
    assert page.button(key="training_start").disabled


def test_a_network_that_cannot_learn_these_images_is_a_sentence(open_page: Open) -> None:
    preset = zoo.preset("fast").network
    wide = NetworkSpec(name="wide", input_shape=(32, 32, 3), layers=preset.layers)
    page = unfolded(open_page, {"training_preset": "own", "training_network": to_token(wide)})
    assert not page.button(key="training_start").disabled  # CIFAR-10 was chosen by its shape
    page.selectbox(key="training_own_data_set").select("mnist").run()
    assert not page.exception
    assert "accept exactly these" in said(page)
    assert page.button(key="training_start").disabled


def test_reset_brings_back_what_the_preset_has(open_page: Open) -> None:
    page = unfolded(
        open_page,
        {
            "training_fast_epochs": "7",
            "training_fast_learning_rate": "0.5",
            "training_fast_norm": "none",
            "training_fast_elastic": "1",
        },
    )
    page.button(key="training_reset").click().run()
    assert asked_for(page) == spec()


def test_a_settings_file_sets_every_control(open_page: Open) -> None:
    own = zoo.preset("fast").network.model_copy(update={"name": "mine"})
    recipe = Recipe(
        network=own,
        training=TrainingSpec(epochs=2, optimizer="muon", augmentation=Augmentation(scale=0.1)),
    )
    page = unfolded(open_page, training_file_menu=True)
    upload(page, recipe.to_json().encode())
    assert not page.exception
    assert not page.error
    asked = asked_for(page)
    assert (asked.network, asked.training) == (recipe.network, recipe.training)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "JSON"),
        (b"{" * 100_000, "JSON"),
        (b'{"network": {"name": "x", "layers": [{"type": "Magic", "name": "m"}]}}', "Magic"),
        (Recipe(network=zoo.preset("fast").network, training=TrainingSpec(epochs=99)), "epochs"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_sentence(
    open_page: Open, data: bytes | Recipe, words: str
) -> None:
    page = unfolded(open_page, training_file_menu=True)
    upload(page, data.to_json().encode() if isinstance(data, Recipe) else data)
    assert not page.exception
    assert words in "".join(error.value for error in page.error)
    assert not page.button(key="training_start").disabled


def upload(page: AppTest, data: bytes) -> None:
    page.file_uploader(key="training_file").upload("run.json", data, "application/json").run()


def test_a_run_is_paused_stepped_steered_and_goes_on(open_page: Open, cluster: FakeCluster) -> None:
    page = open_page("training")
    page.button(key="training_start").click().run()
    run_id = run_in_address(page)
    assert page.button(key="training_pause").disabled  # nothing has begun
    cluster.tell(run_id, "batch", **BATCH)
    page.run()
    assert "**Epoch 1 of 2**, batch 3 of 422" in said(page)
    assert page.button(key="training_step").disabled

    page.button(key="training_pause").click().run()
    assert cluster.task(run_id).commands == [("pause", None)]
    assert page.button(key="training_pause").label == "Pausing …"
    assert page.button(key="training_pause").disabled
    cluster.tell(run_id, "paused", epoch=1, batch=3)
    page.run()
    assert "**Paused** in epoch 1 of 2, after batch 3 of 422" in said(page)

    page.button(key="training_step").click().run()
    assert page.button(key="training_step").label == "One batch …"
    assert page.button(key="training_resume").disabled
    cluster.tell(run_id, "batch", **BATCH | {"batch": 4, "n_images": 512})
    cluster.tell(run_id, "paused", epoch=1, batch=4)
    page.run()
    assert page.button(key="training_step").label == "One batch"

    page.button(key="training_resume").click().run()
    assert page.button(key="training_resume").label == "Resuming …"
    cluster.tell(run_id, "batch", **BATCH | {"batch": 5, "n_images": 640})
    page.run()
    assert not page.button(key="training_pause").disabled
    assert [command for command, _ in cluster.task(run_id).commands] == ["pause", "step", "resume"]


def test_another_rate_in_mid_run_is_checked_and_marked(
    open_page: Open, cluster: FakeCluster, queue: RunQueue
) -> None:
    page = open_page("training", state={"training_settings_menu_0": True})
    page.button(key="training_start").click().run()
    run_id = run_in_address(page)
    cluster.tell(run_id, "batch", **BATCH)
    page.session_state["training_settings_menu_0"] = True
    page.run()
    page.number_input(key="training_live_learning_rate").set_value(0.0)
    page.button(key="training_change").click().run()
    assert not page.exception
    assert "Here: 0" in "".join(error.value for error in page.error)
    assert cluster.task(run_id).commands == []

    page.number_input(key="training_live_learning_rate").set_value(0.5)
    page.button(key="training_change").click().run()
    assert not page.exception
    assert cluster.task(run_id).commands == [("settings", {"learning_rate": 0.5})]
    assert not page.error
    assert not [field.key for field in page.number_input]  # the menu has closed
    noted = [event.values for event in queue.events(run_id) if event.kind == "settings"]
    assert noted == [{"learning_rate": 0.5}]


def test_other_settings_in_mid_run_are_sent_and_noted(
    open_page: Open, cluster: FakeCluster, queue: RunQueue
) -> None:
    """U17: more than the rate can change, and the page says what has changed."""
    menu = {"training_settings_menu_0": True}
    page = open_page("training", {"training_fast_dropout": "0.25"}, menu)
    page.button(key="training_start").click().run()
    run_id = run_in_address(page)
    cluster.tell(run_id, "batch", **BATCH)
    page.session_state["training_settings_menu_0"] = True
    page.run()
    page.number_input(key="training_live_dropout").set_value(0.5)
    page.number_input(key="training_live_shift").set_value(2)
    page.button(key="training_change").click().run()
    assert not page.exception
    sent = {"dropout": 0.5, "shift": 2}
    assert cluster.task(run_id).commands == [("settings", sent)]
    assert [event.values for event in queue.events(run_id) if event.kind == "settings"] == [sent]
    page.run()
    ((place, words),) = drawn_curves(page)["marks"]
    assert place == pytest.approx(384 / 108_000, abs=1e-4)
    assert words.startswith("dropout 0.5, shift 2 after 384")


@pytest.mark.parametrize(
    "settings",
    [{"weight_decay": 0.1}, {"epochs": 9}, {"dropout": 0.95}, {"rotate": 91}, {"shift": 0.5}],
)
def test_settings_that_a_run_cannot_follow_are_refused(
    queue: RunQueue, cluster: FakeCluster, settings: dict[str, float]
) -> None:
    """U17: weight decay needs an optimizer that has it, and every value its bounds."""
    network = with_dropout(zoo.preset("fast").network, 0.1)
    run_id = queue.submit(spec().model_copy(update={"network": network}), "ann")
    cluster.tell(run_id, "batch", **BATCH)
    with pytest.raises(CommandRefusedError):
        queue.control(run_id, "settings", settings)
    assert cluster.task(run_id).commands == []


@pytest.mark.parametrize("zoom", ["by epoch", "latest batches"])
def test_curves_can_be_seen_from_near(open_page: Open, tmp_path: Path, zoom: str) -> None:
    page = open_page("training", {"run": keep(tmp_path).run_id, "training_zoom": zoom})
    assert not page.exception
    assert drawn_curves(page)["axis"].startswith("batches") == (zoom == "latest batches")
    sections = {"by epoch": "curves", "latest batches": "latest"}
    shown = [one for one in sections if wording("training", sections[one]).search(said(page))]
    assert shown == [zoom]


def test_a_live_page_fetches_and_unpacks_only_what_it_shows(
    open_page: Open, queue: RunQueue, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice a second, beside training: what it does needlessly is lost to the run."""
    page = open_page("training")
    page.button(key="training_start").click().run()
    run_id = run_in_address(page)
    task = cluster.task(run_id)
    task.tell("batch", BATCH)
    network = zoo.preset("fast").network
    observer = Observer(network, load_mnist())
    moments = [
        observer.take(128 * n, min(n, 1), n, initial_weights(network, n)).to_bytes()
        for n in range(24)  # more than are kept unpacked
    ]
    for moment in moments[:-1]:
        task.send(moment)
    page.run()
    asked, unpacked, packed_png = [], [], []
    fetch, unpack, pack = queue.snapshots, Snapshot.from_bytes, curves.sharp_png
    monkeypatch.setattr(queue, "snapshots", lambda run: asked.append(run) or fetch(run))
    monkeypatch.setattr(
        Snapshot, "from_bytes", lambda content: unpacked.append(content) or unpack(content)
    )
    monkeypatch.setattr(curves, "sharp_png", lambda *of: packed_png.append(of) or pack(*of))
    page.run()
    assert asked == [run_id]
    assert not unpacked
    assert not packed_png
    monkeypatch.setattr(live, "PICTURES_EVERY_S", 0.0)
    task.send(moments[-1])
    page.run()
    assert set(unpacked) == {moments[-1]}
    assert len(packed_png) == 1
    assert not page.exception
