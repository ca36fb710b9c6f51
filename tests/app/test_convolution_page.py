import pytest

from cnn_lab.kernels import KERNELS

EDITING = {"conv_edit_kernel": True}


def errors(page):
    return [error.value for error in page.error]


def warnings(page):
    return [warning.value for warning in page.warning]


def everything(page):
    return " ".join(element.value for element in [*page.markdown, *page.latex])


def test_the_first_visit_shows_the_stage_and_the_formula(open_page):
    page = open_page("convolution")
    assert not page.exception
    assert not errors(page)
    assert page.title[0].value == "Convolution"
    assert len(page.get("bidi_component")) == 1
    assert r"\dfrac{6 + 0 + 0 - 3}{1}\right\rfloor + 1 = 4" in everything(page)


@pytest.mark.parametrize(
    "query",
    [
        {"conv_stride": "5", "conv_padding": "full", "conv_rows": "1", "conv_columns": "12"},
        {"conv_kernel_rows": "7", "conv_kernel_columns": "7", "conv_padding": "same"},
        {"conv_kernel_rows": "1", "conv_kernel_columns": "1", "conv_kernel": "ones"},
        {"conv_channels": "colour", "conv_filters": "4", "conv_bias": "-1.5"},
        {"conv_input": "digit", "conv_digit": "9999", "conv_crop": "28"},
        {"conv_flip": "True convolution", "conv_dilation": "3", "conv_padding": "same"},
    ],
)
def test_extremes_that_are_legal_show_a_stage(open_page, query):
    page = open_page("convolution", query)
    assert not page.exception
    assert not errors(page)
    assert len(page.get("bidi_component")) == 1


def test_a_link_sets_every_control(open_page):
    page = open_page(
        "convolution",
        {
            "conv_kernel": KERNELS["laplacian"].title,
            "conv_stride": "2",
            "conv_padding": "same",
            "conv_bias": "0.5",
        },
    )
    assert page.selectbox(key="conv_kernel").value == "laplacian"
    assert page.number_input(key="conv_stride").value == 2
    assert page.number_input(key="conv_bias").value == 0.5
    assert r"\dfrac{6 + 0 + 1 - 3}{2}\right\rfloor + 1 = 3" in everything(page)


def test_a_kernel_larger_than_the_padded_image_gets_a_sentence(open_page):
    page = open_page("convolution", {"conv_rows": "2", "conv_kernel_rows": "5"})
    assert not page.exception
    assert "spans 5 pixels, the image with its padding has 2" in errors(page)[0]
    assert "would fit" in errors(page)[0]
    assert not page.get("bidi_component")
    page.segmented_control(key="conv_padding").set_value("full").run()
    assert not errors(page)
    assert len(page.get("bidi_component")) == 1


def test_too_many_steps_become_a_picture_of_the_whole_result(open_page):
    page = open_page(
        "convolution",
        {
            "conv_input": "digit",
            "conv_crop": "28",
            "conv_filters": "4",
            "conv_kernel_rows": "7",
            "conv_kernel_columns": "7",
            "conv_padding": "full",
            "conv_channels": "colour",
        },
    )
    assert not page.exception
    assert not page.get("bidi_component")
    assert "Too many steps" in page.caption[0].value
    assert len(page.get("image")) == 5


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1 2; 3", "All rows must be equally long"),
        ("nan", "“nan” in row 1 is no number"),
        ("1 " * 1000, "columns fit here"),
        ("<img src=x>", "is no number"),
    ],
)
def test_nonsense_in_the_address_gets_a_sentence_and_the_preset(open_page, text, sentence):
    page = open_page(
        "convolution", {"conv_weights": text, "conv_stride": "zero", "conv_rows": "-3"}
    )
    assert not page.exception
    assert sentence in warnings(page)[0]
    assert page.number_input(key="conv_stride").value == 1
    assert page.number_input(key="conv_rows").value == 6
    assert len(page.get("bidi_component")) == 1


def test_typed_weights_are_used_and_stay_in_the_address(open_page):
    page = open_page("convolution", {"conv_weights": "0 0 0; 0 2 0; 0 0 0"}, EDITING)
    assert page.text_input(key="conv_weights").value == "0 0 0; 0 2 0; 0 0 0"
    page.text_input(key="conv_weights").set_value("0 0 0; 0 x 0; 0 0 0").run()
    assert "“x” in row 2 is no number" in warnings(page)[0]
    page.text_input(key="conv_weights").set_value("").run()
    assert not warnings(page)


def test_weights_of_another_size_than_the_kernels_are_named(open_page):
    page = open_page("convolution", {"conv_weights": "1 2"})
    assert "Kernel must have 3 rows and 3 columns." in warnings(page)


def test_the_table_of_cells_begins_with_the_matrix_each_time_it_is_opened(open_page):
    page = open_page("convolution")
    assert not page.get("dataframe")
    page = open_page("convolution", {"conv_weights": "0 0 0; 0 2 0; 0 0 0"}, EDITING)
    assert page.session_state["conv_weights_base"][1, 1] == 2
    page.text_input(key="conv_weights").set_value("0 0 0; 0 5 0; 0 0 0").run()
    assert page.session_state["conv_weights_base"][1, 1] == 5
    assert len(page.get("dataframe")) == 1
