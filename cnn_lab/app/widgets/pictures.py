"""Arrays as pictures that are sharp in any browser and either theme."""

import base64

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_lab.charts.maps import Tone, grey_picture, png, signed_picture
from cnn_lab.ops.types import Array


def tone() -> Tone:
    """Return whether the page is light or dark."""
    return "dark" if st.context.theme.type == "dark" else "light"


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

    Notes
    -----
    The picture is embedded in the page, because one that is fetched separately may be gone by
    then if the next one follows immediately. It has twice the resolution of the page, so that
    it is sharp on high-density screens.
    """
    if signed:
        picture = signed_picture(values, limit=limit, tone=tone())
    else:
        picture = grey_picture(values, limit=limit)
    factor = max(1, round(width_px / values.shape[1]))
    show_png(png(picture, factor=2 * factor), alt=alt, width_px=factor * values.shape[1])


def show_png(data: bytes, *, alt: str, width_px: int) -> None:
    """Show a PNG embedded in the page."""
    encoded = base64.b64encode(data).decode("ascii")
    st.image(f"data:image/png;base64,{encoded}", width=width_px, alt=alt)
