import pytest


def errors(page):
    return [error.value for error in page.error]


def everything(page):
    return " ".join(element.value for element in [*page.markdown, *page.latex])


def test_the_first_visit_shows_both_poolings_in_step(open_page):
    page = open_page("pooling")
    assert not page.exception
    assert not errors(page)
    assert len(page.get("bidi_component")) == 1
    assert r"\frac{1}{4}" in everything(page)
    assert "the max-pooled map by" in everything(page)


@pytest.mark.parametrize(
    "query",
    [
        {"pool_size": "6", "pool_stride": "1", "pool_padding": "same"},
        {"pool_size": "1", "pool_stride": "6"},
        {"pool_rows": "1", "pool_columns": "1", "pool_size": "1"},
        {"pool_rows": "12", "pool_columns": "2", "pool_size": "2"},
        {"pool_input": "digit", "pool_digit": "9999", "pool_crop": "28", "pool_white": "1"},
    ],
)
def test_extremes_that_are_legal_show_a_stage(open_page, query):
    page = open_page("pooling", query)
    assert not page.exception
    assert not errors(page)
    assert len(page.get("bidi_component")) == 1


def test_a_link_sets_every_control(open_page):
    page = open_page("pooling", {"pool_size": "3", "pool_stride": "2", "pool_padding": "same"})
    assert page.number_input(key="pool_size").value == 3
    assert page.selectbox(key="pool_stride").value == 2
    assert r"\dfrac{6 + 0 + 1 - 3}{2}\right\rfloor + 1 = 3" in everything(page)
    assert "divides by the cells that lie inside the image" in everything(page)


def test_what_the_stride_leaves_over_is_said(open_page):
    page = open_page("pooling", {"pool_rows": "7", "pool_columns": "6"})
    assert "the last row is never read" in everything(page)


def test_a_window_larger_than_the_image_gets_a_sentence(open_page):
    page = open_page("pooling", {"pool_rows": "2", "pool_size": "5"})
    assert not page.exception
    assert "spans 5 pixels, the image with its padding has 2" in errors(page)[0]
    page.number_input(key="pool_size").set_value(2).run()
    assert not errors(page)
    assert len(page.get("bidi_component")) == 1


def test_nonsense_in_the_address_leaves_the_page_as_it_was(open_page):
    nonsense = {"pool_size": "big", "pool_stride": "-1", "pool_padding": "<b>", "pool_values": "?"}
    page = open_page("pooling", nonsense)
    assert not page.exception
    assert page.number_input(key="pool_size").value == 2
    assert "“?” in row 1 is no number" in page.warning[0].value
    assert len(page.get("bidi_component")) == 1
