"""Options for a network and its training, and the recipe that they describe."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from cnn_lab.cli.common import read_file
from cnn_lab.data.keras_here import has_keras, needs_keras
from cnn_lab.network import zoo
from cnn_lab.network.spec import (
    Augmentation,
    DataSetName,
    NetworkSpec,
    OptimizerName,
    ScheduleName,
    TrainingSpec,
    plain_error,
)
from cnn_lab.network.spec.recipe import MAX_BYTES, Recipe
from cnn_lab.training.engine import EngineName

Command = TypeVar("Command", bound=Callable[..., Any])

_FIRST = "paper"
_OPTIONS = (
    click.option(
        "--model",
        type=click.Choice(list(zoo.PRESETS)),
        help=f"A preset: network and training.  [default: {_FIRST}]",
    ),
    click.option(
        "--spec",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A JSON file with a network and its training instead, such as a run's spec.json.",
    ),
    click.option("--epochs", type=int, help="Passes over the training images."),
    click.option("--batch-size", type=int, help="Images per step."),
    click.option("--optimizer", type=click.Choice(get_args(OptimizerName))),
    click.option("--learning-rate", type=float, help="Highest learning rate of the schedule."),
    click.option("--schedule", type=click.Choice(get_args(ScheduleName))),
    click.option("--momentum", type=float, help="For sgd."),
    click.option("--weight-decay", type=float, help="For adamw and muon."),
    click.option(
        "--label-smoothing", type=float, help="Share of each label spread over all classes."
    ),
    click.option("--weight-averaging", type=float, help="Momentum of the average; 0 is none."),
    click.option("--data-set", type=click.Choice(get_args(DataSetName))),
    click.option("--data-fraction", type=float, help="Share of the training images, above 0."),
    click.option(
        "--augment",
        "augment",
        multiple=True,
        metavar="NAME=AMOUNT",
        help=f"Change images: {', '.join(Augmentation.model_fields)}. May be repeated.",
    ),
    click.option("--seed", type=int, help="Determines every random choice."),
    click.option(
        "--engine",
        type=click.Choice(get_args(EngineName)),
        help="Engine that trains. KERAS_BACKEND selects the backend of Keras.  [default: keras, or "
        "numpy where Keras is not installed]",
    ),
)


def engine_of(asked: EngineName | None, *, elsewhere: bool = False) -> EngineName:
    """Return the engine asked for, by default Keras or, where that is not installed, NumPy.

    Parameters
    ----------
    asked : {"keras", "numpy"}, optional
    elsewhere : bool
        Whether workers of a scheduler train, which have Keras.

    Raises
    ------
    click.BadParameter
        If Keras is asked for and not installed.
    """
    if elsewhere or has_keras():
        return asked or "keras"
    if asked == "keras":
        raise click.BadParameter(needs_keras("This engine"), param_hint="--engine")
    return "numpy"


def training_options(command: Command) -> Command:
    """Add the options for a network and its training to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def recipe_of(
    model: str | None,
    spec: Path | None,
    augment: Sequence[str],
    network: NetworkSpec | None = None,
    **fields: object,
) -> Recipe:
    """Return the recipe of the options: a preset or a file, with the given changes.

    Parameters
    ----------
    model, spec, augment
        As given; at most one of the first two.
    network : NetworkSpec, optional
        To train if neither of the first two is given, with the training of its preset if it is one.
    **fields
        Of the training; None keeps the value of the preset or the file.

    Raises
    ------
    click.BadParameter
        If the options contradict each other, or the file is invalid; with a message.
    """
    if model and spec:
        raise click.BadParameter("Give either --model or --spec, not both.")
    if spec:
        recipe = _from_file(spec)
    elif model is None and network is not None:
        presets = (_preset(name) for name in zoo.PRESETS)
        new = Recipe(network=network, training=TrainingSpec())
        recipe = next((preset for preset in presets if preset.network == network), new)
    else:
        recipe = _preset(model or _FIRST)
    changes = {name: value for name, value in fields.items() if value is not None}
    if augment:
        changes["augmentation"] = dict(map(_named_amount, augment))
    try:
        training = TrainingSpec.model_validate(recipe.training.model_dump() | changes)
    except ValueError as error:
        raise click.BadParameter(plain_error(error)) from error
    return Recipe(network=recipe.network, training=training)


def _preset(name: str) -> Recipe:
    preset = zoo.preset(name)
    return Recipe(network=preset.network, training=preset.training)


def _from_file(path: Path) -> Recipe:
    try:
        return Recipe.from_json(read_file(path, MAX_BYTES))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--spec") from error


def _named_amount(text: str) -> tuple[str, str]:
    name, equals, amount = text.partition("=")
    if not equals:
        raise click.BadParameter(
            f"Write --augment NAME=AMOUNT, such as --augment shift=2. Received: {text!r}"
        )
    return name, amount
