"""The way of putting panels together that has the largest cells, and where all come to lie."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cnn_lab.stage.render.arrangements import Candidate, arrangements
from cnn_lab.stage.render.boxes import Box, Measure, Placed, Sizes
from cnn_lab.trace import Trace

# In units of the picture; a unit is a pixel where it is UNITS_WIDE pixels wide.
UNITS_WIDE = 720
MAX_CELL = 60
READABLE_CELL = 20
SMALLEST_CELL = 3
KERNEL_CELL = 28
LENS_CELLS = (40, 34, 28, 22)
USUAL_HEIGHT = 480
HEIGHT_OF_CHANNELS = 600
HEIGHT_PER_TRACE = 280
WORTH_A_KERNEL = 0.6
WORTH_A_LENS = 0.65
CLEARLY_LARGER = 1.2


class Layout(NamedTuple):
    """Panels and texts at their places, and the height that they take."""

    placed: Placed
    height: int


class _Solution(NamedTuple):
    candidate: Candidate
    sizes: Sizes


def lay_out(
    traces: Sequence[Trace], width: int, px: Callable[[float], int], measure: Measure
) -> Layout:
    """Return where everything goes.

    Parameters
    ----------
    traces : sequence of Trace
    width : int
        Pixels at most.
    px : callable
        Units to pixels.
    measure : callable
        (text, role) -> pixels.
    """
    usual = max(HEIGHT_OF_CHANNELS if t.channels > 1 else USUAL_HEIGHT for t in traces)
    limits = width, px(max(usual, HEIGHT_PER_TRACE * len(traces)))
    candidates = arrangements(traces, with_lens=False)
    solution = _best(candidates, limits, px, measure)
    if solution is None or solution.sizes.cell < px(READABLE_CELL):
        # Small cells lose their numbers: kernels keep theirs, and a lens shows the window's.
        for others, small_cells, worth in (
            (candidates, (KERNEL_CELL,), WORTH_A_KERNEL),
            (arrangements(traces, with_lens=True), LENS_CELLS, WORTH_A_LENS),
        ):
            other = _best(others, limits, px, measure, small_cells)
            if other and (solution is None or other.sizes.cell > worth * solution.sizes.cell):
                solution = other
    if solution is None:
        solution = _smallest(candidates, width, px, measure)
    tree, sizes = solution.candidate.tree, solution.sizes
    extent = tree.extent(sizes)
    placed = Placed()
    placed.put(tree, max(0, (width - extent.width) // 2), 0, sizes)
    return Layout(placed, extent.height)


def _best(
    candidates: Sequence[Candidate],
    limits: tuple[int, int],
    px: Callable[[float], int],
    measure: Measure,
    small_cells: Sequence[int] = (),
) -> _Solution | None:
    """Return the arrangement with the largest cells; a later style must gain clearly."""
    found: _Solution | None = None
    for candidate in candidates:
        for cell in range(px(MAX_CELL), px(SMALLEST_CELL), -1):
            if found is not None:
                same = found.candidate.style == candidate.style
                if cell <= found.sizes.cell * (1 if same else CLEARLY_LARGER):
                    break
            smalls = [px(small) for small in small_cells if px(small) >= cell]
            fitting = _fitting(candidate.tree, cell, smalls or [cell], limits, px, measure)
            if fitting:
                found = _Solution(candidate, fitting)
                break
    return found


def _fitting(
    tree: Box,
    cell: int,
    smalls: Sequence[int],
    limits: tuple[int, int],
    px: Callable[[float], int],
    measure: Measure,
) -> Sizes | None:
    for small in smalls:
        sizes = Sizes(cell, small, px, measure)
        extent = tree.extent(sizes)
        if extent.width <= limits[0] and extent.height <= limits[1]:
            return sizes
    return None


def _smallest(
    candidates: Sequence[Candidate], width: int, px: Callable[[float], int], measure: Measure
) -> _Solution:
    """Return the narrowest arrangement, as high as it must be."""
    smallest = Sizes(2, 2, px, measure)
    narrowest = min(candidates, key=lambda candidate: candidate.tree.extent(smallest).width)
    for cell in range(px(READABLE_CELL), 2, -1):
        sizes = Sizes(cell, cell, px, measure)
        if narrowest.tree.extent(sizes).width <= width:
            return _Solution(narrowest, sizes)
    return _Solution(narrowest, smallest)
