"""The Network page: layers are changed, what does not fit is mended, and uploaded files."""

import json
import math
import re

import numpy as np
import pytest

from cnn_lab.charts.network import block_pictures
from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import Network, zoo
from cnn_lab.network.editing import added, changed, removed, with_input
from cnn_lab.network.layers import LAYER_TYPES
from cnn_lab.network.spec import Dense, Draft, Flatten, MaxPooling2D
from cnn_lab.network.spec.token import draft_from_token, from_token, to_json, to_token
from tests.app.elements import address, figures, said, tables
from tests.prose import wording

PAPER = Draft.of(zoo.preset("paper").network)
NAMES = [layer.name for layer in PAPER.layers]


@pytest.fixture
def open_page(open_page):
    """Open a page with everything on it unfolded."""
    unfolded = dict.fromkeys(("network_costs", "network_memory", "network_meter"), "true")
    return lambda name, query=None, *state: open_page(name, {**unfolded, **(query or {})}, *state)


def text_of(component):
    return json.loads(component.proto.json)["html"]


def shown(page):
    """The two pictures of the network: its diagram and its table, as HTML."""
    components = page.get("bidi_component")
    return {
        each.proto.id.rpartition("-")[2]: text_of(each)
        for each in components
        if each.proto.component_name == "cnn_lab_layers"
    }


def rows(page):
    """The table's lines as lists of texts."""
    table = next(html for html in shown(page).values() if "<table" in html)
    lines = table.split("<tr")[2:]
    return [
        [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line)]
        for line in lines
    ]


def field(page, label):
    """A field by its label; its key changes when something else changes the value."""
    fields = [*page.number_input, *page.text_input, *page.selectbox]
    return next(each for each in fields if each.label == label)


def with_token(draft, **more):
    return {"network_token": to_token(draft), **more}


def test_the_first_visit_shows_the_papers_network_with_its_costs(open_page):
    page = open_page("network")
    assert not page.exception
    assert not page.error
    assert not page.warning
    assert page.title[0].value == "Network"
    found = {line[0]: line[1:] for line in rows(page)}
    assert found["conv1Conv2D, 2 × 2, same"] == ["28 × 28 × 16", "80", "50,176", "50.2 kB", "2 × 2"]
    assert found["flattenFlatten"] == ["6,400", "–", "–", "25.6 kB", "13 × 13"]
    assert found["softmaxSoftmax"][-1] == "whole image"
    assert found["Total"] == ["", "1,134,426", "33,016,064", "", ""]
    assert figures(page) == {
        "Layers": "11",
        "Parameters": "1,134,426",
        "Multiply-adds for one image": "33,016,064",
        "Memory of the weights": "4.54 MB",
        "Memory to run one image": "176 kB",
    }
    assert address(page, "network_token") is None
    size, parameters, work = (latex.value for latex in page.latex)
    assert "28 + 0 + 1 - 2" in size
    assert r"2 \cdot 2 \cdot 1 \cdot 16 + 16 = 80" in parameters
    assert r"28 \cdot 28 \cdot 2 \cdot 2 \cdot 1 \cdot 16 = 50{,}176" in work


def test_folds_compute_nothing_until_they_are_open(open_page):
    closed = dict.fromkeys(("network_costs", "network_memory", "network_meter"), "false")
    page = open_page("network", closed)
    assert not page.exception
    assert not any("<table" in html for html in shown(page).values())
    assert not tables(page)
    assert not page.get("vega_lite_chart")


def test_a_trained_network_has_its_maps_on_its_blocks_and_a_draft_has_none(open_page):
    page = open_page("network", {"network_digit": "3"})
    image = load_mnist().test.image(3)
    made = Network.load("paper").activations(image[np.newaxis])
    pictures = block_pictures(image, {name: values[0] for name, values in made.items()})
    (diagram,) = [html for html in shown(page).values() if "<svg" in html]
    assert re.findall(r'<image href="(.*?)"', diagram) == list(pictures.values())
    assert wording("network", "maps", name="paper").search(said(page))
    page.number_input(key="network_conv1_filters").set_value(8).run()
    for changed_page in (page, open_page("network", {"network_preset": "lenet"})):
        (diagram,) = [html for html in shown(changed_page).values() if "<svg" in html]
        assert "<image" not in diagram
        assert wording("network", "no_maps").search(said(changed_page))


@pytest.mark.parametrize("name", list(zoo.PRESETS))
def test_a_link_opens_each_preset(open_page, name):
    page = open_page("network", {"network_preset": name})
    assert not page.exception
    assert not page.error
    assert not page.warning
    assert len(rows(page)) == len(zoo.preset(name).network.layers) + 2
    assert page.button(key="network_reset").disabled


def test_a_new_layer_comes_after_the_chosen_one_and_shapes_follow(open_page):
    page = open_page("network", {"network_layer": "conv2"})
    page.menu_button(key="network_add").set_value("MaxPooling2D").run()
    found = rows(page)
    assert found[4][:2] == ["pool3MaxPooling2D, 2 × 2", "6 × 6 × 128"]
    assert found[5][1] == "4 × 4 × 256"
    assert address(page, "network_layer") == "pool3"
    draft = draft_from_token(address(page, "network_token"))
    assert [layer.name for layer in draft.layers][:4] == ["conv1", "pool1", "conv2", "pool3"]
    assert draft.name == "own"
    page.button(key="network_undo").click().run()
    assert address(page, "network_token") is None
    page.button(key="network_redo").click().run()
    assert draft_from_token(address(page, "network_token")) == draft
    page.button(key="network_reset").click().run()
    assert address(page, "network_token") is None
    assert not page.exception


def test_a_field_writes_into_the_draft_and_follows_it_back(open_page):
    page = open_page("network")
    page.number_input(key="network_conv1_filters").set_value(24).run()
    assert rows(page)[1][1] == "28 × 28 × 24"
    page.button(key="network_undo").click().run()
    assert field(page, "Filters").value == 16
    page.segmented_control(key="network_conv1_padding").set_value("valid").run()
    assert rows(page)[1][1] == "27 × 27 × 16"
    page.toggle(key="network_apart").set_value(True).run()
    page.number_input(key="network_conv1_kernel_size_columns").set_value(5).run()
    assert rows(page)[1][1] == "27 × 24 × 16"
    page.toggle(key="network_conv1_use_bias").set_value(False).run()
    assert rows(page)[1][2] == "160"
    page.selectbox(key="network_conv1_activation").set_value("tanh").run()
    assert "tanh" in rows(page)[1][0]
    assert not page.exception


def test_a_second_undo_counts_before_the_page_shows_the_first(open_page):
    page = open_page("network")
    for n_filters in (24, 32, 40):
        field(page, "Filters").set_value(n_filters).run()
    undo = page.button(key="network_undo")
    field(page, "Filters").set_value(40)  # what the browser sends with each of both clicks
    undo.click().run()
    undo.click().run()
    assert field(page, "Filters").value == 24
    assert rows(page)[1][1] == "28 × 28 × 24"


def test_every_type_of_layer_can_be_added_and_edited(open_page):
    for type_ in LAYER_TYPES:
        draft = added(PAPER, 0, type_)
        name = draft.layers[0].name
        page = open_page("network", with_token(draft, network_layer=name))
        assert not page.exception, type_
        assert page.text_input(key=f"network_{name}_name").value == name


def test_pooling_steps_as_its_window_or_otherwise(open_page):
    page = open_page("network", {"network_layer": "pool1"})
    page.toggle(key="network_pool1_strides_as_window").set_value(False).run()
    page.number_input(key="network_pool1_strides").set_value(3).run()
    assert rows(page)[2][1] == "9 × 9 × 16"
    page.number_input(key="network_pool1_pool_size").set_value(4).run()
    assert rows(page)[2][0] == "pool1MaxPooling2D, 4 × 4, stride 3"
    page.toggle(key="network_pool1_strides_as_window").set_value(True).run()
    assert rows(page)[2][1] == "7 × 7 × 16"


def test_a_name_must_be_free_and_plain(open_page):
    page = open_page("network")
    field(page, "Name").set_value("conv2").run()
    assert "Here: conv2 twice." in said(page)
    assert field(page, "Name").value == "conv1"
    field(page, "Name").set_value("<b>").run()
    assert "pattern" in said(page)
    field(page, "Name").set_value("first").run()
    assert rows(page)[1][0].startswith("first")
    assert not page.warning


def test_layers_are_moved_copied_and_removed(open_page):
    page = open_page("network", {"network_layer": "pool1"})
    page.button(key="network_earlier").click().run()
    assert rows(page)[1][0].startswith("pool1")
    assert page.button(key="network_earlier").disabled
    page.button(key="network_later").click().run()
    page.button(key="network_duplicate").click().run()
    assert rows(page)[3][0].startswith("pool3")
    page.button(key="network_remove").click().run()
    assert [line[0].split("M")[0] for line in rows(page)[2:3]] == ["pool1"]
    assert not page.exception


def test_another_image_is_chosen_or_typed(open_page):
    page = open_page("network", {"network_layer": "*"})
    images = page.selectbox(key="network_images")
    colours = next(option for option in images.options if "CIFAR" in option)
    images.set_value(colours).run()
    assert rows(page)[0][1] == "32 × 32 × 3"
    field(page, "Rows").set_value(40).run()
    assert rows(page)[0][1] == "40 × 32 × 3"
    assert field(page, "Images of").value == "other"
    assert wording("network", "no_data_set", shape="40 × 32 × 3").search(said(page))


def test_what_does_not_fit_says_why_and_is_mended_by_a_click(open_page):
    page = open_page("network", {"network_layer": "flatten"})
    page.button(key="network_remove").click().run()
    assert "put Flatten before it" in page.error[0].value
    assert [line[1] for line in rows(page)[8:10]] == ["?", "?"]
    assert "Does not fit." in rows(page)[7][1]
    (link,) = page.get("page_link")
    assert link.disabled
    first = page.button(key="network_mend_0")
    assert first.label == "Insert Flatten before dense1"
    first.click().run()
    assert not page.error
    assert rows(page)[-1][2] == "1,134,426"
    (link,) = page.get("page_link")
    assert not link.disabled


@pytest.mark.parametrize(
    ("layers", "problem", "made"),
    [
        ((MaxPooling2D(name="pool1"),), "maps", "14 × 14 × 1"),
        ((Flatten(name="flatten"),), "number", "784"),
        ((Flatten(name="flatten"), Dense(name="dense1", units=10)), "scores", "10"),
        (
            (
                *PAPER.layers[:-1],
                PAPER.layers[-1].model_copy(update={"name": "soft"}),
                PAPER.layers[-1],
            ),
            "twice",
            "10",
        ),
    ],
)
def test_an_end_that_is_none_is_said_and_mended(open_page, layers, problem, made):
    page = open_page("network", with_token(Draft(layers=layers)))
    sentence = wording("network", f"ending_{problem}", made=made, classes=10)
    assert sentence.search(page.warning[0].value)
    while page.warning:
        page.button(key="network_mend_0").click().run()
    assert from_token(address(page, "network_token")).n_classes == 10


@pytest.mark.parametrize(
    "draft",
    [
        Draft(input_shape=(1, 1, 1), layers=(Flatten(name="flatten"),)),
        Draft(input_shape=(256, 256, 16), layers=(MaxPooling2D(name="pool1"),)),
        Draft(layers=tuple(Flatten(name=f"flatten{n}") for n in range(60))),
        changed(PAPER, 0, filters=65_536),
        changed(PAPER, 0, kernel_size=(28, 1), strides=(7, 65_536)),
        with_input(PAPER, (1, 1, 1)),
        removed(PAPER, 0),
    ],
)
def test_extremes_are_shown(open_page, draft):
    page = open_page("network", with_token(draft))
    assert not page.exception
    assert len(rows(page)) == len(draft.layers) + 2
    assert draft_from_token(address(page, "network_token")) == draft


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"network_token": "???"}, "consists of letters"),
        ({"network_token": "abc"}, "cut off"),
        ({"network_token": "A" * 9000}, "at most 8,000 characters"),
        ({"network_preset": "imagenet"}, "There is no network with this name. The names are "),
    ],
)
def test_a_bad_address_gets_a_sentence_and_the_papers_network(open_page, query, sentence):
    page = open_page("network", query)
    assert not page.exception
    assert sentence in page.warning[0].value
    assert len(rows(page)) == len(PAPER.layers) + 2
    assert not page.query_params.keys() & query.keys()
    assert not page.run().warning


def test_an_unknown_layer_in_the_address_is_the_first(open_page):
    page = open_page("network", {"network_layer": "unknown"})
    assert page.text_input(key="network_conv1_name").value == "conv1"


def paste(page, text):
    page.session_state["network_open"] = True
    page.run()
    page.text_area(key="network_json").set_value(text)
    page.button(key="network_open_it").click().run()
    return page


def test_a_network_of_ones_own_is_opened_from_json(open_page):
    fast = zoo.preset("fast").network
    page = paste(open_page("network"), to_json(fast))
    assert not page.exception
    assert rows(page)[-1][2] == f"{fast.n_parameters:,}"
    page.button(key="network_undo").click().run()
    assert rows(page)[-1][2] == "1,134,426"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("not JSON at all", "not JSON"),
        ("", "not JSON"),
        ('{"layers": [{"type": "Lambda", "name": "a"}]}', "Lambda"),
        (
            json.dumps({"layers": [{"type": "Flatten", "name": f"f{n}"} for n in range(1_000)]}),
            "at most 60 items",
        ),
        (json.dumps({"layers": [{"type": "Flatten", "name": "f"}] * 200_000}), "65,536 bytes"),
        ('{"layers": [{"type": "Dense", "name": "a", "units": 1000000000}]}', "at most 65,536"),
    ],
)
def test_bad_json_gets_a_sentence_and_changes_nothing(open_page, text, sentence):
    page = paste(open_page("network"), text)
    assert not page.exception
    assert sentence in page.error[0].value
    assert rows(page)[-1][2] == "1,134,426"


def test_a_billion_parameters_are_opened_up_to_the_layer_that_has_them(open_page):
    layers = [
        {"type": "Flatten", "name": "flatten"},
        {"type": "Dense", "name": "dense1", "units": 20_000},
        {"type": "Dense", "name": "dense2", "units": 60_000},
    ]
    page = paste(open_page("network"), json.dumps({"layers": layers}))
    assert not page.exception
    assert "at most 20,000,000 parameters" in page.error[0].value
    assert [button.label for button in page.button if "Reduce dense2" in button.label]


def test_the_meter_sets_a_convolution_beside_two_others(open_page):
    page = open_page("network", {"network_layer": "conv2"})
    costs = tables(page)[-1]
    assert costs["Layer"] == ["Convolution", "Depthwise, then 1 × 1", "Dense"]
    assert costs["Parameters"][0] == "18,560"
    assert costs["Multiply-adds"][1].startswith(f"{144 * (9 * 16 + 16 * 128):,} ")
    everything = said(page)
    dense, sparse = math.prod((14, 14, 16, 12, 12, 128)), 144 * 144 * 128
    counts = {"reach": "144", "pixels": "3,136", "sparse": f"{sparse:,}", "dense": f"{dense:,}"}
    ratio = f"{round(dense / sparse):,}"
    assert wording("network", "sparse", **counts, ratio=ratio).search(everything)
    page.button(key="network_separate").click().run()
    assert [line[0].split("C")[0] for line in rows(page)[3:5]] == ["depthwise1Depthwise", "conv2"]
    assert rows(page)[4][1] == "12 × 12 × 128"
    assert not page.exception


def test_a_window_of_one_pixel_cannot_be_taken_apart(open_page):
    draft = changed(PAPER, 0, kernel_size=(1, 1))
    page = open_page("network", with_token(draft))
    assert page.button(key="network_separate").disabled


def test_code_is_written_when_it_is_unfolded(open_page):
    page = open_page("network", {"network_preset": "fast"})
    assert not page.code
    page.session_state["network_code"] = True
    page.run()
    assert 'layers.Conv2D(16, 5, strides=2, use_bias=False, name="conv1")' in page.code[0].value


def test_training_takes_the_very_network_along(open_page):
    page = open_page("network", {"network_preset": "fast"})
    (link,) = page.get("page_link")
    assert "training_preset=fast" in link.proto.query_string
    page.number_input(key="network_conv1_filters").set_value(8).run()
    (link,) = page.get("page_link")
    token = re.search(r"training_network=([\w-]+)", link.proto.query_string)
    assert from_token(token[1]).layers[0].filters == 8
    assert "training_preset=own" in link.proto.query_string


def test_softmax_leads_to_its_gradient(open_page):
    page = open_page("network", {"network_layer": "softmax"})
    assert not page.exception
    assert [link.proto.page for link in page.get("page_link")][1:] == ["backpropagation"]


def test_a_bench_is_found_again_when_the_page_was_left(open_page):
    page = open_page("network")
    page.number_input(key="network_conv1_filters").set_value(8).run()
    token = address(page, "network_token")
    page.switch_page("pages/home.py").run()
    page.query_params.clear()
    page.switch_page("pages/network.py").run()
    assert address(page, "network_token") == token
    assert field(page, "Filters").value == 8


def test_another_link_in_the_same_session_is_opened_with_a_way_back(open_page):
    page = open_page("network")
    page.number_input(key="network_conv1_filters").set_value(8).run()
    page.query_params.clear()
    page.query_params["network_preset"] = "fast"
    page.run()
    assert field(page, "Filters").value == 16
    page.button(key="network_undo").click().run()
    assert field(page, "Filters").value == 8


def test_memory_follows_the_batch(open_page):
    page = open_page("network", {"network_batch": "1"})
    small = tables(page)[0]["Memory"]
    page.number_input(key="network_batch").set_value(1024).run()
    large = tables(page)[0]["Memory"]
    assert small[:2] == large[:2]
    assert small[2] != large[2]
