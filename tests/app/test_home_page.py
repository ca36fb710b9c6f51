import json
from urllib.parse import parse_qsl

import numpy as np

from cnn_lab.content.words import percent
from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import Network
from tests.prose import wording

MISREAD = 340


def test_a_digit_travels_through_the_paper_network(open_page):
    page = open_page("home")
    assert not page.exception
    text = " ".join(element.value for element in [*page.markdown, *page.caption])
    assert "1,134,426" in text
    assert "28 × 28 × 16" in text
    assert "10 × 10 × 256" in text
    assert len(page.get("image")) == 7
    probabilities = Network.load("paper").predict(load_mnist().test.image(0)[None])[0]
    says = {"digit": probabilities.argmax(), "probability": percent(probabilities.max())}
    assert wording("home", "answer", **says).search(text)
    assert not wording("home", "misread").search(text)


def test_every_station_leads_on_with_this_digit_in_this_network(open_page):
    page = open_page("home", state={"home_digit": 3})
    links = {
        (link.proto.page, tuple(sorted(parse_qsl(link.proto.query_string))))
        for link in page.get("page_link")
    }
    assert ("draw", ()) in links
    assert ("paper", ()) in links
    assert ("convolution", (("conv_digit", "3"), ("conv_input", "digit"))) in links
    assert ("pooling", (("pool_digit", "3"), ("pool_input", "digit"))) in links
    assert ("network", (("network_layer", "dense1"), ("network_preset", "paper"))) in links
    assert ("backpropagation", (("back_part", "Softmax and loss"),)) in links
    maps = [dict(query) for name, query in links if name == "features"]
    assert all(query["features_digit"] == "3" for query in maps)
    assert all(query["features_model"] == "paper" for query in maps)
    layers = {"conv1", "pool1", "conv2", "conv3", "pool2", "dense1", "softmax"}
    assert {query["features_layer"] for query in maps} == layers


def test_a_digit_that_is_misread_is_said_to_be(open_page):
    """The first one among the test images that the shipped network gets wrong."""
    test = load_mnist().test
    answer = Network.load("paper").predict(test.image(MISREAD)[None])[0].argmax()
    assert answer != test.labels[MISREAD]
    page = open_page("home", state={"home_digit": MISREAD})
    text = " ".join(caption.value for caption in page.caption)
    assert wording("home", "answer", digit=answer).search(text)
    assert wording("home", "misread", label=test.labels[MISREAD]).search(text)


def test_a_station_of_the_network_opens_its_layer(open_page):
    page = open_page("network", {"network_preset": "paper", "network_layer": "dense1"})
    assert not page.exception
    assert page.query_params["network_layer"] in ("dense1", ["dense1"])


def test_the_next_digit_is_another_one_and_the_last_is_followed_by_the_first(open_page):
    page = open_page("home")
    page.number_input(key="home_digit").set_value(9998).run()
    page.button(key="home_next").click().run()
    assert page.number_input(key="home_digit").value == 9999
    page.button(key="home_next").click().run()
    assert page.number_input(key="home_digit").value == 0


def test_the_shipped_paper_network_reads_what_its_card_says():
    """All 10,000 test images through NumPy: the errors that Keras counted when it was trained."""
    network, test = Network.load("paper"), load_mnist().test
    errors = int(np.count_nonzero(network.predict(test.images).argmax(axis=1) != test.labels))
    assert errors == json.loads(network.card["result"])["errors"]
