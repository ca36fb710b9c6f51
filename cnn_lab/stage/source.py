"""What a browser loads: the bundles that `make bundle` writes from the modules in `js/`."""

from importlib.resources import files


def bundled(name: str) -> str:
    """Return a bundle, such as "player.js" or "stage.css"."""
    return (files("cnn_lab.stage") / "bundles" / name).read_text(encoding="utf-8")
