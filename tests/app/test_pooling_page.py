import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from cnn_lab.app.pooling.sections import EXPERIMENTS
from cnn_lab.concepts.pooling import shift_response
from cnn_lab.content import prose
from cnn_lab.data.mnist import load_mnist
from cnn_lab.data.teaching_images import parse_matrix
from cnn_lab.ops.settings import PoolingSettings
from tests.app.elements import errors, said, stages, tables
from tests.prose import wording

FORMULAS, SHIFT, COST, CODE = (
    {"pool_tab": title} for title in ("Formulas", "Shift", "Cost", "Code")
)


def pictures(page):
    """The pictures that are drawn in panels: title -> grey levels, pixel by pixel."""
    html = "".join(element.proto.body for element in page.get("html"))
    found = re.findall(r'<figcaption>([^<]*)</figcaption><img src="data:[^,]*,([^"]*)"', html)
    return [
        (title, np.asarray(Image.open(io.BytesIO(base64.b64decode(at))))) for title, at in found
    ]


def test_the_first_visit_shows_both_poolings_in_step_and_nothing_slow(open_page):
    page = open_page("pooling")
    assert not page.exception
    assert not errors(page)
    assert len(stages(page)) == 1
    assert wording("pooling", "question").search(said(page))
    assert not page.get("vega_lite_chart")
    assert not page.latex
    assert "$" not in said(page)


def test_a_digit_is_pooled_twice_in_pictures(open_page):
    image = load_mnist().test.pixels[0]
    blocks = image.reshape(14, 2, 14, 2)
    shown = pictures(open_page("pooling"))
    titles = [title for title, _ in shown]
    assert titles[:3] == ["Digit, 28 × 28", "Maxima, 14 × 14", "again, 7 × 7"]
    assert titles[3:] == ["Digit, 28 × 28", "Means, 14 × 14", "again, 7 × 7"]
    for at, pooled in ((1, blocks.max(axis=(1, 3))), (4, blocks.mean(axis=(1, 3)))):
        pixels = shown[at][1]
        step = len(pixels) // 14
        np.testing.assert_allclose(pixels[::step, ::step], pooled, atol=1)


def test_the_formulas_have_the_sizes_of_the_page(open_page):
    page = open_page("pooling", FORMULAS)
    assert r"\frac{1}{4}" in said(page)
    assert r"I(2i + m,\, 2j + n)" in said(page)


def test_a_shift_and_the_check_have_their_tabs(open_page):
    page = open_page("pooling", SHIFT)
    assert wording("pooling", "shift", way=prose("pooling", "right")).search(said(page))
    page = open_page("pooling", CODE)
    assert page.button(key="pool_check").label == "Check against Keras"


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda each: each.name)
def test_every_experiment_sets_the_page_and_ends_as_promised(open_page, experiment):
    page = open_page("pooling", experiment.query)
    assert not page.exception
    assert not errors(page)
    match experiment.name:
        case "digit":
            page = open_page("pooling", {**experiment.query, "pool_tab": "Explained"})
            assert wording("pooling", "kept", cells=784, results=49).search(said(page))
        case "shift":
            numbers = {"max_pooled": "0%", "average_pooled": "0%"}
            assert wording("pooling", "shift", **numbers).search(said(page))
            assert wording("pooling", "shift").search(said(page))[2] != "0%"
            image = parse_matrix(experiment.query["pool_values"], max_rows=4, max_columns=4)
            response = shift_response(image, PoolingSettings(2), most=2)
            assert response.max_pooled[2] > 0
            assert response.average_pooled[2] > 0
        case "overlap" | "ties":
            page = open_page("pooling", {**experiment.query, "pool_tab": "Explained"})
            text = said(page)
            if experiment.name == "overlap":
                assert wording("pooling", "overlap", row=2, column=2, most=9, count=9).search(text)
                assert "1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 = 9" in text
                assert r"\frac{1}{9} (9 \cdot 1) = 1" in text
            else:
                assert wording("pooling", "ties", ties=4, windows=4).search(text)


def test_the_cost_is_counted(open_page):
    page = open_page("pooling", COST)
    costs = {"windows": 9, "cells": 4, "steps": 27, "before": 324, "after": 81}
    assert wording("pooling", "cost", **costs).search(said(page))


@pytest.mark.parametrize(
    "query",
    [
        {"pool_size": "6", "pool_stride": "1", "pool_padding": "same"},
        {"pool_size": "1", "pool_stride": "6"},
        {"pool_rows": "1", "pool_columns": "1", "pool_size": "1"},
        {"pool_rows": "12", "pool_columns": "2", "pool_size": "2"},
        {"pool_input": "digit", "pool_digit": "9999", "pool_crop": "28", "pool_white": "1"},
        {"pool_size": "6", "pool_padding": "own", "pool_top": "5", "pool_stride": "1"},
        {"pool_input": "digit", "pool_crop": "28", "pool_direction": "back", "pool_grad": "own"},
        {"pool_direction": "back", "pool_rows": "1", "pool_columns": "1", "pool_size": "1"},
        {"pool_direction": "back", "pool_size": "6", "pool_stride": "1", "pool_padding": "same"},
        {"pool_values": "0 0; 0 0", "pool_direction": "back"},
        {"pool_values": "-1000000 1000000; 5 -1000000"},
    ],
)
def test_extremes_that_are_legal_show_a_stage(open_page, query):
    page = open_page("pooling", query)
    assert not page.exception
    assert not errors(page)
    assert len(stages(page)) == 1


def test_a_link_sets_every_control(open_page):
    settings = {
        "pool_direction": "back",
        "pool_form": "gather",
        "pool_grad": "one cell",
        "pool_grad_row": "1",
        "pool_grad_column": "2",
        "pool_apart": "true",
        "pool_size": "3",
        "pool_size_columns": "4",
        "pool_stride": "2",
        "pool_stride_columns": "1",
        "pool_padding": "own",
        "pool_top": "2",
        "pool_divisor": "whole window",
        "pool_shift_way": "down",
        "pool_blocks": "3",
        "pool_kernel": "5",
        "pool_checked": "Average pooling",
    }
    page = open_page("pooling", {**settings, **FORMULAS})
    assert not errors(page)
    for key, value in {"pool_size": 3, "pool_size_columns": 4, "pool_top": 2}.items():
        assert page.number_input(key=key).value == value
    assert page.number_input(key="pool_grad_column").value == 2
    assert page.selectbox(key="pool_stride").value == 2
    assert page.selectbox(key="pool_stride_columns").value == 1
    assert r"I(2i + m - 2,\, j + n - 1)" in said(page)
    assert r"\dfrac{6 + 2 + 1 - 3}{2}\right\rfloor + 1 = 4" in said(page)
    assert r"\dfrac{6 + 1 + 1 - 4}{1}\right\rfloor + 1 = 5" in said(page)
    second = prose("pooling", "shown_window")
    assert wording("pooling", "divisors", shown=second).search(said(page))
    page = open_page("pooling", {**settings, **SHIFT})
    assert wording("pooling", "shift", way=prose("pooling", "down")).search(said(page))
    page = open_page("pooling", {**settings, **COST})
    for key, value in {"pool_blocks": 3, "pool_kernel": 5}.items():
        assert page.number_input(key=key).value == value
    page = open_page("pooling", {**settings, **CODE})
    assert page.segmented_control(key="pool_checked").value == "average"
    assert any("AveragePooling" in code.value or "average_pool" in code.value for code in page.code)


def test_what_the_stride_leaves_over_is_said(open_page):
    page = open_page("pooling", {"pool_rows": "7", "pool_columns": "6", **FORMULAS})
    assert "the last row is never read" in said(page)


def test_a_window_larger_than_the_image_gets_a_sentence(open_page):
    page = open_page("pooling", {"pool_rows": "2", "pool_size": "5"})
    assert not page.exception
    assert "spans 5 pixels, the image with its padding has 2" in errors(page)[0]
    page.number_input(key="pool_size").set_value(2).run()
    assert not errors(page)
    assert len(stages(page)) == 1


def test_a_padding_as_wide_as_the_window_gets_a_sentence_that_helps(open_page):
    page = open_page("pooling", {"pool_padding": "own", "pool_left": "2"})
    assert not page.exception
    assert "must be smaller than the window" in errors(page)[0]
    assert wording("pooling", "wider").search(errors(page)[0])
    assert not stages(page)
    page.number_input(key="pool_size").set_value(3).run()
    assert not errors(page)


def test_a_way_back_too_long_to_play_becomes_pictures(open_page):
    query = {"pool_input": "digit", "pool_crop": "28", "pool_size": "6", "pool_stride": "1"}
    borders = {f"pool_{side}": "5" for side in ("top", "bottom", "left", "right")}
    back = {"pool_direction": "back", "pool_grad": "own", "pool_padding": "own"}
    page = open_page("pooling", query | borders | back)
    assert not page.exception
    assert not stages(page)
    assert "Too many steps" in page.caption[0].value
    assert len(page.get("image")) == 3
    page.segmented_control(key="pool_form").set_value("gather").run()
    assert len(stages(page)) == 1


def test_nonsense_in_the_address_leaves_the_page_as_it_was(open_page):
    nonsense = {
        "pool_size": "big",
        "pool_stride": "-1",
        "pool_padding": "<b>",
        "pool_values": "?",
        "pool_direction": "sideways",
        "pool_divisor": "nan",
        "pool_blocks": "1e99",
        "pool_kernel": "-7",
        "pool_tab": "Gossip",
    }
    page = open_page("pooling", {**nonsense, **COST})
    assert not page.exception
    assert page.number_input(key="pool_blocks").value == 2
    page = open_page("pooling", nonsense)
    assert not page.exception
    assert page.number_input(key="pool_size").value == 2
    assert page.segmented_control(key="pool_direction").value == "forward"
    assert "“?” in row 1 is not a number" in page.warning[0].value
    assert len(stages(page)) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1 2 3", "must have 3 rows and 3 columns"),
        ("nan", "“nan” in row 1 is not a number"),
        ("1 " * 1000, "1 row and 1,000 columns"),
    ],
)
def test_an_output_gradient_that_is_none_is_named(open_page, text, sentence):
    query = {"pool_direction": "back", "pool_grad": "own", "pool_delta": text}
    page = open_page("pooling", query)
    assert not page.exception
    assert sentence in page.warning[0].value
    assert len(stages(page)) == 1


def test_both_divisors_of_the_corner_are_compared(open_page):
    corner = {
        "pool_values": "8 0; 0 0",
        "pool_padding": "own",
        "pool_bottom": "0",
        "pool_right": "0",
        **FORMULAS,
    }
    text = said(open_page("pooling", corner))
    means = {"n_inside": 1, "by_inside": 8, "n_window": 4, "by_window": 2}
    place = {"n_different": 1, "n_results": 1, "row": 0, "column": 0}
    assert wording("pooling", "divisors", **means, **place).search(text)


def test_without_padding_no_divisor_is_spoken_of(open_page):
    assert not wording("pooling", "padded").search(said(open_page("pooling", FORMULAS)))


def test_ties_and_overlap_are_counted(open_page):
    """U15: the gradient of the busiest cell is a sum of what it receives."""
    page = open_page("pooling", {"pool_direction": "back", "pool_input": "ties"})
    assert wording("pooling", "ties", ties=4, windows=4).search(said(page))
    assert wording("pooling", "no_overlap").search(said(page))
    overlap = {"pool_direction": "back", "pool_input": "overlap", "pool_size": "3"}
    text = said(open_page("pooling", {**overlap, "pool_stride": "1"}))
    assert wording("pooling", "no_ties").search(text)
    assert wording("pooling", "overlap", won=1, row=2, column=2, most=9).search(text)
    assert "1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 = 9" in text
    assert r"\frac{1}{9} (9 \cdot 1) = 1" in text
    assert "dots" not in text


def test_a_cell_beyond_the_map_is_the_nearest_and_the_page_says_so(open_page):
    query = {"pool_direction": "back", "pool_grad": "one cell", "pool_grad_row": "30"}
    page = open_page("pooling", query)
    assert any("row 2, column 0" in each.value for each in page.caption)
    assert len(stages(page)) == 1


def test_what_remains_is_counted(open_page):
    page = open_page("pooling", {"pool_values": "4 0 1 1; 0 0 0 2"})
    assert wording("pooling", "kept", cells=8, results=2, share="25%").search(said(page))
    (kept,) = tables(page)
    assert kept["Cells that leave no trace"] == ["6 of 8", "0 of 8"]
    assert kept["Magnitude of the rest"] == ["75%", "100%"]
    assert kept["Reconstruction error"] == ["30%", "80%"]


def test_the_receptive_field_follows_the_stack_and_the_window(open_page):
    page = open_page("pooling", COST)
    assert wording("pooling", "stack_seen", size="10 × 10").search(said(page))
    assert tables(page)[0]["Receptive field"][-1] == "10 × 10 pixels"
    page.number_input(key="pool_blocks").set_value(4).run()
    page.number_input(key="pool_size").set_value(3).run()
    assert len(tables(page)[0]["Receptive field"]) == 8
    assert wording("pooling", "stack_seen", size="161 × 161").search(said(page))


def test_a_picture_that_cannot_move_or_is_empty_gets_a_sentence(open_page):
    page = open_page("pooling", {"pool_values": "1; 2", "pool_size": "1", **SHIFT})
    narrow = {"line": "column", "way": prose("pooling", "right")}
    assert wording("pooling", "shift_too_narrow", **narrow).search(said(page))
    page.segmented_control(key="pool_shift_way").set_value("down").run()
    assert wording("pooling", "shift", way=prose("pooling", "down")).search(said(page))
    page = open_page("pooling", {"pool_values": "0 0; 0 0", **SHIFT})
    assert wording("pooling", "shift_nothing").search(said(page))


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ("9 9 0 0; 9 9 0 0; 0 0 0 0; 0 0 0 0", "average"),
        ("9 0 0 0; 0 0 0 0; 0 0 0 0; 0 0 0 0", "both"),
        ("0 9 0 0; 0 0 0 0; 0 0 0 0; 0 0 0 0", "none"),
    ],
)
def test_the_page_says_which_kind_hardly_feels_a_shift(open_page, values, kinds):
    text = said(open_page("pooling", {"pool_values": values, **SHIFT}))
    assert wording("pooling", f"shift_{kinds}").search(text)
    assert wording("pooling", "shift_nearly", stride="2 pixels").search(text)
