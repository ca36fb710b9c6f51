"""Keras on another backend learns what it learns on TensorFlow; a test needs no third one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import json
import keras
import numpy as np
from cnn_lab.training.keras_engine import KerasEngine, to_keras
from cnn_lab.training.loop import BatchReport, Trainer
from cnn_lab.data import Mnist, Split, load_mnist
from cnn_lab.network.spec import (
    BatchNormalization, Conv2D, Dense, Flatten, NetworkSpec, Softmax, TrainingSpec
)

whole = load_mnist()

class Little(Mnist):
    train = Split(whole.train.pixels[:1280], whole.train.labels[:1280])
    validation = Split(whole.validation.pixels[:500], whole.validation.labels[:500])

layers = (
    Conv2D(name="conv", filters=8, kernel_size=(5, 5), strides=(2, 2), use_bias=False),
    BatchNormalization(name="norm", momentum=0.9),
    Flatten(name="flatten"),
    Dense(name="dense", units=10),
    Softmax(name="softmax"),
)
losses = []

def report(event):
    if isinstance(event, BatchReport):
        losses.append(event.loss)

engine = KerasEngine(
    NetworkSpec(name="tiny", layers=layers),
    TrainingSpec(batch_size=64, epochs=1, weight_averaging=0.9),
)
trainer = Trainer(engine, Little(), report=report, report_every_s=0)
network = trainer.train()
images = Little().validation.images
model = to_keras(network)
difference = np.abs(network.predict(images) - model.predict(images, verbose=0)).max()
print(json.dumps({
    "backend": keras.backend.backend(),
    "losses": losses,
    "val_loss": trainer.history[0].val_loss,
    "difference": float(difference),
}))
"""


def trained_with(backend: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert result["backend"] == backend
    return result


@pytest.fixture(scope="module")
def on_tensorflow() -> dict[str, Any]:
    return trained_with("tensorflow")


def test_jax_learns_what_tensorflow_learns(on_tensorflow: dict[str, Any]) -> None:
    """The same weights at the start, the same images in the same order: only rounding differs."""
    on_jax = trained_with("jax")
    assert len(on_jax["losses"]) == 20
    assert on_jax["losses"][0] > 2 > on_jax["losses"][-1]
    np.testing.assert_allclose(on_jax["losses"], on_tensorflow["losses"], rtol=1e-3)
    assert on_jax["val_loss"] == pytest.approx(on_tensorflow["val_loss"], rel=1e-3)
    assert on_jax["difference"] < 1e-5
