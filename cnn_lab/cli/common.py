"""Options, printing and interruption shared by the commands."""

import json
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

import click

from cnn_lab.network import Network

INTERRUPTED = 130  # as shells report a command that Ctrl-C has ended

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
model_option = click.option(
    "--model", default="paper", show_default=True, help="A name or a .safetensors file."
)


def load_network(model: str) -> Network:
    """Return the network of a name or a file; a wrong one becomes an error of ``--model``."""
    try:
        return Network.load(model)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--model") from error


def print_result(result: Mapping[str, object], as_json: bool, sentence: str) -> None:
    """Print the last line of a command: an object for programs or a sentence for people."""
    click.echo(json.dumps(result) if as_json else sentence)


@contextmanager
def interrupted_by(action: Callable[[], None]) -> Iterator[None]:
    """Have the first Ctrl-C call `action`; the second one ends the command as it always does."""

    def once(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        action()

    before = signal.signal(signal.SIGINT, once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
