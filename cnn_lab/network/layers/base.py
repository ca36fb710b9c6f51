"""Base class of all layers, with the defaults that a type may override."""

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, PositiveInt

from cnn_lab.content.words import shape_words
from cnn_lab.network.checked import Checked
from cnn_lab.network.layers.latex import product_latex
from cnn_lab.ops.sizes import Window, conv_output_length
from cnn_lab.ops.types import Array, Pair, Shape, ShapeError

Size = tuple[PositiveInt, PositiveInt]
KerasPadding = Literal["valid", "same"]
ActivationName = Literal["linear", "relu", "sigmoid", "tanh", "softmax"]
LayerName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]

Place = tuple[int, int, int]
"""Map, row and column of a number; of a row of numbers (unit, 0, 0)."""
Weights = Mapping[str, Array]
Gradients = dict[str, Array]
Slope = Callable[[Array], Array]
Drops = np.random.Generator | None
Back = Callable[[Array, bool], tuple[Array, Gradients]]
"""Takes how a loss changes with a layer's result, and whether its input's gradient is wanted too;
returns how the loss changes with the input, where wanted, and with each weight by its name."""
Pass = tuple[Array, Back]
"""What a layer makes of its input, and the way back through it."""


@dataclass(frozen=True)
class Connections:
    """Connections of a convolution, and of a dense layer between the same shapes.

    Attributes
    ----------
    sparse : int
        Pairs of an input and an output that depends on it, padding left out.
    dense : int
        Pairs of all inputs and all outputs.
    shared : int
        Weights shared by the convolution's connections, without biases.
    reach : int
        Inputs of one output, padding included.
    """

    sparse: int
    dense: int
    shared: int
    reach: int

    @property
    def uses(self) -> float:
        """Mean number of uses of each weight for one image."""
        return self.sparse / self.shared


class BaseLayer(Checked):
    """Base class of layers; a type overrides what differs.

    A type has the name of Keras's class, and its fields have Keras's names, meanings and
    defaults, so that the Keras layer can be built from it. Shapes leave out the batch:
    (height, width, channels) or (features,). Weights have their own names, such as "kernel".
    """

    name: LayerName

    stem: ClassVar[str]
    """What new layers of this type are called, with a number behind it."""
    numbers_first: ClassVar[bool] = True
    """Whether the first of them has a number too; a network usually has only one Flatten."""
    fresh: ClassVar[dict[str, Any]] = {}
    """The settings of a new layer where they are not the defaults."""
    by_position: ClassVar[tuple[str, ...]] = ()
    """The settings that Keras code gives without a name."""
    window_field: ClassVar[str] = ""
    """The setting that holds the window's size, of layers with a window that slides."""
    width_field: ClassVar[str] = ""
    """The setting that holds the number of maps or units, where it can be chosen."""

    convolves: ClassVar[bool] = False
    """Whether a window of weights slides over maps."""
    pooling: ClassVar[Literal["", "max", "average"]] = ""
    """What the layer keeps of each window, if it pools."""
    dense: ClassVar[bool] = False
    """Whether every unit has a weight for every number."""
    normalizes: ClassVar[bool] = False
    """Whether it shifts and scales each channel, in training by the statistics of the batch."""
    drops: ClassVar[bool] = False
    """Whether it sets numbers to zero at random in training."""
    takes_maps: ClassVar[bool] = False
    """Whether it needs maps, and so cannot come after Flatten."""
    keeps_shape: ClassVar[bool] = False
    """Whether the result always has the shape of the input."""
    passes_through: ClassVar[bool] = False
    """Whether the trained layer changes no number, only their arrangement at most."""
    equal_strides: ClassVar[bool] = False
    """Whether both strides must be the same."""
    fixed_activation: ClassVar[ActivationName] = "linear"
    """The activation of a type that has no setting for it."""
    untrained: ClassVar[tuple[str, ...]] = ()
    """The weights that gradients do not change."""

    @property
    def nonlinearity(self) -> ActivationName:
        """Activation of the output; "linear" for none."""
        activation: ActivationName = dict(self).get("activation", self.fixed_activation)
        return activation

    @property
    def per_map(self) -> bool:
        """Whether each output map depends only on the input map with the same index."""
        return (self.keeps_shape and self.nonlinearity != "softmax") or bool(self.pooling)

    @property
    def share_dropped(self) -> float:
        """Share of the numbers that is set to zero during training."""
        return 0.0

    @property
    def moving_momentum(self) -> float:
        """Momentum of its moving averages; 0 without any."""
        return 0.0

    @property
    def words(self) -> str:
        """Its type and non-default settings as short text.

        Examples
        --------
        >>> from cnn_lab.network.spec import Dense
        >>> Dense(name="dense1", units=10, activation="relu").words
        'Dense, relu'
        """
        return ", ".join([type(self).__name__, *self._details()])

    def _details(self) -> Iterator[str]:
        if "activation" in type(self).model_fields and self.nonlinearity != "linear":
            yield self.nonlinearity

    @property
    def keras_class(self) -> str:
        """Name of its class in `keras.layers`."""
        return type(self).__name__

    def keras_arguments(self, *, defaults: bool = True) -> dict[str, Any]:
        """Return the keyword arguments for Keras; `defaults` includes Keras's defaults."""
        return self.model_dump(exclude={"type"}, exclude_defaults=not defaults)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the output shape for `input_shape`; ShapeError if it does not fit."""
        return input_shape

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shape of each weight, in Keras's order."""
        return {}

    def own_weights(self, weights: Weights) -> dict[str, Array]:
        """Return the layer's weights by their own names, from a network's by "layer/weight"."""
        prefix = f"{self.name}/"
        return {
            name.removeprefix(prefix): values
            for name, values in weights.items()
            if name.startswith(prefix)
        }

    def initial_weight(self, weight: str, shape: Shape, numbers: np.random.Generator) -> Array:
        """Return an initial weight, float32: random for kernels, zero otherwise.

        Kernels are uniform between plus and minus sqrt(6 / (fan_in + fan_out)), as Keras draws
        them by default.

        References
        ----------
        .. [1] Glorot and Bengio (2010), AISTATS, equation 16.
        """
        if not weight.endswith("kernel"):
            return np.zeros(shape, np.float32)
        limit = math.sqrt(6 / sum(fans(shape)))
        return numbers.uniform(-limit, limit, shape).astype(np.float32)

    def window(self, input_shape: Shape) -> Window | None:
        """Return the window of the maps that each output depends on.

        None for layers without one. For global pooling it is as large as the maps.
        """
        return None

    def reads_all(self, input_shape: Shape) -> bool:
        """Return whether each output depends on whole maps or on a whole row."""
        return self.nonlinearity == "softmax" and len(input_shape) == 1

    def products(self, input_shape: Shape) -> list[tuple[int, ...]]:
        """Return the factors of each term in the number of multiply-adds for one image."""
        return []

    def multiply_adds(self, input_shape: Shape) -> int:
        """Return the number of multiply-adds for one image."""
        return sum(map(math.prod, self.products(input_shape)))

    def parameters_latex(self, input_shape: Shape) -> str:
        r"""Return the calculation of its number of parameters as LaTeX; "" if it has none.

        Examples
        --------
        >>> from cnn_lab.network import zoo
        >>> zoo.preset("paper").network.layers[2].parameters_latex((14, 14, 16))
        '3 \\cdot 3 \\cdot 16 \\cdot 128 + 128 = 18{,}560'
        """
        return product_latex(list(self.weight_shapes(input_shape).values()))

    def multiply_adds_latex(self, input_shape: Shape) -> str:
        r"""Return the calculation of its multiply-adds as LaTeX; "" if it has none.

        Examples
        --------
        >>> from cnn_lab.network import zoo
        >>> zoo.preset("paper").network.layers[0].multiply_adds_latex((28, 28, 1))
        '28 \\cdot 28 \\cdot 2 \\cdot 2 \\cdot 1 \\cdot 16 = 50{,}176'
        """
        terms = self.products(input_shape)
        return product_latex(terms) if any(len(factors) > 1 for factors in terms) else ""

    def connections(self, input_shape: Shape) -> Connections | None:
        """Return the connections of a standard convolution for one image; None for others."""
        return None

    @abstractmethod
    def forward(self, values: Array, weights: Weights, drops: Drops = None) -> Pass:
        """Return the output for values, and the function that sends a gradient back.

        Parameters
        ----------
        values : ndarray of float32, shape (n, *input_shape)
        weights : mapping of str to ndarray
        drops : numpy Generator, optional
            With it, dropout drops numbers as in training.
        """

    def filters_view(self, weights: Weights) -> Array | None:
        """Return a view of the weights with the output map or unit as its last axis.

        None for layers without weights between inputs and outputs.
        """
        return None

    def kernels(self, weights: Weights) -> Array | None:
        """Return the kernel of each output map.

        Returns
        -------
        ndarray, shape (rows, columns, channels, maps), or None without kernels
            `channels` are the input channels of one map; see `sources`.
        """
        return None

    def sources(self, channel: int) -> slice:
        """Return the input channels of one map of a convolution."""
        return slice(None)

    def origin(self, place: Place, input_shape: Shape) -> Place:
        """Return the place of a number in the layer before, if the layer passes numbers on."""
        return place

    def formula(self, before: Array, weights: Weights, place: Place, value: float) -> str:
        """Return the arithmetic of one number as LaTeX; "" if a trace shows it instead.

        Parameters
        ----------
        before : ndarray, shape `input_shape`
            Input of the layer for one image.
        weights : mapping of str to ndarray
        place : (int, int, int)
            Map, row and column of the number.
        value : float
            The number.
        """
        return ""

    def separated(self, name: str) -> "tuple[BaseLayer, BaseLayer] | None":
        """Return a depthwise convolution with this name and a 1 x 1 convolution to replace it.

        The first filters each channel separately and has no bias, because the bias of the second
        covers it; the second mixes the channels and keeps the activation.
        None if the layer is not a standard convolution, or its window is 1 x 1, or its strides
        differ.

        References
        ----------
        .. [1] Howard et al. (2017), arXiv:1704.04861, section 3.1.
        """
        return None

    def before_softmax(self) -> "BaseLayer | None":
        """Return the layer without its softmax; None if nothing is left."""
        return self.model_copy(update={"activation": "linear"})

    def _map_size(self, input_shape: Shape) -> Pair:
        if len(input_shape) != 3:
            raise ShapeError(
                f"Layer {self.name} needs maps and must come before Flatten. "
                f"Received: input_shape={input_shape}"
            )
        return input_shape[0], input_shape[1]


def slid_size(size: Pair, window: Window) -> Pair:
    """Return the output rows and columns of a window that slides over maps."""
    rows, columns = (conv_output_length(*axis) for axis in zip(size, *window, strict=True))
    return rows, columns


def window_words(window: Pair, strides: Pair, usual: Pair, padding: str) -> Iterator[str]:
    """Yield the window, strides and padding as text, without defaults."""
    yield shape_words(window)
    if strides != usual:
        yield f"stride {strides[0] if strides[0] == strides[1] else shape_words(strides)}"
    if padding != "valid":
        yield padding


def without_weights(values: Array, slope: Slope) -> Pass:
    """Return the output of a layer without weights, and its backward function."""
    return values, lambda grad, _onward: (slope(grad), {})


def fans(kernel_shape: Shape) -> tuple[int, int]:
    """Return the fan-in and the fan-out of a kernel.

    Examples
    --------
    >>> fans((3, 3, 16, 32)), fans((100, 10))
    ((144, 288), (100, 10))
    """
    *window, n_in, n_out = kernel_shape
    reach = math.prod(window)
    return reach * n_in, reach * n_out


def channels_at(values: Array, place: Place) -> Array:
    """Return the numbers of all channels at a place, or the whole row of numbers."""
    _, row, column = place
    return values[row, column] if values.ndim == 3 else values
