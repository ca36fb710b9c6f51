"""A network and its training in one file: what a run's spec.json holds, and what it is read as."""

from typing import Self

from cnn_lab.network.checked import Checked, plain_error
from cnn_lab.network.spec.network import NetworkSpec
from cnn_lab.network.spec.training import TrainingSpec

MAX_BYTES = 262_144


class RecipeError(ValueError):
    """A file that holds no network and training, with a sentence that says what is wrong."""


class Recipe(Checked):
    """A network and how it is trained.

    Attributes
    ----------
    network : NetworkSpec
    training : TrainingSpec
        What a file leaves out is as `TrainingSpec` has it.
    """

    network: NetworkSpec
    training: TrainingSpec = TrainingSpec()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Return what a file holds.

        Parameters
        ----------
        data : bytes
            From anywhere; at most 262,144 of them.

        Raises
        ------
        RecipeError
            If it is too long, no JSON, or holds a layer, a field or a number that does not
            exist here; a sentence for the reader.
        """
        if len(data) > MAX_BYTES:
            raise RecipeError(
                f"A file with a network and its training may have at most {MAX_BYTES:,} bytes. "
                f"Received: {len(data):,}"
            )
        try:
            return cls.model_validate_json(data)
        except ValueError as error:
            raise RecipeError(plain_error(error)) from error

    def to_json(self) -> str:
        """Return both as indented JSON with every setting written out."""
        return self.model_dump_json(indent=2) + "\n"
