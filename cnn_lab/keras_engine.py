"""Keras builds and trains the networks; beside `keras_check` the only importer of it.

Nothing here calls the backend directly, so `KERAS_BACKEND=jax` or `torch` works too.
"""

import json
import platform
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
from typing_extensions import override

from cnn_lab.data import MNIST_SHA256, Mnist, Split
from cnn_lab.network import Network
from cnn_lab.ops.padding import Array
from cnn_lab.spec import NetworkSpec, TrainingSpec

VALIDATION_BATCH = 500
MOST_SEED = 10**9  # as Keras draws them


@dataclass(frozen=True)
class BatchReport:
    """Training so far: means over the batches since the previous report.

    Attributes
    ----------
    epoch : int
        From 1.
    batch : int
        Batches finished in this epoch.
    loss, accuracy : float
        Cross-entropy in nats; share of right answers in [0, 1].
    n_images : int
        Images trained on since the start of the run.
    seconds : float
        Time spent on training batches since the start, validation left out.
    """

    epoch: int
    batch: int
    loss: float
    accuracy: float
    n_images: int
    seconds: float


@dataclass(frozen=True)
class ValidationReport:
    """How far judging the epoch on the validation images has come, in [0, 1]."""

    epoch: int
    share: float


@dataclass(frozen=True)
class EpochReport:
    """One finished epoch; `loss` and `accuracy` are means over its batches, as Keras has them.

    `seconds` is the time spent on training batches since the start, validation left out.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    n_images: int
    seconds: float


Report = BatchReport | ValidationReport | EpochReport


class TrainingStopped(Exception):  # noqa: N818 - a wish, not an error
    """Raised by a reporter that wants training to end after the current batch."""


class TrainingDivergedError(ValueError):
    """The loss is no number any more; the message says at which batch."""


def build_model(network: NetworkSpec, *, seed: int | None = None) -> keras.Model:
    """Return the Keras model of a spec, layers of the same names, freshly initialised.

    Keras takes the seeds of its initializers from Python's shared random numbers, of which
    another thread of the process may draw one in between. Here they come from a source of
    their own: with a `seed` they are those that `keras.utils.set_random_seed` leads to when
    nobody interferes.
    """
    seeds = random.Random(seed)
    layers = [_layer(layer, seeds) for layer in network.layers]
    return keras.Sequential([keras.Input(network.input_shape), *layers], name=network.name)


def _layer(layer: Any, seeds: random.Random) -> keras.layers.Layer:
    """Return the Keras layer of the same type, name and settings."""
    settings = layer.model_dump(exclude={"type"})
    if layer.type in ("Conv2D", "Dense"):
        seed = seeds.randint(1, MOST_SEED)
        settings["kernel_initializer"] = keras.initializers.GlorotUniform(seed=seed)
    elif layer.type == "Dropout":
        settings["seed"] = seeds.randint(1, MOST_SEED)
    return getattr(keras.layers, layer.type)(**settings)


def weights_of(model: keras.Model) -> dict[str, Array]:
    """Return copies of a model's weights by "layer/weight"."""
    return {
        f"{layer.name}/{variable.name}": np.asarray(variable)
        for layer in model.layers
        for variable in layer.weights
        if isinstance(layer, _WEIGHTED)
    }


_WEIGHTED = (keras.layers.Conv2D, keras.layers.Dense, keras.layers.BatchNormalization)


def set_weights(model: keras.Model, weights: dict[str, Array]) -> None:
    """Put weights by "layer/weight" into a model of the same spec."""
    for layer in model.layers:
        if isinstance(layer, _WEIGHTED):
            layer.set_weights([weights[f"{layer.name}/{v.name}"] for v in layer.weights])


def to_keras(network: Network) -> keras.Model:
    """Return the Keras model with a network's weights."""
    model = build_model(network.spec)
    set_weights(model, network.weights)
    return model


def learning_rates(training: TrainingSpec, n_batches: int) -> Array:
    """Return the rate of each batch of a run of `n_batches`, shape (n_batches,)."""
    if training.schedule == "constant":
        return np.full(n_batches, training.learning_rate)
    position = np.arange(n_batches) / max(1, n_batches)
    climb = 0.1 + 0.9 * position / 0.25
    fall = 0.01 + 0.99 * (1 + np.cos(np.pi * (position - 0.25) / 0.75)) / 2
    return np.asarray(training.learning_rate * np.where(position < 0.25, climb, fall))


def train(
    network: NetworkSpec,
    training: TrainingSpec,
    data: Mnist,
    *,
    report: Callable[[Report, keras.Model], None] | None = None,
    report_every_s: float = 0.25,
) -> tuple[Network, list[EpochReport]]:
    """Train a network with Keras.

    Parameters
    ----------
    network, training : NetworkSpec, TrainingSpec
        Together they fix the result on one machine and one version of Keras.
    data : Mnist
        Trained on `train`, judged after each epoch on `validation`; `test` is not touched.
    report : callable, optional
        Called with a BatchReport, or a ValidationReport while an epoch is being judged,
        about every `report_every_s` seconds, and with an EpochReport after each epoch.
        May raise TrainingStopped.
    report_every_s : float
        Seconds between reports within an epoch; 0 reports each batch.

    Returns
    -------
    network : Network
        The weights reached, also after a stop.
    history : list of EpochReport
        The epochs that were finished.

    Raises
    ------
    TrainingDivergedError
        If the loss is not finite.
    """
    keras.utils.set_random_seed(training.seed)
    model = build_model(network, seed=training.seed)
    train_images, validation_images = data.train.images, data.validation.images
    n_batches = -(-len(data.train) // training.batch_size)
    optimizer = (
        keras.optimizers.Adam(training.learning_rate)
        if training.optimizer == "adam"
        else keras.optimizers.SGD(training.learning_rate, momentum=0.9)
    )
    model.compile(
        optimizer,
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    reporter = _Reporter(
        learning_rates(training, n_batches * training.epochs),
        report or (lambda _report, _model: None),
        report_every_s,
        training.batch_size,
        len(data.train),
        len(data.validation),
        fixed_rate=training.schedule == "constant",
    )
    with suppress(TrainingStopped):
        model.fit(
            train_images,
            data.train.labels,
            batch_size=training.batch_size,
            epochs=training.epochs,
            validation_data=(validation_images, data.validation.labels),
            validation_batch_size=VALIDATION_BATCH,
            verbose=0,
            callbacks=[reporter],
        )
    return Network(network, weights_of(model)), reporter.history


class _Reporter(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Turns Keras's running means into reports, and sets the rate of each batch."""

    def __init__(
        self,
        rates: Array,
        report: Callable[[Report, keras.Model], None],
        every_s: float,
        batch_size: int,
        n_train: int,
        n_validation: int,
        *,
        fixed_rate: bool,
    ) -> None:
        super().__init__()
        self.rates, self.report, self.every_s = rates, report, every_s
        self.batch_size, self.fixed_rate = batch_size, fixed_rate
        self.n_train, self.n_validation = n_train, n_validation
        self.history: list[EpochReport] = []
        self.epoch, self.step = 0, 0
        self.reported_at = self.epoch_started = time.perf_counter()
        self.seconds = 0.0
        self.seen, self.loss_sum, self.right_sum = 0, 0.0, 0.0

    @override
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch, self.epoch_started = epoch, time.perf_counter()
        self.seen, self.loss_sum, self.right_sum = 0, 0.0, 0.0

    @override
    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if not self.fixed_rate:
            self.model.optimizer.learning_rate = self.rates[self.step]
        self.step += 1

    @override
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if not np.isfinite(logs["loss"]):
            raise TrainingDivergedError(
                f"The loss is not a finite number after batch {batch + 1} of epoch "
                f"{self.epoch + 1}: the learning rate is probably too high."
            )
        if not self._report_is_due():
            return
        # Keras reports means over the epoch so far; the difference of two sums is exact
        # for the images in between.
        seen = min((batch + 1) * self.batch_size, self.n_train)
        loss_sum, right_sum = float(logs["loss"]) * seen, float(logs["accuracy"]) * seen
        fresh = seen - self.seen
        loss = (loss_sum - self.loss_sum) / fresh
        accuracy = (right_sum - self.right_sum) / fresh
        self.seen, self.loss_sum, self.right_sum = seen, loss_sum, right_sum
        report = BatchReport(
            epoch=self.epoch + 1,
            batch=batch + 1,
            loss=loss,
            accuracy=accuracy,
            n_images=self.epoch * self.n_train + seen,
            seconds=self.seconds + self.reported_at - self.epoch_started,
        )
        self.report(report, self.model)

    def _report_is_due(self) -> bool:
        now = time.perf_counter()
        if now - self.reported_at < self.every_s:
            return False
        self.reported_at = now
        return True

    @override
    def on_test_begin(self, logs: Any = None) -> None:
        self.seconds += time.perf_counter() - self.epoch_started

    @override
    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        if self._report_is_due():
            share = min(1.0, (batch + 1) * VALIDATION_BATCH / self.n_validation)
            self.report(ValidationReport(self.epoch + 1, share), self.model)

    @override
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        finished = EpochReport(
            epoch=epoch + 1,
            loss=float(logs["loss"]),
            accuracy=float(logs["accuracy"]),
            val_loss=float(logs["val_loss"]),
            val_accuracy=float(logs["val_accuracy"]),
            n_images=(epoch + 1) * self.n_train,
            seconds=self.seconds,
        )
        self.history.append(finished)
        self.report(finished, self.model)


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
    """Return what a weights file says of its own making, as safetensors metadata."""
    return {
        "training": training.model_dump_json(),
        "history": json.dumps([asdict(epoch) for epoch in history]),
        "result": json.dumps(dict(result)),
        "data": json.dumps(MNIST_SHA256),
        "versions": json.dumps(
            {
                "keras": keras.__version__,
                "backend": keras.backend.backend(),
                "numpy": np.__version__,
                "python": platform.python_version(),
            }
        ),
    }
