"""Draw a digit, without a browser: drawings come from the session."""

import base64
import io
import re

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest

from cnn_lab.app.widgets.canvas import Drawing
from cnn_lab.app.widgets.model_choice import DEFAULT, SHIPPED
from cnn_lab.content import prose
from cnn_lab.data.mnist import load_mnist
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.network import zoo
from tests.app.elements import said
from tests.prose import wording

SEVEN = [(70, 60), (210, 60), (130, 240)]
INVITATION = prose("draw", "empty")


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
    assert INVITATION in said(page)
    assert not answer(page)
    assert bars(page) == ["–"] * 10
    assert page.button(key="draw_undo").disabled
    assert page.button(key="draw_clear").disabled
    assert not page.button(key="draw_sample").disabled


@pytest.mark.parametrize("model", SHIPPED)
def test_seven_is_read_by_the_model_in_the_address(open_page, model):
    page = open_page("draw", {"draw_model": model}, {"draw_drawing": seven()})
    assert not page.exception
    assert page.segmented_control(key="draw_model").value == model
    (sentence,) = answer(page)
    assert sentence.startswith("This looks like a 7 (")
    shown = bars(page)
    assert f"({shown[7]})" in sentence
    assert all(re.fullmatch(r">?\d+\.\d%", number) for number in shown)
    assert INVITATION not in said(page)


def test_shipped_model_says_how_good_it_is(open_page):
    page = open_page("draw")
    assert page.segmented_control(key="draw_model").value == DEFAULT
    n_learned = zoo.preset(DEFAULT).network.n_parameters
    assert f"{n_learned:,} parameters, 99." in said(page)


def test_drawing_is_there_for_other_pages():
    def elsewhere():
        import streamlit as st

        from cnn_lab.app.widgets.drawing import drawn_image

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
    assert wording("draw", "speck").search(said(page))
    assert not answer(page)


def test_what_is_no_digit_is_not_read_as_one(open_page):
    picture = black()
    pen = ImageDraw.Draw(picture)
    for place in range(40, 260, 50):
        pen.line([(place, 30), (place, 250)], fill="white", width=14)
        pen.line([(30, place), (250, place)], fill="white", width=14)
    page = open_page("draw", state={"draw_drawing": drawing(picture)})
    assert not page.exception
    assert "does not look like a digit" in said(page)
    assert not answer(page)


def test_whole_canvas_filled_gets_a_sentence_and_no_answer(open_page):
    picture = Image.new("RGBA", (280, 280), "white")
    page = open_page("draw", state={"draw_drawing": drawing(picture)})
    assert not page.exception
    assert wording("draw", "filled").search(said(page))
    assert not answer(page)


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
    assert INVITATION in said(page)


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
    assert kept.note in said(page)
    assert INVITATION not in said(page)
    assert "–" not in bars(page)
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
    assert INVITATION in said(page)

    page = open_page("draw", state={"draw_drawing": two})
    page.button(key="draw_clear").click().run()
    assert page.session_state["draw_drawing"] == Drawing()
    assert INVITATION in said(page)
    assert page.button(key="draw_undo").disabled


def test_drawing_survives_a_change_of_page(open_page):
    page = open_page("draw", state={"draw_drawing": seven()})
    page.switch_page("pages/pooling.py").run()
    page.switch_page("pages/draw.py").run()
    assert not page.exception
    assert answer(page)[0].startswith("This looks like a 7 (")
    assert page.session_state["draw_start"]["objects"] == [{"type": "Path"}]


@pytest.mark.parametrize("model", ["run-vanished", "run-../../secret", "nonsense", "9" * 500])
def test_unknown_model_gives_a_sentence_and_another_network(open_page, model):
    page = open_page("draw", {"draw_model": model}, {"draw_drawing": seven()})
    assert not page.exception
    assert page.segmented_control(key="draw_model").value == DEFAULT
    assert wording("models", "missing").search(page.info[0].value)
    assert answer(page)[0].startswith("This looks like a 7 (")


@pytest.mark.parametrize("brush", ["999", "-5", "nan", "wide"])
def test_nonsense_brush_is_held_to_its_limits(open_page, brush):
    page = open_page("draw", {"draw_brush": brush})
    assert not page.exception
    assert 8 <= page.slider(key="draw_brush").value <= 32


PICTURE = {"draw_picture_menu": True}


def test_upload_that_is_no_picture_says_so_and_keeps_the_drawing(open_page):
    page = open_page("draw", state={"draw_drawing": seven(), **PICTURE})
    page.file_uploader(key="draw_upload").upload("seven.png", b"seven", "image/png").run()
    assert not page.exception
    assert "This is not a picture" in page.error[0].value
    assert answer(page)[0].startswith("This looks like a 7 (")


def upload(page, picture):
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG")
    uploader = page.file_uploader(key="draw_upload")
    return uploader.upload("seven.jpg", buffer.getvalue(), "image/jpeg").run()


def test_upload_is_read(open_page):
    paper = Image.fromarray(255 - load_mnist().test.pixels[0]).resize((300, 300))
    page = upload(open_page("draw", state=PICTURE), paper)
    assert not page.exception
    assert not page.error
    assert answer(page)[0].startswith("This looks like a 7 (")
    assert wording("draw", "upload").search(said(page))


def test_several_digits_on_one_page_are_counted_and_one_is_read(open_page):
    paper = Image.new("L", (700, 300), 240)
    for place, index in enumerate((1, 0, 2)):
        digit = Image.fromarray(load_mnist().test.pixels[index]).resize((200, 200))
        paper.paste(Image.new("L", digit.size), (30 + 220 * place, 50), digit)
    page = upload(open_page("draw", state=PICTURE), paper)
    assert not page.exception
    assert wording("draw", "several", n=3).search(said(page))
    assert answer(page)[0].startswith("This looks like a 7 (")


def test_camera_is_only_asked_for_on_request(open_page):
    page = open_page("draw", state=PICTURE)
    assert not page.get("camera_input")
    page.segmented_control(key="draw_camera").set_value("the camera").run()
    assert not page.exception
    assert len(page.get("camera_input")) == 1
    assert not page.get("file_uploader")


def test_redo_puts_back_what_undo_took_until_something_new_is_drawn(open_page):
    two = Drawing([{"type": "Path", "n": 1}, {"type": "Path", "n": 2}], seven().png)
    page = open_page("draw", state={"draw_drawing": two})
    assert page.button(key="draw_redo").disabled
    page.button(key="draw_undo").click().run()
    page.button(key="draw_undo").click().run()
    page.button(key="draw_redo").click().run()
    assert page.session_state["draw_start"]["objects"] == [{"type": "Path", "n": 1}]
    page.button(key="draw_redo").click().run()
    assert page.session_state["draw_drawing"] == two
    assert page.button(key="draw_redo").disabled
    page.button(key="draw_undo").click().run()
    page.button(key="draw_clear").click().run()
    assert page.button(key="draw_redo").disabled


def sent(drawing_sent, before=None):
    """What the canvas makes of a value that a browser sends: the drawing kept, and a problem."""

    def script():
        import streamlit as st

        from cnn_lab.app.widgets import canvas

        canvas.take("draw")
        st.session_state["problem"] = canvas.problem("draw")

    page = AppTest.from_function(script)
    page.session_state["draw_canvas"] = drawing_sent
    page.session_state["draw_drawing"] = before or seven()
    page.run()
    assert not page.exception
    return page.session_state["draw_drawing"], page.session_state["problem"]


def stroke(n_points):
    return {"type": "Path", "path": [["L", 1, 1]] * n_points}


def from_browser(objects, png=None):
    data = "data:image/png;base64," + (seven().png if png is None else png)
    return {"drawing": {"raw": {"objects": objects}, "data": data}}


def test_strokes_from_the_browser_are_kept():
    kept, problem = sent(from_browser([stroke(3), stroke(5)]))
    assert (kept.objects, kept.png, problem) == ([stroke(3), stroke(5)], seven().png, "")
    kept, problem = sent(from_browser([]))
    assert (kept, problem) == (Drawing(), "")


def test_endless_strokes_become_one_picture():
    kept, problem = sent(from_browser([stroke(50_000)]))
    assert [one["type"] for one in kept.objects] == ["Image"]
    assert kept.png == seven().png
    assert kept.note == prose("draw", "many_points")
    assert not problem


@pytest.mark.parametrize(
    "nonsense",
    [
        {"drawing": "scribble"},
        {"drawing": {"raw": [1, 2], "data": None}},
        {"drawing": {"raw": {"objects": ["circle"]}, "data": 7}},
        from_browser([stroke(3)], png="no base64!"),
        from_browser([stroke(3)], png=drawing(Image.new("RGBA", (4000, 10))).png),
        from_browser([stroke(3)], png="A" * 2_000_000),
        ["no", "mapping"],
    ],
    ids=lambda nonsense: str(nonsense)[:40],
)
def test_nonsense_from_the_browser_gets_a_sentence_and_changes_nothing(nonsense):
    kept, problem = sent(nonsense)
    assert kept == seven()
    assert problem == prose("draw", "unread")


def test_nothing_is_computed_for_folds_that_are_closed(open_page):
    page = open_page("draw", state={"draw_drawing": seven()})
    assert not page.toggle
    assert not wording("draw", "agreed").search(said(page))


def test_xray_says_what_each_step_did_and_the_answer_follows_its_switches(open_page):
    picture = black()
    small_seven = [(column // 3 + 150, row // 3 + 160) for column, row in SEVEN]
    ImageDraw.Draw(picture).line(small_seven, fill="white", width=6, joint="curve")
    page = open_page("draw", {"draw_xray": "true"}, {"draw_drawing": drawing(picture)})
    assert not page.exception
    assert answer(page)[0].startswith("This looks like a 7 (")
    assert wording("draw", "xray_crop", canvas="280 × 280").search(said(page))
    before = bars(page)
    assert len(re.findall(r"Without it: ", said(page))) == 5
    page.toggle(key="draw_step_crop").set_value(False).run()
    assert not page.exception
    assert wording("draw", "xray_no_crop").search(said(page))
    assert re.search(r"With it: \**7", said(page))
    assert bars(page) != before
    page.toggle(key="draw_step_crop").set_value(True).run()
    assert bars(page) == before


@pytest.mark.parametrize("off", [["ink", "crop", "widen", "box", "centre"], ["box"]])
@pytest.mark.parametrize("picture", [Image.new("RGBA", (280, 280), "white"), black()])
def test_steps_can_be_left_out_of_any_drawing(open_page, picture, off):
    query = {"draw_xray": "true", **{f"draw_step_{step}": "false" for step in off}}
    page = open_page("draw", query, {"draw_drawing": drawing(picture)})
    assert not page.exception
    assert [page.toggle(key=f"draw_step_{step}").value for step in off] == [False] * len(off)


def test_networks_answer_beside_each_other(open_page):
    page = open_page("draw", {"draw_models": "true"}, {"draw_drawing": seven()})
    assert not page.exception
    (table,) = [part.proto.body for part in page.get("html") if "numbers" in part.proto.body]
    for name in SHIPPED:
        assert name in table
    assert table.count("(chosen)") == 1
    empty = open_page("draw", {"draw_models": "true"})
    assert wording("draw", "nothing_yet").search(said(empty))


def one_of(page, sections, **numbers):
    """The first of these sections that the page shows; None without any."""
    found = (wording("draw", section, **numbers).search(said(page)) for section in sections)
    return next(filter(None, found), None)


def erased(page, other):
    """What the page says of the ink to erase: its pixels and the answer without it."""
    exact = wording("draw", "why_other_erasure", other=other).search(said(page))
    return exact or wording("draw", "why_erasure").search(said(page))


def test_why_not_another_digit_is_found_out_once_asked(open_page):
    page = open_page("draw", {"draw_why_part": "true"}, {"draw_drawing": seven()})
    assert not page.exception
    assert wording("draw", "why").search(said(page))
    page.segmented_control(key="draw_why").set_value(7).run()
    assert wording("draw", "why_read").search(said(page))
    page.segmented_control(key="draw_why").set_value(9).run()
    assert not page.exception
    assert wording("draw", "why_covered", other=9).search(said(page))
    assert one_of(page, ("why_nearest", "why_nearer"), n="10,000", other=9, read=7)
    n_pixels, digit_after = map(int, erased(page, other=9).groups())
    assert 1 <= n_pixels < 784
    assert digit_after != 7

    picture = black()
    ImageDraw.Draw(picture).line([(140, 40), (140, 240)], fill="white", width=24)
    page.session_state["draw_drawing"] = drawing(picture)
    page.run()
    assert not erased(page, other=9)
    page.button(key="draw_why_ask").click().run()
    assert not page.exception
    assert answer(page)[0].startswith("This looks like a 1 (")
    assert one_of(page, ("why_nearest", "why_nearer"), other=9, read=1)


def test_why_not_has_a_sentence_for_what_is_no_digit(open_page):
    query = {"draw_why_part": "true", "draw_why": "4"}
    empty = open_page("draw", query)
    assert not empty.exception
    assert wording("draw", "nothing_yet").search(said(empty))
    full = drawing(Image.new("RGBA", (280, 280), "white"))
    page = open_page("draw", query, {"draw_drawing": full})
    page.button(key="draw_why_ask").click().run()
    assert not page.exception
    assert wording("draw", "why_erasure_title").search(said(page))


def test_maps_of_the_drawing_are_a_link_away(open_page):
    page = open_page("draw", {"draw_model": "fast"}, {"draw_drawing": seven()})
    (link,) = page.get("page_link")
    assert link.proto.label == prose("draw", "maps")
    assert "features_input=drawing" in link.proto.query_string
    assert "features_model=fast" in link.proto.query_string
