"""Random addresses on every page, opened anew and brought by Back into an open session."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
from streamlit.testing.v1 import AppTest

from cnn_lab.runs.queue import RunQueue
from cnn_lab.teaching.assignment import PARAMETERS
from cnn_lab.teaching.lesson import LESSONS
from cnn_lab.teaching.questions import QUESTIONS
from tests.addresses import NASTY, STATES, UNBOUND, Query, bound_parameters, go_back_to
from tests.app.kept_runs import add_snapshots, judged, keep
from tests.app.test_sweeping import SWEEP_ID
from tests.app.test_sweeping import keep as keep_sweep
from tests.fake_cluster import FakeCluster
from tests.routed import routed
from tools.server import ROOT

IN_TESTS = 10
TIMEOUT_S = 120
MAX_PARAMETERS = 8
N_ADDRESSES = 5  # in one session; starting one takes longer than showing a page again
PLAIN = (
    "0",
    "1",
    "2",
    "3",
    "5",
    "9",
    "28",
    "0.5",
    "-0.5",
    "true",
    "false",
    "same",
    "own",
    "1 2; 3 4",
)
LETTERS = "abc019.,;:_-+/\\%&?#=<>[](){}*`'\"!$~|^@ \t\n\x00\x7f\u200b\u202eéß数😀"


def kind(random: np.random.Generator) -> None:
    """Open a page with a random address, go back to others, and look for exceptions."""
    with (
        routed(),
        patch("streamlit.runtime.context._get_client_context", lambda: None),
        patch("cnn_lab.app.run_queue.RunQueue", partial(RunQueue, cluster=FakeCluster())),
    ):
        name = str(random.choice(list(STATES)))
        kept = _kept(Path(os.environ["CNN_LAB_RUNS"]))
        first, *others = addresses = [
            _address(random, name, kept.query) for _ in range(N_ADDRESSES)
        ]
        page = _open(name, first)
        _must_be_well(page, name, first)
        for address in others:
            _must_be_well(go_back_to(page, address), name, address)
        assert kept.files == _files(kept.folders), f"A run was changed by one of {addresses!r}"


@dataclass(frozen=True)
class Kept:
    """A finished run and a finished sweep, which no address may change."""

    query: dict[str, str]
    folders: tuple[Path, ...]
    files: dict[Path, bytes]


@cache
def _kept(runs: Path) -> Kept:
    run_id = keep(runs, judged())
    add_snapshots(runs, run_id)
    keep_sweep(runs)
    folders = (runs / run_id, runs / "sweeps" / SWEEP_ID)
    query = {"run": run_id, "sweep": SWEEP_ID, "training_compare": "fast"}
    return Kept(query, folders, _files(folders))


def _files(folders: Iterable[Path]) -> dict[Path, bytes]:
    paths = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return {path: hashlib.sha256(path.read_bytes()).digest() for path in paths}


def _open(name: str, query: Query) -> AppTest:
    page = AppTest.from_file(ROOT / "app.py", default_timeout=TIMEOUT_S)
    page.run()
    page.query_params.update(query)
    return page.switch_page(f"pages/{name}.py").run()


def _address(random: np.random.Generator, name: str, kept: dict[str, str]) -> Query:
    states = (*STATES[name], kept) if name == "training" else STATES[name]
    state = states[random.integers(len(states))]
    parameters = (*PARAMETERS, *UNBOUND.get(name, ()), *_bound_parameters(name, *state.items()))
    address: dict[str, str | list[str]] = dict(state)
    n_varied = random.integers(1, min(MAX_PARAMETERS, len(parameters)) + 1)
    for parameter in random.choice(parameters, n_varied, replace=False):
        address[str(parameter)] = _value(random)
    if random.integers(2):
        address |= _task(random, parameters)
    return address


def _task(random: np.random.Generator, keys: Sequence[str]) -> dict[str, str]:
    """Return what a link of a class may have: a lesson or questions, locks and hidden controls."""
    lock, hide = (str(random.choice(keys)) for _ in range(2))
    task = {"lock": f"{lock}:{PLAIN[random.integers(len(PLAIN))]},{hide}", "hide": hide}
    if random.integers(2):
        return task | {"lesson": str(random.choice(list(LESSONS))), "at": str(random.integers(9))}
    return task | {"ask": str(random.choice(list(QUESTIONS)))}


@cache
def _bound_parameters(name: str, *state: tuple[str, str]) -> list[str]:
    return bound_parameters(_open(name, dict(state)))


def _value(random: np.random.Generator) -> str | list[str]:
    way = random.integers(5)
    if way == 0:
        return NASTY[random.integers(len(NASTY))]
    if way == 1:
        return PLAIN[random.integers(len(PLAIN))]
    if way == 2:
        return f"{random.normal() * 10.0 ** random.integers(-5, 12):g}"
    letters = "".join(LETTERS[i] for i in random.integers(len(LETTERS), size=random.integers(40)))
    return [letters, *random.choice(PLAIN, 2)] if way == 3 else letters


def _must_be_well(page: AppTest, name: str, address: Query) -> None:
    problems = [each.message for each in page.exception]
    assert not problems, f"{name} {address!r}"[:2000] + f": {problems}"
