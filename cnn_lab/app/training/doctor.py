"""Findings of the training doctor, with reasons on demand and a button to apply each fix."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from cnn_lab.app.run_queue import run_queue
from cnn_lab.app.training.controls import apply_changes, take_over, tell_applied
from cnn_lab.content.words import counted
from cnn_lab.network.spec import Augmentation, NetworkSpec
from cnn_lab.runs.doctor.diagnosis import diagnose
from cnn_lab.runs.doctor.evidence import Finding
from cnn_lab.runs.job import RunSpec, Status

ICONS = {"hint": ":material/lightbulb:", "warning": ":material/warning:"}
BATCHES_BETWEEN = 8  # reports of an active run between two diagnoses


def show_findings(status: Status) -> None:
    """Show the findings on an active or finished run, if there are any.

    Parameters
    ----------
    status : Status

    Notes
    -----
    A run is diagnosed again after each epoch and after every few reports within it.
    """
    events = run_queue().events(status.run_id)
    n_epochs = sum(event.kind == "epoch" for event in events)
    seen = (n_epochs, len(events) // BATCHES_BETWEEN if status.active else len(events))
    for finding in _findings(status.run_id, seen, _status=status):
        _show(finding, status.spec)


@st.cache_data(max_entries=64, show_spinner=False)
def _findings(run_id: str, seen: tuple[int, int], *, _status: Status) -> list[Finding]:
    """Return the findings on the `seen` part of a run: its epochs and the reports in between."""
    spec = _status.spec
    events = [{"kind": event.kind, **event.values} for event in run_queue().events(run_id)]
    return diagnose(spec.network, spec.training, events, run_queue().snapshots(run_id))


def _show(finding: Finding, spec: RunSpec) -> None:
    key = f"training_finding_{finding.rule}"
    with st.expander(finding.sentence, icon=ICONS[finding.severity], key=key):
        st.markdown(finding.reason)
        if finding.changes:
            st.button(
                f"Set {_words(finding.changes)}",
                key=f"{key}_apply",
                on_click=_apply,
                args=(finding.changes, spec),
                help="For the next run; this one does not change.",
            )


def _apply(changes: Mapping[str, Any], spec: RunSpec) -> None:
    """Set the controls; another network brings the settings of the run along."""
    if "network" in changes:
        take_over(spec.model_copy(update={"network": changes["network"]}))
    else:
        apply_changes(changes)
    tell_applied(_words(changes))


def _words(changes: Mapping[str, Any]) -> str:
    """Return changed settings as text.

    Examples
    --------
    >>> _words({"learning_rate": 0.001, "augmentation": Augmentation(shift=2)})
    'learning rate 0.001, shift 2'
    """
    shown: dict[str, Any] = {}
    for name, value in changes.items():
        if isinstance(value, NetworkSpec):
            shown["a network of"] = counted(len(value.layers), "layer")
        elif isinstance(value, Augmentation):
            shown |= {bound: amount for bound, amount in value.model_dump().items() if amount}
        else:
            shown[name] = value
    return ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in shown.items())


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
