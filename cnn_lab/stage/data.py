"""Input of the player: traces in wire format, and where to start."""

from collections.abc import Sequence
from typing import Any

from cnn_lab.content.words import listed
from cnn_lab.trace import Trace
from cnn_lab.trace.grid import IntArray


def as_traces(trace: Trace | Sequence[Trace]) -> list[Trace]:
    """Return one or several traces as a list.

    Raises
    ------
    ValueError
        If there are none.
    """
    traces = [trace] if isinstance(trace, Trace) else list(trace)
    if not traces:
        raise ValueError("The stage needs at least one trace. Received: trace=[]")
    return traces


def stage_data(
    traces: Sequence[Trace],
    *,
    start_step: int = 0,
    label: str = "",
    heading: str = "",
    masks: Sequence[IntArray] | None = None,
) -> dict[str, Any]:
    """Return the second argument of the player.

    Parameters
    ----------
    traces : sequence of Trace
        At least one.
    start_step : int
        The step shown first; negative counts from the end.
    label : str
        Text description for screen readers; by default the names of the traces.
    heading : str
        What the full screen shows above the picture; by default `label` or the names.
    masks : sequence of ndarray of int, optional
        For each trace, the cells of its result whose values are not to be sent.
    """
    names = listed([trace.name.lower() for trace in traces]).capitalize()
    return {
        "traces": [
            trace.to_wire(masks[number] if masks else None) for number, trace in enumerate(traces)
        ],
        "startStep": start_step,
        "label": f"{label or names}, step by step",
        "heading": heading or label or names,
    }
