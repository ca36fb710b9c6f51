"""Agreement of the gather and scatter forms of a gradient."""

import numpy as np

from cnn_lab.ops.types import Array
from cnn_lab.trace import Trace


def disagreement(gathered: Trace, scattered: Trace) -> float:
    """Return the largest difference between the results of two traces of one gradient.

    Each result is added up from its own steps: one from what every step reads, the other from
    the totals that the steps leave. A cell that no step reaches counts as zero.

    Parameters
    ----------
    gathered, scattered : Trace
        Of the same gradient, with form="gather" and form="scatter".

    Notes
    -----
    Exactly 0 for whole numbers and short decimals. If digits are rounded, up to the last digit
    of single precision, in which the stage receives them.

    Examples
    --------
    >>> from cnn_lab.trace import bias_gradient_trace
    >>> delta = np.array([[1.0, 2.0], [3.0, -4.0]])
    >>> disagreement(bias_gradient_trace(delta), bias_gradient_trace(delta, form="scatter"))
    0.0
    """
    sums = _gathered(gathered)
    (result,) = (grid for grid in scattered.result_grids if grid.values.size)
    totals = np.zeros(result.first_id + result.values.size)
    totals[scattered.targets] = scattered.totals  # the last one written is the final total
    scattered_sums = totals[result.first_id :].reshape(result.values.shape)
    rows, columns = sums.shape
    top, left = (labels.index(0) for labels in (result.row_labels, result.column_labels))
    inside = scattered_sums[top : top + rows, left : left + columns]
    return float(np.abs(sums - inside).max(initial=0.0))


def _gathered(trace: Trace) -> Array:
    """Return the sums of the steps of a gather trace, in the shape of its result."""
    values = np.concatenate([grid.values.ravel() for grid in trace.grids])
    terms = values[trace.reads] * (values[trace.weights] if trace.weights.size else 1.0)
    sums = np.array([terms[trace.links(step)].sum() for step in range(len(trace))])
    (result,) = trace.result_grids
    found = np.zeros(result.values.size)
    found[trace.writes - result.first_id] = sums
    return found.reshape(result.values.shape)
