"""A trained network in NumPy: the same weights as Keras, the same answers, no TensorFlow."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from cnn_lab import ops, spec
from cnn_lab.arithmetic import ShapeError
from cnn_lab.ops.padding import Array
from cnn_lab.spec import NetworkSpec

MODELS = Path(__file__).parent / "models"
MAX_FILE_BYTES = 4 * spec.MAX_PARAMETERS + 1_000_000
BATCH = 64  # images at a time: bounds what the maps of all layers take

Weights = Mapping[str, Array]
ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda values: values,
    "relu": ops.relu,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "softmax": ops.softmax,
}


class ModelFileError(ValueError):
    """A file of weights that is missing, broken or does not fit its own spec."""


class Network:
    """A NetworkSpec with its weights.

    Parameters
    ----------
    spec : NetworkSpec
    weights : mapping of str to ndarray
        By "layer/weight" as in `NetworkSpec.weight_shapes`, float32.
    card : mapping of str to str, optional
        What is known about the training: seed, data hash, accuracy.

    Raises
    ------
    ShapeError
        If a weight is missing, unknown or of the wrong shape; names it.
    """

    def __init__(
        self, spec: NetworkSpec, weights: Weights, card: Mapping[str, str] | None = None
    ) -> None:
        wanted = spec.weight_shapes()
        if wanted.keys() != weights.keys():
            odd = sorted(wanted.keys() ^ weights.keys())
            raise ShapeError(
                f"Weights must be exactly those of the spec. Received: differing {odd}"
            )
        for name, shape in wanted.items():
            if weights[name].shape != shape:
                raise ShapeError(
                    f"Weight {name} must have shape {shape}. Received: {weights[name].shape}"
                )
        self.spec = spec
        self.weights = {name: np.asarray(weights[name], np.float32) for name in wanted}
        self.card = dict(card or {})

    @classmethod
    def load(cls, name_or_path: str | Path) -> "Network":
        """Read a shipped network by name, or any from a .safetensors file.

        Raises
        ------
        ModelFileError
            If there is no such file, or it is too large, broken or inconsistent.
        """
        path = Path(name_or_path)
        if path.suffix != ".safetensors":
            path = MODELS / f"{name_or_path}.safetensors"
        if not path.is_file():
            shipped = ", ".join(sorted(file.stem for file in MODELS.glob("*.safetensors")))
            raise ModelFileError(
                f"A model must be a .safetensors file or one of: {shipped}. "
                f"Received: {str(name_or_path)!r}"
            )
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ModelFileError(f"A model file may have at most {MAX_FILE_BYTES:,} bytes.")
        try:
            with safe_open(path, framework="numpy") as file:
                card = dict(file.metadata() or {})
                network_spec = NetworkSpec.model_validate_json(card.pop("spec", "{}"))
                weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return cls(network_spec, weights, card)
        except (SafetensorError, ValueError, TypeError) as error:
            reason = spec.plain_error(error) if isinstance(error, ValueError) else str(error)
            raise ModelFileError(f"{path.name} is not a model of CNN Lab: {reason}") from error

    def save(self, path: str | Path) -> None:
        """Write weights, spec and card to one .safetensors file."""
        metadata = {"spec": self.spec.model_dump_json()} | self.card
        save_file(dict(self.weights), path, metadata=metadata)

    def predict(self, images: Array) -> Array:
        """Return class probabilities.

        Parameters
        ----------
        images : ndarray of float32 in [0, 1], shape (n, height, width, channels)

        Returns
        -------
        ndarray of float32, shape (n, classes)

        Raises
        ------
        ShapeError
            If the images are not of the network's input shape.

        Notes
        -----
        33 million multiply-adds for one image through the paper's network: 2 to 3 ms on one core
        (benchmark B8). Large sets go through in parts of 64 images.
        """
        images = self._checked(images)
        parts = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
        if not parts:
            return np.zeros((0, self.spec.n_classes), np.float32)
        return np.concatenate([self._run(part) for part in parts])

    def activations(self, images: Array) -> dict[str, Array]:
        """Return what each layer makes of the images, by layer name in layer order.

        Layers that do nothing once training is over (dropout) are listed too: their
        result is their input.
        """
        results: dict[str, Array] = {}
        self._run(self._checked(images), results)
        return results

    def _checked(self, images: Array) -> Array:
        images = np.asarray(images, np.float32)
        if images.shape[1:] != self.spec.input_shape:
            raise ShapeError(
                f"`images` must have shape (n, {', '.join(map(str, self.spec.input_shape))}). "
                f"Received: images.shape={images.shape}"
            )
        return images

    def _run(self, values: Array, results: dict[str, Array] | None = None) -> Array:
        for layer in self.spec.layers:
            prefix = f"{layer.name}/"
            weights = {
                name.removeprefix(prefix): weight
                for name, weight in self.weights.items()
                if name.startswith(prefix)
            }
            values = _apply(layer, values, weights)
            if results is not None:
                results[layer.name] = values
        return values


def _apply(layer: Any, values: Array, weights: dict[str, Array]) -> Array:
    """Return what one layer makes of `values`, as it acts after training."""
    match layer:
        case spec.Conv2D() | spec.DepthwiseConv2D():
            slide = ops.conv2d if isinstance(layer, spec.Conv2D) else ops.depthwise_conv2d
            values = slide(
                values,
                weights["kernel"],
                weights.get("bias"),
                strides=layer.strides,
                padding=layer.padding,
            )
            return ACTIVATIONS[layer.activation](values)
        case spec.Dense():
            values = ops.dense(values, weights["kernel"], weights.get("bias"))
            return ACTIVATIONS[layer.activation](values)
        case spec.MaxPooling2D() | spec.AveragePooling2D():
            pool = ops.max_pool2d if isinstance(layer, spec.MaxPooling2D) else ops.average_pool2d
            return pool(
                values, pool_size=layer.pool_size, strides=layer.strides, padding=layer.padding
            )
        case spec.GlobalAveragePooling2D():
            return ops.global_average_pool2d(values)
        case spec.BatchNormalization():
            return ops.batch_normalization(
                values,
                mean=weights["moving_mean"],
                variance=weights["moving_variance"],
                gamma=weights["gamma"],
                beta=weights["beta"],
                epsilon=layer.epsilon,
            )
        case spec.Activation():
            return ACTIVATIONS[layer.activation](values)
        case spec.ReLU():
            return ops.relu(values)
        case spec.LeakyReLU():
            return ops.leaky_relu(values, negative_slope=layer.negative_slope)
        case spec.Softmax():
            return ops.softmax(values)
        case spec.Flatten():
            return values.reshape(len(values), -1)
        case spec.Dropout():
            return values
    raise TypeError(f"Layer type {type(layer).__name__} has no NumPy form.")
