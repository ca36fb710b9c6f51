"""The upload of a picture, from a file or the camera."""

from collections.abc import Callable
from typing import Literal

import streamlit as st

from cnn_lab.app.allowance import over_limit
from cnn_lab.app.messages import explained
from cnn_lab.app.widgets.inputs import choice
from cnn_lab.data.uploads import MAX_MB, PictureError

FILE, CAMERA = "a file", "the camera"
# Enough for MAX_SIDE. By default Streamlit starts at the full size of the camera and a second
# later switches to the width of the column: the picture would depend on when it was taken.
RESOLUTION: Literal["480p"] = "480p"


def picture_upload(
    page: str, take: Callable[[bytes], None], *, file_label: str, camera_label: str = ""
) -> None:
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
        key = f"{page}_upload"
        st.file_uploader(
            file_label,
            type=["png", "jpg", "jpeg", "webp"],
            max_upload_size=MAX_MB,
            key=key,
            on_change=_receive,
            args=(page, key, take),
        )
    else:
        key = f"{page}_shot"
        st.camera_input(
            camera_label,
            resolution=RESOLUTION,
            key=key,
            on_change=_receive,
            args=(page, key, take),
        )
    if problem := st.session_state.pop(f"{page}_problem", ""):
        st.error(problem)


def _receive(page: str, key: str, take: Callable[[bytes], None]) -> None:
    if sent := st.session_state[key]:
        if sentence := over_limit("upload"):
            st.session_state[f"{page}_problem"] = sentence
            return
        try:
            take(sent.getvalue())
        except PictureError as error:
            st.session_state[f"{page}_problem"] = explained(error)
