"""Style of a drawing: which way to write a digit it resembles most.

The styles are those of the parametric pen. In the last hidden layer of a network, drawings of a
style cluster around a centre; the Mahalanobis distance, with one covariance for all styles, gives
less weight to directions in which drawings of the same style differ. The nearest centre is the
style, unless it is farther than nearly all of the pen's own drawings are from theirs.

Whose features: of 980 drawings of other seeds, those of the champion found the digit and the family
of 86.7 %, those of `fast` of 84.8 % and those of `paper` of 80.8 %; of 300 letters, scribbles and
other non-digits, they gave a style to none, 19 % and 34 % (`python -m benchmarks.pen_styles`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnn_lab.data.mnist import as_images
from cnn_lab.data.pens import STYLES, pen_digits
from cnn_lab.explain.digit_map import feature_parts
from cnn_lab.network import Network
from cnn_lab.ops.types import Array, Images

SEED = 11
N_EACH, N_HELD_OUT = 24, 6  # drawings of each style, for the centres and for the bound
RIDGE = 0.02  # of the mean variance, added where drawings hardly differ
KEPT = 0.99  # share of the drawings held out that have a style
NAMES = tuple(STYLES)


@dataclass(frozen=True, eq=False)
class StyleFinder:
    """Where the pen's styles lie among a network's features.

    Attributes
    ----------
    network : Network
    whitening : ndarray of float32, shape (features, features)
        Gives drawings of a style unit variance in every direction.
    centres : ndarray of float32, shape (49, features)
        Of the styles in the order of `NAMES`, whitened.
    farthest : float
        Distance beyond which a drawing has no style.
    """

    network: Network
    whitening: NDArray[np.float32]
    centres: NDArray[np.float32]
    farthest: float

    @classmethod
    def of(cls, network: Network) -> "StyleFinder":
        """Find where the styles lie.

        Notes
        -----
        Draws 1,470 digits and runs them through the network: a second on one core with the
        champion.
        """
        n = N_EACH + N_HELD_OUT
        pixels = [pen_digits(n, seed=SEED, styles=[name])[0] for name in NAMES]
        every = _features(network, as_images(np.concatenate(pixels)))
        every = every.reshape(len(NAMES), n, -1)
        own = every[:, :N_EACH]
        centres = own.mean(axis=1)
        apart = (own - centres[:, np.newaxis]).reshape(-1, own.shape[-1])
        spread = apart.T @ apart / len(apart)
        spread += RIDGE * np.trace(spread) / len(spread) * np.eye(len(spread))
        whitening = np.linalg.inv(np.linalg.cholesky(spread)).T.astype(np.float32)
        finder = cls(network, whitening, (centres @ whitening).astype(np.float32), np.inf)
        held_out = every[:, N_EACH:].reshape(-1, own.shape[-1])
        nearest = finder._distances(held_out).min(axis=1)
        return cls(network, whitening, finder.centres, float(np.quantile(nearest, KEPT)))

    def find(self, image: Array, *, digit: int | None = None) -> str | None:
        """Return the style that a drawing resembles most.

        Parameters
        ----------
        image : ndarray of float32 in [0, 1], shape (28, 28)
            Prepared as in MNIST.
        digit : int, optional
            Only styles of this digit are compared.

        Returns
        -------
        str or None
            In `cnn_lab.data.pens.STYLES`; None if the drawing is far from every style compared.

        Notes
        -----
        One forward pass through the network.
        """
        features = _features(
            self.network, np.asarray(image, np.float32)[np.newaxis, ..., np.newaxis]
        )
        distances = self._distances(features)[0]
        if digit is not None:
            compared = [style.digit == digit for style in STYLES.values()]
            distances = np.where(compared, distances, np.inf)
        nearest = int(distances.argmin())
        return NAMES[nearest] if distances[nearest] <= self.farthest else None

    def _distances(self, features: Array) -> NDArray[np.float64]:
        """Return the distance of each row from each centre, shape (n, 49)."""
        whitened, centres = features @ self.whitening, self.centres
        squares = (whitened**2).sum(axis=1)[:, np.newaxis] + (centres**2).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(squares - 2 * whitened @ centres.T, 0)), np.float64)


def n_styles(digit: int) -> int:
    """Return how many ways to write a digit are compared."""
    return sum(style.digit == digit for style in STYLES.values())


def _features(network: Network, images: Images) -> Array:
    return np.concatenate([features for features, _ in feature_parts(network, images)])
