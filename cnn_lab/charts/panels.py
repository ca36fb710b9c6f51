"""Small matrices side by side: cells with numbers, or pictures, drawn without a chart library."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from cnn_lab.charts.maps import (
    Picture,
    Tone,
    data_url,
    grey_picture,
    sharp_png,
    signed_picture,
)
from cnn_lab.ops.types import Array

MAX_IN_NUMBERS, MAX_LARGE_CELLS = 8, 5  # rows and columns
PICTURE_PX = 96
# A cell that has changed fades from its old colour to its new one.
_PANEL_STYLE = """<style>
.panels { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem .5rem }
.panels > div { display: flex; align-items: center; gap: .5rem }
.panels figure { margin: 0 }
.panels figcaption { font-size: .875rem; margin-bottom: .25rem }
.panels span { font-size: 1.1rem }
.panels table { border-collapse: separate; border-spacing: 1px; margin: 0; width: auto }
.panels td { width: 2.15rem; min-width: 2.15rem; height: 2.15rem; padding: 0; border: 0;
  text-align: center; font-size: .8125rem; font-variant-numeric: tabular-nums }
.panels .small td { width: 1.5rem; min-width: 1.5rem; height: 1.5rem; font-size: .75rem }
.panels img { image-rendering: pixelated; border-radius: 2px }
@media (max-width: 640px) {
  .panels td { height: 1.8rem }
  .panels .small td { height: 1.3rem; font-size: .6875rem }
}
@media (min-width: 1600px) {
  .panels td { width: 3rem; min-width: 3rem; height: 3rem; font-size: 1rem }
  .panels .small td { width: 2.1rem; min-width: 2.1rem; height: 2.1rem; font-size: .875rem }
}
@media (prefers-reduced-motion: no-preference) { .panels .moved { animation: moved .5s } }
@keyframes moved { from { background: var(--was) } }
</style>"""
DARK_INK, LIGHT_INK = "#000000", "#ffffff"  # one of them is legible on any colour


@dataclass(frozen=True, eq=False)
class Panel:
    """A small matrix to draw.

    Attributes
    ----------
    title : str
    values : ndarray of float, shape (rows, columns)
    limit : float
        Magnitude shown in full colour, or as white.
    signed : bool
        Blue to orange, centred at zero, instead of greys.
    before : ndarray of float, of that shape, optional
        Values from whose colours the cells change to their own.
    sign : str
        Shown before the panel, such as an equals sign.
    in_numbers : bool
        Show cells with their numbers if there are not too many of them.
    """

    title: str
    values: Array
    limit: float
    signed: bool = True
    before: Array | None = None
    sign: str = ""
    in_numbers: bool = True


def panels_html(panels: Sequence[Panel], *, tone: Tone) -> str:
    """Return matrices side by side as HTML: cells with numbers, or pictures if they are large.

    Parameters
    ----------
    panels : sequence of Panel
    tone : {"light", "dark"}

    Notes
    -----
    A chart of the same cells would load a library of half a megabyte.
    """
    figures = []
    for panel in panels:
        has_cells = panel.in_numbers and max(panel.values.shape) <= MAX_IN_NUMBERS
        drawn = _panel_cells(panel, tone) if has_cells else _panel_picture(panel, tone)
        sign = f"<span>{escape(panel.sign)}</span>" if panel.sign else ""
        title = f"<figcaption>{escape(panel.title)}</figcaption>"
        figures.append(f"<div>{sign}<figure>{title}{drawn}</figure></div>")
    return f'{_PANEL_STYLE}<div class="panels">{"".join(figures)}</div>'


def _panel_cells(panel: Panel, tone: Tone) -> str:
    paint = _panel_paint(panel, panel.values, tone)
    was = paint if panel.before is None else _panel_paint(panel, panel.before, tone)
    whole = bool(np.all(panel.values == panel.values.round()))
    lines = []
    for row in range(panel.values.shape[0]):
        cells = []
        for column, value in enumerate(panel.values[row]):
            colour, old = (each[row, column] for each in (paint, was))
            style = f"background:#{colour.tobytes().hex()};color:{_ink(colour)}"
            moved = bool(np.any(colour != old))
            style += f";--was:#{old.tobytes().hex()}" if moved else ""
            kind = ' class="moved"' if moved else ""
            cells.append(f'<td{kind} style="{style}">{_short(float(value), whole=whole)}</td>')
        lines.append(f"<tr>{''.join(cells)}</tr>")
    size = ' class="small"' if max(panel.values.shape) > MAX_LARGE_CELLS else ""
    return f"<table{size}><tbody>{''.join(lines)}</tbody></table>"


def _panel_picture(panel: Panel, tone: Tone) -> str:
    data, width_px = sharp_png(_panel_paint(panel, panel.values, tone), PICTURE_PX)
    return f'<img src="{data_url(data)}" width="{width_px}" alt="{escape(panel.title)}">'


def _panel_paint(panel: Panel, values: Array, tone: Tone) -> Picture:
    if panel.signed:
        return signed_picture(values, limit=panel.limit, tone=tone)
    return grey_picture(values, limit=panel.limit)


def _short(value: float, *, whole: bool) -> str:
    """Return a number in few characters: two decimals, or none if it is large."""
    text = f"{value:.2f}" if abs(value) < 10 and not whole else f"{value:.0f}"
    return text.replace("-0.00", "0.00").replace("-", "−")


def _ink(colour: Any) -> str:
    """Return the text colour that contrasts with a colour."""
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in (float(part) / 255 for part in colour)
    )
    brightness = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return DARK_INK if brightness > 0.18 else LIGHT_INK
