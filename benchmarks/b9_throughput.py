"""B9: training in the app, live charts in a browser beside it, against a bare Keras script.

The script has the same layers, optimizer, batches and number of threads and nothing else: a
`model.fit` without callbacks and without validation. Both sides in turns; the app's pace is
that of its result, from the first batch to the last, reports and snapshots included.
"""

import statistics
import subprocess
import sys
from collections.abc import Sequence

from benchmarks.report import Row, report, spread
from benchmarks.training_page import TrainingPage, a_training_page

ROUNDS = 3
SHARES = {"paper": 0.25, "fast": 1.0}  # of an epoch, so that each takes some fifteen seconds
GOALS = {"paper": 0.97, "fast": 0.95}
BARE = """
import sys, time
import keras
from cnn_lab.network import zoo
from cnn_lab.data.sets import load_data_set
from cnn_lab.training.keras_engine import build_model, optimizer_of
name, share = sys.argv[1], float(sys.argv[2])
preset = zoo.preset(name)
data = load_data_set("mnist", share, 0).train
smoothing = preset.training.label_smoothing
loss = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
model = build_model(preset.network)
model.compile(optimizer_of(preset.training), loss=loss, metrics=["accuracy"])
images, labels = data.images, keras.utils.to_categorical(data.labels)
started = time.perf_counter()
model.fit(images, labels, batch_size=preset.training.batch_size, epochs=1, verbose=0)
print(len(labels) / (time.perf_counter() - started))
"""


def bare(name: str) -> float:
    """Return the images a second of the script."""
    command = [sys.executable, "-c", BARE, name, str(SHARES[name])]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return float(done.stdout.split()[-1])


def in_app(training: TrainingPage, name: str) -> float:
    """Return the images a second of a run that a browser watches."""
    training.open(name, epochs=1, data_fraction=SHARES[name])
    return float(training.finish(training.start())["images_per_second"])


def measure() -> Sequence[Row]:
    rows: list[Row] = []
    with a_training_page() as training:
        training.open("fast", epochs=1, data_fraction=0.05)
        training.finish(training.start())  # the worker is warm from here on
        for name, goal in GOALS.items():
            paces = [(in_app(training, name), bare(name)) for _ in range(ROUNDS)]
            ratios = [app / script for app, script in paces]
            what = f"{name}: images a second, app to bare `model.fit`"
            rows += [
                Row(what, statistics.mean(ratios), "", goal, at_least=True),
                Row(f"{name}: spread of {ROUNDS} rounds", spread(ratios), ""),
                Row(f"{name}: app", statistics.mean(app for app, _ in paces), "images/s"),
            ]
    return rows


if __name__ == "__main__":
    report("B9", measure)
