import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.caches import network, test_digits
from cnn_lab.app.home.journey import show_journey
from cnn_lab.app.widgets.inputs import digit_number
from cnn_lab.content import prose

frame.ensure()

N_DIGITS = len(test_digits())


def next_digit() -> None:
    st.session_state.home_digit = (st.session_state.home_digit + 1) % N_DIGITS


@st.fragment
def journey() -> None:
    """Show one digit's path through the network; a fragment, so that the next one is fast."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index = digit_number("home_digit", width=160)
        st.button("Next digit", on_click=next_digit, key="home_next", type="primary")
        # As high as a button, so that all texts of the row align.
        with st.container(horizontal=True, height=40, border=False, vertical_alignment="center"):
            st.page_link("pages/draw.py", label="Draw your own", icon=":material/draw:")
            st.page_link(
                "pages/paper.py", label="Does the paper hold up?", icon=":material/article:"
            )
    show_journey("paper", index)


st.title("What does a network see in a digit?")
n_parameters = network("paper").spec.n_parameters
st.markdown(prose("home", "question", n_parameters=f"{n_parameters:,}"))
journey()
