import json

import pytest

from cnn_lab.network import Network, zoo
from cnn_lab.network.spec import Augmentation, TrainingSpec, plain_error


def refusal(build):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its sentence is what the tests read
        build()
    return plain_error(caught.value)


def test_a_training_trains_on_all_of_mnist_as_it_is_unless_told_otherwise():
    training = TrainingSpec()
    assert (training.data_set, training.data_fraction) == ("mnist", 1)
    assert not training.augmentation.active


def test_settings_written_before_there_were_data_sets_still_load():
    old = TrainingSpec(epochs=4, seed=2).model_dump()
    for name in ("data_set", "data_fraction", "augmentation"):
        del old[name]
    assert TrainingSpec.model_validate_json(json.dumps(old)) == TrainingSpec(epochs=4, seed=2)


@pytest.mark.parametrize("name", ["paper", "fast"])
def test_the_settings_in_a_shipped_model_still_load(name):
    card = Network.load(name).card
    trained = TrainingSpec.model_validate_json(card["training"])
    assert trained.augmentation == Augmentation()
    assert trained.learning_rate == zoo.preset(name).training.learning_rate


@pytest.mark.parametrize(
    "setting", ["shift", "rotate", "scale", "shear", "elastic", "stroke", "light"]
)
def test_any_bound_above_zero_switches_augmentation_on_and_survives_json(setting):
    augmentation = Augmentation(**{setting: 1 if setting == "shift" else 0.25})
    assert augmentation.active
    training = TrainingSpec(augmentation=augmentation, data_set="cifar10", data_fraction=0.1)
    assert TrainingSpec.model_validate_json(training.model_dump_json()) == training


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: Augmentation(shift=9), "shift: This must be at most 8. Received: 9"),
        (lambda: Augmentation(shift=1.5), "shift"),
        (lambda: Augmentation(rotate=-1), "rotate: This must be at least 0. Received: -1"),
        (lambda: Augmentation(rotate=91), "at most 90"),
        (lambda: Augmentation(scale=0.6), "at most 0.5"),
        (lambda: Augmentation(shear=46), "at most 45"),
        (lambda: Augmentation(elastic=4.1), "at most 4"),
        (lambda: Augmentation(stroke=1.6), "at most 1.5"),
        (lambda: Augmentation(light=1.1), "at most 1"),
        (lambda: Augmentation(light=float("nan")), "light"),
        (lambda: Augmentation.model_validate({"flip": True}), "There is no setting of this name"),
        (lambda: TrainingSpec(augmentation={"rotate": 100}), "augmentation.rotate"),
        (lambda: TrainingSpec(data_set="imagenet"), "'mnist', 'fashion_mnist' or 'cifar10'"),
        (lambda: TrainingSpec(data_fraction=0), "data_fraction: This must be above 0. Received: 0"),
        (lambda: TrainingSpec(data_fraction=1.01), "at most 1"),
    ],
)
def test_a_bound_that_cannot_be_says_why(build, sentence):
    assert sentence in refusal(build)
