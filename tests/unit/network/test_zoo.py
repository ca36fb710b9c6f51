import math

import numpy as np
import pytest

from cnn_lab.data.mnist import Mnist, Split, load_mnist
from cnn_lab.network import zoo
from cnn_lab.training import keras_engine
from cnn_lab.training.loop import BatchReport, Report, Trainer

N_TRAIN = 600


@pytest.fixture(scope="module")
def little() -> Mnist:
    whole = load_mnist()

    class Little(Mnist):
        train = Split(whole.train.pixels[:N_TRAIN], whole.train.labels[:N_TRAIN])
        validation = Split(whole.validation.pixels[:100], whole.validation.labels[:100])

    return Little()


@pytest.mark.parametrize("name", list(zoo.PRESETS))
def test_a_preset_has_the_name_it_is_found_by_and_reads_digits(name: str) -> None:
    preset = zoo.preset(name)
    assert preset.network.name == name
    assert preset.network.input_shape == (28, 28, 1)
    assert preset.network.n_classes == 10
    assert preset.training.data_set == "mnist"


def test_lenet_makes_the_maps_of_the_original() -> None:
    network = zoo.preset("lenet").network
    shapes = {row.name: row.output_shape for row in network.summary()}
    assert shapes["conv1"] == (28, 28, 6)
    assert shapes["pool1"] == (14, 14, 6)
    assert shapes["conv2"] == (10, 10, 16)
    assert shapes["pool2"] == (5, 5, 16)
    assert [row.parameters for row in network.summary() if row.parameters] == [
        6 * (25 + 1),
        16 * (6 * 25 + 1),
        120 * (400 + 1),
        84 * (120 + 1),
        10 * (84 + 1),
    ]
    assert network.n_parameters == 61_706


def test_the_champion_is_small_and_cheap() -> None:
    network = zoo.preset("champion").network
    assert 300_000 < network.n_parameters <= 400_000
    costs = [
        sum(row.multiply_adds for row in each.summary())
        for each in (network, zoo.preset("paper").network)
    ]
    assert costs[0] < costs[1]
    assert network.summary()[-4].input_shape == (1, 1, 192)  # each sees the whole digit
    assert network.knows_non_digits


def test_record_learns_from_mnist_alone() -> None:
    record = zoo.preset("record")
    assert 300_000 < record.network.n_parameters <= 400_000
    assert not record.network.knows_non_digits
    assert record.training.pens == record.training.non_digits == 0
    assert record.training.augmentation.hands == 0


@pytest.mark.parametrize("name", ["champion", "record", "lenet"])
def test_a_new_preset_learns_from_the_first_batches(name: str, little: Mnist) -> None:
    """Three passes over 600 digits at a steady rate: the real recipe is still warming up then."""
    preset = zoo.preset(name)
    training = preset.training.model_copy(
        update={"epochs": 3, "schedule": "constant", "learning_rate": 0.002, "batch_size": 60}
    )
    losses: list[float] = []

    def report(event: Report) -> None:
        if isinstance(event, BatchReport):
            losses.append(event.loss)

    engine = keras_engine.KerasEngine(preset.network, training)
    trainer = Trainer(engine, little, report=report, report_every_s=0)
    network, history = trainer.train(), trainer.history
    drawn = sum(int(share * 60) for share in (training.pens, training.non_digits))
    assert len(losses) == 3 * math.ceil(N_TRAIN / (60 - drawn))
    assert losses[0] > 0.8 * math.log(10)
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    assert history[-1].accuracy > history[0].accuracy
    keras_engine.forget_models()
    assert network.spec == preset.network
