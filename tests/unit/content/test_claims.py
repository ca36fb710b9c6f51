"""What the pages claim about numbers, claim by claim, computed with the lab's own operators."""

import json
import math
import re
from itertools import pairwise, product
from math import prod
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import signal
from scipy.stats import norm

from cnn_lab import ops
from cnn_lab.concepts.backpropagation.descent import learn_kernel, line_of_steps
from cnn_lab.concepts.backpropagation.layer import (
    ACTIVATIONS,
    Parameters,
    SmallLayer,
    SquaredError,
    WeightedSum,
)
from cnn_lab.concepts.backpropagation.nudge import error_table, nudge
from cnn_lab.concepts.backpropagation.softmax import softmax_cross_entropy
from cnn_lab.concepts.convolution import layer_costs
from cnn_lab.concepts.padding import (
    KERAS,
    PYTORCH,
    conventions,
    round_trip,
    size_after,
    strided_maps,
)
from cnn_lab.concepts.pooling import fields_behind, remains, routes, shift_response
from cnn_lab.content import _sections
from cnn_lab.data.augmentation import augmented
from cnn_lab.data.kernels import KERNELS
from cnn_lab.data.mnist import N_TRAIN, load_mnist
from cnn_lab.data.teaching_images import densest_crop
from cnn_lab.digits import prepare_digit
from cnn_lab.digits.reliability import recorded
from cnn_lab.explain.digit_map import MAPS, DigitMap, mapped_digits
from cnn_lab.network import MODELS, Network
from cnn_lab.network.costs import memory
from cnn_lab.network.initial import initial_weights
from cnn_lab.network.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    SpatialDropout2D,
)
from cnn_lab.network.spec import Augmentation, OptimizerName, TrainingSpec
from cnn_lab.network.zoo import PRESETS, preset
from cnn_lab.ops.reads import line_reads, read_counts
from cnn_lab.ops.settings import ConvolutionSettings, PoolingSettings
from cnn_lab.ops.sizes import (
    ReceptiveField,
    conv_output_length,
    convolution_parameters,
    effective_kernel_size,
    receptive_field,
    same_padding,
)
from cnn_lab.ops.types import PAD_MODES, CopyError, ShapeError
from cnn_lab.runs.comparison import uncertainty
from cnn_lab.runs.job import RunSpec
from cnn_lab.runs.sweep.records import SweepSpec
from cnn_lab.runs.sweep.search import N_BEFORE_PRUNING, Search
from cnn_lab.stage.render.theme import THEMES
from cnn_lab.trace import Scale
from cnn_lab.trace.convolution import convolution_trace
from cnn_lab.trace.grid import UNREAD
from cnn_lab.training.experiment import experiments
from cnn_lab.training.optimizers import Optimizer
from cnn_lab.training.schedules import learning_rates
from tests.unit.content.claims import CODE, KERNEL, TABLE, claims, text_of

ROOT = Path(__file__).parents[3]
SIDE = 9
MIDDLE = SIDE // 2
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE].astype(float)
FLAT = np.full((SIDE, SIDE), 3.0)
RIGHT, DOWN = COLUMNS, ROWS  # ramps that rise by one a pixel
BORDERLESS = slice(1, -1)


def random(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def batch(image):
    return np.asarray(image, float)[np.newaxis, ..., np.newaxis]


def bank(kernel):
    return np.asarray(kernel, float)[..., np.newaxis, np.newaxis]


def conv(image, kernel, **options):
    """One channel, one filter."""
    return ops.conv2d(batch(image), bank(kernel), **options)[0, ..., 0]


def response(name, image, **options):
    """A named kernel of 3 x 3 on an image."""
    return conv(image, KERNELS[name].values(), **options)


def line(width, *, at=MIDDLE, ink=1.0):
    """A vertical line on dark ground, as wide as that from column `at` on."""
    image = np.zeros((SIDE, SIDE))
    image[:, at : at + width] = ink
    return image


def corner(ink=1.0):
    """A square in the lower right whose corner is the middle of the image."""
    image = np.zeros((SIDE, SIDE))
    image[MIDDLE:, MIDDLE:] = ink
    return image


def at_middle(result):
    """The response to the window around the middle of an image."""
    return float(result[MIDDLE - 1, MIDDLE - 1])


# --- the named kernels: flat ground, ramps, thin and wide lines, corners; bright and dark


@claims(KERNEL, "sobel_columns", "brighter to the right", "negative where it gets darker")
@claims(KERNEL, "sobel_rows", "brighter downwards", "negative where it gets darker")
@claims("convolution", "prose", "add up to zero", "bright or dark, gives zero")
@pytest.mark.parametrize(
    ("name", "along", "across"), [("sobel_columns", RIGHT, DOWN), ("sobel_rows", DOWN, RIGHT)]
)
def test_sobel_answers_to_changes_in_its_direction_only(name, along, across):
    assert (response(name, along) == 8).all()
    assert (response(name, -along) == -8).all()
    for image in (across, -across, FLAT, 80 * FLAT, 0 * FLAT):
        assert not response(name, image).any()


@claims(KERNEL, "sobel_columns", "Positive")
@claims(KERNEL, "prewitt_columns", "Like Sobel")
@pytest.mark.parametrize("name", ["sobel_columns", "prewitt_columns"])
@pytest.mark.parametrize("width", [1, 3])
def test_lines_are_entered_with_one_sign_and_left_with_the_other(name, width):
    for ink in (1.0, -1.0):
        row = response(name, line(width, at=MIDDLE - width // 2, ink=ink))[0]
        signs = np.sign(row[row != 0]).tolist()
        half = len(signs) // 2
        assert signs == [ink] * half + [-ink] * half
        if width == 1:
            assert row[MIDDLE - 1] == 0
    assert np.abs(response(name, corner())).max() > 0


@claims(KERNEL, "prewitt_columns", "the same weight for all rows")
def test_prewitt_weighs_rows_alike_and_sobel_does_not():
    prewitt, sobel = (KERNELS[name].values() for name in ("prewitt_columns", "sobel_columns"))
    assert (prewitt == prewitt[0]).all()
    assert not (sobel == sobel[0]).all()
    assert (np.sign(prewitt) == np.sign(sobel)).all()


@claims(
    KERNEL,
    "laplacian",
    "Zero on flat areas and steady slopes",
    "Negative on thin bright lines and at bright corners",
    "positive on dark ones",
    "weaker along edges and where a slope begins or ends",
)
def test_the_laplacian_is_negative_where_thin_things_are_bright():
    """M2: -2 on thin bright lines and in bright corners, the opposite on dark ones."""
    for image in (FLAT, RIGHT, DOWN, 2 * RIGHT - DOWN):
        assert not response("laplacian", image).any()
    for ink in (1.0, -1.0):
        assert at_middle(response("laplacian", line(1, ink=ink))) == -2 * ink
        assert at_middle(response("laplacian", corner(ink))) == -2 * ink
        edge = response("laplacian", line(SIDE - MIDDLE, ink=ink))[0]
        assert edge[MIDDLE - 2 : MIDDLE + 1].tolist() == [ink, -ink, 0]
        wide = response("laplacian", line(3, at=MIDDLE - 1, ink=ink))
        assert at_middle(wide) == 0
        assert np.abs(wide).max() == 1
        slope = np.clip(RIGHT - 3, 0, 2) * ink  # rises over two pixels
        assert response("laplacian", slope)[0].tolist() == [0, 0, ink, 0, -ink, 0, 0]


@claims(KERNEL, "sharpen", "minus its Laplacian", "flat areas stay the same", "edges stand out")
def test_sharpening_takes_the_laplacian_away():
    image = random((SIDE, SIDE))
    inner = image[BORDERLESS, BORDERLESS]
    np.testing.assert_allclose(
        response("sharpen", image), inner - response("laplacian", image), atol=1e-12
    )
    np.testing.assert_array_equal(response("sharpen", FLAT), FLAT[BORDERLESS, BORDERLESS])
    edge = line(SIDE - MIDDLE)
    assert np.ptp(response("sharpen", edge)) == 3 > np.ptp(edge)


@claims(
    KERNEL,
    "emboss",
    "slopes that rise to the lower right turn brighter",
    "fall to the lower right darker",
    "flat areas stay the same",
)
def test_emboss_lights_slopes_from_the_lower_right():
    """M1: a ramp that rises to the lower right is lit, one that falls there is in shadow."""
    rising = RIGHT + DOWN
    lit = response("emboss", rising) - rising[BORDERLESS, BORDERLESS]
    assert (lit == 12).all()
    assert response("emboss", rising)[0, 0] == 14
    falling = -rising
    assert (response("emboss", falling) - falling[BORDERLESS, BORDERLESS] == -12).all()
    for same in (FLAT, RIGHT - DOWN):
        np.testing.assert_array_equal(response("emboss", same), same[BORDERLESS, BORDERLESS])
    assert at_middle(response("emboss", corner())) > 1  # the corner's own slope rises there
    assert at_middle(response("emboss", line(1))) == 1


@claims(KERNEL, "box", "plain mean")
@claims(KERNEL, "ones", "plain sum")
@claims(KERNEL, "identity", "A copy of the picture")
@claims(KERNEL, "binomial", "A weighted mean", "most weight in the middle", "close to a Gaussian")
@claims("convolution", "prose", "its weights add up to one, so uniform areas keep their value")
def test_blurs_are_means_and_identity_changes_nothing():
    image = random((SIDE, SIDE))
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
    np.testing.assert_allclose(response("box", image), windows.mean(axis=(2, 3)))
    np.testing.assert_allclose(response("ones", image), windows.sum(axis=(2, 3)))
    for size in ((3, 3), (2, 4)):
        same = conv(image, KERNELS["identity"].values(*size), padding="same")
        np.testing.assert_array_equal(same, image)
    for name in ("box", "binomial"):
        for area in (FLAT, RIGHT, DOWN):  # the mean of a steady slope is its middle
            inner = area[BORDERLESS, BORDERLESS]
            np.testing.assert_allclose(response(name, area), inner, atol=1e-12)
        assert response(name, image).std() < image.std()
    for size in (3, 5, 7):
        weights = KERNELS["binomial"].values(size, size)
        middle = size // 2
        assert weights.argmax() == middle * size + middle
        bell = norm(scale=math.sqrt((size - 1) / 4))
        edges = np.arange(size + 1) - size / 2
        gaussian = np.outer(*[np.diff(bell.cdf(edges))] * 2)  # over each pixel
        assert np.abs(weights - gaussian).max() < 0.1 * weights.max()


# --- Convolution


@claims("convolution", "step", "multiplied by the number on it", "the products are added up")
@claims("convolution", "question", "adds up what lies under it")
def test_one_step_multiplies_and_adds():
    image, kernel = random((4, 4)), random((3, 3), 1)
    assert conv(image, kernel)[0, 0] == pytest.approx((image[:3, :3] * kernel).sum())


@claims("convolution", "names", "has three channels", "a slice of weights for each")
@claims("convolution", "names", "one more number for each filter, added to every sum")
def test_a_filter_has_a_slice_for_each_channel_and_one_bias():
    layer = ConvolutionSettings()
    image, kernel, bias = random((1, 5, 5, 3)), random((3, 3, 3, 2), 1), np.array([4.0, -1.0])
    with_bias, without = (ops.conv2d(image, kernel, b, **vars(layer)) for b in (bias, None))
    np.testing.assert_allclose(with_bias - without, np.broadcast_to(bias, without.shape))
    with pytest.raises(ShapeError):
        ops.conv2d(image, kernel[:, :, :2])


@claims("convolution", "colours", "orange is above zero, blue is below zero", "the colour fades")
@claims("convolution", "colours", "An image goes from black, 0, to white")
@pytest.mark.parametrize("theme", THEMES.values())
def test_orange_is_above_zero_and_blue_below(theme):
    signed, grey = Scale("signed", 1.0), Scale("grey", 1.0)
    (red, _, blue), (low_red, _, low_blue) = theme.colour(0.8, signed), theme.colour(-0.8, signed)
    assert red > blue
    assert low_blue > low_red
    zero = theme.colour(0.0, signed)
    assert max(zero) - min(zero) < 20
    assert max(theme.colour(0.0, grey)) < 40 < 230 < min(theme.colour(1.0, grey))


@claims("convolution", "colours", "bright where the weights are positive")
@claims("convolution", "colours", "blue says the opposite")
def test_a_window_like_the_kernel_gives_the_largest_sum_and_its_opposite_the_smallest():
    weights = KERNELS["sobel_columns"].values(3, 3)
    like, opposite = np.where(weights > 0, 9, 0), np.where(weights < 0, 9, 0)
    sums = [float((weights * window).sum()) for window in (like, opposite, np.full((3, 3), 9))]
    others = (random((500, 3, 3), 5) > 0) * 9
    assert max((others * weights).sum(axis=(1, 2))) <= sums[0] == -sums[1]
    assert sums[2] == 0


@claims("convolution", "who", "weights start as random numbers")
def test_weights_start_at_random():
    first, second = (initial_weights(preset("paper").network, seed) for seed in (0, 1))
    assert any(not np.array_equal(first[name], second[name]) for name in first)


@claims("convolution", "activation", "turns every negative number into 0 and leaves the others")
@claims("convolution", "activation", "do no more than a single larger one")
def test_two_convolutions_without_an_activation_are_one():
    image, first, second = random((9, 9)), random((3, 3), 1), random((2, 3), 2)
    single = conv(first, second[::-1, ::-1], padding="full")
    two = conv(conv(image, first), second)
    np.testing.assert_allclose(two, conv(image, single))
    rectified = conv(np.maximum(conv(image, first), 0), second)
    assert not np.allclose(rectified, two)
    values = random((50,), 3)
    expected = np.where(values < 0, 0, values)
    np.testing.assert_array_equal(ops.relu(values), expected)


@claims("convolution", "ending", "6,400 numbers", "128 times", "makes ten scores of those 128")
def test_the_network_on_home_ends_with_6400_numbers_128_sums_and_ten_scores():
    *_, flatten, dense, _, last, _ = preset("paper").network.summary()
    assert flatten.output_shape == (6400,)
    assert (dense.output_shape, last.output_shape) == ((128,), (10,))


@claims("convolution", "formula", "multiply each weight by the pixel under it, and add up")
@claims("convolution", "correlation", "slides the kernel over the image as it is", "S(i, j)")
@claims("convolution", "depth", "The channels are summed and the bias is added")
@claims("convolution", "weight_correlation", "K(m, n, c)")
@claims("convolution", "weight_convolution", "k_h - 1 - m", "k_w - 1 - n")
@claims(
    "convolution", "prose", "The three partial results are added up, and the bias is added once"
)
@pytest.mark.parametrize("flip", [False, True])
def test_the_complete_sum_is_what_is_computed(flip):
    image, kernel, bias = random((6, 7, 3)), random((3, 2, 3, 1), 1), 0.5
    chosen = ConvolutionSettings((2, 1), ((1, 2), (0, 1)), (1, 2), flip_kernel=flip)
    result = ops.conv2d(image[np.newaxis], kernel, np.array([bias]), **vars(chosen))[0, ..., 0]
    for i, j in np.ndindex(*result.shape):
        total = bias
        for c, m, n in np.ndindex(3, 3, 2):
            r, q = 2 * i + m - 1, j + 2 * n
            if 0 <= r < 6 and 0 <= q < 7:
                weight = kernel[2 - m, 1 - n, c, 0] if flip else kernel[m, n, c, 0]
                total += image[r, q, c] * weight
        assert result[i, j] == pytest.approx(total)


@claims(
    "convolution",
    "convolution",
    "equation (1) does not write out its sum",
    "gives the same values",
    r"K(m, n) \quad (2)",
    "rotated by 180 degrees and then slides as usual",
)
def test_both_sums_of_a_convolution_are_equal_and_only_the_second_has_a_number():
    """M15: the paper's (1) has no sum; ours, over pixels or over weights, are one convolution."""
    image, kernel = random((5, 6)), random((3, 2), 1)
    full = signal.convolve2d(image, kernel)
    for i, j in np.ndindex(*full.shape):
        over_pixels = sum(
            image[m, n] * kernel[i - m, j - n]
            for m, n in np.ndindex(5, 6)
            if 0 <= i - m < 3 and 0 <= j - n < 2
        )
        over_weights = sum(
            image[i - m, j - n] * kernel[m, n]
            for m, n in np.ndindex(3, 2)
            if 0 <= i - m < 5 and 0 <= j - n < 6
        )
        assert over_pixels == pytest.approx(full[i, j])
        assert over_weights == pytest.approx(full[i, j])
    np.testing.assert_allclose(conv(image, kernel, padding="full", flip_kernel=True), full)
    np.testing.assert_allclose(conv(image, kernel[::-1, ::-1], padding="full"), full)
    formulas = re.findall(r"\$\$(.*?)\$\$", _sections("convolution")["convolution"], re.DOTALL)
    assert [r"\sum" in formula for formula in formulas] == [True, True]
    assert [re.findall(r"\((\d)\)", formula) for formula in formulas] == [[], ["2"]]


@claims("convolution", "groups", "a filter sees only the channels of its own group")
@claims("convolution", "pointwise", "does not look at neighbours", "mixes the channels")
@claims("convolution", "three_groups", "three groups of one")
@claims("convolution", "prose", "each channel keeps an output of its own")
def test_groups_and_single_cells_leave_the_rest_out():
    image, kernel = random((1, 5, 5, 4)), random((3, 3, 2, 4), 1)
    grouped = ops.conv2d(image, kernel, groups=2)
    changed = image.copy()
    changed[..., 2:] += 1
    np.testing.assert_array_equal(ops.conv2d(changed, kernel, groups=2)[..., :2], grouped[..., :2])
    depthwise = ops.conv2d(image, kernel[:, :, :1], groups=4)
    for channel in range(4):
        alone = conv(image[0, ..., channel], kernel[:, :, 0, channel])
        np.testing.assert_allclose(depthwise[0, ..., channel], alone)
    single = random((1, 1, 4, 3), 2)
    mixed = ops.conv2d(image, single)
    np.testing.assert_allclose(mixed, image @ single[0, 0])
    assert [n for n in (1, 2, 3) if 3 % n == 0] == [1, 3]


@claims("convolution", "prose", "output shifts with it, except at the borders", "a multiple of the")
@claims("features", "changes", "its maps move along with the image")
@claims("paper", "invariance", "the maps of a convolution move along")
@pytest.mark.parametrize("stride", [1, 2])
def test_the_output_shifts_with_the_image_by_whole_strides(stride):
    image, kernel = random((12, 14)), random((3, 3), 1)
    moved = np.roll(image, (0, 2), (0, 1))
    still, after = (conv(each, kernel, strides=stride) for each in (image, moved))
    cells = 2 // stride
    np.testing.assert_allclose(after[:, cells + 1 :], still[:, 1:-cells])
    if stride == 2:
        by_one = conv(np.roll(image, 1, 1), kernel, strides=2)
        assert np.abs(by_one[:, 1:] - still[:, :-1]).max() > 0.1


@claims("convolution", "flip_symmetric", "looks the same after a rotation")
@claims("convolution", "flip_opposite", "flips the sign", "before the bias")
@claims("convolution", "prose", "first with a Sobel kernel and then with a blur")
def test_rotation_changes_the_sign_of_sobel_and_nothing_of_a_blur():
    image = random((SIDE, SIDE))
    for name in ("box", "binomial"):
        np.testing.assert_allclose(response(name, image, flip_kernel=True), response(name, image))
    sobel = KERNELS["sobel_columns"].values()
    np.testing.assert_array_equal(sobel[::-1, ::-1], -sobel)
    biased = [
        ops.conv2d(batch(image), bank(sobel), np.array([2.0]), flip_kernel=flip) - 2
        for flip in (False, True)
    ]
    np.testing.assert_allclose(biased[0], -biased[1], atol=1e-12)


@claims("convolution", "prose", "simply learns the rotated ones")
@claims("paper", "flipped", "differ by a kernel rotated by 180 degrees", "learns the rotated one")
def test_a_correlation_learns_the_rotated_kernel_of_a_convolution():
    image, truth = random((12, 12)), random((3, 3), 1)
    target = signal.convolve2d(image, truth, "valid")
    learned = np.zeros((3, 3))
    for _ in range(300):
        error = (conv(image, learned) - target) / target.size
        learned -= (
            0.5 * ops.conv2d_gradients(batch(image), bank(learned), batch(error)).kernel[..., 0, 0]
        )
    np.testing.assert_allclose(learned, truth[::-1, ::-1], atol=1e-3)


@claims("convolution", "counts", "whatever the size of the image")
@claims("convolution", "costs", "same input and an output of the same size")
def test_parameters_do_not_grow_with_the_image_and_work_does():
    small, large = (layer_costs((n, n, 3), (3, 3), (n - 2, n - 2, 4))[0] for n in (6, 12))
    assert small.parameters == large.parameters == 4 * (27 + 1)
    assert (small.multiply_adds, large.multiply_adds) == (16 * 108, 100 * 108)


# --- Padding and strides


def counted(size, window, **options):
    """How often each pixel is read."""
    chosen = ConvolutionSettings(**options)
    return read_counts(chosen.geometry(size, window), chosen.pad_mode)


@claims("padding", "sizes", "the first one, plus one for every whole step that still fits")
@claims("padding", "span", r"\cdot ([[cells]] - 1) + 1")
@claims("paper", "floor", "The formula needs rounding down")
def test_positions_are_counted_by_sliding():
    """Dumoulin and Visin's relationships 1 to 6 and 15."""
    for length, k, s, before, after, d in product(
        range(5, 9), range(1, 4), range(1, 4), range(3), range(3), (1, 2)
    ):
        span = effective_kernel_size(k, d)
        assert span == d * (k - 1) + 1
        starts = range(0, length + before + after - span + 1, s)
        assert conv_output_length(length, k, s, (before, after), d) == len(starts)
    for k in (3, 5):
        assert conv_output_length(9, k) == 9 - k + 1
        assert conv_output_length(9, k, padding=((k - 1) // 2,) * 2) == 9
        assert conv_output_length(9, k, padding=(k - 1, k - 1)) == 9 + k - 1


@claims("padding", "counts", "little influence on the output", "what arrives at the image")
@claims("padding", "counts_repeated", "counts towards that pixel")
@pytest.mark.parametrize("mode", PAD_MODES)
def test_read_counts_are_a_gradient_and_an_influence(mode):
    size, window = (6, 7), (3, 2)
    chosen = ConvolutionSettings((1, 2), ((1, 1), (1, 0)), pad_mode=mode)
    counts = counted(size, window, **vars(chosen))
    image, ones = np.zeros((1, *size, 1)), np.ones((*window, 1, 1))
    out = chosen.geometry(size, window).positions
    gradients = ops.conv2d_gradients(image, ones, np.ones((1, *out, 1)), **vars(chosen))
    np.testing.assert_array_equal(gradients.images[0, ..., 0], counts)
    for row, column in ((0, 0), (3, 3), (5, 6)):
        image[:] = 0
        image[0, row, column] = 1
        assert ops.conv2d(image, ones, **vars(chosen)).sum() == counts[row, column]


@claims("padding", "why", "by one window at most", "two layers with this kernel turn")
@claims("padding", "why_gone", "nothing of [[size]] is left")
@claims(
    "padding", "names", "every window lies inside", "at stride 1 [the output](#cells-output) is"
)
@claims("padding", "names", "at stride 1, every pixel is read equally often")
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_what_each_padding_adds(k, stride):
    chosen = ConvolutionSettings(stride)
    counts = counted((8, 8), (k, k), **vars(chosen))
    assert {counts[0, 0], counts[0, -1], counts[-1, 0], counts[-1, -1]} <= {0, 1}
    assert chosen.borders((8, 8), (k, k)) == ((0, 0), (0, 0))
    if k > 2:
        with pytest.raises(ShapeError):
            size_after(2, (k, 8), (k, k), chosen)
    if stride == 1:
        assert size_after(2, (10, 10), (k, k), chosen) == (10 - 2 * (k - 1),) * 2
        assert conv(np.ones((8, 8)), np.ones((k, k)), padding="same").shape == (8, 8)
        assert len(np.unique(counted((8, 8), (k, k), padding="full"))) == 1


@claims("padding", "jump", "only every second or third window is computed", "unless other windows")
def test_a_stride_keeps_some_windows_and_loses_what_no_other_reads():
    image, kernel = random((9, 9)), random((3, 3), 1)
    for stride in (2, 3):
        expected = conv(image, kernel)[::stride, ::stride]
        np.testing.assert_allclose(conv(image, kernel, strides=stride), expected)
    assert (counted((9, 9), (3, 3), strides=2) > 0).all()
    assert (counted((9, 9), (1, 1), strides=2) == 0).any()


@claims(
    "padding", "prose", "one output value only", "to as many as any other pixel", "$k - 1$ rows"
)
def test_a_corner_counts_once_without_padding_and_like_all_others_with_full():
    for k in (2, 3, 5):
        valid, full = (counted((8, 8), (k, k), padding=each) for each in ("valid", "full"))
        assert valid[0, 0] == valid[-1, -1] == 1
        assert valid.max() > 1
        assert (full == k * k).all()
        assert conv(np.ones((8, 8)), np.ones((k, k))).shape == (8 - (k - 1),) * 2


def border_and_inside(image, mode, name="sobel_columns"):
    """Responses in the middle row: at the left border, the right border, and inside."""
    row = response(name, image, padding="same", pad_mode=mode)[MIDDLE]
    return row[0], row[-1], row[1:-1]


@claims(
    "padding",
    "prose",
    "zeros look like a dark frame",
    "the frame is gone",
    "flat (mirrored) or half as steep (repeated)",
    "a seam wherever the two sides differ",
)
@pytest.mark.parametrize("mode", PAD_MODES)
def test_borders_under_sobel_on_flat_ground_and_ramps(mode):
    """M3: copies leave flat ground flat; the far side makes a seam of a ramp."""
    left, right, inside = border_and_inside(FLAT, mode)
    assert not inside.any()
    frame = 4 * FLAT[0, 0] if mode == "zeros" else 0  # as from dark to bright and back
    assert (left, right) == (frame, -frame)
    left, right, inside = border_and_inside(RIGHT, mode)
    assert (inside == 8).all()
    expected = {
        "zeros": (4, -4 * (SIDE - 2)),
        "reflect": (0, 0),
        "edge": (4, 4),
        "wrap": (-4 * (SIDE - 2), -4 * (SIDE - 2)),
    }
    assert (left, right) == expected[mode]
    if mode == "wrap":
        slope = 1.2
        assert border_and_inside(slope * RIGHT[:, :8], mode)[0] == pytest.approx(-28.8)
        both_sides_alike = np.abs(RIGHT - MIDDLE)
        assert border_and_inside(both_sides_alike, mode)[:2] == (-4, 4)


@claims(
    "padding",
    "prose",
    "the last window simply ends early",
    "no output depends on them and no gradient reaches them",
    "can still be read where the padding holds a copy of it",
)
@pytest.mark.parametrize("mode", PAD_MODES)
def test_the_remainder_is_read_only_as_a_copy(mode):
    """M4: with the far side as padding, a pixel beyond the last window has an influence."""
    chosen = ConvolutionSettings(3, ((1, 0), (1, 0)), pad_mode=mode)
    rows, _ = line_reads(chosen.geometry((6, 6), (3, 3)), mode)
    assert (rows.image_beyond, rows.padding_beyond) == (1, 0)
    image, kernel, delta = random((6, 6)), random((3, 3), 1), random((2, 2), 2)
    changed = image.copy()
    changed[-1] += 1
    depends = not np.allclose(
        conv(image, kernel, **vars(chosen)), conv(changed, kernel, **vars(chosen))
    )
    gradients = ops.conv2d_gradients(batch(image), bank(kernel), batch(delta), **vars(chosen))
    reached = bool(gradients.images[0, -1].any())
    assert depends == reached == (mode == "wrap") == (rows.only_copied == 1)


@claims("padding", "prose", "Pixels that are never read are hatched in the animation")
@pytest.mark.parametrize("mode", PAD_MODES)
@pytest.mark.parametrize("border", [(0, 0), (1, 0), (0, 2), (2, 1)])
@pytest.mark.parametrize("stride", [1, 3, 4])
def test_the_animation_hatches_what_is_never_read(mode, border, stride):
    """M16: pixels that are read neither directly nor as a copy, and unread lines of padding."""
    chosen = ConvolutionSettings(stride, (border, border), pad_mode=mode)
    geometry = chosen.geometry((7, 7), (3, 3))
    shown = convolution_trace(random((7, 7)), bank(np.ones((3, 3))), **vars(chosen)).grid("input")
    rows, columns = line_reads(geometry, mode)
    unread = np.outer(rows.padded, columns.padded) == 0
    inside = slice(border[0], border[0] + 7)
    unread[inside, inside] = read_counts(geometry, mode) == 0
    np.testing.assert_array_equal((shown.mask & UNREAD) > 0, unread)


@claims(
    "padding",
    "prose",
    "keeps its weights and spreads them out",
    "At stride 1, neighbouring windows read the pixels in between",
    "share a factor, as 2 and 2 do, some rows and columns are never read",
)
def test_dilation_leaves_gaps_where_it_shares_a_factor_with_the_stride():
    """M5: with 2 and 2 every second row is skipped, with 1 or 3 none."""
    for stride, dilation, k in product((1, 2, 3, 4), (1, 2, 3, 4), (2, 3, 4)):
        counts = counted((40, 40), (k, k), strides=stride, dilation_rate=dilation)
        inside = counts[12:-12, 12:-12]  # where no window is missing
        shares_a_factor = math.gcd(stride, dilation) > 1
        assert bool((inside == 0).any()) == (shares_a_factor or stride > k)
        if stride == 1:
            assert (inside == k * k).all()
    spread = np.zeros((5, 5))
    spread[::2, ::2] = kernel = random((3, 3))
    image = random((SIDE, SIDE), 1)
    np.testing.assert_allclose(conv(image, kernel, dilation_rate=2), conv(image, spread))


@claims(
    "padding",
    "strides",
    "With the same pixels of padding",
    "keeps every $s$-th value of every $s$-th row",
    "In Keras, the padding that same adds can depend on the stride",
    "larger than the kernel jumps over pixels",
)
def test_a_stride_keeps_every_nth_value_if_the_padding_stays():
    """M13: with Keras's same padding, stride 2 puts its windows elsewhere."""
    image, kernel = random((8, 8)), random((3, 3), 1)
    for padding, stride in product(["valid", 1, ((2, 0), (0, 1))], (1, 2, 3)):
        dense = conv(image, kernel, padding=padding)
        kept = conv(image, kernel, padding=padding, strides=stride)
        np.testing.assert_allclose(kept, dense[::stride, ::stride], atol=1e-12)
    assert (same_padding(8, 3), same_padding(8, 3, 2)) == ((1, 1), (0, 1))
    dense, kept = (conv(image, kernel, padding="same", strides=stride) for stride in (1, 2))
    assert np.abs(kept - dense[::2, ::2]).max() > 1
    for k, s in product(range(1, 4), range(1, 6)):
        counts = counted((30, 30), (k, k), strides=s)
        assert bool((counts[: 30 - s, : 30 - s] == 0).any()) == (s > k)


@claims("padding", "ruler", "positions", "the extra pixel goes at the end", "rounded down")
@claims("padding", "agree", "the same padding")
@claims("padding", "agree_when", "stride divides $L - 1$", "at stride 2 if $L$ is odd", "needs no")
@claims("paper", "same", "right for odd kernels at stride 1", "right for 3 × 3 alone")
def test_keras_and_pytorch_agree_exactly_where_the_page_says():
    for length, k, s, d in product(range(4, 12), range(1, 6), range(1, 5), (1, 2)):
        chosen = ConvolutionSettings(strides=s, dilation_rate=d)
        both = conventions((k, k), chosen)
        keras, pytorch = (both[name].borders((length, length), (k, k)) for name in (KERAS, PYTORCH))
        span = effective_kernel_size(k, d)
        assert pytorch[0] == (span // 2, span // 2)
        assert keras[0][1] - keras[0][0] in (0, 1)
        assert conv_output_length(length, k, s, keras[0], d) == -(-length // s)
        odd = span % 2 == 1
        says = span == 1 or (odd and (length - 1) % s == 0)
        assert (keras == pytorch) == says
    ones = [k for k in range(2, 9) if same_padding(28, k) == (1, 1)]
    assert ones == [3]


@claims("padding", "transposed", "a copy of the kernel, $s$ apart", "cover $(L - 1)", "cut off")
@claims("padding", "transposed_gap", "adds $s - k$ rows or columns of zeros")
@claims("padding", "transposed_back", "turns the [[large]] output back")
@claims("padding", "transposed_values", "does not reverse the values")
@claims("padding", "transposed_values_kept", "even the values are restored")
def test_a_transposed_convolution_reverses_the_shape_and_seldom_the_values():
    """Dumoulin and Visin's relationships 8 to 13."""
    for length, k, s in product(range(2, 6), range(1, 5), range(1, 5)):
        image, kernel = random((length, length)), random((k, k), 1)
        copies = np.zeros(((length - 1) * s + k,) * 2)
        for i, j in np.ndindex(length, length):
            copies[i * s : i * s + k, j * s : j * s + k] += image[i, j] * kernel
        large = ops.conv2d_transpose(batch(image), bank(kernel), strides=s)[0, ..., 0]
        reach = len(copies)
        np.testing.assert_allclose(large[:reach, :reach], copies, atol=1e-12)
        assert large.shape[0] - reach == max(0, s - k)
        assert not large[reach:].any()
        assert not large[:, reach:].any()
        for padding in ("valid", "same"):
            chosen = ConvolutionSettings(s, padding)
            trip = round_trip(image[..., np.newaxis], bank(kernel), chosen)
            assert trip.back == image.shape
            assert trip.changes.differs.any()
        if k > 1 and length > 1:
            cut = ops.conv2d_transpose(
                batch(image), bank(kernel), strides=s, padding=((1, 0), (0, 1))
            )
            np.testing.assert_allclose(cut[0, ..., 0], copies[1:, :-1], atol=1e-12)
    one = round_trip(random((3, 3, 1)), np.ones((1, 1, 1, 1)), ConvolutionSettings(2))
    assert not one.changes.differs.any()


@claims(
    "padding", "stride_measure", "filled in by linear interpolation", "as a share of the length"
)
@claims("paper", "stride", "no threshold", "each larger stride uses fewer positions")
def test_more_is_lost_with_each_stride_and_not_from_three_on():
    from cnn_lab.data.mnist import load_mnist

    digits = load_mnist().test
    for index in range(3):
        maps = strided_maps(digits.image(index)[..., 0], KERNELS["sobel_columns"].values())
        sizes, errors = [one.values.size for one in maps], [one.error for one in maps]
        assert all(more > fewer for more, fewer in pairwise(sizes))
        assert errors[0] == 0
        assert 0 < errors[1] < errors[2] < errors[4]  # 2 and 3 lose too


# --- Pooling


@claims("pooling", "formula", "largest of its [[cells]] values", "keeps their mean", "no weights")
@claims("pooling", "padded", "Padding never wins a maximum", "so the border fades")
@claims("pooling", "cells_inside", "lie inside the image")
@claims("pooling", "divisors_agree", "its values add up to zero")
@pytest.mark.parametrize("whole", [False, True])
def test_pooled_cells_are_maxima_and_means_of_what_lies_inside(whole):
    image = random((6, 7)) - 5  # below zero, so that a padding of zeros would win
    chosen = PoolingSettings((3, 2), (2, 2), ((1, 1), (1, 0)), count_include_pad=whole)
    largest = ops.max_pool2d(
        batch(image), **{k: v for k, v in vars(chosen).items() if k != "count_include_pad"}
    )[0, ..., 0]
    means = ops.average_pool2d(batch(image), **vars(chosen))[0, ..., 0]
    for i, j in np.ndindex(*largest.shape):
        rows, columns = (slice(max(0, 2 * n - 1), 2 * n - 1 + k) for n, k in ((i, 3), (j, 2)))
        inside = image[rows, columns]
        assert largest[i, j] == inside.max()
        assert means[i, j] == pytest.approx(inside.sum() / (6 if whole else inside.size))
    ones = ops.average_pool2d(np.ones((1, 6, 7, 1)), **vars(chosen))
    assert (ones.min() < 1) == whole
    assert np.allclose(ones, 1) == (not whole)
    silent = ops.average_pool2d(np.zeros((1, 6, 7, 1)), **vars(chosen))
    assert not silent.any()


@claims("pooling", "gradient", "it receives all of the gradient", "each cell receives its share")
@claims("pooling", "dropped", "no pixel to receive them")
@claims("pooling", "ties", "Only the first of them, row by row")
@claims("pooling", "forms", "Both give the same numbers")
@claims("pooling", "prose", "no window selects gets no gradient", "lies in a window gets a share")
def test_maxima_route_their_gradient_and_means_share_it():
    image = np.round(random((7, 7)) * 2)  # with ties
    window, delta = {"pool_size": 3, "strides": 2, "padding": 1}, random((4, 4), 1)
    by_max, by_mean = np.zeros((9, 9)), np.zeros((9, 9))
    padded = np.pad(image, 1, constant_values=-np.inf)
    for i, j in np.ndindex(4, 4):
        part = padded[2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
        row, column = np.unravel_index(part.argmax(), (3, 3))  # the first, row by row
        by_max[2 * i + row, 2 * j + column] += delta[i, j]
        by_mean[2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += delta[i, j] / 9
    largest = ops.max_pool2d_gradient(batch(image), batch(delta), **window)[0, ..., 0]
    means = ops.average_pool2d_gradient(
        batch(image), batch(delta), **window, count_include_pad=True
    )[0, ..., 0]
    np.testing.assert_allclose(largest, by_max[1:-1, 1:-1])
    np.testing.assert_allclose(means, by_mean[1:-1, 1:-1])
    assert by_mean.sum() - means.sum() == pytest.approx(by_mean.sum() - by_mean[1:-1, 1:-1].sum())
    found = routes(image, PoolingSettings(**window))
    assert found.n_ties > 0
    assert not largest[found.won == 0].any()
    assert means[found.covered > 0].all()


@claims("pooling", "overlap", "gradients add up")
@claims("pooling", "overlap_no_winner", "gradients add up only under average pooling")
@claims("pooling", "no_overlap", "each pixel receives at most one value")
@claims("pooling", "no_ties", "a single largest cell")
def test_gradients_add_up_only_where_windows_overlap():
    peak = np.zeros((5, 5))
    peak[2, 2] = 1
    for stride, won in ((1, 9), (3, 1)):
        chosen = PoolingSettings(3, stride)
        found = routes(peak, chosen)
        assert found.won[2, 2] == won == found.covered[2, 2]
        assert (found.n_covered_twice > 0) == (stride < 3)
    rising = routes(-ROWS[:4, :4] * 4 - COLUMNS[:4, :4], PoolingSettings(2, 1))
    assert (rising.n_won_twice, rising.n_ties) == (0, 0)
    assert rising.n_covered_twice > 0


@claims(
    "pooling",
    "prose",
    "keeps one value in four",
    "a quarter of the work",
    "moving its window by one cell moves it by two pixels",
)
def test_what_pooling_leaves_to_later_layers():
    """M9: a quarter of the work under same padding only, and steps twice as long."""
    assert ops.max_pool2d(np.zeros((1, 28, 28, 1)), pool_size=2).size * 4 == 28 * 28
    work = {}
    for padding, n in product(("same", "valid"), (28, 14)):
        out = conv_output_length(n, 3, padding=same_padding(n, 3) if padding == "same" else (0, 0))
        work[padding, n] = out * out * 9
    assert work["same", 14] * 4 == work["same", 28]
    assert work["valid", 14] * 4 < work["valid", 28]
    before, after = (receptive_field(layers) for layers in ([], [(2, 2, 1)]))
    assert (after.step, before.step) == (2, 1)
    grown = [field.through(3).size - field.size for field in (before, after)]
    assert grown == [2, 4]
    plain, pooled = [(3, 1, 1), (3, 1, 1)], [(3, 1, 1), (2, 2, 1), (3, 1, 1)]
    assert receptive_field(pooled).size == 8 < 2 * receptive_field(plain).size


@claims(
    "pooling", "prose", "forgets exactly where", "A single bright pixel fades", "has no weights"
)
def test_a_maximum_forgets_where_and_a_mean_fades_a_single_pixel():
    for row, column in np.ndindex(2, 2):
        image = np.zeros((2, 2))
        image[row, column] = 8
        assert ops.max_pool2d(batch(image), pool_size=2)[0, 0, 0, 0] == 8
        assert ops.average_pool2d(batch(image), pool_size=2)[0, 0, 0, 0] == 2
    broad = np.full((2, 2), 8.0)
    assert ops.average_pool2d(batch(broad), pool_size=2)[0, 0, 0, 0] == 8
    fast = preset("fast").network.layers
    assert not any(layer.pooling for layer in fast)
    assert any(layer.convolves and max(layer.strides) == 2 for layer in fast)


@claims("pooling", "kept", "values")
@claims("pooling", "kept_redrawn", "sum of absolute values", "zeros elsewhere", "whole window")
def test_what_is_kept_is_redrawn_as_the_page_says():
    image = random((6, 6))
    largest, mean = remains(image, PoolingSettings(2))
    blocks = image.reshape(3, 2, 3, 2).swapaxes(1, 2).reshape(9, 4)
    winners = np.zeros_like(blocks)
    winners[np.arange(9), blocks.argmax(axis=1)] = blocks.max(axis=1)
    assert largest.error == pytest.approx(np.linalg.norm(blocks - winners) / np.linalg.norm(blocks))
    spread = blocks - blocks.mean(axis=1, keepdims=True)
    assert mean.error == pytest.approx(np.linalg.norm(spread) / np.linalg.norm(blocks))
    assert largest.magnitude == pytest.approx(np.abs(winners).sum() / np.abs(blocks).sum())


@claims("pooling", "shift", "relative to their own size")
@claims("pooling", "shift_both", "absorb part of the shift")
@claims(
    "pooling", "shift_nearly", "approximately invariant", "by one whole cell, except at the border"
)
@claims("paper", "invariance", "pooling and the layers after it that provide it, nearly")
def test_pooling_absorbs_a_part_of_a_shift_and_follows_by_whole_cells():
    rows, columns = np.mgrid[:32, :32]
    blob = np.exp(-((rows - 16) ** 2 + (columns - 16) ** 2) / 8)
    response = shift_response(blob, PoolingSettings(4), most=4)
    for pooled in (response.max_pooled, response.average_pooled):
        assert 0 < pooled[1] < response.image[1]
    moved = ops.max_pool2d(batch(np.roll(blob, 4, 1)), pool_size=4)
    still = ops.max_pool2d(batch(blob), pool_size=4)
    np.testing.assert_array_equal(moved[:, :, 1:], still[:, :, :-1])
    sharp = np.zeros((8, 8))
    sharp[:, 3] = 1
    worse = shift_response(sharp, PoolingSettings(2, 2), most=1)
    assert worse.max_pooled[1] >= worse.image[1]  # not for every picture and window


@claims("pooling", "stack", "each stride moves all later windows further apart")
@claims("pooling", "stack_seen", "without pooling would reach")
@claims("features", "prose", "one window of the image", "a window of windows", "grows")
@claims("features", "sight", "windows of windows")
@claims("network", "prose", "Two 3 × 3 layers see 5 × 5 pixels")
def test_receptive_fields_are_what_a_unit_depends_on():
    for blocks, k, window, stride in product((1, 2), (1, 3), (2, 3), (1, 2)):
        field = fields_behind(blocks, k, (window, window), (stride, stride))[-1]
        length = field.size[0] + field.step[0]  # room for two units
        depends = []
        image = np.ones((1, length, 1, 1))
        for unit in (0, 1):
            delta = np.zeros((1, 2, 1, 1))
            delta[0, unit] = 1
            gradient = delta
            shapes = [length]
            for _ in range(blocks):
                shapes += [shapes[-1] - k + 1, (shapes[-1] - k + 1 - window) // stride + 1]
            layers = [(k, 1), (window, stride)] * blocks
            for size, (kernel, step) in zip(shapes[-2::-1], layers[::-1], strict=True):
                gradient = ops.conv2d_gradients(
                    np.ones((1, size, 1, 1)),
                    np.ones((kernel, 1, 1, 1)),
                    gradient,
                    strides=(step, 1),
                ).images
            depends.append(np.flatnonzero(gradient[0, :, 0, 0]))
        assert image.shape == gradient.shape
        assert [seen[-1] - seen[0] + 1 for seen in depends] == [field.size[0]] * 2
        assert depends[1][0] - depends[0][0] == field.step[0]
    assert receptive_field([(3, 1, 1)] * 2) == ReceptiveField(5, 1)


# --- Backpropagation


def small_layer(activation="linear", objective=None, settings=None, size=(6, 6)):
    chosen = settings or ConvolutionSettings()
    out = chosen.geometry(size, (3, 3)).positions
    return SmallLayer(
        random(size),
        objective or SquaredError(random(out, 1)),
        chosen,
        ACTIVATIONS[activation],
    )


START = Parameters(random((3, 3), 2), 0.3)


@claims("backpropagation", "chain", r"f'(Z(i, j))")
@claims("backpropagation", "kernel", "each sum it is multiplied by one pixel")
@claims("backpropagation", "input", "each time with a different weight", "rotated by 180 degrees")
@claims("backpropagation", "bias", "part of every sum, once")
@claims("backpropagation", "delta", "cell by cell")
@claims("backpropagation", "loss_error", "half the squared error", "the error itself")
@claims("backpropagation", "loss_chosen", "each multiplied by its cell of that matrix")
@claims("backpropagation", "look_nudge", "Any gradient can be checked this way")
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("chosen", [False, True])
def test_the_chain_rule_gives_the_slopes_that_nudging_measures(activation, chosen):
    settings = ConvolutionSettings((2, 1), ((1, 0), (0, 1)), (1, 2))
    out = settings.geometry((6, 6), (3, 3)).positions
    weights = random(out, 3)
    objective = WeightedSum(weights) if chosen else SquaredError(weights)
    layer = small_layer(activation, objective, settings)
    back = layer.backward(START)
    f = ACTIVATIONS[activation]
    upstream = weights if chosen else back.results - weights
    np.testing.assert_allclose(back.delta, upstream * f.slope(back.sums))
    loss = (back.results * weights).sum() if chosen else np.square(upstream).sum() / 2
    assert back.loss == pytest.approx(loss)
    pixels = np.pad(layer.image, settings.borders((6, 6), (3, 3)))
    for m, n in np.ndindex(3, 3):
        read = pixels[m : m + 2 * out[0] : 2, 2 * n : 2 * n + out[1]][: out[0]]
        assert back.parameters.kernel[m, n] == pytest.approx((back.delta * read).sum())
        slope = nudge(layer, START, (m, n), 1e-6).slope
        assert back.parameters.kernel[m, n] == pytest.approx(slope, abs=1e-6)
    assert back.parameters.bias == pytest.approx(back.delta.sum())


def recursion(delta, kernel, *, rotations, stride=1):
    """The full convolution of delta, spread out, with the kernel turned so many times."""
    spread = np.zeros([stride * (n - 1) + 1 for n in delta.shape])
    spread[::stride, ::stride] = delta
    return signal.convolve2d(spread, np.rot90(kernel, 2 * rotations))


@claims(
    "paper",
    "recursion",
    "$o^{l+1}$ and $f'(x^{l+1})$",
    "Both belong to layer $l$",
    r"\delta^{l+1} * w^{l+1}\right) \odot f'(x^l)",
    "correlation of",
    "rotates it twice",
    "is right",
)
def test_the_recursion_uses_layer_l_and_rotates_once():
    """M6: convolving delta with w is right, with rot180(w) wrong; the slope is that of layer l."""
    below, w, first = random((7, 7)), random((3, 3), 1), random((3, 3), 2)
    x = conv(below, first)  # of layer l
    o = ops.tanh(x)
    target = random((3, 3), 3)

    def loss(values):
        return np.square(ops.tanh(conv(ops.tanh(values), w)) - target).sum() / 2

    measured = np.zeros_like(x)
    for at in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[at] = 1e-6
        measured[at] = (loss(x + step) - loss(x - step)) / 2e-6
    above = conv(o, w)  # x of layer l + 1
    delta = (ops.tanh(above) - target) * (1 - np.tanh(above) ** 2)
    slope = 1 - np.tanh(x) ** 2
    np.testing.assert_allclose(recursion(delta, w, rotations=0) * slope, measured, atol=1e-8)
    correlated = signal.correlate2d(delta, np.rot90(w, 2))
    np.testing.assert_allclose(correlated * slope, measured, atol=1e-8)
    assert np.abs(recursion(delta, w, rotations=1) * slope - measured).max() > 0.1
    assert slope.shape != above.shape  # so f' of layer l + 1 does not even fit
    gradient = ops.conv2d_gradients(batch(o), bank(w), batch(delta)).kernel[..., 0, 0]
    np.testing.assert_allclose(gradient, signal.correlate2d(o, delta, "valid"))  # equation (6)


@claims("paper", "backward_stride", "$s - 1$ zeros are first inserted", "a gradient of zero")
@claims("backpropagation", "spread_none", "is $")
@claims("backpropagation", "spread_zeros", "$s_h - 1 = [[down]]$ rows")
@claims("backpropagation", "look_gradients", "no gradient at all", "at its bottom right")
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_strides_are_spread_out_on_the_way_back(stride):
    image, kernel = random((9, 9)), random((3, 3), 1)
    chosen = ConvolutionSettings(stride)
    out = chosen.geometry((9, 9), (3, 3)).positions
    delta = random(out, 2)
    ours = ops.conv2d_gradients(batch(image), bank(kernel), batch(delta), strides=stride)
    gradient = ours.images[0, ..., 0]
    expected = np.zeros((9, 9))
    part = recursion(delta, kernel, rotations=0, stride=stride)
    expected[: part.shape[0], : part.shape[1]] = part
    np.testing.assert_allclose(gradient, expected, atol=1e-12)
    unread = counted((9, 9), (3, 3), strides=stride) == 0
    assert not gradient[unread].any()
    if stride == 1:  # pixel (4, 4) meets the top left weight in the window that begins there
        weights = {}
        for i, j in np.ndindex(*out):
            m, n = 4 - i, 4 - j
            if 0 <= m < 3 and 0 <= n < 3:
                weights[m, n] = (i, j)
        assert weights[0, 0] == max(weights.values())
        assert len(weights) == 9


@claims("backpropagation", "saturated", "below 0.001")
@claims("backpropagation", "silent", "no gradient gets through")
@claims("network", "about_ReLU", "Negative numbers become zero")
@claims("network", "about_LeakyReLU", "their gradient does not vanish")
@claims("doctor", "dead filters", "its slope is zero too")
def test_what_gets_through_an_activation():
    values = np.array([-20.0, -1.0, 0.5, 20.0])
    slopes = {name: each.slope(values) for name, each in ACTIVATIONS.items()}
    assert slopes["relu"].tolist() == [0, 0, 1, 1]
    assert ops.relu(values).tolist() == [0, 0, 0.5, 20]
    assert (slopes["leaky_relu"] > 0).all()
    for name in ("sigmoid", "tanh"):
        assert (slopes[name] < 0.001).tolist() == [True, False, False, True]
    silent = small_layer("relu").backward(Parameters(np.zeros((3, 3)), -1.0))
    assert not silent.parameters.kernel.any()
    assert silent.parameters.bias == 0


@claims("backpropagation", "nudge_curve", "a hundred times smaller", "exact slope for any nudge")
@claims("backpropagation", "nudge_crossed", "a mixture of both sides")
@claims("backpropagation", "look_nudge", "jumps from 0 to 1", "the slope of neither side")
def test_errors_of_nudges():
    tables = error_table(small_layer("tanh"), START, (0, 0), np.array([1e-2, 1e-3]))
    errors = tables[tables.how == "both sides"].error.tolist()
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.05)
    linear, at = small_layer(), START
    exact = linear.backward(at).parameters.kernel[0, 0]
    for epsilon in (1e-3, 1.0, 100.0):
        assert nudge(linear, at, (0, 0), epsilon).slope == pytest.approx(exact, rel=1e-7)
    tiny = error_table(small_layer(), START, (0, 0), np.array([1e-13]))
    assert tiny.error.min() > 1e-6
    kink = SmallLayer(np.ones((1, 1)), WeightedSum(np.ones((1, 1))), activation=ACTIVATIONS["relu"])
    across = nudge(kink, Parameters(np.zeros((1, 1)), 0.1), (0, 0), 0.3)
    assert across.crossed == 1
    assert 0 < across.slope < 1


@claims("backpropagation", "nudge_all", "two more passes", "about the price of two")
@claims("backpropagation", "look_nudge", "each would need two passes of its own")
def test_the_price_of_all_gradients():
    out, k, channels, filters = 10, 3, 4, 5
    forward = out * out * k * k * channels * filters
    kernel_gradient = k * k * channels * filters * out * out  # a sum over all positions
    input_gradient = out * out * filters * k * k * channels  # each window hands back all weights
    assert (kernel_gradient + input_gradient) / forward == 2


@claims("backpropagation", "step_gradient", "Add 0.001 to this weight", "by about")
@claims("backpropagation", "lesson_explained", "a little of the gradient subtracted")
def test_a_weights_slope_says_what_a_small_change_of_it_does():
    layer, at = small_layer(), START
    slopes = layer.backward(at).parameters.kernel
    cell = np.unravel_index(np.abs(slopes).argmax(), slopes.shape)
    nudged = at.kernel.copy()
    nudged[cell] += 0.001
    change = layer.loss(Parameters(nudged, at.bias)) - layer.loss(at)
    assert change == pytest.approx(slopes[cell] / 1000, rel=0.02)
    image, goal = random((8, 8)), random((3, 3), 1)
    lesson = learn_kernel(image, goal, rate=0.1, steps=1)
    target = SquaredError(ops.conv2d(batch(image), bank(goal))[0, ..., 0], mean=True)
    first = Parameters(lesson.kernels[0], 0.0)
    gradient = SmallLayer(image, target).backward(first).parameters.kernel
    np.testing.assert_allclose(lesson.kernels[1], lesson.kernels[0] - 0.1 * gradient)


@claims("backpropagation", "step_best_exact", "At twice that rate the loss is back", "higher rate")
@claims("backpropagation", "step_worse", "climbs the other side")
def test_along_the_gradient_the_squared_error_is_a_parabola():
    layer = small_layer()
    best = line_of_steps(layer, START, 0.01).best_rate
    before = layer.loss(START)
    direction = layer.backward(START).parameters
    losses = [layer.loss(START.moved(direction, -share * best)) for share in (0.9, 1, 1.1, 2, 2.1)]
    assert min(losses) == losses[1] < before
    assert losses[3] == pytest.approx(before)
    assert losses[4] > before


@claims(
    "backpropagation",
    "look_step",
    "a straight line that never stops falling",
    "With ReLU or sigmoid the loss cannot fall below 0",
    "with tanh it cannot fall below −1 for each output",
)
def test_only_without_activation_does_a_plain_sum_fall_for_ever():
    """M7: with no activation the loss falls by the same amount each step; ReLU ends it at 0."""
    ones = WeightedSum(np.ones((4, 4)))
    floors = {"relu": 0, "sigmoid": 0, "tanh": -16}
    for name in ACTIVATIONS:
        layer = small_layer(name, ones)
        direction = layer.backward(START).parameters
        far = [layer.loss(START.moved(direction, -rate)) for rate in (0, 1e3, 2e3, 3e3)]
        if name == "linear":
            assert np.diff(far) == pytest.approx([far[1] - far[0]] * 3)
            assert far[3] < -1e3
        elif name in floors:
            assert min(far) >= floors[name]
            lowest = layer.loss(Parameters(np.zeros((3, 3)), -50.0))
            assert lowest == pytest.approx(floors[name], abs=1e-12)


@claims("backpropagation", "lesson_rate", "every rate below", "2 divided by the largest curvature")
@claims("backpropagation", "lesson_diverged", "would work")
@claims("backpropagation", "lesson_unseen", "reach zero with a different kernel")
@claims(
    "backpropagation",
    "look_lesson",
    "The first steps do most of the work",
    "at a rate of 0.5",
    "more than the one",
)
def test_lessons_on_noise_and_on_a_flat_image():
    noise = np.random.default_rng(0).random((14, 14))
    for name in ("sobel_columns", "box", "emboss"):
        goal = KERNELS[name].values()
        lesson = learn_kernel(noise, goal, rate=0.5, steps=300)
        assert lesson.differences[-1] < 0.1 < lesson.differences[0]
        assert lesson.unseen == 0
        limit = lesson.highest_rate
        assert learn_kernel(noise, goal, rate=0.99 * limit, steps=2000).losses[-1] < 1e-3
        above = learn_kernel(noise, goal, rate=1.1 * limit, steps=2000)
        assert above.diverged
        assert (np.diff(above.losses[-10:]) > 0).all()
        digit = densest_crop(load_mnist().test.image(0)[..., 0], 14)
        lesson = learn_kernel(digit, goal, rate=1, steps=1000)
        assert lesson.losses[50] < 0.15 * lesson.losses[0]  # most of the work in 50 of 1000 steps
        assert lesson.differences[50] > 0.2 * lesson.differences[0]
    flat = learn_kernel(np.ones((8, 8)), KERNELS["emboss"].values(), rate=0.1, steps=500)
    assert flat.unseen == 8
    assert flat.losses[-1] < 1e-12
    assert flat.differences[-1] > 0.5


SCORES = np.array([2.0, -1.0, 0.5, 3.0])


@claims("backpropagation", "softmax", r"\frac{p_k - y_k}{T}")
@claims("backpropagation", "softmax_sums", "pushed up as much as all the others together")
@claims(
    "backpropagation", "softmax_note", "changes no probability", "more alike", "largest one larger"
)
@claims(
    "backpropagation", "look_softmax", "in proportion to their probabilities", "Nothing changes"
)
@claims("network", "about_Softmax", "positive and add up to one", "simply $p - y$")
@claims("draw", "prose", "ten scores into ten probabilities", "add up to one")
def test_softmax_and_its_gradient():
    for temperature in (0.5, 1.0, 3.0):
        found = softmax_cross_entropy(SCORES, 1, temperature=temperature)
        powers = np.exp(SCORES / temperature)
        np.testing.assert_allclose(found.probabilities, powers / powers.sum())
        assert found.loss == pytest.approx(-np.log(found.probabilities[1]))
        np.testing.assert_allclose(
            found.gradient, (found.probabilities - np.eye(4)[1]) / temperature
        )
        assert found.gradient.sum() == pytest.approx(0, abs=1e-12)
        wrong = np.array([0, 2, 3])
        ratios = found.gradient[wrong] / found.probabilities[wrong]
        np.testing.assert_allclose(ratios, ratios[0])
        more = softmax_cross_entropy(SCORES + 5, 1, temperature=temperature)
        np.testing.assert_allclose(more.probabilities, found.probabilities)
        assert (found.probabilities > 0).all()
        assert np.abs(found.gradient).max() <= 1 / temperature
    spreads = [np.ptp(ops.softmax(SCORES, temperature=t)) for t in (0.5, 1, 3)]
    assert spreads[0] > spreads[1] > spreads[2]


@claims("backpropagation", "softmax_loss", "It would be 0 at")
def test_certainty_of_the_true_class_has_no_loss():
    assert softmax_cross_entropy(np.array([0.0, 50.0]), 1).loss == pytest.approx(0, abs=1e-12)


@claims("backpropagation", "softmax_limited", "below 0.0000001", "uses that value instead")
@claims("backpropagation", "look_softmax", "up to the limit", "never exceeds 1 divided by")
@claims("training", "prose", "zero for certainty")
def test_the_loss_is_limited_and_the_gradient_needs_no_limit():
    for temperature in (0.5, 1.0, 2.0):
        losses = []
        for height in (1.0, 5.0, 10.0, 100.0, 1000.0):
            found = softmax_cross_entropy(
                np.array([height, 0.0]) * temperature, 1, temperature=temperature
            )
            losses.append(found.loss)
            assert np.abs(found.gradient).max() <= 1 / temperature + 1e-12
        assert losses[:3] == sorted(losses[:3])
        assert losses[-2] == losses[-1] == pytest.approx(-math.log(1e-7))
    assert softmax_cross_entropy(np.array([100.0, 0.0]), 0).loss == pytest.approx(0, abs=1e-6)


@claims(
    "paper",
    "entropy",
    "As the paper's own note in brackets says, p is the label",
    "q is the prediction",
    "the label's probability of each class by the logarithm of the predicted one",
    "outside the logarithm",
    "cannot be swapped",
)
def test_with_p_as_the_label_the_papers_formula_is_the_cross_entropy():
    """M11: -sum p log q is right with p the label; with p and q swapped it is another number."""
    label, prediction = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.5, 0.3])

    def formula(p, q):
        return -(p * np.log(q)).sum()

    def ours(target, predicted):
        return ops.cross_entropy(predicted[np.newaxis], target[np.newaxis])

    assert ours(label, prediction) == pytest.approx(formula(label, prediction))
    assert abs(formula(label, prediction) - formula(prediction, label)) > 0.05
    assert abs(-np.log((label * prediction).sum()) - formula(label, prediction)) > 0.05


@claims("backpropagation", "softmax_note", "$p$ is the label; here $p$ is the prediction")
def test_the_page_says_which_letter_is_which():
    """M11: on the page p is what softmax returns, and the label y multiplies its logarithm."""
    found = softmax_cross_entropy(SCORES, 2)
    assert found.loss == pytest.approx(-(found.label * np.log(found.probabilities)).sum())
    assert "paper calls the prediction" not in text_of("backpropagation", "softmax_note")


# --- The paper


@claims("paper", "floor", "[[unread]] line of padding", "Every pixel of the image is read")
def test_what_the_floor_leaves_over_there_is_padding():
    """M10: 6 pixels, 1 around them, a kernel of 3 and stride 2."""
    geometry = ConvolutionSettings(2, 1).geometry((6, 6), (3, 3))
    rows, columns = line_reads(geometry)
    assert rows.padding_beyond == columns.padding_beyond == 1
    assert rows.image_beyond == columns.image_beyond == 0
    assert (read_counts(geometry) > 0).all()


@claims("paper", "layers", "every convolution with stride 1", "belong to one layer")
@claims("network", "prose", "one dense layer holds most", "nearly all of the work", "channels grow")
@claims("network", "about_Dense", "first dense layer holds most")
def test_where_the_parameters_and_the_work_are():
    paper = preset("paper").network
    assert all(set(layer.strides) == {1} for layer in paper.layers if layer.convolves)
    shares = []
    for name in PRESETS:
        rows = preset(name).network.summary()
        heaviest = max(rows, key=lambda row: row.parameters)
        first_dense = next((row for row in rows if row.type == "Dense"), None)
        share = heaviest.parameters / sum(row.parameters for row in rows)
        shares.append(heaviest == first_dense and share > 0.5)
        work = sum(row.multiply_adds for row in rows)
        convolved = sum(row.multiply_adds for row in rows if "Conv2D" in row.type)
        if name == "paper":
            assert shares[-1]
            assert convolved / work > 0.8
        sizes = [row.output_shape for row in rows if len(row.output_shape) == 3]
        assert all(after[0] <= before[0] for before, after in pairwise(sizes))
    assert sum(shares) >= 2


@claims("paper", "people", "by two fifths", "they still made far fewer")
def test_alexnet_and_people():
    """Top-5 errors in percent: Krizhevsky et al. (2012); Russakovsky et al. (2015), section 6.4."""
    alexnet, rival, people = 15.3, 26.2, 5.1
    assert 1 - alexnet / rival == pytest.approx(2 / 5, abs=0.02)
    assert people < alexnet / 2


# --- Feature maps, Network, Training, Draw


@claims("features", "prose", "sum of products", "a window twice as bright gives twice the sum")
def test_a_response_grows_with_brightness_as_well_as_with_likeness():
    """M14: a bright window that is less like the kernel can outdo a dim one that is exactly it."""
    kernel = KERNELS["sobel_columns"].values()
    window = random((3, 3))
    assert conv(2 * window, kernel)[0, 0] == pytest.approx(2 * conv(window, kernel)[0, 0])
    alike = kernel / np.linalg.norm(kernel)
    other = 5 * (alike + random((3, 3), 1))
    likeness = (other * alike).sum() / np.linalg.norm(other)
    assert likeness < 0.85
    assert conv(other, kernel)[0, 0] > conv(alike, kernel)[0, 0]


@claims("network", "about_Activation", "two convolutions without padding could be merged into one")
@pytest.mark.parametrize(("first_stride", "second_stride"), [(1, 1), (2, 1), (2, 3)])
def test_two_convolutions_merge_without_padding_and_not_at_padded_borders(
    first_stride, second_stride
):
    """M12: without padding they are one convolution; with zeros around, the borders differ."""
    image, first, second = random((1, 17, 18, 2)), random((3, 3, 2, 4), 1), random((3, 3, 4, 3), 2)
    biases = random(4, 3), random(3, 4)
    span = 3 + 2 * first_stride
    merged = np.zeros((span, span, 2, 3))
    for m, n in np.ndindex(3, 3):
        rows, columns = (slice(at * first_stride, at * first_stride + 3) for at in (m, n))
        merged[rows, columns] += first @ second[m, n]
    bias = biases[1] + np.einsum("ijcf,c->f", second, biases[0])

    def twice(padding):
        between = ops.conv2d(image, first, biases[0], strides=first_stride, padding=padding)
        return ops.conv2d(between, second, biases[1], strides=second_stride, padding=padding)

    once = ops.conv2d(image, merged, bias, strides=first_stride * second_stride)
    np.testing.assert_allclose(twice("valid"), once, atol=1e-10)
    if first_stride == second_stride == 1:
        padded, whole = twice("same"), ops.conv2d(image, merged, bias, padding="same")
        np.testing.assert_allclose(padded[:, 2:-2, 2:-2], whole[:, 2:-2, 2:-2], atol=1e-10)
        assert np.abs(padded[:, 0] - whole[:, 0]).max() > 0.1
        bent = ops.conv2d(ops.relu(ops.conv2d(image, first, biases[0])), second, biases[1])
        assert np.abs(bent - once).max() > 1


@claims("network", "ending_twice", "only numbers between 0 and 1", "≈ 2.7 times another")
def test_a_softmax_of_shares_cannot_decide():
    shares = ops.softmax(10 * random((200, 10)))
    assert 0 <= shares.min() < shares.max() <= 1
    again = ops.softmax(shares)
    ratios = again.max(axis=1) / again.min(axis=1)
    assert 2.5 < ratios.max() <= math.e


@claims("network", "prose", "if the number of channels stays the same, fewer parameters")
@claims("network", "about_Conv2D", "once among the parameters but once per position")
@claims("network", "about_DepthwiseConv2D", "Each channel has its own kernel")
@claims("network", "about_SeparableConv2D", "usually with far fewer")
@claims("network", "meter", "the same kernel times a number")
@claims("network", "no_multiply_adds", "only products with a weight are counted")
def test_parameters_and_work_of_windows():
    for channels in (1, 2, 16, 64):
        two = 2 * convolution_parameters((3, 3), channels, channels)
        assert two < convolution_parameters((5, 5), channels, channels)
    standard, separable = layer_costs((14, 14, 16), (3, 3), (14, 14, 32))[:2]
    assert standard.multiply_adds == (standard.parameters - 32) * 14 * 14
    assert separable.parameters * 5 < standard.parameters
    assert separable.multiply_adds * 5 < standard.multiply_adds
    image, kernel, mix = random((1, 6, 6, 1)), random((3, 3, 1, 1), 1), random((1, 1, 1, 4), 2)
    filters = ops.conv2d(ops.conv2d(image, kernel), mix)
    for f in range(4):
        np.testing.assert_allclose(
            filters[..., f], ops.conv2d(image, kernel * mix[0, 0, 0, f])[..., 0], atol=1e-12
        )


@claims("network", "about_MaxPooling2D", "Only the largest", "layers that follow cheaper")
@claims("network", "about_AveragePooling2D", "replaced by its mean", "layers that follow cheaper")
@claims("network", "about_GlobalAveragePooling2D", "one number, its mean", "images of any size")
@claims("network", "about_BatchNormalization", "four numbers")
@claims("network", "about_Dropout", "scaled up to make up for it", "does nothing")
@claims("network", "about_SpatialDropout2D", "as a whole", "does nothing")
@claims("network", "about_Flatten", "Nothing is computed")
@claims("network", "about_Dense", "a weight for every input")
def test_layers_do_what_their_descriptions_say():

    maps = random((2, 6, 6, 50)).astype(np.float32)
    mean = GlobalAveragePooling2D(name="gap")
    for size in (3, 6):
        part = maps[:, :size, :size]
        assert mean.output_shape(part.shape[1:]) == (50,)
        np.testing.assert_allclose(mean.forward(part, {})[0], part.mean(axis=(1, 2)), atol=1e-6)
    normalized = BatchNormalization(name="norm").weight_shapes((6, 6, 50))
    assert sum(map(prod, normalized.values())) == 4 * 50
    for layer, axes in (
        (Dropout(name="drop", rate=0.5), ()),
        (SpatialDropout2D(name="drop", rate=0.5), (1, 2)),
    ):
        np.testing.assert_array_equal(layer.forward(maps, {})[0], maps)
        dropped = layer.forward(maps, {}, np.random.default_rng(0))[0]
        kept = dropped != 0
        np.testing.assert_allclose(dropped[kept], maps[kept] / (1 - layer.rate), rtol=1e-5)
        if axes:
            assert set(kept.mean(axis=axes).ravel()) <= {0.0, 1.0}
        assert 0 < kept.mean() < 1
    flat = Flatten(name="flat").forward(maps, {})[0]
    np.testing.assert_array_equal(np.sort(flat.ravel()), np.sort(maps.ravel()))
    shapes = Dense(name="dense", units=7).weight_shapes((300,))
    assert shapes["kernel"] == (300, 7)


def drawn(size, left, top):
    """A seven on a canvas of 280 x 280 pixels, with a pen of 20."""
    canvas = Image.new("L", (280, 280))
    corners = ((0, 0), (0.7, 0), (0.35, 0.5), (0.25, 1))
    points = [(left + size * x, top + size * y) for x, y in corners]
    ImageDraw.Draw(canvas).line(points, fill=255, width=20, joint="curve")
    return prepare_digit(np.repeat(np.asarray(canvas)[..., np.newaxis], 4, axis=2))


@claims("draw", "prose", "longer side measures 20 pixels", "centre of mass in the middle")
@claims("draw", "prose", "Where you draw makes no difference", "relatively wider")
@claims("draw", "xray", "cropped, scaled and centred in this way")
def test_a_drawing_is_prepared_alike_wherever_it_is():
    here = drawn(160, 60, 50)
    for left, top in ((100, 90), (20, 20), (61, 53)):
        np.testing.assert_array_equal(drawn(160, left, top), here)
    small = drawn(80, 60, 60)
    assert small.mean() > here.mean() > drawn(200, 40, 40).mean()
    for digit in (here, small):
        assert max(np.ptp(np.flatnonzero(digit.any(axis=axis))) + 1 for axis in (0, 1)) == 20
        centre = [(digit.sum(axis=1 - axis) @ np.arange(28)) / digit.sum() for axis in (0, 1)]
        np.testing.assert_allclose(centre, 14, atol=0.75)


@claims("training", "prose", "a tenth", "6,000", "54,000", "levels off at 0.5 instead of 0")
def test_the_loss_of_fast_levels_off_at_the_entropy_of_its_labels():

    assert (N_TRAIN, 60_000 - N_TRAIN) == (54_000, 6_000)
    smoothing = preset("fast").training.label_smoothing
    label = np.full(10, smoothing / 10)
    label[0] += 1 - smoothing
    at_best = ops.cross_entropy(label[np.newaxis], label[np.newaxis])
    assert at_best == pytest.approx(0.5, abs=0.005)
    assert preset("paper").training.label_smoothing == 0


@claims("afterwards", "tested", "for 19 of 20 such samples", "of the accuracy on all images")
@claims("paper", "verdict", "chance alone can change such a figure")
def test_nineteen_of_twenty_samples_lie_within_the_uncertainty():
    draws = np.random.default_rng(0).binomial(10_000, 0.992, 20_000) / 10_000
    inside = np.abs(draws - 0.992) <= uncertainty(0.992, 10_000)
    assert inside.mean() == pytest.approx(0.95, abs=0.01)


@claims("doctor", "worse than guessing", "confident and wrong can do worse")
@claims("doctor", "stands still", "guessing uniformly gives")
def test_guessing_uniformly_costs_the_logarithm_of_the_classes():
    uniform = np.full((1, 10), 0.1)
    assert ops.cross_entropy(uniform, np.array([3])) == pytest.approx(math.log(10))
    worse = ops.softmax(random((500, 10)) * 3)
    labels = np.zeros(500, int)
    losses = np.array([ops.cross_entropy(each[np.newaxis], labels[:1]) for each in worse])
    assert (worse[losses > math.log(10), 0] < 0.1).all()


@claims("doctor", "idle weights", "only ever multiplied by zero and cannot learn")
def test_weights_on_padding_get_no_gradient():
    image, kernel = random((1, 1)), random((3, 3), 1)
    gradients = ops.conv2d_gradients(batch(image), bank(kernel), np.ones((1, 1, 1, 1)), padding=1)
    assert np.count_nonzero(gradients.kernel) == 1


@claims("paper", "fast", "batch normalization", "5 × 5 kernels at the start", "label smoothing")
@claims("paper", "champion", "five convolutions", "nearly each time they are", "rises and falls")
@claims("paper", "champion", "digits drawn by a program", "from drawings that are not digits")
@claims("paper", "open", "Activation of the first convolution", "the others have ReLU", "constant")
@claims("training", "prose", "Adam and batches of 128", "single cycle that peaks at the rate")
def test_the_named_networks_are_what_the_pages_say():
    fast, champion, paper = (preset(name) for name in ("fast", "champion", "paper"))
    first, *others = (layer for layer in paper.network.layers if layer.convolves)
    assert {layer.nonlinearity for layer in others} == {"relu"}
    assert first.nonlinearity == "linear"
    chosen = paper.training
    assert (chosen.optimizer, chosen.schedule, chosen.batch_size) == ("adam", "constant", 128)
    for each in (fast, champion):
        assert any(layer.normalizes for layer in each.network.layers)
        rates = learning_rates(each.training, 50)
        peak = int(rates.argmax())
        assert 0 < peak < len(rates) - 1
        assert rates[peak] == pytest.approx(each.training.learning_rate, rel=0.01)
        assert (np.diff(rates[:peak]) > 0).all()
        assert (np.diff(rates[peak:]) < 0).all()
    assert fast.network.layers[0].kernel_size == (5, 5)
    assert fast.training.label_smoothing > 0
    assert sum(layer.convolves for layer in champion.network.layers) == 5
    assert champion.training.augmentation.shift > 0
    assert champion.training.unchanged < 0.25
    assert min(champion.training.pens, champion.training.non_digits) > 0
    assert champion.network.knows_non_digits


@claims("training", "prose", "reads the most handwriting", "makes the fewest errors there")
def test_which_shipped_network_is_best_at_what():
    networks = {path.stem: Network.load(path) for path in MODELS.glob("*.safetensors")}
    errors = {name: json.loads(each.card["result"])["errors"] for name, each in networks.items()}
    read = {name: recorded(name)["pen strokes"].accuracy for name in networks}
    assert min(errors, key=errors.__getitem__) == "record"
    assert max(read, key=read.__getitem__) == "champion"
    training = preset("record").training
    assert training.pens == training.non_digits == training.augmentation.hands == 0


@claims("network", "memory", "four bytes per number", "two running averages", "in the batch")
@claims("network", "sparse", "depends on [[reach]] numbers", "every connection has its own weight")
def test_memory_and_connections_are_counted():
    network = preset("lenet").network
    rows = network.summary()
    found = memory(network.layers, rows, 32)
    n_weights = network.n_parameters
    outputs = prod(network.input_shape) + sum(prod(row.output_shape) for row in rows)
    assert found.weights == 4 * n_weights
    assert found.training == 4 * (4 * n_weights + 32 * outputs)
    first = network.layers[0]
    threads = first.connections(network.input_shape)
    shape = rows[0].output_shape
    image = np.ones((1, *network.input_shape))
    kernel = np.ones((*first.kernel_size, 1, 1))
    window = first.window(network.input_shape)
    reads = ops.conv2d(image, kernel, padding=window.borders, strides=window.strides)
    assert threads.sparse == reads.sum() * shape[2]
    assert threads.dense == prod(network.input_shape) * prod(shape)
    assert threads.shared == kernel.size * shape[2]
    assert threads.reach == kernel.size


@claims("home", "MaxPooling2D", "only the largest number stays")
@claims("home", "Dense", "adds up all", "each with a weight of its own")
@claims("home", "image", "0 is black, 1 is white")
@claims("home", "ReLU", "every number below zero (blue) becomes zero")
def test_the_journey_goes_through_the_papers_layers():
    layers = preset("paper").network.layers
    assert {layer.pool_size for layer in layers if layer.pooling} == {(2, 2)}
    assert {layer.pooling for layer in layers} == {"", "max"}
    image = load_mnist().test.image(0)
    assert (image.min(), image.max()) == (0, 1)
    dense = next(layer for layer in layers if layer.dense)
    assert dense.weight_shapes((6400,))["kernel"] == (6400, 128)
    np.testing.assert_array_equal(ops.relu(np.array([-2.0, 0, 3])), [0, 0, 3])


@claims("padding", "less_cut_off", "Less padding or a larger kernel")
@claims("pooling", "wider", "A larger window or less padding would fit")
def test_remedies_for_sizes_remedy():
    images = np.ones((1, 1, 1, 1))

    def transposed(k, border):
        return ops.conv2d_transpose(images, np.ones((k, k, 1, 1)), padding=((border,) * 2,) * 2)

    with pytest.raises(ops.ShapeError):
        transposed(2, 1)
    assert transposed(2, 0).size == 4
    assert transposed(3, 1).size == 1
    with pytest.raises(ValueError, match="smaller than"):
        PoolingSettings(2, padding=2).geometry((4, 4))
    assert PoolingSettings(3, padding=2).geometry((4, 4)).positions
    assert PoolingSettings(2, padding=1).geometry((4, 4)).positions


@claims("doctor", "diverged", "proportional to the learning rate")
@claims("doctor", "diverged at once", "proportional to the learning rate")
@claims("backpropagation", "step_ask", "goes against the gradient")
def test_a_tenth_of_the_rate_is_a_tenth_of_the_step():
    for name in get_args(OptimizerName):
        steps = []
        for rate in (0.1, 0.01):
            weights = {"kernel": np.zeros((3, 3), np.float32)}
            training = TrainingSpec(optimizer=name, learning_rate=rate)
            gradients = {"kernel": random((3, 3), 1).astype(np.float32)}
            Optimizer(training, weights).apply(gradients, rate)
            steps.append(weights["kernel"])
        np.testing.assert_allclose(steps[0], 10 * steps[1], rtol=1e-4)
        assert (np.sign(steps[0]) == -np.sign(random((3, 3), 1))).all() or name == "muon"


@claims("doctor", "single pixels", "works like a dense layer")
def test_a_convolution_on_a_single_pixel_is_a_dense_layer():
    pixel, kernel = random((1, 1, 1, 6)), random((3, 3, 6, 4), 1)
    result = ops.conv2d(pixel, kernel, padding="same")
    np.testing.assert_allclose(result[0, 0, 0], pixel[0, 0, 0] @ kernel[1, 1])


@claims("sweep", "why", "The first trial uses the settings on this page", "from the eleventh on")
@claims("sweep", "why", "Once four trials have finished", "the run's seed, so only the settings")
def test_results_guide_a_sweep_from_its_eleventh_trial_on():
    chosen = preset("fast")
    run = RunSpec(network=chosen.network, training=chosen.training)
    sweep = SweepSpec(base=run, vary=("learning_rate",), n_trials=14)

    def proposals(sign):
        search, rates = Search(sweep), []
        for _ in range(14):
            trial = search.ask()
            rates.append(trial.settings["learning_rate"])
            accuracy = 0.5 + sign * math.log10(rates[-1]) / 20
            search.tell(trial.model_copy(update={"state": "done", "accuracies": (accuracy,)}))
        return rates

    if_high_is_good, if_low_is_good = proposals(1), proposals(-1)
    assert if_high_is_good[0] == chosen.training.learning_rate
    assert if_high_is_good[:10] == if_low_is_good[:10]
    assert if_high_is_good[10] != if_low_is_good[10]
    assert np.mean(np.log(if_high_is_good[10:])) > np.mean(np.log(if_low_is_good[10:]))
    assert N_BEFORE_PRUNING == 4


@claims("paper", "loss", "from then on only training improves", "dropout does not affect")
@claims("paper", "accuracy", "Most of the way is done after two epochs")
def test_what_the_papers_curves_show():
    paper = experiments()["paper"]
    means = {name: values.mean(axis=0) for name, values in paper.curves.items()}
    best = paper.best_epoch() - 1
    assert means["val_loss"].argmin() == best
    assert (means["val_loss"][best + 1 :] > means["val_loss"][best]).all()
    assert (np.diff(means["loss"]) < 0).all()
    for measure in ("loss", "accuracy"):
        ahead = paper.last_epoch_ahead(measure)
        sign = 1 if measure == "accuracy" else -1
        lead = sign * (means[f"val_{measure}"] - means[measure])
        assert (lead[:ahead] > 0).all()
        assert (lead[ahead:] <= 0).all()
    way = 1 - means["val_accuracy"]  # from guessing, 0.9, to the end
    assert 0.9 - way[1] > 0.99 * (0.9 - way[-1])


# --- sentences in the modules of pages


@claims(
    CODE, "app/widgets/inputs.py", "A larger image, less padding or padding with zeros would fit"
)
@claims(CODE, "app/widgets/inputs.py", "A larger image, a smaller window or more padding would fit")
def test_remedies_for_windows_and_copies():
    def positions(length, k, border, mode):
        chosen = ConvolutionSettings(1, border, pad_mode=mode)
        return conv(np.ones((length, length)), np.ones((k, k)), **vars(chosen)).size

    for mode in ("reflect", "wrap"):
        with pytest.raises(CopyError):
            positions(3, 3, 5, mode)
        with pytest.raises(CopyError):
            positions(3, 1, 5, mode)  # a smaller window would not help
        for remedied in ((7, 3, 5, mode), (3, 3, 2, mode), (3, 3, 5, "zeros")):
            assert positions(*remedied) > 0
    with pytest.raises(ShapeError) as caught:
        positions(3, 5, 0, "wrap")
    assert not isinstance(caught.value, CopyError)
    for remedied in ((5, 5, 0, "wrap"), (3, 3, 0, "wrap"), (3, 5, 1, "wrap")):
        assert positions(*remedied) > 0


@claims(CODE, "app/pooling/controls.py", "Without padding, both are the same")
@claims(CODE, "app/pooling/controls.py", "windows lie side by side. A smaller stride makes them")
def test_divisors_and_strides_of_pooling():
    images = random((1, 6, 6, 1))
    for k, stride in product((2, 3), (1, 2, 3)):
        means = [
            ops.average_pool2d(images, pool_size=k, strides=stride, count_include_pad=whole)
            for whole in (False, True)
        ]
        np.testing.assert_array_equal(*means)
        overlap = counted((6, 6), (k, k), strides=stride).max() > 1
        assert overlap == (stride < k)


@claims(CODE, "app/padding/controls.py", "adds its multiple of the kernel", "the rotated kernel")
@claims(CODE, "app/backpropagation/gradients.py", "one for each cell of the output gradient")
def test_a_transposed_convolution_gathers_with_the_rotated_kernel():
    image, kernel = random((3, 4)), random((3, 2), 1)
    spread = np.zeros((5, 7))
    spread[::2, ::2] = image
    gathered = conv(spread, kernel[::-1, ::-1], padding="full")
    scattered = ops.conv2d_transpose(batch(image), bank(kernel), strides=2)[0, ..., 0]
    np.testing.assert_allclose(gathered, scattered, atol=1e-12)


@claims(CODE, "app/widgets/image_input.py", "from 0 to 255; networks receive them divided by 255")
@claims(CODE, "app/training/fields.py", "spread over all classes", "0.9 to 1.1 times the size")
def test_scales_of_data_and_labels():
    pixels = load_mnist().test.image(0) * 255
    np.testing.assert_allclose(pixels, np.round(pixels), atol=1e-4)
    assert pixels.max() > 200
    image = np.zeros((400, 28, 28, 1), np.float32)
    image[:, 9:19, 9:19] = 1
    scaled = augmented(image, Augmentation(scale=0.1), np.random.default_rng(0))
    sides = np.sqrt(scaled.sum(axis=(1, 2, 3))) / 10
    assert 0.88 < sides.min() < 0.93 < 1.07 < sides.max() < 1.12


# --- digit map


@claims("digit_map", "question", "digits whose numbers are alike lie close together")
@claims(
    "digit_map",
    "prose",
    "every fifth of MNIST's 10,000 test images: numbers 0, 5, 10",
    "at right angles to it in which they vary most of the rest",
    "The network has not seen these digits in training",
)
def test_the_digit_map_is_of_test_digits_along_axes_at_right_angles():
    test = load_mnist().test
    shown = mapped_digits(test)
    assert len(test) == 10_000
    np.testing.assert_array_equal(shown.pixels, test.pixels[np.arange(0, 10_000, 5)])
    for path in MAPS.glob("*.safetensors"):
        found = DigitMap.load(path.stem)
        np.testing.assert_allclose(found.axes.T @ found.axes, np.eye(3), atol=1e-5)
        assert list(found.shares) == sorted(found.shares, reverse=True)
        # The nearest neighbor on the map is of the same class more often than by chance.
        assert found.agreements[1] > 0.5


# --- every section has its decision

# What a section is called that only names something on the page.
LABELS = ("_alt", "_label", "_title")
# Sections that say nothing that can be computed: questions, invitations, messages, sources, and
# numbers that the reader chose.
NO_CLAIM = {
    "afterwards": "untested nothing damaged no_weights none absent machine machine_none same "
    "keras_file",
    "backpropagation": "question symbols nudge_ask step_same lesson_ask lesson_state step_story "
    "step_chosen step_before step_none step_after softmax_story",
    "convolution": "invitation whole who_you",
    "digit_map": "drawing compute misclassified_first",
    "draw": "question which canvas sample upload seen bars empty speck filled unread many_points "
    "no_misread sheet_sure sheet_unsure sheet_no_digit turn "
    "nothing_yet guess_first xray_no_ink xray_no_crop xray_no_widen xray_no_box xray_no_centre "
    "xray_without xray_with why why_read why_looking why_yours styles maps",
    "features": "question no_drawing no_picture answer labelled no_kernels all_kernels one_kernel "
    "dense_kernel then why why_care surgery cuts cuts_full no_test reading side curve "
    "unshifted space",
    "dream": "question bars curve going stopped flat",
    "fool": "question bars roll going stopped already flat",
    "home": "question Conv2D Conv2D_first answer says sure unsure no_digit misread tiles start way "
    "missing",
    "loss_surface": "question same outside",
    "lesson": "away hand_in results_without_questions links_have_no_such_control "
    "links_have_no_such_value",
    "lessons": "question resume",
    "models": "own missing instead",
    "morph": "question bars roll going stopped",
    "hand": "canvas_label borrow borrowed again",
    "padding": "question contents pytorch_same pytorch_source stride_figure",
    "network": "open ending_maps ending_number ending_scores so_far no_maps no_data_set no_formula "
    "formulas parameters no_parameters multiply_adds inseparable no_convolution",
    "paper": "question figures maps readings outlook errata source",
    "predict": "nothing rest",
    "pooling": "question why shown_inside shown_window shift_nothing shift_too_narrow right down",
    "summary": "*",
    "sweep": "intro cost unchanged none",
    "training": "planned no_network pens scale file unsaved further initial_missing expect "
    "expect_here expect_waits",
}
# Sections whose numbers are computed by the page and compared in the tests of what computes them.
ELSEWHERE = {
    "tests/app/test_admission.py": {"full": "*"},
    "tests/app/test_afterwards.py": {
        "afterwards": "confusion kept machine_curve compare",
        "training": "applied",
    },
    "tests/app/test_backpropagation_page.py": {
        "backpropagation": "nudge_result nudge_agrees nudge_differs step_better step_over "
        "softmax_worked step_loss step_loss_chosen step_rate step_bias step_diverged cost "
        "cost_lesson cost_softmax try_overshoot try_noise try_stride try_sure"
    },
    "tests/app/test_class_room.py": {"class_room": "*"},
    "tests/app/test_hand.py": {
        "hand": "change price misnamed shapeless doubted failed training empty"
    },
    "tests/app/test_convolution_page.py": {
        "convolution": "worked whole_result rectified layers try_edge try_blur try_relu try_digit"
    },
    "tests/app/test_draw_page.py": {"draw": "guess_was"},
    "tests/app/test_digit_map_page.py": {
        "digit_map": "left_out right wrong misclassified one_number no_variance"
    },
    "tests/app/test_teach_page.py": {"teach": "*"},
    "tests/app/test_glossary_page.py": {"glossary": "*", "glossary_page": "*"},
    "tests/app/test_features_page.py": {"features": "number strongest left_image below_full"},
    "tests/app/test_dream_page.py": {"dream": "step done answer"},
    "tests/app/test_morph_page.py": {"morph": "place turn turns never"},
    "tests/app/test_fool_page.py": {"fool": "step found not_found unchanged"},
    "tests/app/test_loss_surface_page.py": {"loss_surface": "state diverged"},
    "tests/app/test_lesson_panel.py": {"lesson": "results"},
    "tests/app/test_padding_page.py": {
        "padding": "sizes_differ numbers_agree stride_numbers multiply_adds try_three try_frame "
        "try_jump try_libraries"
    },
    "tests/app/test_network_page.py": {"network": "maps"},
    "tests/app/test_paper_page.py": {"paper": "seeds digits sampled"},
    "tests/app/test_pooling_page.py": {
        "pooling": "divisors shift_max shift_average shift_none cost try_digit try_shift "
        "try_overlap try_ties"
    },
    "tests/app/test_training_page.py": {
        "training": "shared recorded shipped trained changed expect_was curves latest "
        "initial_weights "
        "initial_other filters_new filters_now filters_learned"
    },
    "tests/unit/concepts/test_backpropagation.py": {
        "backpropagation": "agree agree_rounded step_best_seen step_best_none"
    },
    "tests/unit/concepts/test_equations.py": {"convolution": "symbols flip_unseen flip_different"},
    "tests/unit/concepts/test_loss_surface.py": {"loss_surface": "valley round flat limit prose"},
    "tests/unit/concepts/test_padding.py": {"padding": "numbers_differ"},
    "tests/unit/data/test_augmentation.py": {"training": "augmentation"},
    "tests/unit/digits/test_answer.py": {"draw": "agreed disagreed"},
    "tests/unit/digits/test_sheet.py": {"draw": "sheet_doubt sheet_turned sheet_many"},
    "tests/unit/digits/test_drawing.py": {
        "draw": "xray_ink xray_crop xray_widen xray_wide xray_box xray_centre"
    },
    "tests/unit/digits/test_photograph.py": {"draw": "several"},
    "tests/unit/digits/test_own_hand.py": {"hand": "intro"},
    "tests/unit/explain/test_attribution.py": {"features": "saliency grad_cam occlusion"},
    "tests/unit/explain/test_changes.py": {"features": "shifted"},
    "tests/unit/explain/test_dream.py": {"dream": "prose"},
    "tests/unit/explain/test_morph.py": {"morph": "prose"},
    "tests/unit/explain/test_fool.py": {"fool": "prose"},
    "tests/unit/explain/test_erasure.py": {
        "draw": "why_covered why_covered_nothing why_erasure why_other_erasure why_no_erasure"
    },
    "tests/unit/digits/test_reliability.py": {"draw": "reliability reliability_missing"},
    "tests/unit/explain/test_pen_style.py": {"pen_style": "*"},
    "tests/unit/explain/test_nearest.py": {"draw": "why_distance why_nearest why_nearer"},
    "tests/unit/explain/test_unit.py": {"features": "handed_on"},
    "tests/unit/runs/test_comparison.py": {"afterwards": "gap"},
    "tests/unit/runs/test_doctor.py": {
        "doctor": "loss_has_risen thrown_back_to_guessing stands_still,_rate_low "
        "stands_still,_rate_high falls_slowly validation_loss_rises gap jumpy still_improving "
        "better_in_validation tiny_batches poor_after_an_epoch no_better_than_guessing"
    },
    "tests/unit/runs/test_sweep_runner.py": {"sweep": "best against"},
    "tests/unit/teaching/test_questions.py": {"questions": "*", "misconceptions": "*"},
    "tests/unit/training/test_loop.py": {"training": "settings"},
}


def decided(sections):
    """Places of a chapter -> sections mapping; an underscore may stand for a space, * for all."""
    for chapter, names in sections.items():
        known = {re.sub(" ", "_", name): name for name in _sections(chapter) if name}
        for name in known if names == "*" else names.split():
            assert name in known, f"there is no section {chapter}#{name}"
            yield chapter, known[name]


def test_every_section_is_computed_or_says_nothing_that_can_be():
    """Whoever adds a section enters its claims above, or puts it into one of the two lists."""
    places = [place for place in TABLE if place[0] not in (KERNEL, CODE)]
    places += decided(NO_CLAIM)
    for file, sections in ELSEWHERE.items():
        assert (ROOT / file).is_file()
        places += decided(sections)
    assert len(places) == len(set(places)), "a section is in two places"
    chapters = (ROOT / "cnn_lab/content/en").glob("*.md")
    every = {
        (file.stem, name)
        for file in chapters
        for name in _sections(file.stem)
        if name and not name.endswith(LABELS)
    }
    missing = sorted(every - set(places))
    assert not missing, f"compute what these claim, or enter them in NO_CLAIM: {missing}"


def test_every_kernel_has_its_claims_computed():
    assert {name for chapter, name in TABLE if chapter == KERNEL} == set(KERNELS)
