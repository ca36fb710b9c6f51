"""Charts with reserved space, and the bar chart of ten probabilities."""

from collections.abc import Collection

import pandas as pd
import streamlit as st

from cnn_lab.app.widgets.pictures import theme_colour
from cnn_lab.charts.answers import Probabilities, probabilities_spec, probabilities_table
from cnn_lab.charts.vega import Spec
from cnn_lab.content.words import percent

# The browser rebuilds a chart when its description changes, so this one has no numbers: they are
# text in the chart.
ALT = "Ten bars, one per digit, each with its probability"
_BARS_STYLE = """<style>
.probabilities {{ list-style: none; margin: 0; padding: 0; font-size: .875rem }}
.probabilities li {{ display: flex; gap: .6rem; align-items: center; height: 24px; margin: 0;
  padding: 0; font-variant-numeric: tabular-nums }}
.probabilities .track {{ flex: 1; height: 12px;
  background: color-mix(in srgb, currentColor 9%, transparent) }}
.probabilities i {{ display: block; height: 100%; opacity: .45; background: currentColor }}
.probabilities .answer {{ font-weight: 600 }}
.probabilities .answer i {{ opacity: 1; background: {now} }}
.probabilities span:last-child {{ width: 3.6em; text-align: right }}
</style>"""


def show_probabilities(
    probabilities: Probabilities | None, *, key: str, guessed: Collection[int] = ()
) -> None:
    """Show ten bars with their numbers, those guessed in a frame; None shows empty bars."""
    table = probabilities_table(probabilities, guessed)
    st.vega_lite_chart(table, probabilities_spec(), key=key, alt=ALT)


def show_bars(probabilities: Probabilities) -> None:
    """Show ten bars with their numbers as HTML, which needs no script of a chart."""
    answer = int(probabilities.argmax())
    rows = "".join(
        f"<li{' class=answer' if digit == answer else ''}><span>{digit}</span>"
        f'<span class="track"><i style="width: {100 * share:.2f}%"></i></span>'
        f"<span>{percent(share)}</span></li>"
        for digit, share in enumerate(map(float, probabilities))
    )
    style = _BARS_STYLE.format(now=theme_colour())
    st.html(f'{style}<ul class="probabilities" aria-label="{ALT}">{rows}</ul>')


def show_chart(table: pd.DataFrame, spec: Spec, *, key: str, alt: str) -> None:
    """Show a chart in a container of its height, so that nothing moves when it is drawn."""
    with st.container(height=spec["height"], border=False):
        st.vega_lite_chart(table, spec, key=key, alt=alt)
