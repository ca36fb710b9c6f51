import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from cnn_lab.app.digit_map.controls import digits
from cnn_lab.app.widgets.canvas import Drawing
from cnn_lab.app.widgets.model_choice import SHIPPED, OwnNetwork
from cnn_lab.content.words import percent
from cnn_lab.data.mnist import load_mnist
from cnn_lab.digits.strokes import Stroke
from cnn_lab.explain.digit_map import DigitMap
from cnn_lab.network import Network
from cnn_lab.network.initial import initial_weights
from cnn_lab.network.spec import Dense, Flatten, NetworkSpec, Softmax
from tests.app.elements import errors, said, tables
from tests.prose import wording

SEVEN = Stroke("pen", 24, ((70, 60), (210, 60), (150, 180), (130, 240)))


def own(*hidden, filled_with=None):
    spec = NetworkSpec(
        name="own",
        layers=(
            Flatten(name="flatten"),
            *hidden,
            Dense(name="scores", units=10),
            Softmax(name="softmax"),
        ),
    )
    weights = initial_weights(spec, 0)
    if filled_with is not None:
        weights[f"{hidden[0].name}/kernel"][:] = filled_with
    return {"models_own": OwnNetwork("upload-0123abcd", Network(spec, weights))}


@pytest.mark.parametrize("model", SHIPPED)
@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_map_says_what_it_leaves_out(open_page, model, dimensions):
    query = {"digit_map_model": model, "digit_map_dimensions": str(dimensions)}
    page = open_page("digit_map", query)
    assert not page.exception
    assert not errors(page)
    assert len(page.get("plotly_chart")) == 1
    found = DigitMap.load(model)
    share = percent(sum(found.shares[:dimensions]))
    here, everywhere = (percent(found.agreements[i]) for i in (dimensions - 1, -1))
    numbers = {"dimensions": dimensions, "share": share, "here": here, "all": everywhere}
    assert wording("digit_map", "left_out", **numbers).search(said(page))


def test_the_pictures_of_all_digits_are_small_and_like_the_digits(open_page):
    page = open_page("digit_map")
    (data,) = (component.proto.json for component in page.get("bidi_component"))
    pictures = json.loads(data)["pictures"]
    assert len(pictures["url"]) < 300_000
    packed = base64.b64decode(pictures["url"].partition(",")[2])
    sheet = np.asarray(Image.open(io.BytesIO(packed)).convert("L"), dtype=int)
    side, across = pictures["side"], pictures["across"]
    for number, pixels in enumerate(digits().pixels):
        row, column = divmod(number, across)
        shown = sheet[row * side :, column * side :][:side, :side]
        assert np.abs(shown - pixels).max() <= 8


def test_a_chosen_digit_is_named_with_the_networks_answer(open_page):
    split, found = digits(), DigitMap.load("paper")
    wrong = np.flatnonzero(found.answers != split.labels)
    number = 5 * int(wrong[0])
    page = open_page("digit_map", {"digit_map_digit": str(number)})
    label, answer = load_mnist().test.labels[number], found.answers[wrong[0]]
    numbers = {"number": f"{number:,}", "label": label, "answer": answer}
    assert wording("digit_map", "wrong", **numbers).search(said(page))
    page.number_input(key="digit_map_digit").set_value(1).run()  # not on the map
    assert wording("digit_map", "right", number="1", label=2).search(said(page))
    assert not page.exception


def test_the_misclassified_are_in_a_table(open_page):
    page = open_page("digit_map", {"digit_map_misclassified": "true"})
    split, found = digits(), DigitMap.load("paper")
    wrong = np.flatnonzero(found.answers != split.labels)
    (table,) = tables(page)
    assert table["Test image"] == [f"{5 * i:,}" for i in wrong]
    assert table["Predicted"] == [str(found.answers[i]) for i in wrong]


def test_a_drawing_is_on_the_map_and_a_blank_one_is_not(open_page):
    page = open_page("digit_map", state={"draw_drawing": Drawing((SEVEN,))})
    assert wording("digit_map", "drawing", answer=7).search(said(page))
    eraser = Stroke("eraser", 60, SEVEN.points)
    for nothing in (Drawing(), Drawing((SEVEN, eraser))):
        page = open_page("digit_map", state={"draw_drawing": nothing})
        assert not page.exception
        assert not wording("digit_map", "drawing").search(said(page))


@pytest.mark.parametrize(
    ("hidden", "filled_with", "section"),
    [
        ((), None, "left_out"),
        ((Dense(name="one", units=1),), None, "one_number"),
        ((Dense(name="dead", units=4),), 0.0, "no_variance"),
    ],
)
def test_another_network_gets_its_map_on_request(open_page, hidden, filled_with, section):
    query = {"digit_map_model": "upload-0123abcd", "digit_map_dimensions": "3"}
    page = open_page("digit_map", query, own(*hidden, filled_with=filled_with))
    assert wording("digit_map", "compute").search(said(page))
    assert not page.get("plotly_chart")
    page.button(key="digit_map_compute").click().run()
    assert not page.exception
    assert len(page.get("plotly_chart")) == 1
    assert wording("digit_map", section).search(said(page))
    page.number_input(key="digit_map_digit").set_value(5).run()
    assert len(page.get("plotly_chart")) == 1


def test_a_network_that_computes_nothing_finite_has_no_map(open_page):
    spoiled = own(Dense(name="lost", units=4), filled_with=np.nan)
    page = open_page("digit_map", {"digit_map_model": "upload-0123abcd"}, spoiled)
    page.button(key="digit_map_compute").click().run()
    assert not page.exception
    assert len(errors(page)) == 1
    assert not page.get("plotly_chart")
