"""Exports of a trace: a picture of one step, an animated GIF and tables of numbers.

All show the same as the stage, and none needs the app, internet access or installed fonts.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO, StringIO

import numpy as np
from PIL import Image

from cnn_lab.content.words import inert, shape_words
from cnn_lab.stage.data import as_traces
from cnn_lab.stage.page import export_html
from cnn_lab.stage.render import Film, ThemeName, theme_of
from cnn_lab.stage.render.gif import Palette, write_gif
from cnn_lab.trace import Grid, Trace

__all__ = ["export_csv", "export_gif", "export_html", "export_png", "gif_steps"]

MAX_FRAMES = 300
LEAST_WIDTH, MAX_WIDTH = 480, 2160
LEAST_SECONDS, MAX_SECONDS = 0.05, 10.0
LAST_FRAME_STEPS = 3

Traces = Trace | Sequence[Trace]


def export_png(
    traces: Traces, step: int, *, theme: ThemeName = "light", width_px: int = 1080
) -> bytes:
    """Return a picture of one step as PNG.

    Parameters
    ----------
    traces : Trace or sequence of Trace
        Several are drawn together, as on the stage.
    step : int
        Negative counts from the end, so -1 shows everything.
    theme : {"light", "dark"}
    width_px : int
        From 480 to 2160; the height depends on the content.

    Raises
    ------
    ValueError
        If `traces` is empty, the step does not exist, or an argument is out of range.
    """
    several = as_traces(traces)
    n_steps = max(map(len, several))
    if not -n_steps <= step < n_steps:
        raise ValueError(f"`step` must be between 0 and {n_steps - 1}. Received: step={step}")
    film = _film(several, [step % n_steps], theme, width_px)
    file = BytesIO()
    film.frame(step % n_steps).save(file, "PNG", optimize=True)
    return file.getvalue()


def export_gif(
    traces: Traces,
    *,
    theme: ThemeName = "light",
    seconds_per_step: float = 0.8,
    width_px: int = 1080,
    on_progress: Callable[[int, int], None] | None = None,
) -> bytes:
    """Return all steps as an animated GIF that loops and pauses at the last step.

    Parameters
    ----------
    traces, theme, width_px
        As in `export_png`.
    seconds_per_step : float
        From 0.05 to 10.
    on_progress : callable, optional
        Called with the frames drawn so far and their number.

    Raises
    ------
    ValueError
        If `traces` is empty or an argument is out of range.

    Notes
    -----
    At most 300 frames. A longer trace skips steps evenly, which the step number in the picture
    shows. About 10 to 30 ms per frame; one frame is in memory at a time.
    """
    several = as_traces(traces)
    if not LEAST_SECONDS <= seconds_per_step <= MAX_SECONDS:
        raise ValueError(
            f"`seconds_per_step` must be between {LEAST_SECONDS} and {MAX_SECONDS:g}. "
            f"Received: seconds_per_step={seconds_per_step}"
        )
    steps = gif_steps(several)
    film = _film(several, steps, theme, width_px)
    samples = [steps[i] for i in sorted({0, len(steps) // 3, 2 * len(steps) // 3, len(steps) - 1})]
    palette = Palette(film.frame(step) for step in samples)
    duration_ms = round(seconds_per_step * 100) * 10
    durations = [duration_ms] * len(steps)
    durations[-1] *= LAST_FRAME_STEPS

    def frames() -> Iterator[Image.Image]:
        for n, step in enumerate(steps, start=1):
            yield film.frame(step)
            if on_progress:
                on_progress(n, len(steps))

    return write_gif(frames(), durations, palette)


def gif_steps(traces: Traces) -> list[int]:
    """Return the steps that a GIF shows: all of them, or evenly chosen ones and the last.

    Examples
    --------
    >>> from cnn_lab.trace import max_pool_trace
    >>> len(gif_steps(max_pool_trace(np.eye(28))))
    196
    >>> gif_steps(max_pool_trace(np.eye(20), strides=1))[-3:]
    [356, 358, 360]
    """
    n_steps = max(map(len, as_traces(traces)))
    stride = -(-n_steps // MAX_FRAMES)
    steps = list(range(0, n_steps, stride))
    return steps if steps[-1] == n_steps - 1 else [*steps[: MAX_FRAMES - 1], n_steps - 1]


def export_csv(traces: Traces) -> str:
    """Return every grid as a table with title and size, one line per row, with all results.

    Numbers are written in full: exact decimals as they are, rounded ones with all digits of
    float32. The padding of a maximum is empty. Row and column numbers come first, as on the
    stage, and no text can become a formula in a spreadsheet.

    Examples
    --------
    >>> from cnn_lab.trace import max_pool_trace
    >>> print(export_csv(max_pool_trace(np.array([[1, 2.5], [4, 3]]))))
    Input,2 × 2
    ,0,1
    0,1,2.5
    1,4,3
    <BLANKLINE>
    Max pooling,1 × 1
    ,0
    0,4
    <BLANKLINE>
    """
    several = as_traces(traces)
    file = StringIO(newline="")
    table = csv.writer(file, lineterminator="\n")
    for n, trace in enumerate(several):
        for i, grid in enumerate(trace.grids):
            if n or i:
                table.writerow([])
            if len(several) > 1 and i == 0:
                table.writerow([inert(trace.name)])
            table.writerows(_rows(grid))
    return file.getvalue()


def _rows(grid: Grid) -> Iterator[list[str]]:
    yield [inert(grid.name), grid.note or shape_words(grid.values.shape)]
    yield ["", *map(str, grid.column_labels)]
    for label, values in zip(grid.row_labels, grid.values, strict=True):
        yield [str(label), *(_in_full(value, grid) for value in values)]


def _in_full(value: float, grid: Grid) -> str:
    """Return a number with all its digits; "" for minus infinity."""
    if not np.isfinite(value):
        return ""
    if not grid.precision.exact:
        return str(np.float32(value) + np.float32(0))
    digits = f"{value + 0.0:.{grid.precision.decimals}f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _film(traces: Sequence[Trace], steps: Sequence[int], theme: str, width_px: int) -> Film:
    if not LEAST_WIDTH <= width_px <= MAX_WIDTH:
        raise ValueError(
            f"`width_px` must be between {LEAST_WIDTH} and {MAX_WIDTH}. "
            f"Received: width_px={width_px}"
        )
    return Film(traces, steps, theme=theme_of(theme), width_px=width_px)
