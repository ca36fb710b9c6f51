"""A network at a moment of its training: what is shown of it, and the same as bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from cnn_lab.ops.types import Array
from cnn_lab.training.evaluation import Counts

N_WATCHED = 5
MAX_MAPS_BYTES = N_WATCHED * 28 * 28 * 32
MAX_KERNELS_BYTES = 32_000
MAX_BYTES = 256_000

_LEVELS = 127  # of a byte with a sign, so that zero stays zero
_SILENT = "silent/"
_WIRE: dict[str, tuple[str, int]] = {
    "place": ("int64", 1),
    "kernels": ("float32", 4),
    "maps": ("int8", 4),
    "peaks": ("float32", 1),
    "confusion": ("int32", 2),
}


class SnapshotError(ValueError):
    """Bytes that are no snapshot; the message says what is missing or wrong."""


def watched_classes(class_names: Sequence[str]) -> list[str]:
    """Return the classes whose images snapshots show: every second one, as `watched` chooses.

    Examples
    --------
    >>> watched_classes("0123456789")
    ['0', '2', '4', '6', '8']
    """
    return list(class_names[::2][:N_WATCHED])


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A network at a moment of its training.

    Attributes
    ----------
    n_images, epoch, batch : int
        Images trained on so far, and where that was; all 0 before the first batch.
    kernels : ndarray of float32, shape (kernel_height, kernel_width, channels, filters)
        Of the first convolution: its first filters, as many as fit; (0, 0, 0, 0) where a
        network has none. Of a depthwise one each kernel is a filter, and channels is 1.
    maps : ndarray of float32, shape (5, height, width, filters)
        What these filters make of five images (see `snapshots.watched`), normalized and
        activated where the layers directly after the convolution do so.
    confusion : ndarray of int64, shape (classes, classes)
        How often each class (row) was read as each (column), of fixed validation images.
    n_judged : int
        How many these are.
    silent : mapping of str to int
        For each convolution that a ReLU follows, how many of its filters made nothing but
        zeros of all images judged.
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
        """Return the snapshot as safetensors, the maps of each filter in 255 steps."""
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
        """Return the snapshot that these bytes are.

        Raises
        ------
        SnapshotError
            If they, which may come from a stranger, are none.
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


def _fit_together(arrays: Mapping[str, Array]) -> bool:
    place, kernels, maps, peaks, confusion = (arrays[name] for name in _WIRE)
    return (
        place.shape == (4,)
        and bool(np.all(place >= 0))
        and kernels.shape[-1:] == maps.shape[-1:] == peaks.shape
        and len(maps) == N_WATCHED
        and bool(np.all(np.isfinite(kernels)))
        and bool(np.all(np.isfinite(peaks) & (peaks >= 0)))
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
