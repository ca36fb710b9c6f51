"""The stage as a Streamlit component."""

from collections.abc import Mapping, Sequence

import streamlit as st

from cnn_lab.app.widgets.cell_edits import Editable, editing_data, take_edits
from cnn_lab.app.widgets.component import component
from cnn_lab.app.widgets.guidance import guidance
from cnn_lab.app.widgets.predict import Prediction, question_key, start_predicting
from cnn_lab.stage.data import as_traces, stage_data
from cnn_lab.stage.source import bundled
from cnn_lab.trace import Trace

# Streamlit sends the script of a component with each change of its data. The player is many times
# larger than a trace, so it is a separate component that never changes. It takes no room on a page.
_player = st.components.v2.component("cnn_lab_player", html="<div></div>", js=bundled("player.js"))
_stage = component("stage", "stage")


def stage(
    trace: Trace | Sequence[Trace],
    *,
    key: str,
    start_step: int = 0,
    label: str = "",
    heading: str = "",
    editable: Mapping[str, Editable] | None = None,
    prediction: Prediction | None = None,
    predicts: str = "",
) -> None:
    """Show a trace, or several side by side with one set of controls.

    Playing, stepping and pointing happen in the browser without rerunning the script. When the
    traces change under the same key, the player keeps its speed and position.

    Parameters
    ----------
    trace : Trace or sequence of Trace
        Several are played together; an input that all share is drawn once.
    key : str
        Key of this stage on the page. A link to a moment has the parameters ``<prefix>_step`` and
        ``<prefix>_speed``, where the prefix is the key without ``_stage`` at its end.
    start_step : int
        The step shown first; negative counts from the end, so -1 shows everything.
    label : str
        Text description for screen readers; by default the names of the traces.
    heading : str
        What the full screen shows above the picture: the operation and its settings in words,
        since the page's controls are out of sight. By default `label` or the names of the traces.
    editable : mapping of str to Editable, optional
        Grids whose cells can be edited on the stage, by their keys in the traces. An edit changes
        the controls before the script reruns.
    prediction : Prediction, optional
        What is asked about the traces; what it hides is not sent.
    predicts : str
        Prefix of the keys of what is predicted about the stage, which then has a button for that;
        "" if there is no question.

    Raises
    ------
    ValueError
        If `trace` is an empty sequence.
    """
    masks = None
    if prediction is not None:
        masks, start_step = prediction.masks, prediction.step
    data = stage_data(
        as_traces(trace), start_step=start_step, label=label, heading=heading, masks=masks
    )
    data["address"] = key.removesuffix("_stage")
    if prediction is not None:
        data |= prediction.wire
    elif predicts:
        data["predicts"] = question_key(predicts)
    if (heeded := guidance()) is not None:
        data["guidance"] = heeded.stage_data()
    if editable:
        data["editing"] = editing_data(key, editable)
    _player(key=f"{key}_player", height=1)
    _stage(
        key=key,
        data=data,
        on_kept_change=lambda: take_edits(key),
        on_chosen_change=lambda: _take_choice(key, predicts),
    )
    if prediction is not None and prediction.explanation:
        st.markdown(prediction.explanation)


def _take_choice(key: str, predicts: str) -> None:
    """Do what the browser says has been chosen on a stage, or has happened there."""
    kept = st.session_state.get(key)
    chosen = kept.get("chosen") if isinstance(kept, Mapping) else None
    heeded = guidance()
    if chosen == "ended" and heeded is not None and heeded.awaits_end:
        heeded.is_met = True
        st.rerun()  # the lesson's panel, too
    elif chosen == "predict" and predicts:
        start_predicting(predicts)
