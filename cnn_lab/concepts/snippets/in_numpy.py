"""The layer on a page in NumPy, with this library's own operators."""

from typing import Any

from cnn_lab.concepts.layer_call import LayerCall
from cnn_lab.concepts.snippets.literals import (
    MATRICES_LAST,
    Written,
    arguments,
    script,
    short,
    written,
)

_FUNCTIONS = {
    "convolution": "conv2d",
    "transposed_convolution": "conv2d_transpose",
    "max_pooling": "max_pool2d",
    "average_pooling": "average_pool2d",
    "convolution_gradients": "conv2d_gradients",
    "max_pooling_gradient": "max_pool2d_gradient",
    "average_pooling_gradient": "average_pool2d_gradient",
}


def numpy_code(call: LayerCall) -> str:
    """Return code for this call with `cnn_lab.ops`.

    Parameters
    ----------
    call : LayerCall
        Its numbers are written out if they are few; otherwise random ones are used instead,
        and the code says so.
    """
    arrays = written(call)
    function = _FUNCTIONS[call.operation]
    does = f"{function}({arguments(*(one.name for one in arrays), **_settings(call))})"
    names = ", ".join([function, *([call.activation] if call.activation else [])])
    imports = ["import numpy as np", "", f"from cnn_lab.ops import {names}"]
    return script(imports, array_lines(arrays), _results(call, does))


def array_lines(arrays: list[Written], dtype: str | None = None) -> list[str]:
    """Return the lines that create the arrays, channels last."""
    lines = []
    if not all(one.numbers for one in arrays):
        lines.append("rng = np.random.default_rng(0)")
    for one in arrays:
        order = sorted(range(len(one.shape)), key=MATRICES_LAST[one.name].__getitem__)
        shape = tuple(one.shape[axis] for axis in order)
        if not one.numbers:
            made = f"rng.random({arguments(str(shape), dtype=dtype)})"
            lines += [one.excuse, f"{one.name} = {made}"]
            continue
        if len(shape) == 1:
            rest = ""
        elif one.is_one_matrix:
            rest = f".reshape{shape}"
        else:
            rest = f".transpose{tuple(order)}"
            lines.append(f"# Written in the order {one.axes}.")
        values = arguments(one.numbers, dtype=dtype)
        lines.append(f"{one.name} = np.array({values}){rest}")
    return lines


def _settings(call: LayerCall) -> dict[str, Any]:
    if "pooling" in call.operation:
        pool_size, strides = call.pooling.pool_size, call.pooling.strides
        return {
            "pool_size": short(pool_size),
            "strides": None if strides == pool_size else short(strides),
            "padding": _unless("valid", call.pooling.padding),
            "count_include_pad": (
                "True"
                if call.pooling.count_include_pad and not call.operation.startswith("max")
                else None
            ),
        }
    settings = call.convolution
    strides, dilation_rate = settings.strides, settings.dilation_rate
    return {
        "strides": None if strides == (1, 1) else short(strides),
        "padding": _unless("valid", settings.padding),
        "dilation_rate": None if dilation_rate == (1, 1) else short(dilation_rate),
        "groups": _unless(1, settings.groups),
        "flip_kernel": _unless(False, settings.flip_kernel),
        "pad_mode": _unless("zeros", settings.pad_mode),
    }


def _unless(default: object, value: object) -> str | None:
    if value == default:
        return None
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _results(call: LayerCall, does: str) -> list[str]:
    if call.operation == "convolution_gradients":
        return [
            f"gradients = {does}",
            "kernel_gradient = gradients.kernel",
            "input_gradient = gradients.images",
            "bias_gradient = gradients.bias",
        ]
    lines = [f"{call.quantities[0]} = {does}"]
    return [*lines, f"result = {call.activation}(result)"] if call.activation else lines
