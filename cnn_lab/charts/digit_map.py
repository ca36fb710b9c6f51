"""Figure of the Digit map page: digits as points, as a Plotly dictionary."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cnn_lab.charts.maps import Tone
from cnn_lab.ops.types import Array

HEIGHT_PX = 500
# One colour a digit. Also as dichromats see them, any two differ by at least 25 in CIELAB, and
# each has a contrast of 3 with the page.
COLOURS: dict[Tone, tuple[str, ...]] = {
    "light": (
        *("#aa7dd8", "#0008d9", "#d87b00", "#084f38", "#276eff"),
        *("#c1779f", "#369959", "#5b189d", "#6e226b", "#8a3e00"),
    ),
    "dark": (
        *("#fb89f7", "#37a976", "#f5691c", "#fed3ef", "#b537ca"),
        *("#4efc79", "#6a8899", "#a30eff", "#ccf200", "#e3003e"),
    ),
}
INK: dict[Tone, str] = {"light": "#14110e", "dark": "#ece7df"}
PAPER: dict[Tone, str] = {"light": "#fffdf9", "dark": "#181614"}
NO_DIGIT = -1  # number of a point that is not a test digit
LEGEND_AT = {2: -0.12, 3: 0.06}  # of the height, by the number of dimensions
AWAY = 1.35  # distance of the eye from the middle, in sides of the cube


def digit_map_figure(
    places: Array,
    labels: NDArray[np.integer],
    answers: NDArray[np.integer],
    *,
    numbers: NDArray[np.integer],
    shares: Sequence[float],
    dimensions: Literal[2, 3],
    marked: dict[str, Array],
    tone: Tone,
    only_misclassified: bool = False,
    turn: float = 45.0,
) -> dict[str, Any]:
    """Return digits as points of their colour, those misclassified as diamonds.

    Parameters
    ----------
    places : ndarray of float, shape (n, 3)
    labels, answers : ndarray of int, shape (n,)
        True and predicted classes.
    numbers : ndarray of int, shape (n,)
        What each point's `customdata` is.
    shares : sequence of 3 floats
        Share of the variance along each axis.
    dimensions : {2, 3}
    marked : dict of str to ndarray of float, shape (3,)
        Name -> place of what has a large mark of its own; without a place in the test set.
    tone : {"light", "dark"}
    only_misclassified : bool
    turn : float
        Angle in degrees from which three dimensions are seen.
    """
    wrong = labels != answers
    kind = "scatter3d" if dimensions == 3 else "scattergl"
    small, large = (3, 6) if dimensions == 3 else (5, 10)
    axes = "xyz"[:dimensions]
    exact = places.astype(np.float32)

    def points(shown: NDArray[np.bool_], **settings: Any) -> dict[str, Any]:
        # Arrays go to the browser as they are; lists would be checked number by number.
        at = {axis: exact[shown, i] for i, axis in enumerate(axes)}
        return {
            "type": kind,
            "mode": "markers",
            **at,
            "customdata": numbers[shown],
            "hovertemplate": "%{text}<extra></extra>",
            **settings,
        }

    colours = COLOURS[tone]
    data = [
        points(
            (labels == digit) & ~wrong,
            name=str(digit),
            text=str(digit),
            marker={"color": colours[digit], "size": small, "opacity": 0.75},
            visible=not only_misclassified,
        )
        for digit in range(10)
    ]
    data.append(
        points(
            wrong,
            name="misclassified",
            text=[
                f"{label}, classified as {answer}"
                for label, answer in zip(labels[wrong], answers[wrong], strict=True)
            ],
            marker={
                "symbol": "diamond",
                "size": large,
                "color": [colours[label] for label in labels[wrong]],
                "line": {"color": INK[tone], "width": 1},
            },
        )
    )
    for name, place in marked.items():
        data.append(
            {
                "type": kind,
                "mode": "markers",
                **{axis: [float(place[i])] for i, axis in enumerate(axes)},
                "name": name,
                "customdata": [NO_DIGIT],
                "hovertemplate": f"{name}<extra></extra>",
                "marker": {
                    "symbol": "circle-open",
                    "size": 12 if dimensions == 3 else 20,
                    "color": INK[tone],
                    "line": {"color": INK[tone], "width": 3},
                },
            }
        )
    middles = {
        digit: np.median(exact[labels == digit], axis=0)
        for digit in range(10)
        if (labels == digit).any()
    }
    titles = [f"axis {i + 1} ({shares[i]:.0%})" for i in range(dimensions)]
    shown = np.concatenate([exact, np.array([*marked.values()], float).reshape(-1, 3)])
    ends = [_range(shown[:, i]) for i in range(dimensions)]
    return {"data": data, "layout": _layout(titles, ends, middles, turn=turn, tone=tone)}


def _range(values: Array) -> list[float]:
    """Return the ends of an axis, with room for the marks."""
    low, high = float(values.min()), float(values.max())
    room = 0.06 * (high - low) or 1.0
    return [low - room, high + room]


def _layout(
    titles: Sequence[str],
    ends: Sequence[list[float]],
    middles: dict[int, Array],
    *,
    turn: float,
    tone: Tone,
) -> dict[str, Any]:
    """Return the layout; each digit's figure stands in the middle of its points."""
    plain = {"showticklabels": False, "zeroline": False, "showspikes": False}
    axes = {
        f"{axis}axis": {**plain, "title": {"text": title}, "range": range_}
        for axis, title, range_ in zip("xyz", titles, ends, strict=False)
    }
    figures = [
        {
            **{axis: float(middle[i]) for i, axis in enumerate("xyz"[: len(titles)])},
            "text": f"<b>{digit}</b>",
            "showarrow": False,
            "font": {"size": 18, "color": INK[tone]},
            "bgcolor": PAPER[tone],
            "opacity": 0.85,
            "borderpad": 1,
        }
        for digit, middle in middles.items()
    ]
    layout: dict[str, Any] = {
        "height": HEIGHT_PX,
        "margin": {"l": 4, "r": 4, "t": 4, "b": 4},
        "legend": {
            "orientation": "h",
            "y": -0.12 if len(titles) == 2 else 0.06,
            "itemsizing": "constant",
        },
        "hovermode": "closest",
        # Zoom and direction of view stay when the marks change.
        "uirevision": len(titles),
    }
    if len(titles) == 2:
        return {**layout, **axes, "annotations": figures}
    angle = np.deg2rad(turn)
    eye = {"x": AWAY * float(np.cos(angle)), "y": AWAY * float(np.sin(angle)), "z": 0.6}
    scene = {
        **axes,
        "annotations": figures,
        "camera": {"eye": eye},
        "domain": {"x": [0, 1], "y": [0.1, 1]},
        "uirevision": turn,
        "dragmode": "turntable",
    }
    return {**layout, "scene": scene}
