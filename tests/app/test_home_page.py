import json

import numpy as np

from cnn_lab.data import load_mnist
from cnn_lab.network import Network


def test_a_digit_travels_through_the_paper_network(open_page):
    page = open_page("home")
    assert not page.exception
    text = " ".join(element.value for element in [*page.markdown, *page.caption])
    assert "1,134,426" in text
    assert "28 × 28 × 16" in text
    assert "10 × 10 × 256" in text
    assert len(page.get("image")) == 7
    probabilities = Network.load("paper").predict(load_mnist().test.image(0)[None])[0]
    assert f"It reads a **{probabilities.argmax()}**" in text
    assert f"{probabilities.max():.1%}" in text


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
