"""Record runs of presets for the Training page: `python -m tools.recordings fast paper`."""

import argparse
import os
from dataclasses import asdict

import numpy as np

from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import zoo
from cnn_lab.ops.types import Array
from cnn_lab.runs.recording import RECORDINGS, Recording, moments


def record(name: str) -> Recording:
    """Train a preset with its own settings and seed, and return every batch of the run."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from cnn_lab.training.keras_engine import KerasEngine
    from cnn_lab.training.loop import BatchReport, EpochReport, Report, Trainer

    preset, data = zoo.preset(name), load_mnist()
    n_batches = -(-len(data.train) // preset.training.batch_size) * preset.training.epochs
    wanted = set(moments(n_batches))
    first = next(layer.name for layer in preset.network.layers if layer.convolves)
    batches: list[BatchReport] = []
    filters: dict[int, Array] = {}

    def report(event: Report) -> None:
        if isinstance(event, BatchReport):
            batches.append(event)
            if len(batches) in wanted:
                filters[len(batches)] = trainer.weights()[f"{first}/kernel"]
        elif isinstance(event, EpochReport):
            print(f"{name}: {event}", flush=True)

    trainer = Trainer(
        KerasEngine(preset.network, preset.training), data, report=report, report_every_s=0
    )
    filters[0] = trainer.initial()[f"{first}/kernel"]
    trainer.train()
    return Recording(
        network=preset.network,
        training=preset.training,
        loss=np.array([batch.loss for batch in batches], np.float32),
        accuracy=np.array([batch.accuracy for batch in batches], np.float32),
        filters=np.stack([filters[at] for at in sorted(filters)]).astype(np.float16),
        filters_at=np.array(sorted(filters), np.int32),
        history=[asdict(epoch) for epoch in trainer.history],
        result={**trainer.result(), **trainer.test()},
        versions=dict(trainer.engine.versions),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Record runs of presets.")
    parser.add_argument("models", nargs="+", choices=list(zoo.PRESETS))
    for name in parser.parse_args().models:
        (RECORDINGS / f"{name}.safetensors").write_bytes(record(name).to_bytes())


if __name__ == "__main__":
    main()
