"""Arrays shown as pictures that stay sharp in any browser and either theme."""

import base64

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_lab.charts.maps import Tone, grey_picture, png, signed_picture
from cnn_lab.ops.types import Array


def tone() -> Tone:
    """Return whether the reader's page is light or dark."""
    return "dark" if st.context.theme.type == "dark" else "light"


def instead_of_steps(what: str = "result") -> DeltaGenerator:
    """Say that a stage would have too many steps; return a row for pictures of the whole."""
    st.caption(f"Too many steps to follow one by one, so here is the whole {what} at once.")
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
        What it is, for readers who cannot see it.
    signed : bool
        Zero-centred blue to orange instead of greys.
    width_px : int
        About how wide it becomes: whole pixels are kept, so the nearest multiple.
    limit : float, optional
        What counts as white, or has the full colours; the largest magnitude unless given.

    Notes
    -----
    The picture travels inside the page, for one that is fetched afterwards may be gone by
    then if the next one follows at once. It has two pixels for one of the page, so that it is
    sharp on a fine screen too.
    """
    if signed:
        picture = signed_picture(values, limit=limit, tone=tone())
    else:
        picture = grey_picture(values, limit=limit)
    factor = max(1, round(width_px / values.shape[1]))
    show_png(png(picture, factor=2 * factor), alt=alt, width_px=factor * values.shape[1])


def show_png(data: bytes, *, alt: str, width_px: int) -> None:
    """Show a PNG that travels inside the page."""
    encoded = base64.b64encode(data).decode("ascii")
    st.image(f"data:image/png;base64,{encoded}", width=width_px, alt=alt)
