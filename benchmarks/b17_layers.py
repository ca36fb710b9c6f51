"""B17: every layer in NumPy and in Keras, with the same weights, to the last digits.

The shipped networks read test digits, and every type of layer that a spec knows reads random
numbers. Each layer's difference counts as a part of the largest number in its result.
"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from benchmarks.report import Row, report
from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import MODELS, Network, spec
from cnn_lab.network.initial import initial_weights
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.types import Array

N_DIGITS, N_RANDOM = 32, 8
GOAL = 10  # millionths
KERAS_SCRIPT = """
import sys
import keras
import numpy as np
from cnn_lab.training.keras_engine import to_keras
from cnn_lab.network import Network
for folder in sys.argv[1:]:
    model = to_keras(Network.load(folder + "/network.safetensors"))
    inspect = keras.Model(model.inputs[0], {layer.name: layer.output for layer in model.layers})
    results = inspect(np.load(folder + "/images.npy"), training=False)
    np.savez(folder + "/keras.npz", **{name: np.asarray(v) for name, v in results.items()})
"""

# Each type with settings that make it work: uneven windows, borders on one side, long steps.
SETTINGS: dict[str, Sequence[Mapping[str, Any]]] = {
    "Conv2D": [
        {"filters": 12, "kernel_size": (5, 4), "padding": "same", "activation": "tanh"},
        {"filters": 8, "kernel_size": (2, 3), "strides": (3, 2), "use_bias": False},
    ],
    "DepthwiseConv2D": [
        {"kernel_size": (3, 2), "depth_multiplier": 2, "strides": (2, 2), "padding": "same"},
        {"kernel_size": (4, 4), "activation": "sigmoid"},
    ],
    "MaxPooling2D": [{}, {"pool_size": (3, 2), "strides": (2, 1), "padding": "same"}],
    "AveragePooling2D": [{}, {"pool_size": (3, 2), "strides": (2, 1), "padding": "same"}],
    "BatchNormalization": [{}],
    "Activation": [
        {"activation": name} for name in get_args(spec.ActivationName) if name != "softmax"
    ],
    "LeakyReLU": [{}],
    "Dropout": [{"rate": 0.5}],
    "Dense": [{"units": 40}, {"units": 10, "activation": "softmax"}],
}


def networks_by_type() -> dict[str, Network]:
    """Return a network for each type of layer, with nothing in it that is not needed."""
    made = {}
    for layer in get_args(get_args(spec.Layer)[0]):
        kind = layer.__name__
        layers = [
            layer(name=f"layer{number}", **settings)
            for number, settings in enumerate(SETTINGS.get(kind, [{}]))
        ]
        before = [spec.Flatten(name="flatten")] if kind in {"Dense", "Softmax"} else []
        network = NetworkSpec(name="one", input_shape=(20, 19, 3), layers=(*before, *layers))
        made[kind] = Network(network, random_weights(network))
    return made


def random_weights(network: NetworkSpec) -> dict[str, Array]:
    """Return kernels as a run begins with them, and random numbers where it begins with one value.

    Larger kernels would make scores of some 40, of which single precision knows only the
    first five digits after the point; softmax then passes on what is missing.
    """
    random = np.random.default_rng(17)
    weights = initial_weights(network, seed=17)
    for name in weights:
        numbers = random.normal(0, 0.4, weights[name].shape).astype(np.float32)
        if name.endswith("moving_variance"):
            weights[name] += np.abs(numbers)
        elif not name.endswith("kernel"):
            weights[name] += numbers
    return weights


def differences(cases: Mapping[str, tuple[Network, Array]]) -> dict[str, float]:
    """Return the largest difference of any layer, in millionths, for each case by name."""
    with tempfile.TemporaryDirectory() as folder:
        folders = {name: Path(folder, name) for name in cases}
        for name, (network, images) in cases.items():
            folders[name].mkdir()
            network.save(folders[name] / "network.safetensors")
            np.save(folders[name] / "images.npy", images)
        command = [sys.executable, "-c", KERAS_SCRIPT, *map(str, folders.values())]
        subprocess.run(command, capture_output=True, check=True)
        found = {}
        for name, (network, images) in cases.items():
            ours = network.activations(images)
            with np.load(folders[name] / "keras.npz") as theirs:
                each = [difference(values, theirs[key]) for key, values in ours.items()]
            found[name] = float(np.max(each))  # NaN if one of them is
    return found


def difference(ours: Array, theirs: Array) -> float:
    """Return the largest difference, in millionths of the largest number."""
    return 1e6 * float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def measure() -> Sequence[Row]:
    digits = load_mnist().test.images[:N_DIGITS]
    shipped = {
        path.stem: (Network.load(path), digits) for path in sorted(MODELS.glob("*.safetensors"))
    }
    numbers = np.random.default_rng(18).normal(size=(N_RANDOM, 20, 19, 3)).astype(np.float32)
    kinds = {name: (network, numbers) for name, network in networks_by_type().items()}
    found = differences({**shipped, **kinds})
    rows = [
        Row(f"NumPy against Keras, every layer of {name}", found[name], "millionths", GOAL)
        for name in shipped
    ]
    worst = max(kinds, key=found.__getitem__)
    what = f"NumPy against Keras, {len(kinds)} types of layers, most in {worst}"
    return [*rows, Row(what, found[worst], "millionths", GOAL)]


if __name__ == "__main__":
    report("B17", measure)
