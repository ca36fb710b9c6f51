"""The player's source: a few JavaScript modules, joined into the one that a browser loads."""

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
    "stage.js",
)
_IMPORT = re.compile(r"^import .*?;\n", re.MULTILINE | re.DOTALL)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)
_COMMENT = re.compile(r"^\s*(//[^\n]*|/\*\*.*?\*/)\n", re.MULTILINE | re.DOTALL)
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)

STYLE = (_FOLDER / "stage.css").read_text(encoding="utf-8")


def script() -> str:
    """Return the modules as one, in the order of their dependencies.

    Each file is a module of its own for editors and type checkers; joined, they share one
    scope, so that imports and all exports but the default one fall away. So do comments and
    indentation, a third of what would travel.
    """
    parts = ((_FOLDER / name).read_text(encoding="utf-8") for name in _MODULES)
    joined = "\n".join(_EXPORT.sub("", _IMPORT.sub("", part)) for part in parts)
    return _INDENT.sub("", _COMMENT.sub("", joined))
