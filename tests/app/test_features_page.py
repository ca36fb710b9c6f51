import re

import pytest

from cnn_lab.network import Network

LAYERS = [
    (model, layer.name)
    for model in ("paper", "fast")
    for layer in Network.load(model).spec.layers
    if layer.type != "Dropout"
]


def errors(page):
    return [error.value for error in page.error]


def said(page):
    return " ".join(element.value for element in [*page.markdown, *page.caption])


def pickers(page):
    components = page.get("bidi_component")
    return [each for each in components if each.proto.component_name == "cnn_lab_map_picker"]


@pytest.mark.parametrize(("model", "layer"), LAYERS)
def test_each_layer_of_each_network_shows_its_maps(open_page, model, layer):
    page = open_page("features", {"features_model": model, "features_layer": layer})
    assert not page.exception
    assert not errors(page)
    assert page.segmented_control(key="features_layer").value == layer
    assert len(pickers(page)) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"features_layer": "nonsense"},
        {"features_layer": "dropout1"},
        {"features_map": "99999", "features_row": "-5", "features_column": "x"},
        {"features_digit": "99999999"},
        {"features_input": "nonsense", "features_scale": "nonsense"},
        {"features_scale": "network"},
        {"features_scale": "map", "features_map": "15", "features_row": "27"},
        {"features_model": "run-gone"},
    ],
)
def test_an_address_however_wrong_shows_maps(open_page, query):
    page = open_page("features", query)
    assert not page.exception
    assert not errors(page)
    assert len(pickers(page)) == 1


def test_the_next_digit_follows_the_last_with_the_first(open_page):
    page = open_page("features", {"features_digit": "9999"})
    assert "Test image 9,999" in said(page)
    page.button(key="features_next").click().run()
    assert re.search(r"Test image 0\*\*, labelled 7, is read as \*\*7", said(page))


def test_without_a_drawing_a_link_leads_to_where_one_is_made(open_page):
    page = open_page("features", {"features_input": "drawing"})
    assert not page.exception
    assert "You have not drawn anything yet" in said(page)
    assert not pickers(page)


def test_a_layer_that_another_network_lacks_gives_way_to_the_first(open_page):
    page = open_page("features", {"features_layer": "pool1"})
    page.segmented_control(key="features_model").set_value("fast").run()
    assert not page.exception
    assert page.segmented_control(key="features_layer").value == "conv1"
