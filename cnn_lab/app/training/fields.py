"""Controls for a run's settings, with separate keys for each preset.

Every preset has its own keys because it has its own defaults: switching to another preset and
back keeps all settings.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_lab.app.messages import explained
from cnn_lab.app.widgets.inputs import menu, real_number, whole_number
from cnn_lab.app.widgets.pictures import show_png
from cnn_lab.charts.maps import sharp_png
from cnn_lab.charts.snapshots import augmented_sheet, pens_sheet
from cnn_lab.content import prose
from cnn_lab.data.keras_here import needs_keras
from cnn_lab.data.mnist import DataError, as_images
from cnn_lab.data.regional_strokes import NINE
from cnn_lab.data.sets import INFO, load_data_set
from cnn_lab.network.spec import (
    Augmentation,
    DataSetName,
    OptimizerName,
    ScheduleName,
    TrainingSpec,
)
from cnn_lab.network.spec.training import USED_BY
from cnn_lab.runs.job import MAX_DROPOUT, MAX_EPOCHS, MAX_RATE
from cnn_lab.training.engine import ENGINES, EngineName

AS_BUILT = "as built"
NORMS = {name: name for name in (AS_BUILT, "everywhere", "none")}
DROPOUTS = {name: name for name in (AS_BUILT, "none", "0.1", "0.25", "0.5")}
DATA_SETS: dict[DataSetName, str] = {name: info.title for name, info in INFO.items()}
OPTIMIZERS: dict[OptimizerName, str] = {
    "sgd": "SGD",
    "adam": "Adam",
    "adamw": "AdamW",
    "rmsprop": "RMSprop",
    "muon": "Muon",
}
SCHEDULES: dict[ScheduleName, str] = {
    "constant": "constant",
    "step": "in steps",
    "exponential": "exponential",
    "cosine": "cosine",
    "one_cycle": "one cycle",
}
SHEET_PX = 230

# Field: (label, what is offered).
_MENUS: dict[str, tuple[str, Mapping[Any, str]]] = {
    "data_set": ("Data set", DATA_SETS),
    "engine": ("Engine", ENGINES),
    "optimizer": ("Optimizer", OPTIMIZERS),
    "schedule": ("Schedule", SCHEDULES),
    "norm": ("Batch normalization", NORMS),
    "dropout": ("Dropout", DROPOUTS),
}
# Field: (label, smallest, largest, help).
_WHOLE: dict[str, tuple[str, int, int, str]] = {
    "batch_size": ("Batch size", 1, 1024, "Images per weight update."),
    "epochs": ("Epochs", 1, MAX_EPOCHS, "Passes over the training images."),
    "seed": ("Seed", 0, 2**31 - 1, "Determines the initial weights and every random choice."),
    "shift": ("Shift", 0, 8, "Pixels, in any direction."),
}
# Field: (label, largest, step, help).
_REAL: dict[str, tuple[str, float, float, str]] = {
    "data_fraction": ("Share of the data", 1.0, 0.01, "Of the training images; 1 is all."),
    "label_smoothing": (
        "Label smoothing",
        0.5,
        0.01,
        "The share of each label that is spread over all classes.",
    ),
    "weight_averaging": (
        "Weight averaging",
        1.0,
        0.01,
        "0.99 evaluates and saves a running mean of the weights; 0 is off.",
    ),
    "momentum": ("Momentum", 1.0, 0.01, "SGD only."),
    "weight_decay": ("Weight decay", 1.0, 0.01, "AdamW and Muon only."),
    "dropout": ("Dropout", MAX_DROPOUT, 0.05, "The rate of every dropout layer."),
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
    "pens": (
        "Pen digits",
        0.5,
        0.05,
        "Share of each batch that a program draws, in ways to write that MNIST lacks.",
    ),
}
# Of the next run it may be anything that can be typed; a step of 0 is half of what it is.
_LIVE = {
    "learning_rate": (
        "Learning rate",
        MAX_RATE,
        0.0,
        "The highest rate of the schedule, which keeps its shape.",
    )
}
_MAIN_MENUS = ("data_set", "engine", "optimizer", "schedule")
_MAIN_WHOLE = ("batch_size", "epochs", "seed")
_MORE = ("data_fraction", "label_smoothing", "weight_averaging", "momentum", "weight_decay")
_BOUNDS = ("rotate", "scale", "shear", "elastic", "stroke", "light", "hands")


def setting_key(name: str, field: str) -> str:
    """Return the key and address parameter of a field in a preset's settings."""
    return f"training_{name}_{field}"


class Fields:
    """The settings of a preset: as fields, or as values until the fields are asked for.

    Parameters
    ----------
    name : str
        Of the preset.
    shown : bool
        Whether all fields are shown. If not, call the methods in a block of `only_read`.
    engines : sequence of {"keras", "numpy"}
        Those that can train here.
    """

    def __init__(self, name: str, *, shown: bool, engines: Sequence[EngineName]) -> None:
        self.name, self.shown, self.engines = name, shown, engines

    def main(
        self, defaults: TrainingSpec, usual_engine: EngineName
    ) -> tuple[dict[str, Any], EngineName]:
        """Return the most important settings: fields of the training, and the engine."""
        with self._two_abreast():
            fields = {
                field: self._menu(field, getattr(defaults, field, usual_engine))
                for field in _MAIN_MENUS
            }
            rate = defaults.learning_rate
            fields["learning_rate"] = real_number(
                "Learning rate",
                setting_key(self.name, "learning_rate"),
                value=rate,
                step=rate / 2,
            )
            fields |= {field: self._whole(field, getattr(defaults, field)) for field in _MAIN_WHOLE}
        if self.shown and "keras" not in self.engines:
            st.caption(explained(needs_keras("Another engine than NumPy")))
        engine: EngineName = fields.pop("engine")
        return fields, engine

    def switches(self) -> tuple[str, str]:
        """Return the two settings that rewrite the network: one of NORMS, one of DROPOUTS."""
        with self._two_abreast():
            return self._menu("norm", AS_BUILT), self._menu("dropout", AS_BUILT)

    def more(self, defaults: TrainingSpec, optimizer: OptimizerName) -> dict[str, Any]:
        """Return the settings that most runs leave unchanged, by field name.

        Momentum and weight decay are enabled for the optimizers that use them.
        """
        with self._two_abreast():
            return {
                field: self._real(
                    field,
                    getattr(defaults, field),
                    disabled=optimizer not in USED_BY.get(field, (optimizer,)),
                )
                for field in _MORE
            }

    def augmentation(self, defaults: TrainingSpec, data_set: DataSetName) -> dict[str, Any]:
        """Return the augmentation's bounds, and the share of pen digits; with example images.

        Parameters
        ----------
        defaults : TrainingSpec
        data_set : {"mnist", "fashion_mnist", "cifar10"}
            Its first test image is shown; its first 9 if regional strokes are on.
        """
        if self.shown:
            st.markdown("**Augmentation**")
            st.caption(prose("training", "augmentation"))
        with self._two_abreast():
            shift = self._whole("shift", defaults.augmentation.shift)
            bounds: dict[str, Any] = {"shift": shift}
            for bound in _BOUNDS:
                if bound == "hands" and data_set != "mnist":
                    continue  # clothes have no pen strokes
                bounds[bound] = self._real(bound, getattr(defaults.augmentation, bound))
            pens = self._real("pens", defaults.pens) if data_set == "mnist" else 0.0
        if self.shown:
            _show_sheet(bounds, data_set, self.engines)
            if pens:
                _show_pens()
        return {"augmentation": bounds, "pens": pens}

    def _two_abreast(self) -> AbstractContextManager[Any]:
        return _two_abreast() if self.shown else nullcontext()

    def _menu(self, field: str, default: Any) -> Any:
        label, options = _MENUS[field]
        return menu(
            label,
            list(self.engines if field == "engine" else options),
            setting_key(self.name, field),
            default=default,
            format_func=options.__getitem__,
        )

    def _whole(self, field: str, value: int) -> int:
        label, least, most, help_ = _WHOLE[field]
        key = setting_key(self.name, field)
        return whole_number(label, key, value=value, minimum=least, maximum=most, help=help_)

    def _real(self, field: str, value: float, *, disabled: bool = False) -> float:
        label, most, step, help_ = _REAL[field]
        return real_number(
            label,
            setting_key(self.name, field),
            value=value,
            step=step,
            minimum=0.0,
            maximum=most,
            disabled=disabled,
            help=help_,
        )


def live_key(field: str) -> str:
    """Return the key of a field that changes an active run."""
    return f"training_live_{field}"


def live_fields(now: Mapping[str, float]) -> None:
    """Show fields for settings of an active run, with their present values."""
    with _two_abreast():
        for field, value in now.items():
            if field in _WHOLE:
                label, least, most, help_ = _WHOLE[field]
                st.number_input(label, least, most, int(value), 1, key=live_key(field), help=help_)
            else:
                label, top, step, help_ = _LIVE.get(field) or _REAL[field]
                step = step or value / 2
                st.number_input(
                    label, 0.0, top, float(value), step, "%g", key=live_key(field), help=help_
                )


def no_images(error: DataError, data_set: DataSetName, engines: Sequence[EngineName]) -> str:
    """Return why there are no images of a data set, for a page; `engines` can train here."""
    if "keras" in engines:
        return explained(error)
    return explained(needs_keras(f"The download of {DATA_SETS[data_set]}"))


def _show_sheet(
    bounds: dict[str, Any], data_set: DataSetName, engines: Sequence[EngineName]
) -> None:
    try:
        settings = Augmentation(**bounds)
        if settings.active:
            data, width_px = _sheet(settings.model_dump_json(), data_set)
            show_png(data, alt="An image and eleven variants of it", width_px=width_px)
    except DataError as error:
        st.caption(no_images(error, data_set, engines))
    except ValueError as error:
        st.error(explained(error))


@st.cache_data(max_entries=64, show_spinner=False)
def _sheet(settings: str, data_set: DataSetName) -> tuple[bytes, int]:
    """Return a test image and eleven variants as a PNG, with its width on the page."""
    bounds, test = Augmentation.model_validate_json(settings), load_data_set(data_set).test
    index = int((test.labels == NINE).argmax()) if bounds.hands else 0
    image = as_images(test.pixels[index : index + 1])[0]
    picture = augmented_sheet(image, bounds, columns=4, digit=int(test.labels[index]))
    return sharp_png(picture, SHEET_PX)


def _show_pens() -> None:
    data, width_px = _pen_sheet()
    show_png(data, alt=prose("training", "pens"), width_px=width_px)
    st.caption(prose("training", "pens"))


@st.cache_data(max_entries=1, show_spinner=False)
def _pen_sheet() -> tuple[bytes, int]:
    """Return some pen digits as a PNG, with its width on the page."""
    return sharp_png(pens_sheet(columns=4), SHEET_PX)


def _two_abreast() -> DeltaGenerator:
    """Return a container that holds two fields per row, on a phone too."""
    return st.grid(2, min_column_width=80, vertical_alignment="bottom")
