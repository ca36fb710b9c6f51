"""``python -m cnn_lab predict``: the digit in a picture."""

from pathlib import Path

import click

from cnn_lab.cli.common import as_json, load_network, model_option, print_result
from cnn_lab.data.uploads import PictureError
from cnn_lab.digits import prepare_digit
from cnn_lab.digits.answer import answer_for
from cnn_lab.digits.photograph import ink_from_picture


@click.command()
@model_option
@click.argument("image", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
def predict(*, model: str, image: Path, as_json: bool) -> None:
    """Classify the digit in a PNG, JPEG or WebP picture, in NumPy.

    Dark ink on light paper or light on dark; the picture is prepared as MNIST prepared its digits.
    """
    network = load_network(model)
    try:
        prepared = prepare_digit(ink_from_picture(image.read_bytes()))
    except PictureError as error:
        raise click.BadParameter(str(error), param_hint="IMAGE") from error
    if prepared is None:
        raise click.BadParameter("Nothing is drawn in this picture.", param_hint="IMAGE")
    answer, probabilities = answer_for(network, prepared)
    result = {"digit": answer.digit, "probabilities": probabilities.tolist()}
    print_result(result, as_json, answer.sentence)
