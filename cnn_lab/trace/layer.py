"""The rounded numbers of a convolutional layer on one image, and the grids that show them."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.conv import conv2d
from cnn_lab.ops.types import Pair, ShapeError, as_float
from cnn_lab.trace.grid import Grid, IntArray, Scale
from cnn_lab.trace.numbers import MAX_SHOWN_DECIMALS, FloatArray, Precision, settle
from cnn_lab.trace.windows import check_finite, plain_grid


class Layer:
    """The numbers of the layer except the image, and their grids."""

    def __init__(
        self,
        kernel: NDArray[np.floating[Any]],
        bias: NDArray[Any] | None,
        padded: FloatArray,
        image_precision: Precision,
        *,
        strides: Pair,
        dilation_rate: Pair,
        groups: int,
        flip_kernel: bool,
    ) -> None:
        self.depth, self.filters = kernel.shape[2:]
        self.groups = groups
        self.weights, self.weight_precision = settle(kernel)
        self.has_bias = bias is not None
        offsets = np.zeros(self.filters) if bias is None else _as_bias(bias, self.filters)
        self.offsets, self.offset_precision = settle(offsets)
        convolve = partial(
            conv2d,
            strides=strides,
            dilation_rate=dilation_rate,
            groups=groups,
            flip_kernel=flip_kernel,
        )
        result = convolve(padded, self.weights, self.offsets)[0]
        shares = np.stack(
            [
                convolve(padded[..., c :: self.depth], self.weights[:, :, c : c + 1])[0]
                for c in range(self.depth)
            ]
        )
        precisions = image_precision, self.weight_precision, self.offset_precision
        decimals = max(
            image_precision.decimals + self.weight_precision.decimals,
            self.offset_precision.decimals,
        )
        exact = decimals <= MAX_SHOWN_DECIMALS and all(p.exact for p in precisions)
        self.result, self.result_precision = settle(result, decimals, exact=exact)
        self.shares, self.share_precision = settle(shares, decimals, exact=exact)
        compared = [self.result, self.offsets, *([self.shares] if self.depth > 1 else [])]
        self.result_scale = Scale.signed(*compared)
        self.filter_parts = part_names("filter", self.filters)

    def channel_of(self, f: int, c: int) -> int:
        """Return the image channel that the c-th slice of a filter reads."""
        return int(f // (self.filters // self.groups) * self.depth + c)

    def place_kernels(self, place: "Placer", parts: tuple[str, ...]) -> IntArray:
        """Append each filter's kernels; return their first ids, shape (filters, slices)."""
        scale = Scale.signed(self.weights)
        return np.array(
            [
                [
                    place(
                        self.weights[:, :, c, f],
                        key=f"kernel-{f + 1}-{c + 1}",
                        title="Kernel" if self.filters == 1 else f"Filter {f + 1}",
                        part=parts[self.channel_of(f, c)],
                        role="kernel",
                        scale=scale,
                        precision=self.weight_precision,
                        filter=f,
                        channel=self.channel_of(f, c),
                    )
                    for c in range(self.depth)
                ]
                for f in range(self.filters)
            ]
        )

    def place_biases(self, place: "Placer") -> IntArray:
        """Append the biases; return their ids, shape (filters,) or (0,)."""
        return np.array(
            [
                place(
                    self.offsets[f : f + 1, np.newaxis],
                    key=f"bias-{f + 1}",
                    title="Bias",
                    note="",
                    role="bias",
                    scale=self.result_scale,
                    precision=self.offset_precision,
                    filter=f,
                )
                for f in range(self.filters if self.has_bias else 0)
            ],
            np.int64,
        )

    def place_partials(self, place: "Placer", parts: tuple[str, ...]) -> IntArray:
        """Append the partial results; return their first ids, shape (filters, slices or 0)."""
        return np.array(
            [
                [
                    place(
                        self.shares[c, :, :, f],
                        key=f"partial-{f + 1}-{c + 1}",
                        title="Per channel",
                        part=parts[self.channel_of(f, c)],
                        role="partial",
                        scale=self.result_scale,
                        precision=self.share_precision,
                        filter=f,
                        channel=self.channel_of(f, c),
                    )
                    for c in range(self.depth if self.depth > 1 else 0)
                ]
                for f in range(self.filters)
            ],
            np.int64,
        )

    def place_outputs(self, place: "Placer") -> IntArray:
        """Append the outputs; return their first ids, shape (filters,)."""
        return np.array(
            [
                place(
                    self.result[:, :, f],
                    key=f"output-{f + 1}",
                    title="Output",
                    part=self.filter_parts[f],
                    role="output",
                    scale=self.result_scale,
                    precision=self.result_precision,
                    filter=f,
                )
                for f in range(self.filters)
            ]
        )


class Placer:
    """Appends plain grids and returns their first cell ids."""

    def __init__(self, grids: list[Grid]) -> None:
        self._grids = grids
        self._next = sum(grid.values.size for grid in grids)

    def __call__(self, values: NDArray[np.float64], **properties: Any) -> int:
        """Append one grid with these properties and return its first id."""
        first_id = self._next
        self._grids.append(plain_grid(values, first_id=first_id, **properties))
        self._next += values.size
        return first_id


def _as_bias(bias: NDArray[Any], filters: int) -> NDArray[np.floating[Any]]:
    array = as_float("bias", bias, ndim=1, axes="(filters,)")
    check_finite("bias", array)
    if array.shape != (filters,):
        raise ShapeError(
            f"`bias` must hold one number per filter, {filters}. Received: bias.shape={array.shape}"
        )
    return array


def part_names(noun: str, count: int, names: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the names of the channels or filters; a single one needs no name."""
    if names is not None:
        if len(names) != count:
            raise ValueError(
                f"`channel_names` must name {count} channels. Received: channel_names={names!r}"
            )
        return tuple(names)
    return ("",) if count == 1 else tuple(f"{noun} {n + 1}" for n in range(count))
