"""What the cells of a trace hold after a step: nothing yet, a running total, the result."""

import numpy as np

from cnn_lab.trace import Trace
from cnn_lab.trace.grid import IntArray
from cnn_lab.trace.numbers import FloatArray


class Progress:
    """Walks a trace forward.

    Attributes
    ----------
    done : int
        The last step taken; -1 before the first.
    shown : ndarray of float64, shape (cells,)
        The value of each cell by its id; NaN where a result has not been reached.
    """

    def __init__(self, trace: Trace) -> None:
        """Begin before the first step."""
        self._trace = trace
        self.done = -1
        self.shown: FloatArray = np.concatenate([grid.values.ravel() for grid in trace.grids])
        self.shown[np.concatenate([trace.writes, trace.partials.ravel()])] = np.nan
        for grid in trace.result_grids if trace.targets.size else ():
            self.shown[grid.first_id : grid.first_id + grid.values.size] = np.nan

    def advance(self, step: int) -> IntArray:
        """Go on until a step is done and return the cells that changed, some of them twice."""
        trace, first, last = self._trace, self.done + 1, step + 1
        self.done = step
        if trace.targets.size:
            links = slice(int(trace.step_starts[first]), int(trace.step_starts[last]))
            cells = trace.targets[links]
            self.shown[cells] = trace.totals[links]  # of several in one cell the last remains
            return cells
        cells = np.concatenate([trace.writes[first:last], trace.partials[first:last].ravel()])
        values = np.concatenate([grid.values.ravel() for grid in trace.grids])
        self.shown[cells] = values[cells]
        return cells
