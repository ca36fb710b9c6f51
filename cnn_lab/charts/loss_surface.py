"""Figures of the Loss surface page as Plotly dictionaries: in space, and from above."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.charts.maps import Tone
from cnn_lab.concepts.backpropagation.surface import Descent, LossSurface
from cnn_lab.ops.types import Array

HEIGHT_PX = 460
N_SIDE = 41
MIN_REACH = 0.5
ROOM = 1.35  # the picture reaches so many times farther than the start
AWAY = 1.75  # distance of the eye from the middle, in sides of the cube
LIFT = 0.01  # of the height, so that the path does not sink into the surface
PATH: dict[Tone, str] = {"light": "#b0126f", "dark": "#ff7ac6"}
INK: dict[Tone, str] = {"light": "#14110e", "dark": "#ece7df"}
SCALE: dict[Tone, tuple[str, ...]] = {
    "light": ("#1d4f91", "#2c6fbb", "#6499d1", "#a3c3e3", "#dbe7f2", "#f7e6d5"),
    "dark": ("#16263a", "#253748", "#335a85", "#4e86c4", "#7db1ea", "#a9cdf2"),
}


@dataclass(frozen=True, eq=False)
class Ground:
    """The piece of a loss surface that is shown, around its minimum.

    Attributes
    ----------
    first, second : ndarray of float64, shape (41,)
        Values of the two weights.
    losses : ndarray of float64, shape (41, 41)
        Rows are values of the second weight.
    """

    first: Array
    second: Array
    losses: Array

    @classmethod
    def of(cls, surface: LossSurface, start: Array) -> "Ground":
        """Compute the loss on a grid that has the minimum in its middle and the start inside."""
        reach = ROOM * max(MIN_REACH, float(np.abs(start - surface.minimum).max()))
        first, second = (
            np.linspace(middle - reach, middle + reach, N_SIDE) for middle in surface.minimum
        )
        points = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
        return cls(first, second, surface.losses(points).reshape(N_SIDE, N_SIDE))

    def inside(self, points: Array) -> NDArray[np.bool_]:
        """Return for each point, shape (n, 2), whether it is on this piece."""
        low, high = (np.array([self.first[end], self.second[end]]) for end in (0, -1))
        return np.asarray(((points >= low) & (points <= high)).all(axis=1))


def surface_figure(
    surface: LossSurface,
    ground: Ground,
    descent: Descent,
    *,
    step: int,
    names: tuple[str, str],
    tone: Tone,
    turn: float,
) -> dict[str, Any]:
    """Return the surface in space with the path up to a step and the minimum.

    Parameters
    ----------
    surface : LossSurface
    ground : Ground
    descent : Descent
    step : int
        The path is drawn up to here, as far as it stays on this piece of the surface.
    names : (str, str)
        Of the two weights.
    tone : {"light", "dark"}
    turn : float
        Angle in degrees from which it is seen.
    """
    lift = LIFT * float(ground.losses.max())
    data: list[dict[str, Any]] = [
        {
            "type": "surface",
            "x": ground.first,
            "y": ground.second,
            "z": ground.losses.astype(np.float32),
            "colorscale": _scale(tone),
            "showscale": False,
            "contours": {"z": {"show": True, "color": INK[tone], "width": 1}},
            "opacity": 0.92,
            "hovertemplate": f"{names[0]}: %{{x:.3g}}<br>{names[1]}: %{{y:.3g}}"
            "<br>loss: %{z:.3g}<extra></extra>",
        }
    ]
    for part in _marks(surface, ground, descent, step=step, tone=tone):
        heights = [float(height) + lift for height in part.pop("heights")]
        if "marker" in part:
            part["marker"] = {**part["marker"], "size": part["marker"]["size"] / 2}
        data.append({"type": "scatter3d", "z": heights, **part})
    angle = np.deg2rad(turn)
    eye = {"x": AWAY * float(np.cos(angle)), "y": AWAY * float(np.sin(angle)), "z": 0.95}
    axes = {"x": names[0], "y": names[1], "z": "loss"}
    scene = {
        **{
            f"{axis}axis": {"title": {"text": title}, "showspikes": False, "nticks": 5}
            for axis, title in axes.items()
        },
        "aspectmode": "cube",
        "camera": {"eye": eye, "center": {"x": 0, "y": 0, "z": -0.15}},
        "uirevision": turn,
        "dragmode": "turntable",
    }
    return {"data": data, "layout": {**_layout(), "scene": scene}}


def contour_figure(
    surface: LossSurface,
    ground: Ground,
    descent: Descent,
    *,
    step: int,
    names: tuple[str, str],
    tone: Tone,
) -> dict[str, Any]:
    """Return the surface from above, as lines of equal loss; arguments as `surface_figure`."""
    data: list[dict[str, Any]] = [
        {
            "type": "contour",
            "x": ground.first,
            "y": ground.second,
            "z": ground.losses.astype(np.float32),
            "colorscale": _scale(tone),
            "showscale": False,
            "ncontours": 24,
            "hovertemplate": f"{names[0]}: %{{x:.3g}}<br>{names[1]}: %{{y:.3g}}"
            "<br>loss: %{z:.3g}<extra></extra>",
        }
    ]
    for part in _marks(surface, ground, descent, step=step, tone=tone):
        del part["heights"]
        data.append({"type": "scatter", **part})
    axes = {
        f"{axis}axis": {
            "title": {"text": title},
            "range": [float(values[0]), float(values[-1])],
            "fixedrange": True,
            "zeroline": False,
        }
        for axis, title, values in zip("xy", names, (ground.first, ground.second), strict=True)
    }
    return {"data": data, "layout": {**_layout(), **axes, "dragmode": False}}


def _marks(
    surface: LossSurface, ground: Ground, descent: Descent, *, step: int, tone: Tone
) -> list[dict[str, Any]]:
    """Return the path, its latest point and the minimum, each with its `heights`."""
    points, losses = descent.points[: step + 1], descent.losses[: step + 1]
    outside = np.flatnonzero(~ground.inside(points))
    n_shown = int(outside[0]) if len(outside) else len(points)
    points, losses = points[:n_shown], losses[:n_shown]
    place = surface.minimum
    marks = [
        {
            **_at(points),
            "heights": losses,
            "mode": "lines+markers",
            "name": "path",
            "line": {"color": PATH[tone], "width": 4},
            "marker": {"color": PATH[tone], "size": 6},
            "text": [f"step {number}: loss {loss:.3g}" for number, loss in enumerate(losses)],
            "hovertemplate": "%{text}<extra></extra>",
        },
        {
            **_at(place[np.newaxis]),
            "heights": [surface.loss(place)],
            "mode": "markers",
            "name": "minimum",
            "marker": {"symbol": "diamond", "color": INK[tone], "size": 12},
            "hovertemplate": "minimum<extra></extra>",
        },
    ]
    if n_shown:
        marks.append(
            {
                **_at(points[-1:]),
                "heights": losses[-1:],
                "mode": "markers",
                "name": f"step {n_shown - 1}",
                "marker": {
                    "color": PATH[tone],
                    "size": 14,
                    "line": {"color": INK[tone], "width": 2},
                },
                "hovertemplate": f"step {n_shown - 1}<extra></extra>",
            }
        )
    return marks


def _at(points: Array) -> dict[str, Any]:
    return {"x": points[:, 0].tolist(), "y": points[:, 1].tolist()}


def _scale(tone: Tone) -> list[list[Any]]:
    colours = SCALE[tone]
    return [[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)]


def _layout() -> dict[str, Any]:
    return {
        "height": HEIGHT_PX,
        "margin": {"l": 4, "r": 4, "t": 4, "b": 4},
        "showlegend": False,
        "hovermode": "closest",
        "uirevision": "path",
    }
