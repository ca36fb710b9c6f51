"""One engine that trains the paper's network a few batches at a time: `Rival` asks it.

`python -m benchmarks.training_steps ENGINE`, with numpy, keras or pytorch.
"""

import sys
from collections.abc import Callable
from typing import Any

from benchmarks.in_pytorch import N_BATCHES, trainer
from benchmarks.turns import answer, timed
from cnn_lab.data.mnist import as_images, load_mnist
from cnn_lab.network import zoo
from cnn_lab.network.initial import initial_weights
from cnn_lab.training.engine import EngineName
from cnn_lab.training.loop import new_engine


def engine_trainer(name: EngineName) -> Callable[[int], float]:
    """Return a function that trains on a batch, by number, and returns its loss."""
    preset = zoo.paper()
    engine = new_engine(name, preset.network, preset.training)
    engine.set_weights(initial_weights(preset.network, preset.training.seed))
    size, split = preset.training.batch_size, load_mnist().train

    def train(number: int) -> float:
        here = slice(size * (number % N_BATCHES), size * (number % N_BATCHES + 1))
        images = as_images(split.pixels[here])
        return engine.step(images, split.labels[here], preset.training.learning_rate)[0]

    return train


def main(name: str) -> None:
    train = trainer(zoo.paper()) if name == "pytorch" else engine_trainer(name)  # type: ignore[arg-type]
    done, loss = 0, float("inf")

    def step() -> None:
        nonlocal done, loss
        loss = train(done)
        done += 1

    def work(n_batches: int = 0) -> Any:
        """Train on so many batches and return the time of each; on none, return the latest loss."""
        return timed(step, n_batches) if n_batches else loss

    answer(work)


if __name__ == "__main__":
    main(sys.argv[1])
