"""What a question hides does not travel: the wire is the same whatever the values are."""

from dataclasses import replace

import numpy as np
import pytest

from cnn_lab.trace import convolution_trace, max_pool_gradient_trace, max_pool_trace
from cnn_lab.trace.grid import WINNER, Scale
from cnn_lab.trace.model import HIDDEN
from cnn_lab.trace.numbers import Precision
from tests.browser.stage_cases import CASES, DELTA, PATCH, SOBEL
from tests.unit.trace.test_wire import unpack

SMALL = sorted(CASES.keys() - {"digit", "digit-filters", "digit-pooling"})


def with_other_results(trace):
    """The same operation with other numbers in all that its steps compute."""
    random = np.random.default_rng(1)
    results = set(trace.result_cells.tolist())
    grids = []
    for grid in trace.grids:
        changed = grid
        if grid.first_id in results:
            changed = replace(
                grid,
                values=random.normal(size=grid.values.shape),
                scale=Scale("signed", 77.0),
                precision=Precision(5, exact=False),
            )
        elif trace.winners.size or trace.routed:
            other = np.where(random.random(grid.mask.shape) < 0.5, WINNER, 0).astype(np.uint8)
            changed = replace(grid, mask=(grid.mask & ~np.uint8(WINNER)) | other)
        grids.append(changed)
    changes = {"grids": tuple(grids), "totals": random.normal(size=trace.totals.shape)}
    if trace.winners.size:
        changes["winners"] = random.permutation(trace.winners)
    if trace.routed:
        changes["reads"] = random.permutation(trace.reads)
        changes["targets"] = random.permutation(trace.targets)
    return replace(trace, **changes)


@pytest.mark.parametrize("case", SMALL)
def test_nothing_of_a_hidden_result_is_sent(case):
    for trace in CASES[case]():
        mask = trace.result_cells
        sent = trace.to_wire(mask)
        assert sent == with_other_results(trace).to_wire(mask)
        assert sent != trace.to_wire()
        for grid in sent["grids"]:
            if "hidden" in grid:
                assert unpack(grid["hidden"]).all()
                assert not unpack(grid["values"]).any()


@pytest.mark.parametrize("case", SMALL)
def test_captions_of_hidden_results_have_a_question_mark_and_no_number_of_theirs(case):
    for trace in CASES[case]():
        hidden, other = (
            each.without(trace.result_cells) for each in (trace, with_other_results(trace))
        )
        steps = range(0, len(trace), max(1, len(trace) // 5))
        assert [hidden.caption(step) for step in steps] == [other.caption(step) for step in steps]
        if not trace.sources.size:
            assert all(HIDDEN in hidden.caption(step) for step in steps)


@pytest.mark.parametrize("case", SMALL)
def test_a_cell_that_was_answered_is_sent_with_all_that_led_to_it(case):
    for trace in CASES[case]():
        if trace.routed:
            continue  # one gradient is not known without the others
        cell = int((trace.targets if trace.targets.size else trace.writes)[-1])
        shown = trace.cells_behind(cell)
        left = trace.without(np.setdiff1d(trace.result_cells, shown))
        assert [left.text(each) for each in shown] == [trace.text(each) for each in shown]
        _, step = trace.steps_of(cell)
        assert left.running_totals(step) == [
            (target, before, after) if target == cell else (target, 0.0, 0.0)
            for target, before, after in trace.running_totals(step)
        ]
        if trace.winners.size:
            assert left.winners[step] == trace.winners[step]
            assert (np.delete(left.winners, step) == -1).all()


def test_the_steps_of_a_cell_are_those_that_add_to_it():
    gathered = max_pool_trace(PATCH)
    assert [gathered.steps_of(cell) for cell in gathered.writes] == [(n, n) for n in range(9)]
    scattered = max_pool_gradient_trace(PATCH, DELTA[:2, :2], pool_size=3, strides=2)
    for cell in scattered.targets:
        reached = [step for step in range(4) if cell in scattered.targets[scattered.links(step)]]
        assert scattered.steps_of(cell) == (reached[0], reached[-1])


def test_an_opening_is_the_same_for_outputs_of_any_size():
    traces = [convolution_trace(PATCH, SOBEL, strides=strides) for strides in (1, 2, 3)]
    first, *others = [trace.opening().to_wire() for trace in traces]
    assert all(other == first for other in others)
    assert first["nSteps"] == 1
    assert traces[0].opening().caption(0).count(HIDDEN) == 1


@pytest.mark.parametrize("case", ["rounded", "digit-filters", "input-scatter"])
def test_what_is_computed_from_the_digits_shown_is_off_by_no_more_than_is_said(case):
    (trace,) = CASES[case]()
    for cell in trace.result_grids[0].first_id + np.arange(0, 16, 5):
        first, last = trace.steps_of(cell)
        total = 0.0
        for step in range(first, last + 1):
            for link in range(trace.links(step).start, trace.links(step).stop):
                if trace.targets.size and trace.targets[link] != cell:
                    continue
                read, weight = trace.reads[link], trace.weights[link]
                total += as_shown(trace, read) * as_shown(trace, weight)
            if trace.biases.size:
                total += trace.value(trace.biases[step])
        assert abs(total - trace.value(cell)) <= trace.error_of(cell) + 1e-6
        assert trace.error_of(cell) < 2


def as_shown(trace, cell):
    """A value as its cell shows it."""
    return round(trace.value(cell), trace.locate(cell)[0].precision.decimals)


def test_exact_numbers_leave_no_room_for_error():
    trace = convolution_trace(PATCH, SOBEL)
    assert trace.error_of(int(trace.writes[3])) == 0
