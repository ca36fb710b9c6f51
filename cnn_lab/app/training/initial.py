"""Weights that a run begins with: new ones, or those of a trained network that fits."""

import streamlit as st

from cnn_lab.app.caches import RUN_PREFIX, network
from cnn_lab.app.training.controls import TrainingSettings
from cnn_lab.app.widgets.inputs import menu
from cnn_lab.app.widgets.model_choice import SHIPPED, uploaded
from cnn_lab.content import prose
from cnn_lab.network import ModelFileError, Network
from cnn_lab.runs.job import Status

INITIAL, NEW = "training_initial", "new"
Initial = tuple[str, Network]


def choose_initial(settings: TrainingSettings, status: Status | None) -> Initial | None:
    """Show the choice of initial weights, and return the name and the network; None for new ones.

    Parameters
    ----------
    settings : TrainingSettings
        Only networks with the same weights as its network are offered.
    status : Status or None
        Of the run that the page shows.
    """
    if settings.spec is None:
        return None
    names = [*SHIPPED, str(st.query_params.get(INITIAL, ""))]
    if status is not None:
        names.append(f"{RUN_PREFIX}{status.run_id}")
    offered = {
        name: found
        for name in dict.fromkeys(names)
        if (found := _trained(name)) is not None and _fits(found, settings)
    }
    own = uploaded()
    if own is not None and _fits(own.network, settings):
        offered[own.name] = own.network
    if not offered:
        return None
    chosen = menu(
        "Initial weights", [NEW, *offered], INITIAL, help=prose("training", "initial weights")
    )
    return None if chosen == NEW else (chosen, offered[chosen])


def weights_of(status: Status, settings: TrainingSettings) -> Initial | None:
    """Return the weights of a finished run if the network in the controls can take them."""
    if status.active or not status.result or settings.spec is None:
        return None
    name = f"{RUN_PREFIX}{status.run_id}"
    found = _trained(name)
    return (name, found) if found is not None and _fits(found, settings) else None


def _trained(name: str) -> Network | None:
    """Return a shipped network or that of a finished run; None if there is none."""
    if name not in SHIPPED and not name.startswith(RUN_PREFIX):
        return None
    try:
        return network(name)
    except ModelFileError:
        return None


def _fits(found: Network, settings: TrainingSettings) -> bool:
    spec = settings.spec
    return spec is not None and found.spec.weight_shapes() == spec.network.weight_shapes()
