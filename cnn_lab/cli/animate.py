"""``python -m cnn_lab animate``: an operation with any settings, as a file."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click
from click.core import ParameterSource

from cnn_lab.cli.operations import MAX_PIXELS_A_SIDE, OPERATIONS, Settings
from cnn_lab.data.kernels import KERNELS, MAX_SIZE
from cnn_lab.data.teaching_images import parse_matrix
from cnn_lab.ops.activations import ACTIVATIONS
from cnn_lab.ops.types import PAD_MODES, Array, Padding, Pair
from cnn_lab.stage.export import export_csv, export_gif, export_html, export_png, gif_steps
from cnn_lab.stage.render import THEMES
from cnn_lab.trace import Form, Trace

PADDING_WORDS: tuple[Padding, ...] = ("valid", "same", "full")
FORMATS = (".gif", ".html", ".png", ".csv")


def _size(context: click.Context, param: click.Parameter, text: str | None) -> Pair | None:
    """Parse one number for rows and columns, or two: "3" or "3x2"."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,6})(?:x(\d{1,6}))?", text.strip().lower())
    if not found:
        raise click.BadParameter(f"{text!r} is not a size; write 6, or 6x5 for rows and columns.")
    return int(found[1]), int(found[2] or found[1])


def _padding(context: click.Context, param: click.Parameter, text: str | None) -> Padding | None:
    """Parse a padding: a name, one number, or four for top, bottom, left and right."""
    if text is None:
        return None
    for word in PADDING_WORDS:
        if text == word:
            return word
    if not re.fullmatch(r"\d{1,4}(,\d{1,4}){3}|\d{1,4}", text):
        raise click.BadParameter(
            f"{text!r} is not a padding; write valid, same, full, 1, or 0,1,0,1 for top, bottom, "
            "left and right."
        )
    first, *others = map(int, text.split(","))
    return ((first, others[0]), (others[1], others[2])) if others else first


def _matrix(context: click.Context, param: click.Parameter, text: str | None) -> Array | None:
    """Parse rows of numbers: "1 2; 3 4"."""
    if text is None:
        return None
    most = MAX_SIZE if param.name == "weights" else MAX_PIXELS_A_SIDE
    try:
        return parse_matrix(text, max_rows=most, max_columns=most)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


SIZE: dict[str, Any] = {"callback": _size, "metavar": "N|RxC"}
MATRIX: dict[str, Any] = {"callback": _matrix, "metavar": '"1 2; 3 4"'}


@click.command()
@click.argument("operation", type=click.Choice(list(OPERATIONS)), metavar="OPERATION")
@click.option("--input", **SIZE, help="Size of the image. Default: 6.")
@click.option("--values", **MATRIX, help="Your own image instead.")
@click.option("--kernel", **SIZE, help="Size of the kernel. Default: 3.")
@click.option(
    "--kernel-name",
    "kernel_names",
    type=click.Choice(list(KERNELS)),
    multiple=True,
    help="A named kernel; may be repeated, once per filter.",
)
@click.option("--weights", **MATRIX, help="Your own kernel instead.")
@click.option("--gradient", **MATRIX, help="The output gradient. Default: small numbers.")
@click.option("--strides", **SIZE, help="Default: 1; for pooling, the window.")
@click.option(
    "--padding",
    callback=_padding,
    metavar="valid|same|full|N|T,B,L,R",
    help="Default: valid. Four numbers are top, bottom, left and right.",
)
@click.option("--dilation", "dilation_rate", **SIZE, help="Default: 1.")
@click.option("--groups", type=int, help="Default: 1.")
@click.option("--channels", type=int, help="Default: 1.")
@click.option("--filters", type=int, help="Default: 1.")
@click.option(
    "--flip",
    "flip_kernel",
    is_flag=True,
    help="True convolution: rotate the kernel by 180 degrees.",
)
@click.option("--pad-mode", type=click.Choice(PAD_MODES), help="What the padding contains.")
@click.option("--bias", type=float)
@click.option("--activation", type=click.Choice(list(ACTIVATIONS)), help="Follows a convolution.")
@click.option("--pool", "pool_size", **SIZE, help="Size of the pooling window. Default: 2.")
@click.option(
    "--count-include-pad", is_flag=True, help="Divide by the whole window, padding included."
)
@click.option("--form", type=click.Choice(get_args(Form)), help="How a gradient is shown.")
@click.option("--seed", type=click.IntRange(0), help="Selects another random image. Default: 0.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file, .gif, .html, .png or .csv.",
)
@click.option(
    "--step",
    type=int,
    help="Step of a picture, or first step of a page; 0 is the first, -1 the last.",
)
@click.option(
    "--theme", type=click.Choice([*THEMES, "auto"]), help="Colours. Default: auto, for a page."
)
@click.option("--seconds-per-step", type=float, help="For a GIF. Default: 0.8.")
@click.option("--width", "width_px", type=int, help="For a GIF or PNG, in pixels. Default: 1080.")
@click.option("--title", help="Title of a page. Default: what it shows.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
@click.pass_context
def animate(
    context: click.Context, /, *, operation: str, out: Path, as_json: bool, **options: Any
) -> None:
    """Draw an operation step by step, as a GIF, a page with a player, a picture or a table.

    OPERATION is conv, max-pool, average-pool, transpose, kernel-gradient, input-gradient,
    bias-gradient, max-pool-gradient or average-pool-gradient.
    """
    given = {
        param.name: options[param.name]
        for param in context.command.params
        if param.name in options
        and context.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
    }
    suffix = out.suffix.lower()
    if suffix not in WRITERS:
        raise click.BadParameter(
            f"The name must end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}.", param_hint="--out"
        )
    write, own = WRITERS[suffix]
    known = OPERATIONS[operation].settings
    for name in sorted(given.keys() - known - own):
        belongs = "operation" if name in _ALL_SETTINGS else "file"
        what = operation if belongs == "operation" else suffix
        raise click.UsageError(f"{_flag(context, name)} does not apply to {what}.")
    for instead, sizes in (("values", {"input", "seed"}), ("weights", {"kernel", "kernel_names"})):
        for name in sorted(given.keys() & sizes if instead in given else ()):
            pair = f"{_flag(context, instead)} and {_flag(context, name)}"
            raise click.UsageError(f"Give either {pair}, not both.")
    chosen = {name: value for name, value in given.items() if name in known}
    try:
        trace = OPERATIONS[operation].trace(Settings(**chosen))
        content = write(trace, _words(context, operation, chosen), given)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        out.write_bytes(content)
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}.") from error
    result = {"out": str(out), "steps": len(trace), "bytes": len(content)}
    sentence = f"{out}: {len(trace)} steps, {len(content) / 1000:,.0f} KB"
    click.echo(json.dumps(result) if as_json else sentence)


def _write_gif(trace: Trace, words: str, given: dict[str, Any]) -> bytes:
    del words
    wanted = {key: given[key] for key in ("theme", "seconds_per_step", "width_px") if key in given}
    with click.progressbar(length=len(gif_steps(trace)), file=sys.stderr) as bar:
        return export_gif(trace, **wanted, on_progress=lambda *_: bar.update(1))


def _write_png(trace: Trace, words: str, given: dict[str, Any]) -> bytes:
    del words
    wanted = {key: given[key] for key in ("theme", "width_px") if key in given}
    return export_png(trace, given.get("step", -1), **wanted)


def _write_html(trace: Trace, words: str, given: dict[str, Any]) -> bytes:
    theme = {"theme": given["theme"]} if "theme" in given else {}
    title = given.get("title", trace.name)
    start = given.get("step", 0)
    return export_html(trace, title=title, settings=words, start_step=start, **theme).encode()


def _write_csv(trace: Trace, words: str, given: dict[str, Any]) -> bytes:
    del words, given
    return export_csv(trace).encode("utf-8-sig")  # with a BOM for spreadsheets


Writer = Callable[[Trace, str, dict[str, Any]], bytes]

_ALL_SETTINGS = frozenset().union(*(each.settings for each in OPERATIONS.values()))
# Writer of each kind of file, and the options that only it has.
WRITERS: dict[str, tuple[Writer, frozenset[str]]] = {
    ".gif": (_write_gif, frozenset({"theme", "seconds_per_step", "width_px"})),
    ".png": (_write_png, frozenset({"theme", "step", "width_px"})),
    ".html": (_write_html, frozenset({"theme", "step", "title"})),
    ".csv": (_write_csv, frozenset()),
}


def _words(context: click.Context, operation: str, chosen: dict[str, Any]) -> str:
    """Return the given settings as text: "conv, input 6 × 6, padding same"."""
    parts = [operation]
    for name, value in chosen.items():
        flag = _flag(context, name).removeprefix("--").replace("-", " ")
        if name == "padding" and isinstance(value, tuple):
            parts.append(f"padding {', '.join(map(str, value[0] + value[1]))}")
        elif name in ("values", "weights", "gradient"):
            parts.append(f"own {flag}")
        elif value is True:
            parts.append(flag)
        else:
            parts.append(f"{flag} {_in_words(value)}")
    return ", ".join(parts)


def _in_words(value: Any) -> str:
    if not isinstance(value, tuple):
        return str(value).replace("_", " ")
    numbers = all(isinstance(each, int) for each in value)
    return (" × " if numbers else ", ").join(map(_in_words, value))


def _flag(context: click.Context, name: str) -> str:
    return next(param.opts[0] for param in context.command.params if param.name == name)
