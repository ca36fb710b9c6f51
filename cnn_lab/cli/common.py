"""Options, output and interruption, shared by the commands."""

import json
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from cnn_lab.network import Network

INTERRUPTED = 130  # exit status of a command ended by Ctrl-C, as in shells

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")
model_option = click.option(
    "--model", default="paper", show_default=True, help="A name or a .safetensors file."
)


def load_network(model: str) -> Network:
    """Return the network with a name or in a file; report errors as those of ``--model``."""
    try:
        return Network.load(model)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--model") from error


def read_file(path: Path, max_bytes: int) -> bytes:
    """Return the contents of a file of the user, which may be a device or a pipe without an end.

    Raises
    ------
    ValueError
        If it has more than `max_bytes` bytes, of which no more are read, or cannot be read; with
        a message.
    """
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise ValueError(f"The file cannot be read: {error.strerror or error}.") from error
    if len(content) > max_bytes:
        raise ValueError(f"The file must have at most {max_bytes:,} bytes. Received: more")
    return content


def print_result(result: Mapping[str, object], as_json: bool, sentence: str) -> None:
    """Print the result of a command: a JSON object or a sentence."""
    click.echo(json.dumps(result) if as_json else sentence)


@contextmanager
def interrupted_by(action: Callable[[], None]) -> Iterator[None]:
    """Call `action` on the first Ctrl-C; a second one ends the command as usual."""

    def once(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        action()

    before = signal.signal(signal.SIGINT, once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
