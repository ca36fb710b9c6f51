"""The workbench of the Network page: the draft, its history, and the address that holds it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import streamlit as st

from cnn_lab.charts.network import INPUT_KEY
from cnn_lab.network import zoo
from cnn_lab.network.editing import History
from cnn_lab.network.spec import Draft, plain_error
from cnn_lab.network.spec.token import TokenError, draft_from_token, to_token

PRESET, TOKEN, LAYER = "network_preset", "network_token", "network_layer"
FIRST_PRESET = "paper"
OWN_NAME = "own"
_BENCH = "network_bench"
_WRITTEN = "network_written"
_PROBLEM = "network_problem"


@dataclass(frozen=True)
class Bench:
    """What lies on the workbench.

    Attributes
    ----------
    base : str
        The preset that the draft came from, and that a reset goes back to.
    history : History
    layer : str
        The name of the layer that is being edited, or `INPUT_KEY` for the image.
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
        """The place of the layer that is being edited; -1 for the image."""
        return next((n for n, one in enumerate(self.draft.layers) if one.name == self.layer), -1)

    @property
    def is_preset(self) -> bool:
        """Whether nothing was changed."""
        return self.draft == preset_draft(self.base)

    def address(self) -> dict[str, str]:
        """Return the address parameters that bring this bench back."""
        wanted = {} if self.base == FIRST_PRESET else {PRESET: self.base}
        if not self.is_preset:
            wanted[TOKEN] = to_token(self.draft)
        if self.layer != self.draft.layers[0].name:
            wanted[LAYER] = self.layer
        return wanted

    def on(self, history: History, layer: str = "") -> "Bench":
        """Return the bench with another history, editing a layer or one near the present one."""
        names = [one.name for one in history.present.layers]
        if layer not in (*names, INPUT_KEY):
            kept = self.layer in (*names, INPUT_KEY)
            layer = self.layer if kept else names[min(max(self.index, 0), len(names) - 1)]
        draft = history.present
        known = draft.name in zoo.PRESETS and draft == preset_draft(draft.name)
        return Bench(draft.name if known else self.base, history, layer)


def preset_draft(name: str) -> Draft:
    """Return a named network as a draft."""
    return Draft.of(zoo.preset(name).network)


def bench() -> Bench:
    """Return the workbench of this session, as the address wants it, and write the address.

    An address that was changed from outside wins over what lies there; the page's bare
    address brings back what was left on the bench. What cannot be read gets a sentence on
    the page, see `problem`.
    """
    here: Bench | None = st.session_state.get(_BENCH)
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


def put(here: Bench) -> None:
    """Lay a bench down for the next run of the page."""
    st.session_state[_BENCH] = here


def change(make: Callable[[Draft], Draft], layer: str = "") -> None:
    """Change the draft from a widget's callback; what is refused is said on the page.

    Parameters
    ----------
    make : callable
        Takes the draft and returns another; its ValueError becomes a sentence.
    layer : str
        Which layer to edit then; by default the same, or one in its place.
    """
    here: Bench = st.session_state[_BENCH]
    try:
        draft = make(here.draft)
    except ValueError as error:
        refuse(plain_error(error))
        return
    new = [one.name for one in draft.layers if one not in here.draft.layers]
    if draft.name in zoo.PRESETS and draft != preset_draft(draft.name):
        draft = draft.model_copy(update={"name": OWN_NAME})
    grown = len(draft.layers) > len(here.draft.layers)
    put(here.on(here.history.then(draft), layer or (new[0] if grown and new else "")))


def choose(layer: str) -> None:
    """Edit another layer from now on, or the image; a name that nobody has changes nothing."""
    here: Bench = st.session_state[_BENCH]
    put(here.on(here.history, layer))


def undo() -> None:
    """Take the last change back."""
    here: Bench = st.session_state[_BENCH]
    put(here.on(here.history.undone()))


def redo() -> None:
    """Make the change again that was taken back last."""
    here: Bench = st.session_state[_BENCH]
    put(here.on(here.history.redone()))


def start_from(name: str) -> None:
    """Lay a preset on the bench; it can be undone."""
    here: Bench = st.session_state[_BENCH]
    draft = preset_draft(name)
    put(here.on(here.history.then(draft), draft.layers[0].name))


def lay(draft: Draft) -> None:
    """Lay somebody's own network on the bench; it can be undone."""
    change(lambda _: draft, draft.layers[0].name)


def refuse(sentence: str) -> None:
    """Have a sentence shown on the page's next run."""
    st.session_state[_PROBLEM] = sentence


def problem() -> str:
    """Return what was refused since the last run, once; "" if nothing was."""
    return str(st.session_state.pop(_PROBLEM, ""))


def _asked() -> dict[str, str]:
    """Return what the address says of the bench."""
    return {
        name: st.query_params[name] for name in (PRESET, TOKEN, LAYER) if name in st.query_params
    }


def _opened(asked: dict[str, str], here: Bench | None) -> Bench:
    """Return the bench that an address asks for, with a way back to what was there."""
    base = asked.get(PRESET, FIRST_PRESET)
    if base not in zoo.PRESETS:
        refuse(
            f"There is no network with this name. Available: {', '.join(zoo.PRESETS)}. "
            f"Received: {PRESET}={base[:40]!r}"
        )
        base = FIRST_PRESET
    draft = preset_draft(base)
    if TOKEN in asked:
        try:
            draft = draft_from_token(asked[TOKEN])
        except TokenError as error:
            refuse(str(error))
    first = Bench(base, History(draft), draft.layers[0].name)
    layer = asked.get(LAYER, first.layer)
    opened = first.on(first.history, layer)
    return opened if here is None else replace(opened, history=here.history.then(draft))
