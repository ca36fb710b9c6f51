"""Predict first: nothing that a question asks for is sent before it is answered."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnn_lab.ops import conv2d, max_pool2d
from cnn_lab.teaching.questions.case import answer_text
from cnn_lab.trace import convolution_trace, max_pool_trace
from tests.app.elements import give_answer, grids, said, stages
from tests.unit.trace.test_wire import unpack

PATCH = np.array(
    [[3, 0, 1, 2, 7, 4], [1, 5, 8, 9, 3, 1], [2, 7, 2, 5, 1, 3], [0, 1, 3, 1, 7, 8]], float
)
TYPED = "; ".join(" ".join(f"{each:g}" for each in row) for row in PATCH)
KERNEL = np.array([[1.0, 2], [0, -1]])
CONV = {
    "conv_predict": "true",
    "conv_values": TYPED,
    "conv_kernel_rows": "2",
    "conv_kernel_columns": "2",
    "conv_weights": "1 2; 0 -1",
    "conv_tab": "Explained",
}
POOL = {"pool_predict": "true", "pool_values": TYPED}


def sent(page: AppTest) -> Iterator[str]:
    """Everything that a page has sent, one text an element."""
    for element in page.main:
        if hasattr(element, "proto"):
            yield str(element.proto)


def wires(page: AppTest) -> list[dict[str, Any]]:
    (shown,) = stages(page)
    traces: list[dict[str, Any]] = json.loads(shown.proto.json)["traces"]
    return traces


def asked(page: AppTest) -> dict[str, Any] | None:
    (shown,) = stages(page)
    place: dict[str, Any] | None = json.loads(shown.proto.json)["asked"]
    return place


def hidden(page: AppTest, trace: int = 0) -> int:
    """How many cells of a trace are hidden."""
    found = [grid["hidden"] for grid in wires(page)[trace]["grids"] if "hidden" in grid]
    return sum(int(unpack(packed).sum()) for packed in found)


def test_a_convolution_is_asked_cell_by_cell_and_sends_only_what_was_answered(open_page):
    page = open_page("convolution", CONV)
    result = conv2d(PATCH[np.newaxis, ..., np.newaxis], KERNEL[..., np.newaxis, np.newaxis])
    output = result[0, ..., 0]
    packed = convolution_trace(PATCH, KERNEL[..., np.newaxis, np.newaxis]).to_wire()
    values = packed["grids"][-1]["values"]["base64"]
    assert not page.exception
    assert not any(values in text for text in sent(page))
    assert hidden(page) == output.size
    assert not [tab for tab in page.tabs if tab.label == "Explained"]
    key = np.abs(output).max()
    give_answer(page, "conv_asked", answer_text(float(output.ravel()[np.abs(output).argmax()])))
    assert page.session_state["conv_asked"]
    assert hidden(page) == output.size - 1
    assert np.abs(grids(page)["output-1"]).max() == key
    assert np.count_nonzero(grids(page)["output-1"]) == 1
    answers = json.loads(stages(page)[0].proto.json)["answers"]
    assert [answer["right"] for answer in answers] == [True]
    assert asked(page) is None
    page.button(key="conv_asked_another").click().run()
    assert asked(page) is not None
    assert hidden(page) == output.size - 1
    give_answer(page, "conv_asked", "999")
    answers = json.loads(stages(page)[0].proto.json)["answers"]
    assert [(answer["said"], answer["right"]) for answer in answers][-1] == ("999", False)
    page.toggle(key="conv_predict").set_value(False).run()
    assert (grids(page)["output-1"] == output).all()
    assert "hidden" not in json.dumps(wires(page))
    assert [tab for tab in page.tabs if tab.label == "Explained"]


def test_other_settings_ask_anew_and_an_answer_for_older_ones_does_not_count(open_page):
    page = open_page("convolution", CONV)
    give_answer(page, "conv_asked", "1")
    page.number_input(key="conv_stride").set_value(2).run()
    assert asked(page) is not None
    assert hidden(page) == 2 * 3
    assert [field.value for field in page.text_input if field.key == "conv_asked_answer"] == [""]


@pytest.mark.parametrize("compared", ["one padding", "all three", "Keras and PyTorch"])
def test_the_size_of_an_output_is_on_no_stage_before_it_is_answered(open_page, compared):
    query = {"pad_predict": "true", "pad_compare": compared, "pad_stride": "2"}
    page = open_page("padding", query)
    assert not page.exception
    for done in range(len(wires(open_page("padding", {**query, "pad_predict": "false"})))):
        assert len(wires(page)) == done + 1
        opening = wires(page)[-1]
        assert opening["nSteps"] == 1
        (output,) = (grid for grid in opening["grids"] if grid["role"] == "output")
        assert (output["rows"], output["columns"], output["note"]) == (1, 1, "")
        give_answer(page, "pad_asked", "3 × 3")
        assert wires(page)[-1]["nSteps"] > 1
        if [button for button in page.button if button.key == "pad_asked_another"]:
            page.button(key="pad_asked_another").click().run()
    assert [tab for tab in page.tabs if tab.label == "Cost"]


def test_a_transposed_convolution_has_no_question_and_hides_nothing(open_page):
    page = open_page("padding", {"pad_predict": "true", "pad_compare": "transposed"})
    assert "hidden" not in json.dumps(wires(page))
    assert not [button for button in page.button if button.key == "pad_asked_check"]


def test_pooling_asks_for_both_maps_and_tells_no_winner(open_page):
    page = open_page("pooling", POOL)
    winners = max_pool_trace(PATCH).to_wire()["winners"]["base64"]
    assert not any(winners in text for text in sent(page))
    for trace in (0, 1):
        assert hidden(page, trace) == 6
    largest = max_pool2d(PATCH[np.newaxis, ..., np.newaxis]).max()
    give_answer(page, "pool_asked", f"{largest:g}")
    assert hidden(page) == 5
    page.button(key="pool_asked_another").click().run()
    assert asked(page)["trace"] == 1
    give_answer(page, "pool_asked", "0")
    page.button(key="pool_asked_another").click().run()
    assert asked(page)["trace"] == 0
    give_answer(page, "pool_asked", "0 0")  # where a maximum comes from
    (answer,) = json.loads(stages(page)[0].proto.json)["answers"][2:]
    assert answer["said"] == "(0, 0)"
    assert answer["is"].startswith("(")


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("convolution", "conv"), ("padding", "pad"), ("pooling", "pool"), ("features", "features")],
)
def test_a_page_offers_the_switch_on_its_stage_alone(open_page, name, prefix):
    page = open_page(name)
    (shown,) = stages(page)
    assert json.loads(shown.proto.json)["predicts"] == f"{prefix}_question"
    keys = {getattr(element, "key", None) or "" for element in page.main}
    assert not [key for key in keys if "predict" in key or f"{prefix}_asked" in key]


@pytest.mark.parametrize("form", ["gather", "scatter", "both"])
@pytest.mark.parametrize("quantity", ["kernel", "input"])
def test_a_gradient_is_asked_cell_by_cell_in_each_form(open_page, quantity, form):
    query = {"back_predict": "true", "back_part": "Gradients", "back_what": quantity}
    page = open_page("backpropagation", {**query, "back_form": form, "back_stride": "2"})
    assert not page.exception
    traces = range(len(wires(page)))
    before = [hidden(page, trace) for trace in traces]
    assert all(before)
    give_answer(page, "back_asked", "0")
    assert [hidden(page, trace) for trace in traces] == [n - 1 for n in before]
    answer = json.loads(stages(page)[0].proto.json)["answers"][0]
    assert answer["first"] <= answer["step"] < wires(page)[0]["nSteps"]
    assert (answer["first"] < answer["step"]) == (form == "scatter")


def test_the_gradient_of_a_maximum_sends_no_way_back_before_it_is_answered(open_page):
    query = {**POOL, "pool_direction": "back", "pool_values": "5 1; 2 3"}
    page = open_page("pooling", query)
    sent_first = wires(page)[0]
    assert not unpack(sent_first["targets"]["cells"]).size
    assert set(unpack(sent_first["winners"]).tolist()) == {-1}
    assert sent_first["totals"] is None
    give_answer(page, "pool_asked", "1 0 0 0")
    assert page.session_state["pool_predicted"][0]["right"]
    assert unpack(wires(page)[0]["winners"]).tolist() == [0]


@pytest.mark.parametrize("layer", ["conv1", "pool1", "conv2"])
def test_a_number_of_a_map_is_not_on_the_page_before_it_is_answered(open_page, layer):
    plain = open_page("features", {"features_layer": layer})
    written = said(plain).split(": **")[1].split("**")[0]
    shown = {element.proto.json for element in plain.get("bidi_component")}
    page = open_page("features", {"features_layer": layer, "features_predict": "true"})
    assert not page.exception
    assert written not in said(page)
    # Neither the picture of the maps nor the stage is the same as without the question.
    assert not any(element.proto.json in shown - {""} for element in page.get("bidi_component"))
    place = asked(page)
    assert hidden(page) > 1
    assert place["cell"]
    give_answer(page, "features_asked", "1000")
    assert written in said(page)
    assert hidden(page) == 0


def test_a_layer_without_windows_is_not_asked_about(open_page):
    page = open_page("features", {"features_layer": "flatten", "features_predict": "true"})
    assert not page.exception
    assert not [button for button in page.button if button.key == "features_asked_check"]


def test_gradients_of_softmax_are_shown_once_they_are_answered(open_page):
    query = {"back_predict": "true", "back_part": "Softmax and loss", "back_logits": "2 1 0"}
    page = open_page("backpropagation", query)
    assert not page.exception
    assert not any(".classes" in text for text in sent(page))
    give_answer(page, "back_asked", "-0.33 0.24 0.09")
    assert page.success
    assert any(".classes" in text for text in sent(page))
