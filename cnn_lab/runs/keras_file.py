"""A kept run's weights as a file that `keras.models.load_model` reads."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from cnn_lab.content.words import data_size
from cnn_lab.network import MAX_FILE_BYTES
from cnn_lab.runs.checks import Checks

if TYPE_CHECKING:
    from cnn_lab.runs.cluster import Cluster

KEPT_FILES = 4


@dataclass(frozen=True)
class KerasFileWanted:
    """The question that the worker answers with a `KerasFile`.

    Attributes
    ----------
    weights : bytes
        A .safetensors file of the lab.
    """

    weights: bytes

    @cached_property
    def digest(self) -> str:
        """The same for the same weights."""
        return sha256(self.weights).hexdigest()

    @property
    def n_bytes(self) -> int:
        """What travels."""
        return len(self.weights)


@dataclass(frozen=True)
class KerasFile:
    """A .keras file.

    Attributes
    ----------
    content : bytes
    keras : str
        The version that wrote it.
    """

    content: bytes
    keras: str

    @property
    def sentence(self) -> str:
        """What a reader should know of it."""
        return f"Written by Keras {self.keras}: {data_size(len(self.content))}."


def keras_files(cluster: "Callable[[], Cluster]") -> Checks[KerasFileWanted, KerasFile]:
    """Return who has such files written, and keeps the newest few.

    Parameters
    ----------
    cluster : callable
        As for `Checks`.
    """
    return Checks(
        cluster,
        lambda found, wanted: found.keras_file(wanted),
        max_bytes=MAX_FILE_BYTES,
        kept=KEPT_FILES,
    )
