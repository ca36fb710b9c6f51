import numpy as np
import streamlit as st

from cnn_lab.content import prose
from cnn_lab.digits import SIDE, Preparation, Reading, prepare_steps
from cnn_lab.ink import ink_from_picture, sharp_on_canvas
from cnn_lab.pictures import MAX_MB, PictureError
from cnn_lab.ui import canvas, frame
from cnn_lab.ui.bars import show_probabilities
from cnn_lab.ui.caches import test_digits
from cnn_lab.ui.drawn import NAME
from cnn_lab.ui.models import choose_model
from cnn_lab.ui.pictures import show_image

frame.ensure()

UPLOAD_MENU = "draw_upload_menu"
SEEN_PX = 10 * SIDE
BARS_PX = 260  # all three fit beside each other on a screen of 1280 pixels
# Two lines on a phone; fixed, so that nothing moves while somebody draws.
ANSWER_PX = (608, 64)


def small(text: str) -> str:
    return f":small[{text}]"


def put_sample() -> None:
    digits = test_digits()
    index = int(np.random.default_rng().integers(len(digits)))
    note = prose("draw", "sample", index=f"{index:,}", label=digits.labels[index])
    canvas.put_picture(NAME, sharp_on_canvas(digits.pixels[index]), note=note)


def put_upload() -> None:
    if upload := st.session_state["draw_upload"]:
        try:
            rgba = ink_from_picture(upload.getvalue())
            canvas.put_picture(NAME, rgba, note=prose("draw", "upload"))
            st.session_state[UPLOAD_MENU] = False  # it would cover what it has brought
        except PictureError as error:
            st.session_state["draw_problem"] = str(error)


def show_other_sources() -> None:
    """Offer what there is besides the pen."""
    st.button("Sample", icon=":material/casino:", key="draw_sample", on_click=put_sample)
    menu = {"key": UPLOAD_MENU, "on_change": "rerun"}
    with st.popover("Upload", icon=":material/upload:", **menu):
        st.file_uploader(
            prose("draw", "upload_label"),
            type=["png", "jpg", "jpeg", "webp"],
            max_upload_size=MAX_MB,
            key="draw_upload",
            on_change=put_upload,
        )
        if problem := st.session_state.pop("draw_problem", ""):
            st.error(problem)


def show_controls() -> int:
    """Show what goes with the canvas and return the width of the brush."""
    drawn = bool(canvas.drawing(NAME).objects)
    with st.container(horizontal=True, gap="xsmall"):
        undo, delete = ":material/undo:", ":material/delete:"
        for label, icon, act in (("Undo", undo, canvas.undo), ("Clear", delete, canvas.clear)):
            key = f"draw_{label.lower()}"
            st.button(label, icon=icon, key=key, on_click=act, args=(NAME,), disabled=not drawn)
    thinnest, widest = canvas.BRUSHES_PX
    brush = st.slider(
        "Brush",
        *(thinnest, widest, 20),
        step=2,
        format="%d pixels",
        key="draw_brush",
        bind="query-params",
    )
    return min(max(brush, thinnest), widest)


def show_answer(steps: Preparation | None, reading: Reading | None) -> None:
    if steps is None or reading is None:
        st.markdown(prose("draw", "empty"))
    elif steps.is_speck:
        st.markdown(prose("draw", "speck", digit=reading.digit))
    else:
        st.subheader(reading.sentence, anchor=False)


@st.fragment
def show_reader() -> None:
    """Show all that follows the pen: a stroke reruns this and nothing else."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        answer = st.container(
            width=ANSWER_PX[0], height=ANSWER_PX[1], border=False, vertical_alignment="center"
        )
        show_other_sources()
    with st.container(horizontal=True, gap="medium"):
        pen_side = st.container(width=canvas.SIDE_PX, gap="small")
        seen_side = st.container(width=SEEN_PX, gap="small")
        bars_side = st.container(width=BARS_PX, gap="small")
    with pen_side:
        st.markdown(small(canvas.drawing(NAME).note or prose("draw", "canvas")))
        board = st.container()
        brush_px = show_controls()
        with board:
            rgba = canvas.canvas(NAME, brush_px=brush_px)
    steps = None if rgba is None else prepare_steps(rgba)
    seen = np.zeros((SIDE, SIDE), np.float32) if steps is None else steps.image
    reading = probabilities = None
    if steps is not None:
        probabilities = network.predict(seen[np.newaxis, ..., np.newaxis])[0]
        reading = Reading.of(probabilities)
    with answer:
        show_answer(steps, reading)
    with seen_side:
        st.markdown(small(prose("draw", "seen")))
        show_image(seen, alt=prose("draw", "seen"), width_px=SEEN_PX, limit=1.0)
    with bars_side:
        st.markdown(small(prose("draw", "bars")))
        show_probabilities(probabilities, key="draw_probabilities")


st.title("Draw a digit")
st.markdown(prose("draw", "question"))
network = choose_model("draw_model")
show_reader()
st.markdown(prose("draw", "prose"))
