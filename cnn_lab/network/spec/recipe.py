"""Recipe: a network and its training in one JSON file, such as a run's spec.json."""

from typing import Self

from cnn_lab.network.checked import Checked, plain_error
from cnn_lab.network.spec.network import NetworkSpec
from cnn_lab.network.spec.training import TrainingSpec

MAX_BYTES = 262_144


class RecipeError(ValueError):
    """Raised when a file is not a valid recipe; the message says what is wrong."""


class Recipe(Checked):
    """A network and how it is trained.

    Attributes
    ----------
    network : NetworkSpec
    training : TrainingSpec
        Fields that a file leaves out have the defaults of `TrainingSpec`.
    """

    network: NetworkSpec
    training: TrainingSpec = TrainingSpec()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Return what a file holds.

        Parameters
        ----------
        data : bytes
            Untrusted; at most 262,144 bytes.

        Raises
        ------
        RecipeError
            If it is too long, not JSON, or contains an unknown layer or field or a number out of
            bounds; with a message.
        """
        if len(data) > MAX_BYTES:
            raise RecipeError(
                f"A file with a network and its training may have at most {MAX_BYTES:,} bytes. "
                f"Received: {len(data):,}"
            )
        try:
            return cls.from_outside(data)
        except ValueError as error:
            raise RecipeError(plain_error(error)) from error

    def to_json(self) -> str:
        """Return both as indented JSON with every setting written out."""
        return self.model_dump_json(indent=2) + "\n"
