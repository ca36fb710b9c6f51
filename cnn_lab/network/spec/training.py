"""Training settings as data."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field

from cnn_lab.network.checked import Checked

OptimizerName = Literal["sgd", "adam", "adamw", "rmsprop", "muon"]
ScheduleName = Literal["constant", "step", "exponential", "cosine", "one_cycle"]
DataSetName = Literal["mnist", "fashion_mnist", "cifar10"]

# Optimizers that use a setting; the others ignore it.
USED_BY: dict[str, tuple[OptimizerName, ...]] = {
    "momentum": ("sgd",),
    "weight_decay": ("adamw", "muon"),
}


class Augmentation(Checked):
    """Bounds for random changes of each training image; zero switches a change off.

    Every image of every batch gets its own changes, drawn uniformly up to these bounds in both
    directions. See `cnn_lab.data.augmentation.augmented` for what each does.

    Attributes
    ----------
    shift : int
        Whole pixels, down or up and right or left.
    rotate : float
        Degrees, in either direction.
    scale : float
        The size is multiplied by a factor between 1 - scale and 1 + scale.
    shear : float
        Degrees by which vertical lines lean, in either direction.
    elastic : float
        Elastic distortion in pixels: the root mean square displacement along rows, and along
        columns.
    stroke : float
        Pixels by which a stroke becomes thicker or thinner, counted across it.
    light : float
        Contrast is multiplied by a factor between 1 - light and 1 + light; brightness changes by
        up to light / 2, in a range from 0 to 1.
    hands : float
        Share of ones that get an upstroke and of nines that get a tail to the left, as written
        in much of the world; for MNIST only. See `cnn_lab.data.regional_strokes`.
    """

    shift: Annotated[int, Field(ge=0, le=8)] = 0
    rotate: Annotated[float, Field(ge=0, le=90)] = 0.0
    scale: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    shear: Annotated[float, Field(ge=0, le=45)] = 0.0
    elastic: Annotated[float, Field(ge=0, le=4)] = 0.0
    stroke: Annotated[float, Field(ge=0, le=1.5)] = 0.0
    light: Annotated[float, Field(ge=0, le=1)] = 0.0
    hands: Annotated[float, Field(ge=0, le=1)] = 0.0

    @property
    def active(self) -> bool:
        """Whether any change is on."""
        return self != Augmentation()


class TrainingSpec(Checked):
    """Training settings; together with a NetworkSpec they determine the result.

    Attributes
    ----------
    optimizer : {"sgd", "adam", "adamw", "rmsprop", "muon"}
        Muon updates the matrices of dense layers; kernels and biases use its AdamW.
    momentum : float
        For "sgd" only.
    weight_decay : float
        For "adamw" and "muon" only: share of each weight that a learning rate of 1 removes.
    learning_rate : float
        The highest rate of the schedule.
    schedule : {"constant", "step", "exponential", "cosine", "one_cycle"}
        See `cnn_lab.training.schedules.learning_rates`.
    label_smoothing : float
        The share of each label that is spread evenly over all classes.
    weight_averaging : float
        Momentum of a running average of the weights, which is evaluated and saved instead of the
        weights; 0 switches it off.
    data_set : {"mnist", "fashion_mnist", "cifar10"}
    data_fraction : float
        Share of the training images that is used, see `cnn_lab.data.sets`.
    augmentation : Augmentation
    unchanged : float
        Share of the training images of each batch that the augmentation leaves as they are.
    fade : float
        Share of the epochs, the last ones, in which the augmentation is weakened to three tenths.
    pens : float
        Share of each batch that is digits drawn by the parametric pen; for MNIST only. See
        `cnn_lab.training.batches`.
    non_digits : float
        Share of each batch that shows no digit; for MNIST only. The network then needs an eleventh
        output, which learns them.
    batch_size, epochs, seed : int
    """

    optimizer: OptimizerName = "adam"
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.004
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.001
    schedule: ScheduleName = "constant"
    label_smoothing: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    weight_averaging: Annotated[float, Field(ge=0, le=0.9999)] = 0.0
    data_set: DataSetName = "mnist"
    data_fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    augmentation: Augmentation = Augmentation()
    unchanged: Annotated[float, Field(ge=0, le=1)] = 0.0
    fade: Annotated[float, Field(ge=0, le=1)] = 0.0
    pens: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    non_digits: Annotated[float, Field(ge=0, le=0.4)] = 0.0
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 128
    epochs: Annotated[int, Field(ge=1, le=100)] = 10
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0

    def changed(self, changes: Mapping[str, float]) -> Self:
        """Return the settings with other values of some fields, checked.

        Parameters
        ----------
        changes : mapping of str to float
            By name: fields of the settings or of their augmentation. Other names are left out.

        Raises
        ------
        pydantic.ValidationError
            A ValueError, if a value is not allowed.

        Examples
        --------
        >>> TrainingSpec().changed({"label_smoothing": 0.1, "rotate": 15}).augmentation.rotate
        15.0
        """
        bounds = {name: changes[name] for name in Augmentation.model_fields if name in changes}
        own = {name: changes[name] for name in type(self).model_fields if name in changes}
        now = self.model_dump()
        return type(self).model_validate(now | own | {"augmentation": now["augmentation"] | bounds})
