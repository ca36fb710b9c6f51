import numpy as np
import plotly.graph_objects as go
import pytest

from cnn_lab.charts.loss_surface import Ground, contour_figure, surface_figure
from cnn_lab.concepts.backpropagation.surface import LossSurface
from cnn_lab.data.kernels import KERNELS

GOAL = KERNELS["sobel_columns"].values(3, 3)
SURFACE = LossSurface(np.random.default_rng(0).random((9, 9)), GOAL, GOAL, ((1, 1), (1, 2)))
START = SURFACE.minimum + np.array([-0.5, 2.0])
GROUND = Ground.of(SURFACE, START)
NAMES = ("w(1, 1)", "w(1, 2)")


def figures(descent, step):
    settings = {"step": step, "names": NAMES, "tone": "dark"}
    return (
        surface_figure(SURFACE, GROUND, descent, turn=30.0, **settings),
        contour_figure(SURFACE, GROUND, descent, **settings),
    )


def test_the_ground_has_the_minimum_in_its_middle_and_the_start_on_it() -> None:
    assert GROUND.losses.argmin() == GROUND.losses.size // 2
    assert GROUND.inside(np.array([START, SURFACE.minimum, START + 9])).tolist() == [1, 1, 0]
    for row, column in ((0, 0), (3, 40), (40, 7)):
        point = np.array([GROUND.first[column], GROUND.second[row]])
        assert GROUND.losses[row, column] == pytest.approx(SURFACE.loss(point))


@pytest.mark.parametrize("step", [0, 4, 10])
def test_the_path_goes_up_to_the_step_on_the_surface(step) -> None:
    descent = SURFACE.descend(START, rate=0.5 * SURFACE.highest_rate, steps=10)
    lifted = 0.02 * GROUND.losses.max()
    for figure in figures(descent, step):
        ground, path, minimum, here = figure["data"]
        np.testing.assert_allclose(ground["z"], GROUND.losses, rtol=1e-4)
        np.testing.assert_allclose(path["x"], descent.points[: step + 1, 0])
        np.testing.assert_allclose(here["y"], descent.points[step : step + 1, 1])
        np.testing.assert_allclose([minimum["x"][0], minimum["y"][0]], SURFACE.minimum)
        if "z" in path:
            np.testing.assert_allclose(path["z"], descent.losses[: step + 1], atol=lifted)
        go.Figure(figure)  # raises on what Plotly does not know


def test_a_path_that_leaves_the_picture_ends_at_its_edge() -> None:
    descent = SURFACE.descend(START, rate=2 * SURFACE.highest_rate, steps=10)
    n_inside = int(np.flatnonzero(~GROUND.inside(descent.points))[0])
    for figure in figures(descent, 10):
        assert len(figure["data"][1]["x"]) == n_inside
        assert figure["data"][3]["name"] == f"step {n_inside - 1}"
