"""The NumPy engine learns as Keras does, on real digits, and needs no TensorFlow."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from cnn_lab.data.mnist import Mnist, Split, load_mnist
from cnn_lab.network import Network
from cnn_lab.network.initial import initial_weights
from cnn_lab.network.passes import forward
from cnn_lab.network.spec import (
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPooling2D,
    NetworkSpec,
    SeparableConv2D,
    Softmax,
    SpatialDropout2D,
    TrainingSpec,
)
from cnn_lab.training import numpy_engine
from cnn_lab.training.engine import EngineName
from cnn_lab.training.loop import (
    BatchReport,
    EpochReport,
    Report,
    Trainer,
    TrainingDivergedError,
    new_engine,
)
from cnn_lab.training.numpy_engine import NumpyEngine

ROOT = Path(__file__).parents[3]
SMALL = NetworkSpec(
    name="small",
    layers=(
        Conv2D(name="conv", filters=4, kernel_size=(3, 3), strides=(2, 2), use_bias=False),
        BatchNormalization(name="norm", momentum=0.9),
        Conv2D(name="conv2", filters=8, kernel_size=(3, 3), padding="same", activation="relu"),
        MaxPooling2D(name="pool"),
        Flatten(name="flatten"),
        Dense(name="dense", units=16, activation="tanh"),
        Dense(name="ten", units=10),
        Softmax(name="softmax"),
    ),
)
SEPARABLE = NetworkSpec(
    name="separable",
    layers=(
        *SMALL.layers[:2],
        SeparableConv2D(name="separable", filters=8, kernel_size=(3, 3), activation="tanh"),
        *SMALL.layers[3:],
    ),
)
DROPPING = NetworkSpec(
    name="dropping",
    layers=(
        Flatten(name="flatten"),
        Dense(name="dense", units=40, activation="relu"),
        Dropout(name="dropout", rate=0.5),
        Dense(name="ten", units=10, activation="softmax"),
    ),
)


@pytest.fixture(scope="module")
def little() -> Mnist:
    """Real MNIST, but little of it."""
    whole = load_mnist()

    class Little(Mnist):
        train = _first(whole.train, 1500)
        validation = _first(whole.validation, 300)

    return Little()


def _first(split: Split, n: int) -> Split:
    return Split(split.pixels[:n], split.labels[:n])


def run(
    engine: EngineName, data: Mnist, network: NetworkSpec = SMALL, **training: Any
) -> tuple[Network, list[EpochReport], list[BatchReport]]:
    reports: list[Report] = []
    spec = TrainingSpec(**({"batch_size": 75, "epochs": 1} | training))
    trainer = Trainer(
        new_engine(engine, network, spec), data, report=reports.append, report_every_s=0
    )
    trained = trainer.train()
    batches = [report for report in reports if isinstance(report, BatchReport)]
    return trained, trainer.history, batches


@pytest.mark.parametrize("network", [SMALL, SEPARABLE], ids=lambda network: network.name)
@pytest.mark.parametrize(
    "training",
    [
        {"optimizer": "sgd", "learning_rate": 0.02, "schedule": "one_cycle"},
        {"optimizer": "adam"},
        {"optimizer": "adamw", "label_smoothing": 0.1},
        {"optimizer": "rmsprop", "weight_averaging": 0.9},
        {"optimizer": "muon"},
    ],
    ids=lambda training: training["optimizer"],
)
def test_its_curve_is_that_of_keras(
    little: Mnist, training: dict[str, Any], network: NetworkSpec
) -> None:
    """Twenty batches, one by one, then the judgement and the weights."""
    ours, our_history, our_batches = run("numpy", little, network, **training)
    theirs, their_history, their_batches = run("keras", little, network, **training)
    assert len(our_batches) == len(their_batches) == 20
    np.testing.assert_allclose(
        [batch.loss for batch in our_batches],
        [batch.loss for batch in their_batches],
        rtol=0,
        atol=1e-4,
    )
    assert our_batches[-1].loss < our_batches[0].loss
    np.testing.assert_allclose(  # one image may lie between two classes
        [batch.accuracy for batch in our_batches],
        [batch.accuracy for batch in their_batches],
        rtol=0,
        atol=1.01 / 75,
    )
    assert our_history[0].val_loss == pytest.approx(their_history[0].val_loss, abs=1e-4)
    assert our_history[0].val_accuracy == pytest.approx(their_history[0].val_accuracy, abs=0.01)
    for name, weight in ours.weights.items():
        np.testing.assert_allclose(weight, theirs.weights[name], rtol=0, atol=1e-3, err_msg=name)


def test_dropout_drops_its_share_and_enlarges_what_it_keeps() -> None:
    values, numbers = np.ones((50, 40), np.float32), np.random.default_rng(0)
    (step,) = forward([Dropout(name="dropout", rate=0.25)], values, {}, numbers)
    assert set(np.unique(step.values)) == {0, np.float32(1 / 0.75)}
    assert np.mean(step.values == 0) == pytest.approx(0.25, abs=0.04)
    np.testing.assert_array_equal(step.back(values, True)[0], step.values)
    (idle,) = forward([Dropout(name="dropout", rate=0.25)], values, {})
    assert idle.values is values


def test_spatial_dropout_drops_whole_maps_as_keras_does() -> None:
    values, numbers = np.ones((40, 3, 2, 50), np.float32), np.random.default_rng(0)
    layer = SpatialDropout2D(name="dropout", rate=0.25)
    (step,) = forward([layer], values, {}, numbers)
    theirs = np.asarray(keras.layers.SpatialDropout2D(0.25, seed=0)(values, training=True))
    for dropped in (step.values, theirs):
        np.testing.assert_array_equal(dropped, np.broadcast_to(dropped[:, :1, :1], dropped.shape))
        assert set(np.unique(dropped)) == {0, np.float32(1 / 0.75)}
        assert np.mean(dropped == 0) == pytest.approx(0.25, abs=0.04)
    np.testing.assert_array_equal(step.back(values, True)[0], step.values)


@pytest.mark.parametrize("engine", ["numpy", "keras"])
def test_a_network_with_spatial_dropout_learns(little: Mnist, engine: EngineName) -> None:
    """Judged with all maps, it does better than in training, where some are missing."""
    before, after = SMALL.layers[:3], SMALL.layers[3:]
    dropping = SpatialDropout2D(name="dropout", rate=0.25)
    network = NetworkSpec(name="spatial", layers=[*before, dropping, *after])
    first, history, batches = run(engine, little, network, epochs=2, learning_rate=0.01)
    again, _, _ = run(engine, little, network, epochs=2, learning_rate=0.01)
    for name, weight in first.weights.items():
        np.testing.assert_array_equal(weight, again.weights[name], err_msg=name)
    assert batches[-1].loss < batches[0].loss / 2
    assert history[-1].val_loss < history[-1].loss


def test_the_seed_says_what_is_dropped(little: Mnist) -> None:
    first, history, _ = run("numpy", little, DROPPING)
    again, _, _ = run("numpy", little, DROPPING)
    for name, weight in first.weights.items():
        np.testing.assert_array_equal(weight, again.weights[name], err_msg=name)
    kept = NetworkSpec(name="kept", layers=[x for x in DROPPING.layers if x.type != "Dropout"])
    _, kept_history, _ = run("numpy", little, kept)
    assert history[0].loss > kept_history[0].loss + 0.1  # judged while half of it is missing
    assert history[0].val_loss < history[0].loss - 0.1


def test_parts_of_a_batch_give_what_the_whole_would(
    little: Mnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = little.train.images[:70], little.train.labels[:70]
    weights = initial_weights(SMALL, 3)
    results = []
    for size in (70, 32, 9):
        monkeypatch.setattr(numpy_engine, "PART", size)
        engine = NumpyEngine(SMALL, TrainingSpec(optimizer="sgd", batch_size=70))
        engine.set_weights(weights)
        scored = engine.step(images, labels, 0.1)
        results.append((scored, engine.evaluate(images, labels), engine.weights()))
    (scored, judged, whole), *others = results
    for other_scored, other_judged, parted in others:
        assert other_scored == pytest.approx(scored, rel=1e-5)
        assert other_judged == pytest.approx(judged, rel=1e-4)
        for name, weight in whole.items():
            np.testing.assert_allclose(parted[name], weight, rtol=0, atol=1e-5, err_msg=name)


def test_a_step_goes_down_the_gradient_of_the_network(little: Mnist) -> None:
    """Without normalization by the batch, one step is minus the rate times the gradient."""
    layers = [layer for layer in SMALL.layers if layer.type != "BatchNormalization"]
    plain = NetworkSpec(name="plain", layers=layers)
    images, labels = little.train.images[:40], little.train.labels[:40]
    engine = NumpyEngine(plain, TrainingSpec(optimizer="sgd", momentum=0, batch_size=40))
    engine.set_weights(initial_weights(plain, 1))
    before = engine.weights()
    loss, gradients, _ = Network(plain, before).gradients(images, labels)
    assert engine.step(images, labels, 0.5)[0] == pytest.approx(loss, rel=1e-5)
    for name, weight in engine.weights().items():
        np.testing.assert_allclose(
            weight, before[name] - 0.5 * gradients[name], rtol=0, atol=1e-6, err_msg=name
        )


def test_a_loss_that_is_no_number_ends_the_run(little: Mnist) -> None:
    layers = (
        Flatten(name="flatten"),
        *(Dense(name=f"dense{i}", units=64) for i in range(6)),
        Dense(name="ten", units=10),
        Softmax(name="softmax"),
    )
    steep = NetworkSpec(name="steep", layers=layers)
    with pytest.raises(TrainingDivergedError, match=r"after batch \d+ of epoch"):
        run("numpy", little, steep, optimizer="sgd", learning_rate=10, epochs=3)


def test_it_needs_no_tensorflow() -> None:
    script = """
import sys
from cnn_lab.network import zoo
from cnn_lab.training.loop import Trainer, new_engine
from cnn_lab.data import Mnist, Split, load_mnist
class Little(Mnist):
    train = validation = Split(load_mnist().test.pixels[:128], load_mnist().test.labels[:128])
fast = zoo.preset("fast")
training = fast.training.model_copy(update={"epochs": 2})
trainer = Trainer(new_engine("numpy", fast.network, training), Little())
trainer.train()
assert trainer.history[1].loss < trainer.history[0].loss
print(*sorted({"keras", "numpy", "tensorflow"} & set(sys.modules)))
"""
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["numpy"]
