"""Questions on sizes, convolution, pooling and parameters against Keras, and about any settings."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from cnn_lab.teaching import QUESTIONS
from cnn_lab.teaching.questions.case import misconception_title
from tests.prose import wording

CASES = [(seed, level) for seed in range(15) for level in ("example", "alone")]


def made(name):
    return [QUESTIONS[name].make(seed=seed, level=level) for seed, level in CASES]


def test_keras_names_the_same_output_size():
    for case in made("conv-output-size"):
        if case.settings["dilation_rate"] != (1, 1):
            continue  # Keras refuses a stride and a dilation at once
        padding = case.settings["padding"]
        size = case.settings["input_size"]
        if not isinstance(padding, str):
            size = tuple(n + sum(border) for n, border in zip(size, padding, strict=True))
            padding = "valid"
        layer = keras.layers.Conv2D(
            1,
            case.settings["kernel_size"],
            strides=case.settings["strides"],
            padding=padding,
        )
        shape = layer.compute_output_shape((1, *size, 1))
        assert case.key == shape[1:3]


def test_same_padding_is_what_makes_valid_agree_with_same_in_keras():
    numbers = np.random.default_rng(0)
    for case in made("same-padding"):
        image = numbers.normal(size=(1, *case.settings["input_size"], 1))
        kernel = numbers.normal(size=(*case.settings["kernel_size"], 1, 1))
        strides = case.settings["strides"]
        padded = np.pad(image, ((0, 0), *case.key, (0, 0)))
        np.testing.assert_allclose(
            keras.ops.conv(padded, kernel, strides, padding="valid"),
            keras.ops.conv(image, kernel, strides, padding="same"),
            rtol=1e-5,
            atol=1e-6,
        )


@pytest.mark.parametrize("padding", ["full", 2, ((0, 3), (1, 2))])
def test_a_page_may_ask_for_the_size_with_any_padding(padding):
    case = QUESTIONS["conv-output-size"].about(
        {
            "input_size": (28, 28),
            "kernel_size": (5, 3),
            "strides": (2, 3),
            "padding": padding,
            "dilation_rate": (2, 1),
        }
    )
    assert case.check(case.lines[-1].value).right
    assert len(case.ask) < 300


def test_a_transposed_convolution_has_the_size_that_keras_gives_it():
    for case in made("transposed-output-size"):
        layer = keras.layers.Conv2DTranspose(
            1, case.settings["kernel_size"], strides=case.settings["strides"]
        )
        shape = layer.compute_output_shape((1, *case.settings["input_size"], 1))
        assert case.key == tuple(shape[1:3])


def convolved(settings):
    """Return the output as Keras computes it, shape (rows, columns)."""
    image, padding = settings["input"][np.newaxis].astype(np.float32), settings["padding"]
    if not isinstance(padding, str):
        image, padding = np.pad(image, ((0, 0), *padding, (0, 0))), "valid"
    kernel = settings["kernel"].astype(np.float32)
    if settings.get("flip_kernel"):
        kernel = np.rot90(kernel, 2)
    output = keras.ops.conv(image, kernel, settings["strides"], padding=padding)
    return np.asarray(output)[0, ..., 0] + settings["bias"]


@pytest.mark.parametrize("name", ["conv-cell", "true-convolution-cell"])
def test_a_cell_is_that_of_keras_and_whole(name):
    for case in made(name):
        row, column = case.settings["row"], case.settings["column"]
        assert_allclose(case.key, convolved(case.settings)[row, column], atol=1e-5)
        assert case.key == round(case.key)
        assert case.settings["kernel"].size <= 9


@pytest.mark.parametrize("channels", [1, 3, 16])
def test_a_page_may_ask_about_any_image_and_kernel(channels):
    numbers = np.random.default_rng(channels)
    case = QUESTIONS["conv-cell"].about(
        {
            "input": numbers.random((28, 28, channels), np.float32),
            "kernel": numbers.normal(size=(5, 5, channels, 1)),
            "bias": np.array([0.125]),
            "strides": (2, 1),
            "padding": "same",
            "row": 13,
            "column": 27,
        }
    )
    expected = convolved(case.settings)[13, 27]
    assert case.check(f"{expected:.2f}").right
    assert case.check(case.lines[-1].value).right
    assert len(case.ask) < 300
    assert len(case.lines) < 10
    assert max(len(line.text) for line in case.lines) < 200


def test_a_true_convolution_differs_from_what_keras_computes():
    for case in made("true-convolution-cell"):
        assert "kernel-not-flipped" in case.misconceptions


def test_a_whole_output_is_that_of_keras():
    for case in made("conv-output"):
        assert_allclose(case.key, convolved(case.settings), atol=1e-5)


def test_a_window_reads_the_cells_that_change_what_keras_computes():
    for case in made("window-cells"):
        settings = case.settings
        size, row, column = settings["input_size"], settings["row"], settings["column"]
        # Each pixel alone in an image of its own: the cell is not 0 where it reads that pixel.
        pixels = np.eye(size[0] * size[1], dtype=np.float32).reshape(-1, *size, 1)
        padding = settings["padding"]
        if not isinstance(padding, str):
            pixels, padding = np.pad(pixels, ((0, 0), *padding, (0, 0))), "valid"
        outputs = keras.ops.conv(
            pixels,
            np.ones((*settings["kernel_size"], 1, 1), np.float32),
            (1, 1) if padding == "valid" else settings["strides"],
            padding=padding,
            dilation_rate=settings["dilation_rate"],
        )
        if padding == "valid":  # Keras refuses a stride and a dilation at once
            row, column = row * settings["strides"][0], column * settings["strides"][1]
        read = np.asarray(outputs)[:, row, column, 0].reshape(size)
        assert sorted(case.key) == [tuple(place) for place in np.argwhere(read).tolist()]


def test_relu_leaves_what_is_above_zero_with_the_bias():
    for case in made("bias-and-relu"):
        sums = case.settings["input"] + case.settings["bias"]
        assert_allclose(case.key, keras.ops.relu(sums))
        assert {"bias-after-relu", "relu-left-out"} <= set(case.misconceptions)


def test_a_flip_is_explained_at_a_cell_where_it_shows():
    for name in ("conv-cell", "conv-output", "true-convolution-cell"):
        wrong = "kernel-not-flipped" if name == "true-convolution-cell" else "kernel-flipped"
        words = wording("misconceptions", wrong)
        for case in made(name):
            if wrong in case.misconceptions:
                title = misconception_title(wrong)
                explanation = case.check(case.misconceptions[wrong]).explanation
                used, *_, right = words.fullmatch(f"{title}\n\n{explanation}").groups()
                assert used != right


def test_a_window_in_the_padding_alone_is_no_question():
    question = QUESTIONS["window-cells"]
    settings = question.make(seed=0).settings | {"padding": "full", "row": 0, "column": 0}
    assert question.about(settings).key == ((0, 0),)
    with pytest.raises(ValueError, match="Received"):
        question.about(settings | {"padding": 9})


def pooled(pool, settings, fill=0.0):
    """Return the map as Keras pools it, shape (rows, columns)."""
    image, padding = settings["input"][np.newaxis, ..., np.newaxis], settings["padding"]
    image = image.astype(np.float32)
    if not isinstance(padding, str):
        pad = ((0, 0), *padding, (0, 0))
        image, padding = np.pad(image, pad, constant_values=fill), "valid"
    output = pool(image, settings["pool_size"], settings["strides"], padding=padding)
    return np.asarray(output)[0, ..., 0]


def cell(case, output):
    return output[case.settings["row"], case.settings["column"]]


def test_the_largest_cell_is_that_of_keras():
    for case in made("max-pool-cell"):
        assert case.key == cell(case, pooled(keras.ops.max_pool, case.settings, -np.inf))


def test_a_mean_is_that_of_keras_and_has_two_decimals_at_most():
    for case in made("average-pool-cell"):
        whole = pooled(keras.ops.average_pool, case.settings)
        ones = case.settings | {"input": np.ones_like(case.settings["input"])}
        expected = whole / pooled(keras.ops.average_pool, ones)
        assert_allclose(case.key, cell(case, expected), atol=1e-5)
        assert case.key == round(case.key, 2)
        assert case.tolerance < 1e-6


def test_a_mean_that_counts_the_padding_is_that_of_the_padded_map():
    for case in made("average-pool-whole-window"):
        expected = cell(case, pooled(keras.ops.average_pool, case.settings))
        assert_allclose(case.key, expected, atol=1e-5)
        assert case.key == round(case.key, 2)


@pytest.mark.parametrize("name", ["max-pool-cell", "average-pool-cell"])
def test_padding_shows_in_a_wrong_answer_of_its_own(name):
    own = {
        "max-pool-cell": "padding-counts-as-zero",
        "average-pool-cell": "divided-by-whole-window",
    }
    padded = [case for case in made(name) if case.settings["padding"] != "valid"]
    assert np.mean([own[name] in case.misconceptions for case in padded]) > 0.5


@pytest.mark.parametrize("kind", [np.float32, np.uint8])
@pytest.mark.parametrize("name", ["max-pool-cell", "average-pool-cell"])
def test_a_page_may_ask_about_any_map_and_window(name, kind):
    values = (255 * np.random.default_rng(0).random((28, 28))).astype(kind)
    case = QUESTIONS[name].about(
        {
            "input": values,
            "pool_size": (5, 4),
            "strides": (3, 2),
            "padding": "same",
            "row": 9,
            "column": 13,
        }
    )
    pool = keras.ops.max_pool if name == "max-pool-cell" else keras.ops.average_pool
    assert case.check(f"{cell(case, pooled(pool, case.settings)):.2f}").right
    assert case.check(case.lines[-1].value).right
    assert len(case.ask) < 300
    assert max(len(line.text) for line in case.lines) < 200


def test_the_winner_is_the_one_cell_of_the_window_that_keras_returns():
    for case in made("max-pool-winner"):
        (place,) = case.key
        assert case.settings["input"][place] == cell(
            case, pooled(keras.ops.max_pool, case.settings)
        )


def counted(layers, shape):
    """Return the parameters of Keras layers after an input of this shape."""
    return keras.Sequential([keras.Input(shape), *layers]).count_params()


def keras_convolution(settings, kind=keras.layers.Conv2D):
    return kind(
        settings["filters"],
        settings["kernel_size"],
        use_bias=settings["use_bias"],
    )


def test_a_convolution_has_as_many_parameters_as_in_keras():
    for case in made("conv-parameters"):
        layers = [keras_convolution(case.settings)]
        assert case.key == counted(layers, (9, 9, case.settings["channels_in"]))


def test_pooling_adds_no_parameters_in_keras_either():
    for case in made("conv-pool-parameters"):
        layers = [
            keras_convolution(case.settings),
            keras.layers.MaxPooling2D(case.settings["pool_size"]),
        ]
        assert case.key == counted(layers, (9, 9, case.settings["channels_in"]))


def test_a_separable_convolution_has_as_many_parameters_as_in_keras():
    for case in made("separable-parameters"):
        layers = [keras_convolution(case.settings, keras.layers.SeparableConv2D)]
        assert case.key == counted(layers, (9, 9, case.settings["channels_in"]))


def test_a_dense_layer_has_as_many_parameters_as_in_keras():
    for case in made("dense-parameters"):
        dense = keras.layers.Dense(case.settings["units"], use_bias=case.settings["use_bias"])
        layers = [keras.layers.Flatten(), dense]
        assert case.key == counted(layers, case.settings["input_shape"])


def test_the_size_of_the_output_is_no_part_of_the_parameters():
    for case in made("conv-parameters"):
        assert "parameters-per-pixel" in case.misconceptions
        elsewhere = case.settings | {"output_size": (100, 100)}
        assert QUESTIONS["conv-parameters"].about(elsewhere).key == case.key
