"""Check of a page's numbers against Keras, and code to reproduce them."""

from collections.abc import Sequence

import streamlit as st

from cnn_lab.app.allowance import over_limit
from cnn_lab.app.messages import explained
from cnn_lab.app.run_queue import run_queue
from cnn_lab.app.widgets.exports import export_menu
from cnn_lab.concepts.checks import Answer, CheckRefusedError, LayerCheck
from cnn_lab.concepts.layer_call import LayerCall
from cnn_lab.concepts.snippets import keras_code, numpy_code, pytorch_code
from cnn_lab.runs.checks import CheckStatus
from cnn_lab.trace import Trace

LOOK_EVERY_S = 0.5
KEPT = 64


def keras_check(key: str, request: LayerCheck) -> None:
    """Show a button that checks the numbers on the page against Keras, and the answer.

    An answer belongs to its settings: it disappears when they change, and returns at once when
    they are restored.

    Parameters
    ----------
    key : str
        Key of the button, and prefix of the session keys.
    request : LayerCheck
        The numbers that the page shows now.
    """
    asked: list[str] = st.session_state.setdefault(f"{key}_asked", [])
    with st.container(gap="small"):
        if st.button("Check against Keras", key=key, icon=":material/fact_check:"):
            if sentence := over_limit("check"):
                _show_no_answer(sentence)
                return
            try:
                asked.append(run_queue().checks.ask(request))
                del asked[:-KEPT]
            except CheckRefusedError as error:
                _show_no_answer(error)
                return
        if request.digest in asked:
            _show_answer(request.digest)


def show_proof(page: str, check: LayerCheck, traces: Sequence[Trace], *, name: str) -> None:
    """Show the downloads of a page's stage and its check against Keras, for a row of buttons.

    Parameters
    ----------
    page : str
        Prefix of the keys: `<page>_export` and `<page>_check`.
    check : LayerCheck
    traces : sequence of Trace
        On the stage.
    name : str
        File name without extension.
    """
    with st.container(width="content"):
        export_menu(f"{page}_export", traces, name=name)
    keras_check(f"{page}_check", check)


def code_in_tabs(call: LayerCall) -> None:
    """Show the same call in three libraries."""
    writers = {"Keras": keras_code, "PyTorch": pytorch_code, "NumPy": numpy_code}
    for tab, write in zip(st.tabs(list(writers)), writers.values(), strict=True):
        tab.code(write(call), language="python")


def _show_answer(digest: str) -> None:
    status = run_queue().checks.status(digest)
    if status is not None:  # an old answer may have been evicted
        live = st.fragment(_follow, run_every=LOOK_EVERY_S if status.active else None)
        live(digest, was_active=status.active)


def _follow(digest: str, *, was_active: bool) -> None:
    status = run_queue().checks.status(digest)
    if status is None or (was_active and not status.active):
        st.rerun()  # rerun the whole page, which ends the polling
    _show(status)


def _show(status: CheckStatus[Answer]) -> None:
    """Show the state of a check, never by colour alone."""
    if status.active:
        st.markdown(f":material/hourglass_top: {status.sentence}")
    elif status.answer is None:
        _show_no_answer(status.sentence)
    else:
        claim, numbers = status.sentence.split(": ", 1)
        badge = (
            "green-badge[:material/check:" if status.answer.agrees else "red-badge[:material/close:"
        )
        st.markdown(f":{badge} {claim}] {numbers}")
        st.caption(status.answer.details)


def _show_no_answer(why: Exception | str) -> None:
    st.markdown(":orange-badge[:material/help: No answer from Keras]")
    st.caption(explained(why))
