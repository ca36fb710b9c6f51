import re

import numpy as np
import pytest

from cnn_lab.app.padding.sections import EXPERIMENTS
from cnn_lab.data.kernels import KERNELS
from cnn_lab.data.teaching_images import stroke_image
from cnn_lab.ops import conv2d
from tests.app.elements import errors, grids, said, stages
from tests.prose import wording

LIBRARIES = {"pad_compare": "Keras and PyTorch"}
ALL = {"pad_compare": "all three"}
EQUATIONS = {"pad_equations": "true"}
COST = {"pad_tab": "Cost"}
CODE = {"pad_tab": "Code"}
TRANSPOSED = {"pad_compare": "transposed"}


def pictures_of_cells(page):
    return [html.proto.body for html in page.get("html") if 'class="cells"' in html.proto.body]


def numbers_in(picture):
    return [
        [float(text or "nan") for text in re.findall(r"<td[^>]*>([^<]*)</td>", line)]
        for line in re.findall(r"<tr>(.*?)</tr>", picture)
    ]


def test_the_first_visit_shows_one_padding_and_no_formula_until_one_is_asked_for(open_page):
    page = open_page("padding")
    assert not page.exception
    assert not page.latex
    assert "$" not in said(page)
    assert not page.get("image")
    assert page.segmented_control(key="pad_padding").value == "same"
    shown = grids(page)
    assert (shown["input"].shape, shown["output-1"].shape) == ((8, 8), (6, 6))
    told = wording("padding", "why", most=9, size="6 × 6", after_two="2 × 2")
    assert told.search(said(page))


def test_three_paddings_are_a_control_away(open_page):
    page = open_page("padding", {**ALL, **EQUATIONS})
    assert not page.exception
    assert not errors(page)
    assert page.title[0].value.endswith(" Padding and strides")
    assert len(stages(page)) == 1
    shown = said(page)
    for numerator, length in (("6 + 0 + 0 - 3", 4), ("6 + 1 + 1 - 3", 6), ("6 + 2 + 2 - 3", 8)):
        assert rf"\dfrac{{{numerator}}}{{1}}\right\rfloor + 1 = {length}" in shown
    assert re.search(r"corner is read once, .* 9 times", shown)


def test_how_often_each_pixel_is_read_is_drawn_with_its_numbers(open_page):
    valid, same, full = map(numbers_in, pictures_of_cells(open_page("padding", ALL)))
    once = [1, 2, 3, 3, 2, 1]
    np.testing.assert_array_equal(valid, np.outer(once, once))
    np.testing.assert_array_equal(same, np.outer([2, 3, 3, 3, 3, 2], [2, 3, 3, 3, 3, 2]))
    np.testing.assert_array_equal(full, np.full((6, 6), 9))


def test_what_the_floor_drops_is_said_with_the_readers_numbers(open_page):
    query = {"pad_padding": "valid", "pad_rows": "7", "pad_columns": "6", "pad_stride": "3"}
    page = open_page("padding", {**query, **EQUATIONS})
    shown = said(page)
    assert "7 + 0 + 0 − 3 = 4, and 4 / 3 = 1, remainder 1: the last row is never read." in shown
    assert "6 + 0 + 0 − 3 = 3, and 3 / 3 = 1" in shown
    assert "6 of 42 are never read" in shown


def test_a_dilated_kernel_is_measured_by_what_it_spans(open_page):
    query = {**EQUATIONS, "pad_padding": "valid", "pad_dilation": "2"}
    shown = said(open_page("padding", query))
    assert r"$2 \cdot (3 - 1) + 1 = 5$ rows and columns" in shown
    assert r"\dfrac{6 + 0 + 0 - 5}{1}\right\rfloor + 1 = 2" in shown


@pytest.mark.parametrize(
    "query",
    [
        {"pad_kernel_size": "7", "pad_rows": "12", "pad_columns": "12", "pad_stride": "5"},
        {"pad_kernel_size": "1", "pad_rows": "1", "pad_columns": "1", "pad_stride": "5"},
        {"pad_apart": "true", "pad_stride": "2", "pad_stride_columns": "3"},
        {"pad_input": "digit", "pad_digit": "9999", "pad_crop": "28", "pad_dilation": "3"},
        {**LIBRARIES, "pad_kernel_size": "6", "pad_stride": "5", "pad_dilation": "3"},
        {**LIBRARIES, "pad_input": "digit", "pad_crop": "20", "pad_kernel_size": "7"},
        {**TRANSPOSED, "pad_kernel_size": "1", "pad_stride": "5"},
        {**TRANSPOSED, "pad_form": "gather", "pad_transposed_padding": "same"},
        {"pad_padding": "own", "pad_top": "9", "pad_right": "9", "pad_left": "0"},
        {"pad_padding": "full", "pad_pad_mode": "its far side"},
        {**ALL, "pad_apart": "true", "pad_dilation_columns": "2"},
    ],
)
def test_extremes_that_are_legal_show_a_stage(open_page, query):
    page = open_page("padding", query)
    assert not page.exception
    assert not errors(page)
    assert len(stages(page)) == 1


def test_a_link_sets_every_control(open_page):
    page = open_page(
        "padding",
        {
            "pad_compare": "one padding",
            "pad_kernel_size": "5",
            "pad_stride": "2",
            "pad_dilation": "1",
            "pad_padding": "own",
            "pad_top": "3",
            "pad_pad_mode": "its edge repeated",
            "pad_kernel": KERNELS["binomial"].title,
            "pad_map_digit": "7",
            "pad_map_kernel": KERNELS["laplacian"].title,
            **EQUATIONS,
        },
    )
    assert page.segmented_control(key="pad_compare").value == "one padding"
    assert page.number_input(key="pad_top").value == 3
    assert page.selectbox(key="pad_pad_mode").value == "edge"
    assert page.selectbox(key="pad_kernel").value == "binomial"
    assert r"\dfrac{6 + 3 + 1 - 5}{2}\right\rfloor + 1 = 3" in said(page)
    map_of = {"pad_map_digit": "7", "pad_map_kernel": KERNELS["laplacian"].title}
    page = open_page("padding", {**COST, **map_of})
    assert page.number_input(key="pad_map_digit").value == 7
    assert page.selectbox(key="pad_map_kernel").value == "laplacian"


def test_one_padding_that_does_not_fit_leaves_the_others(open_page):
    page = open_page("padding", {**ALL, **CODE, "pad_rows": "2", "pad_kernel_size": "5"})
    assert not page.exception
    assert len(errors(page)) == 1
    assert "spans 5 pixels, the image with its padding has 2" in errors(page)[0]
    assert len(stages(page)) == 1
    assert page.segmented_control(key="pad_checked").options == ["Same", "Full"]


def test_nothing_that_fits_leaves_a_sentence_and_the_rest_of_the_page(open_page):
    query = {"pad_padding": "valid", "pad_rows": "2", "pad_kernel_size": "5"}
    assert not open_page("padding", {**query, **CODE}).exception
    assert wording("padding", "strides").search(said(open_page("padding", {**query, **COST})))
    page = open_page("padding", query)
    assert not page.exception
    assert "would fit" in errors(page)[0]
    assert not stages(page)
    assert wording("padding", "why_gone", size="2 × 6").search(said(page))
    page.segmented_control(key="pad_padding").set_value("full").run()
    assert not errors(page)
    assert len(stages(page)) == 1


def test_a_mirror_without_enough_pixels_says_so(open_page):
    page = open_page(
        "padding",
        {
            "pad_rows": "3",
            "pad_padding": "full",
            "pad_kernel_size": "5",
            "pad_pad_mode": "the image mirrored",
        },
    )
    assert not page.exception
    assert "can add at most 2 rows" in errors(page)[0]
    assert "zeros" in errors(page)[0]


def test_transposed_padding_that_leaves_nothing_says_so(open_page):
    page = open_page(
        "padding",
        {**TRANSPOSED, "pad_rows": "1", "pad_transposed_padding": "own", "pad_transposed_top": "9"},
    )
    assert not page.exception
    assert "must leave at least one pixel" in errors(page)[0]
    assert wording("padding", "less_cut_off").search(errors(page)[0])


def test_too_many_steps_become_a_picture_of_the_whole_result(open_page):
    page = open_page(
        "padding",
        {
            **TRANSPOSED,
            "pad_input": "digit",
            "pad_crop": "28",
            "pad_kernel_size": "7",
            "pad_stride": "5",
            "pad_form": "gather",
        },
    )
    assert not page.exception
    assert not stages(page)
    assert "Too many steps" in page.caption[0].value
    assert len(page.get("image")) == 2


@pytest.mark.parametrize("text", ["nan", "1 " * 1000, "<img src=x>", "-3"])
def test_nonsense_in_the_address_leaves_the_page_as_it_was(open_page, text):
    names = ("kernel_size", "stride", "dilation", "compare", "kernel", "checked", "map_digit")
    page = open_page("padding", {f"pad_{name}": text for name in names} | {"pad_values": text})
    assert not page.exception
    assert page.number_input(key="pad_kernel_size").value == 3
    assert page.segmented_control(key="pad_compare").value == "one padding"
    assert len(stages(page)) == 1


# --- the story


def test_the_cost_of_each_padding_is_told(open_page):
    shown = said(open_page("padding", {**ALL, **COST}))
    for name, side in (("Valid", 4), ("Same", 6), ("Full", 8)):
        numbers = {"name": name, "size": f"{side} × {side}", "weights": 9, "count": side**2 * 9}
        assert wording("padding", "multiply_adds", **numbers).search(shown)


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda each: each.name)
def test_an_experiment_ends_in_the_state_it_promises(open_page, experiment):
    page = open_page("padding", dict(experiment.query))
    assert not page.exception
    assert not errors(page)
    if experiment.name == "three":
        assert [grids(page, n)["output-1"].shape for n in range(3)] == [(4, 4), (6, 6), (8, 8)]
    elif experiment.name == "frame":
        shown = grids(page)
        assert (shown["input"][1:-1, 1:-1] == 9).all()
        assert (shown["output-1"] != 0).sum() == 20
        assert not shown["output-1"][1:-1, 1:-1].any()
        page.selectbox(key="pad_pad_mode").set_value("edge").run()
        assert not grids(page)["output-1"].any()
    elif experiment.name == "jump":
        counts = np.array(numbers_in(pictures_of_cells(page)[0]))
        assert ((counts == 0).sum(), counts.size) == (20, 36)
    else:
        assert experiment.name == "libraries"
        keras, pytorch = (grids(page, n)["output-1"] for n in (0, 1))
        assert keras.shape == (3, 3)
        assert (keras != pytorch).all()


# --- Keras against PyTorch


def test_libraries_are_compared_where_they_differ_unless_the_reader_says_otherwise(open_page):
    """U16: the comparison opens at a stride at which the libraries differ, and says when."""
    fresh = open_page("padding", LIBRARIES)
    chosen = open_page("padding")
    assert chosen.number_input(key="pad_stride").value == 1
    chosen.segmented_control(key="pad_compare").set_value("Keras and PyTorch").run()
    for page in (fresh, chosen):
        assert page.number_input(key="pad_stride").value == 2
        keras, pytorch = re.findall("beginning at [^.]*", pictures_of_cells(page)[0])
        assert keras != pytorch
        assert wording("padding", "numbers_differ").search(said(page))
        assert wording("padding", "agree_when").search(said(page))
        page.number_input(key="pad_stride").set_value(1).run()
        assert wording("padding", "agree", n=36).search(said(page))
        page.segmented_control(key="pad_compare").set_value("one padding").run()
        assert page.number_input(key="pad_stride").value == 1


def test_a_stride_in_the_address_of_a_comparison_stays(open_page):
    """U16: a link made at stride 1, or at 3, still opens there."""
    for stride in (1, 3):
        page = open_page("padding", {**LIBRARIES, "pad_stride": str(stride)})
        assert page.number_input(key="pad_stride").value == stride
        page.number_input(key="pad_kernel_size").set_value(5).run()
        assert page.number_input(key="pad_stride").value == stride


def test_libraries_agree_for_an_odd_kernel_at_stride_one(open_page):
    shown = said(open_page("padding", {**LIBRARIES, "pad_stride": "1"}))
    assert wording("padding", "agree", n=36).search(shown)
    assert wording("padding", "pytorch_same").search(shown)


def test_results_of_the_libraries_are_compared_number_by_number(open_page):
    page = open_page("padding", {**LIBRARIES, "pad_stride": "2"})
    image, kernel = stroke_image(6, 6)[np.newaxis], np.ones((3, 3, 1, 1))
    keras, pytorch = (
        conv2d(image, kernel, strides=2, padding=padding)[0, ..., 0] for padding in ("same", 1)
    )
    _, first, second, *_ = pictures_of_cells(page)
    np.testing.assert_array_equal(numbers_in(first), keras)
    np.testing.assert_array_equal(numbers_in(second), pytorch)
    differing = wording("padding", "numbers_differ", differing=(keras != pytorch).sum(), n=9)
    assert differing.search(said(page))


def test_an_even_kernel_makes_another_size_in_pytorch(open_page):
    page = open_page("padding", {**LIBRARIES, "pad_kernel_size": "2", "pad_stride": "1"})
    sizes = wording("padding", "sizes_differ", keras="6 × 6", pytorch="7 × 7")
    assert sizes.search(said(page))


def test_an_even_image_looks_the_same_to_both(open_page):
    ones = "; ".join(["1 1 1 1"] * 4)
    page = open_page(
        "padding",
        {**LIBRARIES, "pad_kernel_size": "3", "pad_stride": "4", "pad_values": ones},
    )
    assert wording("padding", "numbers_differ").search(said(page))
    page = open_page(
        "padding", {**LIBRARIES, "pad_stride": "4", "pad_values": ones.replace("1", "0")}
    )
    assert wording("padding", "numbers_agree").search(said(page))


def test_rulers_of_rows_and_columns_part_where_their_numbers_do(open_page):
    alike = pictures_of_cells(open_page("padding", {**LIBRARIES, "pad_stride": "2"}))[0]
    assert "Keras pads 0 before and 1 after; 3 windows, beginning at 0, 2, 4" in alike
    assert "PyTorch pads 1 before and 1 after; 3 windows, beginning at −1, 1, 3" in alike
    page = open_page("padding", {**LIBRARIES, "pad_rows": "7", "pad_stride": "2"})
    rows, columns = pictures_of_cells(page)[:2]
    assert rows.count("<tr>") == 3 + 4 + 4
    assert columns.count("<tr>") == 3 + 3 + 3


def test_of_many_windows_the_ruler_shows_the_first_and_the_last(open_page):
    query = {**LIBRARIES, "pad_input": "digit", "pad_crop": "28", "pad_stride": "1"}
    page = open_page("padding", query)
    ruler = pictures_of_cells(page)[0]
    assert "window 27" in ruler
    assert "window 12" not in ruler
    assert "…" in ruler


# --- transposed convolution


def test_a_transposed_convolution_undoes_the_shape_and_not_the_values(open_page):
    page = open_page("padding", {**TRANSPOSED, "pad_stride": "2"})
    shown = said(page)
    assert r"H' = W' = (6 - 1) \cdot 2 + 3 - 0 - 0 = 13" in shown
    assert wording("padding", "transposed_back", large="13 × 13", back="6 × 6").search(shown)
    assert wording("padding", "transposed_values").search(shown)


def test_the_gap_that_keras_adds_is_named(open_page):
    page = open_page("padding", {**TRANSPOSED, "pad_stride": "3", "pad_kernel_size": "1"})
    shown = said(page)
    assert r"(6 - 1) \cdot 3 + 1 - 0 - 0 + (3 - 1) = 18" in shown
    assert wording("padding", "transposed_gap").search(shown)
    assert wording("padding", "transposed_values_kept").search(shown)


# --- strides


def test_each_stride_of_a_digit_has_its_picture_and_its_numbers(open_page):
    page = open_page("padding", COST)
    shown = said(page)
    for stride, side in enumerate((26, 13, 9, 7, 6), start=1):
        numbers = {"stride": stride, "size": f"{side} × {side}", "n": side**2}
        assert wording("padding", "stride_figure", **numbers).search(shown)
    assert len(page.get("image")) == 5
    assert wording("padding", "stride_numbers", unread="0%").search(shown)


def test_the_code_is_for_the_layer_that_was_chosen(open_page):
    page = open_page("padding", {**ALL, **CODE, "pad_checked": "Same"})
    assert 'padding="same"' in page.code[0].value
    query = {**LIBRARIES, **CODE, "pad_stride": "2", "pad_checked": "PyTorch"}
    page = open_page("padding", query)
    assert "padding=(1, 1)" in page.code[1].value or "padding=1" in page.code[1].value
