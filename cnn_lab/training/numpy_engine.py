"""NumPy engine: training without Keras and TensorFlow."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from cnn_lab.network import Network
from cnn_lab.network.initial import packed, stream, unpack
from cnn_lab.network.layers.base import Gradients
from cnn_lab.network.layers.normalization import Parts, PartsBack
from cnn_lab.network.passes import backward, forward, label_loss
from cnn_lab.network.spec import NetworkSpec, TrainingSpec
from cnn_lab.ops.memory import keep_freed
from cnn_lab.ops.types import Array
from cnn_lab.training.engine import EngineName, Labels, State, Weights, check_state
from cnn_lab.training.optimizers import Optimizer

PART = 32  # images per core at a time

Result = TypeVar("Result")


class NumpyEngine:
    """Network that learns one batch at a time; see `cnn_lab.training.engine.Engine`.

    Parameters
    ----------
    network, training : NetworkSpec, TrainingSpec

    Notes
    -----
    A batch is split into parts of 32 images on any machine, and the parts are distributed to its
    cores, each with its own matrix products; the gradients are summed in the order of the parts.
    Only batch normalization uses all parts at once.

    Initial weights and batches are the same as with Keras, so the curves of both agree to the last
    digits of single precision, as long as there is no dropout: each engine has its own random
    numbers for dropout.
    """

    name: EngineName = "numpy"

    def __init__(self, network: NetworkSpec, training: TrainingSpec) -> None:
        keep_freed()
        self.network, self.training = network, training
        self.versions: dict[str, str] = {}
        self._stages = _stages(network.scoring_layers)
        shapes = network.weight_shapes()
        self._weights = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        learned = {n: w for n, w in self._weights.items() if n not in network.untrained}
        self._optimizer = Optimizer(training, learned)
        n_parts = -(-training.batch_size // PART)
        self._drops = stream(training.seed, "dropout").spawn(n_parts)
        self._threads = ThreadPoolExecutor(_n_cores(), thread_name_prefix="numpy-engine")
        self._blas = ThreadpoolController()

    def step(self, images: Array, labels: Labels, rate: float) -> tuple[float, int]:
        """Learn from one batch and return its (mean loss, correct answers) before the step."""
        with self._one_thread_each():
            loss, n_correct, gradients = self._learn(images, labels)
            self._optimizer.apply(gradients, rate)
        return loss, n_correct

    def evaluate(self, images: Array, labels: Labels) -> tuple[float, int]:
        """Return (mean loss, correct answers) of one batch without learning from it."""

        def judged(part: Array, targets: Array) -> tuple[float, int]:
            for step in forward(self.network.scoring_layers, part, self._weights):
                part = step.values
            loss, _ = label_loss(self.network, part, targets)
            return loss * len(part), _n_correct(part, targets)

        with self._one_thread_each():
            found = self._each(judged, _parts(images), _parts(self._targets(labels)))
        losses, n_correct = zip(*found, strict=True)
        return sum(losses) / len(labels), sum(n_correct)

    def predict(self, images: Array) -> Array:
        """Return the class probabilities of any number of images, shape (n, classes)."""
        return Network(self.network, self._weights).predict(images)

    def weights(self) -> dict[str, Array]:
        """Return copies of the weights by "layer/weight"."""
        return {name: weight.copy() for name, weight in self._weights.items()}

    def set_weights(self, weights: Weights) -> None:
        """Replace the weights by those given, named "layer/weight"."""
        for name, weight in self._weights.items():
            weight[...] = weights[name]

    def state(self) -> State:
        """Return copies of all that the next step depends on, weights included, by any names."""
        return {
            **{f"weights/{name}": values for name, values in self.weights().items()},
            **{f"optimizer/{name}": values for name, values in self._optimizer.state().items()},
            **{f"dropout/{at}": packed(drops) for at, drops in enumerate(self._drops)},
        }

    def set_state(self, state: State) -> None:
        """Go on from what `state` of an engine with the same specs has returned."""
        now = self.state()
        check_state(state, {name: values.shape for name, values in now.items()})
        self.set_weights({name: state[f"weights/{name}"] for name in self._weights})
        self._optimizer.set_state(
            {name: state[f"optimizer/{name}"] for name in self._optimizer.state()}
        )
        for at, drops in enumerate(self._drops):
            unpack(state[f"dropout/{at}"], drops)

    def change(self, training: TrainingSpec, dropout: float | None) -> None:
        """Learn with another label smoothing, weight decay and dropout from the next step on."""
        self.training = training
        self._optimizer.set_decay(training)
        if dropout is not None:
            self._stages = _stages(
                [
                    layer.model_copy(update={"rate": dropout}) if layer.drops else layer
                    for layer in self.network.scoring_layers
                ]
            )

    def _learn(self, images: Array, labels: Labels) -> tuple[float, int, Gradients]:
        """Return mean loss, correct answers and gradients; update the moving averages."""
        parts, targets = _parts(images), _parts(self._targets(labels))
        backs = []
        for stage in self._stages:
            parts, back = self._forward(stage, parts)
            backs.append(back)
        found = [label_loss(self.network, *of) for of in zip(parts, targets, strict=True)]
        shares = [len(part) / len(images) for part in parts]
        loss = sum(share * loss for share, (loss, _) in zip(shares, found, strict=True))
        grads = [np.float32(share) * grad for share, (_, grad) in zip(shares, found, strict=True)]
        gradients: Gradients = {}
        while backs:
            back = backs.pop()
            grads, of_stage = back(grads, bool(backs))
            gradients |= of_stage
        return loss, sum(map(_n_correct, parts, targets)), gradients

    def _forward(self, stage: tuple[Any, ...], parts: Parts) -> tuple[Parts, PartsBack]:
        if stage[0].normalizes:
            return self._normalize(stage[0], parts)
        weights = self._weights
        steps = self._each(
            lambda part, drops: list(forward(stage, part, weights, drops)), parts, self._drops
        )

        def back(grads: Parts, onward: bool) -> tuple[Parts, Gradients]:
            found = self._each(
                lambda steps, grad: backward(steps, grad, onward=onward), steps, grads
            )
            return [grad for grad, _ in found], _added([gradients for _, gradients in found])

        return [of_part[-1].values for of_part in steps], back

    def _normalize(self, layer: Any, parts: Parts) -> tuple[Parts, PartsBack]:
        result, back_to = layer.forward_batch(parts, layer.own_weights(self._weights), self._each)

        def back(grads: Parts, onward: bool) -> tuple[Parts, Gradients]:
            grads, found = back_to(grads, onward)
            return grads, {f"{layer.name}/{weight}": values for weight, values in found.items()}

        return result, back

    def _targets(self, labels: Labels) -> Array:
        n_outputs, smoothing = self.network.n_outputs, self.training.label_smoothing
        sure = np.eye(n_outputs, dtype=np.float32)[labels]
        return sure * np.float32(1 - smoothing) + np.float32(smoothing / n_outputs)

    def _each(self, work: Callable[..., Result], *parts: Sequence[Any]) -> list[Result]:
        """Call a function for each part, on all cores in parallel."""

        def quietly(*of_part: Any) -> Result:
            # An overflow shows in the loss, and the loop reports it.
            with np.errstate(all="ignore"):
                return work(*of_part)

        return list(self._threads.map(quietly, *parts))

    @contextmanager
    def _one_thread_each(self) -> Iterator[None]:
        """Limit each matrix product to one thread."""
        with self._blas.limit(limits=1, user_api="blas"), np.errstate(all="ignore"):
            yield


def _stages(layers: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Split layers where the parts meet: before and after each batch normalization."""
    stages: list[tuple[Any, ...]] = []
    for layer in layers:
        if layer.normalizes or not stages or stages[-1][-1].normalizes:
            stages.append((layer,))
        else:
            stages[-1] += (layer,)
    return stages


def _parts(batch: Array) -> Parts:
    return [batch[start : start + PART] for start in range(0, len(batch), PART)]


def _added(gradients: Sequence[Gradients]) -> Gradients:
    total, *others = gradients
    for other in others:
        for name, values in other.items():
            total[name] += values
    return total


def _n_correct(scores: Array, targets: Array) -> int:
    return int(np.count_nonzero(scores.argmax(axis=1) == targets.argmax(axis=1)))


def _n_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
