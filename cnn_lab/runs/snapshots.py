"""Snapshots of a network during training: their content and their timing.

Snapshots are computed from the weights in NumPy, so they are the same for both engines.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import overload

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save
from threadpoolctl import ThreadpoolController

from cnn_lab.data.mnist import Data, Split, as_images
from cnn_lab.network import Network
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.types import Array
from cnn_lab.training.evaluation import Counts, confusion_matrix

N_WATCHED = 5
MAX_MAPS_BYTES = N_WATCHED * 28 * 28 * 32
MAX_KERNELS_BYTES = 32_000
MAX_BYTES = 256_000

LARGEST = 1e30  # of a weight or a number in a map; larger ones count as this
_LEVELS = 127  # of a signed byte, so that zero stays zero
_SILENT = "silent/"
_WIRE: dict[str, tuple[str, int]] = {
    "place": ("int64", 1),
    "kernels": ("float32", 4),
    "maps": ("int8", 4),
    "peaks": ("float32", 1),
    "confusion": ("int32", 2),
}

# The number of validation images is chosen for about this much work, within these bounds.
JUDGING_MULTIPLY_ADDS = 4_000_000_000
MIN_JUDGED, MAX_JUDGED = 100, 200
PART = 20  # images at a time, to limit the memory of all layers' maps

SHARE = 0.02
FIRST_SECONDS = 25.0
FIRST_GAP_S = 0.25
DOUBLED_EVERY = 12  # snapshots; 120 of them fill the time limit of a run, an hour
MAX_SNAPSHOTS, KEPT_FOR_EPOCHS = 150, 30


class SnapshotError(ValueError):
    """Raised for bytes that are not a snapshot; the message says what is missing or wrong."""


def watched_classes(class_names: Sequence[str]) -> list[str]:
    """Return the classes of the images in snapshots: every second one, as in `watched`.

    Examples
    --------
    >>> watched_classes("0123456789")
    ['0', '2', '4', '6', '8']
    """
    return list(class_names[::2][:N_WATCHED])


@dataclass(frozen=True, eq=False)
class Snapshot:
    """State of a network at one moment of its training.

    Attributes
    ----------
    n_images, epoch, batch : int
        Images trained on so far, with epoch and batch; all 0 before the first batch.
    kernels : ndarray of float32, shape (kernel_height, kernel_width, channels, filters)
        First filters of the first convolution, as many as fit; (0, 0, 0, 0) for a network without
        one. In a depthwise convolution each kernel is a filter, and channels is 1.
    maps : ndarray of float32, shape (5, height, width, filters)
        Maps of these filters for five images (see `watched`), after normalization and activation
        if these follow the convolution directly.
    confusion : ndarray of int64, shape (classes, classes)
        Confusion matrix of fixed validation images: true classes (rows), predicted (columns).
    n_judged : int
        Number of these images.
    silent : mapping of str to int
        For each convolution followed by ReLU, the number of filters with only zeros for all of
        these images.
    """

    n_images: int
    epoch: int
    batch: int
    kernels: NDArray[np.float32]
    maps: NDArray[np.float32]
    confusion: Counts
    n_judged: int
    silent: Mapping[str, int] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return the snapshot as safetensors, with the maps of each filter in 255 steps."""
        peaks = np.abs(self.maps).max(axis=(0, 1, 2), initial=0).astype(np.float32)
        shares = self.maps / np.where(peaks > 0, peaks, 1)
        place = (self.n_images, self.epoch, self.batch, self.n_judged)
        return save(
            {
                "place": np.array(place, np.int64),
                "kernels": np.ascontiguousarray(self.kernels, np.float32),
                "maps": np.rint(_LEVELS * shares).astype(np.int8),
                "peaks": peaks,
                "confusion": np.ascontiguousarray(self.confusion, np.int32),
                **{_SILENT + name: np.array([n], np.int32) for name, n in self.silent.items()},
            }
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> "Snapshot":
        """Return the snapshot in these bytes.

        Raises
        ------
        SnapshotError
            If the bytes, which are untrusted, are not a snapshot.
        """
        if len(content) > MAX_BYTES:
            raise SnapshotError(
                f"A snapshot has at most {MAX_BYTES:,} bytes. Received: {len(content):,}"
            )
        try:
            arrays = load(content)
        except (SafetensorError, ValueError, TypeError, KeyError) as error:
            raise SnapshotError(f"A snapshot must be safetensors: {error}") from error
        for name, (dtype, n_axes) in _WIRE.items():
            array = arrays.get(name)
            if array is None or array.dtype != dtype or array.ndim != n_axes:
                raise SnapshotError(f"A snapshot needs {name} of {dtype} with {n_axes} axes.")
        silent = {name: array for name, array in arrays.items() if name not in _WIRE}
        if not (_fit_together(arrays) and all(map(_is_count, silent, silent.values()))):
            raise SnapshotError("The parts of this snapshot do not fit together.")
        n_images, epoch, batch, n_judged = map(int, arrays["place"])
        steps = arrays["peaks"] / _LEVELS
        return cls(
            n_images=n_images,
            epoch=epoch,
            batch=batch,
            kernels=arrays["kernels"],
            maps=np.asarray(arrays["maps"] * steps, np.float32),
            confusion=arrays["confusion"].astype(np.int64),
            n_judged=n_judged,
            silent={name.removeprefix(_SILENT): int(n[0]) for name, n in silent.items()},
        )


class Snapshots(Sequence[Snapshot]):
    """Snapshots of a run, oldest first, each unpacked on access."""

    def __init__(self, packed: Sequence[bytes]) -> None:
        self._packed = tuple(packed)

    def __len__(self) -> int:
        """Return the number of snapshots."""
        return len(self._packed)

    @overload
    def __getitem__(self, index: int) -> Snapshot: ...
    @overload
    def __getitem__(self, index: slice) -> "Snapshots": ...
    def __getitem__(self, index: int | slice) -> "Snapshot | Snapshots":
        """Return one snapshot or a slice."""
        if isinstance(index, slice):
            return Snapshots(self._packed[index])
        return _unpacked(self._packed[index])


@lru_cache(maxsize=16)
def _unpacked(packed: bytes) -> Snapshot:
    return Snapshot.from_bytes(packed)


def watched(split: Split) -> NDArray[np.int64]:
    """Return the indices of the five images in snapshots, each the first of its class.

    For ten classes these are the first 0, 2, 4, 6 and 8.
    """
    classes = np.unique(split.labels)[::2]
    chosen = [np.flatnonzero(split.labels == one)[0] for one in classes]
    return np.resize(np.array(chosen, np.int64), N_WATCHED)


class Observer:
    """Observer that takes snapshots of a run within a share of its time.

    Parameters
    ----------
    network : NetworkSpec
    data : Data
        Five of its validation images are shown and about a hundred evaluated, always the same.
    clock : callable
        Returns seconds; measures the cost of a snapshot.
    share : float
        Share of the training time for all snapshots together. In the first 25 seconds, in which a
        network changes most, it is a share of 25 (t / 25)**(1/4) seconds.
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
        n_judged = np.clip(JUDGING_MULTIPLY_ADDS // max(1, work), MIN_JUDGED, MAX_JUDGED)
        self._judged = as_images(validation.pixels[:n_judged])
        self._labels = validation.labels[:n_judged]
        self._shown = as_images(validation.pixels[watched(validation)])
        self._first = _first_convolution(network)
        self._rectified = _rectified(network)
        self._threads = ThreadpoolController()
        self._n = 0
        self._spent = self._cost = self._seconds = self._taken_at = 0.0

    def due(self, seconds: float, *, epoch_ends: bool = False) -> bool:
        """Return whether to take a snapshot now.

        Parameters
        ----------
        seconds : float
            Training time so far without pauses, as in the reports of a run.
        epoch_ends : bool
            Whether an epoch has just been finished. Within an epoch, time is reserved for one at
            its end, and snapshots become rarer: their distance doubles with each dozen.
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
        """Take a snapshot of a network with these weights, whether it is due or not.

        Infinite weights, and numbers computed from them, count as zero.

        Notes
        -----
        A forward pass of 100 to 200 images: 0.05 s for a small network, 0.3 s for the paper's, on
        one core. More threads would compete with those of the engine.
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
        """Return kernels and maps of the first convolution, for as many filters as fit."""
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
        """Return the predicted class of each image, and the silent filters of each convolution."""
        predicted: list[NDArray[np.int64]] = []
        loud: dict[str, NDArray[np.bool_]] = {}
        for start in range(0, len(self._judged), PART):
            made = network.activations(self._judged[start : start + PART])
            for name, rectifier in self._rectified.items():
                heard = np.asarray((made[rectifier] > 0).any(axis=(0, 1, 2)))
                loud[name] = heard | loud.get(name, heard)
            outputs = made[self._network.layers[-1].name]
            predicted.append(self._network.class_probabilities(outputs).argmax(axis=1))
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
        if layer.passes_through or not (layer.keeps_shape and layer.per_map):
            break
        last = layer.name
    return name, last


def _rectified(network: NetworkSpec) -> dict[str, str]:
    """Return the name of the ReLU layer after each convolution that has one."""
    found: dict[str, str] = {}
    convolution = ""
    for layer, row in zip(network.layers, network.summary(), strict=True):
        if layer.convolves:
            convolution = layer.name
        if layer.nonlinearity == "relu" and convolution and len(row.output_shape) == 3:
            found[convolution] = layer.name
    return found


def _finite(values: Array) -> NDArray[np.float32]:
    finite = np.nan_to_num(np.asarray(values, np.float32), nan=0, posinf=0, neginf=0)
    return np.clip(finite, -LARGEST, LARGEST)


def _fit_together(arrays: Mapping[str, Array]) -> bool:
    place, kernels, maps, peaks, confusion = (arrays[name] for name in _WIRE)
    return (
        place.shape == (4,)
        and bool(np.all(place >= 0))
        and kernels.shape[-1:] == maps.shape[-1:] == peaks.shape
        and len(maps) == N_WATCHED
        and bool(np.all(np.abs(kernels) <= np.float32(LARGEST)))
        and bool(np.all((peaks >= 0) & (peaks <= np.float32(LARGEST))))
        and confusion.shape[0] == confusion.shape[1]
        and bool(np.all(confusion >= 0))
        and int(confusion.sum(dtype=np.int64)) == place[3]
    )


def _is_count(name: str, array: Array) -> bool:
    return (
        name.startswith(_SILENT)
        and array.dtype == np.int32
        and array.shape == (1,)
        and bool(array[0] >= 0)
    )
