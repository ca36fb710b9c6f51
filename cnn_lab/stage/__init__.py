"""The stage: a small browser player for any trace.

`stage` shows it in Streamlit, which is imported only then.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnn_lab.stage.component import stage

__all__ = ["stage"]


def __getattr__(name: str) -> Any:
    if name != "stage":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cnn_lab.stage.component import stage

    return stage
