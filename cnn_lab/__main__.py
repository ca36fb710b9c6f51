"""The command line: ``python -m cnn_lab train | sweep | evaluate | predict | animate``.

With ``--json`` each command prints one JSON object as its last line.
"""

from pathlib import Path

import click
import numpy as np

from cnn_lab.animate import animate
from cnn_lab.commands.common import as_json, print_result
from cnn_lab.commands.sweep import sweep
from cnn_lab.commands.train import train
from cnn_lab.data import load_mnist
from cnn_lab.digits import prepare_digit
from cnn_lab.ink import ink_from_picture
from cnn_lab.network import Network
from cnn_lab.pictures import PictureError
from cnn_lab.verdict import judge


@click.group()
def main() -> None:
    """Train, judge and use the networks of CNN Lab; draw what its layers do."""


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
    print_result(result, as_json, f"test accuracy {accuracy:.4f}, {errors} errors of {len(test):,}")


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
    verdict, probabilities = judge(network, prepared)
    result = {"digit": verdict.digit, "probabilities": probabilities.tolist()}
    print_result(result, as_json, verdict.sentence)


for command in (train, sweep, animate):
    main.add_command(command)


def _load(model: str) -> Network:
    try:
        return Network.load(model)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--model") from error


if __name__ == "__main__":
    main()
