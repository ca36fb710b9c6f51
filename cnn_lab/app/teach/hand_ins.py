"""Hand-ins, pasted by the teacher: a table of who answered what, and what went wrong."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from cnn_lab.app.messages import explained
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.content import prose
from cnn_lab.content.words import counted, listed
from cnn_lab.teaching.hand_in import HandIn, HandInError, decode_all, marks, table, table_csv
from cnn_lab.teaching.questions.case import misconception_title

PASTED = "teach_pasted"
MAX_NAMED = 3  # misconceptions


def show_hand_ins() -> None:
    """Show a field to paste hand-ins into, and what they say."""
    st.markdown(prose("class_room", "hand_ins"))
    # Not in the address, which others may see.
    pasted = st.text_area("Hand-ins", key=PASTED, placeholder=prose("class_room", "paste"))
    if not pasted.strip():
        return
    try:
        found = decode_all(pasted)
    except HandInError as error:
        st.error(explained(error))
        return
    rows = table(found)
    read = [each for each in found if isinstance(each, HandIn)]
    st.markdown(prose("class_room", "read", read=counted(len(read), "hand-in"), all=len(found)))
    if usual := usual_mistakes(read):
        st.markdown(prose("class_room", "usual", mistakes=usual))
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    show_table(columns, label="Hand-ins")
    st.download_button(
        "Table (CSV)",
        data=table_csv(rows).encode(),
        file_name="hand-ins.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def usual_mistakes(hand_ins: Sequence[HandIn]) -> str:
    """Return the most frequent misconceptions in words, "" without any."""
    numbers = Counter(
        name
        for hand_in in hand_ins
        for name in {name for mark in marks(hand_in) for name in mark.misconceptions}
    )
    named = [f"{misconception_title(name)} ({n})" for name, n in numbers.most_common(MAX_NAMED)]
    return listed(named) if named else ""
