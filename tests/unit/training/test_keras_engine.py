import dataclasses
import json
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import pytest

from cnn_lab.data.mnist import Mnist, Split, load_mnist
from cnn_lab.network import Network, zoo
from cnn_lab.network.spec import Dense, Flatten, NetworkSpec, Softmax, TrainingSpec
from cnn_lab.training import keras_engine, loop
from cnn_lab.training.keras_engine import KerasEngine
from cnn_lab.training.loop import BatchReport, EpochReport, Report, Trainer, ValidationReport

N_TRAIN, N_VALIDATION = 1000, 600


@pytest.fixture(scope="module")
def little() -> Mnist:
    """Real MNIST, but little of it."""
    whole = load_mnist()

    class Little(Mnist):
        train = _first(whole.train, N_TRAIN)
        validation = _first(whole.validation, N_VALIDATION)
        test = _first(whole.test, 300)

    return Little()


def _first(split: Split, n: int) -> Split:
    return Split(split.pixels[:n], split.labels[:n])


def train(
    data: Mnist, name: str = "fast", every_s: float = 0.0, **training: Any
) -> tuple[Network, Trainer, list[Report]]:
    preset = zoo.preset(name)
    spec = TrainingSpec.model_validate(preset.training.model_dump() | {"epochs": 2} | training)
    reports: list[Report] = []
    engine = KerasEngine(preset.network, spec)
    trainer = Trainer(engine, data, report=reports.append, report_every_s=every_s)
    return trainer.train(), trainer, reports


@pytest.fixture(scope="module")
def short_run(little: Mnist) -> tuple[Network, Trainer, list[Report]]:
    return train(little, batch_size=96)


def test_batch_reports_add_up_to_the_means_of_their_epoch(
    short_run: tuple[Network, Trainer, list[Report]],
) -> None:
    _, trainer, reports = short_run
    for epoch in trainer.history:
        mine = [r for r in reports if isinstance(r, BatchReport) and r.epoch == epoch.epoch]
        assert [r.batch for r in mine] == list(range(1, -(-N_TRAIN // 96) + 1))
        counts = np.diff([(epoch.epoch - 1) * N_TRAIN, *(r.n_images for r in mine)])
        assert counts.sum() == N_TRAIN
        assert counts[-1] == N_TRAIN % 96
        for measure in ("loss", "accuracy"):
            mean = np.dot(counts, [getattr(r, measure) for r in mine]) / N_TRAIN
            assert mean == pytest.approx(getattr(epoch, measure), rel=1e-5)


def test_reports_come_in_order_with_time_and_images_growing(
    short_run: tuple[Network, Trainer, list[Report]],
) -> None:
    _, trainer, reports = short_run
    kinds = [type(report) for report in reports]
    n_batches, n_judged = -(-N_TRAIN // 96), -(-N_VALIDATION // loop.VALIDATION_BATCH)
    one_epoch = [BatchReport] * n_batches + [ValidationReport] * n_judged + [EpochReport]
    assert kinds == one_epoch * 2
    timed = [r for r in reports if not isinstance(r, ValidationReport)]
    assert all(a.seconds <= b.seconds for a, b in pairwise(timed))
    assert all(a.n_images <= b.n_images for a, b in pairwise(timed))
    assert [epoch.n_images for epoch in trainer.history] == [N_TRAIN, 2 * N_TRAIN]
    assert [r.share for r in reports if isinstance(r, ValidationReport)][:2] == [5 / 6, 1.0]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    little: Mnist, short_run: tuple[Network, Trainer, list[Report]]
) -> None:
    first, trainer, _ = short_run
    again, trainer_again, _ = train(little, every_s=60.0, batch_size=96)
    other, _, _ = train(little, every_s=60.0, batch_size=96, seed=1)
    for name, weight in first.weights.items():
        np.testing.assert_array_equal(weight, again.weights[name], err_msg=name)
    histories = trainer.history, trainer_again.history
    assert [e.val_loss for e in histories[0]] == [e.val_loss for e in histories[1]]
    for measure in ("loss", "accuracy"):  # however seldom it was reported
        means = [[getattr(e, measure) for e in run] for run in histories]
        assert means[0] == pytest.approx(means[1], rel=1e-5)
    assert not np.array_equal(first.weights["conv1/kernel"], other.weights["conv1/kernel"])


@pytest.mark.parametrize("kind", [BatchReport, ValidationReport])
def test_a_stop_keeps_the_weights_reached(little: Mnist, kind: type) -> None:
    preset = zoo.preset("fast")

    def stop(report: Report) -> None:
        if isinstance(report, kind):
            raise loop.TrainingStopped

    engine = KerasEngine(preset.network, preset.training)
    trainer = Trainer(engine, little, report=stop, report_every_s=0)
    network = trainer.train()
    assert trainer.history == []
    assert not trainer.complete
    fresh = keras_engine.weights_of(keras_engine.build_model(preset.network))
    assert network.weights.keys() == fresh.keys()
    assert np.ptp(network.weights["norm1/moving_mean"]) > 0  # untouched, it is all zeros


def test_a_loss_that_is_no_number_ends_the_run_and_names_the_batch(little: Mnist) -> None:
    layers = (
        Flatten(name="flatten"),
        *(Dense(name=f"dense{i}", units=64) for i in range(6)),
        Dense(name="ten", units=10),
        Softmax(name="softmax"),
    )
    training = TrainingSpec(optimizer="sgd", learning_rate=10, batch_size=100, epochs=3)
    engine = KerasEngine(NetworkSpec(name="steep", layers=layers), training)
    with pytest.raises(
        loop.TrainingDivergedError, match=r"after batch \d+ of epoch 1: the learning rate"
    ):
        Trainer(engine, little, report_every_s=60.0).train()


@pytest.mark.parametrize("name", ["paper", "fast"])
def test_every_layer_agrees_with_keras_after_real_training(little: Mnist, name: str) -> None:
    network, _, _ = train(little, name, epochs=1, batch_size=100)
    model = keras_engine.to_keras(network)
    images = little.test.images[:16]
    inspect = keras.Model(model.inputs, [layer.output for layer in model.layers])
    results = inspect.predict(images, verbose=0)
    ours = network.activations(images)
    assert list(ours) == [layer.name for layer in model.layers]
    for layer, theirs in zip(ours, results, strict=True):
        np.testing.assert_allclose(ours[layer], theirs, atol=1e-5, rtol=1e-5, err_msg=layer)


def test_counting_errors_agrees_with_numpy(
    little: Mnist, short_run: tuple[Network, Trainer, list[Report]]
) -> None:
    network, trainer, _ = short_run
    tested = trainer.test()
    wrong = network.predict(little.test.images).argmax(axis=1) != little.test.labels
    assert tested["errors"] == int(wrong.sum())
    assert tested["test_accuracy"] == pytest.approx(1 - tested["errors"] / 300)


def test_the_card_says_how_the_weights_were_made(
    short_run: tuple[Network, Trainer, list[Report]],
) -> None:
    _, trainer, _ = short_run
    card = trainer.card({"errors": 3})
    assert json.loads(card["result"]) == {"errors": 3}
    assert json.loads(card["history"]) == [dataclasses.asdict(epoch) for epoch in trainer.history]
    assert TrainingSpec.model_validate_json(card["training"]) == trainer.engine.training
    assert json.loads(card["versions"]).keys() == {"keras", "backend", "numpy", "python"}
