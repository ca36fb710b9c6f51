"""Images by gradient ascent: responses and gradients against Keras's."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import gaussian_filter

from cnn_lab.data.mnist import load_mnist
from cnn_lab.explain.dream import (
    BLURS_PX,
    KEPT,
    N_STEPS,
    STEP,
    Aim,
    Dream,
    dream_layers,
    noise,
    response_slope,
)
from cnn_lab.network import MODELS, Network
from cnn_lab.training import keras_engine
from tests.unit.explain.keras_slopes import before_activations, slope_of
from tests.unit.network.random_networks import COLOUR, GREY, random_images, random_network

SHIPPED = sorted(path.stem for path in MODELS.glob("*.safetensors"))
CHANNEL = 3


def responses(network):
    """What each layer's channel makes of a batch of one image, in Keras."""

    def of(model):
        def response(batch):
            numbers = model(batch, training=False)[0, ..., CHANNEL]
            return tf.reduce_mean(tf.nn.relu(numbers)) if numbers.shape.rank else numbers

        return response

    return {name: of(model) for name, model in before_activations(network).items()}


@pytest.mark.parametrize("name", [*SHIPPED, "grey", "colour"])
def test_responses_and_their_gradients_are_those_of_keras_for_every_layer(name):
    random = {spec.name: spec for spec in (GREY, COLOUR)}
    if name in random:
        network, image = random_network(random[name]), random_images(random[name], 1)[0]
    else:
        network, image = Network.load(name), load_mnist().test.image(7)
    theirs, tried = responses(network), 0
    for layer in dream_layers(network.spec):
        dream = Dream(network, Aim(layer, CHANNEL), image)
        value, expected = slope_of(theirs[layer], image)
        assert dream.frames[0].response == pytest.approx(value, rel=1e-4, abs=1e-5), layer
        if np.any(expected):
            _, slope = network.image_gradient(
                image, lambda values: response_slope(values, CHANNEL), layers=dream.layers
            )
            limit = 1e-4 * np.abs(expected).max()
            np.testing.assert_allclose(slope, expected, rtol=1e-3, atol=limit, err_msg=layer)
            tried += 1
    assert tried > 5


def test_a_step_follows_the_blurred_gradient_of_keras_and_fades():
    network, start = Network.load("fast"), noise((28, 28, 1), 5)
    dream = Dream(network, Aim("conv2", CHANNEL), start, seed=5)
    dream.advance(1)
    shift = np.random.default_rng(5).integers(-1, 2, (N_STEPS, 2))[0]
    rolled = np.roll(start, shift, (0, 1))
    _, slope = slope_of(responses(network)["conv2"], rolled)
    back = np.roll(slope, -shift, (0, 1))[..., 0]
    blurred = gaussian_filter(back.astype(float), BLURS_PX[0], mode="constant", truncate=8)
    after = np.clip(KEPT * (start[..., 0] + STEP * blurred / np.linalg.norm(blurred)), 0, 1)
    np.testing.assert_allclose(dream.frames[1].image[..., 0], after, atol=1e-4)


@pytest.mark.parametrize("digit", [3, 8])
def test_the_papers_network_is_sure_of_the_digit_that_it_dreams_of(digit):
    network = Network.load("paper")
    aim = Aim("dense2", digit)
    dream = Dream(network, aim, noise((28, 28, 1), 0))
    dream.advance(N_STEPS)
    assert dream.outcome == "done"
    last = dream.frames[-1]
    answer = keras_engine.to_keras(network).predict(last.image[np.newaxis], verbose=0)[0]
    np.testing.assert_allclose(last.probabilities, answer, atol=1e-5)
    assert answer.argmax() == digit
    assert answer.max() > 0.9
    # More than any of these digits gets from it.
    real = network.scores(load_mnist().test.images[:50])[:, digit]
    assert last.response > real.max()
    for frame in dream.frames:
        assert 0 <= frame.image.min() <= frame.image.max() <= 1


@pytest.mark.parametrize(("layer", "channel"), [("conv1", 5), ("conv2", 6)])
def test_a_map_responds_more_than_to_any_digit(layer, channel):
    network = Network.load("paper")
    dream = Dream(network, Aim(layer, channel), noise((28, 28, 1), 0))
    dream.advance(N_STEPS)
    digits = load_mnist().test.images[:20]
    real = np.maximum(network.activations(digits)[layer][..., channel], 0).mean(axis=(1, 2))
    assert dream.frames[-1].response > real.max()


def test_a_map_that_is_silent_everywhere_is_led_to_where_it_speaks():
    network = Network.load("paper")
    dream = Dream(network, Aim("conv2", 6), np.zeros((28, 28, 1), np.float32))
    assert dream.frames[0].response == 0
    dream.advance(N_STEPS)
    assert dream.frames[-1].response > 0.01


def test_without_any_way_up_it_stops():
    shipped = Network.load("fast")
    deaf = Network(shipped.spec, {name: 0 * each for name, each in shipped.weights.items()})
    dream = Dream(deaf, Aim("conv2", 0), noise((28, 28, 1), 0))
    dream.advance(5)
    assert (dream.outcome, len(dream.frames)) == ("flat", 1)


def test_the_same_seed_dreams_the_same_in_whatever_portions():
    network, start = Network.load("fast"), noise((28, 28, 1), 1)
    one, other = (Dream(network, Aim("conv1", 2), start, seed=1) for _ in range(2))
    one.advance(10 * N_STEPS)
    while other.outcome == "going":
        other.advance(7)
    assert len(one.frames) == N_STEPS + 1
    assert (one.frames[-1].image == other.frames[-1].image).all()


@pytest.mark.parametrize(
    "aim", [Aim("none", 0), Aim("softmax", 0), Aim("conv1", 16), Aim("conv1", -1)]
)
def test_what_is_not_there_cannot_respond(aim):
    with pytest.raises(ValueError, match=r"layer|channel"):
        Dream(Network.load("paper"), aim, noise((28, 28, 1), 0))


def test_dropout_and_softmax_are_not_offered():
    offered = dream_layers(Network.load("paper").spec)
    assert list(offered) == [
        *("conv1", "pool1", "conv2", "conv3", "pool2", "flatten", "dense1", "dense2")
    ]
    assert (offered["conv3"], offered["flatten"], offered["dense2"]) == (256, 6400, 10)
