"""Arrays as pictures that are sharp in any browser and either theme."""

from collections.abc import Sequence
from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_lab.charts.maps import Picture, Tone, data_url, grey_picture, sharp_png, signed_picture
from cnn_lab.charts.network import Look
from cnn_lab.charts.panels import Panel, panels_html
from cnn_lab.ops.types import Array


def tone() -> Tone:
    """Return whether the page is light or dark."""
    return "dark" if st.context.theme.type == "dark" else "light"


def theme_colour(name: str = "primaryColor") -> str:
    """Return a colour of the reader's page by its name in Streamlit's theme."""
    return str(st.get_option(f"theme.{tone()}.{name}"))


def instead_of_steps(what: str = "output") -> DeltaGenerator:
    """Say that there are too many steps to animate; return a row for pictures instead."""
    st.caption(f"Too many steps to animate, so here is the whole {what} at once.")
    return st.container(horizontal=True)


def show_image(
    values: Array,
    *,
    alt: str,
    signed: bool = False,
    width_px: int = 280,
    limit: float | None = None,
) -> None:
    """Show one matrix of numbers as a sharp picture.

    Parameters
    ----------
    values : ndarray, shape (height, width)
    alt : str
        Text description for screen readers.
    signed : bool
        Zero-centred blue to orange instead of greys.
    width_px : int
        Approximate width: the nearest multiple of the number of columns.
    limit : float, optional
        Value shown as white or in full colour; by default the largest magnitude.
    """
    if signed:
        picture = signed_picture(values, limit=limit, tone=tone())
    else:
        picture = grey_picture(values, limit=limit)
    show_picture(picture, alt=alt, width_px=width_px)


def show_picture(picture: Picture, *, alt: str, width_px: int) -> None:
    """Show a picture sharply, about so wide: whole pixels are kept."""
    data, width_px = sharp_png(picture, width_px)
    show_png(data, alt=alt, width_px=width_px)


def show_png(data: bytes, *, alt: str, width_px: int) -> None:
    """Show a PNG embedded in the page.

    Notes
    -----
    One that is fetched separately may be gone by then if the next one follows immediately.
    """
    st.image(data_url(data), width=width_px, alt=alt)


def show_panels(panels: Sequence[Panel]) -> None:
    """Show small matrices side by side, as cells with numbers or as pictures."""
    st.html(panels_html(panels, tone=tone()))


def theme_look() -> Look:
    """Return the colours of the reader's page for a drawing."""
    return Look(theme_colour("textColor"), theme_colour("backgroundColor"), theme_colour())


def show_svg(svg: str, *, alt: str, size_px: tuple[int, int]) -> None:
    """Show a drawing of so many pixels, width and height; it keeps its place while it loads."""
    width, height = size_px
    st.html(
        f'<img src="{data_url(svg.encode(), "svg+xml")}" alt="{escape(alt)}" width="{width}" '
        f'height="{height}" style="max-width:100%;height:auto">'
    )
