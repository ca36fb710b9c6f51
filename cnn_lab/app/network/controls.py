"""Workbench of the Network page: the draft, its history and its address."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import streamlit as st

from cnn_lab.app.messages import explained
from cnn_lab.charts.network import INPUT_KEY
from cnn_lab.content.words import listed
from cnn_lab.network import zoo
from cnn_lab.network.editing import History
from cnn_lab.network.spec import Draft
from cnn_lab.network.spec.token import TokenError, draft_from_token, to_token

PRESET, TOKEN, LAYER = "network_preset", "network_token", "network_layer"
FIRST_PRESET = "paper"
OWN_NAME = "own"
_EDITOR = "network_bench"
_WRITTEN = "network_written"
_PROBLEM, _REFUSAL = "network_problem", "network_refusal"


@dataclass(frozen=True)
class NetworkEditor:
    """State of the network editor.

    Attributes
    ----------
    base : str
        The preset that the draft started from and that a reset restores.
    history : History
    layer : str
        Name of the layer being edited, or `INPUT_KEY` for the input.
    """

    base: str
    history: History
    layer: str

    @property
    def draft(self) -> Draft:
        """The network as it is now."""
        return self.history.present

    @property
    def index(self) -> int:
        """Index of the layer being edited; -1 for the input."""
        return next((n for n, one in enumerate(self.draft.layers) if one.name == self.layer), -1)

    @property
    def is_preset(self) -> bool:
        """Whether the draft equals its preset."""
        return self.draft == preset_draft(self.base)

    def address(self) -> dict[str, str]:
        """Return the address parameters that restore this editor."""
        wanted = {} if self.base == FIRST_PRESET else {PRESET: self.base}
        if not self.is_preset:
            wanted[TOKEN] = to_token(self.draft)
        if self.layer != self.draft.layers[0].name:
            wanted[LAYER] = self.layer
        return wanted

    def on(self, history: History, layer: str = "") -> "NetworkEditor":
        """Return the editor with another history, at `layer` or the closest remaining one."""
        names = [one.name for one in history.present.layers]
        if layer not in (*names, INPUT_KEY):
            kept = self.layer in (*names, INPUT_KEY)
            layer = self.layer if kept else names[min(max(self.index, 0), len(names) - 1)]
        draft = history.present
        known = draft.name in zoo.PRESETS and draft == preset_draft(draft.name)
        return NetworkEditor(draft.name if known else self.base, history, layer)


def preset_draft(name: str) -> Draft:
    """Return a named network as a draft."""
    return Draft.of(zoo.preset(name).network)


def editor() -> NetworkEditor:
    """Return the editor of this session as the address requests it, and update the address.

    An address that was changed from outside takes precedence over the session; the page's bare
    address restores the session's editor. What cannot be read is reported on the page, see
    `problem`.
    """
    here: NetworkEditor | None = st.session_state.get(_EDITOR)
    asked = _asked()
    if here is None or (asked and asked != st.session_state.get(_WRITTEN)):
        here = _opened(asked, here)
    put(here)
    wanted = here.address()
    for name in (PRESET, TOKEN, LAYER):
        if name in wanted and asked.get(name) != wanted[name]:
            st.query_params[name] = wanted[name]
        elif name not in wanted and name in asked:
            del st.query_params[name]
    st.session_state[_WRITTEN] = wanted
    return here


def put(here: NetworkEditor) -> None:
    """Store the editor for the next run of the page."""
    st.session_state[_EDITOR] = here


def change(make: Callable[[Draft], Draft], layer: str = "") -> None:
    """Change the draft from a widget's callback; what is refused is told by `refusal`.

    Parameters
    ----------
    make : callable
        Takes the draft and returns a new one; the message of its ValueError is shown.
    layer : str
        The layer to edit afterwards; by default the same one, or the one in its place.
    """
    here: NetworkEditor = st.session_state[_EDITOR]
    try:
        draft = make(here.draft)
    except ValueError as error:
        st.session_state[_REFUSAL] = explained(error)
        return
    new = [one.name for one in draft.layers if one not in here.draft.layers]
    if draft.name in zoo.PRESETS and draft != preset_draft(draft.name):
        draft = draft.model_copy(update={"name": OWN_NAME})
    grown = len(draft.layers) > len(here.draft.layers)
    put(here.on(here.history.then(draft), layer or (new[0] if grown and new else "")))


def choose(layer: str) -> None:
    """Select a layer or the input for editing; an unknown name changes nothing."""
    here: NetworkEditor = st.session_state[_EDITOR]
    put(here.on(here.history, layer))


def undo() -> None:
    """Undo the last change."""
    here: NetworkEditor = st.session_state[_EDITOR]
    put(here.on(here.history.undone()))


def redo() -> None:
    """Redo the change that was undone last."""
    here: NetworkEditor = st.session_state[_EDITOR]
    put(here.on(here.history.redone()))


def start_from(name: str) -> None:
    """Start from a preset; this can be undone."""
    here: NetworkEditor = st.session_state[_EDITOR]
    draft = preset_draft(name)
    put(here.on(here.history.then(draft), draft.layers[0].name))


def open_network(draft: Draft) -> None:
    """Replace the draft by an opened network; this can be undone."""
    change(lambda _: draft, draft.layers[0].name)


def problem() -> str:
    """Return what is wrong with the address, once; "" if there is nothing."""
    return str(st.session_state.pop(_PROBLEM, ""))


def refusal() -> str:
    """Return why the latest change was refused, once; "" if it was not."""
    return str(st.session_state.pop(_REFUSAL, ""))


def _asked() -> dict[str, str]:
    """Return the editor's parameters in the address."""
    return {
        name: st.query_params[name] for name in (PRESET, TOKEN, LAYER) if name in st.query_params
    }


def _opened(asked: dict[str, str], here: NetworkEditor | None) -> NetworkEditor:
    """Return the editor that an address requests, with the previous drafts in its history."""
    base = asked.get(PRESET, FIRST_PRESET)
    if base not in zoo.PRESETS:
        names = listed(list(zoo.PRESETS))
        st.session_state[_PROBLEM] = f"There is no network with this name. The names are {names}."
        base = FIRST_PRESET
    draft = preset_draft(base)
    if TOKEN in asked:
        try:
            draft = draft_from_token(asked[TOKEN])
        except TokenError as error:
            st.session_state[_PROBLEM] = explained(error)
    first = NetworkEditor(base, History(draft), draft.layers[0].name)
    layer = asked.get(LAYER, first.layer)
    opened = first.on(first.history, layer)
    return opened if here is None else replace(opened, history=here.history.then(draft))
