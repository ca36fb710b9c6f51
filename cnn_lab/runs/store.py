"""Where runs are kept: each a folder that a later session, or another tool, can read.

The folder may be anywhere that fsspec reaches. It grows during a run; `ended.json` is written
last, so a folder that has it is complete. A folder without it belongs to a run in progress, or
to one whose server has stopped: of that run, the state after its last finished epoch is left.
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
    """A folder of small files, on this machine or anywhere that fsspec reaches.

    Parameters
    ----------
    address : str or path
        A path, or an address for fsspec such as "memory://runs". The folder need not exist
        before a file is put into it.

    Notes
    -----
    Any exception of a file system is raised as an OSError.

    Not universal_pathlib's UPath, which the facade resembles: files that are replaced in one
    step, caches that are refreshed before a look, many files fetched at once and errors of one
    kind would remain to be written on top of it, and it takes two packages and 12 ms of the
    page's start for the twenty lines that it would save.
    """

    def __init__(self, address: Address) -> None:
        # Imported late: fsspec takes 80 ms, and most pages never look at a run.
        from fsspec.core import url_to_fs
        from fsspec.implementations.local import LocalFileSystem

        self.address = os.fspath(address)
        with _as_os_error(f"{self.address} cannot be reached: "):
            self._fs, self._root = url_to_fs(self.address)
        local = isinstance(self._fs, LocalFileSystem)
        self.path = Path(self._root) if local else None

    def __truediv__(self, name: str) -> "Folder":
        """Return a folder within this one."""
        return Folder(f"{self.address.rstrip('/')}/{name}")

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.address.rstrip("/").rpartition("/")[2]

    def put(self, name: str, content: bytes) -> None:
        """Write a file, so that a reader finds the old or the new one and never half of it."""
        with _as_os_error():
            if self.path is not None:
                _replace_file(self.path / name, content)
            else:  # an object appears when it is complete
                self._fs.makedirs(self._of(name).rpartition("/")[0], exist_ok=True)
                self._fs.pipe_file(self._of(name), content)

    def get(self, name: str) -> bytes:
        """Return the content of a file."""
        with _as_os_error():
            return bytes(self._fs.cat_file(self._of(name)))

    def get_all(self, name: str) -> list[bytes]:
        """Return the content of each file of a folder within this one, ordered by name."""
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
        """Return when the first of these files that exists was written; 1970 if none does."""
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
        """Remove the folder with its content; what cannot be removed stays."""
        with suppress(Exception):
            self._fs.rm(self._root, recursive=True)

    def local_copy(self, name: str) -> Path:
        """Return the path of a file on this machine.

        A file that lies elsewhere is copied, and the latest copies are kept: for files that no
        longer change.

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
    """A folder of runs.

    Parameters
    ----------
    address : str or path
        See `runs_folder`. It is made when the first run is kept.
    """

    def __init__(self, address: Address) -> None:
        self._address = address

    @property
    def folder(self) -> Folder:
        """The folder that the runs are in."""
        return Folder(self._address)

    def begin(self, run_id: str, spec: RunSpec) -> None:
        """Note that a run has begun, in this process."""
        folder = self._of(run_id)
        folder.put(SPEC, _specs_bytes(spec.network, spec.training))
        process = psutil.Process()
        by = {"host": socket.gethostname(), "pid": process.pid, "started": process.create_time()}
        folder.put(BEGUN, _json(by))

    def keep_epoch(self, run_id: str, network: Network, events: Sequence[Event]) -> None:
        """Keep the state of a run after an epoch, in place of that after the epoch before.

        History and result are in the network's card, so one file has all of it, or all of the
        epoch before.
        """
        folder = self._of(run_id)
        folder.put(EVENTS, _events_bytes(events))
        folder.put(WEIGHTS, _weights_bytes(network))

    def keep_snapshot(self, run_id: str, number: int, snapshot: bytes) -> None:
        """Keep a snapshot of a run; their numbers put them in order."""
        self._of(run_id).put(f"{SNAPSHOTS}/{number:04d}.safetensors", snapshot)

    def keep(
        self,
        status: Status,
        network: Network,
        history: Iterable[Mapping[str, Any]],
        events: Sequence[Event],
    ) -> None:
        """Keep a run that has ended, and remove all but the newest runs.

        Raises
        ------
        OSError
            If it cannot be written. Nothing of it is left then.
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
        """Remove a run that has nothing to keep."""
        self._of(run_id).remove()

    def status(self, run_id: str) -> Status:
        """Return how a kept run ended.

        Raises
        ------
        UnknownRunError
            If it is not kept, cannot be read, or is in progress in another process.
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
        """Return what happened to a kept run, in order.

        Raises
        ------
        UnknownRunError
            If it is not kept, or cannot be read.
        """
        with self._read(run_id) as folder:
            if not folder.has(EVENTS) and folder.has(SPEC):
                return []  # its server stopped before the first epoch was over
            return [Event(**json.loads(line)) for line in folder.get(EVENTS).splitlines()]

    def snapshots(self, run_id: str) -> list[bytes]:
        """Return the snapshots of a run, oldest first; none for a run that is not kept."""
        return self._of(run_id).get_all(SNAPSHOTS)

    def weights(self, run_id: str) -> Path:
        """Return the weights file of a kept run; a copy, where runs are kept elsewhere.

        Raises
        ------
        UnknownRunError
            If the id does not have the form of one, or the run is not, or no longer, kept.
        """
        with self._read(run_id) as folder:
            return folder.local_copy(WEIGHTS)

    def _of(self, run_id: str) -> Folder:
        return self.folder / checked_run_id(run_id)

    @contextmanager
    def _read(self, run_id: str) -> Iterator[Folder]:
        """Offer the folder of a run that is not in progress; what goes wrong is an unknown run."""
        folder = self._of(run_id)
        try:
            if _in_progress(folder):
                raise UnknownRunError(run_id)
            yield folder
        except _UNREADABLE as error:
            raise UnknownRunError(run_id) from error

    def _remove_old(self) -> None:
        """Remove the oldest runs beyond the number kept, and nothing that is not a run."""
        with suppress(Exception):  # the run is kept; another time will do
            found = self.folder.folders(holding=SPEC)
            kept = [folder for folder in found if RUN_ID.fullmatch(folder.name)]
            kept.sort(key=lambda folder: folder.modified(ENDED, SPEC), reverse=True)
            for old in kept[KEPT_RUNS:]:
                old.remove()


def runs_folder() -> Address:
    """Return where runs are kept: CNN_LAB_RUNS, or a folder in the user's cache.

    Any address that fsspec knows will do, such as "s3://bucket/runs", given its package.
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
    """Write a training that was not a run of the queue to `folder`, made if need be.

    Parameters
    ----------
    folder : Path
        Gets spec.json, history.jsonl (an epoch a line), result.json and weights.safetensors.
    network : Network
        The weights reached; its card travels inside the weights file.
    training : TrainingSpec
    history, result : mappings that JSON can hold
    """
    _put_run(Folder(folder), network, training, history, result)


def load_specs(folder: Path) -> tuple[NetworkSpec, TrainingSpec]:
    """Return what a saved run was asked to do."""
    return _specs(Folder(folder))


def kept_sentence(result: Mapping[str, Any]) -> str:
    """Return what is left of a run that could not continue."""
    return f"Its state after epoch {result['epochs']} is kept."


def _in_progress(folder: Folder) -> bool:
    """Return whether the process that began a run is still training it, as far as can be seen."""
    if folder.has(ENDED) or not folder.has(BEGUN):
        return False
    by = json.loads(folder.get(BEGUN))
    if by["host"] != socket.gethostname():
        return False
    with suppress(psutil.Error):  # another process may have its number by now
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
    """Return what `network.save` writes."""
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
    """Raise whatever goes wrong as an OSError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{prefix}{error}") from error
