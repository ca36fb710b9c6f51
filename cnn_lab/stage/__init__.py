"""The stage: a small browser player for any trace.

`stage` shows it in Streamlit, which is imported only then; `script` and `STYLE` are the
player's source for pictures that live without Streamlit.
"""

from typing import TYPE_CHECKING, Any

from cnn_lab.stage.source import STYLE, script

if TYPE_CHECKING:
    from cnn_lab.stage.component import stage

__all__ = ["STYLE", "script", "stage"]


def __getattr__(name: str) -> Any:
    if name != "stage":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cnn_lab.stage.component import stage

    return stage
