"""The layer on a page in PyTorch, channels first."""

from cnn_lab.concepts.layer_call import LayerCall
from cnn_lab.concepts.snippets.in_keras import transposed_cut
from cnn_lab.concepts.snippets.literals import arguments, script, short, written
from cnn_lab.ops.types import Borders

_MODES = {"reflect": '"reflect"', "edge": '"replicate"', "wrap": '"circular"'}
_ASYMMETRIC = "# PyTorch pads both sides equally, so unequal borders are added first."


def pytorch_code(call: LayerCall) -> str:
    """Return code for this call with PyTorch.

    Parameters
    ----------
    call : LayerCall
        Its numbers are written out if they are few; otherwise random ones are used instead,
        and the code says so. PyTorch puts channels before rows: the results
        are those of the page with their axes in that order.
    """
    return script(
        ["import torch", "import torch.nn.functional as F"],
        _array_lines(call),
        _layer_lines(call),
        _gradient_lines(call) if call.is_gradient else [],
    )


def _array_lines(call: LayerCall) -> list[str]:
    arrays = written(call)
    lines = [] if all(one.numbers for one in arrays) else ["torch.manual_seed(0)"]
    for one in arrays:
        tail = ""
        is_transposed = call.operation == "transposed_convolution"
        if is_transposed and one.name == "kernel" and not one.is_one_matrix:
            lines.append("# PyTorch stores this kernel with its channels before its filters.")
            tail = ".swapaxes(0, 1)"
        if not one.numbers:
            lines += [one.excuse, f"{one.name} = torch.rand{one.shape}{tail}"]
            continue
        if len(one.shape) == 4 and one.is_one_matrix:
            tail = f".reshape{one.shape}"
        lines.append(f"{one.name} = torch.tensor({one.numbers}, dtype=torch.float32){tail}")
    return lines


def _layer_lines(call: LayerCall) -> list[str]:
    watched = ("kernel", "images", "bias") if "convolution" in call.operation else ("images",)
    lines = []
    if call.is_gradient:
        if "bias" in watched:
            assert call.kernel is not None
            lines.append(f"bias = torch.zeros({call.kernel.shape[3]})")
        lines += [f"{name}.requires_grad_()" for name in watched]
    if "pooling" in call.operation:
        return [*lines, *_pooling_lines(call)]
    if call.operation == "transposed_convolution":
        return [*lines, *_transposed_lines(call)]
    return [*lines, *_convolution_lines(call)]


def _convolution_lines(call: LayerCall) -> list[str]:
    settings = call.convolution
    strides, dilation_rate = settings.strides, settings.dilation_rate
    borders = settings.borders(call.size, call.kernel_size)
    images, padding, lines = "images", None, []
    symmetric = _is_symmetric(borders)
    if settings.pad_mode != "zeros" or not symmetric:
        if not symmetric and settings.pad_mode == "zeros":
            lines.append(_ASYMMETRIC)
        mode = _MODES.get(settings.pad_mode)
        lines.append(f"padded = F.pad({arguments('images', _widths(borders), mode=mode)})")
        images = "padded"
    elif any(borders[0] + borders[1]):
        padding = short((borders[0][0], borders[1][0]))
    kernel = "kernel"
    if settings.flip_kernel:
        lines.append("flipped = kernel.flip(2, 3)  # PyTorch never flips the kernel")
        kernel = "flipped"
    does = arguments(
        images,
        kernel,
        *_bias(call),
        stride=None if strides == (1, 1) else short(strides),
        padding=padding,
        dilation=None if dilation_rate == (1, 1) else short(dilation_rate),
        groups=None if settings.groups == 1 else settings.groups,
    )
    lines.append(f"result = F.conv2d({does})")
    if call.activation:
        lines.append(f"result = torch.{call.activation}(result)")
    return lines


def _transposed_lines(call: LayerCall) -> list[str]:
    settings = call.convolution
    strides = settings.strides
    rests = [max(stride - k, 0) for stride, k in zip(strides, call.kernel_size, strict=True)]
    cut, comment = None, ""
    if settings.padding == "same":
        # Keras keeps `stride` rows per pixel and drops an odd one at the end.
        befores = [max(k - s, 0) // 2 for k, s in zip(call.kernel_size, strides, strict=True)]
        axes = zip(befores, call.size, strides, strict=True)
        cut = ", ".join(f"{before}:{before + length * stride}" for before, length, stride in axes)
        comment = '  # what Keras keeps with padding="same"'
    elif settings.padding != "valid":
        cut, comment = transposed_cut(call), "  # cut off the padding"
        rests = [0, 0]
    does = arguments(
        "images",
        "kernel",
        *_bias(call),
        stride=None if strides == (1, 1) else short(strides),
        output_padding=short((rests[0], rests[1])) if any(rests) else None,
    )
    lines = [f"result = F.conv_transpose2d({does})"]
    return [*lines, f"result = result[:, :, {cut}]{comment}"] if cut else lines


def _pooling_lines(call: LayerCall) -> list[str]:
    settings = call.pooling
    pool_size, strides = settings.pool_size, settings.strides
    borders = settings.borders(call.size)
    largest = call.operation.startswith("max")
    function = "F.max_pool2d" if largest else "F.avg_pool2d"
    stride = None if strides == pool_size else short(strides)
    padded = any(borders[0] + borders[1])
    # PyTorch also rejects padding of more than half a window.
    half = all(2 * max(border) <= size for border, size in zip(borders, pool_size, strict=True))
    if _is_symmetric(borders) and half:
        does = arguments(
            "images",
            short(pool_size),
            stride=stride,
            padding=short((borders[0][0], borders[1][0])) if padded else None,
            count_include_pad=(
                "False" if padded and not largest and not settings.count_include_pad else None
            ),
        )
        return [f"result = {function}({does})"]
    comment = "# PyTorch pads both sides equally and by half a window at most, so pad first."
    window = arguments(short(pool_size), stride=stride)
    fill = '-float("inf")' if largest else None
    lines = [
        comment,
        f"padded = F.pad({arguments('images', _widths(borders), value=fill)})",
        f"result = {function}(padded, {window})",
    ]
    if not largest and not settings.count_include_pad:
        lines += [
            f"inside = F.pad(torch.ones_like(images), {_widths(borders)})"
            "  # do not count the padding",
            f"result = result / F.avg_pool2d(inside, {window})",
        ]
    return lines


def _gradient_lines(call: LayerCall) -> list[str]:
    if call.operation == "convolution_gradients":
        return [
            "kernel_gradient, input_gradient, bias_gradient = torch.autograd.grad(",
            "    result, (kernel, images, bias), grad_output",
            ")",
        ]
    return ["(input_gradient,) = torch.autograd.grad(result, (images,), grad_output)"]


def _is_symmetric(borders: Borders) -> bool:
    return all(before == after for before, after in borders)


def _widths(borders: Borders) -> str:
    """Return borders in PyTorch's order: left, right, top, bottom."""
    return str((*borders[1], *borders[0]))


def _bias(call: LayerCall) -> list[str]:
    return ["bias"] if call.bias is not None or call.is_gradient else []
