"""Captions of steps, and whether the digits on screen are exact."""

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from cnn_lab.trace.grid import PADDING
from cnn_lab.trace.numbers import MINUS, Precision, format_number

if TYPE_CHECKING:
    from cnn_lab.trace.model import Trace


def caption(trace: "Trace", step: int) -> str:
    """Return a description of a step in words.

    The stage fills the same slots in the browser: `output`, `row` and `column` of the step's
    leading cell; `top`, `bottom`, `left` and `right` of the cells that the trace's `span` names;
    the `count` of cells combined and of `padding`; `result` (for a scatter step, the value
    handed out), and `about`, which is "about " if digits are cut off; `share`, the first number
    read; `bias` and, for a maximum, `winner_row` and `winner_column`.
    """
    lead, row, column = trace.locate(trace.leads[step])
    reads = [trace.locate(cell) for cell in trace.step_reads(step)]
    spanned = trace.reads if trace.span == "reads" else trace.targets
    span = [trace.locate(cell) for cell in spanned[trace.links(step)]]
    n_padding = sum(bool(grid.mask[r, c] & PADDING) for grid, r, c in span)
    count = len(reads) - n_padding * trace.skip_padding
    slots: dict[str, Any] = {
        "output": lead.name,
        "row": lead.row_labels[row],
        "column": lead.column_labels[column],
        "result": format_number(lead.values[row, column], lead.precision),
        "about": "" if is_exact(trace, step) else "about ",
        "count": count,
        "padding": n_padding,
    }
    if span:
        (first, top, left), (_, bottom, right) = span[0], span[-1]
        slots["top"], slots["bottom"] = first.row_labels[top], first.row_labels[bottom]
        slots["left"], slots["right"] = first.column_labels[left], first.column_labels[right]
    if reads:
        share, r, c = reads[0]
        if np.isfinite(share.values[r, c]):  # the padding of a maximum has no number
            slots["share"] = format_number(share.values[r, c], share.precision)
    if trace.biases.size:
        bias, r, c = trace.locate(trace.biases[step])
        slots["bias"] = format_number(bias.values[r, c], bias.precision)
    if trace.winners.size:
        grid, r, c = trace.locate(trace.winners[step])
        slots["winner_row"], slots["winner_column"] = grid.row_labels[r], grid.column_labels[c]
    few = trace.few_templates
    template = few[count] if count < len(few) else trace.caption_template
    template += trace.padding_template if n_padding else ""
    return re.sub(r"\{(\w+)\}", lambda slot: str(slots[slot[1]]).replace("-", MINUS), template)


def is_exact(trace: "Trace", step: int) -> bool:
    """Return whether the digits shown for a step's terms and result are exact."""
    results = trace.targets[trace.links(step)] if trace.targets.size else trace.writes[[step]]
    if all(trace.locate(cell)[0].precision.exact for cell in results):
        return True
    shown = _numbers_that_matter(trace, step)
    return all(precision.writes(value) for value, precision in shown)


def _numbers_that_matter(trace: "Trace", step: int) -> list[tuple[float, Precision]]:
    """Return the numbers that a step shows, except those multiplied by zero."""
    cells = list(trace.biases[step : step + 1])
    links = trace.links(step)
    reads, weights = trace.reads[links], trace.weights[links]
    if trace.weights.size:
        for read, weight in zip(reads, weights, strict=True):
            if trace.value(read) and trace.value(weight):
                cells += [read, weight]
    else:
        cells += [cell for cell in reads if np.isfinite(trace.value(cell))]
    if not trace.targets.size:
        cells.append(trace.writes[step])
    numbers = [(trace.value(cell), trace.locate(cell)[0].precision) for cell in cells]
    for target, before, after in running_totals(trace, step):
        precision = trace.locate(target)[0].precision
        numbers += [(before, precision), (after, precision)]
    return numbers


def running_totals(trace: "Trace", step: int) -> list[tuple[int, float, float]]:
    """Return each target of a scatter step with its total before and after.

    A step adds to a target once.
    """
    if not trace.targets.size:
        return []
    links = trace.links(step)
    earlier = trace.targets[: links.start]
    result = []
    for target, after in zip(trace.targets[links], trace.totals[links], strict=True):
        visits = np.flatnonzero(earlier == target)
        before = float(trace.totals[visits[-1]]) if visits.size else 0.0
        result.append((int(target), before, float(after)))
    return result
