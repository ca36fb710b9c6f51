"""Results of a finished run: test figures, confusion matrix, worst mistakes."""

from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from typing import Any

import numpy as np
import streamlit as st

from cnn_lab.app.run_queue import run_queue
from cnn_lab.app.training.downloads import link_to_draw
from cnn_lab.app.widgets.inputs import menu
from cnn_lab.charts.maps import data_url, png
from cnn_lab.charts.training import cell_words, confusion_figure, most_confused
from cnn_lab.content import prose
from cnn_lab.content.words import percent
from cnn_lab.data.mnist import DataError
from cnn_lab.data.sets import INFO, load_data_set
from cnn_lab.network.spec import DataSetName
from cnn_lab.runs.comparison import uncertainty
from cnn_lab.runs.job import Status

ALL = "all"
CHOSEN, CHART = "training_confused", "training_confusion"
MAX_CHOICES = 20
MAX_SHOWN = 15
TILE_FACTOR = 3
_STYLE = """<style>
.mistakes { display: grid; gap: 1rem .75rem; font-size: .8125rem; line-height: 1.35;
  grid-template-columns: repeat(auto-fill, minmax(5.75rem, 1fr)) }
.mistakes img { display: block; margin: 0 0 .3rem; image-rendering: pixelated }
.mistakes b { font-weight: 600 }
</style>"""


def show_results(status: Status) -> None:
    """Show the test results of a finished run, its confusion matrix and its worst mistakes.

    Parameters
    ----------
    status : Status
        Of a run that is no longer active. A run that was stopped or failed has no test figures,
        and may have no weights.
    """
    link_to_draw(status)
    if "test_accuracy" in status.result:
        st.markdown(_tested(status.result))
        if "confusion" in status.result:
            _show_errors(status.spec.training.data_set, status.result)
    elif status.result:
        st.markdown(prose("afterwards", "untested"))
    else:
        st.markdown(prose("afterwards", "nothing"))


def show_damage(run_id: str) -> None:
    """Show which parts of the run can no longer be read, if there are any."""
    damage = run_queue().damage(run_id)
    if damage:
        st.warning(prose("afterwards", "damaged"), title="Parts of this run are damaged")
        for sentence in damage:
            st.text(sentence)


def _tested(result: Mapping[str, Any]) -> str:
    chance = uncertainty(result["test_accuracy"], result["n"])
    return prose("afterwards", "tested", n=f"{result['n']:,}", uncertainty=f"{100 * chance:.2f}")


@st.fragment
def _show_errors(data_set: DataSetName, result: Mapping[str, Any]) -> None:
    confusion, names = np.array(result["confusion"]), INFO[data_set].class_names
    pairs = most_confused(confusion, most=MAX_CHOICES)
    if not pairs:
        st.caption(prose("afterwards", "none"))
        return
    choices = {_choice(names, truth, read): (truth, read) for truth, read, _ in pairs}
    matrix, tiles = st.columns(2, gap="large")
    with matrix:
        # A fixed height keeps what follows in place until the browser can draw.
        figure = confusion_figure(confusion, names)
        with st.container(height=figure["layout"]["height"], border=False):
            st.plotly_chart(
                figure,
                key=CHART,
                on_select=partial(_choose, choices, names),
                selection_mode="points",
                config={"displayModeBar": False},
                alt=_confusion_words(confusion, names),
            )
        st.caption(prose("afterwards", "confusion"))
    with tiles:
        chosen = menu("Worst mistakes", [ALL, *choices], CHOSEN, width=320)
        _show_mistakes(data_set, result, choices.get(chosen))


def _choose(choices: Mapping[str, tuple[int, int]], names: Sequence[str]) -> None:
    """Show the mistakes of a clicked cell; a click on the diagonal shows all."""
    points = st.session_state[CHART]["selection"]["points"]
    cell = _choice(names, *points[0]["customdata"]) if points else ALL
    st.session_state[CHOSEN] = cell if cell in choices else ALL


def _choice(names: Sequence[str], truth: int, read: int) -> str:
    return f"{names[truth]} read as {names[read]}"


def _show_mistakes(
    data_set: DataSetName, result: Mapping[str, Any], cell: tuple[int, int] | None
) -> None:
    names = INFO[data_set].class_names
    shown = [
        mistake
        for mistake in result["mistakes"]
        if cell is None or (mistake["label"], mistake["predicted"]) == cell
    ][:MAX_SHOWN]
    n = result["errors"] if cell is None else result["confusion"][cell[0]][cell[1]]
    try:
        pictures = [_picture(data_set, mistake["index"]) for mistake in shown]
    except DataError:
        pictures = ["" for _ in shown]
        st.caption(prose("afterwards", "absent", title=INFO[data_set].title))
    side_px = TILE_FACTOR * INFO[data_set].shape[0]
    tiles = [
        _tile(mistake, names, picture, side_px)
        for mistake, picture in zip(shown, pictures, strict=True)
    ]
    st.html(f'{_STYLE}<div class="mistakes" role="list">{"".join(tiles)}</div>')
    if len(shown) < n:
        st.caption(prose("afterwards", "kept", shown=len(shown), n=f"{n:,}"))


def _tile(mistake: Mapping[str, Any], names: Sequence[str], picture: str, side_px: int) -> str:
    truth, read = escape(names[mistake["label"]]), escape(names[mistake["predicted"]])
    image = ""
    if picture:
        image = (
            f'<img src="{picture}" width="{side_px}" height="{side_px}" '
            f'alt="Test image {mistake["index"]}: {truth}">'
        )
    sure = percent(mistake["probability"])
    return f'<div role="listitem">{image}<b>{truth}</b>, read as <b>{read}</b><br>{sure} sure</div>'


@st.cache_data(max_entries=512, show_spinner=False)
def _picture(data_set: DataSetName, index: int) -> str:
    """Return a test image as a PNG data URL."""
    pixels = load_data_set(data_set).test.pixels[index]
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., np.newaxis], 3, axis=2)
    return data_url(png(rgb))


def _confusion_words(confusion: np.ndarray[Any, np.dtype[np.int64]], names: Sequence[str]) -> str:
    worst = "; ".join(
        cell_words(count, names[truth], names[read])
        for truth, read, count in most_confused(confusion, most=5)
    )
    return (
        f"Confusion matrix: {confusion.trace():,} of {confusion.sum():,} images on the diagonal "
        f"(correct). The most frequent errors: {worst}."
    )
