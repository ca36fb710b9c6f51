"""Why a drawing is classified as it is: its style, and three explanations why not otherwise."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnn_lab.app.draw.style import show_style
from cnn_lab.app.draw.xray import small
from cnn_lab.app.widgets.inputs import fold, optional_choice
from cnn_lab.app.widgets.pictures import show_picture, theme_colour
from cnn_lab.charts.digits import marked, over_drawing
from cnn_lab.charts.maps import Picture, grey_picture
from cnn_lab.content import prose
from cnn_lab.content.words import percent
from cnn_lab.data.mnist import load_mnist
from cnn_lab.digits.drawing import SIDE
from cnn_lab.explain.attribution import Occlusion, occlusion
from cnn_lab.explain.erasure import MAX_SHARE, Erasure, small_erasure
from cnn_lab.explain.nearest import Neighbour, nearest_digits
from cnn_lab.network import Network

CHOICE = "draw_why"
ASKED, FOUND = "draw_why_asked", "draw_why_found"
N_BANK = 10_000
FACTOR = 4
CARD_PX = FACTOR * SIDE
COVERED_PX = 200
FAINT = 0.05  # powers of ten: 1.1 times as likely
BEYOND = 1_000_000
FRACTION = 0.2  # smaller factors are shown as 1/n


@dataclass(frozen=True)
class WhyNot:
    """The question why a network answers one digit for a drawing and not another."""

    network: Network
    image: bytes
    read_as: int
    other: int

    @property
    def pixels(self) -> NDArray[np.float32]:
        """The drawing, shape (28, 28, 1)."""
        return np.frombuffer(self.image, np.float32).reshape(SIDE, SIDE, 1)


@dataclass(frozen=True, eq=False)
class Reasons:
    """Explanations for a question.

    Attributes
    ----------
    covered : Occlusion
        How likely the other digit becomes.
    nearest : list of Neighbour
        Closest training digit of each class.
    to_other, to_any : Erasure or None
        A small erasure that changes the answer to the other digit; to any digit, if that failed.
    """

    covered: Occlusion
    nearest: list[Neighbour]
    to_other: Erasure | None
    to_any: Erasure | None


@st.fragment
def show_why(
    image: NDArray[np.float32] | None,
    read_as: int | None,
    network: Network,
    name: str,
    nothing: str,
) -> None:
    """Show an expander that says how a drawing is written, and why it is not another digit.

    Parameters
    ----------
    image : ndarray of float32 in [0, 1], shape (28, 28), or None
        The prepared drawing; None when there is none.
    read_as : int or None
        The network's answer.
    network : Network
    name : str
        The network's name in the address.
    nothing : str
        What to say when there is no drawing.

    Notes
    -----
    What explains why it is not another digit takes about a second, so it is computed once on
    request and not after each stroke.
    """
    part = fold("Why not another digit?", "draw_why_part", icon=":material/contrast:")
    if not part.open:
        return
    with part:
        other = optional_choice("Why is it not a …", range(10), CHOICE, on_change=_ask)
        asked = st.session_state.pop(ASKED, False)
        if image is None or read_as is None:
            st.markdown(nothing)
        elif other is None:
            st.markdown(prose("draw", "why"))
        elif other == read_as:
            st.markdown(prose("draw", "why_read"))
        else:
            _answer(WhyNot(network, image.tobytes(), read_as, other), asked=asked)
        if image is not None and read_as is not None:
            show_style(image, network, name, digit=other)


def _ask() -> None:
    st.session_state[ASKED] = True


def _answer(question: WhyNot, *, asked: bool) -> None:
    found: tuple[WhyNot, Reasons] | None = st.session_state.get(FOUND)
    if found is None or found[0] != question:
        if not asked:
            st.button("Explain", key="draw_why_ask", on_click=_ask)
            return
        with st.spinner(prose("draw", "why_looking")):
            found = question, _reasons(question)
        st.session_state[FOUND] = found
    with st.container(horizontal=True, gap="small"):  # all three side by side at 1280 pixels
        _show_covered(question, found[1].covered)
        _show_nearest(question, found[1].nearest)
        _show_erasure(question, found[1])


def _reasons(question: WhyNot) -> Reasons:
    network, image, other = question.network, question.pixels, question.other
    train = load_mnist().train
    to_other = small_erasure(network, image, target=other)
    return Reasons(
        occlusion(network, image, other),
        [one[0] for one in nearest_digits(image, train.pixels[:N_BANK], train.labels[:N_BANK])],
        to_other,
        None if to_other else small_erasure(network, image),
    )


def _show_covered(question: WhyNot, covered: Occlusion) -> None:
    times = covered.times_as_probable
    against = -np.log10(times)  # what makes the digit more likely when covered speaks against it
    strongest = float(np.abs(against).max())
    with st.container(width=COVERED_PX, gap="small"):
        st.markdown(prose("draw", "why_covered_title"))
        picture = over_drawing(question.pixels[..., 0], against, limit=max(strongest, FAINT))
        _show(picture, prose("draw", "why_covered_alt", other=question.other))
        numbers = {"other": question.other, "before": percent(covered.before)}
        if strongest < FAINT:
            st.markdown(small("why_covered_nothing", **numbers))
        else:
            least, most = _number(float(times.min())), _number(float(times.max()))
            st.markdown(small("why_covered", least=least, most=most, **numbers))


def _number(times: float) -> str:
    """Return a factor of any size as short text."""
    if times > BEYOND:
        return f"more than {BEYOND:,}"
    if times < 1 / BEYOND:
        return f"less than 1/{BEYOND:,}"
    if times < FRACTION:
        return f"1/{_rounded(1 / times):,.0f}"
    return f"{_rounded(times):,.0f}" if times >= 1 / FRACTION else f"{times:.1f}"


def _rounded(number: float) -> float:
    return float(f"{number:.2g}")


def _show_nearest(question: WhyNot, nearest: list[Neighbour]) -> None:
    own, other = nearest[question.read_as], nearest[question.other]
    with st.container(width=3 * CARD_PX + 32, gap="small"):
        st.markdown(prose("draw", "why_nearest_title"))
        with st.container(horizontal=True, gap="small"):
            _show_neighbour(own, question.read_as)
            with st.container(width=CARD_PX, gap="xsmall"):
                yours = prose("draw", "why_yours")
                _show(grey_picture(question.pixels[..., 0], limit=1.0), yours)
                st.markdown(f":small[{yours}]")
            _show_neighbour(other, question.other)
        section = "why_nearest" if own.distance <= other.distance else "why_nearer"
        st.markdown(small(section, n=f"{N_BANK:,}", read=question.read_as, other=question.other))


def _show_neighbour(neighbour: Neighbour, digit: int) -> None:
    pixels = load_mnist().train.pixels[neighbour.number]
    with st.container(width=CARD_PX, gap="xsmall"):
        alt = prose("draw", "why_nearest_alt", digit=digit)
        _show(grey_picture(pixels / 255, limit=1.0), alt)
        st.markdown(small("why_distance", digit=digit, distance=f"{neighbour.distance:.1f}"))


def _show_erasure(question: WhyNot, reasons: Reasons) -> None:
    erasure = reasons.to_other or reasons.to_any
    with st.container(width=2 * CARD_PX + 16, gap="small"):
        st.markdown(prose("draw", "why_erasure_title"))
        if erasure is None:
            st.markdown(small("why_no_erasure", share=f"{MAX_SHARE:.0%}"))
            return
        accent = theme_colour()
        with st.container(horizontal=True, gap="small"):
            mark = marked(question.pixels[..., 0], erasure.mask, accent)
            _show(mark, prose("draw", "why_marked_alt", n=erasure.n_pixels))
            after = grey_picture(erasure.image_after[..., 0], limit=1.0)
            _show(after, prose("draw", "why_after_alt", digit=erasure.digit_after))
        numbers = {"n": erasure.n_pixels, "digit": erasure.digit_after}
        if reasons.to_other:
            st.markdown(small("why_erasure", **numbers))
        else:
            st.markdown(small("why_other_erasure", other=question.other, **numbers))


def _show(picture: Picture, alt: str) -> None:
    show_picture(picture, alt=alt, width_px=CARD_PX)
