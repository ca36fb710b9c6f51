"""B11: the paper's network trained by NumPy alone, against Keras.

PyTorch trains beside them where it is installed. Each engine has a process of its own with as
many threads as it starts on this machine. All train on the same batches, a few at a turn; building
the network and its first batches are left out.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

from benchmarks.in_pytorch import has_pytorch
from benchmarks.report import Row, median, report
from benchmarks.turns import Rival, compared, in_turns
from cnn_lab.network import zoo

ROUNDS, WARM_UP, N_BATCHES = 8, 2, 3
MAX_LOSS = 1.5  # nats; who answers ten classes alike has 2.3
NAMES = {"NumPy": "numpy", "Keras": "keras", "PyTorch": "pytorch"}


def measure() -> Sequence[Row]:
    names = [name for name in NAMES if name != "PyTorch" or has_pytorch()]
    with ExitStack() as stack:
        rivals = {
            name: stack.enter_context(Rival("benchmarks.training_steps", NAMES[name]))
            for name in names
        }
        turns = in_turns(
            {name: partial(rival.turn, n_batches=N_BATCHES) for name, rival in rivals.items()},
            ROUNDS,
            WARM_UP,
        )
        losses = {name: rival.ask() for name, rival in rivals.items()}
    if max(losses.values()) > MAX_LOSS:
        raise RuntimeError(f"An engine did not learn. Received: losses={losses}")
    rows = []
    for name in names[1:]:
        goal = 0.8 if name == "Keras" else None
        rows += compared(f"a batch, {name}", turns["NumPy"], turns[name], goal)
    size = zoo.paper().training.batch_size
    for name, found in turns.items():
        processor_s = median([turn.processor_s for turn in found])
        rows.append(Row(f"{name}: processor time of an image", 1000 * processor_s / size, "ms"))
        wall_s = median([turn.wall_s for turn in found])
        rows.append(Row(f"{name}: in wall time", size / wall_s, "images/s"))
    return rows


if __name__ == "__main__":
    report("B11", measure)
