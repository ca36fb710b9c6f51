"""Each rule against a real training that goes wrong in just this way, and healthy ones."""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from cnn_lab.data.mnist import Data, Split, load_mnist
from cnn_lab.network import Network, zoo
from cnn_lab.network.initial import initial_weights
from cnn_lab.network.spec import (
    Augmentation,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    MaxPooling2D,
    NetworkSpec,
    OptimizerName,
    Softmax,
    TrainingSpec,
)
from cnn_lab.runs.doctor.diagnosis import diagnose
from cnn_lab.runs.doctor.evidence import Finding
from cnn_lab.runs.snapshots import Observer, Snapshot
from cnn_lab.training.loop import EpochReport, Report, Trainer, TrainingDivergedError, new_engine
from tests.prose import wording

Events = list[Mapping[str, Any]]


@dataclass(frozen=True)
class Little:
    """Real MNIST, but little of it."""

    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """A real run: all that happened, in order, with the snapshots that had been taken by then."""

    network: NetworkSpec
    training: TrainingSpec
    events: Events
    snapshots: list[Snapshot]
    n_snapshots: list[int]

    def findings(self, until: int | None = None) -> list[Finding]:
        n = self.n_snapshots[until - 1] if until else len(self.snapshots)
        return diagnose(self.network, self.training, self.events[:until], self.snapshots[:n])


def little(n: int) -> Little:
    whole = load_mnist()
    train, validation = whole.train, whole.validation
    held_back = Split(validation.pixels[:200], validation.labels[:200])
    return Little(
        Split(train.pixels[:n], train.labels[:n]), held_back, held_back, whole.class_names
    )


def network(activation: str = "relu") -> NetworkSpec:
    return NetworkSpec(
        name="small",
        layers=(
            Conv2D(
                name="conv1", filters=8, kernel_size=(5, 5), strides=(2, 2), activation=activation
            ),
            Conv2D(
                name="conv2", filters=16, kernel_size=(3, 3), strides=(2, 2), activation=activation
            ),
            Flatten(name="flat"),
            Dense(name="dense", units=10),
            Softmax(name="softmax"),
        ),
    )


# By name: images, activation, settings.
RUNS: dict[str, tuple[int, str, dict[str, Any]]] = {
    "healthy": (1500, "relu", {"epochs": 4, "learning_rate": 0.002, "schedule": "cosine"}),
    "ended early": (1500, "relu", {"epochs": 3}),
    "much too high": (1500, "relu", {"epochs": 2, "learning_rate": 1.0}),
    "too high": (1500, "relu", {"epochs": 3, "learning_rate": 0.1}),
    "wild": (1500, "relu", {"epochs": 2, "learning_rate": 10.0, "optimizer": "sgd"}),
    "beyond numbers": (1500, "linear", {"epochs": 1, "learning_rate": 10.0, "optimizer": "sgd"}),
    "one epoch": (2500, "relu", {"epochs": 1, "learning_rate": 0.3, "optimizer": "sgd"}),
    "nearly zero": (1500, "relu", {"epochs": 4, "learning_rate": 1e-7}),
    "too low": (1500, "relu", {"epochs": 4, "learning_rate": 5e-5}),
    "by heart": (300, "relu", {"epochs": 25, "learning_rate": 0.002}),
}


@cache
def run(name: str) -> Run:
    n, activation, settings = RUNS[name]
    return trained(network(activation), TrainingSpec(batch_size=50, **settings), little(n))


def trained(spec: NetworkSpec, training: TrainingSpec, data: Data) -> Run:
    observer = Observer(spec, data)
    events: Events = []
    snapshots: list[Snapshot] = []
    n_snapshots: list[int] = []

    def report(event: Report) -> None:
        if isinstance(event, EpochReport):
            snapshots.append(observer.take(event.n_images, event.epoch, 0, trainer.weights()))
        events.append({"kind": event.kind, **dataclasses.asdict(event)})
        n_snapshots.append(len(snapshots))

    trainer = Trainer(new_engine("numpy", spec, training), data, report=report, report_every_s=0)
    try:
        trainer.train()
    except TrainingDivergedError:
        events.append({"kind": "diverged"})
        n_snapshots.append(len(snapshots))
    return Run(spec, training, events, snapshots, n_snapshots)


def only(findings: Sequence[Finding], rule: str) -> Finding:
    found = [finding for finding in findings if finding.rule == rule]
    assert len(found) == 1, [finding.sentence for finding in findings]
    return found[0]


def test_a_healthy_run_hears_nothing_at_any_moment() -> None:
    healthy = run("healthy")
    assert healthy.events[-1]["val_accuracy"] > 0.7
    for until in range(1, len(healthy.events) + 1):
        assert healthy.findings(until) == []


@pytest.mark.parametrize("name", ["paper", "fast"])
def test_the_shipped_runs_get_no_warning_after_any_epoch(name: str) -> None:
    shipped = Network.load(name)
    training = TrainingSpec.model_validate_json(shipped.card["training"])
    rows = json.loads(shipped.card["history"])
    data = little(1)
    snapshots = [
        Observer(shipped.spec, data).take(row["n_images"], row["epoch"], 0, shipped.weights)
        for row in rows[:2]
    ]
    for n in range(len(rows) + 1):
        events = [{"kind": "epoch", **row} for row in rows[:n]]
        found = diagnose(shipped.spec, training, events, snapshots)
        assert [finding for finding in found if finding.severity == "warning"] == []


@pytest.mark.parametrize(
    ("name", "rate"), [("much too high", 0.001), ("wild", 0.01), ("beyond numbers", 0.01)]
)
def test_steps_that_are_too_long_are_named_and_shorter_ones_are_offered(
    name: str, rate: float
) -> None:
    findings = run(name).findings()
    assert len(findings) == 1
    assert findings[0].rule == ("diverged" if name == "beyond numbers" else "rate_too_high")
    assert findings[0].severity == "warning"
    assert findings[0].changes == {"learning_rate": rate}


def test_a_poor_accuracy_after_an_epoch_at_a_high_rate_is_named() -> None:
    """U14, N12: a loss that falls again after a jump hides a rate that was far too high."""
    poor = run("one epoch")
    assert poor.events[-1]["val_accuracy"] < 0.7
    found = only(poor.findings(), "rate_too_high")
    words = wording("doctor", "poor after an epoch", rate="0.3", usual="0.01", optimizer="sgd")
    assert words.search(f"{found.sentence}\n\n{found.reason}")
    assert found.changes == {"learning_rate": 0.03}
    before = max(i for i, event in enumerate(poor.events) if event["kind"] == "batch")
    assert poor.findings(until=before) == []


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_preset_at_rate_5_gets_a_warning_after_one_epoch(optimizer: OptimizerName) -> None:
    """U14: the doctor is not silent when a run ends hardly better than guessing."""
    preset, data = zoo.preset("fast"), little(5400)
    changes = {"learning_rate": 5.0, "epochs": 1, "optimizer": optimizer}
    training = preset.training.model_copy(update=changes)
    ill = trained(preset.network, training, data)
    assert ill.events[-1]["val_accuracy"] < 0.9
    found = only(ill.findings(), "rate_too_high")
    assert found.severity == "warning"
    assert found.changes["learning_rate"] <= preset.training.learning_rate


def test_answers_no_better_than_guesses_are_told_whatever_the_loss() -> None:
    """U14, N12: labels that say nothing can be learned by heart and help nowhere."""
    data = little(400)
    shuffled = np.random.default_rng(0).permutation(data.train.labels)
    train = Split(data.train.pixels, shuffled)
    training = TrainingSpec(batch_size=50, epochs=14, learning_rate=0.002)
    ill = trained(network(), training, replace(data, train=train))
    losses = [event["loss"] for event in ill.events if event["kind"] == "epoch"]
    assert losses[-1] < 0.9 * math.log(10)
    found = only(ill.findings(), "not_learning")
    assert wording("doctor", "no better than guessing").search(
        f"{found.sentence}\n\n{found.reason}"
    )


@pytest.mark.parametrize(
    "name",
    ["much too high", "too high", "wild", "one epoch", "nearly zero", "too low", "ended early"],
)
def test_a_run_with_the_settings_that_are_offered_is_better(name: str) -> None:
    """N12: each remedy is tried on the run that it is for."""
    n, activation, _ = RUNS[name]
    ill = run(name)
    (change,) = (finding.changes for finding in ill.findings())
    again = ill.training.model_copy(update=dict(change))
    cured = trained(network(activation), again, little(n))
    reached = [one.events[-1]["val_accuracy"] for one in (ill, cured)]
    assert reached[1] > reached[0]
    assert [one for one in cured.findings() if one.severity == "warning"] == []


def test_a_loss_that_rises_again_is_told_while_the_run_goes_on() -> None:
    events = [event for event in run("healthy").events if event["kind"] == "batch"]
    wild = [event for event in run("wild").events if event["kind"] == "batch"]
    n = events[-1]["n_images"]
    both = [*events, *({**event, "n_images": event["n_images"] + n} for event in wild)]
    found = diagnose(network(), TrainingSpec(batch_size=50), both[: len(events) + 20], [])
    risen = only(found, "rate_too_high")
    worse = wording("doctor", "worse than guessing"), wording("doctor", "loss has risen")
    assert any(section.search(f"{risen.sentence}\n\n{risen.reason}") for section in worse)


def test_dead_filters_are_counted_where_they_are() -> None:
    too_high = run("too high")
    newest = too_high.snapshots[-1].silent
    dead = only(too_high.findings(), "dead_filters")
    k = min(s.silent["conv1"] for s in too_high.snapshots[-2:])
    assert k >= 2
    here = wording("doctor", "dead filters", silent=k, n=8, layer="conv1")
    assert here.search(f"{dead.sentence}\n\n{dead.reason}") or newest["conv2"] / 16 > k / 8
    assert dead.changes == {"learning_rate": 0.01}
    until = next(i for i, n in enumerate(too_high.n_snapshots, start=1) if n == 1)
    assert "dead_filters" not in [finding.rule for finding in too_high.findings(until)]


def test_a_loss_that_stays_where_guessing_is() -> None:
    still = run("nearly zero")
    assert still.events[-1]["loss"] == pytest.approx(math.log(10), rel=0.03)
    found = only(still.findings(), "not_learning")
    assert found.changes == {"learning_rate": 0.001}
    assert still.findings(until=50) == []


def test_a_loss_that_falls_slowly_at_a_low_rate() -> None:
    slow = only(run("too low").findings(), "rate_too_low")
    assert (slow.severity, slow.changes) == ("hint", {"learning_rate": 0.001})


def test_learning_by_heart() -> None:
    found = only(run("by heart").findings(), "overfitting")
    assert found.severity == "warning"
    assert found.changes["augmentation"].active


@pytest.mark.parametrize(
    ("settings", "change"),
    [
        ({"data_fraction": 0.1}, {"data_fraction": 1.0}),
        ({"augmentation": Augmentation(shift=1)}, {"epochs"}),
    ],
)
def test_what_is_offered_against_overfitting_is_not_there_yet(
    settings: dict[str, Any], change: Any
) -> None:
    by_heart = run("by heart")
    training = by_heart.training.model_copy(update=settings)
    found = only(diagnose(by_heart.network, training, by_heart.events, []), "overfitting")
    if isinstance(change, dict):
        assert found.changes == change
    else:
        best = min((e for e in by_heart.events if "val_loss" in e), key=lambda e: e["val_loss"])
        assert found.changes.keys() == change
        assert abs(found.changes["epochs"] - best["epoch"]) <= by_heart.training.epochs / 2


def test_a_run_that_was_still_getting_better() -> None:
    ended = run("ended early")
    found = only(ended.findings(), "still_improving")
    assert (found.severity, found.changes) == ("hint", {"epochs": 6})
    last = max(i for i, event in enumerate(ended.events) if event["kind"] == "batch")
    assert ended.findings(until=last) == []


def epochs(val_losses: Sequence[float], val_accuracy: float = 0.97) -> Events:
    return [
        {
            "kind": "epoch",
            "epoch": epoch,
            "loss": 0.2 / epoch,
            "accuracy": 0.95,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
            "n_images": 54_000 * epoch,
            "seconds": 50.0 * epoch,
        }
        for epoch, val_loss in enumerate(val_losses, start=1)
    ]


def test_validation_that_jumps_wants_a_falling_rate() -> None:
    jumping = epochs([0.20, 0.10, 0.19, 0.08, 0.17])
    found = only(diagnose(network(), TrainingSpec(), jumping, []), "jumpy")
    assert found.changes == {"schedule": "cosine"}
    falling = TrainingSpec(schedule="cosine")
    assert diagnose(network(), falling, jumping, []) == []
    assert diagnose(network(), TrainingSpec(), epochs([0.2, 0.15, 0.1, 0.09, 0.091]), []) == []


def test_better_in_validation_is_no_illness_with_dropout() -> None:
    dropping = zoo.preset("paper").network
    assert any(isinstance(layer, Dropout) for layer in dropping.layers)
    found = only(diagnose(dropping, TrainingSpec(), epochs([0.1]), []), "better_in_validation")
    assert (found.severity, found.changes) == ("hint", {})
    assert "dropout" in found.reason
    assert diagnose(network(), TrainingSpec(), epochs([0.1]), []) == []


def small_maps(*after: Any) -> NetworkSpec:
    pools = [MaxPooling2D(name=f"pool{i}") for i in range(1, 5)]
    return NetworkSpec(
        name="small",
        layers=(
            Conv2D(name="conv1", filters=4, kernel_size=(3, 3), padding="same"),
            *pools,
            *after,
            Dense(name="dense", units=10),
        ),
    )


def test_a_kernel_on_a_single_pixel_has_idle_weights() -> None:
    late = Conv2D(name="late", filters=4, kernel_size=(3, 3), padding="same")
    found = diagnose(small_maps(late, Flatten(name="flat")), TrainingSpec(), [], [])
    shrunk = only(found, "maps_shrunk")
    assert shrunk.severity == "warning"
    idle = wording("doctor", "idle weights", layer="late", size="1 × 1", idle=8, cells=9)
    assert idle.search(f"{shrunk.sentence}\n\n{shrunk.reason}")


def test_a_network_whose_maps_stay_large_enough_is_offered_and_has_no_finding() -> None:
    """N12: the remedy for maps that have shrunk to nothing is a network, and it helps."""
    pools = [MaxPooling2D(name=f"pool{i}") for i in range(1, 4)]
    late = Conv2D(name="late", filters=4, kernel_size=(5, 5), padding="same")
    more = MaxPooling2D(name="pool4", pool_size=(3, 3))
    ends = (Flatten(name="flat"), Dense(name="dense", units=10), Softmax(name="softmax"))
    shrunk = NetworkSpec(name="small", layers=(*pools, more, late, *ends))
    (found,) = diagnose(shrunk, TrainingSpec(), [], [])
    offered = found.changes["network"]
    assert [layer.name for layer in offered.layers] == [
        "pool1",
        "pool2",
        "pool3",
        "late",
        "flat",
        "dense",
        "softmax",
    ]
    assert diagnose(offered, TrainingSpec(), [], []) == []
    data, training = little(300), TrainingSpec(batch_size=50, epochs=1)
    still = [
        np.abs(weights["late/kernel"] - initial_weights(spec, 0)["late/kernel"]).min(axis=(2, 3))
        for spec in (shrunk, offered)
        for weights in [Trainer(new_engine("numpy", spec, training), data).train().weights]
    ]
    assert (still[0] == 0).sum() == 24  # of 25 cells never learn
    assert (still[1] == 0).sum() == 0


def test_single_pixels_before_another_layer_are_a_hint() -> None:
    late = Conv2D(name="late", filters=4, kernel_size=(1, 1))
    found = diagnose(small_maps(late, Flatten(name="flat")), TrainingSpec(), [], [])
    assert only(found, "maps_shrunk").severity == "hint"
    assert diagnose(small_maps(Flatten(name="flat")), TrainingSpec(), [], []) == []
    assert diagnose(small_maps(GlobalAveragePooling2D(name="g")), TrainingSpec(), [], []) == []


@pytest.mark.parametrize("name", list(zoo.PRESETS))
def test_no_preset_needs_a_doctor_before_it_begins(name: str) -> None:
    preset = zoo.preset(name)
    assert diagnose(preset.network, preset.training, [], []) == []


def test_tiny_batches_are_slow() -> None:
    found = diagnose(network(), TrainingSpec(batch_size=4), [], [])
    assert only(found, "tiny_batches").changes == {"batch_size": 64}
    few = TrainingSpec(batch_size=4, data_fraction=0.01)
    assert diagnose(network(), few, [], []) == []


@pytest.mark.parametrize("name", list(RUNS))
def test_what_is_offered_can_be_set_and_each_finding_is_whole(name: str) -> None:
    tried = run(name)
    for finding in tried.findings():
        changed = tried.training.model_dump() | dict(finding.changes)
        assert TrainingSpec.model_validate(changed) != tried.training or not finding.changes
        assert finding.sentence.endswith(".")
        assert "[[" not in finding.reason
        assert len(finding.reason) > 80
