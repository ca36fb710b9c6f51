"""Checkpoints: a training saved on the way, so that it can go on after a stop."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from cnn_lab.network.spec.recipe import Recipe
from cnn_lab.training.loop import EpochReport, Progress, Trainer

FORMAT = 1  # to be raised when what a checkpoint holds changes its meaning
FILE = "checkpoint.safetensors"


class CheckpointError(ValueError):
    """Raised when training cannot go on from a checkpoint; the message says why."""


def save_checkpoint(folder: Path, trainer: Trainer) -> None:
    """Write a trainer's state into a folder, in place of its last checkpoint.

    Raises
    ------
    OSError
        If it cannot be written; the last checkpoint is still there then.
    """
    facts = {"format": FORMAT, "of": _of(trainer), "progress": asdict(trainer.progress())}
    content = save(dict(trainer.state()), {"checkpoint": json.dumps(facts)})
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"{FILE}.new"
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / FILE)


def go_on(folder: Path, trainer: Trainer) -> bool:
    """Make a new trainer go on from the checkpoint in a folder; return whether there is one.

    Raises
    ------
    CheckpointError
        If the file is damaged, or comes from another version of the lab, another engine or
        another recipe.
    """
    path = folder / FILE
    if not path.is_file():
        return False
    facts, state = facts_and_state(path)
    for what, mine in _of(trainer).items():
        if facts["of"].get(what) != mine:
            raise CheckpointError(
                f"{path} belongs to a training with another {what}. Give that one, or start again "
                "in another folder."
            )
    try:
        trainer.go_on_from(_progress(facts["progress"]), state)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} does not fit its own recipe: {error}") from error
    return True


def facts_and_state(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what a checkpoint says of its training ("of", "progress"), and its arrays by name.

    Raises
    ------
    CheckpointError
        If the file is damaged, or comes from another version of the lab.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            facts = json.loads((file.metadata() or {})["checkpoint"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        wrote, _, _ = facts["format"], facts["of"].items(), facts["progress"].items()
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} is damaged, or not a checkpoint.") from error
    if wrote != FORMAT:
        raise CheckpointError(
            f"{path} comes from another version of CNN Lab, whose checkpoints have format {wrote}; "
            f"this version reads format {FORMAT}. Go on with that version, or start again in "
            "another folder."
        )
    return facts, state


def _of(trainer: Trainer) -> dict[str, Any]:
    """Return what must be the same when training goes on."""
    engine = trainer.engine
    recipe = Recipe(network=engine.network, training=engine.training)
    return {"recipe": recipe.model_dump(mode="json"), "engine": engine.name}


def _progress(saved: dict[str, Any]) -> Progress:
    history = tuple(EpochReport(**epoch) for epoch in saved["history"])
    return Progress(**saved | {"history": history, "changes": tuple(saved["changes"])})
