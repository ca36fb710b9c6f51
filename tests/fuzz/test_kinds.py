"""A few inputs of every kind, always the same ones."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from cnn_lab.app import run_queue
from cnn_lab.app.training import sweep
from tests.fuzz.runner import KINDS, fuzz, n_in_tests


@pytest.fixture(autouse=True)
def _own_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("CNN_LAB_RUNS", str(tmp_path))
    caches = (run_queue.run_queue, sweep.sweeps)
    for cache in caches:
        cache.clear()
    yield
    for cache in caches:
        cache.clear()


@pytest.mark.parametrize("name", KINDS)
def test_random_inputs_do_no_harm(name: str) -> None:
    summary = fuzz((name,), seed=0, number=n_in_tests(name), max_mb=math.inf)
    assert not summary.failures, summary
    assert summary.tried[name] == n_in_tests(name)
