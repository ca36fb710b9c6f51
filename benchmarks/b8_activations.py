"""B8: every activation of the paper's network for one image, and the pictures of them.

Keras answers the same question in a process of its own, to give the figure its scale.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.report import Row, median, report
from cnn_lab.app.frame import tune_process
from cnn_lab.charts.maps import png, tile_maps
from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import Network

WARM_UP, RUNS = 10, 200
KERAS_SCRIPT = """
import time
from statistics import median
import numpy as np
from cnn_lab.training.keras_engine import to_keras
from cnn_lab.network import Network
model = to_keras(Network.load("paper"))
image = np.zeros((1, 28, 28, 1), np.float32)
times = []
for _ in range(40):
    started = time.perf_counter()
    model.predict(image, verbose=0)
    times.append(time.perf_counter() - started)
print(1000 * median(times[10:]))
"""


def time_ms(work: Callable[[], object]) -> float:
    """Return the median milliseconds of many runs, the first ones not counted."""
    times = []
    for _ in range(WARM_UP + RUNS):
        started = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - started))
    return median(times[WARM_UP:])


def measure() -> Sequence[Row]:
    tune_process()  # as the process that serves pages does
    network = Network.load("paper")
    image = load_mnist().test.images[:1]
    maps = [values[0] for values in network.activations(image).values() if values.ndim == 4]

    def draw() -> None:
        for values in maps:
            columns = int(np.ceil(np.sqrt(2 * values.shape[-1])))
            signed = bool(values.min() < 0)
            png(tile_maps(values, columns=columns, signed=signed), factor=2)

    keras = subprocess.run(
        [sys.executable, "-c", KERAS_SCRIPT], capture_output=True, check=True, text=True
    )
    keras_ms = float(keras.stdout.split()[-1])
    predict_ms = time_ms(lambda: network.predict(image))
    return [
        Row("all activations, one image", time_ms(lambda: network.activations(image)), "ms", 5),
        Row("their pictures, as PNG", time_ms(draw), "ms", 25),
        Row("the answer alone", predict_ms, "ms"),
        Row("Keras's `predict` takes", keras_ms / predict_ms, "times as long"),
    ]


if __name__ == "__main__":
    report("B8", measure)
