"""The changes that can be made to a draft; each returns a new one."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import TypeAdapter

from cnn_lab.network.spec import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Draft,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Layer,
    LeakyReLU,
    MaxPooling2D,
    ReLU,
    Shape,
    Softmax,
)

_LAYER: TypeAdapter[Layer] = TypeAdapter(Layer)

# What a fresh layer of each type is, in the order in which they are offered.
FRESH: dict[str, Callable[[str], Layer]] = {
    "Conv2D": lambda name: Conv2D(
        name=name, filters=32, kernel_size=(3, 3), padding="same", activation="relu"
    ),
    "MaxPooling2D": lambda name: MaxPooling2D(name=name),
    "BatchNormalization": lambda name: BatchNormalization(name=name),
    "Dropout": lambda name: Dropout(name=name, rate=0.25),
    "Flatten": lambda name: Flatten(name=name),
    "Dense": lambda name: Dense(name=name, units=64, activation="relu"),
    "Softmax": lambda name: Softmax(name=name),
    "DepthwiseConv2D": lambda name: DepthwiseConv2D(
        name=name, kernel_size=(3, 3), padding="same", use_bias=False
    ),
    "AveragePooling2D": lambda name: AveragePooling2D(name=name),
    "GlobalAveragePooling2D": lambda name: GlobalAveragePooling2D(name=name),
    "ReLU": lambda name: ReLU(name=name),
    "LeakyReLU": lambda name: LeakyReLU(name=name),
    "Activation": lambda name: Activation(name=name, activation="tanh"),
}
_STEMS = {
    "Conv2D": "conv",
    "DepthwiseConv2D": "depthwise",
    "MaxPooling2D": "pool",
    "AveragePooling2D": "pool",
    "GlobalAveragePooling2D": "mean",
    "BatchNormalization": "norm",
    "LeakyReLU": "leaky",
}
_ONCE = {"Flatten", "Softmax"}  # of which one is the rule: the first has no number


def fresh_name(layers: Sequence[Layer], type_: str) -> str:
    """Return a name that no layer has yet.

    Examples
    --------
    >>> fresh_name((Conv2D(name="conv1", filters=8, kernel_size=(3, 3)),), "Conv2D")
    'conv2'
    """
    taken = {layer.name for layer in layers}
    stem = _STEMS.get(type_, type_.lower())
    if type_ in _ONCE and stem not in taken:
        return stem
    number = 2 if type_ in _ONCE else 1
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"


def added(draft: Draft, index: int, type_: str) -> Draft:
    """Return the draft with a fresh layer of a type in front of layer `index`."""
    layer = FRESH[type_](fresh_name(draft.layers, type_))
    return inserted(draft, index, layer)


def inserted(draft: Draft, index: int, layer: Layer) -> Draft:
    """Return the draft with a layer in front of layer `index`; len(layers) is the end."""
    return _with(draft, [*draft.layers[:index], layer, *draft.layers[index:]])


def removed(draft: Draft, index: int) -> Draft:
    """Return the draft without a layer; ValueError if it is the only one."""
    return _with(draft, [*draft.layers[:index], *draft.layers[index + 1 :]])


def moved(draft: Draft, index: int, to: int) -> Draft:
    """Return the draft with a layer at another place."""
    layers = list(draft.layers)
    layers.insert(to, layers.pop(index))
    return _with(draft, layers)


def duplicated(draft: Draft, index: int) -> Draft:
    """Return the draft with a copy of a layer behind it, under a name of its own."""
    layer = draft.layers[index]
    name = fresh_name(draft.layers, layer.type)
    return inserted(draft, index + 1, layer.model_copy(update={"name": name}))


def changed(draft: Draft, index: int, **fields: Any) -> Draft:
    """Return the draft with other settings of a layer.

    Raises
    ------
    pydantic.ValidationError
        A ValueError if a setting is out of bounds, or another layer has that name.
    """
    layer = draft.layers[index]
    new = _LAYER.validate_python(layer.model_dump() | fields)
    return _with(draft, [*draft.layers[:index], new, *draft.layers[index + 1 :]])


def with_input(draft: Draft, shape: Shape) -> Draft:
    """Return the draft for images of another shape; ValueError if it is out of bounds."""
    return Draft.model_validate({"name": draft.name, "input_shape": shape, "layers": draft.layers})


def separable(layer: Layer) -> bool:
    """Return whether a depthwise convolution and a 1x1 one can stand in for a layer."""
    return (
        isinstance(layer, Conv2D)
        and layer.kernel_size != (1, 1)
        and layer.strides[0] == layer.strides[1]
    )


def separated(draft: Draft, index: int) -> Draft:
    """Return the draft with a depthwise and a 1x1 convolution in place of a standard one.

    The first slides the window over each channel alone and has no bias, since the second
    could not tell it from its own; the second mixes the channels and keeps the activation.

    Raises
    ------
    ValueError
        If the layer is no convolution that can be taken apart; see `separable`.

    References
    ----------
    .. [1] Howard et al. (2017), arXiv:1704.04861, section 3.1.
    """
    layer = draft.layers[index]
    if not isinstance(layer, Conv2D) or not separable(layer):
        raise ValueError(
            "Only a convolution with a window larger than 1 × 1 and equal strides can be split. "
            f"Received: {layer.name}"
        )
    depthwise = DepthwiseConv2D(
        name=fresh_name(draft.layers, "DepthwiseConv2D"),
        kernel_size=layer.kernel_size,
        strides=layer.strides,
        padding=layer.padding,
        use_bias=False,
    )
    mixing = layer.model_copy(update={"kernel_size": (1, 1), "strides": (1, 1), "padding": "valid"})
    layers = [*draft.layers[:index], depthwise, mixing, *draft.layers[index + 1 :]]
    return _with(draft, layers)


def _with(draft: Draft, layers: Sequence[Layer]) -> Draft:
    return Draft(name=draft.name, input_shape=draft.input_shape, layers=tuple(layers))
