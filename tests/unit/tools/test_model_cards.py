"""Cards of the shipped networks."""

import json

import pytest

from cnn_lab.digits.reliability import recorded
from cnn_lab.network import MODELS, Network
from cnn_lab.network.spec import TrainingSpec
from cnn_lab.network.zoo import preset
from tools.model_cards import card, drawn

NAMES = sorted(path.stem for path in MODELS.glob("*.safetensors"))


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_what_the_network_was_trained_on_and_how_to_train_it_again(name):
    network = Network.load(name)
    text = card(network)
    training, result = (json.loads(network.card[key]) for key in ("training", "result"))
    command = f"python -m cnn_lab train --model {name} --seed {result['seed']}`"
    assert command in text
    made = preset(name)  # what the command trains
    assert made.network == network.spec
    trained = TrainingSpec.model_validate(training)
    assert trained == made.training.model_copy(update={"seed": result["seed"]})
    assert drawn(training) in text
    for one in recorded(name).values():
        assert f"{one.error:.2%} on {one.n:,}" in text
    assert text in (MODELS / "README.md").read_text(encoding="utf-8")


def test_pens_and_non_digits_are_named_whether_there_are_any_or_not():
    plain = {"augmentation": {"hands": 0.0}}
    mixed = {"pens": 0.1, "non_digits": 0.15, "augmentation": {"hands": 0.3}}
    assert "%" not in drawn(plain)
    assert all(word in drawn(plain) for word in ("pen", "non-digits"))
    assert all(share in drawn(mixed) for share in ("10%", "15%", "30%"))
