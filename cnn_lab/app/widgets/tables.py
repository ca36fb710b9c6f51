"""Tables of numbers that scroll sideways on small screens, by touch and keyboard."""

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
