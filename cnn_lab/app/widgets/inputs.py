"""Controls that pages share: numbers, pairs of numbers, padding and the image."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, TypeVar

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_lab.app.caches import test_digits
from cnn_lab.app.widgets.matrix import editable_matrix, editing
from cnn_lab.data.teaching_images import densest_crop, stroke_image
from cnn_lab.ops.types import PAD_MODES, Array, Padding, PadMode

PaddingName = Literal["valid", "same", "full"]
_Option = TypeVar("_Option", bound=str)

PADDING_NAMES: tuple[PaddingName, ...] = ("valid", "same", "full")
MAX_SIDE = 12
MAX_MAGNITUDE = 1e6
CROPS = (8, 14, 20, 28)
MAX_BORDER = 9
SOURCES = ("numbers", "digit")
SIDES = ("top", "bottom", "left", "right")
PAD_MODE_LABELS: dict[PadMode, str] = {
    "zeros": "zeros",
    "reflect": "the image mirrored",
    "edge": "its edge repeated",
    "wrap": "its far side",
}
REPEATED = "A larger image, a smaller window, less padding or padding with zeros would fit."
LARGER = "A larger image, a smaller window or more padding would fit."
CHANNEL_NAMES = ("red", "green", "blue", "grey")


def image_controls(page: str, *, channels: int = 1, side: int = 6) -> Array:
    """Show the controls of the input image of a page and return the image.

    Parameters
    ----------
    page : str
        Prefix of all keys, which are also the address parameters.
    channels : int
        1, 3 for red, green and blue, or 4 for these and grey; a digit repeats its one channel.
    side : int
        Initial rows and columns of the small numbers.

    Returns
    -------
    ndarray of float64, shape (rows, columns, channels)
        0 to 9 for small numbers, 0 to 255 or 0 to 1 for a digit, anything finite once edited.
    """
    return sourced_image(image_source(page), page, channels=channels, side=side)


def choice(
    label: str,
    options: Sequence[_Option],
    key: str,
    *,
    default: _Option | None = None,
    hidden: bool = False,
    width: Literal["stretch", "content"] = "stretch",
    help: str | None = None,
    on_change: Callable[..., None] | None = None,
    args: tuple[Any, ...] = (),
) -> _Option:
    """Show a row of options and return the chosen one.

    Parameters
    ----------
    label : str
    options : sequence of str
    key : str
        Of the widget, which is the address parameter too.
    default : str, optional
        The one preselected; by default the first.
    hidden : bool
        Whether only screen readers get the label.
    width : {"stretch", "content"}
    help, on_change, args
        As Streamlit's widgets take them.
    """
    return st.segmented_control(
        label,
        options,
        default=options[0] if default is None else default,
        required=True,
        key=key,
        bind="query-params",
        help=help,
        label_visibility="collapsed" if hidden else "visible",
        width=width,
        on_change=on_change,
        args=args,
    )


def image_source(page: str, sources: Sequence[str] = SOURCES) -> str:
    """Show the source of an input image, key `<page>_input`, and return it."""
    return choice("Image", sources, f"{page}_input")


def sourced_image(source: str, page: str, *, channels: int, side: int = 6) -> Array:
    """Show the controls of one of `SOURCES` and return the image, as `image_controls` does."""
    if source == "digit":
        return np.repeat(_digit(page), channels, axis=2)
    return _numbers(page, channels, side)


def crop_side(page: str) -> int:
    """Show the side length of the part to play, key `<page>_crop`, and return it."""
    return st.selectbox(
        "Side length in pixels", CROPS, index=1, key=f"{page}_crop", bind="query-params"
    )


def whole_number(
    label: str, key: str, *, value: int, minimum: int, maximum: int, help: str | None = None
) -> int:
    """Show a number field and return its value, limited in Python as well."""
    entered = st.number_input(
        label,
        min_value=minimum,
        max_value=maximum,
        # Streamlit warns if both a default and the session give a value.
        value="min" if value == minimum else value,
        step=1,
        key=key,
        bind="query-params",
        help=help,
    )
    return int(min(max(entered, minimum), maximum))


def real_number(label: str, key: str, *, value: float, step: float) -> float:
    """Show a number field from -1,000,000 to 1,000,000 and return its value."""
    entered = st.number_input(
        label,
        min_value=-MAX_MAGNITUDE,
        max_value=MAX_MAGNITUDE,
        value=value,
        step=step,
        format="%g",
        key=key,
        bind="query-params",
    )
    return min(max(entered, -MAX_MAGNITUDE), MAX_MAGNITUDE)


def apart_toggle(page: str) -> bool:
    """Show the switch that separates rows and columns, key `<page>_apart`."""
    return st.toggle("Separate rows and columns", key=f"{page}_apart", bind="query-params")


def pair_number(
    label: str, key: str, *, value: int, minimum: int, maximum: int, apart: bool = False
) -> tuple[int, int]:
    """Show one number field for both axes, or one for each, and return (rows, columns).

    Parameters
    ----------
    label : str
        Name of both numbers, for example "Stride".
    key : str
        Key of the first field; the second one has `<key>_columns`.
    value, minimum, maximum : int
        Initial value and limits of both fields.
    apart : bool
        Whether columns have their own field, from `apart_toggle`.
    """
    field = partial(whole_number, value=value, minimum=minimum, maximum=maximum)
    if not apart:
        both = field(label, key)
        return both, both
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        rows = field(f"{label}, rows", key)
    with right:
        columns = field(f"{label}, columns", f"{key}_columns")
    return rows, columns


def padding_control(page: str, *, names: Sequence[PaddingName] = PADDING_NAMES) -> Padding:
    """Show the choice of padding and return it.

    Parameters
    ----------
    page : str
        Prefix of the keys: `<page>_padding`, and `<page>_top` to `<page>_right`.
    names : sequence of {"valid", "same", "full"}
        Options of the operation, the default first; custom padding of 0 to 9 pixels per side
        is always offered.
    """
    offered: list[PaddingName | Literal["own"]] = [*names, "own"]
    chosen = st.segmented_control(
        "Padding",
        offered,
        default=names[0],
        required=True,
        key=f"{page}_padding",
        bind="query-params",
        width="stretch",
    )
    if chosen != "own":
        return chosen
    top, bottom, left, right = (
        _border(place, side, f"{page}_{side}")
        for place, side in zip(2 * st.columns(2), SIDES, strict=True)
    )
    return (top, bottom), (left, right)


def _border(place: DeltaGenerator, side: str, key: str) -> int:
    with place:
        return whole_number(side.capitalize(), key, value=1, minimum=0, maximum=MAX_BORDER)


def pad_mode_control(page: str) -> PadMode:
    """Show the choice of padding mode, key `<page>_pad_mode`, and return it."""
    return st.selectbox(
        "Padding values",
        PAD_MODES,
        format_func=PAD_MODE_LABELS.__getitem__,
        key=f"{page}_pad_mode",
        bind="query-params",
    )


def does_not_fit(
    error: ValueError, *, pad_mode: PadMode = "zeros", remedy: str | None = None
) -> None:
    """Show why settings cannot be combined, and what would fit.

    Parameters
    ----------
    error : ValueError
        Error of the operation; its message says what is required and what was received.
    pad_mode : {"zeros", "reflect", "edge", "wrap"}
        Mode of the padding; "reflect" and "wrap" need an image that is large enough.
    remedy : str, optional
        Sentence on what would be allowed, if the problem is not the window.
    """
    fitting = REPEATED if pad_mode in ("reflect", "wrap") else LARGER
    st.error(f"{error}. {remedy or fitting}", title="This does not fit")


def _numbers(page: str, channels: int, side: int) -> Array:
    left, right = st.columns(2)
    with left:
        rows = whole_number("Rows", f"{page}_rows", value=side, minimum=1, maximum=MAX_SIDE)
    with right:
        columns = whole_number(
            "Columns", f"{page}_columns", value=side, minimum=1, maximum=MAX_SIDE
        )
    seed = f"{page}_seed"
    drawn = stroke_image(
        rows,
        columns,
        channels=channels,
        seed=whole_number(
            "Stroke",
            seed,
            value=0,
            minimum=0,
            maximum=9999,
            help="Each number draws a different soft stroke.",
        ),
    )
    popover = editing("Edit the numbers", f"{page}_edit_image")
    layers = [
        editable_matrix(
            f"{page}_values" if channels == 1 else f"{page}_values_{name}",
            drawn[..., channel],
            popover,
            label="Image" if channels == 1 else f"Image, {name}",
            max_rows=MAX_SIDE,
            max_columns=MAX_SIDE,
        )
        for channel, name in enumerate(CHANNEL_NAMES[:channels])
    ]
    if len({layer.shape for layer in layers}) > 1:
        st.warning("All channels must have the same size; the stroke is shown instead.")
        return drawn
    return np.stack(layers, axis=-1)


def _digit(page: str) -> Array:
    digits = test_digits()
    left, right = st.columns(2)
    with left:
        index = whole_number(
            "Test image", f"{page}_digit", value=0, minimum=0, maximum=len(digits) - 1
        )
    with right:
        crop = crop_side(page)
    white = st.segmented_control(
        "White is",
        [255, 1],
        default=255,
        required=True,
        key=f"{page}_white",
        bind="query-params",
        help="MNIST stores whole numbers from 0 to 255; networks receive them divided by 255.",
        width="stretch",
    )
    image = digits.pixels[index][..., np.newaxis] / (255 / white)
    return densest_crop(image, crop)
