"""Choice of the network of a page: included, trained here, or uploaded."""

import hashlib
import re
from dataclasses import dataclass
from functools import partial

import streamlit as st

from cnn_lab.app.caches import RUN_PREFIX, network
from cnn_lab.app.messages import explained
from cnn_lab.app.widgets.inputs import choice
from cnn_lab.app.widgets.upload import file_upload
from cnn_lab.content import prose
from cnn_lab.network import MODELS, ModelFileError, Network, digit_problem, network_from_visitor
from cnn_lab.network.visitor import MAX_MB
from cnn_lab.network.zoo import PRESETS
from cnn_lab.runs.reading import card_figures

SHIPPED = tuple(name for name in PRESETS if (MODELS / f"{name}.safetensors").is_file())
DEFAULT = "champion"
OWN_PREFIX = "upload-"

_RUN = re.compile(rf"{RUN_PREFIX}[A-Za-z0-9_-]{{1,64}}")
_OWN = "models_own"  # session key of the latest uploaded network, for every page


@dataclass(frozen=True)
class OwnNetwork:
    """An uploaded network and its name, "upload-<eight characters of its sha256>"."""

    name: str
    network: Network


def choose_model(key: str, *, default: str = DEFAULT, digits_only: bool = True) -> Network:
    """Show the available networks and return the chosen one.

    Parameters
    ----------
    key : str
        Widget key, which is also the address parameter. The address may name a finished run as
        "run-<id>"; it is offered from then on. An uploaded network is offered on every page of
        the session. If the network does not exist (or no longer exists), the page says so and
        uses the default.
    default : str
        Included network that is preselected.
    digits_only : bool
        Refuse networks that do not classify 28 × 28 grey pixels as one of ten digits.
    """
    runs: list[str] = st.session_state.setdefault(f"{key}_runs", [])
    own: OwnNetwork | None = st.session_state.get(_OWN)
    offered = [*SHIPPED, *runs, *([own.name] if own else [])]
    asked, problem = st.query_params.get(key), ""
    if asked and asked not in offered:
        problem = _problem(asked, digits_only) if _RUN.fullmatch(asked) else _missing()
        if not problem:
            runs.append(asked)
            offered.append(asked)
    with st.container(horizontal=True, vertical_alignment="center"):
        name = choice("Network", offered, key, default=default, hidden=True, width="content")
        if found := _problem(name, digits_only):
            problem, name = found, default
        chosen = _load(name)
        show_own_menu(key, digits_only)
        st.markdown(f":small[{card_sentence(chosen)}]", width="content")
    if problem:
        st.info(prose("models", "instead", problem=problem, name=default))
    return chosen


def uploaded() -> OwnNetwork | None:
    """Return the network that was uploaded last in this session, if any."""
    own: OwnNetwork | None = st.session_state.get(_OWN)
    return own


def card_sentence(chosen: Network) -> str:
    """Return a sentence from the model card of a network."""
    size = f"{chosen.spec.n_parameters:,} parameters"
    tested = card_figures(chosen.card.get("result", ""))
    if tested is None:
        return size
    return f"{size}, {tested[0]:.2%} accuracy on {tested[1]:,} test digits"


def _load(name: str) -> Network:
    own: OwnNetwork | None = st.session_state.get(_OWN)
    return own.network if own and own.name == name else network(name)


def _problem(name: str, digits_only: bool) -> str:
    """Return why a network cannot be used, or "" if it can."""
    try:
        spec = _load(name).spec
    except ModelFileError:
        return _missing()
    return explained(digit_problem(spec)) if digits_only else ""


def _missing() -> str:
    return prose("models", "missing")


def show_own_menu(key: str, digits_only: bool) -> None:
    """Show the upload of a network, which is then the choice of the widget with this key."""
    menu_key = f"{key}_own_menu"
    menu = st.popover(
        "Use your own", icon=":material/upload_file:", key=menu_key, on_change="rerun"
    )
    if not menu.open:
        return
    with menu:
        st.markdown(prose("models", "own"))
        file_upload(
            "Your network",
            f"{key}_own",
            partial(_take_own, key, digits_only),
            types=("safetensors",),
            max_mb=MAX_MB,
            hidden_label=True,
            limited=True,
        )


def _take_own(key: str, digits_only: bool, content: bytes) -> None:
    """Load and choose an uploaded file, or raise a ModelFileError that says what is wrong."""
    brought = network_from_visitor(content)
    if digits_only and (problem := digit_problem(brought.spec)):
        raise ModelFileError(problem)
    name = OWN_PREFIX + hashlib.sha256(content).hexdigest()[:8]
    st.session_state[_OWN] = OwnNetwork(name, brought)
    st.session_state[key] = name
    st.session_state[f"{key}_own_menu"] = False  # it would cover the result
