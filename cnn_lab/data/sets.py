"""Data sets for training, whole or in part.

MNIST comes with the lab. The others are in the lab's cache folder once
`keras_download.ensure_data_set` has downloaded them; this module only reads them, without
Keras.

Fashion-MNIST: Zalando SE, MIT. CIFAR-10: Alex Krizhevsky, Vinod Nair and Geoffrey Hinton.
"""

import os
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from cnn_lab.data.mnist import N_TRAIN, Data, DataError, FileData, Split, load_mnist, read_arrays
from cnn_lab.network.initial import stream
from cnn_lab.network.spec import DataSetName, NetworkSpec, Shape, TrainingSpec
from cnn_lab.ops.environment import DATA

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True)
class Info:
    """Facts about a data set that are known without reading it.

    Attributes
    ----------
    title : str
    shape : (int, int, int)
        Height, width and channels of an image.
    class_names : tuple of str
        Names of the classes.
    n_train, n_validation, n_test : int
        Numbers of images; validation is the last tenth of the training file.
    download_bytes : int
        0 for MNIST, which comes with the lab.
    """

    title: str
    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    n_train: int
    n_validation: int
    n_test: int
    download_bytes: int


INFO: dict[DataSetName, Info] = {
    "mnist": Info("MNIST", (28, 28, 1), tuple("0123456789"), N_TRAIN, 6_000, 10_000, 0),
    "fashion_mnist": Info(
        "Fashion-MNIST",
        (28, 28, 1),
        (
            "T-shirt or top",
            "trousers",
            "pullover",
            "dress",
            "coat",
            "sandal",
            "shirt",
            "sneaker",
            "bag",
            "ankle boot",
        ),
        54_000,
        6_000,
        10_000,
        30_878_645,
    ),
    "cifar10": Info(
        "CIFAR-10",
        (32, 32, 3),
        (
            "airplane",
            "car",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck",
        ),
        45_000,
        5_000,
        10_000,
        170_498_071,
    ),
}


@dataclass(frozen=True)
class Fetched(FileData):
    """Data set saved by `keras_download`."""

    name: DataSetName

    def _read(self, pixels_name: str, labels_name: str) -> Split:
        info = INFO[self.name]
        pixels, labels = read_arrays(self.path, pixels_name, labels_name, of=info.title)
        n = info.n_test if pixels_name == "x_test" else info.n_train + info.n_validation
        return checked_split(self.name, Split(pixels, labels), n)


@dataclass(frozen=True)
class Share:
    """Data set with only a share of its training images.

    Attributes
    ----------
    whole : Data
    fraction : float in (0, 1]
    seed : int
        Of the random selection.
    """

    whole: Data
    fraction: float
    seed: int

    @cached_property
    def train(self) -> Split:
        """Selected images, in the order of the file."""
        split = self.whole.train
        drawn = stream(self.seed, "fraction").permutation(len(split))
        chosen = np.sort(drawn[: _share_of(len(split), self.fraction)])
        return split.at(chosen)

    @property
    def validation(self) -> Split:
        """All validation images."""
        return self.whole.validation

    @property
    def test(self) -> Split:
        """All test images."""
        return self.whole.test

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.whole.class_names


def load_data_set(name: DataSetName, fraction: float = 1.0, seed: int = 0) -> Data:
    """Return a data set, with all its training images or a share of them.

    The share is drawn uniformly from all training images, so its classes are distributed like
    theirs, up to chance; with the same seed, a larger share contains every smaller one.
    Validation and test images stay complete, so that networks trained on different shares are
    measured on the same images.

    Parameters
    ----------
    name : {"mnist", "fashion_mnist", "cifar10"}
    fraction : float in (0, 1]
        At least one image is left.
    seed : int
        Of the random selection.

    Raises
    ------
    DataError
        If the set has not been downloaded; or, on first use of a split, if its file is damaged.

    Notes
    -----
    Nothing is read before a split is used; the two sets used last are cached.
    CIFAR-10's training half takes 154 MB, and a share is a copy.
    """
    whole: Data = load_mnist() if name == "mnist" else _fetched(name, data_path(name))
    return whole if fraction == 1 else Share(whole, fraction, seed)


@lru_cache(maxsize=2)
def _fetched(name: DataSetName, path: Path) -> Fetched:
    info = INFO[name]
    if not path.is_file():
        raise DataError(
            f"{info.title} is not on this machine yet. The first run that trains on it downloads "
            f"it ({info.download_bytes / 1e6:.0f} MB)."
        )
    return Fetched(path, info.n_train, info.class_names, name)


def data_path(name: DataSetName) -> Path:
    """Return the file of a downloaded set: in CNN_LAB_DATA, or in the user's cache."""
    return (DATA.value() or cache_folder() / "data") / f"{name}.npz"


def cache_folder() -> Path:
    """Return the lab's folder in the user's cache directory."""
    # Before 0.1.0 it was ~/.cache on macOS too; existing downloads there are still used.
    before = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cnn-lab"
    if before.is_dir():
        return before
    return user_cache_path("cnn-lab", appauthor=False, opinion=False)


def checked_split(name: DataSetName, split: Split, n: int) -> Split:
    """Return a split with int64 labels after checking that it has `n` images of this data set.

    Raises
    ------
    DataError
        If its shape, its type or a label is wrong.
    """
    info = INFO[name]
    height, width, channels = info.shape
    wanted: Shape = (n, height, width) if channels == 1 else (n, *info.shape)
    pixels, labels = split.pixels, split.labels
    if pixels.dtype != np.uint8 or pixels.shape != wanted:
        raise DataError(
            f"{info.title} must hold bytes of shape {wanted} here. "
            f"Received: {pixels.dtype} of shape {pixels.shape}"
        )
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise DataError(
            f"{info.title} must have a whole number for each of {n} images. "
            f"Received: {labels.dtype} of shape {labels.shape}"
        )
    if labels.min() < 0 or labels.max() >= len(info.class_names):
        raise DataError(
            f"{info.title} has classes 0 to {len(info.class_names) - 1}. "
            f"Received: labels from {labels.min()} to {labels.max()}"
        )
    return Split(pixels, labels.astype(np.int64))


def n_training_images(name: DataSetName, fraction: float = 1.0) -> int:
    """Return the number of training images per epoch, without reading any.

    Examples
    --------
    >>> n_training_images("mnist"), n_training_images("cifar10", 0.1)
    (54000, 4500)
    """
    return _share_of(INFO[name].n_train, fraction)


def _share_of(n: int, fraction: float) -> int:
    return max(1, round(fraction * n))


def check_fit(network: NetworkSpec, training: TrainingSpec) -> None:
    """Raise unless the network fits the images and classes of the training's data set.

    Raises
    ------
    ValueError
        The message says what the set needs and what the network has.
    """
    info = INFO[training.data_set]
    if network.input_shape != info.shape:
        height, width, channels = info.shape
        raise ValueError(
            f"The images of {info.title} are {height} x {width} pixels with "
            f"{'one channel' if channels == 1 else f'{channels} channels'}: the network must "
            f"accept exactly these. Received: input_shape={network.input_shape}"
        )
    output_shape = network.summary()[-1].output_shape
    if training.data_set != "mnist" and (training.pens or training.non_digits):
        raise ValueError(
            "Pen digits and non-digits are drawn for MNIST alone. "
            f"Received: data_set={training.data_set!r}"
        )
    if training.non_digits and not network.knows_non_digits:
        raise ValueError(
            "Non-digits need an output of their own: the network must end in 11 probabilities. "
            f"Received: output_shape={output_shape}"
        )
    if not training.non_digits and output_shape != (len(info.class_names),):
        raise ValueError(
            f"{info.title} has {len(info.class_names)} classes: the network must end with one "
            f"number for each of them. Received: output_shape={output_shape}"
        )
