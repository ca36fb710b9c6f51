"""Weights that a run begins with: new ones, or those of a trained network that fits."""

from contextlib import nullcontext

import streamlit as st

from cnn_lab.app.caches import RUN_PREFIX, network
from cnn_lab.app.messages import explained
from cnn_lab.app.training.controls import TrainingSettings, apply_changes
from cnn_lab.app.widgets.inputs import menu
from cnn_lab.app.widgets.model_choice import SHIPPED, show_own_menu, uploaded
from cnn_lab.content import prose
from cnn_lab.content.words import literally
from cnn_lab.network import ModelFileError, Network
from cnn_lab.network.initial import weights_problem
from cnn_lab.network.spec import NetworkSpec
from cnn_lab.runs.job import Status

INITIAL, NEW = "training_initial", "new"
Initial = tuple[str, Network]


def choose_initial(
    settings: TrainingSettings, status: Status | None, *, shown: bool
) -> Initial | None:
    """Return the name and the network whose weights the next run begins with; None for new ones.

    Networks with the same weights as that of the settings are offered: those that are shipped, the
    run that the page shows, one that was uploaded, and one that the address names. If that one does
    not fit, a sentence says why.

    Parameters
    ----------
    settings : TrainingSettings
    status : Status or None
        Of the run that the page shows.
    shown : bool
        Whether to show the choice; if not, call this in a block of `only_read`.
    """
    if settings.spec is None:
        return None
    wanted = settings.spec.network
    asked = str(st.session_state.get(INITIAL) or st.query_params.get(INITIAL) or NEW)
    names = [asked]
    if shown:
        names = [*SHIPPED, asked]
        if status is not None and status.result and not status.active:
            names.append(f"{RUN_PREFIX}{status.run_id}")
    found = {name: one for name in dict.fromkeys(names) if (one := _trained(name)) is not None}
    own = uploaded()
    if own is not None:
        found[own.name] = own.network
    problems = {name: weights_problem(name, one.spec, wanted) for name, one in found.items()}
    offered = [NEW, *(name for name in found if not problems[name])]
    help_ = prose("training", "initial weights")
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    with row if shown else nullcontext():
        chosen = menu("Initial weights", offered, INITIAL, help=help_, width=220)
        if shown:
            show_own_menu(INITIAL, digits_only=False)
    if asked not in offered:
        _show_problem(asked, found.get(asked), problems.get(asked, ""))
    return None if chosen not in found else (chosen, found[chosen])


def weights_of(status: Status, settings: TrainingSettings) -> Initial | None:
    """Return the weights of a finished run if the network in the controls can take them."""
    if status.active or not status.result or settings.spec is None:
        return None
    name = f"{RUN_PREFIX}{status.run_id}"
    found = _trained(name)
    if found is None or weights_problem(name, found.spec, settings.spec.network):
        return None
    return name, found


def _show_problem(name: str, found: Network | None, problem: str) -> None:
    """Say why a run cannot begin with these weights, and offer to choose their network."""
    if found is None:
        st.warning(prose("training", "initial missing", name=literally(name)))
        return
    st.warning(prose("training", "initial other", problem=explained(problem)))
    st.button(
        "Choose its network",
        icon=":material/account_tree:",
        key="training_initial_network",
        on_click=_choose_network,
        args=(name, found.spec),
    )


def _choose_network(name: str, network: NetworkSpec) -> None:
    apply_changes({"network": network})
    st.session_state[INITIAL] = name


def _trained(name: str) -> Network | None:
    """Return a shipped network or that of a finished run; None if there is none."""
    if name not in SHIPPED and not name.startswith(RUN_PREFIX):
        return None
    try:
        return network(name)
    except ModelFileError:
        return None
