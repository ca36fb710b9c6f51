"""Ten digits as a hand draws them."""

import json
from pathlib import Path

_PATH = Path(__file__).parent / "browser" / "strokes.json"
# By digit: strokes of (across, down) on the canvas of 280 x 280 pixels.
STROKES: dict[str, list[list[tuple[int, int]]]] = json.loads(_PATH.read_text(encoding="utf-8"))
