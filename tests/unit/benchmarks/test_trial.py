"""Trials of recipes: what is judged, and the recipe of the next champion."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.b16_honesty import unlikeness
from benchmarks.report import RESULTS
from benchmarks.trial import network_of
from cnn_lab.data.sets import check_fit, load_data_set
from cnn_lab.network import Network
from cnn_lab.network.initial import initial_weights
from cnn_lab.network.spec import Dense, Flatten, NetworkSpec, Softmax, TrainingSpec
from cnn_lab.network.spec.recipe import Recipe
from cnn_lab.runs.store import save_run
from cnn_lab.training.checkpoint import save_checkpoint
from cnn_lab.training.loop import Trainer, new_engine

RECIPE = RESULTS.parent / "recipes" / "reader.json"
MAX_PARAMETERS = 400_000
ELEVEN = NetworkSpec(
    name="eleven",
    layers=(Flatten(name="flatten"), Dense(name="dense", units=11), Softmax(name="softmax")),
)


def test_the_recipe_fits_its_data_and_the_limit() -> None:
    recipe = Recipe.from_json(RECIPE.read_bytes())
    check_fit(recipe.network, recipe.training)
    assert recipe.network.n_parameters <= MAX_PARAMETERS
    assert recipe.network.knows_non_digits


def test_a_trial_is_judged_with_averaged_weights_on_the_way_and_at_the_end(tmp_path: Path) -> None:
    training = TrainingSpec(
        data_fraction=0.01, epochs=2, weight_averaging=0.9, batch_size=32, non_digits=0.1
    )
    trainer = Trainer(
        new_engine("numpy", ELEVEN, training),
        load_data_set("mnist", training.data_fraction, training.seed),
        checkpoint=lambda now: save_checkpoint(tmp_path / "saved", now),
    )
    network = trainer.train()
    network.card = {"history": json.dumps([{}, {}])}
    save_run(tmp_path / "run", network=network, training=training, history=[], result={})
    for folder in ("saved", "run"):
        found, recipe, n_epochs = network_of(tmp_path / folder)
        assert (recipe.training, n_epochs) == (training, 2)
        for name, values in network.weights.items():
            np.testing.assert_array_equal(found.weights[name], values)


@pytest.mark.parametrize("bias", [-200.0, 0.0, 200.0])
def test_unlikeness_orders_images_even_where_probabilities_are_0_or_1(bias: float) -> None:
    """Its sign says whether the eleventh output is more probable than all ten digits."""
    weights = initial_weights(ELEVEN, 0)
    weights["dense/bias"][10] = bias
    network = Network(ELEVEN, weights)
    images = np.random.default_rng(0).random((20, 28, 28, 1), np.float32)
    found, bound = unlikeness(network, images)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found > bound, network.outputs(images)[:, 10] > 0.5)


def test_of_a_network_with_ten_outputs_the_champion_tells_what_is_no_digit() -> None:
    images = np.random.default_rng(0).random((20, 28, 28, 1), np.float32)
    found, bound = unlikeness(Network.load("fast"), images)
    expected, _ = unlikeness(Network.load("champion"), images)
    np.testing.assert_array_equal(found, expected)
    assert (found > bound).all()
