import base64
import json
from itertools import pairwise

import numpy as np
import pytest

from cnn_lab.app.home.journey import EVERY, N_DIGITS, of_digit, programme
from cnn_lab.app.widgets.canvas import Drawing
from cnn_lab.app.widgets.story import CHAPTERS
from cnn_lab.content.words import percent
from cnn_lab.data.mnist import load_mnist
from cnn_lab.digits.answer import answer_for
from cnn_lab.digits.strokes import Stroke
from cnn_lab.network import Network
from cnn_lab.teaching.lesson import LESSONS
from tests.prose import wording

SEVEN = Stroke("pen", 22, ((70.0, 60.0), (210.0, 60.0), (210.0, 60.0), (130.0, 240.0)))


def player(page):
    (component,) = (
        each for each in page.get("bidi_component") if each.proto.component_name == "cnn_lab_home"
    )
    return json.loads(component.proto.json)


def values(maps):
    """The numbers of a station, from the bytes that the browser gets."""
    shape = maps["n"], maps["rows"], maps["columns"]
    packed = np.frombuffer(base64.b64decode(maps["base64"]), np.uint8).reshape(shape)
    share = (packed.astype(float) - 128) / 127 if maps["signed"] else packed / 255
    return maps["limit"] * share.transpose(1, 2, 0)


def test_a_digit_travels_through_the_papers_network(open_page):
    page = open_page("home")
    assert not page.exception
    first = player(page)["first"]
    network, test = Network.load("paper"), load_mnist().test
    activations = network.activations(test.image(0)[np.newaxis])
    probabilities = activations["softmax"][0]
    assert first["digit"] == probabilities.argmax() == test.labels[0]
    assert [words for _, words in first["bars"]] == [percent(p) for p in probabilities]
    np.testing.assert_allclose(values(first["stations"][0]["maps"]), test.image(0), atol=1e-6)
    pooled = first["stations"][7]
    assert pooled["shape"] == "5 × 5 × 256"
    strongest = activations["pool2"][0].mean(axis=(0, 1)).max()
    shown = values(pooled["maps"]).mean(axis=(0, 1)).max()
    assert shown == pytest.approx(strongest, abs=pooled["maps"]["limit"] / 255)


def test_each_tile_opens_its_own_layer_and_map_of_that_digit(open_page):
    first = player(open_page("home", state={"home_digit": 3}))["first"]
    leads = [station["leads"] for station in first["stations"][1:]]
    assert all("features_digit=3" in each for each in leads)
    layers = ["conv1", "pool1", "conv2", "conv2", "conv3", "conv3", "pool2", "dense1"]
    for layer, address in zip(layers, leads, strict=True):
        assert f"features_layer={layer}&features_map=" in address
    assert "features_view=why" in first["why"]


@pytest.mark.parametrize("index", [0, 9_996])
def test_every_fourth_digit_of_the_programme_is_misread_or_doubtful(index):
    test, digits = load_mnist().test, programme(index)
    assert len(digits) == N_DIGITS
    hard = [number for number, one in enumerate(digits, start=1) if one["doubt"]]
    assert [number for number in hard if number % EVERY == 0] == [EVERY, 2 * EVERY]
    network = Network.load("paper")
    for number in (EVERY, 2 * EVERY):
        one = int(digits[number - 1]["name"])
        answer, _ = answer_for(network, test.image(one)[..., 0])
        assert answer.digit != test.labels[one] or answer.kind == "unsure"
    assert len({one["name"] for one in digits}) == N_DIGITS
    for before, after in pairwise(digits[: EVERY - 1]):
        assert int(after["name"]) == (int(before["name"]) + 1) % len(test)


def test_a_digit_that_is_misread_is_said_to_be():
    """The first one among the test images that the shipped network gets wrong."""
    test = load_mnist().test
    misread = of_digit(340)
    assert misread["digit"] != test.labels[340]
    assert misread["doubt"] == "wrong"
    assert wording("home", "misread", label=test.labels[340]).search(misread["verdict"])


def test_the_rest_of_the_programme_comes_once_when_asked_for(open_page):
    page = open_page("home", state={"home_digit": 5})
    assert player(page)["more"] is None
    page.session_state["home_asked"] = {"more": 5}
    page.run()
    assert [one["name"] for one in player(page)["more"]] == [
        one["name"] for one in programme(5)[1:]
    ]
    page.run()
    assert player(page)["more"] is None


def test_a_drawing_takes_the_same_way(open_page):
    page = open_page("home", state={"draw_drawing": Drawing((SEVEN,))})
    own = player(page)["own"]
    assert own["digit"] == 7
    assert len(own["stations"]) == len(player(page)["first"]["stations"])
    assert all("features_input=drawing" in one["leads"] for one in own["stations"])


def test_nonsense_for_the_digit_begins_with_the_first(open_page):
    for nonsense in ("-1", "1e9", "seven", ""):
        page = open_page("home", {"home_digit": nonsense})
        assert not page.exception
        assert player(page)["first"]["name"] == "0"


def test_the_course_begins_on_home(open_page):
    page = open_page("home")
    links = [(link.proto.page, link.proto.query_string) for link in page.get("page_link")]
    start, first_lesson, *course = links
    assert start == (CHAPTERS[0].page, "")
    assert first_lesson == (CHAPTERS[0].page, f"lesson={next(iter(LESSONS))}")
    assert course == [(chapter.page, "") for chapter in CHAPTERS]
    assert player(page)["kiosk"] is None
    kiosk = player(open_page("home", {"kiosk": "1"}))["kiosk"]
    assert kiosk == [chapter.page for chapter in CHAPTERS]


def test_the_shipped_paper_network_reads_what_its_card_says():
    """All 10,000 test images through NumPy: the errors that Keras counted when it was trained."""
    network, test = Network.load("paper"), load_mnist().test
    errors = int(np.count_nonzero(network.predict(test.images).argmax(axis=1) != test.labels))
    assert errors == json.loads(network.card["result"])["errors"]
