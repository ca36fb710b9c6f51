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
from cnn_lab.digits.photograph import FoundDigits, find_digits, ink_from_picture
from cnn_lab.digits.sheet import ReadSheet, read_sheet
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
@click.option("--all", "whole", is_flag=True, help="Read all digits in each picture, in rows.")
@as_json
def predict(*, model: str, files: tuple[Path, ...], whole: bool, as_json: bool) -> None:
    """Classify the digit in each PNG, JPEG or WebP picture, in NumPy.

    Dark ink on light paper or light on dark; each picture is prepared as MNIST prepared its
    digits.

    With --json, each picture is one line: an object with file, digit, probabilities (of the
    digits 0 to 9) and doubt, which is null, "unsure" (two digits are about equally likely) or
    "no_digit" (it does not look like a digit). For a picture that cannot be classified it has
    file and error, and the command ends with status 2.

    With --all, each picture is a sheet: it is printed as rows of text, with a space between two
    numbers, "4/9" for a digit that may be either (in brackets inside a number) and "?" for a shape
    that does not look like a digit. Notes about doubt and a sheet that may lie upside down go to
    the error stream. A sheet is not turned by the command. With --all and --json, each picture
    is one line: an object with file, text (the rows), size (width and height of the sheet as it
    was cut out, in pixels), upside_down (whether fewer digits are in doubt if it is turned),
    complete (false if there are more than 250 shapes) and rows: a list of rows, each a list of
    numbers, each a list of digits with digit, runner_up, probabilities, doubt and frame (left,
    top, right and lower edge). In a digit whose ink is too faint, digit, runner_up and
    probabilities are null and doubt is "no_digit".
    """
    network = load_network(model)
    if problem := digit_problem(network.spec):
        raise click.BadParameter(problem, param_hint="--model")
    unread = False
    for path in files:
        try:
            if whole:
                _print_sheet(network, path, as_json=as_json, named=len(files) > 1)
                continue
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


def _print_sheet(network: Network, path: Path, *, as_json: bool, named: bool) -> None:
    """Print a sheet as it is read; ValueError if nothing is found, with a message."""
    found = find_digits(read_file(path, MAX_MB * MEGABYTE), whole=True)
    sheet = read_sheet(found, network)
    if as_json:
        _print_line(path, _sheet_object(found, sheet))
        return
    if named:
        click.echo(f"{path}:")
    click.echo("\n".join(sheet.lines))
    if sheet.n_doubtful:
        click.echo(f"{path}: {sheet.n_doubtful} of {len(sheet.digits)} in doubt.", err=True)
    if sheet.is_better_turned:
        note = "Turned upside down, fewer digits are in doubt. Does the sheet lie the wrong way up?"
        click.echo(f"{path}: {note}", err=True)
    if not found.is_complete:
        note = "There are more shapes than can be read at once; only the largest were read."
        click.echo(f"{path}: {note}", err=True)


def _sheet_object(found: FoundDigits, sheet: ReadSheet) -> Mapping[str, object]:
    def of(place: int) -> Mapping[str, object]:
        one = sheet.digits[place]
        doubt = None if not one.is_doubtful else one.answer.kind if one.answer else "no_digit"
        return {
            "digit": one.answer and one.answer.digit,
            "runner_up": one.answer and one.answer.runner_up,
            "probabilities": None if one.probabilities is None else one.probabilities.tolist(),
            "doubt": doubt,
            "frame": list(map(int, one.frame)),
        }

    height, width = found.view.shape[:2]
    return {
        "text": "\n".join(sheet.lines),
        "size": [width, height],
        "upside_down": sheet.is_better_turned,
        "complete": found.is_complete,
        "rows": [[[of(place) for place in number] for number in row] for row in sheet.rows],
    }


def _print_line(path: Path, result: Mapping[str, object]) -> None:
    click.echo(json.dumps({"file": str(path), **result}))
