"""Storage of runs: one folder per run, readable by later sessions and other tools.

The folder may be anywhere that fsspec can access. It grows during a run; `ended.json` is written
last, so a folder with it is complete. A folder without it belongs to an active run, or to one
whose server has stopped: then the state after its last finished epoch is kept.

Several servers may share the storage, with clocks that disagree. So runs are numbered in the order
in which they are kept, and the server that trains a run writes a new word into `alive.json` every
few seconds: a run is going on while others see that word change.
"""

import dataclasses
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from cnn_lab.content.words import counted, data_size
from cnn_lab.data.sets import cache_folder
from cnn_lab.network import MAX_FILE_BYTES, Network
from cnn_lab.network.spec import NetworkSpec, TrainingSpec
from cnn_lab.ops import environment
from cnn_lab.runs.job import (
    RUN_ID,
    Event,
    RunSpec,
    Start,
    State,
    Status,
    UnknownRunError,
    checked_run_id,
)
from cnn_lab.runs.reading import (
    MAX_JSON_BYTES,
    begun_of,
    ended_of,
    events_of,
    json_of,
    number_of,
    own_of,
    result_of,
    snapshots_of,
    specs_of,
)
from cnn_lab.runs.snapshots import MAX_BYTES, MAX_KERNELS_BYTES, MAX_MAPS_BYTES, MAX_SNAPSHOTS
from cnn_lab.training.engine import REPORT_EVERY_S

SPEC, HISTORY, WEIGHTS, RESULT = "spec.json", "history.jsonl", "weights.safetensors", "result.json"
BEGUN, EVENTS, ENDED = "begun.json", "events.jsonl", "ended.json"
ALIVE, ORDER, PROBE, START = "alive.json", "order.json", "probe", "start.json"
SNAPSHOTS, STORAGE, OWN = "snapshots", "storage.json", "own.json"
KEPT_RUNS = environment.KEPT_RUNS.default
MAX_RUNS, MAX_DAYS = environment.MAX_RUNS.default, environment.MAX_DAYS.default
LOST_AFTER_S = 120.0  # without a new word in alive.json, which comes every 15 s
REPORT_BYTES = 250
CARD_BYTES = 200_000
KEPT_COPIES = 8
SAME_MOMENT_S = 2.0
WITH_THE_SERVER = "This run ended when its server stopped."
HOW_IT_ENDED = "How this run ended can no longer be read."
ELSEWHERE = (
    "Another server has begun this run. It can be read here when it has ended, or when that server "
    f"has given no sign of life for {LOST_AFTER_S:.0f} s."
)
DAMAGED = "The folder of this run is damaged: its settings can no longer be read."

Address = str | os.PathLike[str]

_UNREADABLE = (OSError, ValueError)
_SNAPSHOT_NAME = re.compile(r"\d{4,}\.safetensors")


_SECRET = secrets.token_bytes(16)  # forgotten with this process


@dataclasses.dataclass(frozen=True)
class Kept:
    """Limits on the runs that a store keeps, in addition to those still under way.

    Attributes
    ----------
    each : int
        The newest of each owner. A server that starts again no longer knows whose the runs
        before were; they count in all only.
    in_all : int
        The newest in all.
    days : int
        None that is so much older than the newest.
    """

    each: int = dataclasses.field(default_factory=lambda: KEPT_RUNS)
    in_all: int = dataclasses.field(default_factory=lambda: MAX_RUNS)
    days: int = dataclasses.field(default_factory=lambda: MAX_DAYS)


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

    def get(self, name: str, *, max_bytes: int = MAX_JSON_BYTES) -> bytes:
        """Return the content of a file; OSError if it is larger than `max_bytes`."""
        with _as_os_error():
            if not self.has(name):
                raise FileNotFoundError(name)
            if self._fs.size(self._of(name)) > max_bytes:
                raise OSError(f"{name} may have at most {max_bytes:,} bytes.")
            return bytes(self._fs.cat_file(self._of(name)))

    def get_all(self, name: str, pattern: re.Pattern[str], *, max_bytes: int) -> list[bytes]:
        """Return the content of files in a subfolder, ordered by name.

        Parameters
        ----------
        name : str
            Of the subfolder.
        pattern : Pattern
            Which files to read; those that a killed process left unfinished have other names.
        max_bytes : int
            A larger file counts as empty.
        """
        folder = self._of(name)
        with _as_os_error():
            self._fs.invalidate_cache(folder)
            if not self._fs.isdir(folder):
                return []
            sizes = {
                path: info["size"]
                for path, info in self._fs.find(folder, detail=True).items()
                if pattern.fullmatch(path.rpartition("/")[2])
            }
            small = [path for path, size in sizes.items() if size <= max_bytes]
            found: dict[str, bytes] = self._fs.cat(small, on_error="omit") if small else {}
        return [found.get(path, b"") for path in sorted(sizes)]

    def has(self, name: str) -> bool:
        """Return whether a file with this name exists."""
        self._fs.invalidate_cache(self._root)
        return bool(self._fs.isfile(self._of(name)))

    def occupies(self, name: str) -> bool:
        """Return whether anything has this name, a file or a folder."""
        self._fs.invalidate_cache(self._root)
        return bool(self._fs.exists(self._of(name)))

    def check_room(self, n_bytes: int, largest: int) -> None:
        """Write a file of the size of the largest to come, and remove it.

        Parameters
        ----------
        n_bytes : int
            How much will be written in all.
        largest : int
            Size of the largest file.

        Raises
        ------
        OSError
            If less is free, or the file cannot be written.
        """
        # Not zeros, which some file systems store without taking any room.
        self.put(PROBE, os.urandom(largest))
        with suppress(OSError), _as_os_error():
            self._fs.rm(self._of(PROBE))
        if self.path is None:
            return  # object stores do not say how much is free
        free = shutil.disk_usage(self.path).free
        if free < n_bytes:
            raise OSError(
                f"{data_size(free)} are free, and a run like this needs up to {data_size(n_bytes)}"
            )

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
        if not self.has(name):
            raise FileNotFoundError(name)
        if self.path is not None:
            return self.path / name
        copies = cache_folder() / "copies"
        whose = hashlib.sha256(self.address.encode()).hexdigest()[:32]
        copy = copies / f"{whose}-{name}"
        if not copy.is_file():
            _replace_file(copy, self.get(name, max_bytes=MAX_FILE_BYTES))
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
    clock : callable
        Returns seconds; never compared with the clock of another server.
    kept : Kept, optional
    secret : bytes
        Processes with the same one agree on which runs have the same owner.
    """

    def __init__(
        self,
        address: Address,
        *,
        clock: Callable[[], float] = time.monotonic,
        kept: Kept | None = None,
        secret: bytes = _SECRET,
    ) -> None:
        self.address, self._clock, self._secret = address, clock, secret
        self.kept = kept or Kept()
        self._words: dict[str, tuple[bytes, float]] = {}  # from alive.json, and since when

    @property
    def folder(self) -> Folder:
        """Folder of the runs."""
        return Folder(self.address)

    def word(self, *, write: bool = False) -> str:
        """Return a word that is written in this storage and in no other.

        Parameters
        ----------
        write : bool
            Whether to write one if there is none.

        Raises
        ------
        OSError
            If there is none, or it cannot be read or written.
        """
        if write and not self.folder.has(STORAGE):
            self.folder.put(STORAGE, _json({"word": secrets.token_hex(8)}))
        return self.folder.get(STORAGE).decode(errors="replace")

    def begin(self, run_id: str, spec: RunSpec, owner: str = "") -> None:
        """Record that a run has begun in this process, and check that it can be saved.

        The owner is not stored; a hash tells only those who have the `secret` which runs have the
        same one.

        Raises
        ------
        OSError
            If something cannot be written, or there is too little room for such a run; says why.
        """
        folder = self._of(run_id)
        folder.put(SPEC, _specs_bytes(spec.network, spec.training))
        _put_beginning(folder, spec)
        process = psutil.Process()
        by = {"host": socket.gethostname(), "pid": process.pid, "started": process.create_time()}
        folder.put(BEGUN, _json(by))
        put_in_order(self.folder, folder, SPEC, _whose(owner, self._secret))
        self.show_life(run_id)
        folder.check_room(*_sizes(spec))

    def show_life(self, run_id: str) -> None:
        """Tell other servers that a run is going on; to be called every 15 s."""
        self._of(run_id).put(ALIVE, _json({"word": secrets.token_hex(8)}))

    def keep_epoch(self, run_id: str, network: Network, events: Sequence[Event]) -> None:
        """Save the state of a run after an epoch, replacing the previous one.

        History and result are in the network's card, so a single file holds either the new or the
        previous state completely.
        """
        folder = self._of(run_id)
        folder.put(EVENTS, _events_bytes(events))
        folder.put(WEIGHTS, network.to_bytes())

    def keep_snapshot(self, run_id: str, number: int, snapshot: bytes) -> None:
        """Save a snapshot of a run; snapshots are ordered by number."""
        self._of(run_id).put(_snapshot_name(number), snapshot)

    def keep(
        self,
        status: Status,
        network: Network | None,
        history: Iterable[Mapping[str, Any]],
        events: Sequence[Event],
    ) -> None:
        """Save a run that has ended, and remove those that are not `Kept`.

        Parameters
        ----------
        status : Status
        network : Network or None
            None for a run that failed before it had finished an epoch.
        history, events
            See `Outcome` and `Event`.

        Raises
        ------
        OSError
            If it cannot be written. What was written before stays.
        """
        folder = self._of(status.run_id)
        if network is not None:
            _put_run(folder, network, status.spec.training, history, status.result)
        else:
            folder.put(SPEC, _specs_bytes(status.spec.network, status.spec.training))
            folder.put(RESULT, _json({}))
        _put_beginning(folder, status.spec)
        folder.put(EVENTS, _events_bytes(events))
        put_in_order(self.folder, folder, SPEC, _whose("".join(status.owners[:1]), self._secret))
        folder.put(ENDED, _json({"state": status.state, "sentence": status.sentence}))
        with suppress(OSError):  # the run is saved; removal can wait
            self._remove_surplus()

    def break_off(self, status: Status, events: Sequence[Event]) -> None:
        """Record how a run ended whose process has died; what that has saved is kept.

        Parameters
        ----------
        status : Status
        events : sequence of Event

        Raises
        ------
        OSError
            If it cannot be written.
        """
        folder = self._of(status.run_id)
        if folder.occupies(ENDED):
            return
        kept = _KeptRun(folder, status.run_id)
        try:
            history = json_of(kept.network.card.get("history", "").encode())
            folder.put(HISTORY, _lines(history))
            result = kept.card_result
        except _UNREADABLE:  # before the end of the first epoch
            result = {}
        folder.put(SPEC, _specs_bytes(status.spec.network, status.spec.training))
        _put_beginning(folder, status.spec)
        folder.put(RESULT, _json(result))
        folder.put(EVENTS, _events_bytes(events))
        folder.put(ENDED, _json({"state": status.state, "sentence": status.sentence}))

    def snapshot(self, run_id: str, number: int) -> bytes:
        """Return one snapshot of a run that is going on; OSError if it is not there."""
        return self._of(run_id).get(_snapshot_name(number), max_bytes=MAX_BYTES)

    def discard(self, run_id: str) -> None:
        """Remove a run of which nothing was reported."""
        self._of(run_id).remove()

    def status(self, run_id: str) -> Status:
        """Return the final status of a kept run.

        Raises
        ------
        UnknownRunError
            If it is not kept, its settings cannot be read, or it is active in another process.
        """
        with self._read(run_id) as kept:
            return kept.status

    def events(self, run_id: str) -> list[Event]:
        """Return the events of a kept run, in order; damaged ones are left out.

        Raises
        ------
        UnknownRunError
            See `status`.
        """
        with self._read(run_id) as kept:
            return kept.events[0]

    def snapshots(self, run_id: str) -> list[bytes]:
        """Return the snapshots of a kept run, oldest first; damaged ones are left out.

        Raises
        ------
        UnknownRunError
            See `status`.
        """
        with self._read(run_id) as kept:
            return snapshots_of(kept.packed, kept.spec)

    def damage(self, run_id: str) -> list[str]:
        """Return a sentence for each part of a kept run that is damaged.

        Raises
        ------
        UnknownRunError
            See `status`.

        Notes
        -----
        Reads all files of the run, up to some 40 MB.
        """
        with self._read(run_id) as kept:
            return list(kept.damage())

    def weights(self, run_id: str) -> Path:
        """Return the weights file of a kept run; a local copy if the storage is remote.

        Raises
        ------
        UnknownRunError
            If the id is malformed, or the run is not, or no longer, kept.
        """
        with self._read(run_id) as kept:
            return kept.folder.local_copy(WEIGHTS)

    def _remove_surplus(self) -> None:
        """Remove the runs that are not `Kept`; by the clock of the storage, not of this server."""
        runs = [
            (*_place(folder), folder.modified(ENDED, SPEC), folder)
            for folder in self.folder.folders(holding=SPEC)
            if RUN_ID.fullmatch(folder.name) and not self._may_be_going_on(folder)
        ]
        runs.sort(key=lambda run: (run[0], run[2]), reverse=True)
        n_of: Counter[str] = Counter()
        for n_newer, (_, whose, at, folder) in enumerate(runs):
            is_old = runs[0][2] - at > timedelta(days=self.kept.days)
            one_too_many = n_newer >= self.kept.in_all or n_of[whose] >= self.kept.each
            if is_old or one_too_many:
                folder.remove()
            if whose:
                n_of[whose] += 1

    def _of(self, run_id: str) -> Folder:
        return self.folder / checked_run_id(run_id)

    @contextmanager
    def _read(self, run_id: str) -> "Iterator[_KeptRun]":
        """Open the folder of a run that is not active; errors are raised as UnknownRunError."""
        folder = self._of(run_id)
        try:
            if _trains_here(folder):
                raise UnknownRunError(run_id, ELSEWHERE)
            host = _begun_on(folder)
            if host not in (None, socket.gethostname()) and self._may_be_going_on(folder):
                raise UnknownRunError(run_id, ELSEWHERE)
            yield _KeptRun(folder, run_id)
        except UnknownRunError:
            raise
        except _UNREADABLE as error:
            if folder.occupies(SPEC) or folder.occupies(WEIGHTS):
                raise UnknownRunError(run_id, DAMAGED) from error
            raise UnknownRunError(run_id) from error

    def _may_be_going_on(self, folder: Folder) -> bool:
        """Return whether a run has not ended, for all that this server can know.

        Its process is alive, or its word in `alive.json` has changed, or has not been looked at,
        within two minutes of this server's own clock.
        """
        if folder.occupies(ENDED):
            return False
        if _trains_here(folder):
            return True
        try:
            word = folder.get(ALIVE)
        except OSError:
            word = b""
        now = self._clock()
        before, since = self._words.get(folder.name, (None, now))
        if before != word:
            since = now
        self._words[folder.name] = word, since
        return now - since < LOST_AFTER_S


class _KeptRun:
    """Folder of a run that is not active; each file is read when it is needed."""

    def __init__(self, folder: Folder, run_id: str) -> None:
        self.folder, self._run_id = folder, run_id

    @cached_property
    def network(self) -> Network:
        """Network in the weights file; OSError or ModelFileError if there is none."""
        return Network.load(self.folder.local_copy(WEIGHTS))

    @cached_property
    def spec(self) -> RunSpec:
        """Settings, from the card in the weights file if `spec.json` is damaged."""
        try:
            network, training = _specs(self.folder)
        except _UNREADABLE:
            network = self.network.spec
            training = TrainingSpec.model_validate_json(self.network.card.get("training", ""))
        return RunSpec(
            network=network, training=training, start=self.start, own_drawings=self.own_drawings
        )

    @cached_property
    def start(self) -> Start | None:
        """The network whose weights it began with; None for new ones, or if that is damaged."""
        try:
            return Start.model_validate_json(self.folder.get(START))
        except _UNREADABLE:
            return None

    @cached_property
    def own_drawings(self) -> int:
        """How many drawings of its owner it learned from; 0 if that is damaged."""
        try:
            return own_of(self.folder.get(OWN))
        except _UNREADABLE:
            return 0

    @cached_property
    def raw_result(self) -> Any:
        """Content of `result.json`, unchecked; None if it is missing or is not JSON."""
        try:
            return json_of(self.folder.get(RESULT))
        except _UNREADABLE:
            return None

    @cached_property
    def card_result(self) -> dict[str, Any]:
        """Results in the card of the weights file, as far as they are sound."""
        try:
            return result_of(json_of(self.network.card.get("result", "").encode()), self.spec)
        except _UNREADABLE:
            return {}

    @cached_property
    def status(self) -> Status:
        """How the run ended."""
        state: State
        if self.folder.occupies(ENDED):
            result = result_of(self.raw_result, self.spec)
            if result != self.raw_result:
                result = self.card_result or result
            try:
                state, sentence = ended_of(self.folder.get(ENDED))
            except _UNREADABLE:
                state, sentence = ("done" if "n" in result else "failed"), HOW_IT_ENDED
            if state == "done" and "n" not in result:
                state, sentence = "failed", HOW_IT_ENDED
        else:
            state, sentence, result = "failed", WITH_THE_SERVER, self.card_result
            if result:
                sentence += f" {kept_sentence(result)}"
        return Status(
            run_id=self._run_id,
            owners=(),
            spec=self.spec.model_copy(update={"engine": result.get("engine", "keras")}),
            state=state,
            sentence=sentence,
            result=result,
        )

    @cached_property
    def events(self) -> tuple[list[Event], int]:
        """Events, and the number of damaged lines; -1 if the file is missing or unreadable."""
        spec = self.spec
        try:
            return events_of(self.folder.get(EVENTS), spec)
        except OSError:
            return [], -1

    @cached_property
    def packed(self) -> list[bytes]:
        """Snapshot files, unchecked."""
        return self.folder.get_all(SNAPSHOTS, _SNAPSHOT_NAME, max_bytes=MAX_BYTES)[:MAX_SNAPSHOTS]

    def damage(self) -> Iterator[str]:
        """Yield a sentence for each part that is damaged."""
        status, has_ended = self.status, self.folder.occupies(ENDED)
        with_weights = self.folder.occupies(WEIGHTS) or bool(status.result)
        try:
            _specs(self.folder)
        except _UNREADABLE:
            yield f"{SPEC} is damaged: the settings are those in {WEIGHTS}."
        if self.start is None and self.folder.occupies(START):
            yield f"{START} is damaged: with which weights the run began is unknown."
        if not self.own_drawings and self.folder.occupies(OWN):
            yield f"{OWN} is damaged: how many own drawings the run learned from is unknown."
        if has_ended:
            try:
                ended_of(self.folder.get(ENDED))
            except _UNREADABLE:
                yield f"{ENDED} is damaged: how the run ended is unknown."
            if self.raw_result is None or (
                self.raw_result and result_of(self.raw_result, self.spec) != self.raw_result
            ):
                used = f"its figures are those in {WEIGHTS}" if self.card_result else "figures lack"
                yield f"{RESULT} is damaged: {used}."
        events, n_damaged = self.events
        if n_damaged > 0:
            n_lines = counted(len(events) + n_damaged, "line")
            yield f"{n_damaged:,} of {n_lines} in {EVENTS} cannot be read and are left out."
        elif n_damaged and (has_ended or with_weights):
            yield f"{EVENTS} is missing or damaged, so there are no curves."
        if self.folder.occupies(SNAPSHOTS):
            n, n_sound = len(self.packed), len(snapshots_of(self.packed, self.spec))
            if n_sound < n:
                yield f"{n - n_sound} of {counted(n, 'snapshot')} cannot be read and are left out."
        if with_weights:
            try:
                sound = all(np.isfinite(values).all() for values in self.network.weights.values())
            except _UNREADABLE as error:
                yield f"{WEIGHTS} cannot be read: {error}"
            else:
                if not sound:
                    yield f"{WEIGHTS} holds weights that are not finite numbers."


def remove_oldest(
    parent: Folder, holding: str, n_kept: int, *, spare: Callable[[Folder], bool]
) -> None:
    """Remove the oldest subfolders beyond the number to keep, and nothing else.

    Parameters
    ----------
    parent : Folder
    holding : str
        Only folders that contain a file with this name are counted and removed.
    n_kept : int
    spare : callable
        Returns whether a folder must stay, however old it is.

    Notes
    -----
    Their age is the number in `order.json`. Folders of earlier versions have none: they count as
    older than all others, and among themselves by the time of the file.
    """
    found = [one for one in parent.folders(holding=holding) if RUN_ID.fullmatch(one.name)]
    over = [folder for folder in found if not spare(folder)]
    over.sort(key=lambda folder: (_number(folder), folder.modified(ENDED, holding)), reverse=True)
    for old in over[n_kept:]:
        old.remove()


def put_in_order(parent: Folder, folder: Folder, holding: str, whose: str = "") -> None:
    """Give a folder the number of the newest one in `parent`, and note whose it is."""
    folder.put(ORDER, _json({"number": _next_number(parent, holding), "whose": whose}))


def _whose(owner: str, secret: bytes) -> str:
    """Return a word that is the same for all runs of an owner, and says no more."""
    return hashlib.blake2b(owner.encode(), key=secret, digest_size=8).hexdigest() if owner else ""


def _place(folder: Folder) -> tuple[int, str]:
    """Return the number of a folder, -1 without one, and whose it is, "" if that is not known."""
    try:
        content = folder.get(ORDER)
        return number_of(content), str(json_of(content).get("whose", ""))
    except _UNREADABLE:
        return -1, ""


def runs_folder() -> Address:
    """Return the storage of runs: CNN_LAB_RUNS, or a folder in the user's cache.

    Any fsspec address is allowed, such as "s3://bucket/runs", if its package is installed.
    """
    return environment.RUNS.value() or cache_folder() / "runs"


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


def check_folder(path: Path, network: NetworkSpec) -> None:
    """Check that a finished network can be saved to a folder, before it is trained.

    Raises
    ------
    OSError
        If not; says why.
    """
    largest = _weights_size(network)
    Folder(path).check_room(2 * largest, largest)


def _trains_here(folder: Folder) -> bool:
    """Return whether a process of this machine that began a run seems to be still training it."""
    if folder.occupies(ENDED):
        return False
    try:
        host, pid, started = begun_of(folder.get(BEGUN))
    except _UNREADABLE:
        return False
    if host != socket.gethostname():
        return False
    with suppress(psutil.Error):  # another process may have its id by now
        return bool(abs(psutil.Process(pid).create_time() - started) < SAME_MOMENT_S)
    return False


def _begun_on(folder: Folder) -> str | None:
    """Return the name of the machine that began a run; None if nothing says so."""
    try:
        return begun_of(folder.get(BEGUN))[0]
    except _UNREADABLE:
        return None


def _snapshot_name(number: int) -> str:
    return f"{SNAPSHOTS}/{number:04d}.safetensors"


def _number(folder: Folder) -> int:
    return _place(folder)[0]


def _next_number(parent: Folder, holding: str) -> int:
    return 1 + max(map(_number, parent.folders(holding=holding)), default=0)


def _sizes(spec: RunSpec) -> tuple[int, int]:
    """Return how many bytes a run takes at most, and its largest file.

    While a file is replaced, the old and the new one take room.
    """
    weights = _weights_size(spec.network)
    events = round(spec.max_seconds / REPORT_EVERY_S) * REPORT_BYTES
    snapshots = MAX_SNAPSHOTS * (MAX_MAPS_BYTES + MAX_KERNELS_BYTES)
    return 2 * weights + 2 * events + snapshots, weights


def _weights_size(network: NetworkSpec) -> int:
    return 4 * network.n_parameters + CARD_BYTES


def _put_beginning(folder: Folder, spec: RunSpec) -> None:
    """Save with which weights a run began, and how many own drawings it had."""
    if spec.start is not None:
        folder.put(START, spec.start.model_dump_json().encode())
    if spec.own_drawings:
        folder.put(OWN, _json({"drawings": spec.own_drawings}))


def _specs(folder: Folder) -> tuple[NetworkSpec, TrainingSpec]:
    return specs_of(folder.get(SPEC))


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
    folder.put(WEIGHTS, network.to_bytes())


def _specs_bytes(network: NetworkSpec, training: TrainingSpec) -> bytes:
    specs = {"network": network.model_dump(), "training": training.model_dump()}
    return (json.dumps(specs, indent=2) + "\n").encode()


def _events_bytes(events: Iterable[Event]) -> bytes:
    return _lines(dataclasses.asdict(event) for event in events)


def _lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(dict(row)) + "\n" for row in rows).encode()


def _json(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(dict(values)) + "\n").encode()


def _replace_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Processes in containers have the same id.
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
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
