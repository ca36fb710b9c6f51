"""Keras builds and trains the networks.

Nothing here calls the backend directly, so `KERAS_BACKEND=jax` or `torch` works too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from cnn_lab.data.mnist import Data, Split
from cnn_lab.network import Network
from cnn_lab.network.initial import stream
from cnn_lab.network.spec import NetworkSpec, TrainingSpec
from cnn_lab.ops.types import Array
from cnn_lab.training import card, loop
from cnn_lab.training.loop import REPORT_EVERY_S, Control, EpochReport, Labels, OnReport

MAX_SEED = 10**9  # as Keras draws them


def build_model(network: NetworkSpec, *, seed: int = 0) -> keras.Model:
    """Return the Keras model of a spec, layers of the same names.

    `seed` fixes what dropout drops. Keras itself would take such seeds from Python's shared
    random numbers, of which another thread of the process may draw one in between.
    """
    drops = stream(seed, "dropout")
    layers = [_layer(layer, drops) for layer in network.layers]
    return keras.Sequential([keras.Input(network.input_shape), *layers], name=network.name)


def _layer(layer: Any, drops: np.random.Generator) -> keras.layers.Layer:
    """Return the Keras layer of the same type, name and settings."""
    settings = layer.model_dump(exclude={"type"})
    if layer.type == "Dropout":
        settings["seed"] = int(drops.integers(1, MAX_SEED))
    return getattr(keras.layers, layer.type)(**settings)


def weights_of(model: keras.Model) -> dict[str, Array]:
    """Return copies of a model's weights by "layer/weight"."""
    return {
        f"{layer.name}/{variable.name}": np.asarray(variable).copy()  # JAX lends its own
        for layer in model.layers
        for variable in layer.weights
        if not isinstance(layer, keras.layers.Dropout)  # its state is no weight
    }


def set_weights(model: keras.Model, weights: Mapping[str, Array]) -> None:
    """Put weights by "layer/weight" into a model of the same spec."""
    for layer in model.layers:
        if not isinstance(layer, keras.layers.Dropout):
            layer.set_weights([weights[f"{layer.name}/{v.name}"] for v in layer.weights])


def to_keras(network: Network) -> keras.Model:
    """Return the Keras model with a network's weights."""
    model = build_model(network.spec)
    set_weights(model, network.weights)
    return model


class KerasLearner:
    """A Keras model that learns a batch at a time; see `training_loop.Learner`.

    Parameters
    ----------
    network, training : NetworkSpec, TrainingSpec
    """

    def __init__(self, network: NetworkSpec, training: TrainingSpec) -> None:
        self.model = build_model(network, seed=training.seed)
        self._n_classes = network.n_classes
        self._smooth = training.label_smoothing > 0
        metric = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        loss = keras.losses.SparseCategoricalCrossentropy()
        if self._smooth:  # which needs every label as a row of probabilities
            metric = keras.metrics.CategoricalAccuracy(name="accuracy")
            loss = keras.losses.CategoricalCrossentropy(label_smoothing=training.label_smoothing)
        self.model.compile(optimizer_of(training), loss=loss, metrics=[metric])
        # Or TensorFlow traces the first step twice: what the optimizer keeps would be new in it.
        self.model.optimizer.build(self.model.trainable_variables)
        self._rate = training.learning_rate

    def step(self, images: Array, labels: Labels, rate: float) -> tuple[float, int]:
        """Learn from one batch and return its (mean loss, right answers) before that."""
        if rate != self._rate:
            self.model.optimizer.learning_rate = self._rate = rate
        logs = self.model.train_on_batch(images, self._targets(labels), return_dict=True)
        return _scored(logs, labels)

    def judge(self, images: Array, labels: Labels) -> tuple[float, int]:
        """Return (mean loss, right answers) of images, learning nothing from them."""
        logs = self.model.test_on_batch(images, self._targets(labels), return_dict=True)
        return _scored(logs, labels)

    def weights(self) -> dict[str, Array]:
        """Return copies of the weights by "layer/weight"."""
        return weights_of(self.model)

    def set_weights(self, weights: Mapping[str, Array]) -> None:
        """Put weights by "layer/weight" in place of the present ones."""
        set_weights(self.model, weights)

    def _targets(self, labels: Labels) -> Array | Labels:
        return np.eye(self._n_classes, dtype=np.float32)[labels] if self._smooth else labels


def _scored(logs: Mapping[str, Any], labels: Labels) -> tuple[float, int]:
    """Return (mean loss, right answers) of a batch; Keras forgets before each batch by itself."""
    return float(logs["loss"]), round(float(logs["accuracy"]) * len(labels))


def optimizer_of(training: TrainingSpec) -> keras.optimizers.Optimizer:
    """Return Keras's optimizer of that name, what the spec does not say left as Keras has it."""
    rate, decay = training.learning_rate, training.weight_decay
    match training.optimizer:
        case "sgd":
            return keras.optimizers.SGD(rate, momentum=training.momentum)
        case "adam":
            return keras.optimizers.Adam(rate)
        case "adamw":
            return keras.optimizers.AdamW(rate, weight_decay=decay)
        case "rmsprop":
            return keras.optimizers.RMSprop(rate)
        case "muon":
            return keras.optimizers.Muon(rate, weight_decay=decay, adam_weight_decay=decay)


def train(
    network: NetworkSpec,
    training: TrainingSpec,
    data: Data,
    *,
    report: OnReport | None = None,
    control: Control | None = None,
    report_every_s: float = REPORT_EVERY_S,
) -> tuple[Network, list[EpochReport]]:
    """Train a network with Keras; see `training_loop.train`."""
    return loop.train(
        KerasLearner(network, training),
        network,
        training,
        data,
        report=report,
        control=control,
        report_every_s=report_every_s,
    )


def evaluate(model: keras.Model, split: Split, *, batch_size: int = 500) -> tuple[float, int]:
    """Return (accuracy in [0, 1], number of errors) of a model on a split."""
    probabilities = model.predict(split.images, batch_size=batch_size, verbose=0)
    errors = int(np.count_nonzero(probabilities.argmax(axis=1) != split.labels))
    return 1 - errors / len(split), errors


def forget_models() -> None:
    """Let go of what Keras keeps of every model built so far in this process."""
    keras.utils.clear_session(free_memory=True)


def model_card(
    result: Mapping[str, Any], training: TrainingSpec, history: Sequence[EpochReport]
) -> dict[str, str]:
    """Return what a weights file says of its own making; see `cards.model_card`."""
    versions = {"keras": keras.__version__, "backend": keras.backend.backend()}
    return card.model_card(result, training, history, versions)
