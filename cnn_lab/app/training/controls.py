"""Settings of a run: read from the controls, written into them, saved to a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from cnn_lab.app.messages import explained
from cnn_lab.app.run_queue import FOLLOWED, run_queue
from cnn_lab.app.training.fields import AS_BUILT, Fields, no_images, setting_key
from cnn_lab.app.widgets.inputs import HiddenFold, choice, fold
from cnn_lab.app.widgets.upload import file_upload
from cnn_lab.content import prose
from cnn_lab.content.words import listed
from cnn_lab.data.mnist import DataError
from cnn_lab.data.sets import INFO, load_data_set
from cnn_lab.network import zoo
from cnn_lab.network.spec import DataSetName, NetworkSpec, TrainingSpec
from cnn_lab.network.spec.recipe import Recipe
from cnn_lab.network.spec.token import TokenError, from_token, to_token
from cnn_lab.network.variants import with_batch_norm, with_dropout, with_input_shape
from cnn_lab.runs.comparison import Compared, differing_settings
from cnn_lab.runs.job import MAX_EPOCHS, RunSpec
from cnn_lab.training.engine import EngineName

if TYPE_CHECKING:
    from streamlit.elements.lib.mutable_expander_container import ExpanderContainer

PRESET, NETWORK = "training_preset", "training_network"
APPLIED, _TOLD = "training_applied", "training_told"
WITHOUT_CONTROL = ("unchanged", "fade")  # of a run or a preset, which the next run keeps
FOLD, SHOWN = "training_fold", "training_fields_shown"
MENU, UPLOAD = "training_file_menu", "training_file"
OWN, FIRST = "own", "fast"


@dataclass(frozen=True)
class TrainingSettings:
    """Settings that the controls describe.

    Attributes
    ----------
    name : str
        A preset's name, or "own".
    network : NetworkSpec or None
        The network to train; None if there is none yet.
    spec : RunSpec or None
        The run; None if it is not possible.
    problem : str
        Why the run is not possible.
    """

    name: str
    network: NetworkSpec | None
    spec: RunSpec | None
    problem: str = ""


def choose_preset(followed: RunSpec | None = None) -> str:
    """Show the networks and return the name of the chosen preset, or "own".

    Parameters
    ----------
    followed : RunSpec, optional
        A run that the address names: its network is chosen first.
    """
    st.session_state.pop(APPLIED, None)  # here the controls are
    first = FIRST if followed is None else _preset_of(followed.network)
    return choice(
        "Network", [*zoo.PRESETS, OWN], PRESET, default=first, pills=True, width="content"
    )


def training_settings(name: str, followed: RunSpec | None, *, shown: bool) -> TrainingSettings:
    """Return the settings of the next run.

    Parameters
    ----------
    name : str
        From `choose_preset`.
    followed : RunSpec or None
        A run that the address names: the controls start with its settings.
    shown : bool
        Whether to show the fields. If not, the settings are what the address says.
    """
    of_run = None if followed is None else _preset_of(followed.network)
    own = followed.network if followed is not None and of_run == OWN else None
    built = _own_network(own) if name == OWN else zoo.preset(name).network
    engines = run_queue().engines
    if followed is not None and name == of_run:
        defaults, usual_engine = followed.training, _possible(followed.engine)
    else:
        defaults, usual_engine = _defaults(name, built), engines[0]
    asked = Fields(name, shown=shown, engines=engines)
    fields, engine = asked.main(defaults, usual_engine)
    norm, dropout = asked.switches()
    fields |= asked.more(defaults, fields["optimizer"])
    fields |= asked.augmentation(defaults, fields["data_set"])
    fields |= {name: getattr(defaults, name) for name in WITHOUT_CONTROL}
    if fields["data_set"] == "mnist":
        fields["non_digits"] = defaults.non_digits
    if built is None:
        return TrainingSettings(name, None, None, prose("training", "no network"))
    try:
        network = _rewritten(name, built, fields["data_set"], norm, dropout)
    except ValueError as error:
        return TrainingSettings(name, built, None, explained(error))
    try:
        training = TrainingSpec(**fields)
        spec = RunSpec(network=network, training=training, engine=engine)
    except ValueError as error:
        return TrainingSettings(name, network, None, explained(error))
    return TrainingSettings(name, network, spec)


def settings_fold() -> "tuple[ExpanderContainer | HiddenFold, bool]":
    """Return the fold of the settings, and whether its fields are to be shown.

    They are from the moment when it has been opened, or a callback has set one of them. Until then
    they would only be in the way: twenty-nine fields take the browser longer than all the rest.
    """
    part = fold("Settings", FOLD, icon=":material/tune:")
    if part.open:
        st.session_state[SHOWN] = True
    is_shown = bool(st.session_state.get(SHOWN)) and not isinstance(part, HiddenFold)
    return part, is_shown


def show_changes(settings: TrainingSettings) -> None:
    """Show how the settings of the next run differ from the preset's, and what they lack.

    What a button far from the controls has just set is told once; see `tell_applied`.
    """
    if told := st.session_state.pop(_TOLD, ""):
        st.toast(prose("training", "applied", changes=told), icon=":material/done_all:")
    data_set = None if settings.spec is None else settings.spec.training.data_set
    if data_set not in (None, "mnist"):
        try:
            load_data_set(data_set)
        except DataError as error:
            st.caption(no_images(error, data_set, run_queue().engines))
    changed = changed_settings(settings)
    if changed:
        st.caption(prose("training", "changed", changed=listed(changed)))


def changed_settings(settings: TrainingSettings) -> list[str]:
    """Return the settings of the next run that differ from the preset's, each with its value."""
    spec = settings.spec
    if spec is None:
        return []
    built = spec.network if settings.name == OWN else zoo.preset(settings.name).network
    usual = _defaults(settings.name, built)
    images = spec.n_images_an_epoch
    pair = (
        Compared("", spec.network, spec.training, spec.engine, images, []),
        Compared("", built, usual, run_queue().engines[0], images, []),
    )
    return [f"{one.setting} {one.first}" for one in differing_settings(*pair)]


def show_settings_file(settings: TrainingSettings) -> None:
    """Show a button that restores the preset's settings, and a menu for settings files."""
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Reset",
            icon=":material/restart_alt:",
            key="training_reset",
            on_click=reset,
            help="Back to this network's default settings.",
        )
        menu = st.popover("File", icon=":material/description:", key=MENU, on_change="rerun")
    if menu.open:
        with menu:
            _show_menu(settings)


def _show_menu(settings: TrainingSettings) -> None:
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
    file_upload("Open a settings file", UPLOAD, _take_file, types=("json",))


def _take_file(content: bytes) -> None:
    """Load an uploaded settings file into the controls."""
    recipe = Recipe.from_json(content)
    take_over(RunSpec(network=recipe.network, training=recipe.training))
    st.session_state[MENU] = False  # the open menu would cover the result


def apply_changes(changes: Mapping[str, Any]) -> None:
    """Set controls of the Training page. Call it from a callback, before they are shown.

    Parameters
    ----------
    changes : mapping of str to Any
        New values for fields of a TrainingSpec. Also "network", a NetworkSpec, which becomes
        "own" unless it is a preset's.

    Notes
    -----
    A callback inside a fragment reruns only the fragment; `show_run` then reruns the page so
    that the controls follow.

    Raises
    ------
    pydantic.ValidationError
        A ValueError, if a value is not allowed.
    """
    fields = dict(changes)
    network = fields.pop("network", None)
    if network is not None:
        _choose(network)
    name = st.session_state.get(PRESET, FIRST)
    changed = TrainingSpec.model_validate(fields)  # converts each value to the type of its field
    for field in fields:
        if field == "augmentation":
            for bound, amount in changed.augmentation.model_dump().items():
                st.session_state[setting_key(name, bound)] = amount
        elif field == "epochs":
            st.session_state[setting_key(name, field)] = min(changed.epochs, MAX_EPOCHS)
        else:
            st.session_state[setting_key(name, field)] = getattr(changed, field)
    st.session_state[APPLIED] = st.session_state[SHOWN] = True


def take_over(spec: RunSpec) -> None:
    """Set all controls so that they describe this run."""
    apply_changes({"network": spec.network, **dict(spec.training)})
    _set_rest(_possible(spec.engine))


def follow(run_id: str, spec: RunSpec) -> None:
    """Set controls that are shown already to a run that an address names, once.

    An address that also sets a control says itself how the controls are.
    """
    if st.session_state.get(FOLLOWED) == run_id:
        return
    st.session_state[FOLLOWED] = run_id
    keys = tuple(setting_key(name, "") for name in (*zoo.PRESETS, OWN))
    says_so = any(name in (PRESET, NETWORK) or name.startswith(keys) for name in st.query_params)
    if PRESET in st.session_state and not says_so:
        take_over(spec)


def tell_applied(changes: str) -> None:
    """Have the page say what was set for the next run, by a button far below the controls."""
    st.session_state[_TOLD] = changes


def reset() -> None:
    """Reset all controls except the network to the preset's values."""
    name = st.session_state[PRESET]
    built = _own_network() if name == OWN else zoo.preset(name).network
    apply_changes(dict(_defaults(name, built)))
    _set_rest(run_queue().engines[0])


def _possible(engine: EngineName) -> EngineName:
    """Return an engine, or the usual one if it cannot train here."""
    engines = run_queue().engines
    return engine if engine in engines else engines[0]


def _set_rest(engine: EngineName) -> None:
    name = st.session_state[PRESET]
    for field, value in (("engine", engine), ("norm", AS_BUILT), ("dropout", AS_BUILT)):
        st.session_state[setting_key(name, field)] = value


def _choose(network: NetworkSpec) -> None:
    name = st.session_state[PRESET] = _preset_of(network)
    if name == OWN:
        st.session_state[NETWORK] = st.query_params[NETWORK] = to_token(network)


def _preset_of(network: NetworkSpec) -> str:
    """Return the name of the preset with this network, or "own"."""
    return next((name for name in zoo.PRESETS if zoo.preset(name).network == network), OWN)


def link_to_layers(name: str) -> None:
    """Show a link to the Network page, where the layers of a preset can be edited."""
    query, label = {"network_preset": name}, "View and edit its layers"
    if name == OWN:
        token = st.session_state.get(NETWORK)
        query = {"network_token": token} if token else {}
        label = "Edit it" if token else "Build one"
    st.page_link(
        "pages/network.py", label=label, icon=":material/account_tree:", query_params=query
    )


def _own_network(of_run: NetworkSpec | None = None) -> NetworkSpec | None:
    """Return the network in the address, or the last one that was there, or that of a run.

    If the address does not describe a network, a warning is shown.
    """
    token = st.query_params.get(NETWORK) or st.session_state.get(NETWORK)
    if token is None and of_run is not None:
        token = to_token(of_run)
    if token is None:
        return None
    try:
        network = from_token(token)
    except TokenError as error:
        st.warning(explained(error), title="This is not a network")
        return None
    if st.query_params.get(NETWORK) != token:
        st.query_params[NETWORK] = token
    st.session_state[NETWORK] = token
    return network


def _defaults(name: str, network: NetworkSpec | None) -> TrainingSpec:
    """Return the initial settings: a preset's own, or modest ones for any other network."""
    if name != OWN:
        return zoo.preset(name).training
    if network is None:
        return TrainingSpec(epochs=3)
    fitting = [key for key, info in INFO.items() if info.shape == network.input_shape]
    return TrainingSpec(epochs=3, data_set=fitting[0] if fitting else "mnist")


def _rewritten(
    name: str, network: NetworkSpec, data_set: DataSetName, norm: str, dropout: str
) -> NetworkSpec:
    """Return the network with the switches applied; a preset adapts to the data set's images."""
    if name != OWN:
        network = with_input_shape(network, INFO[data_set].shape)
    if norm != AS_BUILT:
        network = with_batch_norm(network, norm == "everywhere")
    if dropout != AS_BUILT:
        network = with_dropout(network, 0 if dropout == "none" else float(dropout))
    return network
