"""Damaged spec files and tokens of networks: refused with a message, or a network that runs."""

import json

import numpy as np
from pydantic import ValidationError

from cnn_lab.network import zoo
from cnn_lab.network.costs import memory
from cnn_lab.network.spec import NetworkSpec, plain_error
from cnn_lab.network.spec.recipe import Recipe
from cnn_lab.network.spec.token import draft_from_json, from_token, to_json, to_token
from tests.fuzz.damage import damaged, must_be_a_message, with_odd_values

IN_TESTS = 300


def kind(random: np.random.Generator) -> None:
    """Read a damaged description in one of its forms."""
    preset = zoo.preset(str(random.choice(list(zoo.PRESETS))))
    recipe = Recipe(network=preset.network, training=preset.training)
    token = to_token(preset.network)
    try:
        match random.integers(4):
            case 0:
                network = from_token(damaged(random, token.encode()).decode("latin-1"))
            case 1:
                text = json.dumps(with_odd_values(random, json.loads(to_json(preset.network))))
                network = draft_from_json(text).network()
            case 2:
                network = Recipe.from_json(damaged(random, recipe.to_json().encode())).network
            case _:
                odd = with_odd_values(random, json.loads(recipe.to_json()))
                network = Recipe.from_json(json.dumps(odd).encode()).network
    except ValueError as error:
        # A draft whose layers do not fit together may say so in the terms of its own library.
        must_be_a_message(plain_error(error) if type(error) is ValidationError else str(error))
    else:
        _must_hold_together(network)


def _must_hold_together(network: NetworkSpec) -> None:
    rows = network.summary()
    assert sum(row.parameters for row in rows) == network.n_parameters
    assert memory(network.layers, rows, 1).image > 0
    assert from_token(to_token(network)) == network
