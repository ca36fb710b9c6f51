"""Images moved, turned, sized, blurred and lit; and what networks make of them."""

import numpy as np
import pytest
from scipy import ndimage

from cnn_lab.data.mnist import load_mnist
from cnn_lab.explain.changes import (
    CHANGES,
    answer_curve,
    changed,
    equivariance,
    following,
    staying,
)
from cnn_lab.network import Network, spec
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.ops import ShapeError
from tests.unit.network.random_networks import COLOUR, random_images, random_network


def pictures(height: int = 8, width: int = 8, channels: int = 2) -> np.ndarray:
    shape = (3, height, width, channels)
    return np.random.default_rng(5).uniform(size=shape).astype(np.float32)


def test_with_nothing_to_do_nothing_is_done() -> None:
    images = 7 * pictures(6, 9) - 3
    result = changed(images)
    np.testing.assert_array_equal(result, images)
    assert result.dtype == np.float32
    result[:] = 0
    assert images.any()


@pytest.mark.parametrize("shift", [(2, -3), (-1, 0), (0, 20), (-8, 1)])
def test_whole_shifts_are_exact(shift: tuple[int, int]) -> None:
    images = pictures(6, 9)
    wanted = np.zeros_like(images)
    for row, column in np.ndindex(6, 9):
        source = row - shift[0], column - shift[1]
        if 0 <= source[0] < 6 and 0 <= source[1] < 9:
            wanted[:, row, column] = images[:, source[0], source[1]]
    np.testing.assert_array_equal(changed(images, shift=shift), wanted)


@pytest.mark.parametrize("size", [8, 7])
@pytest.mark.parametrize("quarters", [1, 2, 3, -1, 5])
def test_quarter_turns_are_exact(size: int, quarters: int) -> None:
    images = pictures(size, size)
    turned = changed(images, turn_deg=90 * quarters)
    np.testing.assert_array_equal(turned, np.rot90(images, quarters, axes=(1, 2)))


def test_all_together_is_scipy_s_affine_map() -> None:
    """A result's pixel is moved back, turned back and sized back about the middle."""
    images = pictures(11, 9)
    cos, sin = np.cos(np.radians(25)), np.sin(np.radians(25))
    matrix, middle = np.array([[cos, sin], [-sin, cos]]) / 1.4, np.array([5, 4])
    back = middle - matrix @ np.add(middle, (1.5, -0.5))
    # Framed by zeros: SciPy cuts off where the picture ends, while ours fades out.
    wanted = ndimage.affine_transform(
        np.pad(images[0, ..., 0], 1), matrix, back + 1, order=1, output_shape=(11, 9)
    )
    ours = changed(images, shift=(1.5, -0.5), turn_deg=25, scale=1.4)
    np.testing.assert_allclose(ours[0, ..., 0], wanted, atol=1e-5)


@pytest.mark.parametrize("blur_px", [0.7, 2.0])
def test_blur_is_a_bell(blur_px: float) -> None:
    images = pictures(9, 12)
    ours = changed(images, blur_px=blur_px)
    wanted = ndimage.gaussian_filter(
        images.astype(float), (0, blur_px, blur_px, 0), mode="constant", truncate=8
    )
    np.testing.assert_allclose(ours, wanted, atol=1e-5)
    np.testing.assert_allclose(changed(images, blur_px=1e-9), images, rtol=1e-6)


def test_light_is_a_factor_with_an_end() -> None:
    images = pictures()
    np.testing.assert_allclose(changed(images, light=0.25), images / 4, rtol=1e-6)
    np.testing.assert_array_equal(changed(images, light=3), np.minimum(images * 3, 1))
    assert not changed(images, light=0).any()


def test_a_curve_is_an_answer_at_each_value() -> None:
    network, image = Network.load("fast"), load_mnist().test.image(0)
    values = {
        "shift": [(0, 0), (0, 6), (-4, 2)],
        "turn_deg": [0, 90],
        "scale": [0.5, 1],
        "light": [1, 0.2],
        "blur_px": [0, 1.5, 3],
    }
    assert list(values) == list(CHANGES)
    for change, steps in values.items():
        curve = answer_curve(network, image, change, steps)
        assert curve.shape == (len(steps), 10)
        for answer, value in zip(curve, steps, strict=True):
            alone = network.predict(changed(image[np.newaxis], **{change: value}))[0]
            np.testing.assert_allclose(answer, alone, atol=1e-5)
        assert np.abs(np.diff(curve, axis=0)).max() > 1e-3, change
    assert answer_curve(network, image, "light", []).shape == (0, 10)


def test_maps_follow_the_image_where_no_border_is_met() -> None:
    network, image = Network.load("paper"), load_mnist().test.image(0)
    assert equivariance(network, image, "conv1", (1, -2)) < 1e-6
    assert equivariance(network, image, "conv3", (-2, -2)) < 1e-5  # one unit behind the pooling
    assert equivariance(network, image, "conv3", (-1, -1)) > 0.1  # half a unit
    assert equivariance(network, image, "conv1", (2, 0)) > 0.1  # the seven loses its foot
    assert equivariance(network, image, "conv3", (0, 0)) == 0
    assert equivariance(network, image, "conv1", (40, 0)) == 0


@pytest.mark.parametrize("shift", [(9, 0), (-7, 4), (0, -12), (40, 0)])
def test_a_layer_without_strides_follows_all_that_stays_in_the_image(
    shift: tuple[int, int],
) -> None:
    """M17: only what leaves it differs, which is told apart."""
    network, image = Network.load("paper"), load_mnist().test.image(0)
    kept = staying(image, shift)
    moved, moved_kept = (changed(one[np.newaxis], shift=shift)[0] for one in (image, kept))
    np.testing.assert_array_equal(moved, moved_kept)
    assert kept.sum() == pytest.approx(moved.sum(), rel=1e-6)
    rows = {row.layer: row.astray for row in following(network, image, shift)}
    assert rows["conv1"] == pytest.approx(0, abs=1e-6)
    if shift == (9, 0):
        assert equivariance(network, image, "conv1", shift) > 0.1
    if shift[0] == -7:
        assert rows["conv3"] > 0.1  # half a unit behind the pooling


def test_the_difference_is_that_of_a_loop() -> None:
    """At a stride of 2 and a shift of 3 pixels, each map lies between two of its neighbours."""
    network, image = random_network(COLOUR), random_images(COLOUR, 1)[0]
    moved = changed(image[np.newaxis], shift=(0, 3))
    before, after = (
        network.activations(images)["conv"][0] for images in (image[np.newaxis], moved)
    )
    wanted = (before[:, :-2] + before[:, 1:-1]) / 2
    lengths = [np.linalg.norm(maps) for maps in (after[:, 2:] - wanted, after[:, 2:], wanted)]
    found = equivariance(network, image, "conv", (0, 3))
    assert found == pytest.approx(lengths[0] / max(lengths[1:]), rel=1e-4)
    assert 0.05 < found < 2


def test_an_empty_picture_does_not_differ() -> None:
    blind = NetworkSpec(
        name="blind",
        input_shape=(5, 5, 1),
        layers=(spec.Conv2D(name="conv", filters=1, kernel_size=(2, 2), use_bias=False),),
    )
    nothing = np.zeros((5, 5, 1), np.float32)
    assert equivariance(random_network(blind), nothing, "conv", (1, 0)) == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"scale": 0}, r"`scale` must be from 0.125 to 8. Received: scale=0"),
        ({"scale": float("nan")}, "scale=nan"),
        ({"light": -1}, "`light` must be from 0"),
        ({"light": float("inf")}, "light=inf"),
        ({"blur_px": 21}, "from 0 to 20. Received: blur_px=21"),
        ({"turn_deg": float("inf")}, "all finite.*turn_deg=inf"),
        ({"shift": (1, 2, 3)}, "two numbers"),
    ],
)
def test_numbers_out_of_range_are_refused(change: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        changed(pictures(), **change)


def test_what_does_not_fit_is_refused() -> None:
    network, image = random_network(COLOUR), random_images(COLOUR, 1)[0]
    with pytest.raises(ShapeError, match=r"\(n, height, width, channels\)"):
        changed(image)
    with pytest.raises(ValueError, match=r"one of shift, .*Received: 'tilt'"):
        answer_curve(network, image, "tilt", [0])
    with pytest.raises(ShapeError, match="must output maps"):
        equivariance(network, image, "dense", (1, 1))
