"""Which networks read which ways to write a digit."""

import numpy as np

from cnn_lab.charts.digits import styles_html
from cnn_lab.data.mnist import as_images
from cnn_lab.data.pens import STYLES
from cnn_lab.digits.styles import (
    StyleReading,
    compared_with,
    pens_in_training,
    read_style,
    read_styles,
)
from cnn_lab.network import Network


def test_each_style_of_a_digit_is_read_by_each_network():
    networks = {name: Network.load(name) for name in ("champion", "paper")}
    readings = read_styles(1, networks, n=4)
    assert [reading.name for reading in readings] == [
        name for name, style in STYLES.items() if style.digit == 1
    ]
    for reading in readings:
        assert reading.pixels.shape == (4, 28, 28)
        for name, network in networks.items():
            answers = network.predict(as_images(reading.pixels)).argmax(axis=1)
            np.testing.assert_array_equal(reading.answers[name], answers)
    # European ones are what the networks differ on most.
    rights = {name: sum(one.n_right(name) for one in readings) for name in networks}
    assert rights["champion"] > rights["paper"]


def test_a_card_says_how_many_are_read_and_what_the_others_are_taken_for():
    pixels = np.zeros((4, 28, 28), np.uint8)
    answers = {"a": np.array([7, 2, 2, 1]), "b": np.array([7, 7, 7, 7])}
    reading = StyleReading("7 bar", pixels, answers)
    assert (reading.n_right("a"), reading.usual_mistake("a")) == (1, 2)
    assert (reading.n_right("b"), reading.usual_mistake("b")) == (4, None)
    page = styles_html([reading])
    assert "1 of 4, else 2" in page
    assert "4 of 4<" in page
    assert 'alt="4 drawings of a 7: bar"' in page


def with_card(network, training):
    return Network(network.spec, network.weights, {"training": training})


def test_a_card_says_whether_pens_were_in_the_training():
    network = Network.load("fast")
    assert pens_in_training(network) == 0
    assert pens_in_training(with_card(network, '{"pens": 0.1}')) == 0.1
    for damaged in ('{"pens": "many"}', '{"pens": 7}', '{"pens": null}', "[]", "{", "3"):
        assert pens_in_training(with_card(network, damaged)) == 0
    assert pens_in_training(Network(network.spec, network.weights, {})) == 0


def test_a_network_is_compared_with_one_that_was_trained_otherwise():
    network = Network.load("fast")
    plain, pens = with_card(network, "{}"), with_card(network, '{"pens": 0.1}')
    pixels = np.zeros((2, 28, 28), np.uint8)
    none, one, both = np.array([2, 2]), np.array([7, 2]), np.array([7, 7])
    reading = StyleReading("7 bar", pixels, {"a": none, "b": one, "c": both, "d": none})
    assert compared_with("a", {"a": plain, "b": plain, "c": plain, "d": plain}, reading) == "c"
    assert compared_with("a", {"a": plain, "b": pens, "c": plain, "d": pens}, reading) == "b"
    assert compared_with("b", {"a": plain, "b": pens, "c": plain, "d": pens}, reading) == "a"
    assert compared_with("c", {"a": pens, "b": pens, "c": pens, "d": pens}, reading) == "b"


def test_the_drawings_of_one_style_are_those_among_all():
    networks = {"fast": Network.load("fast")}
    every = {one.name: one for one in read_styles(7, networks, n=3)}
    alone = read_style("7 bar", networks, n=3)
    np.testing.assert_array_equal(alone.pixels, every["7 bar"].pixels)
    np.testing.assert_array_equal(alone.answers["fast"], every["7 bar"].answers["fast"])
    assert alone.section == "7 bar"
    assert not alone.of().answers
