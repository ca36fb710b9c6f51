"""Damage to files of a run: every way in which a disk, a kill or a hand can change them."""

import json
import math
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from cnn_lab.network import ModelFileError, Network
from cnn_lab.runs.comparison import Compared, conclusion, result_rows
from cnn_lab.runs.doctor.diagnosis import diagnose
from cnn_lab.runs.job import UnknownRunError, progress
from cnn_lab.runs.snapshots import Snapshots
from cnn_lab.runs.store import Store

WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    3,
    0.5,
    1e308,
    -1e308,
    10**30,
    float("nan"),
    float("inf"),
    "",
    "x",
    "<b>[a](http://a.example)</b>",
    "x" * 100_000,
    [],
    {},
    [[[]]],
)


def truncate(path: Path, dice: random.Random) -> None:
    """Cut a file off at any byte."""
    content = path.read_bytes()
    path.write_bytes(content[: dice.randrange(len(content) + 1)])


def flip(path: Path, dice: random.Random) -> None:
    """Change a few bytes."""
    content = bytearray(path.read_bytes())
    for _ in range(dice.choice((1, 1, 1, 4, 40)) if content else 0):
        at = dice.randrange(min(len(content), dice.choice((200, 4000, 10**9))))
        content[at] ^= 1 << dice.randrange(8)
    path.write_bytes(content)


def change_digit(path: Path, dice: random.Random) -> None:
    """Change one digit, so that JSON stays JSON."""
    content = bytearray(path.read_bytes())
    digits = [at for at, byte in enumerate(content[:100_000]) if chr(byte).isdigit()]
    if digits:
        content[dice.choice(digits)] = ord(str(dice.randrange(10)))
    path.write_bytes(content)


def empty(path: Path, _dice: random.Random) -> None:
    """Leave a file of no bytes."""
    path.write_bytes(b"")


def remove(path: Path, _dice: random.Random) -> None:
    """Remove a file."""
    path.unlink()


def replace_by_folder(path: Path, _dice: random.Random) -> None:
    """Put a folder where the file was."""
    path.unlink()
    path.mkdir()


def replace_by_noise(path: Path, dice: random.Random) -> None:
    """Write random bytes, deep nesting or a huge number instead."""
    contents = (dice.randbytes(300), b"[" * 100_000, b"9" * 5000, b"NaN", b"null\n" * 9, b"\n\n")
    path.write_bytes(dice.choice(contents))


def duplicate_lines(path: Path, dice: random.Random) -> None:
    """Write lines twice, or in another order."""
    lines = path.read_bytes().splitlines(keepends=True)
    dice.shuffle(lines)
    path.write_bytes(b"".join(lines * dice.choice((1, 2))))


def change_value(path: Path, dice: random.Random) -> None:
    """Put a value of a wrong type or size into JSON, or a field of another version."""
    lines = path.read_text(errors="replace").splitlines()
    try:
        whole = json.loads("\n".join(lines))
    except (ValueError, RecursionError):
        at = dice.randrange(len(lines)) if lines else 0
        try:
            one = json.loads(lines[at])
        except (ValueError, IndexError, RecursionError):
            return
        lines[at] = json.dumps(_changed(one, dice))
        path.write_text("\n".join(lines) + "\n")
    else:
        path.write_text(json.dumps(_changed(whole, dice)))


def _changed(value: Any, dice: random.Random) -> Any:
    places: list[tuple[Any, Any]] = []
    _collect(value, places)
    if not places or dice.random() < 0.05:
        return dice.choice(WRONG)
    holder, key = dice.choice(places)
    what = dice.random()
    if what < 0.15:
        del holder[key]
    elif what < 0.25 and isinstance(holder, dict):
        holder["of_a_later_version"] = 1
    else:
        holder[key] = dice.choice(WRONG)
    return value


def _collect(value: Any, places: list[tuple[Any, Any]]) -> None:
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            places.append((value, key))
            if isinstance(value[key], dict | list):
                _collect(value[key], places)


WAYS: tuple[Callable[[Path, random.Random], None], ...] = (
    truncate,
    flip,
    change_digit,
    empty,
    remove,
    replace_by_folder,
    replace_by_noise,
    duplicate_lines,
    change_value,
    change_value,
    change_value,
)


def damage(folder: Path, dice: random.Random, *, times: int = 1) -> str:
    """Damage files of a folder, and return what was done in words."""
    done = []
    for _ in range(times):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if not files:
            break
        path = dice.choice(files)
        way = dice.choice(WAYS)
        way(path, dice)
        done.append(f"{way.__name__} {path.relative_to(folder)}")
    return ", ".join(done)


def damaged(sound: Path, to: Path, dice: random.Random, *, at_once: int = 1) -> str:
    """Copy a folder, damage files of the copy, and return what was done in words."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(sound, to)
    return damage(to, dice, times=at_once)


def check_readers(folder: Path) -> Store:
    """Check that all of a folder can be used, or is refused with a sentence."""
    clock = iter(range(0, 10**9, 1000))  # a server that begun elsewhere is soon gone
    runs, run_id = Store(folder.parent, clock=lambda: float(next(clock))), folder.name
    with suppress(UnknownRunError):
        runs.status(run_id)
    try:
        status = runs.status(run_id)
    except UnknownRunError:
        return runs
    events, packed = runs.events(run_id), runs.snapshots(run_id)
    assert all(isinstance(sentence, str) for sentence in runs.damage(run_id))
    for event in events:
        assert all(math.isfinite(value) for value in event.values.values())
    spec, snapshots = status.spec, Snapshots(packed)
    assert 0 <= progress(spec, events).share <= 1
    plain = [{"kind": event.kind, **event.values} for event in events]
    diagnose(spec.network, spec.training, plain, snapshots)
    batches = [event.values for event in events if event.kind == "batch"]
    epochs = [event.values for event in events if event.kind == "epoch"]
    one = Compared(
        "one", spec.network, spec.training, spec.engine, 1, epochs, batches, status.result
    )
    result_rows([one, one])
    conclusion(one, one)
    with suppress(UnknownRunError, ModelFileError):
        Network.load(runs.weights(run_id))
    return runs
