"""Small matrices as rows of shaded, hatched or ringed cells in the colours of the theme."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import streamlit as st

Kind = Literal["plain", "padding", "unread", "blank"]

# Numbers stay legible on the darkest shade in either theme.
_DARKEST_PERCENT = 32
_LARGE_BELOW = 10
_INK = "color-mix(in srgb, currentColor {}%, transparent)"
_STYLE = f"""<style>
.cells {{ overflow-x: auto; padding: 1px }}
.cells table {{ border-collapse: separate; border-spacing: 1px; width: auto; margin: 0 }}
.cells td {{ min-width: 1.2rem; height: 1.2rem; padding: 0 1px; font-size: .72rem; line-height: 1;
  text-align: center; border: 0; font-variant-numeric: tabular-nums; box-sizing: border-box }}
.cells .large td {{ min-width: 1.75rem; height: 1.75rem; font-size: .85rem }}
.cells th {{ padding: 0 .6rem 0 0; font-size: .8rem; font-weight: 400; text-align: left;
  white-space: nowrap; border: 0 }}
.cells td.padding {{ background-image: repeating-linear-gradient(135deg,
  {_INK.format(32)} 0 1px, transparent 1px 5px) }}
.cells td.unread {{ background-image: repeating-linear-gradient(45deg,
  {_INK.format(32)} 0 1px, transparent 1px 5px) }}
.cells.grids {{ display: flex; flex-wrap: wrap; gap: .75rem 1.5rem; font-size: .875rem }}
.cells.grids figure {{ margin: 0; max-width: 100%; overflow-x: auto }}
.cells.grids th {{ min-width: 1.1rem; padding: 0 .2rem; font-size: .65rem; text-align: center;
  color: {_INK.format(70)} }}
.cells td.ringed {{ box-shadow: inset 0 0 0 2px currentColor; font-weight: 700 }}
</style>"""


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes
    ----------
    text : str
    shade : float
        0 is the page background, 1 the darkest shade on which a number is legible.
    kind : {"plain", "padding", "unread", "blank"}
        Padding and unread cells are hatched as on the stage.
    ringed : bool
    """

    text: str = ""
    shade: float = 0.0
    kind: Kind = "plain"
    ringed: bool = False


def show_cells(
    rows: Sequence[Sequence[Cell]], *, label: str, heads: Sequence[str] | None = None
) -> None:
    """Show rows of cells as one picture.

    Parameters
    ----------
    rows : sequence of sequence of Cell
    label : str
        Text description for screen readers.
    heads : sequence of str, optional
        Text before each row.
    """
    lines = []
    for number, row in enumerate(rows):
        head = f"<th>{escape(heads[number])}</th>" if heads else ""
        lines.append(f"<tr>{head}{''.join(map(_cell, row))}</tr>")
    large = "large" if max(map(len, rows)) < _LARGE_BELOW else ""
    st.html(
        f'{_STYLE}<div class="cells" role="img" tabindex="0" aria-label="{escape(label)}">'
        f'<table class="{large}"><tbody>{"".join(lines)}</tbody></table></div>'
    )


def show_grids(grids: Mapping[str, Sequence[Sequence[str]]]) -> None:
    """Show small tables of numbers side by side, or below each other where there is no room.

    Parameters
    ----------
    grids : mapping of str to sequence of sequence of str
        Name of each -> its rows of short texts. Rows and columns are numbered from 0.
    """
    figures = []
    for name, rows in grids.items():
        numbers = "".join(f'<th scope="col">{number}</th>' for number in range(len(rows[0])))
        lines = [f"<tr><th></th>{numbers}</tr>"]
        for number, row in enumerate(rows):
            cells = "".join(_cell(Cell(text)) for text in row)
            lines.append(f'<tr><th scope="row">{number}</th>{cells}</tr>')
        large = "large" if len(rows[0]) < _LARGE_BELOW else ""
        figures.append(
            f'<figure tabindex="0"><figcaption>{escape(name)}</figcaption>'
            f'<table class="{large}"><tbody>{"".join(lines)}</tbody></table></figure>'
        )
    st.html(f'{_STYLE}<div class="cells grids">{"".join(figures)}</div>')


def _cell(cell: Cell) -> str:
    classes = " ".join([cell.kind, *(["ringed"] * cell.ringed)])
    percent = 0 if cell.kind == "blank" else round(5 + cell.shade * (_DARKEST_PERCENT - 5))
    return (
        f'<td class="{classes}" style="background-color: {_INK.format(percent)}">'
        f"{escape(cell.text)}</td>"
    )
