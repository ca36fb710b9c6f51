"""Tables of numbers that scroll sideways on small screens, and rows of figures with names."""

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

_LINE = "1px solid color-mix(in srgb, currentColor 18%, transparent)"
_STYLE = f"""<style>
.numbers {{ overflow-x: auto; padding: 1px }}
.numbers table {{ border-collapse: collapse; margin: 0; font-size: .875rem }}
.numbers th, .numbers td {{ border: 0; border-bottom: {_LINE}; padding: .3rem .8rem;
  text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }}
.numbers th {{ font-weight: 600 }}
.numbers thead th {{ white-space: normal; vertical-align: bottom }}
.numbers tr > :first-child {{ text-align: left; padding-left: 0; font-weight: 400 }}
@media (max-width: 640px) {{ .numbers th, .numbers td {{ padding: .3rem .4rem }} }}
</style>"""
_FIGURES_STYLE = """<style>
div dl.figures { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; margin: 0; padding: 0 }
.figures dt { font-size: .8125rem; opacity: .8 }
.figures dd { margin: 0; font-size: 1.125rem; font-weight: 600; font-variant-numeric: tabular-nums }
</style>"""


def show_table(columns: Mapping[str, Sequence[str]], *, label: str) -> None:
    """Show columns of short texts; the first column names the rows.

    Parameters
    ----------
    columns : mapping of str to sequence of str
        Columns by their headers, all of the same length.
    label : str
        Text description for screen readers.
    """
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    rows = []
    for first, *rest in zip(*columns.values(), strict=True):
        cells = "".join(f"<td>{escape(text)}</td>" for text in rest)
        rows.append(f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>')
    st.html(
        f'{_STYLE}<div class="numbers" role="region" tabindex="0" aria-label="{escape(label)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def show_figures(figures: Mapping[str, str], *, least_width_px: int = 0) -> None:
    """Show a few figures side by side, each below its name.

    Parameters
    ----------
    figures : mapping of str to str
        Figures by their names.
    least_width_px : int
        Of each figure, at least 0. The others stay where they are while a number is no wider.
    """
    parts = "".join(
        f'<div style="min-width: {least_width_px}px">'
        f"<dt>{escape(name)}</dt><dd>{escape(figure)}</dd></div>"
        for name, figure in figures.items()
    )
    st.html(f'{_FIGURES_STYLE}<dl class="figures">{parts}</dl>', width="content")
