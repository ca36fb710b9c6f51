"""The controls of a run's settings, each under a key of its preset.

Every preset has keys of its own, for its defaults are its own: going from one to another and
back finds everything as it was left.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_lab.app.widgets.inputs import whole_number
from cnn_lab.data.sets import INFO
from cnn_lab.network.spec import DataSetName, OptimizerName, ScheduleName, TrainingSpec
from cnn_lab.runs.job import MAX_EPOCHS
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
_DECAYING = ("adamw", "muon")


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


def main_fields(name: str, defaults: TrainingSpec) -> tuple[dict[str, Any], EngineName]:
    """Show the settings that matter most; return fields of the training, and who trains."""
    with two_abreast():
        data_set = one_of("Data set", DATA_SETS, setting_key(name, "data_set"), defaults.data_set)
        engine: EngineName = one_of("Engine", ENGINES, setting_key(name, "engine"), "keras")
        optimizer = one_of(
            "Optimizer", OPTIMIZERS, setting_key(name, "optimizer"), defaults.optimizer
        )
        schedule = one_of("Schedule", SCHEDULES, setting_key(name, "schedule"), defaults.schedule)
        rate = real_setting(
            "Learning rate", name, "learning_rate", defaults.learning_rate, most=None
        )
        batch_size = whole_number(
            "Batch size",
            setting_key(name, "batch_size"),
            value=defaults.batch_size,
            minimum=1,
            maximum=1024,
            help="Images per weight update.",
        )
        epochs = whole_number(
            "Epochs",
            setting_key(name, "epochs"),
            value=defaults.epochs,
            minimum=1,
            maximum=MAX_EPOCHS,
            help="Passes over the training images.",
        )
        seed = whole_number(
            "Seed",
            setting_key(name, "seed"),
            value=defaults.seed,
            minimum=0,
            maximum=2**31 - 1,
            help="Determines the initial weights and every random choice.",
        )
    fields = {
        "data_set": data_set,
        "optimizer": optimizer,
        "schedule": schedule,
        "learning_rate": rate,
        "batch_size": batch_size,
        "epochs": epochs,
        "seed": seed,
    }
    return fields, engine


def more_fields(name: str, defaults: TrainingSpec, optimizer: OptimizerName) -> dict[str, Any]:
    """Show what most runs leave alone, and return it by its fields' names.

    Momentum and weight decay are in reach for the optimizers that know them.
    """
    labels: dict[str, tuple[str, float, bool, str]] = {
        "data_fraction": ("Share of the data", 1.0, True, "Of the training images; 1 is all."),
        "label_smoothing": (
            "Label smoothing",
            0.5,
            True,
            "The share of each label that is spread over all classes.",
        ),
        "weight_averaging": (
            "Weight averaging",
            1.0,
            True,
            "0.99 evaluates and saves a running mean of the weights; 0 is off.",
        ),
        "momentum": ("Momentum", 1.0, optimizer == "sgd", "SGD only."),
        "weight_decay": (
            "Weight decay",
            1.0,
            optimizer in _DECAYING,
            "AdamW and Muon only.",
        ),
    }
    with two_abreast():
        return {
            field: real_setting(
                label,
                name,
                field,
                getattr(defaults, field),
                most=most,
                help=help_,
                disabled=not known,
            )
            for field, (label, most, known, help_) in labels.items()
        }


def network_switches(name: str) -> tuple[str, str]:
    """Show the two switches that rewrite the network; return one of NORMS, one of DROPOUTS."""
    with two_abreast():
        norm = one_of("Batch normalization", NORMS, setting_key(name, "norm"), AS_BUILT)
        dropout = one_of("Dropout", DROPOUTS, setting_key(name, "dropout"), AS_BUILT)
    return norm, dropout


def two_abreast() -> DeltaGenerator:
    """Return a place for fields in pairs, on a phone too."""
    return st.grid(2, min_column_width=80, vertical_alignment="bottom")


def real_setting(
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
