"""``python -m cnn_lab evaluate``: a network's errors on the test images."""

import click
import numpy as np

from cnn_lab.cli.common import as_json, load_network, model_option, print_result
from cnn_lab.data import load_mnist


@click.command()
@model_option
@as_json
def evaluate(*, model: str, as_json: bool) -> None:
    """Count a network's errors on the 10,000 test images, in NumPy."""
    network = load_network(model)
    test = load_mnist().test
    errors = int(np.count_nonzero(network.predict(test.images).argmax(axis=1) != test.labels))
    accuracy = 1 - errors / len(test)
    result = {"test_accuracy": accuracy, "errors": errors, "n": len(test)}
    print_result(result, as_json, f"test accuracy {accuracy:.4f}, {errors} errors of {len(test):,}")
