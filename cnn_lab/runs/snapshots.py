"""Who takes snapshots of a run, and when the moment for one has come.

A snapshot is made from the weights alone, in NumPy, so it is the same whichever engine trains.
"""

import time
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from cnn_lab.data.mnist import Data, Split, as_images
from cnn_lab.network import Network
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.types import Array
from cnn_lab.runs.snapshot import (
    MAX_KERNELS_BYTES,
    MAX_MAPS_BYTES,
    N_WATCHED,
    Snapshot,
    SnapshotError,
)
from cnn_lab.training.evaluation import confusion_matrix

__all__ = ["Observer", "Snapshot", "SnapshotError", "watched"]

# The images judged are worth about this much arithmetic, within these bounds.
JUDGING_MULTIPLY_ADDS = 4_000_000_000
FEWEST_JUDGED, MAX_JUDGED = 100, 200
PART = 20  # images at a time, to limit the memory of all layers' maps

SHARE = 0.02
FIRST_SECONDS = 25.0
FIRST_GAP_S = 0.25
DOUBLED_EVERY = 12  # snapshots: 120 of them fill the hour that a run may take
MAX_SNAPSHOTS, KEPT_FOR_EPOCHS = 150, 30


def watched(split: Split) -> NDArray[np.int64]:
    """Return which five images of a split the snapshots show, each the first of its class.

    For ten classes these are the first 0, 2, 4, 6 and 8.
    """
    classes = np.unique(split.labels)[::2]
    chosen = [np.flatnonzero(split.labels == one)[0] for one in classes]
    return np.resize(np.array(chosen, np.int64), N_WATCHED)


class Observer:
    """Takes snapshots of a run, and knows when the next one can be afforded.

    Parameters
    ----------
    network : NetworkSpec
    data : Data
        Of its validation images five are shown and some hundred judged, always the same.
    clock : callable
        Returns seconds; what a snapshot costs is measured with it.
    share : float
        Of the time spent on training, what all snapshots together may take. In the first 25
        seconds, in which a network changes most, it is a share of 25 (t / 25)**(1/4) seconds.
    """

    def __init__(
        self,
        network: NetworkSpec,
        data: Data,
        *,
        clock: Callable[[], float] = time.perf_counter,
        share: float = SHARE,
    ) -> None:
        self._network, self._clock, self._share = network, clock, share
        validation = data.validation
        work = sum(row.multiply_adds for row in network.summary())
        n_judged = np.clip(JUDGING_MULTIPLY_ADDS // max(1, work), FEWEST_JUDGED, MAX_JUDGED)
        self._judged = as_images(validation.pixels[:n_judged])
        self._labels = validation.labels[:n_judged]
        self._shown = as_images(validation.pixels[watched(validation)])
        self._first = _first_convolution(network)
        self._rectified = _rectified(network)
        self._threads = ThreadpoolController()
        self._n = 0
        self._spent = self._cost = self._seconds = self._taken_at = 0.0

    def due(self, seconds: float, *, epoch_ends: bool = False) -> bool:
        """Return whether a snapshot is to be taken now.

        Parameters
        ----------
        seconds : float
            Spent on training so far, as the reports of a run have it: without pauses.
        epoch_ends : bool
            Whether an epoch has just been finished. Within an epoch enough is left over for
            one at its end, and snapshots grow rarer: their distance doubles with each dozen.
        """
        self._seconds = seconds
        counted = max(seconds, FIRST_SECONDS**0.75 * seconds**0.25)
        allowed = self._share * counted
        if epoch_ends:
            return self._n < MAX_SNAPSHOTS and self._spent + self._cost <= allowed
        gap = FIRST_GAP_S * 2.0 ** (self._n // DOUBLED_EVERY)
        return (
            self._n < MAX_SNAPSHOTS - KEPT_FOR_EPOCHS
            and seconds - self._taken_at >= gap
            and self._spent + 2 * self._cost <= allowed
        )

    def take(self, n_images: int, epoch: int, batch: int, weights: Mapping[str, Array]) -> Snapshot:
        """Return a snapshot of a network with these weights, whether it is due or not.

        Weights that have grown beyond all bounds, and what comes of them, count as zero.

        Notes
        -----
        100 to 200 images through the network: 0.05 s for a small one, 0.3 s for the paper's,
        on one core. With more, its threads and those of the engine that has just paused would
        wait for each other.
        """
        began = self._clock()
        network = Network(self._network, weights)
        with self._threads.limit(limits=1, user_api="blas"), np.errstate(all="ignore"):
            kernels, maps = self._first_layer(network)
            predicted, silent = self._judge(network)
        confusion = confusion_matrix(self._labels, predicted, self._network.n_classes)
        self._n += 1
        self._taken_at = self._seconds
        self._cost = self._clock() - began
        self._spent += self._cost
        return Snapshot(n_images, epoch, batch, kernels, maps, confusion, len(self._labels), silent)

    def _first_layer(self, network: Network) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return kernels and maps of the first convolution, of as many filters as fit."""
        if self._first is None:
            return np.zeros((0, 0, 0, 0), np.float32), np.zeros((N_WATCHED, 0, 0, 0), np.float32)
        name, last = self._first
        kernels = network.weights[f"{name}/kernel"]
        maps = network.activations(self._shown)[last]
        if kernels.shape[-1] != maps.shape[-1]:  # depthwise: filters of each channel
            kernels = kernels.reshape(*kernels.shape[:2], 1, -1)
        n = min(MAX_MAPS_BYTES // maps[..., 0].size, MAX_KERNELS_BYTES // kernels[..., 0].nbytes)
        shown = slice(max(1, n))
        return _finite(kernels[..., shown]), _finite(maps[..., shown])

    def _judge(self, network: Network) -> tuple[NDArray[np.int64], dict[str, int]]:
        """Return the class read in each image, and the silent filters of each convolution."""
        predicted: list[NDArray[np.int64]] = []
        loud: dict[str, NDArray[np.bool_]] = {}
        for start in range(0, len(self._judged), PART):
            made = network.activations(self._judged[start : start + PART])
            for name, rectifier in self._rectified.items():
                heard = np.asarray((made[rectifier] > 0).any(axis=(0, 1, 2)))
                loud[name] = heard | loud.get(name, heard)
            predicted.append(made[self._network.layers[-1].name].argmax(axis=1))
        silent = {name: int(np.count_nonzero(~ever)) for name, ever in loud.items()}
        return np.concatenate(predicted), silent


def _first_convolution(network: NetworkSpec) -> tuple[str, str] | None:
    """Return the names of the first convolution and of the last layer that belongs to it."""
    layers = iter(network.layers)
    name = next((layer.name for layer in layers if layer.convolves), None)
    if name is None:
        return None
    last = name
    for layer in layers:
        if layer.hands_on or not (layer.keeps_shape and layer.per_map):
            break
        last = layer.name
    return name, last


def _rectified(network: NetworkSpec) -> dict[str, str]:
    """Return for each convolution that a ReLU follows the name of the layer that rectifies."""
    found: dict[str, str] = {}
    convolution = ""
    for layer, row in zip(network.layers, network.summary(), strict=True):
        if layer.convolves:
            convolution = layer.name
        if layer.nonlinearity == "relu" and convolution and len(row.output_shape) == 3:
            found[convolution] = layer.name
    return found


def _finite(values: Array) -> NDArray[np.float32]:
    return np.nan_to_num(np.asarray(values, np.float32), nan=0, posinf=0, neginf=0)
