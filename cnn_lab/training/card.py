"""What a weights file says of its own making."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from cnn_lab.data.mnist import MNIST_SHA256
from cnn_lab.network.spec import TrainingSpec
from cnn_lab.training.loop import EpochReport


def model_card(
    result: Mapping[str, Any],
    training: TrainingSpec,
    history: Sequence[EpochReport],
    engine_versions: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return settings, history, result, data and versions as safetensors metadata.

    Parameters
    ----------
    result : mapping that JSON can hold
    training : TrainingSpec
    history : sequence of EpochReport
        The epochs that were finished.
    engine_versions : mapping of str to str, optional
        Of whatever trained, besides NumPy and Python.
    """
    versions = {"numpy": np.__version__, "python": platform.python_version()}
    return {
        "training": training.model_dump_json(),
        "history": json.dumps([asdict(epoch) for epoch in history]),
        "result": json.dumps(dict(result)),
        "data": json.dumps(MNIST_SHA256 if training.data_set == "mnist" else {}),
        "versions": json.dumps({**(engine_versions or {}), **versions}),
    }
