"""``python -m cnn_lab sweep``: try many settings in short runs and report the best."""

import os
import tempfile
from pathlib import Path
from typing import Any, get_args

import click

from cnn_lab.cli.common import INTERRUPTED, as_json, interrupted_by, print_result
from cnn_lab.cli.specs import engine_of, recipe_of, training_options
from cnn_lab.network.spec import plain_error
from cnn_lab.network.spec.recipe import Recipe
from cnn_lab.ops.environment import SCHEDULER
from cnn_lab.runs.job import MAX_SECONDS, RunSpec
from cnn_lab.runs.queue import RunQueue
from cnn_lab.runs.store import Store
from cnn_lab.runs.sweep.records import SweepSpec, SweepStatus, Trial
from cnn_lab.runs.sweep.runner import Sweep
from cnn_lab.runs.sweep.space import FactorName, words
from cnn_lab.training.engine import EngineName

OWNER = "command line"
WAIT_S = 2.0 * MAX_SECONDS  # a sweep ends by itself earlier


@click.command()
@training_options
@click.option(
    "--vary",
    type=click.Choice(get_args(FactorName)),
    multiple=True,
    help="Setting to vary; may be repeated.  [default: optimizer, learning_rate]",
)
@click.option("--trials", type=int, default=10, show_default=True)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the best network and training, which train --spec takes.",
)
@as_json
def sweep(
    *,
    vary: tuple[FactorName, ...],
    trials: int,
    engine: EngineName | None,
    out: Path | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Try many settings in short runs and report the best on the validation images.

    The test set is not touched. Ctrl-C keeps the trials that have finished.
    """
    recipe = recipe_of(**asked)
    trained_by = engine_of(engine, elsewhere=SCHEDULER.value() is not None)
    try:
        base = RunSpec(
            network=recipe.network, training=recipe.training, engine=trained_by, trial=True
        )
        spec = SweepSpec(
            base=base,
            vary=vary or ("optimizer", "learning_rate"),
            n_trials=trials,
        )
    except ValueError as error:
        raise click.BadParameter(plain_error(error)) from error
    if out:
        _check(out)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    status = _swept(spec, to_stderr=as_json)
    best = status.best
    if best is None:
        raise click.ClickException(status.sentence or "No trial finished.")
    if out:
        run = status.run(best)
        _save(out, Recipe(network=run.network, training=run.training))
    print_result(
        status.as_dict(),
        as_json,
        f"best of {len(status.trials)}: validation {best.accuracy:.4f} with {words(best.settings)}",
    )
    if status.state == "stopped":
        raise SystemExit(INTERRUPTED)


def _swept(spec: SweepSpec, *, to_stderr: bool) -> SweepStatus:
    """Return the final status of a sweep; print a line for each finished trial."""
    told: set[int] = set()

    def news(now: SweepStatus) -> bool:
        return now.n_over > len(told) or not now.active

    with tempfile.TemporaryDirectory(prefix="cnn-lab-sweep-") as runs:
        queue = RunQueue(Store(runs), SCHEDULER.value())
        try:
            sweep = Sweep(spec, OWNER, queue)
            sweep.start()
            with interrupted_by(sweep.stop):
                while True:
                    status = sweep.wait(news, WAIT_S)
                    for trial in status.trials:
                        if trial.over and trial.number not in told:
                            click.echo(_line(trial, spec), err=to_stderr)
                            told.add(trial.number)
                    if not status.active:
                        return status
        finally:
            queue.close()


def _check(out: Path) -> None:
    """Check that the file for the best settings can be written, before anything is trained."""
    is_new = not out.exists()
    try:
        out.open("ab").close()
        if is_new:
            out.unlink()
    except OSError as error:
        raise click.BadParameter(f"{out} cannot be written: {error.strerror}") from error


def _save(out: Path, best: Recipe) -> None:
    try:
        out.write_text(best.to_json())
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}") from error


def _line(trial: Trial, spec: SweepSpec) -> str:
    reached = "" if trial.accuracy is None else f"validation {trial.accuracy:.4f}  "
    return (
        f"trial {trial.number:2d}/{spec.n_trials}  {trial.state:7s}  {reached}"
        f"{trial.seconds:.0f} s  {words(trial.settings)}  {trial.sentence}".rstrip()
    )
