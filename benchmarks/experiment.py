"""Train a preset over several seeds and write down every epoch: `python -m benchmarks.experiment`.

The paper's preset takes about eleven minutes a seed on two idle cores, the fast one half a
minute. A seed that is on record with the present recipe is not trained again unless
`--again` asks for it. The test set is read after each epoch, to know when a figure was
reached; nothing is chosen by it, and the last epoch is what counts.
"""

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.report import RESULTS, machine
from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import zoo
from cnn_lab.network.spec import NetworkSpec, TrainingSpec
from cnn_lab.network.zoo import Preset

SEEDS = 5
RUNS = RESULTS / "runs"


def record_path(name: str, seed: int) -> Path:
    """Return where a run's record lies."""
    return RUNS / f"{name}-{seed}.json"


def recipe(preset: Preset, seed: int) -> TrainingSpec:
    """Return the preset's training with this seed."""
    return preset.training.model_copy(update={"seed": seed})


def recorded(name: str, seed: int) -> dict[str, Any] | None:
    """Return the record of a run with the present recipe; None if there is none."""
    path, preset = record_path(name, seed), zoo.preset(name)
    if not path.is_file():
        return None
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    same_network = NetworkSpec.model_validate(record["recipe"]["network"]) == preset.network
    training = TrainingSpec.model_validate(record["recipe"]["training"])
    return record if same_network and training == recipe(preset, seed) else None


def records(name: str, n_seeds: int = SEEDS) -> list[dict[str, Any]]:
    """Return a record for each seed, training those that are missing."""
    return [recorded(name, seed) or run(name, seed) for seed in range(n_seeds)]


def run(name: str, seed: int, weights: Path | None = None) -> dict[str, Any]:
    """Train one seed, write its record and return it; `weights` is a folder for the network."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from cnn_lab.runs.store import save_run
    from cnn_lab.training.loop import EpochReport, Report, Trainer, new_engine

    preset, data = zoo.preset(name), load_mnist()
    training = recipe(preset, seed)
    epochs: list[dict[str, Any]] = []

    def report(event: Report) -> None:
        if isinstance(event, EpochReport):
            tested = trainer.test()
            accuracy, errors = tested["test_accuracy"], tested["errors"]
            epochs.append(asdict(event) | {"test_accuracy": accuracy, "test_errors": errors})
            print(f"{name} seed {seed} epoch {event.epoch}: {accuracy:.2%}", flush=True)

    trainer = Trainer(new_engine("keras", preset.network, training), data, report=report)
    network = trainer.train()
    last = epochs[-1]
    result = {
        "model": name,
        "test_accuracy": last["test_accuracy"],
        "errors": last["test_errors"],
        "n": len(data.test),
        "epochs": training.epochs,
        "seconds": round(last["seconds"], 2),
        "images_per_second": round(last["n_images"] / last["seconds"], 1),
        "seed": seed,
        "engine": "keras",
    }
    record = {
        "recipe": {
            "network": preset.network.model_dump(mode="json"),
            "training": training.model_dump(mode="json"),
        },
        "machine": machine(),
        "result": result,
        "epochs": epochs,
    }
    RUNS.mkdir(parents=True, exist_ok=True)
    record_path(name, seed).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if weights is not None:
        network.card = trainer.card(result)
        rows = [asdict(epoch) for epoch in trainer.history]
        save_run(weights, network=network, training=training, history=rows, result=result)
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a preset over several seeds.")
    parser.add_argument("model", choices=list(zoo.PRESETS))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--again", action="store_true", help="also what is on record")
    parser.add_argument("--out", type=Path, help="folder for the networks, one folder a seed")
    arguments = parser.parse_args()
    for seed in range(arguments.seeds):
        if arguments.again or recorded(arguments.model, seed) is None:
            folder = arguments.out / str(seed) if arguments.out else None
            run(arguments.model, seed, folder)


if __name__ == "__main__":
    main()
