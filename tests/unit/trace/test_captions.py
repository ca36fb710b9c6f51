"""What a step says in words and numbers, recomputed from the numbers that it shows."""

import math
import re
from decimal import Decimal

import numpy as np
import pytest

from cnn_lab.trace import Trace, convolution_trace, max_pool_trace
from cnn_lab.trace.arithmetic import MAX_LINE_TERMS, Arithmetic, arithmetic, arithmetic_line
from cnn_lab.trace.grid import PADDING
from tests.browser.stage_cases import CASES

ROUNDING = Decimal("0.003")  # of each term of a rounded sum


def number(text: str) -> Decimal:
    return Decimal(text.strip("()").replace("−", "-"))


def product(text: str) -> Decimal:
    return math.prod((number(factor) for factor in text.split("·")), start=Decimal(1))


def sampled(trace: Trace) -> list[int]:
    return sorted({*range(0, len(trace), max(1, len(trace) // 60)), len(trace) - 1})


def counted(trace: Trace, step: int) -> list[int]:
    """The cells of a step that count, without padding that is skipped."""
    return [
        cell for cell in trace.step_reads(step) if not (trace.skip_padding and padded(trace, cell))
    ]


def padded(trace: Trace, cell: int) -> bool:
    grid, row, column = trace.locate(cell)
    return bool(grid.mask[row, column] & PADDING)


def added_up(trace: Trace, line: Arithmetic) -> Decimal:
    """What the shown terms come to, by nothing but the shown digits."""
    terms = [product(term.text) for block in line.blocks for term in block.terms]
    if trace.term == "maximum":
        return max(terms)
    if trace.term == "mean":
        assert line.count == len(terms)
        return sum(terms, Decimal(0)) / line.count
    given = re.search(r"(?:bias|rest) (\S+)", line.finish)
    return sum(terms, number(given[1]) if given else Decimal(0))


@pytest.mark.parametrize("case", CASES)
def test_the_terms_of_every_step_come_to_what_it_says(case: str) -> None:
    """U15: no step hides or rounds away, unsaid, what its result is made of."""
    for trace in CASES[case]():
        for step in sampled(trace):
            line = arithmetic(trace, step)
            terms = [term for block in line.blocks for term in block.terms]
            assert len(terms) == len(counted(trace, step))
            exact = line.equals == "="
            if trace.targets.size:
                for term in terms:
                    left, right = re.split(" [=≈] ", term.text)
                    before, added = left.split(" + ")
                    off = abs(number(before) + product(added) - number(right))
                    assert off <= (0 if exact else Decimal("0.01")), term.text
                continue
            off = abs(added_up(trace, line) - number(line.result))
            assert off <= (0 if exact else ROUNDING * len(terms)), line
            totals = [block.total for block in line.blocks if block.total]
            if totals and exact:
                bias = re.search(r"bias (\S+)", line.finish)
                parts = sum(map(number, totals), number(bias[1]) if bias else Decimal(0))
                assert parts == number(line.result)
                for block in line.blocks:
                    assert sum(product(term.text) for term in block.terms) == number(block.total)


@pytest.mark.parametrize("case", CASES)
def test_a_caption_agrees_with_the_sum_below_it(case: str) -> None:
    """U15: counts, places, shares, results and "about" are those of the arithmetic."""
    for trace in CASES[case]():
        for step in sampled(trace):
            words, line = trace.caption(step), arithmetic(trace, step)
            cells = counted(trace, step)
            spanned = trace.reads if trace.span == "reads" else trace.targets
            for noun, at in (("row", 1), ("column", 2)):
                places = [trace.locate(c) for c in spanned[trace.links(step)]]
                labels = [
                    (g.row_labels if at == 1 else g.column_labels)[p[at - 1]] for g, *p in places
                ]
                found = re.search(rf"{noun}s (\S+) to (\S+?)\b", words)
                if found:
                    assert (int(number(found[1])), int(number(found[2]))) == (
                        min(labels),
                        max(labels),
                    )
            outside = re.search(r"(?:padding|dropped|among them): (\d+)\.", words)
            n_padded = sum(padded(trace, c) for c in spanned[trace.links(step)])
            assert (int(outside[1]) if outside else 0) == (
                n_padded if trace.padding_template else 0
            )
            count = re.search(r"(\d+) (?:products|cells|windows)", words)
            if count:
                assert int(count[1]) == len(cells)
            shared = re.search(
                r"Output gradient, .*: (\S+) is shared .* each gets (about )?(\S+)\.", words
            )
            if shared:
                difference = abs(number(shared[3]) * len(cells) - number(shared[1]))
                assert (difference == 0) == (shared[2] is None), words
                assert difference <= Decimal("0.0005") * len(cells)
            result = re.search(
                r"(?:add up to|product is|share is|gradient is|mean of \d+ cells is|mean is|"
                r"largest of \d+ cells is|its cells counts:) (about )?([−\d.]+?)(?=[.,;]? |,|\.?$)",
                words,
            )
            if trace.targets.size:
                continue
            assert result, words
            assert number(result[2]) == number(line.result)
            assert (result[1] is None) == (line.equals == "=")
            if trace.activated.size:
                after = re.search(r" gives (about )?([−\d.]+)\.", words)
                assert after, words
                name, before, equals, value = re.fullmatch(
                    r"(\w+)\((.+)\) ([=≈]) (.+)", line.activated
                ).groups()
                assert (name, before) == (trace.activation, line.result)
                assert (after[1] is None, after[2]) == (equals == "=", value)
            winner = re.search(r"at row (\d+), column (\d+)", words)
            if winner:
                values = [trace.value(cell) for cell in cells]
                grid, row, column = trace.locate(cells[values.index(max(values))])
                assert (int(winner[1]), int(winner[2])) == (
                    grid.row_labels[row],
                    grid.column_labels[column],
                )


def test_a_sum_on_one_line_leaves_out_zeros_and_counts_what_is_too_much() -> None:
    image = np.arange(49.0).reshape(7, 7)  # its first pixel is 0
    line = arithmetic_line(convolution_trace(image, np.ones((6, 6, 1, 1)), np.array([2.0])), 0)
    assert line.count("·") == MAX_LINE_TERMS
    assert line.startswith("1·1 + 2·1 + 3·1")
    read = int(image[:6, :6].sum()) + 2
    assert line.endswith(f"… (5 more) + bias 2 = {read:,}".replace(",", ""))
    several = np.dstack([image, image])
    line = arithmetic_line(convolution_trace(several, np.ones((1, 1, 2, 1)), np.array([2.0])), 3)
    assert line == "3 + 3 + bias 2 = 8"
    pooled = max_pool_trace(image)
    assert arithmetic_line(pooled, 0) == "max(0, 1, 7, 8) = 8"
