"""A kept run's weights as Keras's own file, written by a real worker."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from cnn_lab import zoo
from cnn_lab.data import load_mnist
from cnn_lab.network import Network
from cnn_lab.training import store
from cnn_lab.training.engine import Engine
from cnn_lab.training.job import RunSpec, Status, UnknownRunError, new_run_id

PATIENCE_S = 300


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path)
    yield engine
    engine.close()


def test_keras_reads_the_file_and_the_same_digits(engine: Engine, tmp_path: Path) -> None:
    preset, network = zoo.preset("fast"), Network.load("fast")
    spec = RunSpec(network=preset.network, training=preset.training)
    status = Status(new_run_id(), "", spec, "done", result={"epochs": 3})
    store.keep_run(tmp_path, status, network, [], [])

    digest = engine.make_keras_file(status.run_id)
    answered = engine.wait_for_keras_file(digest, PATIENCE_S)
    assert answered.state == "answered", answered.sentence
    assert answered.answer is not None
    assert answered.sentence.startswith(f"Written by Keras {keras.__version__}: ")
    assert engine.make_keras_file(status.run_id) == digest
    assert engine.keras_file(digest) is answered  # nothing is written twice

    path = tmp_path / "model.keras"
    path.write_bytes(answered.answer.content)
    model = keras.models.load_model(path)
    assert [layer.name for layer in model.layers] == [x.name for x in preset.network.layers]
    images = load_mnist().test.images[:20]
    read = model.predict(images, verbose=0)
    np.testing.assert_allclose(read, network.predict(images), atol=1e-5)


def test_a_run_without_weights_has_no_file(engine: Engine) -> None:
    with pytest.raises(UnknownRunError):
        engine.make_keras_file(new_run_id())
    assert engine.keras_file("none") is None
