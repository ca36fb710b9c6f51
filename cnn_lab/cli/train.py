"""``python -m cnn_lab train``: train a network and read the test set once at the end."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import numpy as np

from cnn_lab.cli.common import INTERRUPTED, as_json, interrupted_by, print_result
from cnn_lab.cli.specs import recipe_of, training_options
from cnn_lab.data.keras_download import ensure_data_set
from cnn_lab.data.mnist import Data, DataError, Split
from cnn_lab.data.sets import INFO, check_fit, load_data_set
from cnn_lab.network import Network
from cnn_lab.network.spec import TrainingSpec
from cnn_lab.training import card
from cnn_lab.training.loop import BatchReport, Control, EpochReport, Report, TrainingDivergedError


@click.command()
@training_options
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the finished run.")
@as_json
def train(*, engine: str, out: Path | None, as_json: bool, **asked: Any) -> None:
    """Train a network and read the test set once at the end.

    Ctrl-C stops after the present batch and keeps what was reached; such a run is not
    measured on the test set.
    """
    recipe = recipe_of(**asked)
    training = recipe.training
    try:
        check_fit(recipe.network, training)
        trainer = _trainer(engine)
        data = _load(training)
    except (DataError, ValueError) as error:
        raise click.BadParameter(str(error)) from error
    control = Control()
    progress = _Progress(training, to_stderr=as_json)

    def stop() -> None:
        control.stop()
        click.echo("Stopping after this batch …", err=True)

    try:
        with interrupted_by(stop):
            network, history = trainer.train(
                recipe.network, training, data, report=progress.report, control=control
            )
    except TrainingDivergedError as error:
        raise click.ClickException(str(error)) from error
    result = progress.result(network.spec.name, engine, history)
    complete = len(history) == training.epochs
    if complete:
        n_errors = _errors(network, data.test, engine)
        result |= {"test_accuracy": 1 - n_errors / len(data.test), "errors": n_errors}
        result["n"] = len(data.test)
    network.card = _card(engine, result, training, history)
    if out:
        _save(out, network, training, history, result)
    print_result(result, as_json, _sentence(result, training, out))
    if not complete:
        raise SystemExit(INTERRUPTED)


class _Progress:
    """Counts what has been trained, and prints a line an epoch."""

    def __init__(self, training: TrainingSpec, *, to_stderr: bool) -> None:
        self._training, self._to_stderr = training, to_stderr
        self._n_images, self._seconds = 0, 0.0

    def report(self, event: Report, _weights: object) -> None:
        if isinstance(event, BatchReport | EpochReport):
            self._n_images, self._seconds = event.n_images, event.seconds
        if isinstance(event, EpochReport):
            click.echo(
                f"epoch {event.epoch:2d}/{self._training.epochs}  loss {event.loss:.4f}  "
                f"accuracy {event.accuracy:.4f}  validation {event.val_accuracy:.4f}  "
                f"{event.n_images / event.seconds:,.0f} images/s",
                err=self._to_stderr,
            )

    def result(self, model: str, engine: str, history: Sequence[EpochReport]) -> dict[str, Any]:
        seconds = self._seconds
        return {
            "model": model,
            "epochs": len(history),
            "seconds": round(seconds, 2),
            "images_per_second": round(self._n_images / seconds, 1) if seconds else 0.0,
            "val_accuracy": history[-1].val_accuracy if history else None,
            "seed": self._training.seed,
            "engine": engine,
        }


def _trainer(engine: str) -> ModuleType:
    """Return the module that trains; the NumPy engine brings no TensorFlow along."""
    if engine == "numpy":
        from cnn_lab.training import numpy_engine

        return numpy_engine
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from cnn_lab.training import keras_engine

    return keras_engine


def _load(training: TrainingSpec) -> Data:
    """Return the data, fetched first if need be and said so."""
    told: list[float] = []

    def tell(share: float) -> None:
        if not told:
            click.echo(f"Fetching {INFO[training.data_set].title} …", err=True)
        told.append(share)

    ensure_data_set(training.data_set, tell)
    data = load_data_set(training.data_set, training.data_fraction, training.seed)
    assert len(data.train)  # reads the file, which may be no good
    return data


def _errors(network: Network, split: Split, engine: str) -> int:
    if engine == "numpy":
        return int(np.count_nonzero(network.predict(split.images).argmax(axis=1) != split.labels))
    from cnn_lab.training import keras_engine

    return keras_engine.evaluate(keras_engine.to_keras(network), split)[1]


def _card(
    engine: str, result: dict[str, Any], training: TrainingSpec, history: Sequence[EpochReport]
) -> dict[str, str]:
    if engine == "numpy":
        return card.model_card(result, training, history)
    from cnn_lab.training import keras_engine

    return keras_engine.model_card(result, training, history)


def _save(
    out: Path,
    network: Network,
    training: TrainingSpec,
    history: Sequence[EpochReport],
    result: dict[str, Any],
) -> None:
    from cnn_lab.runs.store import save_run

    rows = [dataclasses.asdict(row) for row in history]
    try:
        save_run(out, network=network, training=training, history=rows, result=result)
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror or error}") from error


def _sentence(result: dict[str, Any], training: TrainingSpec, out: Path | None) -> str:
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
