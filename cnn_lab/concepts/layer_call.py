"""One layer applied to the numbers of a page, for checks against Keras and code snippets."""

from dataclasses import dataclass, fields, replace
from hashlib import blake2b
from typing import Any, Literal, get_args

import numpy as np

from cnn_lab.ops.activations import Activation
from cnn_lab.ops.settings import ConvolutionSettings, PoolingSettings
from cnn_lab.ops.types import Array, Pair, as_float

Operation = Literal[
    "convolution",
    "transposed_convolution",
    "max_pooling",
    "average_pooling",
    "convolution_gradients",
    "max_pooling_gradient",
    "average_pooling_gradient",
]
Precision = Literal["float32", "float64"]


@dataclass(frozen=True, eq=False)
class LayerCall:
    """An operation with its settings and numbers.

    Parameters
    ----------
    operation : str
        One of `Operation`.
    settings : ConvolutionSettings or PoolingSettings
        A transposed convolution takes strides and padding only.
    images : ndarray, shape (n, height, width, channels)
    kernel : ndarray, shape (rows, columns, channels / groups, filters), optional
        For every convolution. For a transposed one too, channels are inputs and filters are
        outputs.
    bias : ndarray, shape (filters,), optional
    grad_output : ndarray, shape (n, out_height, out_width, filters or channels), optional
        For every gradient: the gradient of the loss with respect to the output.
    activation : {"relu", "sigmoid", "tanh"}, optional
        What a convolution's output goes through.

    Raises
    ------
    ShapeError
        If an array has the wrong number of dimensions.
    ValueError
        If an array or a setting is missing, or the operation does not use one.
    """

    operation: Operation
    settings: ConvolutionSettings | PoolingSettings
    images: Array
    kernel: Array | None = None
    bias: Array | None = None
    grad_output: Array | None = None
    activation: Activation | None = None

    def __post_init__(self) -> None:
        if self.operation not in get_args(Operation):
            raise ValueError(
                f"`operation` must be one of {get_args(Operation)}. "
                f"Received: operation={self.operation!r}"
            )
        convolves = "convolution" in self.operation
        if isinstance(self.settings, ConvolutionSettings) != convolves:
            raise ValueError(
                "A convolution takes ConvolutionSettings, pooling takes PoolingSettings. "
                f"Received: operation={self.operation!r}, settings={self.settings!r}"
            )
        needed = {"images", *(["kernel"] * convolves), *(["grad_output"] * self.is_gradient)}
        given = {name for name, _ in self.arrays()}
        if given - {"bias"} != needed or (self.bias is not None and not convolves):
            raise ValueError(
                f"{self.operation} takes the arrays {sorted(needed)}. "
                f"Received: arrays={sorted(given)}"
            )
        if self.operation == "transposed_convolution":
            self._check_transposed()
        if self.activation is not None and self.operation != "convolution":
            raise ValueError(
                "Only a convolution takes an activation. "
                f"Received: operation={self.operation!r}, activation={self.activation!r}"
            )
        for name, array in self.arrays():
            ndim, axes = (1, "(filters,)") if name == "bias" else (4, "with four axes")
            object.__setattr__(self, name, as_float(name, array, ndim=ndim, axes=axes))

    def _check_transposed(self) -> None:
        settings = self.convolution
        plain = ConvolutionSettings(strides=settings.strides, padding=settings.padding)
        if settings != plain or settings.padding == "full":
            raise ValueError(
                'A transposed convolution takes strides and a padding other than "full". '
                f"Received: settings={settings!r}"
            )

    @property
    def is_gradient(self) -> bool:
        """Whether gradients are computed instead of the output."""
        return self.operation.endswith(("gradient", "gradients"))

    @property
    def convolution(self) -> ConvolutionSettings:
        """Settings, if the operation is a convolution."""
        assert isinstance(self.settings, ConvolutionSettings)
        return self.settings

    @property
    def pooling(self) -> PoolingSettings:
        """Settings, if the operation is pooling."""
        assert isinstance(self.settings, PoolingSettings)
        return self.settings

    @property
    def size(self) -> Pair:
        """Rows and columns of the images."""
        return int(self.images.shape[1]), int(self.images.shape[2])

    @property
    def kernel_size(self) -> Pair:
        """Rows and columns of the kernel, if there is one."""
        assert self.kernel is not None
        return int(self.kernel.shape[0]), int(self.kernel.shape[1])

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names of the computed arrays."""
        if not self.is_gradient:
            return ("result",)
        if self.operation == "convolution_gradients":
            return "kernel_gradient", "input_gradient", "bias_gradient"
        return ("input_gradient",)

    @property
    def precision(self) -> Precision:
        """Floating-point type of the page: float32 only if all arrays are."""
        kinds = np.result_type(*(array for _, array in self.arrays()))
        return "float32" if kinds.itemsize <= 4 else "float64"

    @property
    def n_terms(self) -> int:
        """Most products added up for one number."""
        if "pooling" in self.operation:
            rows, columns = self.pooling.pool_size
            return 1 if self.operation == "max_pooling" else rows * columns
        assert self.kernel is not None
        rows, columns, depth, filters = self.kernel.shape
        if self.grad_output is None:
            return int(rows * columns * depth)
        # Padding with copies lets a pixel reach an output through each cell of the kernel.
        copied = self.convolution.pad_mode != "zeros"
        reached = self.grad_output.size if copied else filters
        return int(max(rows * columns * reached, self.grad_output.size // filters))

    @property
    def magnitudes(self) -> "LayerCall":
        """The call whose results are the sums of the absolute values of this one's terms.

        It has no activation.
        """
        # In the gradient of max pooling, the images only choose the cells.
        kept = {"images"} if self.operation == "max_pooling_gradient" else set()
        absolute: dict[str, Any] = {
            name: np.abs(array) for name, array in self.arrays() if name not in kept
        }
        return replace(self, **absolute, activation=None)

    def arrays(self) -> list[tuple[str, Array]]:
        """Return the arrays that are set, by name."""
        named = [(name, getattr(self, name)) for name in _ARRAYS]
        return [(name, array) for name, array in named if array is not None]


_NO_ARRAYS = {"operation", "settings", "activation"}
_ARRAYS = [field.name for field in fields(LayerCall) if field.name not in _NO_ARRAYS]


def digest(*parts: object) -> str:
    """Return a short hash of arrays, and of other values by their `repr`, in this order."""
    state = blake2b(digest_size=12)
    for part in parts:
        if isinstance(part, np.ndarray):
            state.update(f"{part.dtype.str}{part.shape}".encode())
            state.update(np.ascontiguousarray(part).tobytes())
        else:
            state.update(repr(part).encode())
        state.update(b"\0")
    return state.hexdigest()
