"""The ledger in the process of a Dask scheduler, and how others reach it there."""

# Dask has only partial type hints.
# mypy: allow-untyped-calls

import logging
import pickle
from typing import Any

from distributed import Scheduler
from distributed.diagnostics.plugin import SchedulerPlugin
from distributed.scheduler import WorkerState

from cnn_lab.runs.job import RunRefusedError, UnknownRunError
from cnn_lab.runs.ledger import ELSEWHERE, WORKER_DIED, WORKER_RETIRED, Ledger, ReportKind
from cnn_lab.runs.worker import OPERATION, TOPIC

# A page process that has been killed cannot say whether its owners are still there. Their browsers
# have this long to open the page in another one.
LOST_PAGE_AFTER_S = 300.0


class LedgerPlugin(SchedulerPlugin):
    """Ledger of a scheduler; one is added by the first page process that connects."""

    name = "cnn-lab-ledger"

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.ledger = Ledger(self._send, lambda told: scheduler.log_event(TOPIC, told))
        scheduler.stream_handlers[OPERATION] = self._on_report
        log = logging.getLogger("distributed.worker")
        if log.isEnabledFor(logging.INFO):  # it would write a line for each call of `ask`
            log.setLevel(logging.WARNING)
        # After a restart, other page processes will soon be back as well.
        self.remove_client(scheduler, ELSEWHERE)

    def remove_worker(self, scheduler: Scheduler, worker: str, **_: Any) -> None:
        """Note that a worker has gone."""
        removals = [
            event
            for _, event in scheduler.get_events(worker)
            if isinstance(event, dict) and event.get("action") == "remove-worker"
        ]
        retired = bool(removals) and removals[-1]["expected"]
        self.ledger.gone(worker, WORKER_RETIRED if retired else WORKER_DIED)

    def valid_workers_downscaling(
        self, scheduler: Scheduler, workers: list[WorkerState]
    ) -> list[WorkerState]:
        """Return the workers that a cluster may do without: to Dask, one that trains is idle."""
        training = self.ledger.training
        return [worker for worker in workers if worker.address not in training]

    def remove_client(self, scheduler: Scheduler, client: str) -> None:
        """Note that a page process has gone, after some time."""
        scheduler.loop.call_later(LOST_PAGE_AFTER_S, self.ledger.forget, client)

    def _send(self, worker: str, run_id: str, content: Any) -> None:
        if worker in self._scheduler.stream_comms:
            message = {"op": OPERATION, "run": run_id, "content": pickle.dumps(content)}
            self._scheduler.worker_send(worker, message)

    def _on_report(self, worker: str, run: str, kind: ReportKind, content: bytes) -> None:
        self.ledger.report(worker, run, kind, pickle.loads(content))


def ask(method: str, arguments: tuple[Any, ...], dask_scheduler: Scheduler) -> Any:
    """Call a method of the scheduler's ledger; Dask does so in the scheduler's loop.

    Returns
    -------
    any
        Its answer; a refusal is returned, because Dask logs what is raised.
    """
    plugin = dask_scheduler.plugins.get(LedgerPlugin.name)
    if not isinstance(plugin, LedgerPlugin):
        plugin = LedgerPlugin(dask_scheduler)
        dask_scheduler.add_plugin(plugin, name=LedgerPlugin.name)
    if method == "use" and arguments[0] not in dask_scheduler.workers:
        return None  # it has gone in the meantime
    try:
        return getattr(plugin.ledger, method)(*arguments)
    except (RunRefusedError, UnknownRunError) as refusal:
        return refusal
