"""Novelty detection: whether an image looks like a digit at all.

A network's ten probabilities add up to one whatever the image. Images that are out of
distribution are detected by two measures. In the input features of the champion's last dense
layer, digits cluster around ten centres, and a letter is far from all of them; the Mahalanobis
distance [1]_ weights directions more in which digits vary less. And digits are close to sums of
a few principal components of the pixels; the residual is small for a digit and large for a
shoe.

References
----------
.. [1] Lee, Lee, Lee and Shin (2018), arXiv:1807.03888: one covariance for all classes, and
   the nearest centre.
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
from cnn_lab.ops.types import Array, as_finite_images

PATH = Path(__file__).with_name("novelty.safetensors")
KEPT = 0.995  # share of the validation digits that must count as digits
RIDGE = 1e-3  # of the mean variance, added where digits hardly vary
N_COMPONENTS = 80  # of 784 components; they explain 89 % of the variance
PART = 500  # images at a time
_ARRAYS = ("centres", "whitening", "usual", "components")
_BOUNDS = ("farthest", "largest", "power")


@dataclass(frozen=True, eq=False)
class NoveltyDetector:
    """Distribution of digits in a network's features and in pixels.

    Attributes
    ----------
    network : Network
        The network whose features are used.
    centres : ndarray of float32, shape (10, features)
        Mean features of each digit, whitened.
    whitening : ndarray of float32, shape (features, features)
        Gives the features unit variance in every direction around their centre.
    usual : ndarray of float32, shape (784,)
        Mean digit.
    components : ndarray of float32, shape (784, 80)
        First principal components of digits, as unit vectors.
    farthest, largest : float
        Bounds of the distance from the nearest centre and of the norm of the residual. Equally
        many validation digits exceed each; together 1 of 200.
    power : float
        Exponent for the residual relative to its bound. It makes both measures equal for the
        median digit, whose residual is closer to its bound than its distance.
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
        """Fit the distribution to training images; see `bounded` for the two bounds."""
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
        """Return a copy with bounds that 99.5 % of these digits do not exceed."""
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
        """Load the shipped distribution, which belongs to the shipped champion."""
        with safe_open(path, framework="numpy") as file:
            card = json.loads(file.metadata()["card"])
            arrays = {name: file.get_tensor(name) for name in _ARRAYS}
        network = Network.load(card["network"])
        bounds = {name: card[name] for name in _BOUNDS}
        return cls(network, **arrays, **bounds)

    def save(self, path: Path = PATH) -> None:
        """Save it to a .safetensors file."""
        card = {"network": self.network.spec.name, "kept": KEPT}
        card |= {name: getattr(self, name) for name in _BOUNDS}
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}
        save_file(arrays, path, metadata={"card": json.dumps(card)})

    def is_of(self, network: Network) -> bool:
        """Return whether a network is the one whose features are used."""
        mine = self.network
        return network is mine or (
            network.spec == mine.spec
            and all(
                np.array_equal(network.weights[name], own) for name, own in mine.weights.items()
            )
        )

    def novelty(self, images: Array, activations: Mapping[str, Array] | None = None) -> Array:
        """Return a measure of how unlike digits images are.

        Parameters
        ----------
        images : ndarray of float32 in [0, 1], shape (n, 28, 28, 1)
            Prepared as in MNIST.
        activations : mapping of str to ndarray, optional
            Outputs of the network's layers for them, if already known.

        Returns
        -------
        ndarray of float, shape (n,)
            Maximum of distance and residual, each relative to its bound, the residual to its
            power; above 1 for images that are not digits.

        Notes
        -----
        One forward pass through the network, and about 0.1 million further multiply-adds.
        """
        distances, rests = self._looks(images, activations)
        rests = (rests / self.largest) ** self.power
        return np.asarray(np.maximum(distances / self.farthest, rests))

    def _looks(self, images: Array, activations: Mapping[str, Array] | None = None) -> Array:
        """Return distance from the nearest centre and norm of the residual, shape (2, n)."""
        images = as_finite_images(images)
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
    """Return the shipped distribution, loaded once."""
    return NoveltyDetector.load()


def features_of(network: Network, images: Array) -> Array:
    """Return the input features of the network's last dense layer, shape (n, features)."""
    parts = [images[start : start + PART] for start in range(0, len(images), PART)]
    return np.concatenate([_before_scores(network, network.activations(part)) for part in parts])


def _before_scores(network: Network, activations: Mapping[str, Array]) -> Array:
    layers = network.spec.layers
    last = [place for place, layer in enumerate(layers) if layer.dense][-1]
    before = layers[last - 1]
    values = activations[before.name]
    return values.reshape(len(values), -1)
