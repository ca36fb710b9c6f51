"""How training images may be changed, and what the network then sees."""

from typing import Any

import streamlit as st

from cnn_lab.app.training.fields import real_setting, setting_key, two_abreast
from cnn_lab.app.widgets.inputs import whole_number
from cnn_lab.app.widgets.pictures import show_png
from cnn_lab.charts.maps import png
from cnn_lab.charts.snapshots import augmented_sheet
from cnn_lab.content import prose
from cnn_lab.data.mnist import DataError, as_images
from cnn_lab.data.regional_strokes import NINE
from cnn_lab.data.sets import load_data_set
from cnn_lab.network.spec import Augmentation, DataSetName, plain_error

SHEET_PX = 230
# Bound: (label, largest, step, what it is).
_BOUNDS: dict[str, tuple[str, float, float, str]] = {
    "rotate": ("Rotation", 90.0, 5.0, "Degrees, in either direction."),
    "scale": ("Scale", 0.5, 0.05, "0.1 means 0.9 to 1.1 times the size."),
    "shear": ("Shear", 45.0, 5.0, "Degrees, in either direction."),
    "elastic": ("Elastic", 4.0, 0.5, "Pixels by which the image is distorted smoothly."),
    "stroke": ("Stroke width", 1.5, 0.25, "Pixels by which strokes become thicker or thinner."),
    "light": ("Light", 1.0, 0.1, "How much contrast and brightness vary."),
    "hands": (
        "Regional strokes",
        1.0,
        0.1,
        "Share of ones that get an upstroke and of nines whose tail swings to the left.",
    ),
}


def augmentation_fields(name: str, defaults: Augmentation, data_set: DataSetName) -> dict[str, Any]:
    """Show how training images may be changed and what comes of it; return the bounds by name.

    Parameters
    ----------
    name : str
        Of the preset whose settings they are.
    defaults : Augmentation
    data_set : {"mnist", "fashion_mnist", "cifar10"}
        Whose first test image is shown; its first 9 where hands differ.
    """
    st.caption(prose("training", "augmentation"))
    with two_abreast():
        bounds: dict[str, Any] = {
            "shift": whole_number(
                "Shift",
                setting_key(name, "shift"),
                value=defaults.shift,
                minimum=0,
                maximum=8,
                help="Pixels, in any direction.",
            )
        }
        for bound, (label, most, step, help_) in _BOUNDS.items():
            if bound == "hands" and data_set != "mnist":
                continue  # an upstroke would do nothing for a pair of trousers
            bounds[bound] = real_setting(
                label, name, bound, getattr(defaults, bound), most=most, step=step, help=help_
            )
    _show_sheet(bounds, data_set)
    return bounds


def _show_sheet(bounds: dict[str, Any], data_set: DataSetName) -> None:
    try:
        settings = Augmentation(**bounds)
        if settings.active:
            data, width_px = _sheet(settings.model_dump_json(), data_set)
            show_png(data, alt="An image and eleven variants of it", width_px=width_px)
    except DataError as error:
        st.caption(str(error))
    except ValueError as error:
        st.error(plain_error(error))


@st.cache_data(max_entries=64, show_spinner=False)
def _sheet(settings: str, data_set: DataSetName) -> tuple[bytes, int]:
    """Return a test image and eleven variants as a PNG, with its width on the page."""
    bounds, test = Augmentation.model_validate_json(settings), load_data_set(data_set).test
    index = int((test.labels == NINE).argmax()) if bounds.hands else 0
    image = as_images(test.pixels[index : index + 1])[0]
    picture = augmented_sheet(image, bounds, columns=4, digit=int(test.labels[index]))
    factor = max(1, round(SHEET_PX / picture.shape[1]))
    return png(picture, factor=2 * factor), factor * picture.shape[1]
