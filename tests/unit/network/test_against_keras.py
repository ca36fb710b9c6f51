"""Every layer that a spec knows, in NumPy and in Keras, with the same weights."""

from typing import get_args

import keras
import numpy as np
import pytest

from cnn_lab.network import spec
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.training import keras_engine
from tests.unit.network.random_networks import SPECS, random_images, random_network


@pytest.mark.parametrize("network_spec", SPECS, ids=lambda network_spec: network_spec.name)
def test_every_layer_agrees_with_keras(network_spec: NetworkSpec) -> None:
    network = random_network(network_spec)
    images = random_images(network_spec, 5)
    model = keras_engine.to_keras(network)
    inspect = keras.Model(model.inputs[0], [layer.output for layer in model.layers])
    ours = network.activations(images)
    assert list(ours) == [layer.name for layer in model.layers]
    for name, theirs in zip(ours, inspect(images), strict=True):
        assert ours[name].dtype == np.float32, name
        np.testing.assert_allclose(
            ours[name], np.asarray(theirs), rtol=1e-5, atol=1e-5, err_msg=name
        )


def test_no_layer_of_the_spec_is_left_out() -> None:
    known = {type(layer) for network_spec in SPECS for layer in network_spec.layers}
    assert known == set(get_args(get_args(spec.Layer)[0]))
