"""Surgery in words and weights, and what follows a shift."""

import numpy as np
import pytest

from cnn_lab.data.kernels import KERNELS
from cnn_lab.data.mnist import load_mnist
from cnn_lab.explain.attribution import occlusion
from cnn_lab.explain.changes import following
from cnn_lab.explain.receptive_field import over_image, seen_by
from cnn_lab.explain.surgery import (
    MAX_CUTS,
    Cut,
    accuracy,
    fitting_cuts,
    fitting_kernels,
    operate,
    read_cuts,
    silenced,
    swapped,
    write_cuts,
)
from cnn_lab.network import Network, zoo
from cnn_lab.ops import ShapeError
from cnn_lab.training import keras_engine
from tests.unit.network.random_networks import COLOUR, GREY, random_images, random_network

PAPER = Network.load("paper")
DIGIT = load_mnist().test.image(0)


def test_cuts_survive_the_address():
    cuts = (Cut("conv1", 3), Cut("conv2", 127, "sobel_rows"))
    assert read_cuts(write_cuts(cuts)) == cuts
    assert read_cuts("") == ()
    assert read_cuts("conv1.-1,conv1,.,conv1.1.1.1,conv1.٣") == ()
    assert len(read_cuts(",".join(["conv1.1"] * 100))) == MAX_CUTS


def test_only_cuts_that_fit_are_made():
    wanted = (Cut("conv1", 99), Cut("unknown", 0), Cut("conv1", 2), Cut("softmax", 0, "box"))
    assert fitting_cuts(PAPER, wanted) == (Cut("conv1", 2),)


def test_a_silent_map_is_silent_and_a_swapped_one_another():
    cut = operate(PAPER, [Cut("conv1", 2), Cut("conv1", 4, "box")])
    before, after = (one.activations(DIGIT[None])["conv1"][0] for one in (PAPER, cut))
    assert not after[..., 2].any()
    assert np.abs(after[..., 4] - before[..., 4]).max() > 0.1
    untouched = [c for c in range(16) if c not in (2, 4)]
    np.testing.assert_array_equal(after[..., untouched], before[..., untouched])


def test_convolutions_follow_a_shift_and_answers_stay():
    rows = {row.layer: row for row in following(PAPER, DIGIT, (0, 2))}
    changing = [one for one in PAPER.spec.layers if one.type not in ("Dropout", "Flatten")]
    assert list(rows) == [layer.name for layer in changing]
    assert rows["conv1"].astray == pytest.approx(0, abs=1e-5)
    assert rows["conv1"].change > 0.5
    assert rows["dense1"].astray is None
    assert rows["softmax"].change < 0.05
    for row in following(PAPER, DIGIT, (0, 0)):
        assert row.change == 0


def test_each_pixel_gets_the_value_of_the_unit_that_looks_at_it():
    spec = zoo.paper().network
    units = np.arange(25.0).reshape(5, 5)
    spread = over_image(spec, "pool2", units)
    assert spread.shape == (28, 28)
    for row, column in [(0, 0), (2, 2), (4, 1)]:
        patch = seen_by(spec, "pool2", row, column)
        middle = patch.first_row + patch.rows // 2, patch.first_column + patch.columns // 2
        assert spread[middle] == units[row, column]


def test_what_covering_costs_lies_where_the_square_was():
    found = occlusion(PAPER, DIGIT, 7)
    spread = found.lost_at_pixels((28, 28))
    assert spread.shape == (28, 28)
    for row, column in [(0, 0), (5, 7), (13, 13)]:
        expected = found.before - found.probabilities[row, column]
        assert spread[row * found.step, column * found.step] == expected


def test_silence_is_keras_with_zeros() -> None:
    network, images = Network.load("paper"), load_mnist().test.images[:8]
    model = keras_engine.to_keras(network)
    layer = model.get_layer("conv2")
    kernel, bias = layer.get_weights()
    kernel[..., [3, 90]], bias[[3, 90]] = 0, 0
    layer.set_weights([kernel, bias])
    quiet = silenced(network, "conv2", [3, 90])
    np.testing.assert_allclose(quiet.predict(images), model(images), atol=1e-5)
    assert np.abs(quiet.scores(images) - network.scores(images)).max() > 1e-3


@pytest.mark.parametrize(
    ("network_spec", "layer", "stays_silent"),
    [
        (COLOUR, "conv", ["conv", "norm"]),
        (COLOUR, "norm", ["conv", "norm"]),  # the same filters, by another name
        (COLOUR, "separable", ["separable"]),
        (GREY, "conv", ["conv"]),
        (GREY, "largest", ["depthwise", "leaky", "norm", "largest"]),
        (GREY, "relu", ["plain", "relu", "mean", "dropout"]),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_silent_maps_stay_silent_and_the_others_as_they_were(
    network_spec, layer, stays_silent
) -> None:
    network, images = random_network(network_spec), random_images(network_spec, 3)
    before = network.activations(images)
    quiet = silenced(network, layer, [1, 5])
    after = quiet.activations(images)
    for name in stays_silent:
        assert not after[name][..., [1, 5]].any(), name
        assert before[name][..., [1, 5]].any(), name
        rest = np.delete(np.arange(before[name].shape[-1]), [1, 5])
        np.testing.assert_array_equal(after[name][..., rest], before[name][..., rest])
    assert np.abs(quiet.scores(images) - network.scores(images)).max() > 1e-4
    np.testing.assert_array_equal(network.activations(images)[layer], before[layer])


def test_a_unit_of_a_dense_layer_and_none_at_all_can_be_silenced() -> None:
    network, images = random_network(GREY), random_images(GREY, 2)
    assert (silenced(network, "dense", [4]).activations(images)["dense"][:, 4] == 0.5).all()
    np.testing.assert_array_equal(
        silenced(network, "dense", []).predict(images), network.predict(images)
    )


def test_sobel_in_place_of_a_filter() -> None:
    """Every channel read alike, as long as before, every other filter as it was."""
    network = Network.load("fast")
    new = swapped(network, "relu1", 3, "sobel_columns").weights["conv1/kernel"]
    old = network.weights["conv1/kernel"]
    sobel = KERNELS["sobel_columns"].values(5, 5)
    scale = np.linalg.norm(old[..., 3]) / np.linalg.norm(sobel)
    np.testing.assert_allclose(new[:, :, 0, 3], sobel * scale, rtol=1e-5)
    np.testing.assert_array_equal(np.delete(new, 3, -1), np.delete(old, 3, -1))
    assert all(
        np.array_equal(values, network.weights[name]) == (name != "conv1/kernel")
        for name, values in swapped(network, "conv1", 3, "sobel_columns").weights.items()
    )


def test_a_kernel_reads_every_channel_alike() -> None:
    network = random_network(COLOUR)
    old, new = (
        one.weights["conv/kernel"][..., 2]
        for one in (network, swapped(network, "conv", 2, np.array([[-1.0, 2.0]])))
    )
    assert np.linalg.norm(new) == pytest.approx(np.linalg.norm(old), rel=1e-5)
    one = np.zeros((3, 3, 3))
    one[1, 0], one[1, 1] = -1, 2
    np.testing.assert_allclose(new, one * np.linalg.norm(old) / np.linalg.norm(one), atol=1e-6)


def test_a_depthwise_filter_is_swapped_alone() -> None:
    network = random_network(GREY)  # 6 channels of 2 filters each: the eighth is [3, 1]
    images = random_images(GREY, 2)
    changed = swapped(network, "depthwise", 7, "box").activations(images)["depthwise"]
    before = network.activations(images)["depthwise"]
    np.testing.assert_array_equal(np.delete(changed, 7, -1), np.delete(before, 7, -1))
    kernel = swapped(network, "depthwise", 7, "box").weights["depthwise/kernel"][:, :, 3, 1]
    assert np.ptp(kernel) < 1e-6 < kernel.min()


def test_what_is_left_of_a_kernel_in_less_room() -> None:
    """Of a Sobel kernel in 2 x 2 the plain difference is left, of a Laplacian nothing."""
    paper = Network.load("paper")
    edge = swapped(paper, "conv1", 0, "sobel_rows").weights["conv1/kernel"][:, :, 0, 0]
    np.testing.assert_allclose(edge / edge[1, 0], [[-1, -1], [1, 1]], rtol=1e-6)
    small = fitting_kernels(paper.spec, "pool1")
    assert {"sobel_rows", "sobel_columns", "prewitt_columns", "box", "identity"} <= set(small)
    assert not {"laplacian", "sharpen"} & set(small)
    assert fitting_kernels(paper.spec, "conv2") == list(KERNELS)
    with pytest.raises(ValueError, match=r"into 2 x 2 cells.*Received: kernel_2d='laplacian'"):
        swapped(paper, "conv1", 0, "laplacian")


def test_accuracy_counts_and_tells_how_far_it_is() -> None:
    network, test = Network.load("fast"), load_mnist().test
    images, labels = test.images[:600], test.labels[:600].copy()
    told: list[float] = []
    right = network.predict(images).argmax(axis=1) == labels
    assert accuracy(network, images, labels, told.append) == right.mean()
    assert told == [250 / 600, 500 / 600, 1]
    labels[:60] = (network.predict(images[:60]).argmax(axis=1) + 1) % 10
    assert accuracy(network, images, labels) == right[60:].sum() / 600


def test_what_does_not_fit_is_refused() -> None:
    network = random_network(COLOUR)
    with pytest.raises(ValueError, match=r"from 0 to 7. Received: \[8\]"):
        silenced(network, "conv", [8])
    with pytest.raises(ValueError, match=r"from 0 to 7. Received: \[-1\]"):
        swapped(network, "conv", -1, "box")
    with pytest.raises(ValueError, match=r"one of sobel_columns.*'scharr'"):
        swapped(network, "conv", 0, "scharr")
    with pytest.raises(ValueError, match="finite numbers"):
        swapped(network, "conv", 0, np.array([[np.nan]]))
    with pytest.raises(ValueError, match=r"kernels to swap.*'separable'"):
        swapped(network, "separable", 0, "box")
    with pytest.raises(ValueError, match=r"kernels to swap.*'dense'"):
        swapped(network, "dense", 0, "box")
    with pytest.raises(ValueError, match=r"separately.*'softmax'"):
        silenced(network, "softmax", [0])
    with pytest.raises(ShapeError, match="a label for each"):
        accuracy(network, random_images(COLOUR, 2), np.zeros(3, np.int64))
