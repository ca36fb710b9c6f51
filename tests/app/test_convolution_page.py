import io

import keras
import numpy as np
import pytest
from PIL import Image

import cnn_lab.ops.conv
import cnn_lab.trace.convolution
from cnn_lab.app.convolution.sections import EXPERIMENTS
from cnn_lab.app.widgets.inputs import LARGER, REPEATED
from cnn_lab.data.kernels import KERNELS
from cnn_lab.data.teaching_images import sample_photo
from cnn_lab.data.uploads import MAX_SIDE, lightness, place_of_most_contrast
from cnn_lab.ops.correlation import correlate
from tests.app.elements import errors, grids, said, stages, tables
from tests.prose import wording

EDITING = {"conv_edit_kernel": True}
PICTURE = {"conv_input": "picture"}
EQUATIONS = {"conv_equations": "true"}
COST = {"conv_tab": "Cost"}


def warnings(page):
    return [warning.value for warning in page.warning]


def upload(page, data, name="mine.png", kind="image/png"):
    return page.file_uploader(key="conv_upload").upload(name, data, kind).run()


def encoded(picture, kind="PNG"):
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()


def test_what_is_left_unread_is_told_apart_from_what_is_read_as_a_copy(open_page):
    """M16: under the far side's copies every pixel is read; of a border of zeros, a line is not."""
    query = {"conv_stride": "3", "conv_padding": "own", "conv_top": "1", "conv_left": "1"}
    query |= {"conv_bottom": "0", "conv_right": "0", "conv_pad_mode": "its far side", **EQUATIONS}
    text = said(open_page("convolution", query))
    assert "of the image are read only as copies in the padding." in text
    assert "never read" not in text
    text = said(open_page("convolution", {**EQUATIONS, "conv_stride": "2", "conv_padding": "full"}))
    assert "of the padding are never read." in text


def test_the_first_visit_shows_the_stage_and_no_formula_until_one_is_asked_for(open_page):
    page = open_page("convolution")
    assert not page.latex
    assert not tables(page)
    assert not page.code
    assert "$" not in said(page)
    page = open_page("convolution", EQUATIONS)
    assert not page.exception
    assert not errors(page)
    assert page.title[0].value.endswith(" Convolution")
    assert len(stages(page)) == 1
    assert r"\dfrac{6 + 0 + 0 - 3}{1}\right\rfloor + 1 = 4" in said(page)


@pytest.mark.parametrize(
    "query",
    [
        {"conv_stride": "5", "conv_padding": "full", "conv_rows": "1", "conv_columns": "12"},
        {"conv_kernel_rows": "7", "conv_kernel_columns": "7", "conv_padding": "same"},
        {"conv_kernel_rows": "1", "conv_kernel_columns": "1", "conv_kernel": "ones"},
        {"conv_channels": "colour", "conv_filters": "4", "conv_bias": "-1.5"},
        {"conv_input": "digit", "conv_digit": "9999", "conv_crop": "28"},
        {"conv_flip": "True convolution", "conv_dilation": "3", "conv_padding": "same"},
        {"conv_flip": "Both in step", "conv_padding": "full", "conv_stride": "3"},
        {"conv_apart": "true", "conv_stride": "5", "conv_dilation_columns": "2"},
        {"conv_padding": "own", "conv_top": "6", "conv_left": "0", "conv_pad_mode": "its far side"},
        {"conv_padding": "full", "conv_pad_mode": "the image mirrored"},
        {"conv_channels": "four", "conv_groups": "in groups", "conv_group_filters": "2"},
        {"conv_channels": "colour", "conv_groups": "in groups"},
        {"conv_channels": "colour", "conv_groups": "never", "conv_group_filters": "2"},
        {"conv_channels": "four", "conv_kernel_rows": "1", "conv_kernel_columns": "1"},
        {"conv_filters": "4", "conv_biases": "true", "conv_bias_4": "1000000"},
        {"conv_input": "picture", "conv_crop": "8", "conv_crop_row": "511"},
    ],
)
def test_extremes_that_are_legal_show_a_stage(open_page, query):
    page = open_page("convolution", query)
    assert not page.exception
    assert not errors(page)
    assert len(stages(page)) == 1


def test_a_link_sets_every_control(open_page):
    page = open_page(
        "convolution",
        {
            "conv_kernel": KERNELS["laplacian"].title,
            "conv_stride": "2",
            "conv_padding": "same",
            "conv_bias": "0.5",
            "conv_activation": "relu",
            **EQUATIONS,
        },
    )
    assert page.segmented_control(key="conv_activation").value == "relu"
    assert page.selectbox(key="conv_kernel").value == "laplacian"
    assert page.number_input(key="conv_stride").value == 2
    assert page.number_input(key="conv_bias").value == 0.5
    assert r"\dfrac{6 + 0 + 1 - 3}{2}\right\rfloor + 1 = 3" in said(page)


def test_the_remedy_is_for_the_size_that_does_not_fit(open_page):
    """M16: too few pixels to copy are no fault of the window, nor a large window of the copies."""
    copies = {"conv_pad_mode": "its far side"}
    query = {**copies, "conv_rows": "2", "conv_padding": "own", "conv_top": "5"}
    assert errors(open_page("convolution", query))[0].endswith(REPEATED)
    query = {**copies, "conv_rows": "2", "conv_kernel_rows": "5"}
    assert errors(open_page("convolution", query))[0].endswith(LARGER)


def test_a_kernel_larger_than_the_padded_image_gets_a_sentence(open_page):
    page = open_page("convolution", {"conv_rows": "2", "conv_kernel_rows": "5"})
    assert not page.exception
    assert "spans 5 pixels, the image with its padding has 2" in errors(page)[0]
    assert "would fit" in errors(page)[0]
    assert not stages(page)
    page.segmented_control(key="conv_padding").set_value("full").run()
    assert not errors(page)
    assert len(stages(page)) == 1


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
    assert not stages(page)
    assert "Too many steps" in page.caption[0].value
    assert len(page.get("image")) == 5


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1 2; 3", "row 1 has 2, row 2 has 1"),
        ("nan", "“nan” in row 1 is not a number"),
        ("1 " * 1000, "1 row and 1,000 columns"),
        ("<img src=x>", "is not a number"),
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
    assert len(stages(page)) == 1


def test_typed_weights_are_used_and_stay_in_the_address(open_page):
    page = open_page("convolution", {"conv_weights": "0 0 0; 0 2 0; 0 0 0"}, EDITING)
    assert page.text_input(key="conv_weights").value == "0 0 0; 0 2 0; 0 0 0"
    page.text_input(key="conv_weights").set_value("0 0 0; 0 x 0; 0 0 0").run()
    assert "“x” in row 2 is not a number" in warnings(page)[0]
    page.text_input(key="conv_weights").set_value("").run()
    assert not warnings(page)


def test_weights_of_another_size_than_the_kernels_are_named(open_page):
    page = open_page("convolution", {"conv_weights": "1 2"})
    assert "must have 3 rows and 3 columns" in warnings(page)[0]


def test_the_table_of_cells_begins_with_the_matrix_each_time_it_is_opened(open_page):
    page = open_page("convolution")
    assert not page.get("dataframe")
    page = open_page("convolution", {"conv_weights": "0 0 0; 0 2 0; 0 0 0"}, EDITING)
    assert page.session_state["conv_weights_base"][1, 1] == 2
    page.text_input(key="conv_weights").set_value("0 0 0; 0 5 0; 0 0 0").run()
    assert page.session_state["conv_weights_base"][1, 1] == 5
    assert len(page.get("dataframe")) == 1


def test_the_first_visit_ties_the_letters_to_its_cells(open_page):
    page = open_page("convolution", EQUATIONS)
    text = said(page)
    assert "the input, 6 × 6 cells, values from 0 to 9" in text
    assert "the kernel, 3 × 3 cells: Sobel vertical" in text
    assert r"8 \cdot (-1) + 8 \cdot 0 + 3 \cdot 1" in text
    assert "(3)" in text
    assert "(2)" not in text
    (costs,) = tables(open_page("convolution", COST))
    assert costs["Layer"] == ["Convolution", "Depthwise, then 1 × 1", "Dense"]
    assert costs["Multiply-adds"][0] == "144"


def test_true_convolution_shows_its_own_equations(open_page):
    page = open_page("convolution", {**EQUATIONS, "conv_flip": "True convolution"})
    text = said(page)
    assert "(1)" in text
    assert "(2)" in text
    assert "(3)" not in text
    symbols = wording("convolution", "symbols", origin=r"S(2,\,2)", equation=2)
    assert symbols.search(text)


def test_the_flip_lab_says_what_turning_the_kernel_changed(open_page):
    page = open_page("convolution", {"conv_flip": "Both in step"})
    assert wording("convolution", "flip_opposite").search(said(page))
    page.selectbox(key="conv_kernel").set_value("binomial").run()
    assert wording("convolution", "flip_symmetric").search(said(page))
    page.selectbox(key="conv_kernel").set_value("emboss").run()
    assert wording("convolution", "flip_different").search(said(page))
    assert not page.exception


def test_rows_and_columns_go_apart(open_page):
    page = open_page("convolution", {**EQUATIONS, "conv_apart": "true", "conv_stride": "2"})
    assert page.number_input(key="conv_stride").value == 2
    assert page.number_input(key="conv_stride_columns").value == 1
    assert "the stride: 2 down, 1 to the right" in said(page)
    page.toggle(key="conv_apart").set_value(False).run()
    assert "the stride: 2 down, 2 to the right" in said(page)


def test_padding_of_ones_own_is_four_numbers(open_page):
    query = {**EQUATIONS, "conv_padding": "own", "conv_top": "2", "conv_right": "0"}
    page = open_page("convolution", query)
    assert "the padding: 2 above, 1 below, 1 left, 0 right" in said(page)


def test_mirrored_padding_wider_than_the_image_gets_a_sentence(open_page):
    page = open_page(
        "convolution",
        {"conv_padding": "own", "conv_left": "9", "conv_pad_mode": "the image mirrored"},
    )
    assert not page.exception
    assert "can add at most 5 columns to an image of 6" in errors(page)[0]
    assert "less padding" in errors(page)[0]
    page.selectbox(key="conv_pad_mode").set_value("edge").run()
    assert not errors(page)


@pytest.mark.parametrize(
    ("channels", "groups", "filters", "depth"),
    [("four", "in groups", 2, 2), ("four", "never", 4, 1), ("colour", "in groups", 3, 1)],
)
def test_groups_part_the_channels(open_page, channels, groups, filters, depth):
    query = {"conv_channels": channels, "conv_groups": groups}
    page = open_page("convolution", {**query, **EQUATIONS})
    assert not page.exception
    assert f"$c$ runs over {depth} of" in said(page)
    costs = said(open_page("convolution", {**query, **COST}))
    assert rf"{filters} \cdot ({9 * depth} + 1)" in costs


def test_a_bias_for_each_filter(open_page):
    query = {"conv_filters": "2", "conv_biases": "true", "conv_bias": "1", "conv_bias_2": "-2"}
    query |= EQUATIONS
    page = open_page("convolution", query)
    assert "the bias: 1 and −2" in said(page)


def test_a_kernel_of_one_cell_is_explained(open_page):
    query = {**EQUATIONS, "conv_kernel_rows": "1", "conv_kernel_columns": "1"}
    page = open_page("convolution", query)
    assert wording("convolution", "pointwise").search(said(page))


@pytest.mark.parametrize(
    "query",
    [
        {"conv_stride": ["1"] * 1000, "conv_weights": ["1 2; 3 4"] * 1000},
        {"conv_dilation": "nan", "conv_bias": "nan", "conv_digit": "1e300"},
        {"conv_bias_2": "1e300", "conv_filters": "2", "conv_biases": "true"},
        {"conv_rows": "-" + "9" * 300, "conv_stride": "9" * 300, "conv_bias": "9" * 300},
        {"conv_flip": "sideways", "conv_groups": "some", "conv_channels": "-1"},
        {"conv_padding": "own", "conv_top": "-1", "conv_left": "two", "conv_pad_mode": "<b>"},
        {
            "conv_input": "picture",
            "conv_crop_row": "nan",
            "conv_crop_column": "-5",
            "conv_crop": "9",
        },
        {"conv_values": "nan 1; 2 3", "conv_weights": "inf 0 0; 0 0 0; 0 0 0"},
    ],
    ids=lambda query: next(iter(query)),
)
def test_nonsense_in_the_address_leaves_a_page_that_works(open_page, query):
    page = open_page("convolution", query)
    assert not page.exception
    assert not errors(page)
    assert len(stages(page)) == 1


def test_without_a_picture_there_is_a_drawn_one_and_an_invitation(open_page):
    page = open_page("convolution", PICTURE)
    assert not page.exception
    assert wording("convolution", "invitation").search(said(page))
    assert "256 × 384 pixels" in said(page)
    assert len(page.get("image")) == 2
    place = page.session_state["conv_crop_row"], page.session_state["conv_crop_column"]
    assert place == place_of_most_contrast(lightness(sample_photo()), 14)


def test_an_uploaded_picture_is_filtered_whole_and_played_in_part(open_page):
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[25:, 30:] = 255
    page = open_page("convolution", {**PICTURE, **EQUATIONS})
    page = upload(page, encoded(Image.fromarray(pixels)))
    assert not page.exception
    assert "40 × 60 pixels" in said(page)
    assert not wording("convolution", "invitation").search(said(page))
    whole = {"title": "Output", "rows": 38, "columns": 58, "low": 0, "high": 1020}
    assert wording("convolution", "whole_result", **whole).search(said(page))
    assert "the input, 14 × 14 cells, values from 0 to 255" in said(page)
    assert "12 × 12 cells" in said(page)  # the result on the stage
    page.number_input(key="conv_stride").set_value(2).run()
    smaller = {"title": "Output", "rows": 19, "columns": 29}
    assert wording("convolution", "whole_result", **smaller).search(said(page))
    assert len(stages(page)) == 1


def test_a_picture_stays_until_another_takes_its_place(open_page):
    page = upload(open_page("convolution", PICTURE), encoded(Image.new("RGB", (30, 20), "teal")))
    page.segmented_control(key="conv_input").set_value("digit").run()
    page.segmented_control(key="conv_input").set_value("picture").run()
    assert "20 × 30 pixels" in said(page)
    upload(page, encoded(Image.new("L", (9, 8), 3)))
    assert "8 × 9 pixels" in said(page)
    page.button(key="conv_sample").click().run()
    assert "256 × 384 pixels" in said(page)
    assert not page.exception


@pytest.mark.parametrize("channels", ["grey", "colour", "four"])
@pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 1), (520, 520)])
def test_pictures_of_any_size_can_be_filtered(open_page, size, channels):
    query = {**PICTURE, "conv_padding": "same", "conv_channels": channels, "conv_filters": "2"}
    page = upload(open_page("convolution", query), encoded(Image.new("RGB", size, "teal")))
    assert not page.exception
    assert not errors(page)
    columns, rows = (min(side, MAX_SIDE) for side in size)
    whole = {"title": "Filter 2", "rows": rows, "columns": columns}
    assert wording("convolution", "whole_result", **whole).search(said(page))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"no picture", "must be a PNG, JPEG or WebP"),
        (encoded(Image.new("L", (50, 50)))[:60], "picture"),
        (encoded(Image.new("1", (5000, 4000))), "at most 16 million pixels"),
    ],
)
def test_bad_pictures_get_a_sentence_and_the_old_one_stays(open_page, data, sentence):
    page = upload(open_page("convolution", PICTURE), data)
    assert not page.exception
    assert sentence in errors(page)[0]
    assert "256 × 384 pixels" in said(page)
    assert len(stages(page)) == 1
    page.number_input(key="conv_stride").set_value(2).run()
    assert sentence in errors(page)[0]  # the file is still there
    upload(page, encoded(Image.new("L", (9, 8), 3)))
    assert not errors(page)


def test_the_camera_is_asked_for_only_when_wanted(open_page):
    page = open_page("convolution", PICTURE)
    assert not page.get("camera_input")
    page.segmented_control(key="conv_camera").set_value("the camera").run()
    assert len(page.get("camera_input")) == 1
    assert not page.exception


def test_a_picture_smaller_than_the_kernel_gets_a_sentence(open_page):
    query = {**PICTURE, "conv_kernel_rows": "7"}
    page = upload(open_page("convolution", query), encoded(Image.new("L", (30, 5), 3)))
    assert not page.exception
    assert "would fit" in errors(page)[0]


def test_the_stage_comes_with_a_check_and_with_code_for_its_settings(open_page):
    query = {"conv_stride": "2", "conv_padding": "same", "conv_tab": "Code"}
    page = open_page("convolution", query)
    assert page.button(key="conv_check").label == "Check against Keras"
    code = "\n".join(block.value for block in page.code)
    assert code.count("import") >= 3
    assert 'padding="same"' in code
    assert "strides=2" in code


def test_a_rerun_convolves_once(open_page, monkeypatch):
    """Stage, sections and check share one output, whichever of them comes first."""
    page, sizes = open_page("convolution"), []

    def counted(*arguments):
        output = correlate(*arguments)
        sizes.append(output.shape[1:3])
        return output

    for module in (cnn_lab.ops.conv, cnn_lab.trace.convolution):
        monkeypatch.setattr(module, "correlate", counted)
    page.number_input(key="conv_stride").set_value(2).run()
    assert sizes == [(2, 2)]


# --- the activation


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize("flip", ["Cross-correlation", "True convolution"])
def test_what_follows_the_sum_is_what_keras_makes_of_it(open_page, activation, flip):
    query = {"conv_activation": activation, "conv_flip": flip, "conv_filters": "2"}
    page = open_page("convolution", {**query, "conv_bias": "3"})
    shown = grids(page)
    kernel = np.stack([shown[f"kernel-{f}-1"] for f in (1, 2)], axis=-1)[:, :, np.newaxis]
    kernel = kernel[::-1, ::-1] if flip == "True convolution" else kernel
    layer = keras.layers.Conv2D(2, 3, activation=activation)
    layer.build((1, 6, 6, 1))
    layer.set_weights([kernel, np.full(2, 3.0)])
    expected = np.asarray(layer(shown["input"][np.newaxis, ..., np.newaxis]))[0]
    for f in (0, 1):
        np.testing.assert_allclose(shown[f"activated-{f + 1}"], expected[..., f], atol=1e-5)


def test_the_code_has_the_activation_and_without_one_the_stage_has_no_further_grid(open_page):
    page = open_page("convolution", {"conv_tab": "Code", "conv_activation": "relu"})
    keras_code, pytorch_code, numpy_code = (block.value for block in page.code)
    assert 'activation="relu"' in keras_code
    assert "torch.relu(result)" in pytorch_code
    assert "relu(result)" in numpy_code
    page.segmented_control(key="conv_activation").set_value("none").run()
    assert not any(name.startswith("activated") for name in grids(page))


def test_what_relu_did_is_counted(open_page):
    page = open_page("convolution", {"conv_activation": "relu"})
    output = grids(page)["output-1"]
    told = wording("convolution", "rectified", negative=(output < 0).sum(), n=output.size)
    assert told.search(said(page))
    assert not wording("convolution", "rectified").search(said(open_page("convolution")))


# --- the story


def test_only_the_open_tab_is_computed(open_page):
    page = open_page("convolution", {"conv_tab": "Try this"})
    assert not wording("convolution", "who").search(said(page))
    assert not page.code
    assert not tables(page)
    links = [link.proto.query_string for link in page.get("page_link")]
    assert sum(link.startswith("only=1") for link in links) == len(EXPERIMENTS)


def test_the_receptive_field_of_two_layers_is_told_for_these_settings(open_page):
    query = {"conv_kernel_rows": "5", "conv_stride": "2", "conv_rows": "12"}
    told = wording("convolution", "layers", near="5 × 3", far="13 × 7")
    assert told.search(said(open_page("convolution", query)))


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda each: each.name)
def test_an_experiment_ends_in_the_state_it_promises(open_page, experiment):
    page = open_page("convolution", dict(experiment.query))
    assert not page.exception
    assert not errors(page)
    shown = grids(page)
    output = shown["output-1"]
    if experiment.name == "edge":
        assert (shown["input"][:, :3] < shown["input"][:, 3:]).all()
        assert output.shape == (4, 4)
        assert (output[:, 1:3] != 0).all()
        assert not output[:, [0, 3]].any()
    elif experiment.name == "blur":
        assert np.count_nonzero(shown["input"]) == 1
        assert shown["input"].max() == 9
        np.testing.assert_allclose(np.sort(output, axis=None), [0] * 7 + [1] * 9, atol=1e-6)
    elif experiment.name == "relu":
        assert (output < 0).sum() == 12
        np.testing.assert_array_equal(shown["activated-1"], np.maximum(output, 0))
        assert np.count_nonzero(shown["activated-1"]) == 4
    else:
        assert experiment.name == "digit"
        assert shown["input"].shape == (28, 28)
        assert output.shape == (26, 26)
        above, below = (np.nonzero(sign > 0)[1].mean() for sign in (output, -output))
        assert above < below  # orange to the left of blue
