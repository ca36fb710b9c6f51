"""B9: training in the app, live charts in a browser beside it, against a bare Keras script.

The script has the same layers, optimizer, learning rates, loss, batches, niceness and number of
threads and nothing else: a `model.fit` without callbacks and without validation. Both sides take
turns. The app's side is from the first report of a batch to the last one before the epoch's last,
smaller batch, reports and snapshots included; the script's is a call of `model.fit` after one that
compiled. So neither is compiling in it: for the smaller batch the app compiles a second time, about
a second of each run. The app's processor time is that of its worker and its page process together.
"""

import bisect
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil

from benchmarks.hosting.scene import used_s
from benchmarks.report import Row, median, report
from benchmarks.training_page import TrainingPage, a_training_page
from benchmarks.turns import Turn, compared, in_turns
from cnn_lab.runs.store import BEGUN, EVENTS

ROUNDS = {"paper": 5, "fast": 11}  # more of the short one, which varies more
# Of an epoch. A run's first seconds have the most snapshots, and paper's are many minutes.
SHARES = {"paper": 0.3, "fast": 1.0}
GOALS = {"paper": 0.97, "fast": 0.95}
SAMPLE_S = 0.05
BARE = """
import json, sys, time
import keras
from cnn_lab.network import zoo
from cnn_lab.data.sets import load_data_set
from cnn_lab.runs.priority import give_way
from cnn_lab.training.keras_engine import build_model, optimizer_of
from cnn_lab.training.schedules import learning_rates
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, rates):
        self.rates = keras.ops.convert_to_tensor(rates, "float32")
    def __call__(self, step):
        return keras.ops.take(self.rates, keras.ops.convert_to_tensor(step))
give_way()
name, share = sys.argv[1], float(sys.argv[2])
preset = zoo.preset(name)
training = preset.training
data = load_data_set("mnist", share, 0).train
images, labels, size = data.images, data.labels, training.batch_size
last = len(labels) % size or size  # so that both sizes of batches are compiled
optimizer = optimizer_of(training)
if training.schedule != "constant":
    optimizer.learning_rate = Schedule(learning_rates(training, 2 + -(-len(labels) // size)))
loss = keras.losses.SparseCategoricalCrossentropy()
if training.label_smoothing:
    labels = keras.utils.to_categorical(labels)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=training.label_smoothing)
model = build_model(preset.network)
model.compile(optimizer, loss=loss, metrics=["accuracy"])
model.fit(images[: size + last], labels[: size + last], batch_size=size, epochs=1, verbose=0)
processor, wall = time.process_time(), time.perf_counter()
model.fit(images, labels, batch_size=size, epochs=1, verbose=0)
processor, wall = time.process_time() - processor, time.perf_counter() - wall
print(json.dumps([processor / len(labels), wall / len(labels)]))
"""


def bare(name: str) -> Turn:
    """Return the time of one image in the script."""
    command = [sys.executable, "-c", BARE, name, str(SHARES[name])]
    done = subprocess.run(
        command, capture_output=True, check=True, text=True, start_new_session=True
    )
    return Turn(*json.loads(done.stdout.splitlines()[-1]))


class Meter:
    """Processor time of the page process and of the worker, over time."""

    def __init__(self, server: psutil.Process) -> None:
        [worker] = [
            child
            for child in server.children(recursive=True)
            if "cnn_lab.runs.worker" in child.cmdline()
        ]
        self._processes = (server, worker)
        self._at_s: list[float] = []
        self._used_s: list[tuple[float, float]] = []
        self._done = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Take samples until the block ends."""
        sampling = threading.Thread(target=self._sample)
        sampling.start()
        try:
            yield
        finally:
            self._done.set()
            sampling.join()

    def _sample(self) -> None:
        while not self._done.wait(SAMPLE_S):
            self._at_s.append(time.time())
            page, worker = map(used_s, self._processes)
            self._used_s.append((page, worker))

    def used_between(self, first_s: float, last_s: float) -> tuple[float, float]:
        """Return the seconds that page process and worker used between two times of the clock."""
        before, after = (
            self._used_s[min(bisect.bisect(self._at_s, at_s), len(self._at_s) - 1)]
            for at_s in (first_s, last_s)
        )
        return after[0] - before[0], after[1] - before[1]


def in_app(training: TrainingPage, name: str) -> tuple[Turn, Turn]:
    """Return the time of one image in a run that a browser watches: of all, of the worker."""
    training.open(name, epochs=1, data_fraction=SHARES[name])
    meter = Meter(training.server)
    with meter.running():
        run_id = training.start()
        training.finish(run_id)
    lines = (training.runs / run_id / EVENTS).read_text(encoding="utf-8").splitlines()
    batches = [event for event in map(json.loads, lines) if event["kind"] == "batch"]
    first, last = batches[0], batches[-2]  # the last of all includes the smaller batch
    n_images = last["values"]["n_images"] - first["values"]["n_images"]
    first_s, last_s = first["values"]["seconds"], last["values"]["seconds"]
    wall_s = last_s - first_s
    # Events carry the time of their arrival; the quickest tells when the worker began.
    began_s = min(event["at_s"] - event["values"]["seconds"] for event in batches)
    began_s += (training.runs / run_id / BEGUN).stat().st_mtime  # when it was submitted
    page_s, worker_s = meter.used_between(began_s + first_s, began_s + last_s)
    return (
        Turn((page_s + worker_s) / n_images, wall_s / n_images),
        Turn(worker_s / n_images, wall_s / n_images),
    )


def measure() -> Sequence[Row]:
    rows: list[Row] = []
    with a_training_page() as training:
        training.open("fast", epochs=1, data_fraction=0.05)
        training.finish(training.start())  # the worker is warm from here on
        for name, goal in GOALS.items():
            of_worker: list[Turn] = []

            def app(name: str = name, of_worker: list[Turn] = of_worker) -> Turn:
                turn, worker = in_app(training, name)
                of_worker.append(worker)
                return turn

            contestants = {"app": app, "bare": lambda name=name: bare(name)}
            turns = in_turns(contestants, ROUNDS[name], n_warm_up=0)
            what = f"{name}: an image, bare `model.fit`"
            rows += compared(what, turns["app"], turns["bare"], goal)
            rows.append(compared(f"{what} to the worker alone", of_worker, turns["bare"])[0])
            wall_s = median([turn.wall_s for turn in turns["app"]])
            rows.append(Row(f"{name}: app", 1 / wall_s, "images/s"))
    return rows


if __name__ == "__main__":
    report("B9", measure)
