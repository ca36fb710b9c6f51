"""Storage of runs: one folder per run, readable by later sessions and other tools.

The folder may be anywhere that fsspec can access. It grows during a run; `ended.json` is written
last, so a folder with it is complete. A folder without it belongs to an active run, or to one
whose server has stopped: then the state after its last finished epoch is kept.
"""

import dataclasses
import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from cnn_lab.data.sets import cache_folder
from cnn_lab.network import Network
from cnn_lab.network.spec import NetworkSpec, TrainingSpec
from cnn_lab.runs.job import RUN_ID, Event, RunSpec, Status, UnknownRunError, checked_run_id

SPEC, HISTORY, WEIGHTS, RESULT = "spec.json", "history.jsonl", "weights.safetensors", "result.json"
BEGUN, EVENTS, ENDED = "begun.json", "events.jsonl", "ended.json"
SNAPSHOTS = "snapshots"
KEPT_RUNS = 20
KEPT_COPIES = 8
SAME_MOMENT_S = 2.0
WITH_THE_SERVER = "This run ended when its server stopped."

Address = str | os.PathLike[str]

_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)


class Folder:
    """Folder of small files, on this machine or anywhere that fsspec can access.

    Parameters
    ----------
    address : str or path
        A path, or an fsspec address such as "memory://runs". The folder is created with its first
        file.

    Notes
    -----
    Exceptions of a file system are raised as OSError.

    Not universal_pathlib's UPath, which is similar: atomic replacement, refreshing of caches,
    fetching many files at once and a common error type would still have to be added. It would save
    some ten lines, needs two more packages, and warns about file systems that fsspec knows and it
    does not.
    """

    def __init__(self, address: Address) -> None:
        # Imported late, because fsspec takes 80 ms and most pages never read a run.
        from fsspec.core import url_to_fs
        from fsspec.implementations.local import LocalFileSystem

        self.address = os.fspath(address)
        with _as_os_error(f"{self.address} cannot be reached: "):
            self._fs, self._root = url_to_fs(self.address)
        local = isinstance(self._fs, LocalFileSystem)
        self.path = Path(self._root) if local else None

    def __truediv__(self, name: str) -> "Folder":
        """Return a subfolder."""
        return Folder(f"{self.address.rstrip('/')}/{name}")

    @property
    def name(self) -> str:
        """Last part of the address."""
        return self.address.rstrip("/").rpartition("/")[2]

    def put(self, name: str, content: bytes) -> None:
        """Write a file atomically: a reader finds the old or the new content."""
        with _as_os_error():
            if self.path is not None:
                _replace_file(self.path / name, content)
            else:  # an object becomes visible when it is complete
                self._fs.makedirs(self._of(name).rpartition("/")[0], exist_ok=True)
                self._fs.pipe_file(self._of(name), content)

    def get(self, name: str) -> bytes:
        """Return the content of a file."""
        with _as_os_error():
            return bytes(self._fs.cat_file(self._of(name)))

    def get_all(self, name: str) -> list[bytes]:
        """Return the content of each file of a subfolder, ordered by name."""
        folder = self._of(name)
        self._fs.invalidate_cache(folder)
        if not self._fs.isdir(folder):
            return []
        found: dict[str, bytes] = self._fs.cat(sorted(self._fs.find(folder)), on_error="omit")
        return [found[path] for path in sorted(found)]

    def has(self, name: str) -> bool:
        """Return whether a file with this name exists."""
        self._fs.invalidate_cache(self._root)
        return bool(self._fs.isfile(self._of(name)))

    def modified(self, *names: str) -> datetime:
        """Return the modification time of the first existing file of these; 1970 without any."""
        for name in names:
            with suppress(OSError):
                at: datetime = self._fs.modified(self._of(name))
                return at if at.tzinfo else at.replace(tzinfo=UTC)
        return datetime.fromtimestamp(0, UTC)

    def folders(self, *, holding: str) -> Iterator["Folder"]:
        """Return the subfolders that contain a file with this name."""
        self._fs.invalidate_cache(self._root)
        for path in self._fs.glob(f"{self._root}/*/{holding}"):
            yield self / path.rsplit("/", 2)[1]

    def remove(self) -> None:
        """Remove the folder and its content, as far as possible."""
        with suppress(Exception):
            self._fs.rm(self._root, recursive=True)

    def local_copy(self, name: str) -> Path:
        """Return the path of a file on this machine.

        A remote file is copied, and the latest copies are kept; for files that no longer
        change.

        Raises
        ------
        OSError
            If the file does not exist or cannot be fetched.
        """
        if self.path is not None:
            if not self.has(name):
                raise FileNotFoundError(name)
            return self.path / name
        copies = cache_folder() / "copies"
        whose = hashlib.sha256(self.address.encode()).hexdigest()[:32]
        copy = copies / f"{whose}-{name}"
        if not copy.is_file():
            _replace_file(copy, self.get(name))
            by_age = sorted(copies.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
            for old in by_age[KEPT_COPIES:]:
                old.unlink(missing_ok=True)
        return copy

    def _of(self, name: str) -> str:
        return f"{self._root}/{name}"


class Store:
    """Storage of runs in a folder.

    Parameters
    ----------
    address : str or path
        See `runs_folder`. Created with the first run.
    """

    def __init__(self, address: Address) -> None:
        self._address = address

    @property
    def folder(self) -> Folder:
        """Folder of the runs."""
        return Folder(self._address)

    def begin(self, run_id: str, spec: RunSpec) -> None:
        """Record that a run has begun in this process."""
        folder = self._of(run_id)
        folder.put(SPEC, _specs_bytes(spec.network, spec.training))
        process = psutil.Process()
        by = {"host": socket.gethostname(), "pid": process.pid, "started": process.create_time()}
        folder.put(BEGUN, _json(by))

    def keep_epoch(self, run_id: str, network: Network, events: Sequence[Event]) -> None:
        """Save the state of a run after an epoch, replacing the previous one.

        History and result are in the network's card, so a single file holds either the new or the
        previous state completely.
        """
        folder = self._of(run_id)
        folder.put(EVENTS, _events_bytes(events))
        folder.put(WEIGHTS, _weights_bytes(network))

    def keep_snapshot(self, run_id: str, number: int, snapshot: bytes) -> None:
        """Save a snapshot of a run; snapshots are ordered by number."""
        self._of(run_id).put(f"{SNAPSHOTS}/{number:04d}.safetensors", snapshot)

    def keep(
        self,
        status: Status,
        network: Network,
        history: Iterable[Mapping[str, Any]],
        events: Sequence[Event],
    ) -> None:
        """Save a run that has ended, and remove all but the newest runs.

        Raises
        ------
        OSError
            If it cannot be written. Its folder is then removed.
        """
        folder = self._of(status.run_id)
        try:
            _put_run(folder, network, status.spec.training, history, status.result)
            folder.put(EVENTS, _events_bytes(events))
            folder.put(ENDED, _json({"state": status.state, "sentence": status.sentence}))
        except OSError:
            folder.remove()
            raise
        self._remove_old()

    def discard(self, run_id: str) -> None:
        """Remove a run without results."""
        self._of(run_id).remove()

    def status(self, run_id: str) -> Status:
        """Return the final status of a kept run.

        Raises
        ------
        UnknownRunError
            If it is not kept, cannot be read, or is active in another process.
        """
        with self._read(run_id) as folder:
            network, training = _specs(folder)
            if folder.has(ENDED):
                ended = json.loads(folder.get(ENDED))
                state, sentence = ended["state"], ended["sentence"]
                result = json.loads(folder.get(RESULT))
            else:
                state, sentence, result = "failed", WITH_THE_SERVER, {}
                if folder.has(WEIGHTS):
                    network_kept = Network.load(folder.local_copy(WEIGHTS))
                    result = json.loads(network_kept.card["result"])
                    sentence += f" {kept_sentence(result)}"
            engine = result.get("engine", "keras")
            return Status(
                run_id=run_id,
                owner="",
                spec=RunSpec(network=network, training=training, engine=engine),
                state=state,
                sentence=sentence,
                result=result,
            )

    def events(self, run_id: str) -> list[Event]:
        """Return the events of a kept run, in order.

        Raises
        ------
        UnknownRunError
            If it is not kept, or cannot be read.
        """
        with self._read(run_id) as folder:
            if not folder.has(EVENTS) and folder.has(SPEC):
                return []  # its server stopped before the first epoch was finished
            return [Event(**json.loads(line)) for line in folder.get(EVENTS).splitlines()]

    def snapshots(self, run_id: str) -> list[bytes]:
        """Return the snapshots of a run, oldest first; none for a run that is not kept."""
        return self._of(run_id).get_all(SNAPSHOTS)

    def weights(self, run_id: str) -> Path:
        """Return the weights file of a kept run; a local copy if the storage is remote.

        Raises
        ------
        UnknownRunError
            If the id is malformed, or the run is not, or no longer, kept.
        """
        with self._read(run_id) as folder:
            return folder.local_copy(WEIGHTS)

    def _of(self, run_id: str) -> Folder:
        return self.folder / checked_run_id(run_id)

    @contextmanager
    def _read(self, run_id: str) -> Iterator[Folder]:
        """Open the folder of a run that is not active; errors are raised as UnknownRunError."""
        folder = self._of(run_id)
        try:
            if _in_progress(folder):
                raise UnknownRunError(run_id)
            yield folder
        except _UNREADABLE as error:
            raise UnknownRunError(run_id) from error

    def _remove_old(self) -> None:
        """Remove the oldest runs beyond the number to keep, and nothing else."""
        with suppress(Exception):  # the run is saved; removal can wait
            found = self.folder.folders(holding=SPEC)
            kept = [folder for folder in found if RUN_ID.fullmatch(folder.name)]
            kept.sort(key=lambda folder: folder.modified(ENDED, SPEC), reverse=True)
            for old in kept[KEPT_RUNS:]:
                old.remove()


def runs_folder() -> Address:
    """Return the storage of runs: CNN_LAB_RUNS, or a folder in the user's cache.

    Any fsspec address is allowed, such as "s3://bucket/runs", if its package is installed.
    """
    chosen = os.environ.get("CNN_LAB_RUNS")
    if chosen and "://" in chosen:
        return chosen
    return Path(chosen) if chosen else cache_folder() / "runs"


def save_run(
    folder: Path,
    *,
    network: Network,
    training: TrainingSpec,
    history: Iterable[Mapping[str, Any]],
    result: Mapping[str, Any],
) -> None:
    """Save a training that was not a run of the queue to `folder`, created if necessary.

    Parameters
    ----------
    folder : Path
        For spec.json, history.jsonl (one epoch per line), result.json and weights.safetensors.
    network : Network
        Trained network; its card is part of the weights file.
    training : TrainingSpec
    history, result : JSON-compatible mappings
    """
    _put_run(Folder(folder), network, training, history, result)


def load_specs(folder: Path) -> tuple[NetworkSpec, TrainingSpec]:
    """Return the specification of a saved run."""
    return _specs(Folder(folder))


def kept_sentence(result: Mapping[str, Any]) -> str:
    """Return a sentence about the kept state of a run that could not continue."""
    return f"Its state after epoch {result['epochs']} is kept."


def _in_progress(folder: Folder) -> bool:
    """Return whether the process that began a run seems to be still training it."""
    if folder.has(ENDED) or not folder.has(BEGUN):
        return False
    by = json.loads(folder.get(BEGUN))
    if by["host"] != socket.gethostname():
        return False
    with suppress(psutil.Error):  # another process may have its id by now
        return bool(abs(psutil.Process(by["pid"]).create_time() - by["started"]) < SAME_MOMENT_S)
    return False


def _specs(folder: Folder) -> tuple[NetworkSpec, TrainingSpec]:
    specs = json.loads(folder.get(SPEC))
    return (
        NetworkSpec.model_validate(specs["network"]),
        TrainingSpec.model_validate(specs["training"]),
    )


def _put_run(
    folder: Folder,
    network: Network,
    training: TrainingSpec,
    history: Iterable[Mapping[str, Any]],
    result: Mapping[str, Any],
) -> None:
    folder.put(SPEC, _specs_bytes(network.spec, training))
    folder.put(HISTORY, _lines(history))
    folder.put(RESULT, _json(result))
    folder.put(WEIGHTS, _weights_bytes(network))


def _specs_bytes(network: NetworkSpec, training: TrainingSpec) -> bytes:
    specs = {"network": network.model_dump(), "training": training.model_dump()}
    return (json.dumps(specs, indent=2) + "\n").encode()


def _events_bytes(events: Iterable[Event]) -> bytes:
    return _lines(dataclasses.asdict(event) for event in events)


def _weights_bytes(network: Network) -> bytes:
    """Return the content of the file that `network.save` writes."""
    with tempfile.TemporaryDirectory(prefix="cnn-lab-") as folder:
        path = Path(folder) / WEIGHTS
        network.save(path)
        return path.read_bytes()


def _lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(dict(row)) + "\n" for row in rows).encode()


def _json(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(dict(values)) + "\n").encode()


def _replace_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


@contextmanager
def _as_os_error(prefix: str = "") -> Iterator[None]:
    """Convert exceptions to OSError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{prefix}{error}") from error
