"""The charts of learning, by their data: what is drawn where, and legibly."""

import math

import numpy as np
import pytest

from cnn_lab.charts.backpropagation import (
    BEST,
    CHOSEN,
    GRADIENT,
    HERE,
    MIN_LOSS,
    PROBABILITY,
    START,
    activation_table,
    bars_spec,
    error_spec,
    kernels_spec,
    kernels_table,
    lesson_spec,
    lesson_table,
    line_table,
    softmax_table,
)
from cnn_lab.concepts.backpropagation.descent import learn_kernel, line_of_steps
from cnn_lab.concepts.backpropagation.layer import ACTIVATIONS, Parameters, SmallLayer, SquaredError
from cnn_lab.concepts.backpropagation.softmax import softmax_cross_entropy
from cnn_lab.data.kernels import KERNELS

SOBEL = KERNELS["sobel_columns"].values()


def a_line(rate=0.1):
    layer = SmallLayer(np.array([[2.0]]), SquaredError(np.array([[6.0]])))
    return line_of_steps(layer, Parameters(np.array([[0.0]]), 0.0), rate)


def a_lesson(steps=300):
    return learn_kernel(np.random.default_rng(0).random((8, 8)), SOBEL, rate=0.5, steps=steps)


def relative_luminance(colour):
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_a_line_has_its_curve_and_its_named_points():
    line = a_line()
    table = line_table(line, 0.1).set_index("what")
    assert len(table.loc[""]) == len(line.rates)
    assert table.loc[START, "loss"] == 18
    assert table.loc[CHOSEN, "rate"] == 0.1
    assert table.loc[BEST, "rate"] == pytest.approx(0.2)
    assert table.loc[BEST, "loss"] == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("step", [0, 1, 150, 300])
def test_a_lessons_curve_is_parted_at_the_step(step):
    lesson = a_lesson()
    parts = dict(list(lesson_table(lesson, step).groupby("part")))
    assert parts["here"][["step", "loss"]].values.tolist() == [[step, lesson.losses[step]]]
    assert parts["done"]["step"].tolist()[-1] == step
    assert parts["ahead"]["step"].tolist()[0] == step
    assert parts["ahead"]["step"].max() == 300
    assert parts["done"]["step"].min() == 0
    assert sum(map(len, parts.values())) < 200


def test_a_loss_of_nothing_is_drawn_at_the_floor():
    lesson = learn_kernel(np.zeros((4, 4)), SOBEL, rate=0.5, steps=3)
    assert set(lesson_table(lesson, 1)["loss"]) == {MIN_LOSS}


def test_the_specification_stays_while_the_step_moves():
    assert lesson_spec(n_steps=300, height=200) == lesson_spec(n_steps=300, height=200)
    assert lesson_spec(n_steps=300, height=200)["encoding"]["x"]["scale"]["domain"] == [0, 300]


@pytest.mark.parametrize("tone", ["light", "dark"])
def test_kernels_lie_beside_each_other_and_their_numbers_can_be_read(tone):
    kernels = {"now": np.linspace(-2, 2, 9).reshape(3, 3), "goal": SOBEL}
    table = kernels_table(kernels, limit=2.0, tone=tone)
    names, cells = table[table["row"] < 0], table[table["row"] >= 0]
    assert names["text"].tolist() == ["now", "goal"]
    assert names["column"].tolist() == [1, 5]
    assert cells["column"].tolist() == [0, 1, 2] * 3 + [4, 5, 6] * 3
    assert cells["text"].tolist()[:3] == ["−2.00", "−1.50", "−1.00"]
    for paint, ink in zip(cells["paint"], cells["ink"], strict=True):
        low, high = sorted([relative_luminance(paint), relative_luminance(ink)])
        assert (high + 0.05) / (low + 0.05) >= 4.5
    assert kernels_spec(rows=3, columns=7)["encoding"]["x"]["scale"]["domain"] == [-0.5, 6.5]


def test_a_tiny_negative_weight_is_written_as_nothing():
    table = kernels_table({"now": np.array([[-0.001]])}, limit=1.0, tone="light")
    assert table["text"].tolist() == ["now", "0.00"]


def test_a_weight_that_has_run_away_still_fits_its_cell():
    table = kernels_table({"now": np.array([[-385.2]])}, limit=1.0, tone="light")
    assert table["text"].tolist() == ["now", "−385"]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_curve_reaches_as_far_as_the_layers_sums(name):
    table = activation_table(ACTIVATIONS[name], np.array([-7.0, 0.0, 5.0, 5.0, 90.0]))
    here, curve = table[table["part"] == HERE], table[table["part"] == "curve"]
    assert curve["z"].abs().max() == 12
    assert sorted(set(here["z"])) == [-7, 0, 5]
    assert here[here["what"] == "f(z)"]["value"].tolist() == pytest.approx(
        ACTIVATIONS[name].apply(np.array([-7.0, 0.0, 5.0])).tolist()
    )


def test_the_chosen_nudge_is_marked():
    marks = [layer["mark"] for layer in error_spec(epsilon=1e-3)["layer"]]
    rule = error_spec(epsilon=1e-3)["layer"][-1]
    assert marks[0]["type"] == "line"
    assert rule["mark"]["type"] == "rule"
    assert "0.001" in rule["transform"][0]["filter"]


def test_the_true_class_is_named_and_the_axis_holds_every_gradient():
    found = softmax_cross_entropy(np.array([1.0, 2.0]), 1, temperature=0.5)
    table = softmax_table(found)
    assert table["class"].tolist() == ["0", "1, true"]
    assert math.isclose(table[PROBABILITY].sum(), 1)
    assert table[GRADIENT].abs().max() <= 2
    assert bars_spec(GRADIENT, n_classes=2, limit=2.0)["encoding"]["x"]["scale"]["domain"] == [
        -2,
        2,
    ]
    assert bars_spec(PROBABILITY, n_classes=2, limit=1.0)["encoding"]["x"]["scale"]["domain"] == [
        0,
        1,
    ]
