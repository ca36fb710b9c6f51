"""What is under way on a cluster: a run that can be stopped, or a check that is waited for."""

# Dask is typed in parts only.
# mypy: allow-untyped-calls

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from textwrap import shorten
from typing import Any, TypeVar

from distributed import Client, Future
from distributed.scheduler import KilledWorker

from cnn_lab.concepts.checks import CheckFailedError
from cnn_lab.runs import worker
from cnn_lab.runs.job import Command, RunSpec, TrainingFailedError
from cnn_lab.runs.outbox import Parcel
from cnn_lab.runs.post import Post
from cnn_lab.runs.worker_process import OwnWorker

RESULT_TIMEOUT_S = 15
TICK_S = 0.5
MAX_QUOTED = 200  # characters of somebody else's error message

Q = TypeVar("Q")
A = TypeVar("A")

OnEvent = Callable[[str, Mapping[str, float]], None]
"""Called with the kind and the values of each event, in Dask's own thread."""

OnParcel = Callable[[Parcel], None]
"""Called with each parcel, in order, and never two at a time."""

_log = logging.getLogger(__name__)


class ClusterError(TrainingFailedError):
    """There is no scheduler, or none any more."""


class WorkerDiedError(TrainingFailedError):
    """Raised when the training process has died."""

    def __init__(self) -> None:
        super().__init__(
            "The training process has died, and this run ended with it. "
            "The next run starts a new one."
        )


class WorkerStuckError(TrainingFailedError):
    """Raised when the training process does not respond to a stop."""

    def __init__(self) -> None:
        super().__init__(
            "The training process did not respond and was ended. The next run starts a new one."
        )


class Task:
    """One run under way on a cluster.

    Attributes
    ----------
    ended : threading.Event
        Set when `delivery` has an answer.
    worker : str or None
        The Dask address of the worker that trains, once it has begun.
    own : OwnWorker or None
        The worker for which the run is meant, if it is ours.
    """

    def __init__(
        self,
        client: Client,
        run_id: str,
        on_event: OnEvent,
        on_parcel: OnParcel,
        own: OwnWorker | None,
    ) -> None:
        self.run_id, self.own = run_id, own
        self.ended = threading.Event()
        self.worker: str | None = None
        self._client, self._on_event, self._on_parcel = client, on_event, on_parcel
        self._future: Future[worker.Delivery] | None = None
        self._commands, self._fetching = Post("training-commands"), Post("training-parcels")
        self._n_arrived = 0
        self._arriving = threading.Lock()
        self._stop_asked = False
        self._failure: TrainingFailedError | None = None

    def begin(self, spec: RunSpec) -> None:
        """Send the run; it starts when a worker is free."""
        self._future = self._client.submit(
            worker.run,
            self.run_id,
            spec.model_dump_json(),
            key=f"cnn-lab-{self.run_id}",
            resources=meant_for(self.own),
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
        self._commands.send(self.send_stop)

    def command(self, what: Command, value: float | None = None) -> None:
        """Steer a run that has begun; returns at once, and commands arrive in order."""
        self._commands.send(lambda: self._run(worker.command, what, value))

    def delivery(self) -> worker.Delivery | None:
        """Return what the run left behind; None if it was withdrawn before it began.

        Raises
        ------
        TrainingFailedError
            If training failed, the worker died or the scheduler was lost.
        """
        self._commands.close()
        self._fetching.close()
        with self._arriving:  # what is just coming in still counts
            if self._failure is not None:
                if self._future is not None:
                    self._future.release()  # or a scheduler might have it done again
                raise self._failure
        assert self._future is not None
        try:
            delivery: worker.Delivery = self._future.result(timeout=RESULT_TIMEOUT_S)
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
        self._take(delivery.n_before, delivery.parcels)
        return delivery

    def worker_died(self) -> None:
        """Take the worker's death for the end of the run."""
        self._fail(WorkerDiedError())

    def give_up(self) -> None:
        """Take a worker that does not obey for a dead one."""
        self._fail(WorkerStuckError())

    def lose(self) -> None:
        """Take the end of the connection for the end of the run."""
        self._fail(ClusterError("The connection to the scheduler was closed during this run."))

    def on_event(self, message: Mapping[str, Any]) -> None:
        """Take an event of this run from the scheduler's log."""
        kind = message["kind"]
        if kind == "parcel":
            self._fetching.send(self._fetch)
            return
        if kind == "started":
            self.worker = message["worker"]
            if self._stop_asked:
                # It was withdrawn at the moment when a worker took it up, and may count as
                # ended already, with nobody left who carries commands.
                threading.Thread(target=self.send_stop, daemon=True).start()
        self._on_event(kind, message["values"])

    def send_stop(self) -> None:
        """Do what `stop` asks for, and wait until it has arrived."""
        if self.worker is not None:
            self._run(worker.command, "stop")
        elif self._future is not None:
            self._future.cancel()

    def _fetch(self) -> None:
        """Take what there is, and say of it that it has arrived by asking for more."""
        while True:
            n_before, parcels = self._run(worker.parcels, self._n_arrived)
            if not parcels:
                return
            self._take(n_before, parcels)

    def _take(self, n_before: int, parcels: Sequence[Parcel]) -> None:
        with self._arriving:  # the last ones come with the result
            for number, parcel in enumerate(parcels, start=n_before + 1):
                if number > self._n_arrived:
                    self._on_parcel(parcel)
                    self._n_arrived = number

    def _run(self, what: Callable[..., Any], *arguments: Any) -> Any:
        """Call a coroutine function in the worker, beside whatever it does."""
        assert self.worker is not None
        answers = self._client.run(what, self.run_id, *arguments, workers=[self.worker])
        return answers[self.worker]

    def _fail(self, failure: TrainingFailedError) -> None:
        if not self.ended.is_set():
            self._failure = failure
            self.ended.set()


def meant_for(own: OwnWorker | None) -> dict[str, float] | None:
    """Return by which resource Dask finds the worker of our own; None where any will do."""
    return {own.resource: 1} if own is not None else None


def ask(
    client: Client,
    work: Callable[[Q], A],
    request: Q,
    own: OwnWorker | None,
    limit_s: float,
) -> A:
    """Have a worker ask Keras something, and wait for the answer.

    Parameters
    ----------
    client : Client
    work : callable
        What the worker does with the request.
    request : anything that can be pickled
    own : OwnWorker or None
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
    future = client.submit(
        work, request, resources=meant_for(own), pure=False, retries=0, priority=1
    )
    future.add_done_callback(lambda _future: ended.set())
    try:
        while not ended.wait(TICK_S):
            if own is not None and not own.alive:
                raise WorkerDiedError
            if time.monotonic() > deadline:
                raise CheckFailedError(
                    f"Keras did not answer within {limit_s:g} s. It may be busy: please try "
                    "again in a moment."
                )
        answer: A = future.result(timeout=RESULT_TIMEOUT_S)
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
            f"Keras could not calculate this: {shorten(str(error), MAX_QUOTED, placeholder=' …')}"
        ) from error
    finally:
        with suppress(Exception):  # whatever has become of the connection
            future.cancel()
