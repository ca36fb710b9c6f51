"""What is under way on a cluster: a run that can be stopped, or a check that is waited for."""

# Dask is typed in parts only.
# mypy: allow-untyped-calls

import asyncio
import logging
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from textwrap import shorten
from typing import Any

from distributed import Client, Future
from distributed.scheduler import KilledWorker

from cnn_lab.layer_check import Answer, CheckFailedError, LayerCheck
from cnn_lab.training import worker
from cnn_lab.training.job import RunSpec, TrainingFailedError

RESULT_TIMEOUT_S = 15
TICK_S = 0.5
MAX_QUOTED = 200  # characters of somebody else's error message

OnEvent = Callable[[str, Mapping[str, float]], None]
"""Called with the kind and the values of each event, in Dask's own thread."""

_log = logging.getLogger(__name__)


class ClusterError(TrainingFailedError):
    """There is no scheduler, or none any more."""


class WorkerDiedError(TrainingFailedError):
    """The process that trained is gone."""

    def __init__(self) -> None:
        super().__init__(
            "The process that trained has died, and this run ended with it. "
            "The next run gets a new process."
        )


class Task:
    """One run under way on a cluster.

    Attributes
    ----------
    ended : threading.Event
        Set when `outcome` has an answer.
    worker : str or None
        The Dask address of the worker that trains, once it has begun.
    process : Popen or None
        The worker that was alive when the run was handed over, if it is ours.
    """

    def __init__(
        self,
        client: Client,
        run_id: str,
        on_event: OnEvent,
        process: "subprocess.Popen[bytes] | None",
    ) -> None:
        self.run_id, self.process = run_id, process
        self.ended = threading.Event()
        self.worker: str | None = None
        self._client, self._on_event = client, on_event
        self._future: Future[worker.Outcome] | None = None
        self._stop_asked = False
        self._failure: TrainingFailedError | None = None

    def begin(self, spec: RunSpec) -> None:
        """Send the run; it starts when a worker is free."""
        self._future = self._client.submit(
            worker.run,
            self.run_id,
            spec.model_dump_json(),
            key=f"cnn-lab-{self.run_id}",
            pure=False,
            retries=0,
        )
        self._future.add_done_callback(lambda _future: self.ended.set())

    def stop(self) -> None:
        """Ask the worker to stop after its present batch; before it began, withdraw the run.

        Returns at once: Dask's own thread, which carries the wish, may at this moment be
        handing an event to whoever calls.
        """
        self._stop_asked = True
        threading.Thread(target=self._send_stop, daemon=True).start()

    def outcome(self) -> worker.Outcome | None:
        """Return what the run left behind; None if it was withdrawn before it began.

        Raises
        ------
        TrainingFailedError
            If training failed, the worker died or the scheduler was lost.
        """
        if self._failure is not None:
            raise self._failure
        assert self._future is not None
        try:
            outcome: worker.Outcome = self._future.result(timeout=RESULT_TIMEOUT_S)
            return outcome
        except TrainingFailedError:
            raise
        except KilledWorker:
            raise WorkerDiedError from None
        except (CancelledError, asyncio.CancelledError) as error:
            if self._stop_asked:
                return None
            raise ClusterError("The scheduler has dropped this run.") from error
        except Exception as error:
            _log.exception("A training run failed.")
            raise TrainingFailedError(
                f"Training failed with {type(error).__name__}: {str(error)[:200]}"
            ) from error
        finally:
            self._future.release()

    def worker_died(self) -> None:
        """Take the worker's death for the end of the run."""
        self._fail(WorkerDiedError())

    def lose(self) -> None:
        """Take the end of the connection for the end of the run."""
        self._fail(ClusterError("The connection to the scheduler was closed during this run."))

    def on_event(self, message: Mapping[str, Any]) -> None:
        """Take an event of this run from the scheduler's log."""
        if message["kind"] == "started":
            self.worker = message["worker"]
            if self._stop_asked:
                self.stop()
        self._on_event(message["kind"], message["values"])

    def _send_stop(self) -> None:
        if self.worker is not None:
            self._client.run(worker.command, self.run_id, "stop", workers=[self.worker], wait=False)
        elif self._future is not None:
            self._future.cancel()

    def _fail(self, failure: TrainingFailedError) -> None:
        if not self.ended.is_set():
            self._failure = failure
            self.ended.set()


def ask(
    client: Client,
    request: LayerCheck,
    process: "subprocess.Popen[bytes] | None",
    limit_s: float,
) -> Answer:
    """Have a worker ask Keras about a layer, and wait for the answer.

    Parameters
    ----------
    client : Client
    request : LayerCheck
    process : Popen or None
        The worker that this machine has started, whose death need not be waited for.
    limit_s : float

    Raises
    ------
    WorkerDiedError
        If the worker did.
    CheckFailedError
        If the time is up, the connection is lost or Keras refuses.
    """
    deadline = time.monotonic() + limit_s
    ended = threading.Event()
    # Of the same priority as runs, it would wait for those that were there before.
    future = client.submit(worker.check, request, pure=False, retries=0, priority=1)
    future.add_done_callback(lambda _future: ended.set())
    try:
        while not ended.wait(TICK_S):
            if process is not None and process.poll() is not None:
                raise WorkerDiedError
            if time.monotonic() > deadline:
                raise CheckFailedError(
                    f"Keras has not answered within {limit_s:g} s. It may be busy: please try "
                    "again in a moment."
                )
        answer: Answer = future.result(timeout=RESULT_TIMEOUT_S)
        return answer
    except (CheckFailedError, WorkerDiedError):
        raise
    except KilledWorker:
        raise WorkerDiedError from None
    except (CancelledError, asyncio.CancelledError) as error:
        raise CheckFailedError("The connection to the scheduler was closed.") from error
    except Exception as error:
        _log.exception("A check failed.")
        raise CheckFailedError(
            f"Keras did not calculate this: {shorten(str(error), MAX_QUOTED, placeholder=' …')}"
        ) from error
    finally:
        with suppress(Exception):  # whatever has become of the connection
            future.cancel()
