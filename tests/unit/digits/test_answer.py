"""What an answer is worth, in words."""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from cnn_lab.data.mnist import load_mnist
from cnn_lab.digits.answer import Answer, answer_for, hard_digits
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.network import Network


def prepared(draw):
    """What becomes of a drawing of 280 x 280 pixels; `draw` gets the pen."""
    canvas = Image.new("RGBA", (280, 280), "black")
    draw(ImageDraw.Draw(canvas))
    image = prepare_digit(np.asarray(canvas))
    assert image is not None
    return image


@pytest.mark.parametrize(
    ("probabilities", "sentence"),
    [
        ({7: 0.982, 1: 0.018}, "This looks like a 7 (98.2%)."),
        ({8: 0.9, 3: 0.1}, "This looks like an 8 (90.0%)."),
        ({9: 0.5, 4: 0.45}, "This looks like a 4 or a 9."),
        ({9: 0.76, 4: 0.24}, "This looks like a 9 (76.0%)."),
        ({9: 0.74, 4: 0.26}, "This looks like a 4 or a 9."),
        ({3: 0.99999, 5: 0.00001}, "This looks like a 3 (>99.9%)."),
    ],
)
def test_answer_in_words(probabilities: dict[int, float], sentence: str) -> None:
    ten = np.zeros(10)
    ten[list(probabilities)] = list(probabilities.values())
    assert Answer.of(ten).sentence == sentence


def test_what_counts_as_sure_is_the_networks_own() -> None:
    ten = np.full(10, 0.01)
    ten[[4, 9]] = 0.83, 0.09
    assert Answer.of(ten).kind == "sure"
    careful = Answer.of(ten, sure_odds=20)
    assert (careful.kind, careful.sentence) == ("unsure", "This looks like a 4 or a 9.")
    novel = Answer.of(ten, is_novel=True)
    assert novel.kind == "no_digit"
    assert "not look like a digit" in novel.sentence


def test_a_seven_is_read_and_a_hash_is_not_taken_for_a_digit() -> None:
    champion = Network.load("champion")
    seven = prepared(lambda pen: pen.line([(70, 70), (210, 70), (120, 230)], "white", 20, "curve"))
    answer, probabilities = answer_for(champion, seven)
    assert (answer.kind, answer.digit) == ("sure", 7)
    assert answer.probability == probabilities.max()

    def a_hash(pen):
        for place in (100, 180):
            pen.line([(place, 50), (place, 230)], "white", 14)
            pen.line([(50, place), (230, place)], "white", 14)

    # Whichever network answers, the champion decides whether it is a digit.
    for name in ("champion", "paper"):
        assert answer_for(Network.load(name), prepared(a_hash))[0].kind == "no_digit"


def test_hard_digits_are_those_misread_and_on_request_those_in_doubt():
    network, test = Network.load("fast"), load_mnist().test
    probabilities = network.predict(test.images[:400])
    wrong = probabilities.argmax(axis=1) != test.labels[:400]
    assert list(hard_digits(network, test, most=400)) == np.flatnonzero(wrong).tolist()
    odds = json.loads(network.card["calibration"])["sure_odds"]
    second, first = np.sort(probabilities, axis=1)[:, -2:].T
    doubtful = np.flatnonzero(wrong | (first < odds * second))
    assert list(hard_digits(network, test, most=400, doubt=True)) == doubtful.tolist()
    assert len(doubtful) > wrong.sum() > 0


def test_the_search_for_hard_digits_goes_on_at_the_first_image():
    network, test = Network.load("fast"), load_mnist().test.at(slice(0, 300))
    (found, *_) = all_of_them = list(hard_digits(network, test))
    again = list(hard_digits(network, test, start=found + 1))
    assert again == [*all_of_them[1:], found]
