"""A run queue with a real worker of its own, started once for all tests that need no fresh one."""

from collections.abc import Callable, Iterator

import pytest

from cnn_lab.runs import cluster
from cnn_lab.runs.queue import RunQueue
from cnn_lab.runs.store import Store
from tests.unit.runs.small_runs import CLOCK, OWNERS


def pytest_itemcollected(item: pytest.Item) -> None:
    """Leave out a warning about Dask, which leaves sockets open whose connection cannot be made."""
    item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <(socket|ssl)"))


@pytest.fixture(scope="session")
def own_queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunQueue]:
    queue = RunQueue(Store(tmp_path_factory.mktemp("runs")), clock=CLOCK)
    for owner in OWNERS:
        queue.arrive(owner)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "RUNS_EACH", 1000)  # another start of Keras for each ten small runs
        yield queue
    queue.close()


@pytest.fixture
def worker_pid(own_queue: RunQueue) -> Callable[[], int]:
    def find() -> int:
        assert own_queue.cluster is not None
        pid = own_queue.cluster.worker_pid()
        assert pid is not None
        return pid

    return find
