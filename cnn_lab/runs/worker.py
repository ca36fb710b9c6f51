"""What happens in the process with Keras in it: runs, and checks beside them.

`run` and `check` are the tasks that Dask carries here. `python -m cnn_lab.runs.worker
ADDRESS` is the worker that a page process starts for itself; any other Dask worker that can
import this package does as well.
"""

import asyncio
import os
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnn_lab.concepts.checks import Answer, LayerCheck
from cnn_lab.data.mnist import load_mnist
from cnn_lab.runs.job import Command, RunSpec
from cnn_lab.runs.keras_file import KerasFile, KerasFileWanted
from cnn_lab.runs.outbox import Outbox, Parcel

if TYPE_CHECKING:
    from cnn_lab.runs.trainer import Outcome
    from cnn_lab.training.loop import Control

TOPIC = "cnn-lab-training"
NICENESS = 5
N_THREADS = 2  # a run, and a check that need not wait for its end


@dataclass(frozen=True)
class Delivery:
    """What a run leaves behind, with what was not fetched while it went on.

    Attributes
    ----------
    outcome : Outcome
    n_before : int
        Parcels of this run before the first of these.
    parcels : list
    resident_bytes : int
        Memory of the process after the run.
    """

    outcome: "Outcome"
    n_before: int
    parcels: list[Parcel]
    resident_bytes: int


@dataclass(frozen=True)
class _Going:
    control: "Control"
    outbox: Outbox


_going: dict[str, _Going] = {}
_training = threading.Lock()  # two runs at once would take each other's time and memory
_checking = threading.Lock()  # what a check has in hand must not be cleared away


async def command(run_id: str, what: Command, value: float | None = None) -> None:
    """Steer a run of this process from outside; it obeys before its next batch.

    Sent by `Client.run`, which the worker answers while its tasks are busy, so training
    never has to ask anybody.
    """
    if run_id not in _going:
        return
    control = _going[run_id].control
    match what:
        case "stop":
            control.stop()
        case "pause":
            control.pause()
        case "resume":
            control.resume()
        case "step":
            control.step()
        case "rate" if value is not None:
            control.set_rate(value)


async def parcels(run_id: str, n_arrived: int) -> tuple[int, list[Parcel]]:
    """Return what a run of this process has sent after its first parcels; see `Outbox.after`."""
    going = _going.get(run_id)
    return going.outbox.after(n_arrived) if going else (n_arrived, [])


def run(run_id: str, spec_json: str) -> Delivery:
    """Train as a Dask task, telling the scheduler's event log what happens.

    Parameters
    ----------
    run_id : str
        Stands in each event, and is the name that `command` and `parcels` use.
    spec_json : str
        A RunSpec.

    Raises
    ------
    TrainingFailedError
        See `trainer.train`.
    """
    import psutil
    from distributed import get_worker

    from cnn_lab.runs import trainer
    from cnn_lab.training.loop import Control

    worker = get_worker()

    def emit(kind: str, values: Mapping[str, float] | None = None) -> None:
        message = {
            "run": run_id,
            "worker": worker.address,
            "kind": kind,
            "values": dict(values or {}),
        }
        worker.log_event(TOPIC, message)

    spec = RunSpec.model_validate_json(spec_json)
    going = _going[run_id] = _Going(Control(), Outbox())
    emit("started")
    try:
        with _training:
            outcome = trainer.train(spec, going.control, emit, going.outbox)
    finally:
        del _going[run_id]
        # Beside the answer: whoever has just clicked on Stop need not wait for it.
        threading.Thread(target=_forget_models, daemon=True).start()
    n_before, rest = going.outbox.after(0)
    return Delivery(outcome, n_before, rest, psutil.Process().memory_info().rss)


def _forget_models() -> None:
    """Let go of what Keras keeps of the run, if Keras took part."""
    if "cnn_lab.training.keras_engine" in sys.modules:
        from cnn_lab.training import keras_engine

        with _training, _checking:
            keras_engine.forget_models()


def check(request: LayerCheck) -> Answer:
    """Have Keras calculate what a page shows, as a Dask task; see `keras_check.check`."""
    from cnn_lab.concepts import keras_check

    with _checking:
        return keras_check.check(request)


def keras_file(request: KerasFileWanted) -> KerasFile:
    """Have Keras write a network to a file of its own, as a Dask task."""
    from cnn_lab.network import Network
    from cnn_lab.training import keras_engine

    with _checking, tempfile.TemporaryDirectory(prefix="cnn-lab-") as folder:
        weights = Path(folder) / "weights.safetensors"
        weights.write_bytes(request.weights)
        content = keras_engine.keras_file(Network.load(weights))
        return KerasFile(content, keras_engine.VERSION)


def warm() -> None:
    """Import Keras and read MNIST, so that the first run or check need not."""
    from cnn_lab.concepts import keras_check  # noqa: F401
    from cnn_lab.training import keras_engine  # noqa: F401

    assert len(load_mnist().train)


def main(scheduler: str, resource: str) -> None:
    """Work for the scheduler at this address until it, or whoever started this, is gone.

    `resource` is what the worker offers to Dask: a name by which tasks can ask for it.
    """
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(_work(scheduler, resource))


async def _work(scheduler: str, resource: str) -> None:
    from distributed import Worker

    warming = threading.Thread(target=warm, daemon=True)
    warming.start()
    with tempfile.TemporaryDirectory(prefix="cnn-lab-") as folder, suppress(asyncio.CancelledError):
        async with Worker(
            scheduler,
            nthreads=N_THREADS,
            resources={resource: N_THREADS},
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            local_directory=folder,
            memory_limit=0,
        ) as worker:
            await asyncio.to_thread(warming.join)
            worker.log_event(TOPIC, {"kind": "warm", "resource": resource})
            await worker.finished()


def _end_with_parent() -> None:
    """Leave when the other end of standard input closes, however the parent went."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
