import io
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest

from cnn_lab.data.mnist import MNIST_PATH, DataError, Mnist, load_mnist


def test_mnist_is_split_as_in_the_paper():
    mnist = load_mnist()
    assert [len(mnist.train), len(mnist.validation), len(mnist.test)] == [54_000, 6_000, 10_000]
    assert mnist.test.image(0).shape == (28, 28, 1)
    assert mnist.test.image(0).dtype == np.float32
    assert mnist.validation.images.shape == (6_000, 28, 28, 1)
    assert (mnist.validation.images.min(), mnist.validation.images.max()) == (0, 1)
    assert mnist.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert mnist.train.labels[:5].tolist() == [5, 0, 4, 1, 9]


def test_validation_is_the_end_of_the_training_file():
    with np.load(MNIST_PATH) as arrays:
        labels = arrays["y_train"]
    mnist = load_mnist()
    np.testing.assert_array_equal(mnist.validation.labels, labels[-6_000:])
    np.testing.assert_array_equal(mnist.train.labels, labels[:54_000])


def test_a_file_with_one_changed_pixel_is_refused(tmp_path):
    with np.load(MNIST_PATH) as arrays:
        changed = {name: arrays[name].copy() for name in ("x_test", "y_test")}
    changed["x_test"][17, 3, 4] ^= 1
    np.savez(tmp_path / "mnist.npz", **changed)
    with pytest.raises(DataError, match=r"x_test in mnist\.npz is not the original MNIST"):
        _ = Mnist(tmp_path / "mnist.npz").test


@pytest.mark.parametrize("content", [None, b"no archive"])
def test_a_missing_or_broken_file_gets_a_sentence(tmp_path, content):
    path = tmp_path / "mnist.npz"
    if content:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"could not be read from mnist\.npz"):
        _ = Mnist(path).train


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path):
    """R11: a small file may hold arrays larger than the machine's memory."""
    path = tmp_path / "mnist.npz"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive, archive.open("x_train.npy", "w") as member:
        for _ in range(2**8 + 1):
            member.write(bytes(2**20))
    assert path.stat().st_size < 2**20
    with pytest.raises(DataError, match="must unpack to at most"):
        _ = Mnist(path).train


def test_an_array_that_claims_more_than_it_has_is_refused(tmp_path):
    """R11: the size in an array's header is a claim."""
    path, claim = tmp_path / "mnist.npz", io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (2**50,)}
    np.lib.format.write_array_header_1_0(claim, header)
    with ZipFile(path, "w") as archive:
        archive.writestr("x_train.npy", claim.getvalue() + bytes(10))
    with pytest.raises(DataError, match=r"could not be read from mnist\.npz"):
        _ = Mnist(path).train
