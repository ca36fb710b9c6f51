import numpy as np
import pytest
from platformdirs.macos import MacOS

from cnn_lab.data.mnist import DataError, Split, as_images, load_mnist
from cnn_lab.data.sets import (
    INFO,
    Info,
    cache_folder,
    check_fit,
    checked_split,
    data_path,
    load_data_set,
    n_training_images,
)
from cnn_lab.network import zoo
from cnn_lab.network.spec import Conv2D, Dense, Flatten, NetworkSpec, Softmax, TrainingSpec

LITTLE = Info("Little", (4, 5, 3), ("red", "green", "blue"), 18, 2, 7, 1_500_000)


@pytest.fixture
def little(monkeypatch, tmp_path):
    """The arrays of a small set in colour, in place of CIFAR-10; the test writes the file."""
    monkeypatch.setitem(INFO, "cifar10", LITTLE)
    monkeypatch.setenv("CNN_LAB_DATA", str(tmp_path))
    numbers = np.random.default_rng(0)
    return {
        "x_train": numbers.integers(0, 256, (20, 4, 5, 3)).astype(np.uint8),
        "y_train": np.arange(20, dtype=np.uint8) % 3,
        "x_test": numbers.integers(0, 256, (7, 4, 5, 3)).astype(np.uint8),
        "y_test": np.arange(7, dtype=np.uint8) % 3,
    }


def test_mnist_is_at_hand_and_whole():
    data = load_data_set("mnist")
    assert data is load_mnist()
    assert data.class_names == tuple("0123456789")
    assert (len(data.train), len(data.validation), len(data.test)) == (54_000, 6_000, 10_000)


@pytest.mark.parametrize("name", INFO)
def test_what_is_said_of_a_set_adds_up(name):
    info = INFO[name]
    assert info.n_validation * 9 == info.n_train
    assert len(set(info.class_names)) == 10
    assert n_training_images(name) == info.n_train
    assert n_training_images(name, 0.5) == info.n_train // 2
    assert n_training_images(name, 1e-9) == 1
    TrainingSpec(data_set=name)


def test_a_share_holds_the_smaller_ones_and_leaves_the_rest_whole():
    whole, some, less = (load_data_set("mnist", fraction, 3) for fraction in (1, 0.02, 0.01))
    assert len(some.train) == n_training_images("mnist", 0.02) == 1080
    assert len(less.train) == 540
    assert len(some.validation) == 6_000
    assert some.test is whole.test
    pictures = {image.tobytes() for image in some.train.pixels}
    assert pictures.issuperset(image.tobytes() for image in less.train.pixels)
    assert pictures.issubset(image.tobytes() for image in whole.train.pixels)


def test_a_share_is_drawn_by_its_seed_and_mixed_like_the_whole():
    first, again, other = (load_data_set("mnist", 0.1, seed).train for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert not np.array_equal(first.labels, other.labels)
    shares = np.bincount(first.labels) / len(first)
    expected = np.bincount(load_mnist().train.labels) / 54_000
    np.testing.assert_allclose(shares, expected, atol=0.015)


def test_labels_stay_with_their_images():
    whole, share = load_data_set("mnist").train, load_data_set("mnist", 0.001, 5).train
    where = {image.tobytes(): label for image, label in zip(*_both(whole), strict=True)}
    assert [where[image.tobytes()] for image in share.pixels] == share.labels.tolist()


def _both(split):
    return split.pixels, split.labels


def test_a_set_in_colour_is_read_as_it_was_kept(little):
    np.savez(data_path("cifar10"), **little)
    data = load_data_set("cifar10")
    assert (len(data.train), len(data.validation), len(data.test)) == (18, 2, 7)
    assert data.class_names == ("red", "green", "blue")
    np.testing.assert_array_equal(data.validation.pixels, little["x_train"][18:])
    np.testing.assert_array_equal(data.train.labels, little["y_train"][:18])
    assert data.train.labels.dtype == np.int64
    assert data.train.images.shape == (18, 4, 5, 3)
    np.testing.assert_array_equal(data.test.image(-1), np.float32(little["x_test"][6]) / 255)
    assert len(load_data_set("cifar10", 0.5).train) == 9


def test_grey_images_get_a_channel_and_coloured_ones_keep_theirs():
    grey = Split(np.full((3, 4, 5), 51, np.uint8), np.zeros(3, np.int64))
    assert grey.images.shape == (3, 4, 5, 1)
    assert grey.image(1).shape == (4, 5, 1)
    np.testing.assert_array_equal(grey.image(1), np.float32(0.2))
    assert as_images(np.zeros((2, 4, 5, 3), np.uint8)).shape == (2, 4, 5, 3)
    assert as_images(np.zeros((0, 4, 5), np.uint8)).dtype == np.float32


def test_a_set_that_was_never_fetched_says_what_fetches_it(little):
    with pytest.raises(DataError, match=r"Little is not on this machine yet.*\(2 MB\)"):
        load_data_set("cifar10")


def test_a_broken_file_gets_a_sentence_and_a_whole_one_is_read_afterwards(little):
    data_path("cifar10").write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"Little could not be read from cifar10\.npz"):
        _ = load_data_set("cifar10").test
    np.savez(data_path("cifar10"), **little)
    whole = data_path("cifar10").read_bytes()
    data_path("cifar10").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"Little could not be read from cifar10\.npz"):
        _ = load_data_set("cifar10").train
    data_path("cifar10").write_bytes(whole)
    assert len(load_data_set("cifar10").train) == 18


def test_nothing_in_a_file_is_unpickled(little):
    little["x_test"] = np.array([{"a": 1}] * 7, dtype=object)
    np.savez(data_path("cifar10"), **little)
    with pytest.raises(DataError, match="allow_pickle=False"):
        _ = load_data_set("cifar10").test


@pytest.mark.parametrize(
    ("pixels", "labels", "sentence"),
    [
        ((7, 4, 5), np.zeros(7, int), r"bytes of shape \(7, 4, 5, 3\).*Received: uint8 of shape"),
        ((6, 4, 5, 3), np.zeros(7, int), r"Received: uint8 of shape \(6, 4, 5, 3\)"),
        ((7, 4, 5, 3), np.zeros((7, 1), int), r"a whole number for each of 7 images"),
        ((7, 4, 5, 3), np.zeros(7), "Received: float64"),
        ((7, 4, 5, 3), np.full(7, 3), r"classes 0 to 2\. Received: labels from 3 to 3"),
        ((7, 4, 5, 3), np.full(7, -1), "Received: labels from -1"),
    ],
)
def test_what_is_not_such_a_set_is_refused(little, pixels, labels, sentence):
    with pytest.raises(DataError, match=sentence):
        checked_split("cifar10", Split(np.zeros(pixels, np.uint8), labels), 7)


@pytest.mark.parametrize("name", list(zoo.PRESETS))
def test_every_preset_fits_its_data_set(name):
    preset = zoo.preset(name)
    check_fit(preset.network, preset.training)


@pytest.mark.parametrize(
    ("data_set", "input_shape", "units", "sentence"),
    [
        ("mnist", (32, 32, 3), 10, r"MNIST are 28 x 28 pixels with one channel.*\(32, 32, 3\)"),
        ("cifar10", (28, 28, 1), 10, r"CIFAR-10 are 32 x 32 pixels with 3 channels"),
        ("fashion_mnist", (28, 28, 1), 9, r"Fashion-MNIST has 10 classes.*output_shape=\(9,\)"),
    ],
)
def test_a_network_of_another_shape_is_told_so(data_set, input_shape, units, sentence):
    layers = (Flatten(name="flatten"), Dense(name="dense", units=units), Softmax(name="softmax"))
    network = NetworkSpec(name="test", input_shape=input_shape, layers=layers)
    with pytest.raises(ValueError, match=sentence):
        check_fit(network, TrainingSpec(data_set=data_set))


def test_ten_numbers_in_a_map_are_no_ten_classes():
    layers = (Conv2D(name="conv", filters=10, kernel_size=(28, 28)), Softmax(name="softmax"))
    network = NetworkSpec(name="test", layers=layers)
    assert network.n_classes == 10
    with pytest.raises(ValueError, match=r"output_shape=\(1, 1, 10\)"):
        check_fit(network, TrainingSpec())


def test_the_folder_is_chosen_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CNN_LAB_DATA", raising=False)
    assert data_path("cifar10") == tmp_path / "cache" / "cnn-lab" / "data" / "cifar10.npz"
    monkeypatch.setenv("CNN_LAB_DATA", str(tmp_path))
    assert data_path("cifar10") == tmp_path / "cifar10.npz"


def test_the_folder_of_a_mac(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("CNN_LAB_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("platformdirs.PlatformDirs", MacOS)
    assert cache_folder() == tmp_path / "Library" / "Caches" / "cnn-lab"
    before = tmp_path / ".cache" / "cnn-lab"
    before.mkdir(parents=True)
    assert cache_folder() == before
