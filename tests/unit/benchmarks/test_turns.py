"""Contestants that take turns."""

import pytest

from benchmarks.turns import Turn, compared, in_turns, timed


def test_each_round_goes_the_other_way_and_warm_up_rounds_do_not_count() -> None:
    order = []

    def work(name):
        order.append(name)
        return Turn(len(order), len(order))

    turns = in_turns({name: lambda name=name: work(name) for name in "AB"}, 3, n_warm_up=1)
    assert "".join(order) in {"BAABBAAB", "ABBAABBA"}
    assert {len(found) for found in turns.values()} == {3}
    assert min(turn.wall_s for found in turns.values() for turn in found) > 2


def test_a_ratio_is_the_median_of_the_ratios_of_the_rounds() -> None:
    ours = [Turn(1, 1), Turn(10, 5), Turn(1, 1)]
    theirs = [Turn(2, 3), Turn(10, 5), Turn(4, 3)]  # a busy second round hits both
    rows = compared("they", ours, theirs, 0.7)
    assert [row.value for row in rows] == [2, pytest.approx(1.5275, abs=1e-4), 3]
    assert rows[0].met is True


def test_time_is_that_of_one_call() -> None:
    calls = []
    turn = timed(lambda: calls.append(sum(range(1000))), 10)
    assert len(calls) == 10
    assert turn.wall_s > 0
