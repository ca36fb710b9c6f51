"""The settings of a run as a file, out and in, and back to what a preset has."""

import streamlit as st

from cnn_lab.app.training.controls import Settings, reset, take_over
from cnn_lab.content import prose
from cnn_lab.network.spec import plain_error
from cnn_lab.network.spec.recipe import Recipe
from cnn_lab.runs.job import RunSpec

MENU, UPLOAD, PROBLEM = "training_file_menu", "training_file", "training_file_problem"


def show_settings_file(settings: Settings) -> None:
    """Show the way back to the preset's settings, and all settings as a file."""
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Reset",
            icon=":material/restart_alt:",
            key="training_reset",
            on_click=reset,
            help="Back to this network's default settings.",
        )
        menu = st.popover("File", icon=":material/description:", key=MENU, on_change="rerun")
    if problem := st.session_state.pop(PROBLEM, None):
        st.error(problem, title="These settings cannot be used")
    if menu.open:
        with menu:
            _show_menu(settings)


def _show_menu(settings: Settings) -> None:
    st.caption(prose("training", "file"))
    if settings.spec is not None:
        recipe = Recipe(network=settings.spec.network, training=settings.spec.training)
        st.download_button(
            "Save these settings (JSON)",
            recipe.to_json(),
            file_name=f"{recipe.network.name}-settings.json",
            mime="application/json",
            icon=":material/download:",
            key="training_save_settings",
            on_click="ignore",
        )
    st.file_uploader("Open a settings file", type="json", key=UPLOAD, on_change=_take_file)


def _take_file() -> None:
    """Put what a stranger's file holds into the controls, or say what is wrong with it."""
    upload = st.session_state[UPLOAD]
    if upload is None:
        return
    try:
        recipe = Recipe.from_json(upload.getvalue())
        take_over(RunSpec(network=recipe.network, training=recipe.training))
    except ValueError as error:
        st.session_state[PROBLEM] = plain_error(error)
    else:
        st.session_state[MENU] = False  # it would cover what it has brought
