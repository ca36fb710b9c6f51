"""A kept run's weights as Keras's own file, written by a real worker."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from cnn_lab.concepts.checks import CheckRefusedError
from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import MAX_FILE_BYTES, Network, zoo
from cnn_lab.runs import store
from cnn_lab.runs.job import RunSpec, Status, new_run_id
from cnn_lab.runs.keras_file import KerasFileWanted
from cnn_lab.runs.queue import RunQueue

PATIENCE_S = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def queue(folder: Path) -> Iterator[RunQueue]:
    queue = RunQueue(folder)
    yield queue
    queue.close()


def test_keras_reads_the_file_and_the_same_digits(
    queue: RunQueue, folder: Path, tmp_path: Path
) -> None:
    preset, network = zoo.preset("fast"), Network.load("fast")
    spec = RunSpec(network=preset.network, training=preset.training)
    status = Status(new_run_id(), "", spec, "done", result={"epochs": 3})
    store.keep_run(folder, status, network, [], [])

    wanted = KerasFileWanted(queue.result(status.run_id).read_bytes())
    digest = queue.keras_files.ask(wanted)
    answered = queue.keras_files.wait(digest, PATIENCE_S)
    assert answered.state == "answered", answered.sentence
    assert answered.answer is not None
    assert answered.sentence.startswith(f"Written by Keras {keras.__version__}: ")
    assert queue.keras_files.ask(wanted) == digest
    assert queue.keras_files.status(digest) is answered  # nothing is written twice

    path = tmp_path / "model.keras"
    path.write_bytes(answered.answer.content)
    model = keras.models.load_model(path)
    assert [layer.name for layer in model.layers] == [x.name for x in preset.network.layers]
    images = load_mnist().test.images[:20]
    read = model.predict(images, verbose=0)
    np.testing.assert_allclose(read, network.predict(images), atol=1e-5)


def test_what_is_no_model_is_a_sentence(queue: RunQueue) -> None:
    digest = queue.keras_files.ask(KerasFileWanted(b"no weights at all"))
    failed = queue.keras_files.wait(digest, PATIENCE_S)
    assert failed.state == "failed"
    assert "is not a model of CNN Lab" in failed.sentence
    assert failed.answer is None


def test_too_large_a_file_is_refused(queue: RunQueue) -> None:
    with pytest.raises(CheckRefusedError, match=f"Received: bytes={MAX_FILE_BYTES + 1:,}"):
        queue.keras_files.ask(KerasFileWanted(bytes(MAX_FILE_BYTES + 1)))
