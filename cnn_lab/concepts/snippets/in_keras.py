"""The layer on a page in Keras."""

from cnn_lab.concepts.layer_call import LayerCall
from cnn_lab.concepts.snippets.in_numpy import array_lines
from cnn_lab.concepts.snippets.literals import arguments, script, short, written
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.ops.types import Borders, Pair

NAMED = ("valid", "same")


def keras_code(call: LayerCall) -> str:
    """Return code for this call with Keras; gradients use TensorFlow's tape.

    What Keras lacks, such as padding that repeats the edge, is composed of several operations.

    Parameters
    ----------
    call : LayerCall
        Its numbers are written out if they are few; otherwise random ones are used instead,
        and the code says so.
    """
    arrays = array_lines(written(call), dtype='"float32"')
    if call.is_gradient:
        imports = ["import keras", "import numpy as np", "import tensorflow as tf"]
        return script(imports, arrays, *_gradient_lines(call))
    lines = [*_model_lines(call), *_layer_lines(call)]
    return script(["import keras", "import numpy as np"], arrays, lines)


def _gradient_lines(call: LayerCall) -> tuple[list[str], list[str]]:
    convolves = call.operation == "convolution_gradients"
    sources = ["kernel", "images", "bias"] if convolves else ["images"]
    makes = [f"{name} = tf.constant({name})" for name in sources if name != "bias"]
    if convolves:
        assert call.kernel is not None
        makes.append(f"bias = tf.zeros({call.kernel.shape[3]})")
    watched = f"[{', '.join(sources)}]"
    targets = "kernel_gradient, input_gradient, bias_gradient" if convolves else "(input_gradient,)"
    return (
        makes,
        [
            "with tf.GradientTape() as tape:",
            f"    tape.watch({watched})",
            *(f"    {line}" for line in _layer_lines(call)),
            f"{targets} = tape.gradient(",
            f"    result, {watched}, output_gradients=grad_output",
            ")",
        ],
    )


def _model_lines(call: LayerCall) -> list[str]:
    """Return the layer to use in a model, if Keras has one for this call."""
    if "pooling" in call.operation:
        return []
    assert call.kernel is not None
    settings = call.convolution
    strides, dilation_rate = settings.strides, settings.dilation_rate
    plain = settings.pad_mode == "zeros" and not settings.flip_kernel
    if not plain or settings.padding not in NAMED or _skips(settings):
        return []
    layer = "Conv2D" if call.operation == "convolution" else "Conv2DTranspose"
    does = arguments(
        str(call.kernel.shape[3]),
        short(call.kernel_size),
        strides=None if strides == (1, 1) else short(strides),
        padding='"same"' if settings.padding == "same" else None,
        dilation_rate=None if dilation_rate == (1, 1) else short(dilation_rate),
        groups=None if settings.groups == 1 else settings.groups,
        activation=f'"{call.activation}"' if call.activation else None,
        use_bias="False" if call.bias is None else None,
    )
    return [f"# In a model: keras.layers.{layer}({does})"]


def _layer_lines(call: LayerCall) -> list[str]:
    if "pooling" in call.operation:
        return _pooling_lines(call)
    if call.operation == "transposed_convolution":
        return _transposed_lines(call)
    return _convolution_lines(call)


def _convolution_lines(call: LayerCall) -> list[str]:
    settings = call.convolution
    strides, dilation_rate = settings.strides, settings.dilation_rate
    skips = _skips(settings)
    kernel = "kernel"
    lines = []
    if settings.flip_kernel:
        lines.append(
            "flipped = keras.ops.flip(kernel, axis=(0, 1))  # Keras never flips the kernel"
        )
        kernel = "flipped"
    images, padding = "images", str(settings.padding)
    if padding not in NAMED or settings.pad_mode != "zeros" or skips:
        borders = settings.borders(call.size, call.kernel_size)
        padding = "valid"
        if any(borders[0] + borders[1]):
            lines += _pad_lines(borders, settings.pad_mode, call.size)
            images = "padded"
    plain = {
        "padding": None if padding == "valid" else f'"{padding}"',
        "dilation_rate": None if dilation_rate == (1, 1) else short(dilation_rate),
    }
    stride = None if strides == (1, 1) else short(strides)
    if skips:
        lines += [
            "# Keras does not combine strides with dilation: compute every position, keep some.",
            f"result = keras.ops.conv({arguments(images, kernel, **plain)})",
            f"result = result[:, ::{strides[0]}, ::{strides[1]}]",
        ]
    else:
        if settings.groups > 1:
            lines.append("# Keras infers the groups from the kernel, which has fewer channels.")
        lines.append(
            f"result = keras.ops.conv({arguments(images, kernel, strides=stride, **plain)})"
        )
    if call.activation:
        return [*lines, *_bias_lines(call), f"result = keras.ops.{call.activation}(result)"]
    return [*lines, *_bias_lines(call)]


def _skips(settings: ConvolutionSettings) -> bool:
    strides, dilation_rate = settings.strides, settings.dilation_rate
    return max(strides) > 1 and max(dilation_rate) > 1


def _transposed_lines(call: LayerCall) -> list[str]:
    settings = call.convolution
    strides = settings.strides
    stride = None if strides == (1, 1) else short(strides)
    same = '"same"' if settings.padding == "same" else None
    does = arguments("images", "swapped", strides=stride or "1", padding=same)
    lines = [
        "# Keras stores this kernel with its filters before its channels.",
        "swapped = keras.ops.transpose(kernel, (0, 1, 3, 2))",
        f"result = keras.ops.conv_transpose({does})",
    ]
    if settings.padding not in NAMED:
        cut = transposed_cut(call)
        lines.append(f"result = result[:, {cut}]  # cut off the padding")
    return [*lines, *_bias_lines(call)]


def transposed_cut(call: LayerCall) -> str:
    """Return the slices of the unpadded result that remain after cutting the padding."""
    strides = call.convolution.strides
    borders = call.convolution.borders(call.size, call.kernel_size)
    axes = zip(borders, call.size, strides, call.kernel_size, strict=True)
    return ", ".join(
        f"{before}:{(length - 1) * stride + k - after}"
        for (before, after), length, stride, k in axes
    )


def _pooling_lines(call: LayerCall) -> list[str]:
    settings = call.pooling
    pool_size, strides = settings.pool_size, settings.strides
    largest = call.operation.startswith("max")
    counted = settings.count_include_pad and not largest
    stride = short(strides)
    if settings.padding in NAMED and not (counted and settings.padding == "same"):
        layer = "MaxPooling2D" if largest else "AveragePooling2D"
        does = arguments(
            short(pool_size),
            strides=None if strides == pool_size else stride,
            padding='"same"' if settings.padding == "same" else None,
        )
        return [f"result = keras.layers.{layer}({does})(images)"]
    borders = settings.borders(call.size)
    window = arguments("padded", short(pool_size), stride)
    if largest:
        return [
            *_pad_lines(borders, "zeros", call.size, fill="-np.inf"),
            f"result = keras.ops.max_pool({window})",
        ]
    lines = [
        *_pad_lines(borders, "zeros", call.size),
        f"result = keras.ops.average_pool({window})",
    ]
    if not counted:
        ones = f"keras.ops.pad(keras.ops.ones_like(images), {_widths(borders)})"
        lines += [
            f"inside = {ones}  # do not count the padding",
            f"result = result / keras.ops.average_pool({window.replace('padded', 'inside')})",
        ]
    return lines


def _pad_lines(borders: Borders, mode: str, size: Pair, fill: str | None = None) -> list[str]:
    if mode in ("zeros", "reflect"):
        reflect = '"reflect"' if mode == "reflect" else None
        does = arguments("images", _widths(borders), mode=reflect, constant_values=fill)
        return [f"padded = keras.ops.pad({does})"]
    rows, columns = (
        f"np.arange({-before}, {length + after})"
        + (f" % {length}" if mode == "wrap" else f".clip(0, {length - 1})")
        for (before, after), length in zip(borders, size, strict=True)
    )
    return [
        "# Keras has no such padding: list the pixel that each padded one copies.",
        f"rows, columns = {rows}, {columns}",
        "padded = keras.ops.take(keras.ops.take(images, rows, axis=1), columns, axis=2)",
    ]


def _widths(borders: Borders) -> str:
    return str(((0, 0), *borders, (0, 0)))


def _bias_lines(call: LayerCall) -> list[str]:
    return ["result = result + bias"] if call.bias is not None or call.is_gradient else []
