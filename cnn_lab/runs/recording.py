"""Recorded runs of the shipped networks' settings: every batch, every epoch, and the filters.

The files are written by `python -m tools.recordings`. A recording is another run than the one that
trained the shipped weights: settings and seed are the same, but the machine was not, and the last
digits of a sum depend on the machine.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from cnn_lab.data.sets import n_training_images
from cnn_lab.network.spec import NetworkSpec, TrainingSpec
from cnn_lab.training.schedules import learning_rates

RECORDINGS = Path(__file__).with_name("recordings")
MAX_MOMENTS = 48  # at which the filters are kept
_TENSORS = ("loss", "accuracy", "filters_at", "filters")
_JSON = ("history", "result", "versions")


@dataclass(frozen=True, eq=False)
class Recording:
    """A run of which every batch is known.

    Attributes
    ----------
    network, training : NetworkSpec, TrainingSpec
    loss, accuracy : ndarray of float32, shape (batches,)
        Mean loss and share of correct answers of each batch, before the step that it led to.
    filters : ndarray of float16, shape (moments, kernel_height, kernel_width, channels, filters)
        Of the first convolution, from before the first batch to after the last.
    filters_at : ndarray of int32, shape (moments,)
        Batches before each of these moments.
    history : list of dict
        The finished epochs, see `cnn_lab.training.loop.EpochReport`.
    result : dict
        See `cnn_lab.training.loop.Trainer.result`, with the test figures.
    versions : dict of str to str
        Versions of the software.
    """

    network: NetworkSpec
    training: TrainingSpec
    loss: NDArray[np.float32]
    accuracy: NDArray[np.float32]
    filters: NDArray[np.float16]
    filters_at: NDArray[np.int32]
    history: Sequence[Mapping[str, Any]]
    result: Mapping[str, Any]
    versions: Mapping[str, str]

    def batches(self) -> list[dict[str, float]]:
        """Return the batches as the training loop reports them, without the time."""
        size, n = self.training.batch_size, self.n_train
        n_batches = -(-n // size)
        rates = learning_rates(self.training, len(self.loss)).tolist()
        rows = []
        for i, (loss, accuracy) in enumerate(
            zip(self.loss.tolist(), self.accuracy.tolist(), strict=True)
        ):
            epoch, batch = divmod(i, n_batches)
            rows.append(
                {
                    "epoch": epoch + 1,
                    "batch": batch + 1,
                    "loss": loss,
                    "accuracy": accuracy,
                    "n_images": epoch * n + min((batch + 1) * size, n),
                    "rate": rates[i],
                }
            )
        return rows

    @property
    def n_train(self) -> int:
        """Training images per epoch."""
        return n_training_images(self.training.data_set, self.training.data_fraction)

    def to_bytes(self) -> bytes:
        """Return the recording as a safetensors file; see `load`."""
        facts = {name: json.dumps(getattr(self, name)) for name in _JSON}
        facts |= {name: getattr(self, name).model_dump_json() for name in ("network", "training")}
        return save({name: getattr(self, name) for name in _TENSORS}, facts)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the recording in a file."""
        with safe_open(path, "numpy") as file:
            facts = file.metadata()
            tensors = {name: file.get_tensor(name) for name in _TENSORS}
        return cls(
            network=NetworkSpec.model_validate_json(facts["network"]),
            training=TrainingSpec.model_validate_json(facts["training"]),
            **tensors,
            **{name: json.loads(facts[name]) for name in _JSON},
        )


@lru_cache(maxsize=4)
def recording(name: str) -> Recording | None:
    """Return the recorded run of a preset's settings; None if there is none."""
    path = RECORDINGS / f"{name}.safetensors"
    return Recording.load(path) if path.is_file() else None


def moments(n_batches: int) -> list[int]:
    """Return after how many batches the filters are kept: densely at first, when they change most.

    Examples
    --------
    >>> moments(3), moments(4220)[:4], len(moments(4220))
    ([0, 1, 2, 3], [0, 2, 8, 17], 48)
    """
    last = MAX_MOMENTS - 1
    return sorted({round(n_batches * (i / last) ** 2) for i in range(MAX_MOMENTS)})
