"""Damage to files: bytes flipped, cut, repeated or replaced, and odd values in JSON."""

import copy
from typing import Any

import numpy as np

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 10**9, 10**30, -(10**30), 10**400, 0.5, 1e308, -0.0),
    *(float("nan"), float("inf"), "", "x", "0", "nan", "\x00", "é" * 50, "../../x", "a" * 5_000),
    *([], {}, [[]], [0], [1, 2, 3, 4, 5], {"type": "Dense"}, ["x"] * 1_000),
)
MAX_CHANGES = 4


def damaged(random: np.random.Generator, content: bytes) -> bytes:
    """Return the bytes with a few changes."""
    for _ in range(random.integers(1, MAX_CHANGES + 1)):
        content = _changed(random, content)
    return content


def _changed(random: np.random.Generator, content: bytes) -> bytes:
    start = int(random.integers(len(content) + 1))
    end = min(len(content), start + int(random.integers(1, 64)))
    match random.integers(6):
        case 0 if content:
            place = start % len(content)
            flipped = content[place] ^ 1 << random.integers(8)
            return content[:place] + bytes([flipped]) + content[place + 1 :]
        case 1:
            return content[:start]
        case 2:
            return content[:start] + content[end:]
        case 3:
            return content[:end] + content[start:]
        case 4:
            return content[:start] + random.bytes(end - start) + content[end:]
        case _:
            return content[:start] + random.bytes(random.integers(1, 64)) + content[start:]


def with_odd_values(random: np.random.Generator, value: Any) -> Any:
    """Return a copy of parsed JSON with a few members replaced, removed or added."""
    changed = copy.deepcopy(value)
    for _ in range(random.integers(1, MAX_CHANGES + 1)):
        _make_odd(random, changed)
    return changed


def _make_odd(random: np.random.Generator, within: Any) -> None:
    """Change one member of an object or a list, at any depth."""
    odd = copy.deepcopy(ODD[random.integers(len(ODD))])
    names = list(within) if isinstance(within, dict) else list(range(len(within)))
    if not names:
        return
    name = names[random.integers(len(names))]
    deeper = within[name]
    if isinstance(deeper, dict | list) and deeper and random.random() < 0.8:
        _make_odd(random, deeper)
    elif random.random() < 0.2:
        del within[name]
    elif isinstance(within, dict) and random.random() < 0.2:
        within[str(odd)[:40]] = deeper
    else:
        within[name] = odd


def must_be_a_message(text: str) -> None:
    """Check that a text can be shown to people: something, and not a whole file."""
    assert text
    assert "pydantic" not in text, text
    assert len(text) < 1_000, text
