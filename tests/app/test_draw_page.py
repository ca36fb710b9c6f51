"""Draw a digit, without a browser: drawings come from the session."""

import base64
import io
import json
import re

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest

from cnn_lab.app.widgets.canvas import Drawing
from cnn_lab.app.widgets.model_choice import DEFAULT, SHIPPED
from cnn_lab.content import prose
from cnn_lab.content.words import percent
from cnn_lab.data.mnist import load_mnist
from cnn_lab.data.pens import STYLES
from cnn_lab.digits.drawing import prepare_digit
from cnn_lab.digits.reliability import recorded
from cnn_lab.digits.strokes import Picture, Stroke, picture_of
from cnn_lab.network import Network, zoo
from tests.app.elements import said
from tests.prose import wording

SEVEN = ((70.0, 60.0), (210.0, 60.0), (210.0, 60.0), (130.0, 240.0))
BAR = Stroke("pen", 20, ((110.0, 150.0), (210.0, 150.0)))
KEPT = ("draw_drawing", "draw_found")  # what a session keeps of a picture
INVITATION = prose("draw", "empty")
PNG = "data:image/png;base64,"


def drawing(picture, note=""):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return Drawing((Picture(buffer.getvalue(), note),))


def black():
    return Image.new("RGBA", (280, 280), "black")


def seven():
    return Drawing((Stroke("pen", 22, SEVEN),))


def a_picture(note=""):
    return picture_of(load_mnist().test.pixels[0].repeat(10, axis=0).repeat(10, axis=1), note=note)


def as_url(picture):
    return PNG + base64.b64encode(picture.png).decode()


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
    expected = prepare_digit(np.dstack([seven().ink] * 3 + [np.full((280, 280), 255, np.uint8)]))
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


def test_sample_puts_a_test_digit_on_the_canvas_and_reads_it(open_page):
    page = open_page("draw")
    page.button(key="draw_sample").click().run()
    assert not page.exception
    kept = page.session_state["draw_drawing"]
    assert isinstance(kept.items[0], Picture)
    assert kept.note.startswith("MNIST test image ")
    index, label = (
        int(part.split()[-1].replace(",", "")) for part in kept.note.split(", labelled ")
    )
    assert load_mnist().test.labels[index] == label
    np.testing.assert_array_equal(kept.ink[5::10, 5::10], load_mnist().test.pixels[index])
    assert kept.note in said(page)
    assert INVITATION not in said(page)
    assert "–" not in bars(page)
    assert not page.button(key="draw_clear").disabled


def test_undo_takes_the_latest_off_and_clear_all(open_page):
    two = Drawing((*seven().items, BAR))
    page = open_page("draw", state={"draw_drawing": two})
    page.button(key="draw_undo").click().run()
    assert page.session_state["draw_drawing"] == seven()
    page.button(key="draw_undo").click().run()
    assert page.session_state["draw_drawing"] == Drawing()
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
    assert page.session_state["draw_drawing"] == seven()


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
    assert wording("draw", "several", n=3, place=2).search(said(page))
    assert answer(page)[0].startswith("This looks like a 7 (")


def test_of_several_digits_all_are_read_and_another_page_keeps_the_choice(open_page):
    """D7: three digits on one page, of which the middle one is on the canvas."""
    paper = Image.new("L", (700, 300), 240)
    for place, index in enumerate((1, 0, 2)):
        digit = Image.fromarray(load_mnist().test.pixels[index]).resize((200, 200))
        paper.paste(Image.new("L", digit.size), (30 + 220 * place, 50), digit)
    page = upload(open_page("draw", state=PICTURE), paper)
    again = open_page("draw", state={key: page.session_state[key] for key in KEPT})
    for one in (page, again):
        assert [digit["text"] for digit in sheet_data(one)["digits"]] == ["2", "7", "1"]
        assert sheet_data(one)["chosen"] == 1
    again.button(key="draw_turn").click().run()
    assert not again.exception
    assert len(sheet_data(again)["rows"]) == 3
    again.button(key="draw_clear").click().run()
    assert wording("draw", "which").search(said(again)) is None


def sheet_data(page):
    """Return what the browser is sent of a sheet."""
    (sheet,) = (
        each for each in page.get("bidi_component") if each.proto.component_name == "cnn_lab_sheet"
    )
    return json.loads(sheet.proto.json)


def test_camera_is_only_asked_for_on_request(open_page):
    page = open_page("draw", state=PICTURE)
    assert not page.get("camera_input")
    page.segmented_control(key="draw_camera").set_value("the camera").run()
    assert not page.exception
    assert len(page.get("camera_input")) == 1
    assert not page.get("file_uploader")


def test_redo_puts_back_what_undo_took_until_something_new_is_drawn(open_page):
    two = Drawing((*seven().items, BAR))
    page = open_page("draw", state={"draw_drawing": two})
    assert page.button(key="draw_redo").disabled
    page.button(key="draw_undo").click().run()
    page.button(key="draw_undo").click().run()
    page.button(key="draw_redo").click().run()
    assert page.session_state["draw_drawing"] == seven()
    page.button(key="draw_redo").click().run()
    assert page.session_state["draw_drawing"] == two
    assert page.button(key="draw_redo").disabled
    page.button(key="draw_undo").click().run()
    page.button(key="draw_clear").click().run()
    assert page.button(key="draw_redo").disabled


class Sent:
    """A session whose canvas gets what a browser sends; the canvas itself is not on the page."""

    def __init__(self, before=None):
        def script():
            import streamlit as st

            from cnn_lab.app.widgets import canvas

            canvas.take("draw")
            st.session_state["problem"] = canvas.problem("draw")
            for act in (canvas.undo, canvas.redo, canvas.clear):
                st.button(act.__name__, key=act.__name__, on_click=act, args=("draw",))

        self.page = AppTest.from_function(script)
        if before:
            self.page.session_state["draw_drawing"] = before
        self.page.run()

    @property
    def drawing(self):
        state = self.page.session_state
        return state["draw_drawing"] if "draw_drawing" in state else Drawing()

    @property
    def board(self):
        return self.page.session_state["draw_board"]

    def arrives(self, strokes, **more):
        """Put numbered strokes where the component would; the session sees them when it runs."""
        numbered = [{"number": number, **one} for number, one in strokes.items()]
        self.put({"session": self.board.session, "strokes": numbered, **more})

    def put(self, message):
        self.page.session_state["draw_canvas"] = {"kept": message}

    def send(self, strokes, **more):
        """Send numbered strokes; return the problem that the page shows."""
        self.arrives(strokes, **more)
        self.page.run()
        assert not self.page.exception
        return self.page.session_state["problem"]

    def click(self, name):
        self.page.button(key=name).click().run()
        assert not self.page.exception


def stroke(*points, tool="pen", width=20):
    return {"tool": tool, "width": width, "points": [list(point) for point in points]}


ONE, TWO, THREE = (stroke((at, 40), (at, 240)) for at in (60, 140, 220))


def drawn(*strokes):
    return Drawing(
        tuple(
            Stroke(one["tool"], one["width"], tuple(map(tuple, one["points"]))) for one in strokes
        )
    )


@pytest.mark.parametrize("model", ["champion", "fast"])
def test_each_press_shows_another_digit_that_the_network_gets_wrong(open_page, model):
    page, shown = open_page("draw", {"draw_model": model}), []
    test, network = load_mnist().test, Network.load(model)
    for _ in range(2):
        page.button(key="draw_misread").click().run()
        assert not page.exception
        note = page.session_state["draw_drawing"].note
        index, label = (
            int(part.split()[-1].replace(",", "")) for part in note.split(", labelled ")
        )
        assert test.labels[index] == label
        assert network.predict(test.image(index)[np.newaxis])[0].argmax() != label
        assert f"looks like a {label} (" not in said(page)
        shown.append(index)
    assert shown[0] != shown[1]


def test_a_stroke_under_the_pen_is_read_but_not_part_of_the_drawing():
    sent = Sent()
    sent.send({}, moving=ONE, told=1)
    assert sent.drawing == Drawing()
    assert sent.board.moving == drawn(ONE).items[0]
    assert sent.board.heard == 1
    sent.send({1: ONE}, told=1)
    assert sent.drawing == drawn(ONE)
    assert sent.board.moving is None
    assert sent.send({}, moving={**ONE, "points": []}, told=2)
    assert sent.drawing == drawn(ONE)


def test_each_stroke_is_kept_once_however_often_it_is_sent():
    """U1: a stroke is sent until the server has confirmed it."""
    sent = Sent()
    assert not sent.send({1: ONE})
    assert not sent.send({1: ONE, 2: TWO})
    assert not sent.send({2: TWO})
    assert sent.drawing == drawn(ONE, TWO)
    assert sent.board.seen == 2


def test_undo_removes_the_stroke_that_arrives_with_the_click():
    """U1: with a slow server, stroke and click come in the same run."""
    sent = Sent()
    sent.send({1: ONE})
    sent.arrives({2: TWO})
    sent.click("undo")
    assert sent.drawing == drawn(ONE)
    sent.click("undo")
    assert sent.drawing == Drawing()
    sent.click("redo")
    sent.click("redo")
    assert sent.drawing == drawn(ONE, TWO)


def test_a_stroke_drawn_before_clear_is_confirmed_stays_after_it():
    """U1: whatever the server does, a later stroke is not lost."""
    sent = Sent()
    sent.send({1: ONE, 2: TWO})
    before = sent.board.revision
    sent.click("clear")
    assert sent.board.revision > before
    sent.send({3: THREE})
    assert sent.drawing == drawn(THREE)


def test_new_session_gets_the_drawing_of_the_tab():
    """D10: after a reload the browser sends what its tab has kept."""
    picture = {"picture": as_url(a_picture()), "note": "from *here*"}
    sent = Sent()
    assert not sent.send({7: TWO}, items=[picture, ONE])
    assert sent.drawing == Drawing((a_picture("from *here*"), *drawn(ONE, TWO).items))
    assert sent.board.revision == 1
    sent.send({8: THREE}, items=[ONE])
    assert sent.drawing.items[1:] == drawn(ONE, TWO, THREE).items


def test_what_was_sent_to_another_session_is_ignored():
    sent = Sent(seven())
    assert not sent.send({1: ONE}, session="another")
    assert sent.drawing == seven()


def test_endless_strokes_become_one_picture():
    sent = Sent()
    assert not sent.send({n: stroke(*[(n, n)] * 2_000) for n in range(1, 7)})
    (picture,) = sent.drawing.items
    assert isinstance(picture, Picture)
    assert sent.drawing.note == prose("draw", "many_points")
    assert sent.drawing.ink.max() == 255


@pytest.mark.parametrize(
    "nonsense",
    [
        {"strokes": "scribble"},
        {"strokes": [7]},
        {"strokes": {"number": 1}},
        {"strokes": [{**ONE, "number": "1"}]},
        {"strokes": [{**ONE, "number": True}]},
        {"strokes": [ONE]},
        *(
            {"strokes": [{**ONE, "number": 1, **bad}]}
            for bad in (
                {"tool": "laser"},
                {"width": 1e9},
                {"width": float("nan")},
                {"width": None},
                {"points": []},
                {"points": [[1, 2, 3]]},
                {"points": [[1, 2], [3]]},
                {"points": [[float("inf"), 0]]},
                {"points": [[10**400, 0]]},
                {"points": [["left", "right"]]},
                {"points": [[0, 0]] * 200_000},
            )
        ),
        {"items": 5},
        {"items": [ONE, {"picture": PNG, "note": ""}]},
        *(
            {"items": [{"picture": picture, "note": note}]}
            for picture, note in (
                (PNG + "no base64!", ""),
                (PNG + "A" * 2_000_000, ""),
                (
                    PNG
                    + base64.b64encode(drawing(Image.new("L", (4000, 10))).items[0].png).decode(),
                    "",
                ),
                (7, ""),
                (as_url(a_picture()), 7),
                (as_url(a_picture()), "long " * 1_000),
            )
        ),
    ],
    ids=lambda nonsense: str(nonsense)[:60],
)
def test_nonsense_from_the_browser_gets_a_sentence_and_changes_nothing(nonsense):
    sent = Sent(seven())
    sent.put({"session": sent.board.session, "strokes": [], **nonsense})
    sent.page.run()
    assert not sent.page.exception
    assert sent.page.session_state["problem"] == prose("draw", "unread")
    assert sent.drawing == seven()
    assert not sent.send({1: ONE})
    assert sent.drawing == Drawing((*seven().items, *drawn(ONE).items))


@pytest.mark.parametrize("message", [["no", "mapping"], "scribble", 7, {}])
def test_what_is_no_message_of_the_canvas_changes_nothing(message):
    sent = Sent(seven())
    sent.put(message)
    sent.page.run()
    assert not sent.page.exception
    assert sent.drawing == seven()


def test_nothing_is_computed_for_folds_that_are_closed(open_page):
    page = open_page("draw", state={"draw_drawing": seven()})
    assert [toggle.key for toggle in page.toggle] == ["draw_guess"]
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
    tables = (part.proto.body for part in page.get("html"))
    table, calibration = (body for body in tables if 'class="numbers"' in body)
    for name in SHIPPED:
        assert name in table
    assert table.count("(chosen)") == 1
    for one in recorded("champion").values():  # of MNIST beside that of strokes
        assert percent(one.error) in calibration
        assert f"{one.n:,}" in calibration
    assert wording("draw", "reliability", name="champion").search(said(page))
    empty = open_page("draw", {"draw_models": "true"})
    assert wording("draw", "nothing_yet").search(said(empty))


def shown_of_style(page):
    """The drawings of the style that is found, then the bars of two networks."""
    bodies = [part.proto.body for part in page.get("html")]
    return [body for body in bodies if 'class="styles"' in body or 'class="probabilities"' in body]


def test_a_drawing_far_from_every_style_is_given_none(open_page):
    full = drawing(Image.new("RGBA", (280, 280), "white"))
    page = open_page("draw", {"draw_why_part": "true"}, {"draw_drawing": full})
    assert not page.exception
    assert wording("pen_style", "unknown").search(said(page))
    assert not shown_of_style(page)


def one_of(page, sections, *, chapter="draw", **numbers):
    """The first of these sections that the page shows; None without any."""
    found = (wording(chapter, section, **numbers).search(said(page)) for section in sections)
    return next(filter(None, found), None)


def erased(page, other):
    """What the page says of the ink to erase: its pixels and the answer without it."""
    exact = wording("draw", "why_other_erasure", other=other).search(said(page))
    return exact or wording("draw", "why_erasure").search(said(page))


def test_why_not_another_digit_is_found_out_once_asked(open_page):
    page = open_page("draw", {"draw_why_part": "true"}, {"draw_drawing": seven()})
    assert not page.exception
    assert wording("draw", "why").search(said(page))
    assert wording("pen_style", "all", n=len(STYLES), digit=7, style="plain").search(said(page))
    assert wording("pen_style", "7 plain").search(said(page))
    sheet, *bars_of_two = shown_of_style(page)
    assert 'alt="8 drawings of a 7: plain"' in sheet
    assert sheet.count("<tr>") == len(bars_of_two) == 2
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
    assert one_of(page, ("of_digit", "unknown_of_digit"), chapter="pen_style", digit=9)


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


def test_there_are_no_maps_to_see_before_anything_is_drawn(open_page):
    """U12: the link to the drawing's maps led to a page without a drawing."""
    assert not open_page("draw").get("page_link")


def framed(page):
    """The digits whose bars have a frame."""
    (chart,) = page.get("vega_lite_chart")
    table = pa.ipc.open_stream(chart.proto.data.data).read_pandas()
    return [int(row.digit) for row in table.itertuples() if row.guessed]


def test_the_bars_wait_for_a_guess_and_show_it(open_page):
    """What follows from the answer is not sent before: bars, sentence, comparison, steps."""
    query = {"draw_guess": "true", "draw_models": "true", "draw_xray": "true"}
    page = open_page("draw", query | {"draw_model": "fast"}, {"draw_drawing": seven()})
    assert not page.exception
    assert bars(page) == ["–"] * 10
    assert not answer(page)
    assert wording("draw", "guess_first").search(said(page))
    assert len(re.findall(r"\d%", said(page))) == 1  # the network's accuracy
    assert not page.button_group(key="draw_guessed").disabled
    page.button_group(key="draw_guessed").set_value([3]).run()
    assert bars(page) == ["–"] * 10
    page.button_group(key="draw_guessed").set_value([3, 7]).run()
    (sentence,) = answer(page)
    assert "7" in sentence
    assert framed(page) == [3, 7]
    ink = seven().ink
    image = prepare_digit(np.dstack([ink] * 3 + [np.full_like(ink, 255)]))
    seen = Network.load("fast").predict(image[np.newaxis, ..., np.newaxis])[0]
    tallest = " and ".join(
        f"**{digit}** ({percent(seen[digit])})" for digit in seen.argsort()[:-3:-1]
    )
    told = wording("draw", "guess_was", guessed="**3** and **7**", tallest=tallest)
    assert told.search(said(page))

    page.session_state["draw_drawing"] = Drawing((BAR,))
    page.run()
    assert bars(page) == ["–"] * 10
    assert not page.button_group(key="draw_guessed").value
    page.toggle(key="draw_guess").set_value(False).run()
    assert bars(page) != ["–"] * 10
    assert not framed(page)


def test_ways_to_write_a_digit_are_drawn_with_what_each_network_reads(open_page):
    page = open_page("draw", {"draw_styles": "true"})
    assert not page.exception
    (sheet,) = shown_of_style(page)
    sevens = [name for name, style in STYLES.items() if style.digit == 7]
    assert sheet.count("<figure>") == sheet.count('alt="8 drawings of a 7: ') == len(sevens)
    assert sheet.count('scope="row">champion') == len(sevens)
    page.segmented_control(key="draw_styles_digit").set_value(4).run()
    (sheet,) = shown_of_style(page)
    assert "drawings of a 4" in sheet
    assert "drawings of a 7" not in sheet
    closed = open_page("draw")
    assert not [part for part in closed.get("html") if "drawings of" in part.proto.body]
