"""The charts of learning, by their data: what is drawn where, and legibly."""

import re

import numpy as np
import pytest

from cnn_lab.charts.backpropagation import (
    BEST,
    CHOSEN,
    HERE,
    START,
    activation_table,
    error_spec,
    line_table,
    loss_svg,
)
from cnn_lab.charts.network import Look
from cnn_lab.concepts.backpropagation.descent import line_of_steps
from cnn_lab.concepts.backpropagation.layer import ACTIVATIONS, Parameters, SmallLayer, SquaredError


def a_line(rate=0.1):
    layer = SmallLayer(np.array([[2.0]]), SquaredError(np.array([[6.0]])))
    return line_of_steps(layer, Parameters(np.array([[0.0]]), 0.0), rate)


LOOK = Look()


def drawn(svg, kind):
    """The points of each polyline, or the centres of each circle."""
    if kind == "polyline":
        found = re.findall(r'points="([^"]*)"', svg)
        return [[tuple(map(float, at.split(","))) for at in one.split()] for one in found]
    return [tuple(map(float, at)) for at in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', svg)]


def test_a_line_has_its_curve_and_its_named_points():
    line = a_line()
    table = line_table(line, 0.1).set_index("what")
    assert len(table.loc[""]) == len(line.rates)
    assert table.loc[START, "loss"] == 18
    assert table.loc[CHOSEN, "rate"] == 0.1
    assert table.loc[BEST, "rate"] == pytest.approx(0.2)
    assert table.loc[BEST, "loss"] == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("step", [0, 1, 150, 300])
def test_a_curve_of_losses_is_parted_at_the_step(step):
    losses = 100 * 0.9 ** np.arange(301)
    svg = loss_svg(losses, step, LOOK, logarithmic=True)
    whole, done = drawn(svg, "polyline")
    assert len(whole) < 200
    assert done == whole[: len(done)]
    assert drawn(svg, "circle")[-1] == done[-1]
    assert [done[-1] == whole[0], done[-1] == whole[-1]] == [step == 0, step == 300]
    # On a logarithmic axis, losses that shrink by the same factor lie on a straight line.
    across, down = np.array(whole).T
    np.testing.assert_allclose(down, np.interp(across, across[[0, -1]], down[[0, -1]]), atol=0.2)


def test_a_falling_loss_falls_on_the_page_and_keeps_to_its_axis():
    svg = loss_svg(np.array([8.0, 4.0, 2.0]), 2, LOOK, n_axis=10)
    (whole, _), circles = drawn(svg, "polyline"), drawn(svg, "circle")
    (x0, y0), (x1, y1), (x2, y2) = whole
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.11)
    assert y1 - y0 == pytest.approx(2 * (y2 - y1), abs=0.2)
    assert circles == [*whole, whole[-1]]
    assert ">8</text>" in svg
    assert ">step 10</text>" in svg


@pytest.mark.parametrize("losses", [[0.0], [0.0, 0.0], [5.0, 5.0], [-3.0, -1e9]])
@pytest.mark.parametrize("logarithmic", [True, False])
def test_losses_that_do_not_span_an_axis_are_drawn(losses, logarithmic):
    svg = loss_svg(np.array(losses), len(losses) - 1, LOOK, logarithmic=logarithmic)
    assert not re.search(r"nan|inf", svg)


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
