"""What Keras is asked, what it answers, and what counts as agreement."""

from dataclasses import replace

import numpy as np
import pytest

from cnn_lab import ops
from cnn_lab.concepts import keras_check
from cnn_lab.concepts.checks import LayerCheck, compare
from cnn_lab.concepts.layer_call import LayerCall
from cnn_lab.ops.settings import ConvolutionSettings, PoolingSettings
from tests.unit.layer_calls import CALLS, computed, convolution, random


@pytest.mark.parametrize("call", CALLS)
def test_keras_agrees_with_the_operators(call: LayerCall) -> None:
    answer = keras_check.check(LayerCheck(call, computed(call)))
    assert answer.agrees, answer.sentence
    assert {one.quantity for one in answer.comparisons} == set(call.quantities)
    assert answer.sentence.startswith("Agrees with Keras 3.")
    assert answer.precision == call.precision


@pytest.mark.parametrize("call", CALLS)
def test_a_single_wrong_number_is_found(call: LayerCall) -> None:
    for name in call.quantities:
        wrong = {of: array.copy() for of, array in computed(call).items()}
        at = tuple(length - 1 for length in wrong[name].shape)
        wrong[name][at] += 0.01
        answer = keras_check.check(LayerCheck(call, wrong))
        assert not answer.agrees
        assert (answer.worst.quantity, answer.worst.cell) == (name, at)
        assert answer.worst.difference == pytest.approx(0.01, abs=1e-4)
        assert answer.sentence.startswith("Differs from Keras 3.")
        assert f" {answer.worst.here:.9g} " in answer.sentence
        assert f" {answer.worst.keras:.9g} " in answer.sentence


def test_another_setting_is_found() -> None:
    call = convolution(padding="same")
    for other in (
        convolution(padding="valid"),
        convolution(padding="same", flip_kernel=True),
        convolution(padding="same", pad_mode="edge"),
    ):
        assert not keras_check.check(LayerCheck(call, computed(other))).agrees


def test_numbers_of_single_precision_are_checked_in_single_precision() -> None:
    call = convolution(bias=False)
    assert call.kernel is not None
    single = replace(
        call, images=call.images.astype(np.float32), kernel=call.kernel.astype(np.float32)
    )
    assert (call.precision, single.precision) == ("float64", "float32")
    answer = keras_check.check(LayerCheck(single, computed(single)))
    assert answer.agrees
    assert answer.precision == "float32"


def test_large_numbers_that_cancel_are_no_disagreement() -> None:
    images = 1e6 + random((1, 6, 6, 1))
    kernel = np.array([[-1.0, 1.0]]).reshape(1, 2, 1, 1)
    call = LayerCall("convolution", ConvolutionSettings(), images, kernel)
    assert keras_check.check(LayerCheck(call, {"result": ops.conv2d(images, kernel)})).agrees


def test_only_what_was_sent_is_compared() -> None:
    call = convolution("convolution_gradients")
    shown = {"bias_gradient": computed(call)["bias_gradient"]}
    answer = keras_check.check(LayerCheck(call, shown))
    assert [one.quantity for one in answer.comparisons] == ["bias_gradient"]


def test_the_details_name_each_array_and_who_calculated() -> None:
    call = convolution("convolution_gradients")
    details = keras_check.check(LayerCheck(call, computed(call))).details
    for words in ("kernel gradient", "input gradient", "bias gradient", "tensorflow 2.", "float64"):
        assert words in details


def test_another_shape_never_agrees() -> None:
    call = convolution()
    one_row_less = {"result": computed(call)["result"][:, 1:]}
    answer = keras_check.check(LayerCheck(call, one_row_less))
    assert not answer.agrees
    assert "has shape" in answer.sentence


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_what_is_no_number_never_agrees(odd: float) -> None:
    here = np.array([1.0, odd])
    assert not compare("result", here, here).agrees
    assert not compare("result", here, np.ones(2)).agrees
    assert not compare("result", np.ones(2), here).agrees


def test_agreement_is_relative_to_the_largest_number() -> None:
    small, large = np.array([0.1, 0.2]), np.array([0.1, 1000.0])
    assert compare("result", small, small + 0.9e-5).agrees
    assert not compare("result", small, small + 1.1e-5).agrees
    assert compare("result", large, large + 0.9e-2).agrees
    assert not compare("result", large, large + 1.1e-2).agrees


def test_a_digest_stands_for_settings_and_numbers() -> None:
    call = convolution(strides=2)
    check = LayerCheck(call, computed(call))
    same = convolution(strides=(2, 2))
    assert LayerCheck(same, computed(same)).digest == check.digest
    other_shown = {"result": check.computed["result"] + 1e-9}
    others = [
        LayerCheck(call, other_shown),
        LayerCheck(replace(call, images=call.images + 1), check.computed),
        LayerCheck(replace(call, bias=None), check.computed),
        LayerCheck(replace(call, settings=ConvolutionSettings(strides=1)), check.computed),
    ]
    assert len({check.digest, *(other.digest for other in others)}) == 5


def test_what_does_not_belong_together_is_refused() -> None:
    images, kernel = np.ones((1, 4, 4, 1)), np.ones((2, 2, 1, 1))
    with pytest.raises(ValueError, match="takes the arrays"):
        LayerCall("convolution", ConvolutionSettings(), images)
    with pytest.raises(ValueError, match="takes the arrays"):
        LayerCall("max_pooling", PoolingSettings(), images, kernel)
    with pytest.raises(ValueError, match="takes the arrays"):
        LayerCall("convolution_gradients", ConvolutionSettings(), images, kernel)
    with pytest.raises(ValueError, match="takes ConvolutionSettings"):
        LayerCall("convolution", PoolingSettings(), images, kernel)
    with pytest.raises(ValueError, match="strides and a padding"):
        LayerCall("transposed_convolution", ConvolutionSettings(groups=2), images, kernel)
    with pytest.raises(ValueError, match="`operation` must be"):
        LayerCall("attention", ConvolutionSettings(), images, kernel)  # type: ignore[arg-type]
    with pytest.raises(ops.ShapeError, match="images"):
        LayerCall("max_pooling", PoolingSettings(), np.ones((4, 4)))
    call = LayerCall("convolution", ConvolutionSettings(), images, kernel)
    for shown in ({}, {"bias_gradient": images}):
        with pytest.raises(ValueError, match="`computed` must hold"):
            LayerCheck(call, shown)
