"""Surgery in words and weights, and what follows a shift."""

import numpy as np
import pytest

from cnn_lab.data.mnist import load_mnist
from cnn_lab.explain import (
    MAX_CUTS,
    Cut,
    drop_over_image,
    fitting_cuts,
    following,
    occlusion,
    operate,
    over_image,
    read_cuts,
    seen_by,
    write_cuts,
)
from cnn_lab.network import Network, zoo

PAPER = Network.load("paper")
DIGIT = load_mnist().test.image(0)


def test_cuts_survive_the_address():
    cuts = (Cut("conv1", 3), Cut("conv2", 127, "sobel_rows"))
    assert read_cuts(write_cuts(cuts)) == cuts
    assert read_cuts("") == ()
    assert read_cuts("conv1.-1,conv1,.,conv1.1.1.1,conv1.٣") == ()
    assert len(read_cuts(",".join(["conv1.1"] * 100))) == MAX_CUTS


def test_only_cuts_that_fit_are_made():
    wanted = (Cut("conv1", 99), Cut("nobody", 0), Cut("conv1", 2), Cut("softmax", 0, "box"))
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
    spread = drop_over_image(found, (28, 28))
    assert spread.shape == (28, 28)
    for row, column in [(0, 0), (5, 7), (13, 13)]:
        expected = found.before - found.probabilities[row, column]
        assert spread[row * found.step, column * found.step] == expected
