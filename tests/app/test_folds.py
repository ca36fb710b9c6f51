"""Controls in folds: read while a fold has not been opened, created when it is."""

import json

import pytest

from tests.app.conftest import FOLDS
from tests.app.elements import stages

# Page -> settings whose controls stand in its folds.
SETTINGS = {
    "convolution": {
        "conv_input": "digit",
        "conv_digit": "7",
        "conv_dilation": "2",
        "conv_flip": "True convolution",
        "conv_filters": "2",
        "conv_biases": "true",
        "conv_bias": "3",
        "conv_bias_2": "-1",
        "conv_apart": "true",
        "conv_dilation_columns": "3",
    },
    "padding": {"pad_kernel_size": "2", "pad_dilation": "2", "pad_rows": "5", "pad_seed": "3"},
    "pooling": {"pool_input": "digit", "pool_digit": "3", "pool_padding": "same"},
    "backpropagation": {
        "back_part": "Gradients",
        "back_bias": "1.5",
        "back_stride": "2",
        "back_rows": "7",
    },
}


def shown(page):
    """What the stage got, without what is different in each session."""
    data = json.loads(stages(page)[0].proto.json)
    data.get("editing", {}).pop("session", None)
    return data


def keys(page):
    kinds = ("number_input", "selectbox", "button_group", "toggle", "radio", "text_input")
    return {widget.key for kind in kinds for widget in page.get(kind)}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_closed_fold_counts_as_much_as_an_open_one(open_page, name):
    closed = open_page(name, SETTINGS[name], folded=True)
    opened = open_page(name, SETTINGS[name])
    assert not closed.exception
    assert shown(closed) == shown(opened)
    part = {key: text for key, text in SETTINGS[name].items() if key == "back_part"}
    assert shown(closed) != shown(open_page(name, part, folded=True))
    # Those that the address names are there already, so that leaving the page does not lose them.
    assert keys(closed) >= SETTINGS[name].keys()
    assert keys(opened) > keys(closed)
    assert closed.query_params.keys() >= SETTINGS[name].keys()


def test_a_fold_that_is_opened_shows_what_the_address_says(open_page):
    page = open_page("convolution", SETTINGS["convolution"], folded=True)
    before = shown(page)
    for fold in FOLDS:
        page.session_state[fold] = True
    page.run()
    assert page.number_input(key="conv_dilation").value == 2
    assert page.number_input(key="conv_bias_2").value == -1
    assert shown(page) == before


def test_a_value_that_is_not_allowed_counts_no_more_in_a_closed_fold(open_page):
    page = open_page("convolution", {"conv_dilation": "99", "conv_flip": "sideways"}, folded=True)
    assert not page.exception
    assert shown(page) == shown(open_page("convolution", folded=True))
