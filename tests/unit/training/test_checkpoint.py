"""Checkpoints: a training that was stopped goes on as if nothing had happened."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from cnn_lab.data.sets import load_data_set
from cnn_lab.network.spec import (
    Augmentation,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    NetworkSpec,
    ReLU,
    Softmax,
    TrainingSpec,
)
from cnn_lab.training.checkpoint import FILE, FORMAT, CheckpointError, go_on, save_checkpoint
from cnn_lab.training.engine import ENGINES, EngineName
from cnn_lab.training.loop import Trainer, TrainingStopped, new_engine

NETWORK = NetworkSpec(
    name="small",
    layers=(
        Conv2D(name="conv", filters=4, kernel_size=(5, 5), strides=(3, 3), use_bias=False),
        BatchNormalization(name="norm", momentum=0.9),
        ReLU(name="relu"),
        Flatten(name="flatten"),
        Dropout(name="dropout", rate=0.4),
        Dense(name="dense", units=11),
        Softmax(name="softmax"),
    ),
)
TRAINING = TrainingSpec(
    optimizer="adamw",
    learning_rate=0.004,
    schedule="one_cycle",
    label_smoothing=0.05,
    weight_averaging=0.99,
    data_fraction=0.012,
    augmentation=Augmentation(shift=2, rotate=10, elastic=0.5),
    unchanged=0.2,
    fade=0.3,
    pens=0.1,
    non_digits=0.15,
    batch_size=40,
    epochs=3,
)
STOPS = [(1, 11), (2, 3), (2, 22)]  # epoch and batch; the last one is the end of an epoch


class KilledError(Exception):
    """Raised in place of the end of the process."""


def trainer(name: EngineName, folder: Path | None = None, stop: tuple[int, int] | None = None):
    def save(trainer: Trainer) -> None:
        assert folder is not None
        save_checkpoint(folder, trainer)
        now = trainer.progress()
        if (now.epoch, now.batch) == stop:
            raise KilledError

    return Trainer(
        new_engine(name, NETWORK, TRAINING),
        load_data_set("mnist", TRAINING.data_fraction, TRAINING.seed),
        report=lambda _: None,
        report_every_s=0,
        checkpoint=save if folder else None,
        checkpoint_every_s=0,
    )


@pytest.mark.parametrize("name", list(ENGINES))
def test_killed_and_going_on_equals_uninterrupted_to_the_last_bit(
    name: EngineName, tmp_path: Path
) -> None:
    whole = trainer(name)
    wanted = whole.train().weights
    for stop in STOPS:
        one = trainer(name, tmp_path, stop)
        go_on(tmp_path, one)
        with pytest.raises(KilledError):
            one.train()
    last = trainer(name, tmp_path)
    assert go_on(tmp_path, last)
    made = last.train().weights
    for weight, values in wanted.items():
        np.testing.assert_array_equal(made[weight], values, err_msg=weight)
    for mine, theirs in zip(last.history, whole.history, strict=True):
        assert (mine.loss, mine.val_loss, mine.val_accuracy, mine.n_images) == (
            theirs.loss,
            theirs.val_loss,
            theirs.val_accuracy,
            theirs.n_images,
        )


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    with pytest.raises(KilledError):
        trainer("numpy", folder, (1, 2)).train()
    return folder


def rewritten(saved: Path, folder: Path, **changes: object) -> Path:
    with safe_open(saved / FILE, framework="numpy") as file:
        facts = json.loads(file.metadata()["checkpoint"])
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    content = {"checkpoint": json.dumps(facts | changes)}
    save_file(state, folder / FILE, metadata=content)
    return folder


def test_a_checkpoint_of_another_version_is_refused(saved: Path, tmp_path: Path) -> None:
    other = rewritten(saved, tmp_path, format=FORMAT + 1)
    with pytest.raises(CheckpointError, match=f"format {FORMAT + 1}"):
        go_on(other, trainer("numpy"))


def test_a_checkpoint_of_another_training_is_refused(saved: Path) -> None:
    other = TRAINING.model_copy(update={"seed": 1})
    data = load_data_set("mnist", other.data_fraction, other.seed)
    with pytest.raises(CheckpointError, match="another recipe"):
        go_on(saved, Trainer(new_engine("numpy", NETWORK, other), data))
    with pytest.raises(CheckpointError, match="another engine"):
        go_on(saved, trainer("keras"))


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 100, b"PK\x03\x04", b"\xff" * 8], ids=["empty", "0", "zip", "long"]
)
def test_a_damaged_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        go_on(tmp_path, trainer("numpy"))


def test_a_stop_leaves_a_checkpoint_of_the_batch_it_came_after(tmp_path: Path) -> None:
    n_batches = 0

    def report(_: object) -> None:
        nonlocal n_batches
        n_batches += 1
        if n_batches == 5:
            raise TrainingStopped

    one = Trainer(
        new_engine("numpy", NETWORK, TRAINING),
        load_data_set("mnist", TRAINING.data_fraction, TRAINING.seed),
        report=report,
        report_every_s=0,
        checkpoint=lambda now: save_checkpoint(tmp_path, now),
    )
    one.train()
    other = trainer("numpy")
    assert go_on(tmp_path, other)
    assert (other.progress().epoch, other.progress().batch) == (1, 5)


def test_a_folder_without_a_checkpoint_begins_anew(tmp_path: Path) -> None:
    assert not go_on(tmp_path, trainer("numpy"))
