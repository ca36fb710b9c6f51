"""What moves along with the image, layer by layer, and what stays as it was."""

from dataclasses import dataclass

import numpy as np

from cnn_lab.explain.changes import changed, equivariance
from cnn_lab.network import Network
from cnn_lab.ops.types import Array


@dataclass(frozen=True)
class Following:
    """How a layer takes a shift of the image.

    Attributes
    ----------
    layer : str
    astray : float or None
        How far its maps are from those before, moved along: 0 is equivariant. None where
        there are no maps.
    change : float
        How far its numbers are from those before, place by place: 0 is invariant.
    """

    layer: str
    astray: float | None
    change: float


def following(network: Network, image: Array, shift: tuple[float, float]) -> list[Following]:
    """Return how each layer takes a shift.

    Parameters
    ----------
    network : Network
    image : ndarray of float32 in [0, 1], shape (height, width, channels)
    shift : (float, float)
        Pixels (down, right).

    Returns
    -------
    list of Following
        Without layers that hand on what they are given.

    Notes
    -----
    Two images through the network for each layer with maps: 40 ms for the paper's.
    """
    pair = np.stack([image, changed(image[np.newaxis], shift=shift)[0]])
    made = network.activations(pair)
    rows = []
    for layer in network.spec.layers:
        if layer.type in ("Dropout", "Flatten"):
            continue
        before, after = made[layer.name]
        astray = equivariance(network, image, layer.name, shift) if before.ndim == 3 else None
        rows.append(Following(layer.name, astray, _apart(before, after)))
    return rows


def _apart(before: Array, after: Array) -> float:
    """Return the length of a difference over that of the longer one."""
    longer = max(float(np.linalg.norm(before)), float(np.linalg.norm(after)))
    return float(np.linalg.norm(before - after)) / longer if longer else 0.0
