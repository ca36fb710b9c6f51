"""The controls of a run's settings, each under a key of its preset.

Every preset has keys of its own, for its defaults are its own: going from one to another and
back finds everything as it was left.
"""

from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from cnn_lab.content import prose
from cnn_lab.data_sets import INFO
from cnn_lab.spec import (
    Augmentation,
    DataSetName,
    OptimizerName,
    ScheduleName,
    TrainingSpec,
)
from cnn_lab.training.job import MAX_EPOCHS, EngineName
from cnn_lab.ui.inputs import choice, whole_number

AS_BUILT: Literal["as built"] = "as built"
NORMS = (AS_BUILT, "everywhere", "none")
DROPOUTS = (AS_BUILT, "none", "0.1", "0.25", "0.5")
DATA_SETS: dict[DataSetName, str] = {name: info.title for name, info in INFO.items()}
ENGINES: dict[EngineName, str] = {"keras": "Keras", "numpy": "NumPy"}
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
_DECAYING = ("adamw", "muon")
# Bound: (label, largest, step, what it is).
_CHANGES: dict[str, tuple[str, float, float, str]] = {
    "rotate": ("Turn", 90.0, 5.0, "Degrees, either way."),
    "scale": ("Size", 0.5, 0.05, "0.1 is between nine tenths and eleven tenths."),
    "shear": ("Lean", 45.0, 5.0, "Degrees, either way."),
    "elastic": ("Rubber", 4.0, 0.5, "Pixels by which the image is pulled about like rubber."),
    "stroke": ("Stroke", 1.5, 0.25, "Pixels by which strokes become thicker or thinner."),
    "light": ("Light", 1.0, 0.1, "How much contrast and brightness vary."),
}


def setting_key(name: str, field: str) -> str:
    """Return the key, and address parameter, of a field among a preset's settings."""
    return f"training_{name}_{field}"


def one_of(label: str, options: Mapping[Any, str], key: str, default: Any) -> Any:
    """Show a menu of named options and return the one chosen."""
    names = list(options)
    return st.selectbox(
        label,
        names,
        index=names.index(default),
        format_func=options.__getitem__,
        key=key,
        bind="query-params",
    )


def data_and_engine(name: str, defaults: TrainingSpec) -> tuple[DataSetName, EngineName]:
    """Show what is learned from and who does the arithmetic, and return both."""
    left, right = st.columns(2, gap="small")
    with left:
        data_set = one_of("Data", DATA_SETS, setting_key(name, "data_set"), defaults.data_set)
    with right:
        engine = one_of("Engine", ENGINES, setting_key(name, "engine"), "keras")
    return data_set, engine


def main_fields(name: str, defaults: TrainingSpec) -> dict[str, Any]:
    """Show the settings that matter most and return them by their fields' names."""
    left, right = st.columns(2, gap="small")
    with left:
        fields = {
            "optimizer": one_of(
                "Optimizer", OPTIMIZERS, setting_key(name, "optimizer"), defaults.optimizer
            ),
            "learning_rate": _real(
                "Learning rate", name, "learning_rate", defaults.learning_rate, most=None
            ),
            "epochs": whole_number(
                "Epochs",
                setting_key(name, "epochs"),
                value=defaults.epochs,
                minimum=1,
                maximum=MAX_EPOCHS,
                help="Passes over the training images.",
            ),
        }
    with right:
        return fields | {
            "schedule": one_of(
                "Schedule", SCHEDULES, setting_key(name, "schedule"), defaults.schedule
            ),
            "batch_size": whole_number(
                "Batch size",
                setting_key(name, "batch_size"),
                value=defaults.batch_size,
                minimum=1,
                maximum=1024,
                help="Images between two steps downhill.",
            ),
            "seed": whole_number(
                "Seed",
                setting_key(name, "seed"),
                value=defaults.seed,
                minimum=0,
                maximum=2**31 - 1,
                help="Fixes the weights to begin with, and everything that is drawn.",
            ),
        }


def more_fields(name: str, defaults: TrainingSpec, optimizer: OptimizerName) -> dict[str, Any]:
    """Show what most runs leave alone, and return it by its fields' names.

    Momentum and weight decay are in reach for the optimizers that know them.
    """
    left, right = st.columns(2, gap="small")
    with left:
        fields = {
            "data_fraction": _real(
                "Share of the data", name, "data_fraction", defaults.data_fraction, most=1.0
            ),
            "label_smoothing": _real(
                "Label smoothing", name, "label_smoothing", defaults.label_smoothing, most=0.5
            ),
            "momentum": _real(
                "Momentum",
                name,
                "momentum",
                defaults.momentum,
                most=1.0,
                disabled=optimizer != "sgd",
                help="Of SGD.",
            ),
        }
    with right:
        return fields | {
            "weight_averaging": _real(
                "Weight averaging",
                name,
                "weight_averaging",
                defaults.weight_averaging,
                most=1.0,
                help="0.99 judges and keeps a running mean of the weights; 0 is off.",
            ),
            "weight_decay": _real(
                "Weight decay",
                name,
                "weight_decay",
                defaults.weight_decay,
                most=1.0,
                disabled=optimizer not in _DECAYING,
                help="Of AdamW and Muon.",
            ),
        }


def network_switches(name: str) -> tuple[str, str]:
    """Show the two switches that rewrite the network; return one of NORMS, one of DROPOUTS."""
    norm = choice("Batch normalization", NORMS, setting_key(name, "norm"))
    return norm, choice("Dropout", DROPOUTS, setting_key(name, "dropout"))


def augmentation_fields(name: str, defaults: Augmentation) -> dict[str, Any]:
    """Show how training images may be changed, and return the bounds by name."""
    st.caption(prose("training", "augmentation"))
    places = 4 * st.columns(2, gap="small")
    with places[0]:
        bounds: dict[str, Any] = {
            "shift": whole_number(
                "Shift",
                setting_key(name, "shift"),
                value=defaults.shift,
                minimum=0,
                maximum=8,
                help="Pixels, in every direction.",
            )
        }
    for place, (bound, (label, most, step, help_)) in zip(
        places[1:], _CHANGES.items(), strict=False
    ):
        with place:
            bounds[bound] = _real(
                label, name, bound, getattr(defaults, bound), most=most, step=step, help=help_
            )
    return bounds


def _real(
    label: str,
    name: str,
    field: str,
    value: float,
    *,
    most: float | None,
    step: float = 0.01,
    help: str | None = None,
    disabled: bool = False,
) -> float:
    """Show a field for a number; without `most`, whatever is typed is judged by the spec."""
    return st.number_input(
        label,
        min_value=None if most is None else 0.0,
        max_value=most,
        value=value,
        step=value / 2 if most is None else step,
        format="%g",
        key=setting_key(name, field),
        bind="query-params",
        help=help,
        disabled=disabled,
    )
