"""How a network is trained, as data."""

from typing import Annotated, Literal

from pydantic import Field

from cnn_lab.spec.checked import Checked

OptimizerName = Literal["sgd", "adam", "adamw", "rmsprop", "muon"]
ScheduleName = Literal["constant", "step", "exponential", "cosine", "one_cycle"]


class TrainingSpec(Checked):
    """How a network is trained; together with a NetworkSpec it fixes the result.

    Attributes
    ----------
    optimizer : {"sgd", "adam", "adamw", "rmsprop", "muon"}
        Muon turns the matrices of dense layers; kernels and biases go to its AdamW.
    momentum : float
        Of "sgd" alone.
    weight_decay : float
        Of "adamw" and "muon" alone: the share of each weight that a rate of 1 takes away.
    learning_rate : float
        The highest rate of the schedule.
    schedule : {"constant", "step", "exponential", "cosine", "one_cycle"}
        See `cnn_lab.schedules.learning_rates`.
    label_smoothing : float
        The share of each label that is spread evenly over all classes.
    weight_averaging : float
        The momentum of a running average of the weights, which is what is judged and kept;
        0 judges and keeps the weights themselves.
    batch_size, epochs, seed : int
    """

    optimizer: OptimizerName = "adam"
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.004
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.001
    schedule: ScheduleName = "constant"
    label_smoothing: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    weight_averaging: Annotated[float, Field(ge=0, le=0.9999)] = 0.0
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 128
    epochs: Annotated[int, Field(ge=1, le=100)] = 10
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
