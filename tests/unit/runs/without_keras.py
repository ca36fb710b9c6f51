"""What a small host does without Keras: pages, a run, a check, a file and a data set.

A program for an interpreter that can import neither Keras nor TensorFlow, with a folder for runs as
its argument; prints what came of it as JSON.
"""

import json
import pkgutil
import sys
from importlib import import_module

import cnn_lab.app
from cnn_lab.concepts.checks import LayerCheck
from cnn_lab.data.keras_download import ensure_data_set
from cnn_lab.data.mnist import DataError
from cnn_lab.network import Network
from cnn_lab.runs.checks import KerasFileRequest
from cnn_lab.runs.queue import RunQueue
from tests.unit.layer_calls import computed, convolution
from tests.unit.runs.small_runs import PATIENCE_S, ended, spec


def main(folder: str) -> None:
    for module in pkgutil.walk_packages(cnn_lab.app.__path__, "cnn_lab.app."):
        import_module(module.name)
    queue = RunQueue(folder)
    try:
        run_id = queue.submit(spec(engine="keras"), owner="someone")
        run = queue.wait(run_id, ended, PATIENCE_S)
        call = convolution()
        asked = queue.checks.ask(LayerCheck(call, computed(call)))
        check = queue.checks.wait(asked, PATIENCE_S)
        asked = queue.keras_files.ask(KerasFileRequest(Network.load("fast").to_bytes()))
        file = queue.keras_files.wait(asked, PATIENCE_S)
    finally:
        queue.close()
    data_set = ""
    try:
        ensure_data_set("fashion_mnist", lambda _share: None)
    except DataError as error:
        data_set = str(error)
    report = {
        "engines": queue.engines,
        "state": run.state,
        "sentence": run.sentence,
        "engine": run.result.get("engine"),
        "check": check.sentence,
        "file": file.sentence,
        "data set": data_set,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1])
