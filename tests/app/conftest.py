"""Open any page of the app without a browser."""

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cnn_lab.app import run_queue
from cnn_lab.runs.queue import RunQueue
from tests.fake_cluster import FakeCluster
from tests.routed import routed
from tools.server import ROOT

RUN_TIMEOUT_S = 60
# As `streamlit run` does. Otherwise AppTest adds the folder of a script for each run and takes it
# off again, and what another thread imports at that moment may not be found.
sys.path.append(str(Path(__file__).parent))
# A fold's controls are there once it has been opened; without a browser nobody can open it.
FOLDS = (
    *("conv_image_fold", "conv_kernel_fold", "conv_flip_fold"),
    *("pad_image_fold", "pad_kernel_fold"),
    *("pool_image_fold", "pool_shape_fold"),
    *("back_loss_fold", "back_image_fold", "back_kernel_fold", "back_settings_fold"),
    "back_lesson_fold",
)

# The popovers in which matrices are edited; the tables in them are expensive.
EDITORS = tuple(
    f"{page}_edit_{what}"
    for page, edited in {
        "conv": ("image", "kernel"),
        "pad": ("image", "kernel"),
        "pool": ("image", "delta"),
        "back": ("image", "kernel", "delta", "logits"),
    }.items()
    for what in edited
)


@pytest.fixture(autouse=True)
def _no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the app find no cookies and headers; AppTest would have it find a mock of them."""
    monkeypatch.setattr("streamlit.runtime.context._get_client_context", lambda: None)


@pytest.fixture(autouse=True)
def _routed() -> Iterator[None]:
    with routed():
        yield


@pytest.fixture(autouse=True)
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeCluster]:
    """Keep runs in a folder of the test's, and hand them to a cluster that trains nothing."""
    monkeypatch.setenv("CNN_LAB_RUNS", str(tmp_path))
    fake = FakeCluster()
    monkeypatch.setattr(run_queue, "RunQueue", partial(RunQueue, cluster=fake))
    run_queue.run_queue.clear()
    yield fake
    run_queue.run_queue.clear()


@pytest.fixture
def queue(cluster: FakeCluster) -> RunQueue:
    """Return the app's run queue."""
    return run_queue.run_queue()


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    """Run a page behind its router: `open_page("pooling", {"pooling_size": "3"})`.

    The second argument is the address' query, the third seeds the session's state.
    Folds are open unless `folded`, the editors of matrices only if `editors`.
    """

    def open_(
        name: str,
        query: Mapping[str, str | list[str]] | None = None,
        state: Mapping[str, Any] | None = None,
        *,
        folded: bool = False,
        editors: bool = False,
    ) -> AppTest:
        test = AppTest.from_file(ROOT / "app.py", default_timeout=RUN_TIMEOUT_S)
        parts = dict.fromkeys(FOLDS, not folded) | dict.fromkeys(EDITORS, editors)
        for key, value in (parts | dict(state or {})).items():
            test.session_state[key] = value
        test.run()
        test.query_params.update(query or {})
        return test.switch_page(f"pages/{name}.py").run()

    return open_
