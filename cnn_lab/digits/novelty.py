"""Whether an image looks like a digit at all.

A network's ten probabilities add up to one whatever it is shown. What gives a stranger away is
looked for in two places. Among the features that the champion's last dense layer reads, digits
crowd around ten centres, and a letter lies off all of them: the distance is Mahalanobis's [1]_,
which counts a step for more where digits differ less. And among the pixels themselves, digits
are sums of a few pictures, their principal components; what those leave over is small for a
digit and large for a shoe.

References
----------
.. [1] Lee, Lee, Lee and Shin (2018), arXiv:1807.03888: one covariance for all classes, and the
   nearest centre.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from cnn_lab.network import Network
from cnn_lab.ops.types import Array

PATH = Path(__file__).with_name("novelty.safetensors")
KEPT = 0.995  # of the validation digits: what is stranger than these is called no digit
RIDGE = 1e-3  # of the mean variance, where digits hardly vary at all
N_COMPONENTS = 80  # of the 784 there are; they make up 89 of 100 parts of what digits differ in
PART = 500  # images at a time
_ARRAYS = ("centres", "whitening", "usual", "components")
_BOUNDS = ("farthest", "largest", "power")


@dataclass(frozen=True, eq=False)
class NoveltyDetector:
    """How digits lie among a network's features, and among all images.

    Attributes
    ----------
    network : Network
        Whose features they are.
    centres : ndarray of float32, shape (10, features)
        The mean of each digit's features, whitened.
    whitening : ndarray of float32, shape (features, features)
        Makes the features of digits vary by 1 in every direction around their centre.
    usual : ndarray of float32, shape (784,)
        The mean digit.
    components : ndarray of float32, shape (784, 80)
        What digits differ in most, as unit vectors.
    farthest, largest : float
        The distance from the nearest centre, and the length of what the components leave over,
        that equally many validation digits exceed; together 1 of 200.
    power : float
        Of the second as a share of its bound. It makes the two alike for the median digit, whose
        rest is nearer to its bound than its distance is.
    """

    network: Network
    centres: NDArray[np.float32]
    whitening: NDArray[np.float32]
    usual: NDArray[np.float32]
    components: NDArray[np.float32]
    farthest: float = 1.0
    largest: float = 1.0
    power: float = 1.0

    @classmethod
    def of(cls, network: Network, images: Array, labels: NDArray[np.integer]) -> "NoveltyDetector":
        """Learn how digits lie from training images; see `bounded` for the two bounds."""
        features = features_of(network, images)
        centres = np.stack([features[labels == digit].mean(axis=0) for digit in range(10)])
        spread = _covariance(features - centres[labels])
        spread += RIDGE * np.trace(spread) / len(spread) * np.eye(len(spread))
        whitening = np.linalg.cholesky(np.linalg.inv(spread)).astype(np.float32)
        pixels = images.reshape(len(images), -1)
        usual = pixels.mean(axis=0)
        components = np.linalg.eigh(_covariance(pixels - usual))[1][:, -N_COMPONENTS:]
        whitened = (centres @ whitening).astype(np.float32)
        return cls(network, whitened, whitening, usual, components.astype(np.float32))

    def bounded(self, images: Array) -> "NoveltyDetector":
        """Return the same with bounds that 99.5 of 100 of these digits keep."""
        looks = self._looks(images)
        shares = np.linspace(KEPT, 1, 101)
        for share in shares:
            bounds = np.quantile(looks, share, axis=1)
            if (looks <= bounds[:, np.newaxis]).all(axis=0).mean() >= KEPT:
                break
        farthest, largest = map(float, bounds)
        near, little = np.log(np.median(looks, axis=1) / bounds)
        return replace(self, farthest=farthest, largest=largest, power=float(near / little))

    @classmethod
    def load(cls, path: Path = PATH) -> "NoveltyDetector":
        """Read the shipped one; it goes with the shipped champion."""
        with safe_open(path, framework="numpy") as file:
            card = json.loads(file.metadata()["card"])
            arrays = {name: file.get_tensor(name) for name in _ARRAYS}
        network = Network.load(card["network"])
        bounds = {name: card[name] for name in _BOUNDS}
        return cls(network, **arrays, **bounds)

    def save(self, path: Path = PATH) -> None:
        """Write it to one .safetensors file."""
        card = {"network": self.network.spec.name, "kept": KEPT}
        card |= {name: getattr(self, name) for name in _BOUNDS}
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}
        save_file(arrays, path, metadata={"card": json.dumps(card)})

    def is_of(self, network: Network) -> bool:
        """Tell whether a network is the one whose features are known here."""
        mine = self.network
        return network is mine or (
            network.spec == mine.spec
            and all(
                np.array_equal(network.weights[name], own) for name, own in mine.weights.items()
            )
        )

    def novelty(self, images: Array, activations: Mapping[str, Array] | None = None) -> Array:
        """Return how far images are from being digits.

        Parameters
        ----------
        images : ndarray of float32 in [0, 1], shape (n, 28, 28, 1)
            Prepared as MNIST's are.
        activations : mapping of str to ndarray, optional
            What the network's layers make of them, if that is known already.

        Returns
        -------
        ndarray of float, shape (n,)
            Distance and rest, each as a share of its bound, the rest's to its power, and of these
            the larger: above 1 for what is no digit.

        Notes
        -----
        One pass through the network, and some 0.1 million multiply-adds besides.
        """
        distances, rests = self._looks(images, activations)
        rests = (rests / self.largest) ** self.power
        return np.asarray(np.maximum(distances / self.farthest, rests))

    def _looks(self, images: Array, activations: Mapping[str, Array] | None = None) -> Array:
        """Return distance from the nearest centre and length of the rest, shape (2, n)."""
        if activations is None:
            features = features_of(self.network, images)
        else:
            features = _before_scores(self.network, activations)
        found = features @ self.whitening
        squares = (found**2).sum(axis=1)[:, np.newaxis] + (self.centres**2).sum(axis=1)
        squares -= 2 * found @ self.centres.T
        pixels = images.reshape(len(images), -1) - self.usual
        rest = (pixels**2).sum(axis=1) - ((pixels @ self.components) ** 2).sum(axis=1)
        return np.sqrt(np.maximum([squares.min(axis=1), rest], 0))


def _covariance(around: Array) -> NDArray[np.float64]:
    exact = around.astype(np.float64)
    return np.asarray(exact.T @ exact / len(exact))


@cache
def novelty_detector() -> NoveltyDetector:
    """Return the shipped one, read once."""
    return NoveltyDetector.load()


def features_of(network: Network, images: Array) -> Array:
    """Return what the network's last dense layer reads, shape (n, features)."""
    parts = [images[start : start + PART] for start in range(0, len(images), PART)]
    return np.concatenate([_before_scores(network, network.activations(part)) for part in parts])


def _before_scores(network: Network, activations: Mapping[str, Array]) -> Array:
    layers = network.spec.layers
    last = [place for place, layer in enumerate(layers) if layer.dense][-1]
    before = layers[last - 1]
    values = activations[before.name]
    return values.reshape(len(values), -1)
