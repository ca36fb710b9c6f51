import numpy as np
import plotly.graph_objects as go
import pytest

from cnn_lab.charts.digit_map import COLOURS, INK, NO_DIGIT, PAPER, digit_map_figure
from cnn_lab.charts.maps import rgb

# Linear RGB as dichromats see it, at full severity: Machado, Oliveira and Fernandes (2009).
SEEN_AS = {
    "by all": np.eye(3),
    "without red": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "without green": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "without blue": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
LABELS = np.arange(40) % 10
ANSWERS = np.where(np.arange(40) == 7, 1, LABELS)
PLACES = np.random.default_rng(0).normal(size=(40, 3))


def linear(colours):
    values = np.array([rgb(colour) for colour in colours]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(light):
    xyz = np.clip(light, 0, 1) @ XYZ.T / XYZ.sum(axis=1)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)


@pytest.mark.parametrize("tone", ["light", "dark"])
@pytest.mark.parametrize("eyes", SEEN_AS)
def test_any_two_digits_differ_in_colour_for_any_eyes(tone, eyes) -> None:
    colours = lab(linear(COLOURS[tone]) @ SEEN_AS[eyes].T)
    apart = np.linalg.norm(colours[:, np.newaxis] - colours, axis=-1)
    assert apart[~np.eye(10, dtype=bool)].min() >= (25 if eyes != "without blue" else 20)


@pytest.mark.parametrize("tone", ["light", "dark"])
def test_each_colour_stands_out_from_the_page(tone) -> None:
    bright = linear(COLOURS[tone]) @ XYZ[1]
    page = float(linear([PAPER[tone]])[0] @ XYZ[1])
    assert ((np.maximum(bright, page) + 0.05) / (np.minimum(bright, page) + 0.05)).min() >= 3


def figure(dimensions=2, **settings):
    return digit_map_figure(
        PLACES,
        LABELS,
        ANSWERS,
        numbers=5 * np.arange(40),
        shares=(0.5, 0.25, 0.1),
        dimensions=dimensions,
        marked={"your drawing": np.array([9.0, 0.5, 0.25])},
        tone="light",
        **settings,
    )


@pytest.mark.parametrize("dimensions", [2, 3])
def test_every_digit_is_one_point_and_the_misclassified_one_has_its_own_mark(dimensions) -> None:
    *right, wrong, mine = figure(dimensions)["data"]
    numbers = sorted(n for trace in (*right, wrong) for n in trace["customdata"])
    assert numbers == list(range(0, 200, 5))
    assert wrong["customdata"].tolist() == [35]
    assert wrong["text"] == ["7, classified as 1"]
    assert wrong["marker"]["symbol"] != right[0]["marker"].get("symbol", "circle")
    for digit, trace in enumerate(right):
        at = np.flatnonzero((digit == LABELS) & (digit == ANSWERS))
        for axis, i in zip("xyz"[:dimensions], range(3), strict=False):
            np.testing.assert_allclose(trace[axis], PLACES[at, i], rtol=1e-6)
    assert (mine["x"], mine["customdata"]) == ([9.0], [NO_DIGIT])
    assert mine["marker"]["color"] == INK["light"]
    go.Figure(figure(dimensions))  # raises on what Plotly does not know


def test_only_the_misclassified_hides_the_others_and_keeps_the_axes() -> None:
    everything, few = figure(), figure(only_misclassified=True)
    assert [trace.get("visible", True) for trace in few["data"]] == [False] * 10 + [True] * 2
    assert everything["layout"] == few["layout"]
    low, high = few["layout"]["xaxis"]["range"]
    assert low < PLACES[:, 0].min()
    assert high > 9
    assert "50%" in few["layout"]["xaxis"]["title"]["text"]


def test_turning_changes_the_view_and_nothing_else() -> None:
    one, other = figure(3, turn=0.0), figure(3, turn=90.0)
    assert go.Figure(one).data == go.Figure(other).data
    eyes = [each["layout"]["scene"]["camera"]["eye"] for each in (one, other)]
    assert eyes[0]["x"] == pytest.approx(eyes[1]["y"])
    assert np.hypot(eyes[1]["x"], eyes[1]["y"]) == pytest.approx(eyes[0]["x"])
