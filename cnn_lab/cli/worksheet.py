"""Worksheets with answers: ``python -m cnn_lab worksheet``."""

from pathlib import Path
from typing import cast

import click

from cnn_lab.cli.common import as_json, print_result
from cnn_lab.teaching import QUESTIONS
from cnn_lab.teaching.questions.case import LEVELS, Level
from cnn_lab.teaching.worksheet import worksheet_html


@click.command()
@click.option(
    "--questions",
    required=True,
    metavar="NAME,NAME,...",
    help=f"What the sheets ask, in this order: {', '.join(QUESTIONS)}.",
)
@click.option(
    "--variants", type=int, default=1, show_default=True, help="How many sheets, 1 to 200."
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Number of the first sheet. The same number always gives the same sheet.",
)
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    default="alone",
    show_default=True,
    help="How much of each solution is printed.",
)
@click.option("--title", default="", help='On every page. Default: "Worksheet".')
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file, an HTML page to open in a browser and print.",
)
@as_json
def worksheet(
    questions: str, variants: int, seed: int, level: str, title: str, out: Path, as_json: bool
) -> None:
    """Write worksheets to print, each with other numbers, and their answers on the last pages."""
    names = [name.strip() for name in questions.split(",") if name.strip()]
    try:
        page = worksheet_html(
            names, seed=seed, variants=variants, level=cast(Level, level), title=title
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    content = page.encode()
    try:
        out.write_bytes(content)
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}.") from error
    result = {"out": str(out), "sheets": variants, "questions": names, "bytes": len(content)}
    sentence = f"{out}: {variants} × {len(names)} questions and their answers"
    print_result(result, as_json, sentence)
