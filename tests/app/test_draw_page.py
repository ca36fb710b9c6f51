"""Draw a digit, without a browser: drawings come from the session."""

import base64
import io
import re

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest

from cnn_lab.data import load_mnist
from cnn_lab.digits import prepare_digit
from cnn_lab.ui.canvas import Drawing

SEVEN = [(70, 60), (210, 60), (130, 240)]
INVITATION = "Draw a digit with mouse, pen or finger"


def drawing(picture, note=""):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return Drawing([{"type": "Path"}], base64.b64encode(buffer.getvalue()).decode(), note)


def black():
    return Image.new("RGBA", (280, 280), "black")


def seven():
    picture = black()
    ImageDraw.Draw(picture).line(SEVEN, fill="white", width=22, joint="curve")
    return drawing(picture)


def words(page):
    return " ".join(e.value for e in [*page.markdown, *page.subheader, *page.caption])


def answer(page):
    return [heading.value for heading in page.subheader]


def bars(page):
    """The labels of the ten bars."""
    (chart,) = page.get("vega_lite_chart")
    table = pa.ipc.open_stream(chart.proto.data.data)
    return table.read_pandas()["label"].tolist()


def test_empty_canvas_invites_and_shows_ten_empty_bars(open_page):
    page = open_page("draw")
    assert not page.exception
    assert not page.error
    assert INVITATION in words(page)
    assert not answer(page)
    assert bars(page) == ["–"] * 10
    assert page.button(key="draw_undo").disabled
    assert page.button(key="draw_clear").disabled
    assert not page.button(key="draw_sample").disabled


@pytest.mark.parametrize("model", ["paper", "fast"])
def test_seven_is_read_by_the_model_in_the_address(open_page, model):
    page = open_page("draw", {"draw_model": model}, {"draw_drawing": seven()})
    assert not page.exception
    assert page.segmented_control(key="draw_model").value == model
    (sentence,) = answer(page)
    assert sentence.startswith("I read a 7 (")
    shown = bars(page)
    assert f"({shown[7]})" in sentence
    assert all(re.fullmatch(r">?\d+\.\d%", number) for number in shown)
    assert INVITATION not in words(page)


def test_shipped_model_says_how_good_it_is(open_page):
    page = open_page("draw")
    assert page.segmented_control(key="draw_model").value == "paper"
    assert "1,134,426 learned numbers, reads 99." in words(page)


def test_drawing_is_there_for_other_pages():
    def elsewhere():
        import streamlit as st

        from cnn_lab.ui.drawn import drawn_image

        st.session_state["seen"] = drawn_image()

    page = AppTest.from_function(elsewhere)
    assert page.run().session_state["seen"] is None
    page.session_state["draw_drawing"] = seven()
    with Image.open(io.BytesIO(base64.b64decode(seven().png))) as picture:
        expected = prepare_digit(np.asarray(picture.convert("RGBA")))
    np.testing.assert_array_equal(page.run().session_state["seen"], expected)


def test_dot_gets_a_sentence_and_no_answer(open_page):
    picture = black()
    ImageDraw.Draw(picture).ellipse((100, 100, 120, 120), fill="white")
    page = open_page("draw", state={"draw_drawing": drawing(picture)})
    assert not page.exception
    assert "only a dot" in words(page)
    assert not answer(page)


def test_whole_canvas_filled_is_answered(open_page):
    picture = Image.new("RGBA", (280, 280), "white")
    page = open_page("draw", state={"draw_drawing": drawing(picture)})
    assert not page.exception
    assert len(answer(page)) == 1


@pytest.mark.parametrize(
    "png",
    [
        "no base64!",
        base64.b64encode(b"no picture").decode(),
        drawing(Image.new("RGBA", (4000, 10))).png,
        "",
    ],
)
def test_what_is_no_canvas_counts_as_empty(open_page, png):
    page = open_page("draw", state={"draw_drawing": Drawing([{"type": "Path"}], png)})
    assert not page.exception
    assert INVITATION in words(page)


def test_sample_puts_a_test_digit_on_the_canvas_and_reads_it(open_page):
    page = open_page("draw")
    page.button(key="draw_sample").click().run()
    assert not page.exception
    kept = page.session_state["draw_drawing"]
    assert kept.objects[0]["type"] == "Image"
    assert kept.note.startswith("MNIST test image ")
    index, label = (
        int(part.split()[-1].replace(",", "")) for part in kept.note.split(", labelled ")
    )
    assert load_mnist().test.labels[index] == label
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(kept.png))))
    np.testing.assert_array_equal(shown[5::10, 5::10, 0], load_mnist().test.pixels[index])
    assert kept.note in words(page)
    assert len(answer(page)) == 1
    assert not page.button(key="draw_clear").disabled


def test_undo_takes_the_latest_off_and_clear_all(open_page):
    two = Drawing([{"type": "Path", "n": 1}, {"type": "Path", "n": 2}], seven().png)
    page = open_page("draw", state={"draw_drawing": two})
    page.button(key="draw_undo").click().run()
    assert page.session_state["draw_start"]["objects"] == [{"type": "Path", "n": 1}]
    first = page.session_state["draw_start"]["revision"]
    page.button(key="draw_undo").click().run()
    assert page.session_state["draw_start"]["objects"] == []
    assert page.session_state["draw_start"]["revision"] == first + 1
    assert INVITATION in words(page)

    page = open_page("draw", state={"draw_drawing": two})
    page.button(key="draw_clear").click().run()
    assert page.session_state["draw_drawing"] == Drawing()
    assert INVITATION in words(page)
    assert page.button(key="draw_undo").disabled


def test_drawing_survives_a_change_of_page(open_page):
    page = open_page("draw", state={"draw_drawing": seven()})
    page.switch_page("pages/pooling.py").run()
    page.switch_page("pages/draw.py").run()
    assert not page.exception
    assert answer(page)[0].startswith("I read a 7 (")
    assert page.session_state["draw_start"]["objects"] == [{"type": "Path"}]


@pytest.mark.parametrize("model", ["run-vanished", "run-../../secret", "nonsense", "9" * 500])
def test_unknown_model_gives_a_sentence_and_the_papers_network(open_page, model):
    page = open_page("draw", {"draw_model": model}, {"draw_drawing": seven()})
    assert not page.exception
    assert page.segmented_control(key="draw_model").value == "paper"
    assert "not here (any more)" in page.info[0].value
    assert answer(page)[0].startswith("I read a 7 (")


@pytest.mark.parametrize("brush", ["999", "-5", "nan", "wide"])
def test_nonsense_brush_is_held_to_its_limits(open_page, brush):
    page = open_page("draw", {"draw_brush": brush})
    assert not page.exception
    assert 8 <= page.slider(key="draw_brush").value <= 32


def test_upload_that_is_no_picture_says_so_and_keeps_the_drawing(open_page):
    page = open_page("draw", state={"draw_drawing": seven()})
    page.file_uploader(key="draw_upload").upload("seven.png", b"seven", "image/png").run()
    assert not page.exception
    assert "This is no picture" in page.error[0].value
    assert answer(page)[0].startswith("I read a 7 (")


def test_upload_is_read(open_page):
    buffer = io.BytesIO()
    Image.fromarray(255 - load_mnist().test.pixels[0]).resize((300, 300)).save(buffer, "JPEG")
    page = open_page("draw")
    page.file_uploader(key="draw_upload").upload("seven.jpg", buffer.getvalue(), "image/jpeg").run()
    assert not page.exception
    assert not page.error
    assert answer(page)[0].startswith("I read a 7 (")
    assert "From your picture" in words(page)
