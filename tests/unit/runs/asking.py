"""A page process that asks for runs and shows them, until it is killed.

A program with the folder of the runs, the address of a scheduler, Dask's configuration as JSON and
a number of runs as arguments. Prints the id of each run, and a line when the first has reported.
"""

import json
import sys

import dask

from cnn_lab.runs.queue import RunQueue
from tests.unit.runs.small_runs import PATIENCE_S, reported, spec


def main(folder: str, address: str, settings: str, n_runs: int) -> None:
    with dask.config.set(json.loads(settings)):
        queue = RunQueue(folder, address)
        for number in range(n_runs):
            owner = f"reader {number}"
            queue.arrive(owner)
            run_id = queue.submit(spec(epochs=4, batch_size=8, seed=number), owner)
            print(run_id, flush=True)
            if number == 0:
                reported(queue, run_id, kind="epoch", n=1)
        print("reported", flush=True)
        queue.wait(run_id, lambda _status: False, PATIENCE_S)


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
