"""Outcomes that lessons promise: measures of a step's settings, computed by the library.

The settings are a page's address. What it does not say has the page's default; the tests of the app
compare the numbers on the stage with these.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cnn_lab.concepts.backpropagation.descent import Lesson, descend, learn_kernel
from cnn_lab.concepts.backpropagation.layer import (
    ACTIVATIONS,
    Backward,
    Parameters,
    SmallLayer,
    SquaredError,
    WeightedSum,
)
from cnn_lab.concepts.backpropagation.softmax import SoftmaxCrossEntropy, softmax_cross_entropy
from cnn_lab.concepts.padding import conventions
from cnn_lab.concepts.pooling import shift_response
from cnn_lab.data.kernels import KERNELS
from cnn_lab.data.mnist import load_mnist
from cnn_lab.data.teaching_images import densest_crop, parse_matrix, stroke_image
from cnn_lab.explain.changes import answer_curve
from cnn_lab.explain.receptive_field import growing_fields
from cnn_lab.network import Network
from cnn_lab.ops import average_pool2d, conv2d, max_pool2d
from cnn_lab.ops.reads import read_counts
from cnn_lab.ops.settings import ConvolutionSettings, PoolingSettings
from cnn_lab.ops.types import Array
from cnn_lab.runs.recording import recording
from cnn_lab.training.experiment import PAPER_ACCURACY, experiments

Settings = Mapping[str, str]

SIDE = 6
CHANNELS = {"grey": 1, "colour": 3}
CHANNEL_NAMES = ("red", "green", "blue")
FIRST_SCORES = np.array([2.0, 1.0, -1.0])
UNSURE = 321  # the digit that the page on softmax shows first
STEP_RATE, LESSON_STEPS = 5e-4, 1000
MAX_TRAINED = 300
N_ROUNDED = 100  # a share in percent


class _Layer:
    """The convolution that an address describes, by the prefix of its parameters."""

    def __init__(self, settings: Settings, prefix: str) -> None:
        self._settings, self._prefix = settings, prefix
        self.channels = CHANNELS[self.text("channels", "grey")]
        names = CHANNEL_NAMES[: self.channels] if self.channels > 1 else ("",)
        rows, columns = self.number("rows", SIDE), self.number("columns", SIDE)
        drawn = stroke_image(rows, columns, channels=self.channels)
        self.image = np.stack(
            [
                self._matrix(_joined("values", name), drawn[..., channel])
                for channel, name in enumerate(names)
            ],
            axis=-1,
        )
        both = self.number("kernel_size", 3)
        size = self.number("kernel_rows", both), self.number("kernel_columns", both)
        first = {"pad": "ones"}.get(prefix, "sobel_columns")
        plain = named(self.text("kernel", ""), first, size)
        kernel = np.stack([self._matrix(_joined("weights", name), plain) for name in names], -1)
        self.filters = self.number("filters", 1)
        self.kernel = np.repeat(kernel[..., np.newaxis], self.filters, axis=3)
        self.bias = float(self.text("bias", "0"))
        self.settings = ConvolutionSettings(self.number("stride", 1), self._padding())

    def text(self, name: str, default: str) -> str:
        """Return a setting of the layer's page."""
        return self._settings.get(f"{self._prefix}_{name}", default)

    def number(self, name: str, default: int) -> int:
        """Return a whole number of the layer's page."""
        return int(self.text(name, str(default)))

    def _matrix(self, name: str, default: Array) -> Array:
        text = self.text(name, "")
        return parse_matrix(text, max_rows=28, max_columns=28) if text else default

    def _padding(self) -> Any:
        chosen = self.text("padding", "same" if self._prefix == "pad" else "valid")
        return ((1, 1), (1, 1)) if chosen == "own" else chosen

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the image."""
        return self.image.shape[0], self.image.shape[1]

    @property
    def window(self) -> tuple[int, int]:
        """Rows and columns of the kernel."""
        return self.kernel.shape[0], self.kernel.shape[1]

    def output(self, settings: ConvolutionSettings | None = None) -> Array:
        """Return the first map of the output."""
        return np.asarray(
            conv2d(
                self.image[np.newaxis],
                self.kernel,
                np.full(self.filters, self.bias),
                **vars(settings or self.settings),
            )[0, ..., 0]
        )

    def out_size(self, settings: ConvolutionSettings | None = None) -> tuple[int, int]:
        """Return rows and columns of the output."""
        return (settings or self.settings).geometry(self.size, self.window).positions

    @property
    def parameters(self) -> int:
        """How many numbers are learned."""
        return self.kernel.size + self.filters

    @property
    def multiply_adds(self) -> int:
        """How many products the whole output takes."""
        return self.kernel.size * int(np.prod(self.out_size()))


def named(title: str, first: str, size: tuple[int, int]) -> Array:
    """Return the kernel with a title; a page's first one if there is none, or ones."""
    by_title = {kernel.title: kernel for kernel in KERNELS.values()}
    kernel = by_title.get(title) or KERNELS[first if KERNELS[first].fits(*size) else "ones"]
    return kernel.values(*size)


def _joined(*words: str) -> str:
    return "_".join(word for word in words if word)


def _layer(settings: Settings) -> _Layer:
    return _Layer(settings, next(iter(settings)).split("_")[0])


def output(settings: Settings) -> Any:
    """Return the output, row by row."""
    return _layer(settings).output()


def output_size(settings: Settings) -> Any:
    """Return rows and columns of the output."""
    return _layer(settings).out_size()


def output_sizes(settings: Settings) -> Any:
    """Return the sizes with valid, same and full padding."""
    layer = _layer(settings)
    return [layer.out_size(ConvolutionSettings(1, name)) for name in ("valid", "same", "full")]


def output_range(settings: Settings) -> Any:
    """Return the smallest and the largest number of the output."""
    found = output(settings)
    return float(found.min()), float(found.max())


def corner_and_most_reads(settings: Settings) -> Any:
    """Return how many windows read the corner, and how many the pixel that most of them read."""
    counts = _counts(_layer(settings))
    return int(counts[0, 0]), int(counts.max())


def size_and_unread(settings: Settings) -> Any:
    """Return the output's size, how many pixels no window reads, and how many there are."""
    layer = _layer(settings)
    counts = _counts(layer)
    return layer.out_size(), int((counts == 0).sum()), counts.size


def starts_size_and_unread(settings: Settings) -> Any:
    """Return the columns where windows begin, the output's size, and the pixels never read."""
    layer = _layer(settings)
    size, unread, _ = size_and_unread(settings)
    return [layer.settings.strides[1] * place for place in range(size[1])], size, unread


def _counts(layer: _Layer) -> Any:
    return read_counts(layer.settings.geometry(layer.size, layer.window))


def borders(settings: Settings) -> Any:
    """Return the padding of both sides, of rows and of columns."""
    layer = _layer(settings)
    return layer.settings.borders(layer.size, layer.window)


def libraries_differ(settings: Settings) -> Any:
    """Return the sizes in Keras and PyTorch, how many values both have, and how many differ."""
    layer = _layer(settings)
    plain = ConvolutionSettings(layer.number("stride", 2))
    keras, pytorch = (layer.output(each) for each in conventions(layer.window, plain).values())
    rows, columns = np.minimum(keras.shape, pytorch.shape)
    differing = keras[:rows, :columns] != pytorch[:rows, :columns]
    return keras.shape, pytorch.shape, differing.size, int(differing.sum())


def both_outputs(settings: Settings) -> Any:
    """Return the outputs of cross-correlation and of true convolution."""
    layer = _layer(settings)
    return [layer.output(ConvolutionSettings(flip_kernel=flip)) for flip in (False, True)]


def outputs_are_opposite(settings: Settings) -> Any:
    """Return 1 if cross-correlation and true convolution differ in every sign and in no more."""
    one, other = both_outputs(settings)
    return int(bool(one.any()) and bool((one == -other).all()))


def parameters(settings: Settings) -> Any:
    """Return how many numbers the layer learns."""
    return _layer(settings).parameters


def size_parameters_multiply_adds(settings: Settings) -> Any:
    """Return the output's size, the learned numbers, and the products."""
    layer = _layer(settings)
    return layer.out_size(), layer.parameters, layer.multiply_adds


def _pooled_image(settings: Settings) -> tuple[Array, PoolingSettings]:
    side = int(settings.get("pool_crop", "14"))
    if settings.get("pool_input") == "digit":
        image = densest_crop(load_mnist().test.pixels[0].astype(float), side)
    else:
        image = parse_matrix(settings["pool_values"], max_rows=28, max_columns=28)
    size, padding = int(settings.get("pool_size", "2")), settings.get("pool_padding", "valid")
    return image, PoolingSettings(size, size, padding)  # type: ignore[arg-type]


def pooled(settings: Settings) -> Any:
    """Return the maxima and the means."""
    image, pooling = _pooled_image(settings)
    maps = image[np.newaxis, ..., np.newaxis]
    plain = {"strides": pooling.strides, "padding": pooling.padding}
    return [
        pool(maps, pool_size=pooling.pool_size, **plain)[0, ..., 0]
        for pool in (max_pool2d, average_pool2d)
    ]


def cells_and_results(settings: Settings) -> Any:
    """Return how many numbers a map has, and how many are left."""
    image, pooling = _pooled_image(settings)
    return image.size, int(np.prod(pooling.geometry(image.shape).positions))


def pooled_change_after_shifts(settings: Settings) -> Any:
    """Return by how many percent both pooled maps change when the map moves by 1, and by 2."""
    image, pooling = _pooled_image(settings)
    found = shift_response(image, pooling, most=2)
    return [
        [round(100 * float(curve[shift])) for curve in (found.max_pooled, found.average_pooled)]
        for shift in (1, 2)
    ]


def _small_layer(settings: Settings) -> tuple[SmallLayer, Parameters]:
    layer = _Layer(settings, "back")
    image, kernel = layer.image[..., 0], layer.kernel[..., 0, 0]
    activation = next(
        each for each in ACTIVATIONS.values() if each.title == layer.text("activation", "none")
    )
    delta = layer.text("delta", "")
    if delta:
        objective: Any = WeightedSum(parse_matrix(delta, max_rows=28, max_columns=28))
    else:
        target = named(layer.text("target", ""), "sobel_rows", layer.window)
        sums = conv2d(
            layer.image[np.newaxis], target[..., np.newaxis, np.newaxis], **vars(layer.settings)
        )
        objective = SquaredError(activation.apply(sums[0, ..., 0]))
    at = Parameters(kernel, layer.bias)
    return SmallLayer(image, objective, layer.settings, activation), at


def _backward(settings: Settings) -> Backward:
    layer, at = _small_layer(settings)
    return layer.backward(at)


def gradient(settings: Settings) -> Any:
    """Return the gradient of the kernel, the input or the bias, whichever is chosen."""
    back = _backward(settings)
    return {
        "kernel": back.parameters.kernel,
        "input": back.image,
        "bias": back.parameters.bias,
    }[settings.get("back_what", "kernel")]


def losses(settings: Settings) -> Any:
    """Return the loss before the first step and after each taken, to four digits as on the page."""
    layer, at = _small_layer(settings)
    rate = float(settings.get("back_rate", STEP_RATE))
    found = descend(layer, at, rate, steps=int(settings.get("back_taken", "0"))).losses
    return [float(f"{each:.4g}") for each in found]


def _lesson(settings: Settings, steps: int | None = None) -> Lesson:
    if settings.get("back_lesson_input") == "noise":
        image, rate = np.random.default_rng(0).random((14, 14)), 0.5
    else:
        digit = load_mnist().test.pixels[0].astype(float) / 255
        image, rate = densest_crop(digit, 14), 1.0
    return learn_kernel(
        image,
        KERNELS["sobel_columns"].values(3, 3),
        rate=float(settings.get("back_lesson_rate", rate)),
        steps=steps or int(settings.get("back_lesson_steps", LESSON_STEPS)),
    )


def lesson_losses(settings: Settings) -> Any:
    """Return the first and the last loss of a kernel that learns, to two decimals."""
    found = _lesson(settings).losses
    return round(float(found[0]), 2), round(float(found[-1]), 2)


def difference_after_300(settings: Settings) -> Any:
    """Return the largest difference of any weight to the goal after 300 steps."""
    found = _lesson(settings, MAX_TRAINED)
    assert len(found.losses) == MAX_TRAINED + 1
    return float(found.differences[-1])


def steps_until_divergence(settings: Settings) -> Any:
    """Return after how many steps the loss is a million times what it was."""
    found = _lesson(settings)
    assert found.diverged
    return len(found.losses)


def _softmax(settings: Settings) -> SoftmaxCrossEntropy:
    if settings.get("back_scores") != "network":
        return softmax_cross_entropy(FIRST_SCORES, int(settings.get("back_class", "0")))
    digits, index = load_mnist().test, int(settings.get("back_score_digit", UNSURE))
    scores = list(_activations("fast", index).values())[-2]
    return softmax_cross_entropy(scores.astype(float), int(digits.labels[index]))


def softmax_loss(settings: Settings) -> Any:
    """Return the loss of the scores."""
    return float(_softmax(settings).loss)


def softmax_push(settings: Settings) -> Any:
    """Return the class of the lowest gradient and it, and those of the highest, two decimals."""
    found = _softmax(settings).gradient
    low, high = int(found.argmin()), int(found.argmax())
    return low, round(float(found[low]), 2), high, round(float(found[high]), 2)


def _activations(model: str, index: int) -> dict[str, Array]:
    image = load_mnist().test.image(index)[np.newaxis]
    made = Network.load(model).activations(image)
    return {name: values[0] for name, values in made.items()}


def two_likeliest(settings: Settings) -> Any:
    """Return the two likeliest digits, each with its probability in percent."""
    index = int(settings["features_digit"])
    answer = list(_activations(settings.get("features_model", "paper"), index).values())[-1]
    first, second = np.argsort(-answer)[:2]
    return [
        each
        for digit in (first, second)
        for each in (int(digit), round(N_ROUNDED * float(answer[digit])))
    ]


def answers_around(settings: Settings) -> Any:
    """Return the answers for the digit one pixel to the left, where it is, and to the right."""
    image = load_mnist().test.image(int(settings["features_digit"]))
    network = Network.load(settings["features_model"])
    answers = answer_curve(network, image, "shift", [(0.0, by) for by in (-1.0, 0.0, 1.0)])
    return [int(each.argmax()) for each in answers]


def receptive_field(settings: Settings) -> Any:
    """Return how many rows and columns of the image a number in the middle of a layer sees."""
    spec = Network.load(settings.get("features_model", "paper")).spec
    rows, columns, _ = next(
        row.output_shape for row in spec.summary() if row.name == settings["features_layer"]
    )
    patch = growing_fields(spec, settings["features_layer"], rows // 2, columns // 2)[-1][1]
    return patch.rows, patch.columns


def recorded_run(settings: Settings) -> Any:
    """Return a run's classes, the loss of guessing, its first loss, the means of ten batches after
    a hundred and at the end, and its test accuracy in percent."""
    found = recording(settings.get("training_preset", "fast"))
    assert found is not None
    means = [found.loss[0], found.loss[100:110].mean(), found.loss[-10:].mean()]
    accuracy, n = 100 * found.result["test_accuracy"], found.network.n_classes
    return [n, *(round(float(each), 2) for each in (np.log(n), *means, accuracy))]


def paper_errors(_settings: Settings) -> Any:
    """Return the test digits, the paper's accuracy in % and errors, the fewest and most here."""
    found = experiments()["paper"]
    claimed = round((1 - PAPER_ACCURACY) * found.n_test)
    accuracy = round(100 * PAPER_ACCURACY, 1)
    return found.n_test, accuracy, claimed, min(found.errors), max(found.errors)


def paper_best_epoch(_settings: Settings) -> Any:
    """Return the epoch with the lowest validation loss, and how many there are."""
    found = experiments()["paper"]
    return found.best_epoch(), found.n_epochs


MEASURES: dict[str, Callable[[Settings], Any]] = {
    measure.__name__.replace("_", "-"): measure
    for measure in (
        output,
        output_size,
        output_sizes,
        output_range,
        corner_and_most_reads,
        size_and_unread,
        starts_size_and_unread,
        borders,
        libraries_differ,
        both_outputs,
        outputs_are_opposite,
        parameters,
        size_parameters_multiply_adds,
        pooled,
        cells_and_results,
        pooled_change_after_shifts,
        gradient,
        losses,
        lesson_losses,
        difference_after_300,
        steps_until_divergence,
        softmax_loss,
        softmax_push,
        two_likeliest,
        answers_around,
        receptive_field,
        recorded_run,
        paper_errors,
        paper_best_epoch,
    )
}
