"""What the door for visitors' networks lets in, and what it says of everything else."""

import numpy as np
import pytest
from safetensors.numpy import save

from cnn_lab.network import MODELS, ModelFileError, Network, digit_problem, network_from_visitor
from cnn_lab.network.initial import initial_weights
from cnn_lab.network.spec import Conv2D, Dense, Flatten, NetworkSpec, Softmax

SPEC = NetworkSpec(
    name="small",
    layers=(
        Conv2D(name="conv", filters=2, kernel_size=(3, 3)),
        Flatten(name="flatten"),
        Dense(name="dense", units=10),
        Softmax(name="softmax"),
    ),
)


def weights(spec=SPEC):
    return {name: np.ascontiguousarray(w) for name, w in initial_weights(spec, 0).items()}


def content(tensors=None, spec=SPEC):
    tensors = weights(spec) if tensors is None else tensors
    return save(tensors, metadata={"spec": spec.model_dump_json(), "result": "made up"})


def test_a_shipped_network_comes_in_as_it_went_out_but_for_its_claims():
    network = network_from_visitor((MODELS / "paper.safetensors").read_bytes())
    shipped = Network.load("paper")
    assert network.spec == shipped.spec
    assert network.card == {}
    assert digit_problem(network.spec) == ""
    for name, weight in shipped.weights.items():
        np.testing.assert_array_equal(network.weights[name], weight)


def too_deep():
    layers = [
        Conv2D(name=f"c{n}", filters=64, kernel_size=(5, 5), padding="same") for n in range(6)
    ]
    return SPEC.model_copy(update={"layers": tuple(layers)})


def too_wide():
    spec = {
        "input_shape": (700, 700, 1),
        "layers": (Conv2D(name="c", filters=3, kernel_size=(1, 1)),),
    }
    return SPEC.model_copy(update=spec)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not a model of CNN Lab"),
        (b"\x80\x04\x95.", "not a model of CNN Lab"),
        (b"\xff" * 100, "not a model of CNN Lab"),
        (bytes(5 * 2**20 + 1), "at most 5 MB"),
        (save(weights()), "must describe its layers"),
        (content({**weights(), "more": np.ones(1)}), r"exactly the 4 weights.*5 tensors"),
        (content({**weights(), "dense/bias": np.ones(9)}), r"dense/bias must have shape \(10,\)"),
        (content({**weights(), "dense/bias": np.full(10, np.nan)}), "must be a finite number"),
        (
            content({**weights(), "dense/bias": np.full(10, 1e300)}),
            "must be a finite number",
        ),
        (
            content({n: np.full_like(w, 3e38) for n, w in weights().items()}),
            "must output finite numbers",
        ),
        (content(spec=too_deep()), "at most 300,000,000 multiply-adds"),
        (content(spec=too_wide()), "at most 1,000,000 numbers"),
    ],
)
def test_whatever_does_not_fit_is_one_sentence(data, sentence):
    with pytest.raises(ModelFileError, match=sentence):
        network_from_visitor(data)


def test_a_network_that_reads_no_digits_says_what_digits_need():
    colour = SPEC.model_copy(update={"input_shape": (32, 32, 3)})
    assert "Received: 32 × 32 × 3" in digit_problem(colour)
    maps = SPEC.model_copy(update={"layers": SPEC.layers[:1]})
    assert "Received: 26 × 26 × 2 numbers" in digit_problem(maps)
    scores = SPEC.model_copy(update={"layers": SPEC.layers[:-1]})
    assert "does not end with softmax" in digit_problem(scores)
    closing = Dense(name="dense", units=10, activation="softmax")
    assert digit_problem(SPEC.model_copy(update={"layers": (Flatten(name="f"), closing)})) == ""
