import io
import re

import numpy as np
import pytest
from PIL import Image
from streamlit.proto.Metric_pb2 import Metric

from cnn_lab.app.features import surgery
from cnn_lab.app.features.sections import SECTIONS
from cnn_lab.app.widgets.model_choice import SHIPPED, OwnNetwork
from cnn_lab.content.words import percent
from cnn_lab.data.mnist import load_mnist
from cnn_lab.explain.attribution import occlusion
from cnn_lab.network import Network, zoo
from tests.app.elements import errors, said, stages, tables
from tests.prose import wording
from tests.unit.network.random_networks import SPECS, random_network

LAYERS = [
    (model, layer.name)
    for model in SHIPPED
    for layer in Network.load(model).spec.layers
    if layer.type != "Dropout"
]


def pickers(page):
    components = page.get("bidi_component")
    return [each for each in components if each.proto.component_name == "cnn_lab_map_picker"]


@pytest.mark.parametrize("model", SHIPPED)
def test_each_layer_of_each_network_shows_its_maps(open_page, model):
    page = open_page("features", {"features_model": model})
    for name, layer in LAYERS:
        if name == model:
            page.segmented_control(key="features_layer").set_value(layer).run()
            assert not page.exception
            assert not errors(page)
            assert len(pickers(page)) == 1
            assert f"**{layer}**" in said(page)


@pytest.mark.parametrize("layer", ["conv1", "conv3", "flatten", "softmax"])
def test_every_section_can_be_opened_for_any_layer(open_page, layer):
    page = open_page("features", {"features_layer": layer})
    for section in SECTIONS:
        page.segmented_control(key="features_view").set_value(section).run()
        assert not page.exception, section
        assert not errors(page), section


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
    labelled = wording("features", "labelled", what="Test image 0", truth=7, digit=7)
    assert labelled.search(said(page))


def test_without_a_drawing_a_link_leads_to_where_one_is_made(open_page):
    page = open_page("features", {"features_input": "drawing"})
    assert not page.exception
    assert wording("features", "no_drawing").search(said(page))
    assert not pickers(page)


def test_a_layer_that_another_network_lacks_gives_way_to_the_first(open_page):
    page = open_page("features", {"features_layer": "pool1"})
    page.segmented_control(key="features_model").set_value("fast").run()
    assert not page.exception
    assert page.segmented_control(key="features_layer").value == "conv1"


def test_a_number_is_opened_on_the_stage_and_named_above_it(open_page):
    query = {"features_map": "2", "features_row": "8", "features_column": "9"}
    page = open_page("features", query)
    assert len(stages(page)) == 1
    text = said(page)
    assert "map 2, row 8, column 9: **−0.395**" in text
    assert "≈ −0.395" in text
    for section in ("kernels", "surgery"):  # the sum stays beside the maps
        page.segmented_control(key="features_view").set_value(section).run()
        assert len(stages(page)) == 1
        assert "≈ −0.395" in said(page)


def test_the_answer_has_a_bar_for_each_class(open_page):
    page = open_page("features", {"features_digit": "8"})
    answer = Network.load("paper").predict(load_mnist().test.image(8)[np.newaxis])[0]
    bars = [html.proto.body for html in page.get("html") if "probabilities" in html.proto.body]
    widths = re.findall(r"width: ([\d.]+)%", bars[0])
    np.testing.assert_allclose(np.array(widths, float), 100 * answer, atol=0.006)
    shown = re.findall(r"<span>([^<]*%)</span></li>", bars[0])
    assert shown == [percent(float(each)) for each in answer]
    assert bars[0].count("class=answer") == 1


def place(page):
    return tuple(page.number_input(key=f"features_{at}").value for at in ("map", "row", "column"))


def strongest(layer, number, channel=slice(None)):
    """The place of the largest number in a layer's maps of a test image, by the paper's network."""
    image = load_mnist().test.image(number)
    maps = Network.load("paper").activations(image[np.newaxis])[layer][0][..., channel]
    row, column, at = np.unravel_index(maps.argmax(), maps.shape)
    return int(at), int(row), int(column)


def test_it_opens_at_the_strongest_response_whose_window_holds_something(open_page):
    """U19: the default follows image, layer and map; what was chosen stays."""
    page = open_page("features")
    first = strongest("conv1", 0)
    assert place(page) == first
    image = load_mnist().test.image(0)
    assert image[first[1] : first[1] + 2, first[2] : first[2] + 2].any()
    page.button(key="features_next").click().run()
    assert place(page) == strongest("conv1", 1)
    page.number_input(key="features_map").set_value(5).run()
    assert place(page)[1:] == strongest("conv1", 1, slice(5, 6))[1:]
    page.number_input(key="features_row").set_value(3).run()
    chosen = place(page)
    page.button(key="features_next").click().run()
    assert place(page) == chosen
    page.segmented_control(key="features_layer").set_value("conv3").run()
    assert place(page) == strongest("conv3", 2)
    linked = {"features_map": "2", "features_row": "0", "features_column": "0"}
    assert place(open_page("features", linked)) == (2, 0, 0)
    linked = open_page("features", {"features_row": "8", "features_column": "9"})
    assert place(linked) == (0, 8, 9)
    linked.button(key="features_next").click().run()
    assert place(linked) == (0, 8, 9)
    assert place(open_page("features", {"features_row": "3"}))[:2] == (first[0], 3)


def test_why_opens_with_the_last_convolution_and_says_what_full_colour_is(open_page):
    """M18: a change of 0.07 percentage points is not painted as if it mattered."""
    page = open_page("features", {"features_view": "why this answer"})
    assert page.selectbox(key="features_cam").value == "conv3"
    text = said(page)
    assert wording("features", "grad_cam", layer="conv3").search(text)
    network, image = Network.load("paper"), load_mnist().test.image(0)
    found = 100 * np.abs(occlusion(network, image, 7, size=5).lost).max()
    assert found < 0.1
    most, full = f"{found:.2g} percentage points", "5 percentage points"
    assert wording("features", "occlusion", full=full).search(text)
    assert wording("features", "below_full", most=most).search(text)
    page.selectbox(key="features_cam").set_value("conv1").run()
    assert wording("features", "grad_cam", layer="conv1").search(said(page))
    page.number_input(key="features_digit").set_value(3).run()
    assert wording("features", "grad_cam", layer="conv1").search(said(page))
    assert not wording("features", "below_full").search(said(page))


def test_surgery_silences_swaps_counts_and_is_undone(open_page):
    page = open_page("features", {"features_view": "surgery", "features_map": "3"})
    page.button(key="features_silence").click().run()
    assert page.query_params["features_cuts"] == "conv1.3"
    page.number_input(key="features_map").set_value(4).run()
    page.selectbox(key="features_kernel").set_value("sobel_columns").run()
    page.button(key="features_swap").click().run()
    assert page.query_params["features_cuts"] == "conv1.3,conv1.4.sobel_columns"
    assert "conv1, map 3: silent; conv1, map 4: Sobel vertical" in said(page)
    page.button(key="features_measure").click().run()
    before, after = (metric.value for metric in page.metric)
    assert float(before.rstrip("%")) > 99
    assert float(after.rstrip("%")) < float(before.rstrip("%"))
    page.button(key="features_undo_all").click().run()
    assert "features_cuts" not in page.query_params
    assert [metric.value for metric in page.metric] == [before]


@pytest.mark.parametrize(
    ("after", "delta", "arrow"),
    [(0.98, "no change", False), (0.979, "-0.1 points", True), (0.981, "+0.1 points", True)],
)
def test_a_change_that_costs_nothing_has_no_arrow(open_page, monkeypatch, after, delta, arrow):
    """U14: "no change" is neither green nor an arrow upwards."""
    measured = iter((0.98, after))
    monkeypatch.setattr(surgery, "accuracy", lambda *_: next(measured))
    page = open_page("features", {"features_view": "surgery", "features_cuts": "conv1.3"})
    page.button(key="features_measure").click().run()
    now = page.metric[1]
    assert now.delta == delta
    assert (now.proto.direction != Metric.NONE) == arrow
    assert (now.proto.color != Metric.GRAY) == arrow


def test_cuts_of_an_address_that_make_no_sense_change_nothing(open_page):
    page = open_page("features", {"features_cuts": "conv1.999,unknown.1,%,conv2.3.sobel_rows"})
    assert not page.exception
    assert wording("features", "cuts", cuts="conv2, map 3: Sobel horizontal").search(said(page))


def test_a_shift_is_told_layer_by_layer(open_page):
    page = open_page("features", {"features_view": "move and change", "features_right": "2"})
    (table,) = tables(page)
    assert table["Layer"][0] == "conv1"
    assert table["Off the shifted maps"][0] == "0.0%"
    assert table["Off the shifted maps"][-1] == "–"
    assert float(table["Off the original maps"][0].rstrip("%")) > 50
    assert not wording("features", "left_image").search(said(page))


def test_ink_that_leaves_the_image_is_not_blamed_on_strides(open_page):
    """M17: the first layer has stride 1, and follows what stays exactly."""
    page = open_page("features", {"features_view": "move and change", "features_down": "9"})
    (table,) = tables(page)
    assert table["Off the shifted maps"][0] == "0.0%"
    image = load_mnist().test.image(0)
    share = 100 * image[-9:].sum() / image.sum()
    assert wording("features", "left_image", share=f"{share:.0f}%").search(said(page))


def own_network(input_shape):
    spec = zoo.fast().network.model_copy(update={"input_shape": input_shape})
    random = np.random.default_rng(0)
    weights = {name: random.random(shape) for name, shape in spec.weight_shapes().items()}
    return OwnNetwork("upload-12345678", Network(spec, weights))


def test_a_network_for_colours_looks_at_a_picture_and_finds_no_digits(open_page):
    page = open_page(
        "features",
        {"features_model": "upload-12345678", "features_input": "digit"},
        {"models_own": own_network((32, 32, 3))},
    )
    assert not page.exception
    assert page.segmented_control(key="features_input").options == ["picture"]
    assert "A drawn landscape" in said(page)
    for section in SECTIONS:
        page.segmented_control(key="features_view").set_value(section).run()
        assert not page.exception, section


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_every_type_of_layer_can_be_looked_at(open_page, spec):
    own = OwnNetwork("upload-12345678", random_network(spec))
    page = open_page("features", {"features_model": own.name}, {"models_own": own})
    for layer in page.segmented_control(key="features_layer").options:
        page.segmented_control(key="features_layer").set_value(layer).run()
        for section in ("this number", "kernels"):
            page.segmented_control(key="features_view").set_value(section).run()
            assert not page.exception, (layer, section)
            assert not errors(page), (layer, section)


def test_an_upload_becomes_what_the_network_looks_at_and_a_broken_one_a_sentence(open_page):
    menu = {"features_upload_menu": True}
    page = open_page("features", {"features_input": "picture"}, menu)
    assert wording("features", "no_picture").search(said(page))
    page.file_uploader(key="features_upload").upload("broken.png", b"nothing", "image/png").run()
    assert errors(page) == ["This is not a picture: it must be a PNG, JPEG or WebP file."]
    picture = Image.new("L", (100, 100), 255)
    picture.paste(0, (45, 20, 55, 80))
    picture.save(buffer := io.BytesIO(), "PNG")
    page.file_uploader(key="features_upload").upload(
        "one.png", buffer.getvalue(), "image/png"
    ).run()
    assert not errors(page)
    assert wording("features", "answer", what="Your picture", digit=1).search(said(page))
