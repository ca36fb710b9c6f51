"""Named networks with their training settings."""

from collections.abc import Iterator
from dataclasses import dataclass

from cnn_lab.network.layers.base import KerasPadding
from cnn_lab.network.spec import (
    Activation,
    Augmentation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPooling2D,
    NetworkSpec,
    Softmax,
    TrainingSpec,
)


@dataclass(frozen=True)
class Preset:
    """Network with its training settings."""

    network: NetworkSpec
    training: TrainingSpec


def paper() -> Preset:
    """Return the eleven layers of the source paper, 1,134,426 parameters.

    The paper does not name an activation for its first layer, an optimizer or a batch size. Used
    here: none, Adam at Keras's default learning rate, and 128.

    References
    ----------
    .. [1] Doshi, "Convolutional Neural Networks", the MNIST experiment.
    """
    network = NetworkSpec(
        name="paper",
        layers=(
            Conv2D(name="conv1", filters=16, kernel_size=(2, 2), padding="same"),
            MaxPooling2D(name="pool1"),
            Conv2D(name="conv2", filters=128, kernel_size=(3, 3), activation="relu"),
            Conv2D(name="conv3", filters=256, kernel_size=(3, 3), activation="relu"),
            MaxPooling2D(name="pool2"),
            Dropout(name="dropout1", rate=0.5),
            Flatten(name="flatten"),
            Dense(name="dense1", units=128, activation="relu"),
            Dropout(name="dropout2", rate=0.25),
            Dense(name="dense2", units=10),
            Softmax(name="softmax"),
        ),
    )
    return Preset(network, TrainingSpec(epochs=10))


def fast() -> Preset:
    """Return a network of about 58,000 parameters with strides instead of pooling.

    Two strides leave little to compute; with batch normalization, a one-cycle learning rate and
    label smoothing, two epochs are enough, well under a minute on two cores. Because of the
    smoothing, the lowest possible loss is 0.5 instead of 0.
    """
    network = NetworkSpec(
        name="fast",
        layers=(
            Conv2D(name="conv1", filters=16, kernel_size=(5, 5), strides=(2, 2), use_bias=False),
            BatchNormalization(name="norm1", momentum=0.9),
            Activation(name="relu1", activation="relu"),
            Conv2D(name="conv2", filters=48, kernel_size=(3, 3), strides=(2, 2), use_bias=False),
            BatchNormalization(name="norm2", momentum=0.9),
            Activation(name="relu2", activation="relu"),
            Conv2D(name="conv3", filters=96, kernel_size=(3, 3), use_bias=False),
            BatchNormalization(name="norm3", momentum=0.9),
            Activation(name="relu3", activation="relu"),
            Flatten(name="flatten"),
            Dense(name="dense1", units=10),
            Softmax(name="softmax"),
        ),
    )
    training = TrainingSpec(
        learning_rate=0.01,
        schedule="one_cycle",
        label_smoothing=0.1,
        batch_size=128,
        epochs=2,
    )
    return Preset(network, training)


def champion() -> Preset:
    """Return a network of about 360,000 parameters that reads the most handwriting.

    Five convolutions without padding, each followed by batch normalization and ReLU; the last one
    sees the whole digit. Pooling comes before normalization, which then has a quarter of the work.
    The network learns from more than MNIST: a tenth of each batch are digits drawn by a program in
    ways of writing that MNIST's writers do not have (`cnn_lab.data.pens`), and others are letters,
    scribbles and further drawings that are not digits (`cnn_lab.data.non_digits`), which an
    eleventh output learns to tell [1]_. MNIST's digits are shifted, rotated, scaled, sheared and
    distorted a little [2]_ [3]_, in the last epochs less. Labels are smoothed [4]_, the learning
    rate follows one cycle [5]_, and the running average of the weights is saved [6]_.

    References
    ----------
    .. [1] Hendrycks, Mazeika and Dietterich (2019), arXiv:1812.04606: outlier exposure.
    .. [2] Simard, Steinkraus and Platt (2003), ICDAR: elastic distortion.
    .. [3] An, Lee, Park, Yang and So (2020), arXiv:2008.10400: convolutions without padding,
       with batch normalization and shifted and rotated digits.
    .. [4] Szegedy et al. (2016), arXiv:1512.00567, section 7.
    .. [5] Smith and Topin (2019), arXiv:1708.07120.
    .. [6] Izmailov et al. (2018), arXiv:1803.05407.
    """
    network = NetworkSpec(
        name="champion",
        layers=(
            *_normalized_convolution(1, filters=32, kernel_size=5, pooled=True),
            *_normalized_convolution(2, filters=64),
            *_normalized_convolution(3, filters=64),
            *_normalized_convolution(4, filters=128, pooled=True),
            *_normalized_convolution(5, filters=192),
            Flatten(name="flatten"),
            Dropout(name="dropout1", rate=0.4),
            Dense(name="dense1", units=11),
            Softmax(name="softmax"),
        ),
    )
    training = TrainingSpec(
        optimizer="adamw",
        weight_decay=0.05,
        learning_rate=0.004,
        schedule="one_cycle",
        label_smoothing=0.05,
        weight_averaging=0.999,
        augmentation=Augmentation(shift=2, rotate=10, scale=0.12, shear=10, elastic=0.5),
        unchanged=0.2,
        fade=0.3,
        pens=0.1,
        non_digits=0.15,
        batch_size=128,
        epochs=24,
    )
    return Preset(network, training)


def record() -> Preset:
    """Return a network of about 308,000 parameters that makes the fewest errors on MNIST.

    It learns from MNIST's digits alone, so unlike *champion* it has not seen other ways of writing
    and does not say itself whether an image shows a digit. It has three pairs of 3 x 3
    convolutions, as in the networks of Simonyan and Zisserman [1]_, each followed by batch
    normalization and ReLU. The sources of the training settings are those of *champion*. A seed
    takes about three quarters of an hour on two cores.

    References
    ----------
    .. [1] Simonyan and Zisserman (2015), arXiv:1409.1556.
    """
    network = NetworkSpec(
        name="record",
        layers=(
            *_normalized_convolution(1, filters=32, padding="same"),
            *_normalized_convolution(2, filters=32, pooled=True),
            *_normalized_convolution(3, filters=64, padding="same"),
            *_normalized_convolution(4, filters=64, padding="same", pooled=True),
            *_normalized_convolution(5, filters=128, padding="same"),
            *_normalized_convolution(6, filters=128),
            Flatten(name="flatten"),
            Dropout(name="dropout1", rate=0.25),
            Dense(name="dense1", units=10),
            Softmax(name="softmax"),
        ),
    )
    training = TrainingSpec(
        optimizer="adamw",
        weight_decay=0.02,
        learning_rate=0.004,
        schedule="one_cycle",
        label_smoothing=0.1,
        weight_averaging=0.9997,
        augmentation=Augmentation(shift=1, rotate=12, scale=0.2, shear=6, elastic=0.5),
        unchanged=0.2,
        fade=0.3,
        batch_size=128,
        epochs=40,
    )
    return Preset(network, training)


def _normalized_convolution(
    number: int,
    *,
    filters: int,
    kernel_size: int = 3,
    padding: KerasPadding = "valid",
    pooled: bool = False,
) -> Iterator[Layer]:
    """Yield a convolution without a bias, then batch normalization and ReLU."""
    yield Conv2D(
        name=f"conv{number}",
        filters=filters,
        kernel_size=(kernel_size, kernel_size),
        padding=padding,
        use_bias=False,
    )
    if pooled:
        yield MaxPooling2D(name=f"pool{number}")
    yield BatchNormalization(name=f"norm{number}", momentum=0.9)
    yield Activation(name=f"relu{number}", activation="relu")


def lenet() -> Preset:
    """Return LeNet-5 as it is usually built today, with 61,706 parameters.

    The original connects its second convolution to selected maps of the first only, scales and
    shifts the pooled values, and ends in radial basis functions; here that convolution sees all
    maps, pooling is a plain mean, and softmax comes last. The original was trained for 20 epochs
    with decreasing learning rates.

    References
    ----------
    .. [1] LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to document
       recognition", Proceedings of the IEEE 86(11), section II.B.
    """
    network = NetworkSpec(
        name="lenet",
        layers=(
            Conv2D(name="conv1", filters=6, kernel_size=(5, 5), padding="same", activation="tanh"),
            AveragePooling2D(name="pool1"),
            Conv2D(name="conv2", filters=16, kernel_size=(5, 5), activation="tanh"),
            AveragePooling2D(name="pool2"),
            Flatten(name="flatten"),
            Dense(name="dense1", units=120, activation="tanh"),
            Dense(name="dense2", units=84, activation="tanh"),
            Dense(name="dense3", units=10),
            Softmax(name="softmax"),
        ),
    )
    training = TrainingSpec(learning_rate=0.002, schedule="cosine", epochs=20)
    return Preset(network, training)


PRESETS = {"paper": paper, "fast": fast, "champion": champion, "record": record, "lenet": lenet}


def preset(name: str) -> Preset:
    """Return the preset with this name.

    Raises
    ------
    ValueError
        If there is none; the message lists the names.
    """
    if name not in PRESETS:
        raise ValueError(f"The model must be one of {', '.join(PRESETS)}. Received: {name!r}")
    return PRESETS[name]()
