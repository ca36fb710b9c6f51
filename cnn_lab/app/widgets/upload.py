"""Uploads: a file, or a picture from a file or the camera, and above it why it cannot be used."""

from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st

from cnn_lab.app.allowance import over_limit
from cnn_lab.app.messages import explained
from cnn_lab.app.widgets.inputs import choice
from cnn_lab.data.uploads import MAX_MB

FILE, CAMERA = "a file", "the camera"
# Enough for MAX_SIDE. By default Streamlit starts at the full size of the camera and a second
# later switches to the width of the column: the picture would depend on when it was taken.
RESOLUTION: Literal["480p"] = "480p"

Take = Callable[[bytes], None]


def file_upload(
    label: str,
    key: str,
    take: Take,
    *,
    types: Sequence[str],
    max_mb: int | None = None,
    hidden_label: bool = False,
    limited: bool = False,
) -> None:
    """Show the upload of a file, and above it why the file cannot be used, as long as it is there.

    Parameters
    ----------
    label : str
    key : str
        Of the widget.
    take : callable
        Is given the file that arrived, in a callback; the message of a `ValueError` is shown.
    types : sequence of str
        Endings of the files' names, without the dot.
    max_mb : int, optional
        The largest file; by default Streamlit's `server.maxUploadSize`.
    hidden_label : bool
        Whether the label is for screen readers only.
    limited : bool
        Whether the file counts among those that a visitor may upload; see `over_limit`.
    """
    _show_problem(key)
    st.file_uploader(
        label,
        type=list(types),
        max_upload_size=max_mb,
        key=key,
        on_change=_receive,
        args=(key, take, limited),
        label_visibility="collapsed" if hidden_label else "visible",
    )


def picture_upload(page: str, take: Take, *, file_label: str, camera_label: str = "") -> None:
    """Show the upload of a picture.

    Parameters
    ----------
    page : str
        Prefix of the keys: `<page>_upload` of the file, `<page>_shot` of the camera and
        `<page>_camera` of the choice between them.
    take : callable
        Is given the file that arrived; the message of a `PictureError` is shown.
    file_label, camera_label : str
        Without a label for it, there is no camera.
    """
    # The browser asks for the camera only once it is chosen.
    way = FILE
    if camera_label:
        way = choice("Source", (FILE, CAMERA), f"{page}_camera", in_address=False)
    if way == FILE:
        types = ("png", "jpg", "jpeg", "webp")
        file_upload(file_label, f"{page}_upload", take, types=types, max_mb=MAX_MB, limited=True)
    else:
        key = f"{page}_shot"
        _show_problem(key)
        st.camera_input(
            camera_label,
            resolution=RESOLUTION,
            key=key,
            on_change=_receive,
            args=(key, take, True),
        )


def _receive(key: str, take: Take, limited: bool) -> None:
    state = st.session_state
    state.pop(_problem(key), None)
    sent = state[key]
    if sent is None:
        return
    if limited and (sentence := over_limit("upload")):
        state[_problem(key)] = sentence
        return
    try:
        take(sent.getvalue())
    except ValueError as error:
        state[_problem(key)] = explained(error)


def _show_problem(key: str) -> None:
    """Show why a file cannot be used, not only once: the uploader goes on listing the file.

    Call it before the uploader: what is below that may lie outside a menu that fills the window.
    """
    if st.session_state.get(key) and (problem := st.session_state.get(_problem(key))):
        st.error(problem)


def _problem(key: str) -> str:
    return f"{key}_problem"
