"""What commands have in common: how a result is printed, and what Ctrl-C does."""

import json
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

import click

INTERRUPTED = 130  # as shells report a command that Ctrl-C has ended

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object last.")


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
