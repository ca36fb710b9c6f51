"""Command line: ``python -m cnn_lab train | sweep | evaluate | predict | animate | worksheet``.

With ``--json`` each command prints one JSON object as its last line.
"""

import click

from cnn_lab.cli.animate import animate
from cnn_lab.cli.evaluate import evaluate
from cnn_lab.cli.predict import predict
from cnn_lab.cli.sweep import sweep
from cnn_lab.cli.train import train
from cnn_lab.cli.worksheet import worksheet
from cnn_lab.ops.environment import end_if_wrong


@click.group()
def main() -> None:
    """Train and evaluate the networks of CNN Lab; draw what their layers do; print worksheets."""
    end_if_wrong()


for command in (train, sweep, evaluate, predict, animate, worksheet):
    main.add_command(command)
