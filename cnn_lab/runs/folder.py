"""A folder of small files, on this machine or anywhere that fsspec reaches."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from cnn_lab.data.sets import cache_folder
from cnn_lab.network import Network

KEPT_COPIES = 8

Address = str | os.PathLike[str]


class Folder:
    """A folder by its address; it need not exist before something is put into it.

    Parameters
    ----------
    address : str or path
        A path, or what fsspec understands, such as "memory://runs".

    Notes
    -----
    Whatever a file system raises when it fails comes out as an OSError.
    """

    def __init__(self, address: Address) -> None:
        self._address = os.fspath(address)
        try:
            self._fs, self._root = fsspec.core.url_to_fs(self._address)
        except Exception as error:
            raise OSError(f"{self._address} cannot be reached: {error}") from error

    def __truediv__(self, name: str) -> "Folder":
        """Return a folder within this one."""
        return Folder(f"{self._address.rstrip('/')}/{name}")

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self._address.rstrip("/").rpartition("/")[2]

    @property
    def address(self) -> str:
        """Where the folder is."""
        return self._address

    @property
    def path(self) -> Path | None:
        """The folder as a path, if it is one of this machine."""
        return Path(self._root) if isinstance(self._fs, LocalFileSystem) else None

    def put(self, name: str, content: bytes) -> None:
        """Write a file; whoever reads finds the old one or the new one, and never half of it."""
        try:
            if self.path is not None:
                _put_at_once(self.path / name, content)
            else:  # an object appears when it is complete
                self._fs.makedirs(self._of(name).rpartition("/")[0], exist_ok=True)
                self._fs.pipe_file(self._of(name), content)
        except OSError:
            raise
        except Exception as error:
            raise OSError(str(error)) from error

    def get(self, name: str) -> bytes:
        """Return what a file holds."""
        try:
            return bytes(self._fs.cat_file(self._of(name)))
        except OSError:
            raise
        except Exception as error:
            raise OSError(str(error)) from error

    def get_all(self, name: str) -> list[bytes]:
        """Return what each file of a folder within this one holds, in order of their names."""
        folder = self._of(name)
        self._fs.invalidate_cache(folder)
        if not self._fs.isdir(folder):
            return []
        found: dict[str, bytes] = self._fs.cat(sorted(self._fs.find(folder)), on_error="omit")
        return [found[path] for path in sorted(found)]

    def has(self, name: str) -> bool:
        """Return whether there is a file of this name."""
        self._fs.invalidate_cache(self._root)
        return bool(self._fs.isfile(self._of(name)))

    def modified(self, *names: str) -> datetime:
        """Return when the first of these files that is there was written; long ago if none is."""
        for name in names:
            with suppress(OSError):
                at: datetime = self._fs.modified(self._of(name))
                return at if at.tzinfo else at.replace(tzinfo=UTC)
        return datetime.fromtimestamp(0, UTC)

    def folders(self, *, holding: str) -> Iterator["Folder"]:
        """Return the folders within this one that hold a file of this name."""
        self._fs.invalidate_cache(self._root)
        for path in self._fs.glob(f"{self._root}/*/{holding}"):
            yield self / path.rsplit("/", 2)[1]

    def remove(self) -> None:
        """Remove the folder with all that is in it; what cannot be removed stays."""
        with suppress(Exception):
            self._fs.rm(self._root, recursive=True)

    def _of(self, name: str) -> str:
        return f"{self._root}/{name}"


def _put_at_once(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def local_copy(folder: Folder, name: str) -> Path:
    """Return a file of a folder as a file of this machine.

    Of a folder elsewhere a copy is made, and the newest few are kept: for files that no
    longer change.

    Raises
    ------
    OSError
        If there is no such file, or it cannot be had.
    """
    if folder.path is not None:
        if not folder.has(name):
            raise FileNotFoundError(name)
        return folder.path / name
    copies = cache_folder() / "copies"
    whose = hashlib.sha256(folder.address.encode()).hexdigest()[:32]
    copy = copies / f"{whose}-{name}"
    if not copy.is_file():
        _put_at_once(copy, folder.get(name))
        by_age = sorted(copies.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in by_age[KEPT_COPIES:]:
            old.unlink(missing_ok=True)
    return copy


def weights_bytes(network: Network) -> bytes:
    """Return what `network.save` writes."""
    with tempfile.TemporaryDirectory(prefix="cnn-lab-") as folder:
        path = Path(folder) / "weights.safetensors"
        network.save(path)
        return path.read_bytes()
