"""The loading code is Keras's own; only the network and the sizes are replaced."""

import gzip
import io
import pickle
import struct
import subprocess
import sys
import tarfile
import threading
import urllib.request
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from keras.src.backend import config
from keras.src.utils import file_utils

from cnn_lab.data import keras_download
from cnn_lab.data.keras_download import ensure_data_set
from cnn_lab.data.mnist import DataError
from cnn_lab.data.sets import INFO, data_path, load_data_set
from cnn_lab.network.spec import Dense, Flatten, NetworkSpec, Softmax, TrainingSpec
from cnn_lab.runs.job import RunSpec, TrainingFailedError
from cnn_lab.runs.worker import WorkerRun

FASHION = {"n_train": 54, "n_validation": 6, "n_test": 10}
NO_ANSWER = "http://127.0.0.1:9/"  # a port without a server


def idx(array):
    """The file in which MNIST and its like keep an array of bytes."""
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def fashion_files(*, n=60, most=9):
    numbers = np.random.default_rng(1)
    files = {}
    for name, count in (("train", n), ("t10k", 10)):
        pixels = numbers.integers(0, 256, (count, 28, 28)).astype(np.uint8)
        labels = (np.arange(count) % (most + 1)).astype(np.uint8)
        files[f"{name}-images-idx3-ubyte.gz"] = gzip.compress(idx(pixels))
        files[f"{name}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels))
    return files


def cifar_archive(*, loads="numpy"):
    """Batches of a single image, which Keras's assignment spreads over 10,000 each."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for index, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
            pixels = np.arange(3072).reshape(1, 3072).astype(np.uint8)
            batch = {b"data": pixels, b"labels": [index]}
            if loads != "numpy":
                batch[b"other"] = Path()
            content = pickle.dumps(batch, protocol=3)
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return {"cifar-10-python.tar.gz": buffer.getvalue()}


class Server:
    """Stands where the network would be: files by name, and a gate that can be closed."""

    def __init__(self):
        self.files = {}
        self.n_fetched = 0
        self.gate = threading.Event()
        self.gate.set()

    def retrieve(self, origin, target, progress):
        self.n_fetched += 1
        content = self.files.get(origin.rpartition("/")[2])
        if content is None:
            urllib.request.urlretrieve(NO_ANSWER, target)
        half = len(content) // 2
        with open(target, "wb") as file:
            file.write(content[:half])
            file.flush()
            assert self.gate.wait(60)
            file.write(content[half:])


@pytest.fixture
def server(monkeypatch, tmp_path):
    server = Server()
    home = tmp_path / "keras"
    home.mkdir()
    monkeypatch.setenv("KERAS_HOME", str(home))
    monkeypatch.setattr(config, "_KERAS_DIR", str(home))
    monkeypatch.setenv("CNN_LAB_DATA", str(tmp_path / "lab"))
    monkeypatch.setattr(file_utils, "urlretrieve", server.retrieve)
    monkeypatch.setattr(keras_download, "LOOK_EVERY_S", 0.01)
    monkeypatch.setitem(INFO, "fashion_mnist", replace(INFO["fashion_mnist"], **FASHION))
    yield server
    server.gate.set()
    for thread in threading.enumerate():
        if thread.name.startswith("download-"):
            thread.join(60)
            assert not thread.is_alive()


def fashion_of(server, monkeypatch, **settings):
    server.files = fashion_files(**settings)
    size = sum(map(len, server.files.values()))
    monkeypatch.setitem(INFO, "fashion_mnist", replace(INFO["fashion_mnist"], download_bytes=size))


def ensure(name="fashion_mnist"):
    shares = []
    ensure_data_set(name, shares.append)
    return shares


def test_keras_files_become_a_file_of_our_own_that_is_fetched_once(server, monkeypatch, capfd):
    fashion_of(server, monkeypatch)
    talks = keras.utils.is_interactive_logging_enabled()
    shares = ensure()
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert shares[-1] <= 1
    assert server.n_fetched == 4
    data = load_data_set("fashion_mnist")
    assert (len(data.train), len(data.validation), len(data.test)) == (54, 6, 10)
    kept = idx(data.test.pixels)
    assert gzip.decompress(server.files["t10k-images-idx3-ubyte.gz"]) == kept
    assert data.train.labels.tolist() == [i % 10 for i in range(54)]
    assert ensure() == []
    assert server.n_fetched == 4
    assert capfd.readouterr().out == ""
    assert keras.utils.is_interactive_logging_enabled() == talks
    assert [file.name for file in data_path("fashion_mnist").parent.iterdir()] == [
        "fashion_mnist.npz"
    ]


def test_progress_is_told_as_bytes_arrive_and_waiting_can_be_given_up(server, monkeypatch):
    fashion_of(server, monkeypatch)
    server.gate.clear()

    class EnoughError(Exception):
        pass

    def give_up(share):
        if share > 0:
            raise EnoughError

    with pytest.raises(EnoughError):
        ensure_data_set("fashion_mnist", give_up)
    assert not data_path("fashion_mnist").exists()
    seen = []

    def go_on(share):
        seen.append(share)
        if share > 0:
            server.gate.set()

    ensure_data_set("fashion_mnist", go_on)
    assert any(0 < share < 1 for share in seen)
    assert server.n_fetched == 4  # the first download went on
    assert len(load_data_set("fashion_mnist").train) == 54


def test_colour_images_are_unpacked_and_kept_channels_last(server, monkeypatch):
    server.files = cifar_archive()
    monkeypatch.setattr(file_utils, "validate_file", lambda *_, **__: True)
    monkeypatch.setitem(INFO, "cifar10", replace(INFO["cifar10"], n_test=1))
    ensure("cifar10")
    data = load_data_set("cifar10", 0.001)
    assert (len(data.train), len(data.validation), len(data.test)) == (45, 5_000, 1)
    channels_first = np.arange(3072).astype(np.uint8).reshape(3, 32, 32)
    np.testing.assert_array_equal(data.test.pixels[0], channels_first.transpose(1, 2, 0))
    assert data.test.labels.tolist() == [5]
    assert set(data.validation.labels.tolist()) == {4}


def test_a_batch_that_would_run_something_is_refused(server, monkeypatch):
    server.files = cifar_archive(loads="a path")
    monkeypatch.setattr(file_utils, "validate_file", lambda *_, **__: True)
    with pytest.raises(DataError, match=r"CIFAR-10 is incomplete or damaged .*Refusing"):
        ensure("cifar10")


def test_an_archive_of_another_hash_is_refused(server):
    server.files = cifar_archive()
    with pytest.raises(DataError, match=r"CIFAR-10 is incomplete or damaged .*hash"):
        ensure("cifar10")
    assert not any((Path(config.keras_home()) / "datasets").iterdir())


@pytest.mark.parametrize("name", ["fashion_mnist", "cifar10"])
def test_without_a_network_a_sentence_says_so(server, name):
    with pytest.raises(DataError) as caught:
        ensure(name)
    assert str(caught.value) == (
        f"{INFO[name].title} could not be downloaded: Connection refused. "
        "Without an internet connection, only MNIST is available."
    )
    assert not data_path(name).exists()


def test_a_download_that_stands_still_is_given_up(server, monkeypatch):
    fashion_of(server, monkeypatch)
    server.gate.clear()
    monkeypatch.setattr(keras_download, "STALLED_AFTER_S", 0.05)
    with pytest.raises(DataError, match="could not be downloaded: nothing has arrived"):
        ensure()


def test_half_a_file_is_removed_and_fetched_anew_by_the_next_run(server, monkeypatch):
    fashion_of(server, monkeypatch)
    whole = dict(server.files)
    cut = "train-images-idx3-ubyte.gz"
    server.files[cut] = whole[cut][: len(whole[cut]) // 2]
    with pytest.raises(DataError, match=r"Fashion-MNIST is incomplete or damaged .* Start again"):
        ensure()
    server.files = whole
    ensure()
    assert len(load_data_set("fashion_mnist").train) == 54


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"n": 50}, r"bytes of shape \(60, 28, 28\) here\. Received: uint8 of shape \(50"),
        ({"most": 10}, r"classes 0 to 9\. Received: labels from 0 to 10"),
    ],
)
def test_files_of_another_set_are_not_kept(server, monkeypatch, settings, sentence):
    fashion_of(server, monkeypatch, **settings)
    with pytest.raises(DataError, match=sentence):
        ensure()
    assert not data_path("fashion_mnist").exists()


def test_a_folder_that_cannot_be_written_gets_a_sentence(server, monkeypatch, tmp_path):
    fashion_of(server, monkeypatch)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CNN_LAB_DATA", str(tmp_path / "file" / "lab"))
    with pytest.raises(DataError, match="Fashion-MNIST could not be saved on this machine: Not a"):
        ensure()


def test_a_broken_file_of_our_own_is_made_again(server, monkeypatch):
    fashion_of(server, monkeypatch)
    ensure()
    data_path("fashion_mnist").write_bytes(b"broken")
    load_data_set.__globals__["_fetched"].cache_clear()
    ensure()
    assert len(load_data_set("fashion_mnist").train) == 54
    assert server.n_fetched == 4  # Keras still had its files


def test_mnist_is_there_and_keras_is_not_needed_to_know():
    script = (
        "import sys\n"
        "from cnn_lab.data.keras_download import ensure_data_set\n"
        "ensure_data_set('mnist', print)\n"
        "print(sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout.split() == ["[]"]


def run_of(**settings):
    layers = (Flatten(name="flatten"), Dense(name="dense", units=10), Softmax(name="softmax"))
    training = TrainingSpec(data_set="fashion_mnist", epochs=1, batch_size=20, **settings)
    return RunSpec(
        network=NetworkSpec(name="tiny", layers=layers), training=training, engine="numpy"
    )


def carried_out(spec, told):
    """The outcome of a run; `told` is called with each event."""

    def emit(kind, values=None):
        told(run, kind, values)

    run = WorkerRun(spec, emit, lambda _parcel: None)
    return run.train()


def test_a_run_fetches_its_images_tells_of_it_and_is_judged_on_them(server, monkeypatch):
    fashion_of(server, monkeypatch)
    told = []
    outcome = carried_out(run_of(), lambda _run, kind, values: told.append((kind, values)))
    kinds = [kind for kind, _ in told]
    assert kinds[0] == "downloading"
    assert kinds.index("epoch") > max(i for i, kind in enumerate(kinds) if kind == "downloading")
    assert all(0 <= values["share"] <= 1 for kind, values in told if kind == "downloading")
    assert outcome.result["n"] == 10
    assert np.array(outcome.result["confusion"]).sum() == 10


def test_a_run_without_a_network_ends_with_the_sentence(server):
    with pytest.raises(TrainingFailedError, match=r"could not be downloaded: Connection refused"):
        carried_out(run_of(), lambda *_: None)


def test_a_run_can_be_stopped_while_its_images_are_on_their_way(server, monkeypatch):
    fashion_of(server, monkeypatch)
    server.gate.clear()
    with pytest.raises(TrainingFailedError, match="Stopped while its images"):
        carried_out(run_of(), lambda run, *_: run.control.stop())
