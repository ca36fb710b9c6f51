"""Labelled images, and MNIST from the bundled file, verified by hashes of the original.

MNIST: Yann LeCun and Corinna Cortes, CC BY-SA 3.0.
"""

import hashlib
import struct
import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

MNIST_PATH = Path(__file__).with_name("mnist.npz")
N_TRAIN = 54_000
MAX_BYTES = 2**28  # of a file's arrays; CIFAR-10, the largest, has 184 million

# sha256 of the original IDX files, uncompressed.
MNIST_SHA256 = {
    "x_train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "y_train": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "x_test": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "y_test": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


class DataError(ValueError):
    """Raised when a data file is missing or invalid."""


@dataclass(frozen=True)
class Split:
    """Images with their labels, kept as bytes until floats are needed.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (n, height, width) or (n, height, width, 3)
        Grey, 0 the background and 255 full ink; or red, green and blue.
    labels : ndarray of int64, shape (n,)
    """

    pixels: Bytes
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    @property
    def images(self) -> NDArray[np.float32]:
        """All images as new float32 arrays in [0, 1], shape (n, height, width, channels)."""
        return as_images(self.pixels)

    def at(self, chosen: slice | NDArray[np.intp]) -> "Split":
        """Return some of the images with their labels."""
        return Split(self.pixels[chosen], self.labels[chosen])

    def image(self, index: int) -> NDArray[np.float32]:
        """Return one image as float32 in [0, 1], shape (height, width, channels)."""
        image: NDArray[np.float32] = as_images(self.pixels[index][np.newaxis])[0]
        return image


class Data(Protocol):
    """Images for training, validation and test.

    A split may be read from disk on first use, and then raise DataError.
    """

    @property
    def train(self) -> Split:
        """Training images."""

    @property
    def validation(self) -> Split:
        """Validation images, evaluated after each epoch."""

    @property
    def test(self) -> Split:
        """Test images, used once after training."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes."""


@dataclass(frozen=True)
class FileData(ABC):
    """Data set in one file; each half is read on first use.

    Attributes
    ----------
    path : Path
    n_train : int
        Training images; the rest of the training half is for validation.
    class_names : tuple of str
    """

    path: Path
    n_train: int
    class_names: tuple[str, ...]

    @property
    def train(self) -> Split:
        """The beginning of the training half."""
        return self._training_half.at(slice(self.n_train))

    @property
    def validation(self) -> Split:
        """The end of the training half."""
        return self._training_half.at(slice(self.n_train, None))

    @cached_property
    def test(self) -> Split:
        """The test half."""
        return self._read("x_test", "y_test")

    @cached_property
    def _training_half(self) -> Split:
        return self._read("x_train", "y_train")

    @abstractmethod
    def _read(self, pixels_name: str, labels_name: str) -> Split:
        """Return one half, checked."""


@dataclass(frozen=True)
class Mnist(FileData):
    """MNIST: 54,000 training, 6,000 validation and 10,000 test images.

    The last tenth of the training file is validation, as in the source paper.
    """

    path: Path = MNIST_PATH
    n_train: int = N_TRAIN
    class_names: tuple[str, ...] = tuple("0123456789")

    def _read(self, pixels_name: str, labels_name: str) -> Split:
        pixels, labels = read_arrays(self.path, pixels_name, labels_name, of="MNIST")
        for name, array in ((pixels_name, pixels), (labels_name, labels)):
            if idx_sha256(array) != MNIST_SHA256[name]:
                raise DataError(
                    f"The array {name} in {self.path.name} is not the original MNIST: "
                    "its hash differs. Restore the file from the repository."
                )
        return Split(pixels, labels.astype(np.int64))


def as_images(pixels: Bytes) -> NDArray[np.float32]:
    """Return bytes as float32 in [0, 1] with a channel axis.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (n, height, width) or (n, height, width, channels)

    Returns
    -------
    ndarray of float32, shape (n, height, width, channels)

    Examples
    --------
    >>> grey, colour = np.zeros((5, 28, 28), np.uint8), np.zeros((5, 32, 32, 3), np.uint8)
    >>> as_images(grey).shape, as_images(colour).shape
    ((5, 28, 28, 1), (5, 32, 32, 3))
    """
    channels_last = pixels if pixels.ndim == 4 else pixels[..., np.newaxis]
    return np.asarray(channels_last / np.float32(255), np.float32)


# All that NumPy and zipfile raise on damaged files.
_DAMAGED = (
    OSError,
    KeyError,
    TypeError,
    ValueError,
    EOFError,
    MemoryError,
    OverflowError,
    NotImplementedError,
    BadZipFile,
    zlib.error,
)


def read_arrays(path: Path, *names: str, of: str) -> list[NDArray[Any]]:
    """Return arrays of an .npz file, without running code from it.

    Raises
    ------
    DataError
        If the file or an array is missing, or the file is damaged or unpacks to more than
        `MAX_BYTES`; `of` names its contents.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            size = sum(entry.file_size for entry in arrays.zip.infolist())
            if size > MAX_BYTES:
                raise ValueError(
                    f"it must unpack to at most {MAX_BYTES:,} bytes. Received: {size:,}"
                )
            return [arrays[name] for name in names]
    except _DAMAGED as error:
        raise DataError(f"{of} could not be read from {path.name}: {error}") from error


def idx_sha256(array: NDArray[Any]) -> str:
    """Return the sha256 of `array` written as an IDX file of unsigned bytes.

    References
    ----------
    .. [1] The IDX format as described with the MNIST database: two zero bytes, 0x08 for
       unsigned bytes, the number of axes, each length as a big-endian int32, the data.
    """
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    digest = hashlib.sha256(header)
    digest.update(np.ascontiguousarray(array, np.uint8).data)
    return digest.hexdigest()


@lru_cache(maxsize=1)
def load_mnist() -> Mnist:
    """Return MNIST: 54,000 training, 6,000 validation and 10,000 test images.

    Raises
    ------
    DataError
        On first use of a split, if the bundled file is missing or altered.

    Notes
    -----
    Nothing is read before a split is used. The test half takes 8 MB, the training half 47 MB.
    """
    return Mnist()
