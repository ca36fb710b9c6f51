"""GIFs are made outside the server's process, a few at a time, and can be given up."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import psutil
import pytest

from cnn_lab.stage.export import export_gif
from cnn_lab.stage.making import MAX_AT_ONCE, GifMaking
from cnn_lab.trace import Trace, convolution_trace, max_pool_trace

PATIENCE_S = 120
LOOK_EVERY_S = 0.02


def begin(trace: Trace) -> GifMaking:
    return GifMaking([trace], theme="dark", seconds_per_step=0.2)


@pytest.fixture
def long() -> Iterator[Callable[[], GifMaking]]:
    """Begin a GIF that takes seconds; it is given up at the end."""
    makings: list[GifMaking] = []

    def begin_long() -> GifMaking:
        makings.append(begin(convolution_trace(np.eye(28)[..., None], np.ones((3, 3, 1, 1)))))
        return makings[-1]

    yield begin_long
    for making in makings:
        making.give_up()
    for making in makings:
        assert making.ended.wait(PATIENCE_S)


def wait_for(making: GifMaking, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        making.ended.wait(LOOK_EVERY_S)


def drawing_processes() -> int:
    return sum("cnn_lab.stage.making" in child.cmdline() for child in psutil.Process().children())


def test_a_gif_from_another_process_is_the_same() -> None:
    """R13: the server's own process does not draw it."""
    trace = max_pool_trace(np.arange(16.0).reshape(4, 4))
    making = begin(trace)
    assert making.ended.wait(PATIENCE_S)
    assert making.result == export_gif(trace, theme="dark", seconds_per_step=0.2)
    assert (making.share, making.failed) == (1, False)


def test_a_gif_tells_how_far_it_is_and_is_given_up(long: Callable[[], GifMaking]) -> None:
    """R13: nobody has to wait for a GIF that is no longer wanted."""
    making = long()
    wait_for(making, lambda: making.share > 0)
    assert making.share < 1
    assert drawing_processes() == 1
    making.give_up()
    assert making.ended.wait(PATIENCE_S)
    assert making.failed
    assert drawing_processes() == 0


def test_only_a_few_are_drawn_at_once(long: Callable[[], GifMaking]) -> None:
    """R13: however many visitors ask, drawing takes no more than its share of the processors."""
    first, *others = [long() for _ in range(MAX_AT_ONCE)]
    for making in (first, *others):
        wait_for(making, lambda making=making: making.share > 0)  # type: ignore[misc]
    waiting, unwanted = long(), long()
    unwanted.give_up()
    assert unwanted.ended.wait(PATIENCE_S)
    assert drawing_processes() == MAX_AT_ONCE
    assert waiting.share == 0
    first.give_up()
    wait_for(waiting, lambda: waiting.share > 0)
    assert drawing_processes() <= MAX_AT_ONCE
