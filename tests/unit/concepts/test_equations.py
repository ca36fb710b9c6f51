"""The letters of the equations, what turning a kernel changes, and what other layers cost."""

import re
from dataclasses import asdict, replace
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_lab.concepts.convolution import cost_table, flip_lab, layer_costs, symbols
from cnn_lab.content import prose
from cnn_lab.data.kernels import KERNELS
from cnn_lab.ops import ShapeError, conv2d
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.trace.convolution import ConvolutionNumbers

SETTINGS = st.builds(
    ConvolutionSettings,
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.sampled_from(["valid", "same", "full", ((1, 0), (2, 1))]),
    flip_kernel=st.booleans(),
)


def letters(image, kernel, settings, bias=None, **named):
    return symbols(
        ConvolutionNumbers(image, kernel, bias, settings),
        kernel_names=named.get("kernel_names", ("Box blur",) * kernel.shape[3]),
        channel_names=named.get("channel_names", ("grey",)),
    )


def textbook(image, kernel, p, q, *, sign):
    """S(p, q) of equation (3) for sign 1 and of (2) for -1, the image being zero elsewhere."""
    total = 0.0
    for m in range(kernel.shape[0]):
        for n in range(kernel.shape[1]):
            row, column = p + sign * m, q + sign * n
            if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
                total += image[row, column] * kernel[m, n]
    return total


@given(
    SETTINGS,
    st.tuples(st.integers(3, 6), st.integers(3, 6)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
def test_the_first_result_is_the_s_that_the_legend_names(settings, size, window):
    random = np.random.default_rng(sum(size))
    image, kernel = random.normal(size=(*size, 1)), random.normal(size=(*window, 1, 1))
    here = letters(image, kernel, settings)
    p, q = map(int, re.fullmatch(r"S\((-?\d+),\\,(-?\d+)\)", str(here["origin"])).groups())
    first = conv2d(image[np.newaxis], kernel, **asdict(settings))[0, 0, 0, 0]
    sign = -1 if settings.flip_kernel else 1
    expected = textbook(image[..., 0], kernel[..., 0, 0], p, q, sign=sign)
    assert first == pytest.approx(expected)


def test_the_legend_names_what_is_on_the_page():
    settings = ConvolutionSettings(strides=(2, 1), padding="same", dilation_rate=(1, 2))
    here = letters(
        np.arange(90.0).reshape(5, 6, 3),
        np.ones((3, 2, 3, 2)),
        settings,
        bias=np.array([0.5, -1]),
        kernel_names=("Box blur", "Ones"),
        channel_names=("red", "green", "blue"),
    )
    text = prose("convolution", "symbols", equation=3, **here)
    for words in (
        "the input, 5 × 6 cells, values from 0 to 89",
        "red, green and blue",
        "the kernel, 3 × 2 cells: Box blur and Ones",
        "rows 0 to 2 and columns 0 to 1",
        "the bias: 0.5 and −1",
        "the stride: 2 down, 1 to the right",
        "the dilation: 1 down, 2 to the right",
        "the padding: 1 above, 1 below, 1 left, 1 right",
    ):
        assert words in text
    assert here["result"] == "3 × 6"
    assert here["origin"] == r"S(-1,\,-1)"


def flipped(kernel, image, **settings):
    plain = ConvolutionSettings(**settings)
    turned = replace(plain, flip_kernel=True)
    results = [conv2d(image[np.newaxis], kernel, **asdict(each))[0] for each in (plain, turned)]
    section, numbers = flip_lab(kernel, *results)
    prose("convolution", section, **numbers)  # its slots are these numbers
    return section, numbers, results


def bank(values):
    return np.asarray(values, float)[..., np.newaxis, np.newaxis]


@pytest.mark.parametrize("name", ["laplacian", "sharpen", "box", "binomial", "identity", "ones"])
def test_a_symmetric_kernel_shows_no_difference(name):
    image = np.random.default_rng(0).normal(size=(6, 7, 1))
    section, _, results = flipped(bank(KERNELS[name].values(3, 5)), image)
    assert section == "flip_symmetric"
    np.testing.assert_allclose(*results, atol=1e-12)


@pytest.mark.parametrize("name", ["sobel_columns", "sobel_rows", "prewitt_columns"])
def test_an_edge_kernel_turned_is_its_negative(name):
    image = np.random.default_rng(0).integers(0, 9, (6, 7, 1)).astype(float)
    section, numbers, (plain, turned) = flipped(bank(KERNELS[name].values()), image)
    assert section == "flip_opposite"
    np.testing.assert_array_equal(plain, -turned)
    assert numbers["difference"] == f"{2 * np.abs(plain).max():.0f}"


def test_any_other_kernel_differs_where_the_sentence_says():
    image = np.zeros((5, 6, 1))
    image[1, 2] = 4
    section, numbers, (plain, turned) = flipped(bank([[0, 1], [2, 7]]), image)
    assert section == "flip_different"
    row, column = np.unravel_index(np.abs(plain - turned).argmax(), plain.shape)[:2]
    assert (numbers["row"], numbers["column"]) == (str(row), str(column))
    assert (numbers["correlation"], numbers["convolution"]) == ("28", "0")


def test_a_difference_that_the_image_does_not_show_is_called_that():
    section, _, _ = flipped(bank([[0, 1], [2, 7]]), np.ones((4, 4, 1)))
    assert section == "flip_unseen"


def test_of_several_filters_the_sentence_names_the_one_that_differs_most():
    image = np.random.default_rng(0).integers(0, 9, (5, 5, 1)).astype(float)
    kernel = np.stack([np.ones((3, 3, 1)), KERNELS["emboss"].values()[..., np.newaxis]], axis=-1)
    _, numbers, _ = flipped(kernel, image)
    assert numbers["filter"].endswith("filter 2")


@pytest.mark.parametrize("groups", [1, 3])
def test_the_costs_are_those_of_the_shapes(groups):
    in_shape, window, out_shape = (6, 7, 3), (3, 2), (4, 6, 6)
    costs = {cost.name: cost for cost in layer_costs(in_shape, window, out_shape, groups=groups)}
    assert costs["Convolution"].parameters == 3 * 2 * 3 * 6 + 6
    assert costs["Convolution"].multiply_adds == 4 * 6 * 6 * (3 * 2 * 3)
    assert costs["Dense"].parameters == (prod(in_shape) + 1) * prod(out_shape)
    separable = costs["Depthwise, then 1 × 1"]
    assert separable.parameters == 3 * 2 * 3 + 3 * 6 + 6
    assert separable.multiply_adds == 4 * 6 * 3 * (3 * 2) + 4 * 6 * 3 * 6
    if groups == 1:
        assert len(costs) == 3
    else:
        assert costs["In 3 groups"].parameters == 3 * 2 * 1 * 6 + 6
        assert costs["In 3 groups"].multiply_adds == 4 * 6 * 6 * (3 * 2 * 1)


def test_the_cost_table_compares_with_the_convolution():
    table = cost_table(layer_costs((6, 6, 1), (3, 3), (4, 4, 1)))
    assert table["Layer"][0] == "Convolution"
    assert table["Multiply-adds"] == ["144", "160 (1.11 times)", "576 (4 times)"]


def test_groups_that_do_not_divide_are_refused():
    with pytest.raises(ShapeError):
        layer_costs((6, 6, 3), (3, 3), (4, 4, 3), groups=2)
