import json
import math

import numpy as np
import pytest
from safetensors.numpy import save_file

from cnn_lab.network import MAX_FILE_BYTES, MODELS, ModelFileError, Network
from cnn_lab.network.spec import (
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Flatten,
    NetworkSpec,
    Softmax,
)
from cnn_lab.ops import ShapeError

SPEC = NetworkSpec(
    name="tiny",
    input_shape=(4, 4, 1),
    layers=(
        Conv2D(name="conv", filters=2, kernel_size=(3, 3), activation="relu"),
        BatchNormalization(name="norm"),
        AveragePooling2D(name="pool"),
        Flatten(name="flatten"),
        Dense(name="dense", units=3, use_bias=False),
        Softmax(name="softmax"),
    ),
)


def random_weights(spec=SPEC, seed=0):
    random = np.random.default_rng(seed)
    return {
        name: random.uniform(0.1, 1, size=shape).astype(np.float32)
        for name, shape in spec.weight_shapes().items()
    }


def images(n, seed=1):
    return np.random.default_rng(seed).uniform(size=(n, 4, 4, 1)).astype(np.float32)


def test_activations_come_in_layer_order_and_end_in_the_prediction():
    network = Network(SPEC, random_weights())
    activations = network.activations(images(3))
    assert list(activations) == [layer.name for layer in SPEC.layers]
    for row in SPEC.summary():
        assert activations[row.name].shape == (3, *row.output_shape)
    np.testing.assert_array_equal(activations["softmax"], network.predict(images(3)))


def test_a_network_worked_by_hand():
    """All weights one, no normalization to speak of: 9 ones through ReLU, mean 9, times 2."""
    weights = {name: np.ones(shape, np.float32) for name, shape in SPEC.weight_shapes().items()}
    weights["conv/bias"] *= 0
    weights["norm/beta"] *= 0
    weights["norm/moving_mean"] *= 0
    weights["norm/moving_variance"] *= 1 - 1e-3
    activations = Network(SPEC, weights).activations(np.ones((1, 4, 4, 1)))
    np.testing.assert_allclose(activations["dense"], [[18, 18, 18]], rtol=1e-6)
    np.testing.assert_allclose(activations["softmax"], [[1 / 3] * 3], rtol=1e-6)


def test_large_sets_go_through_in_parts_with_the_same_answer():
    network = Network(SPEC, random_weights())
    many = images(150)
    one_by_one = np.concatenate([network.predict(image[None]) for image in many])
    np.testing.assert_allclose(network.predict(many), one_by_one, atol=1e-6)
    assert network.predict(many[:0]).shape == (0, 3)


def test_a_file_gives_back_weights_spec_and_card(tmp_path):
    network = Network(SPEC, random_weights(), {"seed": "7"})
    network.save(tmp_path / "model.safetensors")
    loaded = Network.load(tmp_path / "model.safetensors")
    assert loaded.spec == SPEC
    assert loaded.card == {"seed": "7"}
    for name, weight in network.weights.items():
        np.testing.assert_array_equal(loaded.weights[name], weight)


@pytest.mark.parametrize("name", ["paper", "fast"])
def test_the_shipped_networks_are_what_their_cards_say(name):
    network = Network.load(name)
    result = json.loads(network.card["result"])
    assert network.spec.name == name
    assert set(json.loads(network.card["versions"])) == {"keras", "backend", "numpy", "python"}
    assert json.loads(network.card["data"])["x_train"].startswith("ba891046")
    assert result["errors"] == round((1 - result["test_accuracy"]) * 10_000)
    assert len(json.loads(network.card["history"])) == result["epochs"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda weights: weights.pop("conv/bias"), "exactly those of the spec"),
        (lambda weights: weights.update(extra=np.ones(1)), "exactly those of the spec"),
        (
            lambda weights: weights.update({"conv/kernel": np.ones((3, 3, 1, 3))}),
            r"conv/kernel must have shape \(3, 3, 1, 2\)",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named(change, sentence):
    weights = random_weights()
    change(weights)
    with pytest.raises(ShapeError, match=sentence):
        Network(SPEC, weights)


def test_images_of_another_size_are_refused():
    with pytest.raises(ShapeError, match=r"must have shape \(n, 4, 4, 1\)"):
        Network(SPEC, random_weights()).predict(np.ones((1, 5, 5, 1)))


def unknown(folder):
    return "no-such-model"


def not_safetensors(folder):
    (folder / "a.safetensors").write_bytes(b"PK\x03\x04 not what it says")
    return folder / "a.safetensors"


def without_spec(folder):
    save_file({"a": np.ones(1, np.float32)}, folder / "a.safetensors")
    return folder / "a.safetensors"


def strange_layer(folder):
    spec = json.dumps({"name": "a", "layers": [{"type": "Lambda", "name": "b"}]})
    save_file({"a": np.ones(1, np.float32)}, folder / "a.safetensors", metadata={"spec": spec})
    return folder / "a.safetensors"


def changed(folder, change):
    network = Network.load("fast")
    weights = dict(network.weights)
    change(weights)
    metadata = {"spec": network.spec.model_dump_json()}
    save_file(weights, folder / "a.safetensors", metadata=metadata)
    return folder / "a.safetensors"


def too_many_tensors(folder):
    more = {f"a/{number}": np.ones(1, np.float32) for number in range(20_000)}
    return changed(folder, lambda weights: weights.update(more))


def too_few_tensors(folder):
    return changed(folder, lambda weights: weights.popitem())


def wrong_shape(folder):
    return changed(folder, lambda weights: weights.update({"conv1/kernel": np.ones((2, 2))}))


def too_large(folder):
    with (folder / "a.safetensors").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    return folder / "a.safetensors"


def rewritten(folder, header):
    """Write the fast network with another header: the function gets and returns its text."""
    content = (MODELS / "fast.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    text, numbers = content[8 : 8 + length].decode(), content[8 + length :]
    changed = header(text).encode()
    path = folder / "a.safetensors"
    path.write_bytes(len(changed).to_bytes(8, "little") + changed + numbers)
    return path


def tensor_twice(folder):
    def header(text):
        place = json.dumps(json.loads(text)["conv1/kernel"])
        return text.rstrip().removesuffix("}") + f', "conv1/kernel": {place}}}'

    return rewritten(folder, header)


def spec_twice(folder):
    return rewritten(
        folder, lambda text: text.replace('"__metadata__":{', '"__metadata__":{"spec":"{}",')
    )


def units_twice(folder):
    spec = Network.load("fast").spec.model_dump_json()
    twice = spec.replace('"units":', '"units":10,"units":')
    metadata = {"spec": twice}
    save_file(dict(Network.load("fast").weights), folder / "a.safetensors", metadata=metadata)
    return folder / "a.safetensors"


def brain_floats(folder):
    def header(text):
        members, end = json.loads(text), 0
        for name, tensor in members.items():
            if name != "__metadata__":
                start, end = end, end + 2 * math.prod(tensor["shape"])
                tensor |= {"dtype": "BF16", "data_offsets": [start, end]}
        return json.dumps(members)

    path = rewritten(folder, header)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    path.write_bytes(content[: 8 + length + (len(content) - 8 - length) // 2])
    return path


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (tensor_twice, "Each name may occur once. Received: 'conv1/kernel' twice"),
        (spec_twice, "Each name may occur once. Received: 'spec' twice"),
        (units_twice, "Each name may occur once. Received: 'units' twice"),
        (brain_floats, "stored as one of F16, F32, F64. Received: BF16 in conv1/kernel"),
    ],
)
def test_an_ambiguous_or_unreadable_header_is_refused(tmp_path, make, sentence):
    """D10: a name that stands twice, and a type of number that NumPy does not have."""
    with pytest.raises(ModelFileError, match=sentence):
        Network.load(make(tmp_path))


@pytest.mark.parametrize("stored", [np.float16, np.float64])
def test_other_floating_point_numbers_are_read(tmp_path, stored):
    network = Network.load("fast")
    weights = {name: values.astype(stored) for name, values in network.weights.items()}
    save_file(
        weights, tmp_path / "a.safetensors", metadata={"spec": network.spec.model_dump_json()}
    )
    loaded = Network.load(tmp_path / "a.safetensors").weights
    for name, values in network.weights.items():
        np.testing.assert_array_equal(loaded[name], values.astype(stored).astype(np.float32))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (unknown, "one of: .*paper"),
        (not_safetensors, "is not a model of CNN Lab"),
        (without_spec, "is not a model of CNN Lab: it must describe"),
        (strange_layer, "Lambda"),
        (too_many_tensors, r"exactly the \d+ weights of its own spec. Received: 20\d+ tensors$"),
        (too_few_tensors, r"exactly the \d+ weights of its own spec. Received: \d+ tensors$"),
        (wrong_shape, "Weight conv1/kernel must have shape"),
        (too_large, "at most [0-9,]+ bytes"),
    ],
)
def test_foreign_files_are_refused_with_a_sentence(tmp_path, make, sentence):
    with pytest.raises(ModelFileError, match=sentence):
        Network.load(make(tmp_path))
