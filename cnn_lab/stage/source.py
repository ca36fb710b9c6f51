"""Files of the stage: browser bundles, and the numbers and texts that both renderers share.

`make bundle` writes the bundles from the modules in `js/`. `layout.json` holds what the player
and `render/` share: sizes in CSS pixels, thresholds, shares of colours, texts.
"""

import json
from importlib.resources import files
from typing import Any


def bundled(name: str) -> str:
    """Return a bundle, such as "player.js" or "stage.css"."""
    return (files("cnn_lab.stage") / "bundles" / name).read_text(encoding="utf-8")


LOOK: dict[str, Any] = json.loads((files("cnn_lab.stage") / "layout.json").read_text("utf-8"))
