"""``python -m cnn_lab train``: train a network and test it once at the end."""

import dataclasses
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

import click

from cnn_lab.cli.common import INTERRUPTED, as_json, interrupted_by, print_result
from cnn_lab.cli.specs import engine_of, recipe_of, training_options
from cnn_lab.data.keras_download import training_data
from cnn_lab.data.mnist import Data, DataError
from cnn_lab.data.sets import INFO, check_fit
from cnn_lab.network import Network
from cnn_lab.network.initial import weights_problem
from cnn_lab.network.spec import TrainingSpec
from cnn_lab.runs.job import Start
from cnn_lab.runs.store import check_folder, save_run
from cnn_lab.training.checkpoint import CheckpointError, go_on, save_checkpoint
from cnn_lab.training.engine import EngineName
from cnn_lab.training.loop import EpochReport, Report, Trainer, TrainingDivergedError, new_engine

MAX_NAME = 80  # characters of what the card calls the initial weights
REACHED = ("model", "epochs", "seconds", "images_per_second", "val_accuracy", "seed", "engine")
TESTED = ("test_accuracy", "errors", "n")


@click.command()
@training_options
@click.option(
    "--initial",
    metavar="FILE",
    help="Weights to begin with, instead of new ones: a .safetensors file, or the name of a "
    "network that comes with the lab. Without --model and --spec, its network is trained.",
)
@click.option(
    "--checkpoints",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder in which the training is saved on the way, every five minutes and after each "
    "epoch. If it holds a checkpoint of the same training, that goes on from there.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the finished run.")
@as_json
def train(
    *,
    engine: EngineName | None,
    initial: str | None,
    checkpoints: Path | None,
    out: Path | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Train a network and test it once at the end.

    Ctrl-C stops after the current batch and keeps what the network has learned; such a run is
    not tested.
    """
    begun_with = None if initial is None else _initial(initial)
    recipe = recipe_of(**asked, network=None if begun_with is None else begun_with.spec)
    training = recipe.training
    if begun_with is not None and (
        problem := weights_problem(str(initial), begun_with.spec, recipe.network)
    ):
        raise click.BadParameter(problem, param_hint="--initial")
    trained_by = engine_of(engine)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

    def report(event: Report) -> None:
        if isinstance(event, EpochReport):
            click.echo(_line(event, training.epochs), err=as_json)

    def save(trainer: Trainer) -> None:
        assert checkpoints is not None
        try:
            save_checkpoint(checkpoints, trainer)
        except OSError as error:  # training goes on, and the next one may succeed
            click.echo(f"{checkpoints} cannot be written: {_why(error)}", err=True)
        else:
            now = trainer.progress()
            click.echo(f"saved in epoch {now.epoch} after batch {now.batch}", err=True)

    try:
        check_fit(recipe.network, training)
        data = _load(training)
    except (DataError, ValueError) as error:
        raise click.BadParameter(str(error)) from error
    if out:
        try:
            check_folder(out, recipe.network)
        except OSError as error:
            raise click.BadParameter(f"{out} cannot be written: {_why(error)}") from error
    trainer = Trainer(
        new_engine(trained_by, recipe.network, training),
        data,
        report=report,
        initial=None if begun_with is None else begun_with.weights,
        checkpoint=None if checkpoints is None else save,
    )
    if checkpoints is not None:
        _go_on(checkpoints, trainer, err=as_json)

    def stop() -> None:
        trainer.control.stop()
        click.echo("Stopping after this batch …", err=True)

    try:
        with interrupted_by(stop):
            network = trainer.train()
    except TrainingDivergedError as error:
        raise click.ClickException(str(error)) from error
    reached = trainer.result()
    result = {name: reached.get(name) for name in REACHED}
    if trainer.complete:
        tested = trainer.test()
        result |= {name: tested[name] for name in TESTED}
    network.card = trainer.card(result)
    if begun_with is not None:
        named = re.sub("[^A-Za-z0-9_-]", "-", Path(str(initial)).stem)[:MAX_NAME]
        network.card["start"] = Start.of(named, begun_with).model_dump_json()
    if out:
        history = map(dataclasses.asdict, trainer.history)
        run: _Finished = {"training": training, "history": list(history), "result": result}
        out = _save(out, network, run)
    print_result(result, as_json, _sentence(result, training, out))
    if not trainer.complete:
        raise SystemExit(INTERRUPTED)


def _go_on(checkpoints: Path, trainer: Trainer, *, err: bool) -> None:
    """Make a trainer go on from the checkpoint in a folder, if there is one, and say so."""
    try:
        if go_on(checkpoints, trainer):
            now = trainer.progress()
            click.echo(f"Going on in epoch {now.epoch} after batch {now.batch}.", err=err)
        checkpoints.mkdir(parents=True, exist_ok=True)  # what cannot be made is told at once
    except CheckpointError as error:
        raise click.BadParameter(str(error), param_hint="--checkpoints") from error
    except OSError as error:
        raise click.BadParameter(f"{checkpoints} cannot be written: {_why(error)}") from error


def _initial(model: str) -> Network:
    """Return the network whose weights training begins with."""
    try:
        return Network.load(model)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--initial") from error


class _Finished(TypedDict):
    training: TrainingSpec
    history: list[dict[str, Any]]
    result: dict[str, Any]


def _save(out: Path, network: Network, run: _Finished) -> Path:
    """Save a run, if need be to a temporary folder, and return where it is."""
    try:
        save_run(out, network=network, **run)
    except OSError as error:
        other = Path(tempfile.mkdtemp(prefix="cnn-lab-run-"))
        try:
            save_run(other, network=network, **run)
        except OSError:
            raise click.ClickException(f"{out} cannot be written: {_why(error)}") from error
        click.echo(f"{out} cannot be written: {_why(error)}. The run is in {other}.", err=True)
        return other
    return out


def _why(error: OSError) -> str:
    return error.strerror or str(error)


def _line(epoch: EpochReport, n_epochs: int) -> str:
    return (
        f"epoch {epoch.epoch:2d}/{n_epochs}  loss {epoch.loss:.4f}  "
        f"accuracy {epoch.accuracy:.4f}  validation {epoch.val_accuracy:.4f}  "
        f"{epoch.n_images / epoch.seconds:,.0f} images/s{_remaining(epoch, n_epochs)}"
    )


def _remaining(epoch: EpochReport, n_epochs: int) -> str:
    """Return about how long the epochs that are left will take; "" after the last one."""
    seconds = epoch.seconds / epoch.epoch * (n_epochs - epoch.epoch)
    if not seconds:
        return ""
    return f"  {seconds / 60:,.0f} min left" if seconds >= 60 else f"  {seconds:.0f} s left"


def _load(training: TrainingSpec) -> Data:
    """Return the data, after announcing and making a download if necessary."""
    announced = False

    def announce(_share: float) -> None:
        nonlocal announced
        if not announced:
            click.echo(f"Fetching {INFO[training.data_set].title} …", err=True)
        announced = True

    return training_data(training, announce)


def _sentence(result: Mapping[str, Any], training: TrainingSpec, out: Path | None) -> str:
    if "errors" in result:
        return (
            f"test accuracy {result['test_accuracy']:.4f}, {result['errors']} errors, "
            f"{result['seconds']:.0f} s"
        )
    kept = f"What it has learned is in {out}." if out else "Without --out nothing is kept."
    return (
        f"Stopped: {result['epochs']} of {training.epochs} epochs finished in "
        f"{result['seconds']:.0f} s. {kept}"
    )
