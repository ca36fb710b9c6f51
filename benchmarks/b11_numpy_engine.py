"""B11: the paper's network trained by NumPy alone, against Keras.

Each engine trains on the same images in a fresh process, in turn, so that what else the
machine does falls on both. Start-up, the first batches and validation are left out.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.report import Row, median, report

ROUNDS = 3
N_IMAGES, N_WARM_UP = 2560, 256
MAX_LOSS = 1.5  # nats; who answers ten classes alike has 2.3
SCRIPT = """
import json, sys
from cnn_lab.network import zoo
from cnn_lab.data import Mnist, Split, load_mnist
from cnn_lab.training.loop import BatchReport, Trainer, new_engine

engine, n_images, n_warm_up = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
whole = load_mnist()
class Some(Mnist):
    train = Split(whole.train.pixels[:n_images], whole.train.labels[:n_images])
    validation = Split(whole.validation.pixels[:500], whole.validation.labels[:500])

preset = zoo.paper()
training = preset.training.model_copy(update={"epochs": 1})
reports = []
Trainer(new_engine(engine, preset.network, training), Some(), report=reports.append).train()
batches = [what for what in reports if isinstance(what, BatchReport)]
first = next(batch for batch in batches if batch.n_images >= n_warm_up)
last = batches[-1]
rate = (last.n_images - first.n_images) / (last.seconds - first.seconds)
print(json.dumps({"images_per_s": rate, "loss": last.loss}))
"""


def train(engine: str) -> dict[str, Any]:
    """Return images per second, and the loss of the last batch."""
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, engine, str(N_IMAGES), str(N_WARM_UP)],
        capture_output=True,
        check=True,
        text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def measure() -> Sequence[Row]:
    rounds = [(train("numpy"), train("keras")) for _ in range(ROUNDS)]
    ours, theirs = zip(*rounds, strict=True)
    ratios = [our["images_per_s"] / their["images_per_s"] for our, their in rounds]
    if max(run["loss"] for run in (*ours, *theirs)) > MAX_LOSS:
        raise RuntimeError(f"An engine did not learn. Received: rounds={rounds}")
    return [
        Row("NumPy against Keras, the paper's network", median(ratios), "", 0.8, at_least=True),
        Row("spread of that ratio over the rounds", statistics.stdev(ratios), ""),
        Row("NumPy", median([run["images_per_s"] for run in ours]), "images/s"),
        Row("Keras", median([run["images_per_s"] for run in theirs]), "images/s"),
    ]


if __name__ == "__main__":
    report("B11", measure)
