"""Download of data sets through Keras.

Keras downloads and unpacks; the result is checked and saved as a plain .npz file, so that pages
can read it without Keras and without unpickling anything.
"""

import errno
import gzip
import os
import pickle
import re
import shutil
import tarfile
import tempfile
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from cnn_lab.data.keras_here import has_keras, needs_keras
from cnn_lab.data.mnist import Data, DataError, Split
from cnn_lab.data.sets import ARRAYS, INFO, checked_split, data_path, load_data_set
from cnn_lab.network.spec import DataSetName, TrainingSpec

LOOK_EVERY_S = 0.5
STALLED_AFTER_S = 60.0  # without any data; Keras itself has no timeout

# Where Keras puts a download in its own folder, and then what it unpacks.
KERAS_FILES = {
    "fashion_mnist": ("datasets/fashion-mnist",),
    "cifar10": (
        "datasets/cifar-10-batches-py-target_archive",
        "datasets/cifar-10-batches-py-target",
    ),
}

_BROKEN = (
    EOFError,
    KeyError,
    ValueError,
    gzip.BadGzipFile,
    pickle.UnpicklingError,
    tarfile.TarError,
    zlib.error,
)
_NO_ROOM = {errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT}

_under_way: dict[str, "_Download"] = {}
_taking_turns = threading.Lock()


def ensure_data_set(name: DataSetName, report: Callable[[float], None]) -> None:
    """Make sure that a data set is on this machine, downloading it if necessary.

    Parameters
    ----------
    name : {"mnist", "fashion_mnist", "cifar10"}
    report : callable
        Called in this thread, about twice a second during a download, with the share in [0, 1] of
        bytes received. It may raise an exception to stop waiting: the download continues, and the
        next call finds it further along.

    Raises
    ------
    DataError
        If the set cannot be downloaded or saved, for lack of Keras for example; the message says
        why.

    Notes
    -----
    Downloads 31 MB for Fashion-MNIST and 170 MB for CIFAR-10, once per machine; another 55 and 184
    MB on disk, because they are kept unpacked. Keras is imported only for a download. Two
    processes that download at the same time both do so, and the later file is kept.
    """
    if _is_here(name):
        return
    if not has_keras():
        raise DataError(needs_keras(f"The download of {INFO[name].title}"))
    with _taking_turns:
        download = _under_way.get(name)
        if download is None:
            download = _under_way[name] = _Download(name)
            download.start()
    size, share, moved_at = INFO[name].download_bytes, 0.0, time.monotonic()
    report(0.0)
    while download.is_alive():
        download.join(LOOK_EVERY_S)
        before, share = share, min(1.0, _bytes_in(keras_folder() / KERAS_FILES[name][0]) / size)
        if share != before:
            moved_at = time.monotonic()
        elif share < 1 and time.monotonic() - moved_at > STALLED_AFTER_S:
            _let_go(name, download)
            raise _no_download(name, f"nothing has arrived for {STALLED_AFTER_S:.0f} s")
        report(share)
    _let_go(name, download)
    if download.error is not None:
        raise download.error


def training_data(training: TrainingSpec, report: Callable[[float], None]) -> Data:
    """Return the images for a training, downloaded first if necessary.

    Parameters
    ----------
    training : TrainingSpec
    report : callable
        As for `ensure_data_set`.

    Raises
    ------
    DataError
        If they cannot be downloaded, or a file cannot be read.
    """
    ensure_data_set(training.data_set, report)
    data = load_data_set(training.data_set, training.data_fraction, training.seed)
    assert len(data.train)  # reads the file, which may be damaged
    return data


def keras_folder() -> Path:
    """Return Keras's folder for downloads: KERAS_HOME or ~/.keras, if writable."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras").expanduser()
    if os.access(home, os.W_OK):
        return home
    return Path("/tmp" if Path("/tmp").is_dir() else tempfile.gettempdir()) / ".keras"


def _let_go(name: str, download: "_Download") -> None:
    with _taking_turns:
        if _under_way.get(name) is download:
            del _under_way[name]


class _Download(threading.Thread):
    """Download, check and save of one data set; `error` is set on failure."""

    def __init__(self, name: DataSetName) -> None:
        super().__init__(name=f"download-{name}", daemon=True)
        self.set_name: DataSetName = name
        self.error: DataError | None = None

    def run(self) -> None:
        try:
            arrays = _checked(self.set_name, _through_keras(self.set_name))
        except Exception as error:  # Keras raises this exception when the connection fails
            self.error = self._why_not(error)
            return
        try:
            _keep(data_path(self.set_name), arrays)
        except OSError as error:
            self.error = _not_kept(self.set_name, error)

    def _why_not(self, error: Exception) -> DataError:
        if isinstance(error, _BROKEN):
            if _under_way.get(self.set_name) is self:  # not a later one
                _forget(self.set_name)
            return DataError(
                f"The download of {INFO[self.set_name].title} is incomplete or damaged "
                f"({_short(error)}) and has been removed. Start again for a new download."
            )
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return _not_kept(self.set_name, error)
        return _no_download(self.set_name, _short(error))


def _is_here(name: DataSetName) -> bool:
    """Return whether the whole set can be read."""
    try:
        data = load_data_set(name)
        return len(data.train) > 0 and len(data.test) > 0
    except DataError:
        return False


def _through_keras(name: DataSetName) -> list[Any]:
    """Return x_train, y_train, x_test and y_test as Keras loads them."""
    import keras

    talks = keras.utils.is_interactive_logging_enabled()
    keras.utils.disable_interactive_logging()  # hide its progress bar
    try:
        (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    finally:
        if talks:
            keras.utils.enable_interactive_logging()
    return [x_train, y_train, x_test, y_test]


def _checked(name: DataSetName, loaded: list[Any]) -> dict[str, Any]:
    """Return the arrays of a set by name, with one-dimensional labels."""
    info = INFO[name]
    x_train, y_train, x_test, y_test = map(np.asarray, loaded)
    y_train, y_test = y_train.reshape(-1), y_test.reshape(-1)
    checked_split(name, Split(x_train, y_train), info.n_train + info.n_validation)
    checked_split(name, Split(x_test, y_test), info.n_test)
    return dict(zip(ARRAYS, (x_train, y_train, x_test, y_test), strict=True))


def _keep(path: Path, arrays: dict[str, Any]) -> None:
    """Write arrays to `path` atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        unfinished = Path(folder) / path.name
        np.savez(unfinished, **arrays)
        unfinished.replace(path)


def _forget(name: DataSetName) -> None:
    """Remove Keras's downloads, because it would reuse a damaged file."""
    for part in KERAS_FILES[name]:
        path = keras_folder() / part
        shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):
            path.unlink()


def _bytes_in(path: Path) -> int:
    """Return the size of a file or of all files in a folder; 0 if it does not exist."""
    files = list(path.iterdir()) if path.is_dir() else [path]
    total = 0
    for file in files:
        with suppress(OSError):
            total += file.stat().st_size
    return total


def _no_download(name: DataSetName, reason: str) -> DataError:
    return DataError(
        f"{INFO[name].title} could not be downloaded: {reason}. "
        "Without an internet connection, only MNIST is available."
    )


def _not_kept(name: DataSetName, error: OSError) -> DataError:
    return DataError(f"{INFO[name].title} could not be saved on this machine: {_short(error)}.")


def _short(error: BaseException) -> str:
    """Return an error's message without the address that Keras puts before it."""
    text = str(error).rpartition(" -- ")[2]
    plain = re.sub(r"\[Errno -?\d+\] ", "", " ".join(text.split())).rstrip(".")
    return plain[:160] or type(error).__name__
