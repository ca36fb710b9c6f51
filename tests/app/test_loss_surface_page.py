import numpy as np
import pytest

from cnn_lab.app.loss_surface.controls import CELLS, GOALS
from cnn_lab.concepts.backpropagation.surface import LossSurface
from cnn_lab.data.kernels import KERNELS
from tests.app.elements import address, errors, said, tables
from tests.prose import wording

NOISE = np.random.default_rng(0).random((14, 14))


def state(page):
    found = wording("loss_surface", "state").search(said(page))
    return [part.replace("−", "-") for part in found.groups()]


def test_the_page_shows_the_numbers_of_the_descent(open_page):
    query = {
        "surface_input": "noise",
        "surface_rate": "1",
        "surface_table": "true",
        "surface_first": "w(0, 0)",
        "surface_second": "w(2, 1)",
        "surface_start_first": "3",
        "surface_start_second": "-4",
        "surface_others": "zero",
    }
    page = open_page("loss_surface", query)
    assert not page.exception
    goal = KERNELS[GOALS[0]].values(3, 3)
    surface = LossSurface(NOISE, goal, np.zeros((3, 3)), ((0, 0), (2, 1)))
    descent = surface.descend(np.array([3.0, -4.0]), rate=1.0, steps=20)
    (table,) = tables(page)
    assert table["Loss"] == [f"{loss:.4g}" for loss in descent.losses]
    assert table["w(2, 1)"] == [f"{weight:.4g}" for weight in descent.points[:, 1]]
    step, steps, loss, _, lowest, _ = state(page)
    assert (step, steps) == ("20", "20")
    assert loss == f"{descent.losses[-1]:.3g}"
    assert lowest == f"{surface.loss(surface.minimum):.3g}"
    across, along = surface.curvatures
    assert wording("loss_surface", "valley", times=f"{across / along:.3g}").search(said(page))
    highest = f"{surface.highest_rate:.3g}"
    assert wording("loss_surface", "limit", highest=highest).search(said(page))


@pytest.mark.parametrize("view", ["in space", "from above"])
def test_each_view_is_one_chart_at_each_step(open_page, view):
    page = open_page("loss_surface", {"surface_view": view, "surface_step": "3"})
    assert len(page.get("plotly_chart")) == 1
    assert state(page)[0] == "3"
    page.slider(key="surface_step").set_value(0).run()
    assert state(page)[0] == "0"
    assert not page.exception


def test_playing_goes_from_the_start_to_the_last_step(open_page):
    page = open_page("loss_surface", {"surface_steps": "5"})
    page.button(key="surface_play").click().run()
    steps = [state(page)[0]]
    while "surface_pause" in [button.key for button in page.button]:
        page.run()
        steps.append(state(page)[0])
    assert steps[:6] == ["0", "1", "2", "3", "4", "5"]
    assert page.slider(key="surface_step").value == 5


def test_the_default_rate_converges_whatever_the_goal_and_weights(open_page):
    page = open_page("loss_surface")
    for goal, first in zip(GOALS, CELLS, strict=False):
        page.selectbox(key="surface_goal").set_value(goal).run()
        page.selectbox(key="surface_first").set_value(first).run()
        assert not page.exception
        if not wording("loss_surface", "same").search(said(page)):
            assert not wording("loss_surface", "outside").search(said(page)), (goal, first)


@pytest.mark.parametrize(
    ("query", "section"),
    [
        ({"surface_rate": "50"}, "outside"),
        ({"surface_rate": "50", "surface_steps": "60"}, "diverged"),
        ({"surface_input": "blank"}, "flat"),
        ({"surface_first": "w(0, 0)", "surface_second": "w(0, 0)"}, "same"),
    ],
)
def test_what_is_special_is_said(open_page, query, section):
    page = open_page("loss_surface", query)
    assert not page.exception
    assert not errors(page)
    text = said(page)
    assert wording("loss_surface", section).search(text)
    assert ("surface_start_first" in [field.key for field in page.number_input]) == (
        section != "same"
    )


def test_a_step_beyond_the_last_is_the_last(open_page):
    page = open_page("loss_surface", {"surface_step": "55", "surface_steps": "60"})
    assert state(page)[0] == "55"
    page.select_slider(key="surface_steps").set_value(5).run()
    assert state(page)[:2] == ["5", "5"]
    assert address(page, "surface_step") in (None, "5")
