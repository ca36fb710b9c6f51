"""Code beside a page: Keras's and NumPy's is run, PyTorch's is read."""

import ast
import re
from typing import Any

import keras
import numpy as np
import pytest

from cnn_lab.concepts.layer_call import LayerCall
from cnn_lab.concepts.snippets import keras_code, numpy_code, pytorch_code
from cnn_lab.ops.settings import ConvolutionSettings, PoolingSettings
from tests.unit.layer_calls import CALLS, computed, convolution, pooling, random, transposed


def run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(code, "<snippet>", "exec"), names)
    return names


def assert_same(call: LayerCall, names: dict[str, Any]) -> None:
    for name, expected in computed(call).items():
        np.testing.assert_allclose(np.asarray(names[name]), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("call", CALLS)
def test_keras_code_runs_and_makes_the_same(call: LayerCall) -> None:
    assert_same(call, run(keras_code(call)))


@pytest.mark.parametrize(
    "call",
    [
        convolution(channels=2, filters=3, padding="same", strides=2),
        convolution(channels=4, filters=4, groups=2, dilation_rate=(1, 2), bias=False),
        convolution(filters=2, activation="relu"),
        convolution(activation="sigmoid", bias=False),
        transposed(2, "same"),
    ],
)
def test_the_layer_that_keras_code_names_makes_the_same(call: LayerCall) -> None:
    (named,) = re.findall(r"# In a model: (.*)", keras_code(call))
    layer = eval(named, {"keras": keras})
    layer.build(call.images.shape)
    assert call.kernel is not None
    is_transposed = call.operation == "transposed_convolution"
    kernel = call.kernel.transpose(0, 1, 3, 2) if is_transposed else call.kernel
    layer.set_weights([kernel] if call.bias is None else [kernel, call.bias])
    assert_same(call, {"result": layer(call.images)})


@pytest.mark.parametrize(
    "settings",
    [
        {"padding": "full"},
        {"padding": "same", "flip_kernel": True},
        {"padding": "same", "pad_mode": "edge"},
        {"strides": 2, "dilation_rate": 2},
    ],
)
def test_no_layer_is_named_where_keras_has_none(settings: dict[str, Any]) -> None:
    assert "In a model" not in keras_code(convolution(**settings))


@pytest.mark.parametrize("call", CALLS)
def test_numpy_code_runs_and_makes_the_same(call: LayerCall) -> None:
    assert_same(call, run(numpy_code(call)))


@pytest.mark.parametrize("call", CALLS)
def test_pytorch_code_compiles_and_names_what_the_operation_makes(call: LayerCall) -> None:
    tree = ast.parse(pytorch_code(call))
    stored = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    assert set(call.quantities) <= stored
    loaded = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - stored
    assert loaded <= {"torch", "F", "float"}


def pytorch_call(call: LayerCall, function: str) -> tuple[list[Any], dict[str, Any]]:
    """The numbers that the code hands to a function of PyTorch; names stand for themselves."""

    def value(node: ast.expr) -> Any:
        return node.id if isinstance(node, ast.Name) else ast.literal_eval(node)

    for node in ast.walk(ast.parse(pytorch_code(call))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == function:
            return [value(arg) for arg in node.args], {
                keyword.arg or "": value(keyword.value) for keyword in node.keywords
            }
    return [], {}


def test_pytorch_pads_both_sides_alike_or_before() -> None:
    odd = convolution(kernel_size=(3, 3), padding="same")
    assert pytorch_call(odd, "F.conv2d") == (["images", "kernel", "bias"], {"padding": 1})
    assert pytorch_call(odd, "F.pad") == ([], {})

    wide = convolution(kernel_size=(3, 5), padding="same", dilation_rate=(1, 2))
    assert pytorch_call(wide, "F.conv2d")[1] == {"padding": (1, 4), "dilation": (1, 2)}

    even = convolution(kernel_size=(2, 3), padding="same")
    assert pytorch_call(even, "F.pad") == (["images", (1, 1, 0, 1)], {})
    assert pytorch_call(even, "F.conv2d") == (["padded", "kernel", "bias"], {})
    assert "# PyTorch pads both sides" in pytorch_code(even)

    own = convolution(padding=((1, 2), (3, 4)), strides=2, bias=False)
    assert pytorch_call(own, "F.pad") == (["images", (3, 4, 1, 2)], {})
    assert pytorch_call(own, "F.conv2d") == (["padded", "kernel"], {"stride": 2})


@pytest.mark.parametrize(
    ("pad_mode", "theirs"), [("reflect", "reflect"), ("edge", "replicate"), ("wrap", "circular")]
)
def test_pytorch_has_other_names_for_borders(pad_mode: str, theirs: str) -> None:
    call = convolution(padding=1, pad_mode=pad_mode)
    assert pytorch_call(call, "F.pad") == (["images", (1, 1, 1, 1)], {"mode": theirs})


def test_pytorch_pools_with_at_most_half_a_window_of_padding() -> None:
    plain = pooling("max_pooling", pool_size=2)
    assert pytorch_call(plain, "F.max_pool2d") == (["images", 2], {})
    padded = pooling("average_pooling", pool_size=3, strides=1, padding=1)
    assert pytorch_call(padded, "F.avg_pool2d") == (
        ["images", 3],
        {"stride": 1, "padding": 1, "count_include_pad": False},
    )
    counted = pooling("average_pooling", pool_size=3, padding=1, count_include_pad=True)
    assert pytorch_call(counted, "F.avg_pool2d") == (["images", 3], {"padding": 1})
    wide = pooling("max_pooling", pool_size=3, padding="full")
    assert pytorch_call(wide, "F.max_pool2d") == (["padded", 3], {})
    assert 'padded = F.pad(images, (2, 2, 2, 2), value=-float("inf"))' in pytorch_code(wide)


def test_pytorch_has_channels_first() -> None:
    call = convolution(size=(3, 4), kernel_size=(2, 3), channels=2, filters=4, bias=False)
    tensors = {}
    for node in ast.parse(pytorch_code(call)).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and node.value.args:
            name = ast.unparse(node.targets[0])
            if ast.unparse(node.value.func) == "torch.tensor":
                tensors[name] = np.array(ast.literal_eval(node.value.args[0]))
    np.testing.assert_allclose(tensors["images"], call.images.transpose(0, 3, 1, 2), rtol=1e-6)
    assert call.kernel is not None
    np.testing.assert_allclose(tensors["kernel"], call.kernel.transpose(3, 2, 0, 1), rtol=1e-6)


def test_numbers_are_written_as_they_are() -> None:
    image = np.array([[0, 255], [-3, 7]]).reshape(1, 2, 2, 1)
    kernel = np.array([[1 / 9]]).reshape(1, 1, 1, 1)
    code = numpy_code(LayerCall("convolution", ConvolutionSettings(), image, kernel))
    assert "    [0, 255],\n    [-3, 7],\n" in code
    assert "[0.11111111]" in code
    assert code.endswith("\nresult = conv2d(images, kernel)\n")


@pytest.mark.parametrize("code", [keras_code, numpy_code])
def test_too_many_numbers_are_replaced_and_the_code_says_so(code: Any) -> None:
    call = LayerCall(
        "convolution",
        ConvolutionSettings(padding="same"),
        random((1, 28, 28, 1)),
        np.ones((3, 3, 1, 1)),
    )
    text = code(call)
    assert "1 x 1 x 28 x 28 numbers" in text
    assert len(text.splitlines()) < 30
    names = run(text)
    assert names["images"].shape == (1, 28, 28, 1)
    stands_in = LayerCall("convolution", call.settings, names["images"], call.kernel)
    assert_same(stands_in, names)


def test_pytorch_says_that_numbers_are_replaced() -> None:
    call = LayerCall("max_pooling", PoolingSettings(), random((1, 14, 14, 1)))
    code = pytorch_code(call)
    assert "1 x 1 x 14 x 14 numbers" in code
    assert "images = torch.rand(1, 1, 14, 14)" in code


def test_settings_left_at_their_defaults_are_left_out() -> None:
    call = convolution(bias=False)
    assert "keras.ops.conv(images, kernel)" in keras_code(call)
    assert "conv2d(images, kernel)" in numpy_code(call)
    assert "F.conv2d(images, kernel)" in pytorch_code(call)
