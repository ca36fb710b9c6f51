"""What Keras is asked, what it answers, and what counts as agreement."""

from dataclasses import replace

import numpy as np
import pytest

from cnn_lab import ops
from cnn_lab.concepts import keras_check
from cnn_lab.concepts.checks import LayerCheck, compare, tolerance
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


def in_single_precision(call: LayerCall) -> LayerCall:
    return replace(call, **{name: array.astype(np.float32) for name, array in call.arrays()})


@pytest.mark.parametrize("call", CALLS)
def test_keras_agrees_in_single_precision_within_its_own_bound(call: LayerCall) -> None:
    """M19: float32 has a tolerance of its own, the bound on the rounding of the longest sum."""
    single = in_single_precision(call)
    assert (call.precision, single.precision) == ("float64", "float32")
    answer = keras_check.check(LayerCheck(single, computed(single)))
    assert answer.agrees, answer.details
    assert answer.precision == "float32"
    assert answer.worst.allowed == tolerance(single) == (single.n_terms + 1) * 2.0**-23
    assert 1e-7 < tolerance(single) < 1e-3


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(("precision", "least"), [("float64", 1e-9), ("float32", 2e-6)])
def test_what_counts_as_rounding_is_as_small_as_rounding_is(
    scale: float, precision: str, least: float
) -> None:
    """M19: a difference of 2e-9 is found in float64, however large or small the numbers are."""
    call = convolution(channels=2, filters=2)
    call = replace(call, images=call.images * scale, bias=None)
    call = call if precision == "float64" else in_single_precision(call)
    shown = computed(call)["result"].astype(np.float64)
    shares = keras_check.calculate(call.magnitudes)["result"]
    for share, agrees in ((0.1 * least, True), (2 * least, False)):
        answer = keras_check.check(LayerCheck(call, {"result": shown + share * shares}))
        assert answer.agrees is agrees
        assert answer.worst.share == pytest.approx(share, rel=0.05, abs=1e-7 * (least > 1e-9))


def test_the_answer_says_what_counts_as_rounding() -> None:
    """M19: the sentence under an answer has the tolerance."""
    call = convolution()
    assert " up to 1e-9 of " in keras_check.check(LayerCheck(call, computed(call))).details


@pytest.mark.parametrize("call", CALLS)
def test_the_longest_sum_has_as_many_terms_as_ones_add_up_to(call: LayerCall) -> None:
    ones = {name: np.ones_like(array) for name, array in call.arrays() if name != "bias"}
    added = keras_check.calculate(replace(call, bias=None, **ones))
    assert max(float(array.max()) for array in added.values()) <= call.n_terms


def test_large_numbers_that_cancel_are_no_disagreement() -> None:
    """M19: rounding is measured by the terms of a sum, not by what is left of them."""
    images = 1e6 + random((1, 6, 6, 1))
    for kernel in (np.array([[-1.0, 1.0]]), np.array([[-0.1, 0.3, -0.2]])):
        bank = kernel[..., np.newaxis, np.newaxis]
        for values in (images, np.full_like(images, 1e6 / 3)):
            call = LayerCall("convolution", ConvolutionSettings(), values, bank)
            answer = keras_check.check(LayerCheck(call, {"result": ops.conv2d(values, bank)}))
            assert answer.agrees, answer.details


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
    here, ones = np.array([1.0, odd]), np.ones(2)
    for one, other in ((here, here), (here, ones), (ones, here)):
        for magnitudes in (ones, np.abs(other)):
            found = compare("result", one, other, magnitudes=magnitudes, allowed=1e-9)
            assert not found.agrees


def test_where_nothing_is_added_up_only_zero_agrees() -> None:
    zero, tiny = np.zeros(1), np.full(1, 1e-300)
    assert compare("result", zero, zero, magnitudes=zero, allowed=1e-9).agrees
    assert not compare("result", tiny, zero, magnitudes=zero, allowed=1e-9).agrees


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
