import streamlit as st

from cnn_lab.app import frame
from cnn_lab.app.home.journey import show_player, show_start
from cnn_lab.app.widgets.inputs import digit_number
from cnn_lab.app.widgets.story import CHAPTERS
from cnn_lab.content import prose

frame.ensure()


@st.fragment
def journey(*, kiosk: bool) -> None:
    """Show a digit's way through the network; a fragment, because each stroke runs it again."""
    player = st.container()
    with st.container(width=180):
        index = digit_number("home_digit")
    with player:
        show_player(index, kiosk=kiosk)


st.title("What does a network see in a digit?")
st.markdown(prose("home", "question"))
show_start()
journey(kiosk=st.query_params.get("kiosk") == "1")
st.markdown(prose("home", "way"))
with st.container(horizontal=True):
    for chapter in CHAPTERS:
        st.page_link(f"pages/{chapter.page}.py", label=chapter.label)
