"""The named networks, each with the settings it is trained with."""

from collections.abc import Iterator
from dataclasses import dataclass

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
    """A network and how it is trained."""

    network: NetworkSpec
    training: TrainingSpec


def paper() -> Preset:
    """Return the eleven layers of the source paper, 1,134,426 parameters.

    The paper names no activation for its first layer, no optimizer and no batch size.
    Taken here: none, Adam at Keras's default rate, and 128.

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
    """Return a net of some 58,000 parameters that strides instead of pooling.

    Striding twice leaves little to compute; batch normalization, a one-cycle rate and smoothed
    labels let two epochs do, well under a minute on two cores. Because of the smoothing the
    best possible loss is 0.5 and not 0.
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
    """Return a net of some 350,000 parameters made to misread as few digits as it can.

    Five convolutions without padding, each normalized and rectified; the last one sees the whole
    digit. Pooling comes before normalizing, which then has a quarter as much to do. The net never
    sees the same image twice: digits are moved, turned, resized, leant and pulled a little, as
    hands would do it [1]_ [2]_, and some ones and nines are written as MNIST's writers seldom did.
    Labels are smoothed [3]_, the rate makes one cycle [4]_, and what is kept is the running
    average of the weights [5]_.

    References
    ----------
    .. [1] Simard, Steinkraus and Platt (2003), ICDAR: images pulled like rubber.
    .. [2] An, Lee, Park, Yang and So (2020), arXiv:2008.10400: convolutions without padding,
       normalized, with digits moved and turned.
    .. [3] Szegedy et al. (2016), arXiv:1512.00567, section 7.
    .. [4] Smith and Topin (2019), arXiv:1708.07120.
    .. [5] Izmailov et al. (2018), arXiv:1803.05407.
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
        weight_averaging=0.999,
        augmentation=Augmentation(shift=2, rotate=10, scale=0.1, shear=10, elastic=0.5, hands=0.3),
        batch_size=128,
        epochs=16,
    )
    return Preset(network, training)


def _normalized_convolution(
    number: int, *, filters: int, kernel_size: int = 3, pooled: bool = False
) -> Iterator[Layer]:
    """Yield a convolution and what follows it; the normalization makes a bias superfluous."""
    yield Conv2D(
        name=f"conv{number}",
        filters=filters,
        kernel_size=(kernel_size, kernel_size),
        use_bias=False,
    )
    if pooled:
        yield MaxPooling2D(name=f"pool{number}")
    yield BatchNormalization(name=f"norm{number}", momentum=0.9)
    yield Activation(name=f"relu{number}", activation="relu")


def lenet() -> Preset:
    """Return LeNet-5 as it is usually built today, 61,706 parameters.

    The original joins its second convolution to chosen maps of the first only, scales and
    shifts what it pools, and ends in radial basis functions; here that convolution sees all
    maps, pooling is a plain mean, and the end is a softmax. It was trained for 20 passes with
    rates that fall.

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


PRESETS = {"paper": paper, "fast": fast, "champion": champion, "lenet": lenet}


def preset(name: str) -> Preset:
    """Return the preset of this name.

    Raises
    ------
    ValueError
        If there is none; lists the names.
    """
    if name not in PRESETS:
        raise ValueError(f"The model must be one of {', '.join(PRESETS)}. Received: {name!r}")
    return PRESETS[name]()
