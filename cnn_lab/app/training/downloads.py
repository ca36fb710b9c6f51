"""Downloads of a run: weights, history, settings and code."""

from collections.abc import Callable

import streamlit as st

from cnn_lab.app.allowance import over_limit
from cnn_lab.app.caches import RUN_PREFIX, network
from cnn_lab.app.messages import explained
from cnn_lab.app.run_queue import run_queue
from cnn_lab.app.training.curves import history_csv
from cnn_lab.app.widgets.networks import show_network_code
from cnn_lab.concepts.checks import CheckRefusedError
from cnn_lab.content import prose
from cnn_lab.network import ModelFileError
from cnn_lab.network.spec.recipe import Recipe
from cnn_lab.runs.checks import CheckStatus, KerasFile, KerasFileRequest
from cnn_lab.runs.job import RunSpec, Status, UnknownRunError

LOOK_EVERY_S = 0.5
ASKED, REFUSED = "training_keras_asked", "training_keras_refused"
BINARY = "application/octet-stream"


def show_downloads(status: Status) -> None:
    """Show the downloads of a finished run; without its weights if they cannot be read.

    Parameters
    ----------
    status : Status
        Of a run that is no longer active and has results.
    """
    run_id, name = status.run_id, f"{status.spec.network.name}-{status.run_id}"
    has_weights = _has_weights(run_id)
    if not has_weights:
        st.caption(prose("afterwards", "no_weights"))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if has_weights:
            _button(
                "Weights (.safetensors)",
                lambda: run_queue().weights(run_id),
                f"{name}.safetensors",
                BINARY,
            )
        _button(
            "History (CSV)",
            lambda: history_csv(run_queue().events(run_id)).encode(),
            f"{name}.csv",
            "text/csv",
        )
        _button(
            "Settings (JSON)", lambda: _settings(status.spec), f"{name}.json", "application/json"
        )
        if has_weights:
            _keras_file(run_id, name)
    spec = status.spec
    show_network_code("This run as Keras code", "training_code", spec.network, spec.training)


def link_to_draw(status: Status) -> None:
    """Show a link to Draw with the network of a finished run, if it reads digits."""
    if status.spec.training.data_set == "mnist" and status.result and _has_weights(status.run_id):
        st.page_link(
            "pages/draw.py",
            label="Use this model in Draw",
            icon=":material/draw:",
            query_params={"draw_model": f"{RUN_PREFIX}{status.run_id}"},
        )


def _has_weights(run_id: str) -> bool:
    try:
        network(f"{RUN_PREFIX}{run_id}")
    except ModelFileError:
        return False
    return True


def _button(label: str, make: Callable[[], bytes], file_name: str, mime: str) -> None:
    """Show a download button whose file is created on the click."""
    st.download_button(
        label,
        make,
        file_name=file_name,
        mime=mime,
        icon=":material/download:",
        key=f"training_take_{file_name.rpartition('.')[2]}",
        on_click="ignore",
    )


def _settings(spec: RunSpec) -> bytes:
    """Return the settings as a file that the Training page can open."""
    return Recipe(network=spec.network, training=spec.training).to_json().encode()


def _keras_file(run_id: str, name: str) -> None:
    """Show a button that has Keras write its own file; then the download in its place."""
    asked: dict[str, str] = st.session_state.setdefault(ASKED, {})
    status = run_queue().keras_files.status(asked[run_id]) if run_id in asked else None
    if status is not None and status.active:
        st.fragment(_wait, run_every=LOOK_EVERY_S)(asked[run_id])
    elif status is not None and status.answer is not None:
        _button("Keras model (.keras)", lambda: _content(status), f"{name}.keras", BINARY)
        st.caption(status.sentence)
    else:
        st.button(
            "Prepare .keras",
            key="training_keras",
            icon=":material/construction:",
            help=prose("afterwards", "keras_file"),
            on_click=_ask,
            args=(run_id,),
        )
        refused = st.session_state.pop(REFUSED, "")
        if failure := explained(status.sentence) if status is not None else refused:
            st.warning(failure, title="No .keras file")


def _ask(run_id: str) -> None:
    if sentence := over_limit("export"):
        st.session_state[REFUSED] = sentence
        return
    try:
        wanted = KerasFileRequest(run_queue().weights(run_id))
        st.session_state[ASKED][run_id] = run_queue().keras_files.ask(wanted)
    except (CheckRefusedError, UnknownRunError) as error:
        st.session_state[REFUSED] = explained(error)


def _wait(digest: str) -> None:
    status = run_queue().keras_files.status(digest)
    if status is None or not status.active:
        st.rerun()  # the whole page, because there is nothing left to poll
    st.markdown(f":material/hourglass_top: {status.sentence}")


def _content(status: CheckStatus[KerasFile]) -> bytes:
    assert status.answer is not None
    return status.answer.content
