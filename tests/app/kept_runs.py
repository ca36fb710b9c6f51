"""A folder of runs that have ended, made of the shipped network without any training."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import Network, zoo
from cnn_lab.network.initial import initial_weights
from cnn_lab.network.spec import TrainingSpec
from cnn_lab.runs.job import Event, RunSpec, State, Status, new_run_id
from cnn_lab.runs.snapshots import Observer
from cnn_lab.runs.store import Store
from cnn_lab.training.evaluation import evaluate_probabilities

N_TESTED = 1000
N_TRAIN = 54_000
N_EPOCHS = 3
MOMENTS = (0.0, 0.5, 0.8, 1.0)


def report(kind: str, epoch: int, loss: float, val_loss: float) -> Event:
    """Return one report of a run; batches have no validation."""
    values = {"epoch": epoch, "loss": loss, "accuracy": 0.9, "n_images": epoch * N_TRAIN}
    values["seconds"] = 10.0 * epoch
    if kind == "epoch":
        values |= {"val_loss": val_loss, "val_accuracy": 0.9}
    else:
        values |= {"batch": 422, "rate": 0.01}
    return Event(kind, 10.0 * epoch, values)  # type: ignore[arg-type]


def judged() -> dict[str, Any]:
    """Return what the shipped network makes of the first 1,000 test images."""
    test = load_mnist().test
    probabilities = Network.load("fast").predict(test.images[:N_TESTED])
    return evaluate_probabilities(probabilities, test.labels[:N_TESTED], 10)


def keep(
    runs: Path,
    result: dict[str, Any],
    *,
    state: State = "done",
    sentence: str = "",
    val_losses: Sequence[float] = (0.3, 0.2, 0.1),
    **changes: object,
) -> str:
    """Keep a run with this result, and one epoch for each validation loss; return its id."""
    preset = zoo.preset("fast")
    training = TrainingSpec.model_validate(
        preset.training.model_dump() | {"epochs": N_EPOCHS} | changes
    )
    spec = RunSpec(network=preset.network, training=training)
    finished = {"epochs": len(val_losses), "seconds": 30.0, "images_per_second": 2000.0}
    status = Status(new_run_id(), (), spec, state, sentence=sentence, result=finished | result)
    events = [Event("started", 0.1)]
    for epoch, val_loss in enumerate(val_losses, 1):
        events.append(report("batch", epoch, 0.5 / 4**epoch, val_loss))
        events.append(report("epoch", epoch, 0.5 / 4**epoch, val_loss))
    history = [dict(event.values) for event in events if event.kind == "epoch"]
    Store(runs).keep(status, Network.load("fast"), history, events)
    return status.run_id


def add_snapshots(runs: Path, run_id: str) -> None:
    """Add snapshots of a network on a straight way from its first weights to its last."""
    trained, data = Network.load("fast"), load_mnist()
    first = initial_weights(trained.spec, 0)
    observer = Observer(trained.spec, data)
    for number, share in enumerate(MOMENTS):
        weights = {
            name: ((1 - share) * first[name] + share * last).astype("float32")
            for name, last in trained.weights.items()
        }
        place = (
            int(share * N_EPOCHS * N_TRAIN),
            min(N_EPOCHS, 1 + int(N_EPOCHS * share)),
            int(422 * share),
        )
        Store(runs).keep_snapshot(run_id, number, observer.take(*place, weights).to_bytes())
