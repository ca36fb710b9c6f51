"""``python -m cnn_lab predict``: the digits in pictures."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from cnn_lab.cli.common import as_json, load_network, model_option, read_file
from cnn_lab.data.uploads import MAX_MB, MEGABYTE
from cnn_lab.digits import prepare_digit
from cnn_lab.digits.answer import Answer, answer_for
from cnn_lab.digits.photograph import ink_from_picture
from cnn_lab.network import Network, digit_problem

UNREAD = 2  # exit status if a picture could not be classified


@click.command()
@model_option
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@as_json
def predict(*, model: str, files: tuple[Path, ...], as_json: bool) -> None:
    """Classify the digit in each PNG, JPEG or WebP picture, in NumPy.

    Dark ink on light paper or light on dark; each picture is prepared as MNIST prepared its
    digits.

    With --json, each picture is one line: an object with file, digit, probabilities (of the
    digits 0 to 9) and doubt, which is null, "unsure" (two digits are about equally likely) or
    "no_digit" (it does not look like a digit). For a picture that cannot be classified it has
    file and error, and the command ends with status 2.
    """
    network = load_network(model)
    if problem := digit_problem(network.spec):
        raise click.BadParameter(problem, param_hint="--model")
    unread = False
    for path in files:
        try:
            answer, probabilities = _classify(network, path)
        except ValueError as error:
            unread = True
            if as_json:
                _print_line(path, {"error": str(error)})
            click.echo(f"{path}: {error}", err=True)
            continue
        if as_json:
            doubt = None if answer.kind == "sure" else answer.kind
            result = {"digit": answer.digit, "probabilities": probabilities, "doubt": doubt}
            _print_line(path, result)
        else:
            click.echo(f"{path}: {answer.sentence}" if len(files) > 1 else answer.sentence)
    if unread:
        sys.exit(UNREAD)


def _classify(network: Network, path: Path) -> tuple[Answer, list[float]]:
    """Return the answer for a picture; ValueError if it cannot be classified, with a message."""
    prepared = prepare_digit(ink_from_picture(read_file(path, MAX_MB * MEGABYTE)))
    if prepared is None:
        raise ValueError("Nothing is drawn in this picture.")
    answer, probabilities = answer_for(network, prepared)
    return answer, probabilities.tolist()


def _print_line(path: Path, result: Mapping[str, object]) -> None:
    click.echo(json.dumps({"file": str(path), **result}))
