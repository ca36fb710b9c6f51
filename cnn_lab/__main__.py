"""The command line: ``python -m cnn_lab train | evaluate | predict | animate``.

With ``--json`` each command prints one JSON object as its last line.
"""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import click
import numpy as np

from cnn_lab import zoo
from cnn_lab.animate import animate
from cnn_lab.data import load_mnist
from cnn_lab.digits import Reading, prepare_digit
from cnn_lab.ink import ink_from_picture
from cnn_lab.network import Network
from cnn_lab.pictures import PictureError
from cnn_lab.spec import TrainingSpec, plain_error

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")


@click.group()
def main() -> None:
    """Train, judge and use the networks of CNN Lab; draw what its layers do."""


@main.command()
@click.option("--model", type=click.Choice(list(zoo.PRESETS)), default="paper", show_default=True)
@click.option("--epochs", type=int, help="Passes over the 54,000 images. Default: the preset's.")
@click.option("--batch-size", type=int, help="Images per step. Default: the preset's.")
@click.option("--learning-rate", type=float, help="Highest rate. Default: the preset's.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--engine", type=click.Choice(["keras"]), default="keras", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the finished run.")
@as_json
def train(
    *,
    model: str,
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    seed: int,
    engine: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """Train a preset on MNIST and read the test set once at the end."""
    preset = zoo.preset(model)
    asked = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    changes = {name: value for name, value in asked.items() if value is not None}
    try:
        training = TrainingSpec.model_validate(
            preset.training.model_dump() | changes | {"seed": seed}
        )
    except ValueError as error:
        raise click.BadParameter(plain_error(error)) from error

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from cnn_lab import keras_engine, training_loop
    from cnn_lab.training.store import save_run

    data = load_mnist()

    def report(event: training_loop.Report, _weights: object) -> None:
        if isinstance(event, training_loop.EpochReport):
            click.echo(
                f"epoch {event.epoch:2d}/{training.epochs}  loss {event.loss:.4f}  "
                f"accuracy {event.accuracy:.4f}  validation {event.val_accuracy:.4f}  "
                f"{event.n_images / event.seconds:,.0f} images/s",
                err=as_json,
            )

    network, history = keras_engine.train(preset.network, training, data, report=report)
    seconds = history[-1].seconds
    accuracy, errors = keras_engine.evaluate(keras_engine.to_keras(network), data.test)
    result = {
        "model": model,
        "test_accuracy": accuracy,
        "errors": errors,
        "n": len(data.test),
        "epochs": training.epochs,
        "seconds": round(seconds, 2),
        "images_per_second": round(training.epochs * len(data.train) / seconds, 1),
        "seed": seed,
        "engine": engine,
    }
    network.card = keras_engine.model_card(result, training, history)
    if out:
        rows = [dataclasses.asdict(row) for row in history]
        save_run(out, network=network, training=training, history=rows, result=result)
    _print(result, as_json, f"test accuracy {accuracy:.4f}, {errors} errors, {seconds:.0f} s")


@main.command()
@click.option("--model", default="paper", show_default=True, help="A name or a .safetensors file.")
@as_json
def evaluate(*, model: str, as_json: bool) -> None:
    """Count a network's errors on the 10,000 test images, in NumPy."""
    network = _load(model)
    test = load_mnist().test
    errors = int(np.count_nonzero(network.predict(test.images).argmax(axis=1) != test.labels))
    accuracy = 1 - errors / len(test)
    result = {"test_accuracy": accuracy, "errors": errors, "n": len(test)}
    _print(result, as_json, f"test accuracy {accuracy:.4f}, {errors} errors of {len(test):,}")


@main.command()
@click.option("--model", default="paper", show_default=True, help="A name or a .safetensors file.")
@click.argument("image", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
def predict(*, model: str, image: Path, as_json: bool) -> None:
    """Read the digit in a PNG, JPEG or WebP picture, in NumPy.

    Dark ink on light paper or light on dark; it is prepared as MNIST prepared its digits.
    """
    network = _load(model)
    try:
        prepared = prepare_digit(ink_from_picture(image.read_bytes()))
    except PictureError as error:
        raise click.BadParameter(str(error), param_hint="IMAGE") from error
    if prepared is None:
        raise click.BadParameter("Nothing is drawn in this picture.", param_hint="IMAGE")
    probabilities = network.predict(prepared[np.newaxis, ..., np.newaxis])[0]
    reading = Reading.of(probabilities)
    result = {"digit": reading.digit, "probabilities": probabilities.tolist()}
    _print(result, as_json, reading.sentence)


main.add_command(animate)


def _load(model: str) -> Network:
    try:
        return Network.load(model)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--model") from error


def _print(result: dict[str, Any], as_json: bool, sentence: str) -> None:
    click.echo(json.dumps(result) if as_json else sentence)


if __name__ == "__main__":
    main()
