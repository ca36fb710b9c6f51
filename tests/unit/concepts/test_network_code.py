"""Keras code of whole networks, run as a reader would run it."""

from typing import Any

import keras
import numpy as np
import pytest

from cnn_lab.concepts.snippets import keras_network_code
from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import zoo
from cnn_lab.network.editing import new_layer
from cnn_lab.network.layers import LAYER_TYPES
from cnn_lab.network.spec import Augmentation, NetworkSpec, TrainingSpec
from cnn_lab.training.schedules import learning_rates

PAPER = zoo.preset("paper").network
LAST = ("GlobalAveragePooling2D", "Flatten", "Dense", "Softmax")
N_IMAGES = 240


def everything() -> NetworkSpec:
    """Every type of layer in one network."""
    types = [*(type_ for type_ in LAYER_TYPES if type_ not in LAST), *LAST]
    return NetworkSpec(
        name="everything",
        layers=tuple(new_layer(type_, f"layer{n}") for n, type_ in enumerate(types)),
    )


def run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(code, "<snippet>", "exec"), names)
    return names


@pytest.fixture
def _few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Keras find a few digits of the file in the repository, and no way to the internet."""
    digits = load_mnist()
    few = tuple(
        (split.pixels[:N_IMAGES].reshape(-1, 28, 28), split.labels[:N_IMAGES].astype(np.uint8))
        for split in (digits.train, digits.test)
    )
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: few)


@pytest.mark.parametrize("network", [PAPER, zoo.preset("fast").network, everything()])
def test_keras_builds_the_very_layers(network: NetworkSpec) -> None:
    model = run(keras_network_code(network))["model"]
    assert model.name == network.name
    assert model.count_params() == network.n_parameters
    rows = [(row.name, row.type, row.output_shape) for row in network.summary()]
    assert rows == [
        (layer.name, type(layer).__name__, tuple(layer.output.shape[1:])) for layer in model.layers
    ]
    for spec, layer in zip(network.layers, model.layers, strict=True):
        made = layer.get_config()
        for field, value in spec.model_dump(exclude={"type"}).items():
            got = tuple(made[field]) if isinstance(made[field], list) else made[field]
            assert (value is None and got == spec.model_dump()["pool_size"]) or got == value, field


def small(**settings: Any) -> TrainingSpec:
    return TrainingSpec(**{"epochs": 2, "batch_size": 64, **settings})


@pytest.mark.usefixtures("_few_images")
@pytest.mark.parametrize(
    "training",
    [
        small(optimizer="sgd", schedule="step", momentum=0.5, learning_rate=0.01),
        small(optimizer="adamw", schedule="one_cycle", label_smoothing=0.1),
        small(optimizer="muon", schedule="cosine", weight_averaging=0.9),
        small(
            optimizer="rmsprop",
            schedule="exponential",
            data_fraction=0.5,
            augmentation=Augmentation(shift=2),
        ),
        small(),
        small(optimizer="adamw", label_smoothing=0.1, pens=0.1, non_digits=0.1),
    ],
    ids=lambda training: f"{training.optimizer}{11 if training.non_digits else ''}",
)
def test_keras_trains_as_the_lab_would(training: TrainingSpec) -> None:
    units = 11 if training.non_digits else 10
    network = NetworkSpec.model_validate(
        {
            "name": "small",
            "layers": [
                {"type": "MaxPooling2D", "name": "pool1", "pool_size": (4, 4)},
                {"type": "Flatten", "name": "flatten"},
                {"type": "Dense", "name": "dense1", "units": units},
                {"type": "Softmax", "name": "softmax"},
            ],
        }
    )
    names = run(keras_network_code(network, training))
    optimizer = names["model"].optimizer
    assert type(optimizer).__name__.lower() == training.optimizer
    n_images = round(training.data_fraction * N_IMAGES * 9 / 10)
    assert len(names["x_train"]) == n_images
    n_batches = -(-n_images // training.batch_size) * training.epochs
    assert int(optimizer.iterations) == n_batches
    if training.schedule != "constant":
        rates = [float(names["rate"](batch)) for batch in range(n_batches)]
        np.testing.assert_allclose(rates, learning_rates(training, n_batches), rtol=1e-5)
    else:
        assert float(optimizer.learning_rate) == pytest.approx(training.learning_rate)
    if training.optimizer == "sgd":
        assert optimizer.momentum == training.momentum
    if training.optimizer in ("adamw", "muon"):
        assert optimizer.weight_decay == training.weight_decay
    assert bool(optimizer.use_ema) == bool(training.weight_averaging)
