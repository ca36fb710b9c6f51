"""Network with its weights: files, predictions and gradients."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from cnn_lab.network import spec
from cnn_lab.network.checked import once_each
from cnn_lab.network.layers.base import Gradients, Weights
from cnn_lab.network.passes import backward, forward, label_loss
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops.types import Array, ShapeError, as_finite, check_class

MODELS = Path(__file__).with_name("models")
MAX_FILE_BYTES = 4 * spec.MAX_PARAMETERS + 1_000_000
FLOAT_TYPES = ("F16", "F32", "F64")  # as safetensors names what NumPy can read
BATCH = 64  # images at a time, to limit the memory of all layers' maps


class ModelFileError(ValueError):
    """Raised when a model file is missing, damaged or does not match its own spec."""


@dataclass(frozen=True)
class Slopes:
    """Score of a class for one image, and its gradients.

    Attributes
    ----------
    score : float
        The input of the network's final softmax for this class; without one, the output itself.
    values : dict of str to ndarray
        Output of each layer for the image, by name in layer order, without the batch axis. A
        final softmax is left out: a layer of type Softmax is missing, and any other layer has
        its output before the softmax.
    of_values : dict of str to ndarray
        Gradient of the score with respect to each output, in the same shapes.
    of_image : ndarray, shape (height, width, channels)
        Gradient of the score with respect to the image.
    """

    score: float
    values: Gradients
    of_values: Gradients
    of_image: Array


class Network:
    """Network: a NetworkSpec with its weights.

    Parameters
    ----------
    spec : NetworkSpec
    weights : mapping of str to ndarray
        By "layer/weight" as in `NetworkSpec.weight_shapes`, float32.
    card : mapping of str to str, optional
        Facts about the training: seed, data hash, accuracy.

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
        """Load a shipped network by name, or any network from a .safetensors file.

        Raises
        ------
        ModelFileError
            If the file does not exist, or is too large, damaged or inconsistent.
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
                header = _header(path)
                card = dict(file.metadata() or {})
                if "spec" not in card:
                    raise ValueError("it must describe its layers, as files of this lab do")
                network_spec = NetworkSpec.from_outside(card.pop("spec"))
                wanted, found = network_spec.weight_shapes(), file.keys()
                if wanted.keys() != set(found):  # before any of perhaps a million tensors is read
                    raise ShapeError(
                        f"it must hold exactly the {len(wanted)} weights of its own spec. "
                        f"Received: {len(found)} tensors"
                    )
                for name in wanted:
                    if (stored_as := header[name]["dtype"]) not in FLOAT_TYPES:
                        raise ValueError(
                            f"its weights must be stored as one of {', '.join(FLOAT_TYPES)}. "
                            f"Received: {stored_as} in {name}"
                        )
                weights = {name: file.get_tensor(name) for name in wanted}
            return cls(network_spec, weights, card)
        except (SafetensorError, ValueError) as error:
            reason = spec.plain_error(error)
            raise ModelFileError(f"{path.name} is not a model of CNN Lab: {reason}") from error

    @classmethod
    def from_bytes(cls, content: bytes) -> "Network":
        """Load a network from the contents of a .safetensors file.

        Raises
        ------
        ModelFileError
            If it is too large, damaged or inconsistent.

        Notes
        -----
        Uses a temporary file, because only from files can weights be read one by one, after the
        spec has been checked.
        """
        if len(content) > MAX_FILE_BYTES:
            raise ModelFileError(f"A model file may have at most {MAX_FILE_BYTES:,} bytes.")
        with tempfile.TemporaryDirectory(prefix="cnn-lab-") as folder:
            path = Path(folder) / "file.safetensors"
            path.write_bytes(content)
            return cls.load(path)

    def weights_digest(self) -> str:
        """Return a hash of the weights.

        Notes
        -----
        5 ms for a million weights.
        """
        digest = hashlib.blake2b(digest_size=16)
        for weights in self.weights.values():
            digest.update(weights.tobytes())
        return digest.hexdigest()

    def save(self, path: str | Path) -> None:
        """Save weights, spec and card to one .safetensors file."""
        Path(path).write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the content of the file that `save` writes."""
        metadata = {"spec": self.spec.model_dump_json()} | self.card
        return save(dict(self.weights), metadata)

    def predict(self, images: Array) -> Array:
        """Return class probabilities.

        Parameters
        ----------
        images : ndarray of float32 in [0, 1], shape (n, height, width, channels)

        Returns
        -------
        ndarray of float32, shape (n, classes)
            Of a network that knows non-digits: ten, given that the image shows a digit.

        Raises
        ------
        ShapeError
            If the images are not of the network's input shape.
        ValueError
            If they do not hold finite real numbers.

        Notes
        -----
        33 million multiply-adds for one image through the paper's network: 2 to 3 ms on one core
        (benchmark B8). Large sets are processed 64 images at a time.
        """
        return self.spec.class_probabilities(self.outputs(images))

    def outputs(self, images: Array) -> Array:
        """Return what the last layer outputs, as Keras does, shape (n, outputs)."""
        return self._in_parts(self.spec.layers, self._checked(images))

    def activations(self, images: Array) -> dict[str, Array]:
        """Return the output of each layer for the images, by name in layer order.

        Layers that do nothing after training (dropout) are included; their output is their input.
        """
        steps = forward(self.spec.layers, self._at_least_one(images), self.weights)
        return {step.name: step.values for step in steps}

    def scores(self, images: Array) -> Array:
        """Return the scores: the input of the final softmax.

        Parameters
        ----------
        images : ndarray of float32 in [0, 1], shape (n, height, width, channels)

        Returns
        -------
        ndarray of float32, shape (n, classes)
            The result of `predict` if the network does not end in softmax.
        """
        made = self._in_parts(self.spec.scoring_layers, self._checked(images))
        return made[:, : self.spec.n_classes] if self.spec.knows_non_digits else made

    def slopes(self, image: Array, digit: int) -> Slopes:
        """Return a class's score with its gradients for all layers' outputs and the image.

        Parameters
        ----------
        image : ndarray of float32 in [0, 1], shape (height, width, channels)
        digit : int
            The class, from 0.

        Raises
        ------
        ShapeError
            If the image is not of the network's input shape.
        ValueError
            If the class does not exist.

        Notes
        -----
        About five times the work of `predict` for one image, because the gradients of the weights
        are computed too.
        """
        check_class(self.spec.n_classes, digit=digit)
        images = self.one_image(image)[np.newaxis]
        steps = list(forward(self.spec.scoring_layers, images, self.weights))
        answer = steps[-1].values if steps else images
        grad = np.zeros_like(answer)
        grad.reshape(-1)[digit] = 1
        of_values: Gradients = {}
        for step in reversed(steps):
            of_values[step.name] = grad[0]
            grad, _ = step.back(grad, True)
        return Slopes(
            float(answer.reshape(-1)[digit]),
            {step.name: step.values[0] for step in steps},
            {step.name: of_values[step.name] for step in steps},
            grad[0],
        )

    def image_gradient(
        self,
        image: Array,
        pull: Callable[[Array], Array],
        *,
        layers: Sequence[Any] | None = None,
    ) -> tuple[Array, Array]:
        """Return what some layers make of an image, and a gradient with respect to the image.

        Parameters
        ----------
        image : ndarray of float32 in [0, 1], shape (height, width, channels)
        pull : callable
            Takes the output of the layers, without the batch axis, and returns the gradient of
            any number computed from it with respect to it, in the same shape.
        layers : sequence of layers, optional
            Layers of the network from its first one on, or copies of them with other activations;
            by default all up to the scores.

        Returns
        -------
        output : ndarray of float32
        grad_image : ndarray of float32, shape (height, width, channels)
            Gradient of that number with respect to the image.

        Raises
        ------
        ShapeError
            If the image is not of the network's input shape.

        Notes
        -----
        About five times the work of `predict` for one image, because the gradients of the weights
        are computed too.
        """
        images = self.one_image(image)[np.newaxis]
        chosen = self.spec.scoring_layers if layers is None else layers
        steps = list(forward(chosen, images, self.weights))
        output = steps[-1].values if steps else images
        grad, _ = backward(steps, np.asarray(pull(output[0]), np.float32)[np.newaxis])
        return output[0], grad[0]

    def gradients(self, images: Array, labels: Array) -> tuple[float, dict[str, Array], Array]:
        """Return the loss for these labels and its gradients with respect to weights and images.

        The network behaves as after training: dropout drops nothing, and batch normalization uses
        its moving averages, which are not learned and have no gradient.

        Parameters
        ----------
        images : ndarray of float32 in [0, 1], shape (n, height, width, channels)
        labels : ndarray, of int, shape (n,), or of float, shape (n, classes)
            The classes by number, or distributions over them.

        Returns
        -------
        loss : float
            Mean cross-entropy of the images, in nats.
        gradients : dict of str to ndarray of float32
            Gradient of the loss for each weight, by "layer/weight", in layer order.
        grad_images : ndarray of float32, shape of the images
            Gradient of the loss with respect to the images.

        Raises
        ------
        ShapeError
            If the images are not of the network's input shape, or not as many as labels.
        ValueError
            If a label is not a class.

        Notes
        -----
        Three times the work of `predict`; the outputs of all layers are kept for all images at
        once.
        """
        images = self._at_least_one(images)
        steps = list(forward(self.spec.scoring_layers, images, self.weights))
        loss, grad = label_loss(self.spec, steps[-1].values, labels)
        grad_images, found = backward(steps, grad)
        gradients = {name: found[name] for name in self.weights if name in found}
        return loss, gradients, grad_images

    def one_image(self, image: Any) -> Array:
        """Return an image as float32.

        Raises
        ------
        ShapeError
            If it is not of the network's input shape.
        ValueError
            If it does not hold finite real numbers.
        """
        values = as_finite("image", image)
        if values.shape != self.spec.input_shape:
            raise ShapeError(
                f"`image` must have shape {self.spec.input_shape}. "
                f"Received: image.shape={values.shape}"
            )
        return values

    def _at_least_one(self, images: Array) -> Array:
        images = self._checked(images)
        if not len(images):
            raise ShapeError(
                f"There must be at least one image. Received: images.shape={images.shape}"
            )
        return images

    def _checked(self, images: Array) -> Array:
        images = as_finite("images", images)
        if not images.ndim or images.shape[1:] != self.spec.input_shape:
            raise ShapeError(
                f"`images` must have shape (n, {', '.join(map(str, self.spec.input_shape))}). "
                f"Received: images.shape={images.shape}"
            )
        return images

    def _in_parts(self, layers: Iterable[Any], images: Array) -> Array:
        """Return the output of the last layer for images, one batch at a time."""
        parts = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
        if not parts:
            return np.zeros((0, self.spec.n_outputs), np.float32)
        return np.concatenate([self._answer(layers, part) for part in parts])

    def _answer(self, layers: Iterable[Any], images: Array) -> Array:
        values = images
        for step in forward(layers, images, self.weights):
            values = step.values
        return values


def _header(path: Path) -> Any:
    """Return the header of a .safetensors file that the library has accepted.

    Raises
    ------
    ValueError
        If it names a tensor twice; the library takes one of the two.
    """
    with path.open("rb") as content:
        length = int.from_bytes(content.read(8), "little")
        return once_each(content.read(length))
