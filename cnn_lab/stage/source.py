"""The player's source: a few JavaScript modules, joined into the one that a browser loads.

Two more modules are Streamlit's side of it: `LENDER` hands the player to the page once, `MOUNT`
shows data with it.
"""

import re
from importlib.resources import files

_FOLDER = files("cnn_lab.stage")
_MODULES = (
    "wire.js",
    "words.js",
    "theme.js",
    "boxes.js",
    "layout.js",
    "paint.js",
    "legend.js",
    "overlay.js",
    "ground.js",
    "pointing.js",
    "writing.js",
    "latex.js",
    "tables.js",
    "controls.js",
    "clock.js",
    "player.js",
)
_IMPORT = re.compile(r"^import .*?;\n", re.MULTILINE | re.DOTALL)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)
_COMMENT = re.compile(r"^\s*(//[^\n]*|/\*\*.*?\*/)\n", re.MULTILINE | re.DOTALL)
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)


def script() -> str:
    """Return the player's modules as one, in the order of their dependencies.

    Each file is a module of its own for editors and type checkers; joined, they share one
    scope, so that imports and exports fall away. So do comments and indentation, a third of
    what would travel.
    """
    return "\n".join(map(_joinable, _MODULES))


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _joinable(name: str) -> str:
    """Return a module without what it needs to stand alone; a default export stays."""
    bare = _EXPORT.sub("", _IMPORT.sub("", _read(name)))
    return _INDENT.sub("", _COMMENT.sub("", bare))


STYLE = _read("stage.css")
LENDER = f"{script()}\n{_joinable('lend.js')}"
MOUNT = _joinable("stage.js")
