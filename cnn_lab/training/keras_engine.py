"""Keras engine: networks built, trained and saved with Keras.

Nothing here calls the backend directly, so `KERAS_BACKEND=jax` or `torch` works too.
"""

import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cnn_lab.network import Network
from cnn_lab.network.initial import stream
from cnn_lab.network.layers.base import BaseLayer
from cnn_lab.network.spec import NetworkSpec, TrainingSpec
from cnn_lab.network.spec.training import USED_BY
from cnn_lab.ops.types import Array
from cnn_lab.training.engine import EngineName, Labels, State, Weights, check_state

MAX_SEED = 10**9  # the range of Keras's seeds
PREDICTION_BATCH = 500
VERSION = keras.__version__


def build_model(network: NetworkSpec, *, seed: int = 0) -> keras.Model:
    """Return the Keras model of a spec, with the same layer names.

    `seed` determines what dropout drops. By default Keras takes such seeds from Python's global
    random generator, which other threads of the process may use in between.
    """
    drops = stream(seed, "dropout")
    layers = [_layer(layer, drops) for layer in network.layers]
    return keras.Sequential([keras.Input(network.input_shape), *layers], name=network.name)


def _layer(layer: BaseLayer, drops: np.random.Generator) -> keras.layers.Layer:
    """Return the Keras layer with the same type, name and settings."""
    settings = layer.keras_arguments()
    if layer.drops:
        settings["seed"] = int(drops.integers(1, MAX_SEED))
    return getattr(keras.layers, layer.keras_class)(**settings)


def weights_of(model: keras.Model) -> dict[str, Array]:
    """Return copies of a model's weights by "layer/weight"."""
    return {
        f"{layer.name}/{variable.name}": np.asarray(variable).copy()  # JAX returns views
        for layer in model.layers
        for variable in _weights(layer)
    }


def set_weights(model: keras.Model, weights: Mapping[str, Array]) -> None:
    """Set the weights, by "layer/weight", of a model of the same spec."""
    for layer in model.layers:
        for variable in _weights(layer):
            variable.assign(weights[f"{layer.name}/{variable.name}"])


def _weights(layer: keras.layers.Layer) -> list[Any]:
    """Return a layer's variables without the integer state of dropout's random generator."""
    return [variable for variable in layer.weights if variable.dtype.startswith("float")]


def to_keras(network: Network) -> keras.Model:
    """Return the Keras model with a network's weights."""
    model = build_model(network.spec)
    set_weights(model, network.weights)
    return model


class KerasEngine:
    """Keras model that learns one batch at a time; see `cnn_lab.training.engine.Engine`.

    Parameters
    ----------
    network, training : NetworkSpec, TrainingSpec
    """

    name: EngineName = "keras"

    def __init__(self, network: NetworkSpec, training: TrainingSpec) -> None:
        self.network, self.training = network, training
        self.versions = {"keras": VERSION, "backend": keras.backend.backend()}
        self._model = build_model(network, seed=training.seed)
        self._compile(optimizer_of(training))
        # Otherwise TensorFlow traces the first step twice, because the optimizer's state is new.
        self._model.optimizer.build(self._model.trainable_variables)
        self._rate = training.learning_rate

    def _compile(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Compile the model for the present settings; the optimizer keeps its state."""
        training = self.training
        self._smooth = training.label_smoothing > 0
        metric = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        loss = keras.losses.SparseCategoricalCrossentropy()
        if self._smooth:  # which needs labels as rows of probabilities
            metric = keras.metrics.CategoricalAccuracy(name="accuracy")
            loss = keras.losses.CategoricalCrossentropy(label_smoothing=training.label_smoothing)
        self._model.compile(optimizer, loss=loss, metrics=[metric])

    def step(self, images: Array, labels: Labels, rate: float) -> tuple[float, int]:
        """Learn from one batch and return its (mean loss, correct answers) before the step."""
        if rate != self._rate:
            self._model.optimizer.learning_rate = self._rate = rate
        logs = self._model.train_on_batch(images, self._targets(labels), return_dict=True)
        return _scored(logs, labels)

    def evaluate(self, images: Array, labels: Labels) -> tuple[float, int]:
        """Return (mean loss, correct answers) of one batch without learning from it."""
        logs = self._model.test_on_batch(images, self._targets(labels), return_dict=True)
        return _scored(logs, labels)

    def predict(self, images: Array) -> Array:
        """Return the class probabilities of any number of images, shape (n, classes)."""
        found: Array = self._model.predict(images, batch_size=PREDICTION_BATCH, verbose=0)
        return self.network.class_probabilities(found)

    def weights(self) -> dict[str, Array]:
        """Return copies of the weights by "layer/weight"."""
        return weights_of(self._model)

    def set_weights(self, weights: Weights) -> None:
        """Replace the weights by those given, named "layer/weight"."""
        set_weights(self._model, weights)

    def state(self) -> State:
        """Return copies of all that the next step depends on, weights included, by any names."""
        return {name: np.asarray(own).copy() for name, own in self._variables().items()}

    def set_state(self, state: State) -> None:
        """Go on from what `state` of an engine with the same specs has returned."""
        variables = self._variables()
        check_state(state, {name: tuple(own.shape) for name, own in variables.items()})
        for name, variable in variables.items():
            variable.assign(state[name])
        self._rate = math.nan  # the optimizer's may be another now

    def _variables(self) -> dict[str, Any]:
        """Return weights, states of dropout's generators, and the optimizer's variables."""
        own = [variable for layer in self._model.layers for variable in layer.variables]
        every = {"layers": own, "optimizer": self._model.optimizer.variables}
        return {
            f"{part}/{place}": variable
            for part, variables in every.items()
            for place, variable in enumerate(variables)
        }

    def change(self, training: TrainingSpec, dropout: float | None) -> None:
        """Learn with another label smoothing, weight decay and dropout from the next step on."""
        self.training = training
        optimizer = self._model.optimizer
        if training.optimizer in USED_BY["weight_decay"]:
            optimizer.weight_decay = training.weight_decay
            if training.optimizer == "muon":
                optimizer.adam_weight_decay = training.weight_decay
        if dropout is not None:
            for layer, own in zip(self._model.layers, self.network.layers, strict=True):
                if own.drops:
                    layer.rate = dropout
        self._compile(optimizer)  # the compiled step has the old numbers in it

    def _targets(self, labels: Labels) -> Array | Labels:
        return np.eye(self.network.n_outputs, dtype=np.float32)[labels] if self._smooth else labels


def _scored(logs: Mapping[str, Any], labels: Labels) -> tuple[float, int]:
    """Return (mean loss, correct answers) of one batch; Keras resets its metrics before it."""
    return float(logs["loss"]), round(float(logs["accuracy"]) * len(labels))


def optimizer_of(training: TrainingSpec) -> keras.optimizers.Optimizer:
    """Return Keras's optimizer, with Keras's defaults for settings that the spec lacks."""
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


def forget_models() -> None:
    """Release what Keras keeps of all models built so far in this process."""
    keras.utils.clear_session(free_memory=True)


def keras_file(network: Network) -> bytes:
    """Return a network as a .keras file for `keras.models.load_model`."""
    with tempfile.TemporaryDirectory(prefix="cnn-lab-") as folder:
        path = Path(folder) / "model.keras"
        to_keras(network).save(path)
        return path.read_bytes()
