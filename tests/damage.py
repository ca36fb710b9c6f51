"""Damage to files of a run: every way in which a disk, a kill or a hand can change them."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def damaged(sound: Path, to: Path, dice: random.Random, *, at_once: int = 1) -> str:
    """Copy a folder, damage files of the copy, and return what was done in words."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(sound, to)
    done = []
    for _ in range(at_once):
        path = dice.choice(sorted(path for path in to.rglob("*") if path.is_file()))
        way = dice.choice(WAYS)
        way(path, dice)
        done.append(f"{way.__name__} {path.relative_to(to)}")
    return ", ".join(done)
