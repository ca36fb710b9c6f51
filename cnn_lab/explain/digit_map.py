"""Map of digits by a network's last hidden layer: its first principal components.

Just before its scores a network describes each image by a row of numbers. The directions in
which these rows vary most are the map's axes [1]_; what varies in other directions is lost, and
the map says how much that is.

References
----------
.. [1] Pearson (1901), "On lines and planes of closest fit to systems of points in space".
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from cnn_lab.data.mnist import Split
from cnn_lab.network import Network
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.types import Array

MAPS = Path(__file__).with_name("maps")
EVERY = 5  # the test images whose numbers are multiples of this are on the map
N_AXES = 3
MAX_FEATURES = 10_000
PART = 50  # images at a time
FLAT = 1e-12  # a smaller share of the variance is rounding
_ARRAYS = ("places", "answers", "middle", "axes")


def mapped_digits(test: Split) -> Split:
    """Return the test digits that are on the map: number 0, 5, 10 and so on.

    MNIST's second 5,000 test images are harder than its first; every fifth is fair to both.
    """
    return test.at(slice(0, None, EVERY))


def hidden_layer(network: NetworkSpec) -> str | None:
    """Return the layer whose outputs become the scores.

    Returns
    -------
    str or None
        The layer before the last one that is dense or convolves, not counting those that pass
        numbers on, such as dropout; None if the scores come from the image itself.
    """
    layers = network.layers
    weighing = [i for i, layer in enumerate(layers) if layer.dense or layer.convolves]
    before = layers[: weighing[-1] if weighing else len(layers) - 1]
    names = [layer.name for layer in before if not layer.passes_through]
    return names[-1] if names else None


def n_features(network: NetworkSpec) -> int:
    """Return how many numbers the last hidden layer has."""
    name = hidden_layer(network)
    shape = network.input_shape if name is None else network.find(name)[1].output_shape
    return int(np.prod(shape))


def feature_parts(network: Network, images: Array) -> Iterator[tuple[Array, NDArray[np.int64]]]:
    """Run images through a network, some at a time.

    Parameters
    ----------
    network : Network
    images : ndarray of float32 in [0, 1], shape (n, height, width, channels)

    Yields
    ------
    features : ndarray of float32, shape (n, features)
        Output of the last hidden layer for at most 50 images.
    answers : ndarray of int, shape (n,)
        Their predicted classes.

    Raises
    ------
    ValueError
        If the last hidden layer has more than 10,000 numbers, or some are not finite.

    Notes
    -----
    Computed lazily. 2,000 digits take the paper's network 2 s on one core, the champion 0.5 s.
    """
    found = n_features(network.spec)
    if found > MAX_FEATURES:
        raise ValueError(
            f"The last hidden layer may have at most {MAX_FEATURES:,} numbers. Received: {found:,}"
        )
    hidden, last = hidden_layer(network.spec), network.spec.layers[-1].name
    for start in range(0, len(images), PART):
        part = images[start : start + PART]
        made = network.activations(part)
        features = (part if hidden is None else made[hidden]).reshape(len(part), -1)
        if not np.isfinite(features).all():
            raise ValueError("The numbers of the last hidden layer must be finite.")
        outputs = made[last].reshape(len(part), -1)
        yield features, network.spec.class_probabilities(outputs).argmax(axis=1)


def principal_axes(features: Array, n_axes: int = N_AXES) -> tuple[Array, Array, Array]:
    """Return the mean of rows, and the directions in which they vary most.

    Parameters
    ----------
    features : ndarray of float, shape (n, features)
    n_axes : int

    Returns
    -------
    middle : ndarray of float64, shape (features,)
    axes : ndarray of float64, shape (features, n_axes)
        Orthogonal unit vectors, of most variance first, each with its largest component positive;
        zeros where there is no more variance.
    shares : ndarray of float64, shape (n_axes,)
        Each axis's share of the variance.

    Notes
    -----
    From the eigenvectors of the smaller of two matrices, features by features or rows by rows.

    Examples
    --------
    >>> middle, axes, shares = principal_axes(np.array([[0.0, 1.0], [2.0, 1.0]]), 2)
    >>> middle, axes.tolist(), shares
    (array([1., 1.]), [[1.0, 0.0], [0.0, 0.0]], array([1., 0.]))
    """
    middle = features.mean(axis=0, dtype=np.float64)
    around = features - middle
    total = float(np.square(around).sum())
    axes = np.zeros((features.shape[1], n_axes))
    shares = np.zeros(n_axes)
    if total == 0:
        return middle, axes, shares
    is_wide = around.shape[0] < around.shape[1]
    values, vectors = np.linalg.eigh(around @ around.T if is_wide else around.T @ around)
    for i, at in enumerate(reversed(range(max(0, len(values) - n_axes), len(values)))):
        share = float(values[at]) / total
        if share <= FLAT:
            break
        axis = around.T @ vectors[:, at] if is_wide else vectors[:, at]
        axis = axis / np.linalg.norm(axis)
        axes[:, i] = axis * np.sign(axis[np.abs(axis).argmax()])
        shares[i] = share
    return middle, axes, shares


def neighbour_agreement(rows: Array, labels: NDArray[np.integer]) -> float:
    """Return the share of rows whose nearest other row has the same label.

    Notes
    -----
    All pairs are compared: 0.2 s and 64 MB for 2,000 rows.

    Examples
    --------
    >>> neighbour_agreement(np.array([[0.0], [1.0], [5.0], [7.0]]), np.array([3, 3, 3, 8]))
    0.5
    """
    exact = rows - rows.mean(axis=0, dtype=np.float64)
    squares = np.square(exact).sum(axis=1)
    apart = squares[:, np.newaxis] + squares - 2 * exact @ exact.T
    np.fill_diagonal(apart, np.inf)
    return float((labels[apart.argmin(axis=1)] == labels).mean())


@dataclass(frozen=True, eq=False)
class DigitMap:
    """Places of digits by what a network makes of them.

    Attributes
    ----------
    places : ndarray of float32, shape (n, 3)
        Each digit's distance from the mean along the axes.
    answers : ndarray of uint8, shape (n,)
        The classes that the network predicts.
    middle : ndarray of float32, shape (features,)
        Mean of the digits' hidden numbers.
    axes : ndarray of float32, shape (features, 3)
    shares : tuple of float
        Each axis's share of the variance.
    agreements : tuple of float
        Share of the digits whose nearest other digit has the same label: with the first one, two
        and three axes, and with all hidden numbers.
    weights : str
        Hash of the network's weights.
    """

    places: NDArray[np.float32]
    answers: NDArray[np.uint8]
    middle: NDArray[np.float32]
    axes: NDArray[np.float32]
    shares: tuple[float, ...]
    agreements: tuple[float, ...]
    weights: str

    @classmethod
    def of(
        cls,
        network: Network,
        features: Array,
        answers: NDArray[np.integer],
        labels: NDArray[np.integer],
    ) -> "DigitMap":
        """Compute the map of digits from their hidden numbers, predictions and labels.

        Notes
        -----
        A second for 2,000 digits.
        """
        middle, axes, shares = principal_axes(features)
        places = (features - middle) @ axes
        agreements = [
            *(neighbour_agreement(places[:, :n], labels) for n in range(1, N_AXES + 1)),
            neighbour_agreement(features, labels),
        ]
        return cls(
            places.astype(np.float32),
            answers.astype(np.uint8),
            middle.astype(np.float32),
            axes.astype(np.float32),
            tuple(shares.tolist()),
            tuple(agreements),
            network.weights_digest(),
        )

    @classmethod
    def load(cls, name: str) -> "DigitMap":
        """Load the map of a shipped network."""
        with safe_open(MAPS / f"{name}.safetensors", framework="numpy") as file:
            card = json.loads(file.metadata()["card"])
            arrays = {each: file.get_tensor(each) for each in _ARRAYS}
        return cls(
            **arrays,
            shares=tuple(card["shares"]),
            agreements=tuple(card["agreements"]),
            weights=card["weights"],
        )

    def save(self, name: str) -> None:
        """Save it as the map of a shipped network."""
        card = {"shares": self.shares, "agreements": self.agreements, "weights": self.weights}
        arrays = {each: np.ascontiguousarray(getattr(self, each)) for each in _ARRAYS}
        save_file(arrays, MAPS / f"{name}.safetensors", metadata={"card": json.dumps(card)})

    def place(self, features: Array) -> Array:
        """Return where images belong on the map, shape (n, 3), by their hidden numbers."""
        return np.asarray((features - self.middle) @ self.axes)
