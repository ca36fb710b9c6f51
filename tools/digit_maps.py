"""Compute the digit maps of the shipped networks: `python -m tools.digit_maps`."""

import numpy as np

from cnn_lab.data.mnist import load_mnist
from cnn_lab.explain.digit_map import DigitMap, feature_parts, mapped_digits
from cnn_lab.network import MODELS, Network


def write(network: Network) -> DigitMap:
    """Compute a shipped network's map and save it where the app looks for it."""
    digits = mapped_digits(load_mnist().test)
    features, answers = map(
        np.concatenate, zip(*feature_parts(network, digits.images), strict=True)
    )
    made = DigitMap.of(network, features, answers, digits.labels)
    made.save(network.spec.name)
    return made


def main() -> None:
    for path in sorted(MODELS.glob("*.safetensors")):
        made = write(Network.load(path))
        shares = " + ".join(f"{share:.1%}" for share in made.shares)
        print(f"{path.stem}: {shares} of the variance; same class nearest {made.agreements}")


if __name__ == "__main__":
    main()
