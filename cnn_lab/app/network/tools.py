"""Tools of the network editor: start, undo, open, edit layers, and fix what does not fit."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from cnn_lab.app.messages import explained
from cnn_lab.app.network.controls import (
    NetworkEditor,
    change,
    open_network,
    redo,
    start_from,
    undo,
)
from cnn_lab.app.widgets.pictures import theme_colour
from cnn_lab.app.widgets.upload import file_upload
from cnn_lab.charts.network import Look, diagram_png, diagram_svg, network_diagram
from cnn_lab.content import prose
from cnn_lab.content.words import shape_words
from cnn_lab.data.sets import INFO
from cnn_lab.network import zoo
from cnn_lab.network.editing import (
    CLASSES,
    Remedy,
    added,
    duplicated,
    moved,
    output_problem,
    remedies,
    removed,
)
from cnn_lab.network.layers import LAYER_TYPES
from cnn_lab.network.spec import MAX_LAYERS, Draft, Fit, fit
from cnn_lab.network.spec.token import TokenError, draft_from_json, to_json, to_token

_FIELD_HEIGHT_PX = 112  # with the button and what is refused, the menu fits a phone
_MENU, _PASTED, _REFUSED = "network_open", "network_json", "network_open_refused"
_OPENED = "network_opened"
Edit = Callable[..., Draft]


def editor_tools(editor: NetworkEditor) -> None:
    """Show the presets, undo and redo, and the menu to open a network."""
    st.menu_button(
        "Start from",
        list(zoo.PRESETS),
        icon=":material/deployed_code:",
        key="network_start",
        on_click=_start,
    )
    for label, act, drafts in (
        ("Undo", undo, editor.history.past),
        ("Redo", redo, editor.history.future),
    ):
        name = label.lower()
        icon = f":material/{name}:"
        st.button(label, icon=icon, key=f"network_{name}", on_click=act, disabled=not drafts)
    st.button(
        "Reset",
        help=f"Back to {editor.base} as shipped",
        icon=":material/restart_alt:",
        key="network_reset",
        on_click=start_from,
        args=(editor.base,),
        disabled=editor.is_preset,
    )
    with st.container(width="content"):
        _open_menu()


def _start() -> None:
    start_from(st.session_state["network_start"])


@st.fragment
def _open_menu() -> None:
    menu = st.popover("Open", icon=":material/upload:", key=_MENU, on_change="rerun")
    if st.session_state.pop(_OPENED, False):
        st.rerun()  # the whole page: it shows another network now
    if not menu.open:
        return
    with menu:
        st.markdown(prose("network", "open"))
        file_upload("JSON file", "network_file", _open, types=("json",))
        st.text_area("Or paste JSON text", key=_PASTED, height=_FIELD_HEIGHT_PX)
        if refused := st.session_state.pop(_REFUSED, ""):
            st.error(refused)
        st.button("Open it", key="network_open_it", type="primary", on_click=_open_pasted)


def _open(content: str | bytes) -> None:
    open_network(draft_from_json(content))
    st.session_state[_OPENED] = True
    st.session_state[_MENU] = False  # the open menu would cover the result


def _open_pasted() -> None:
    try:
        _open(st.session_state[_PASTED])
    except TokenError as error:
        st.session_state[_REFUSED] = explained(error)


def train_link(editor: NetworkEditor, found: Fit) -> None:
    """Show the link that opens this network on the Training page."""
    if editor.is_preset:
        query = {"training_preset": editor.base}
    else:
        query = {"training_preset": "own", "training_network": to_token(editor.draft)}
    st.page_link(
        "pages/training.py",
        label="Train this network",
        icon=":material/model_training:",
        query_params=query,
        disabled=bool(found.reason),
    )


@st.fragment
def export_menu(draft: Draft) -> None:
    """Show a menu of downloads; a file is created only when requested."""
    menu = st.popover(
        "Download", icon=":material/download:", key="network_export", on_change="rerun"
    )
    if not menu.open:
        return
    diagram = network_diagram(draft, fit(draft))
    look = Look(theme_colour("textColor"), theme_colour("backgroundColor"), theme_colour())
    files: list[tuple[str, str, str, Callable[[], str | bytes]]] = [
        ("Network (JSON)", "json", "application/json", partial(to_json, draft)),
        ("Picture (SVG)", "svg", "image/svg+xml", partial(diagram_svg, diagram, look)),
        ("Picture (PNG)", "png", "image/png", partial(diagram_png, diagram, look)),
    ]
    with menu:
        for label, ending, mime, make in files:
            st.download_button(
                label,
                data=make,
                file_name=f"{draft.name}.{ending}",
                mime=mime,
                key=f"network_export_{ending}",
                on_click="ignore",
                width="stretch",
            )


def layer_tools(editor: NetworkEditor) -> None:
    """Show the actions for the edited layer and a menu of new layers."""
    index, n_layers = editor.index, len(editor.draft.layers)
    full = n_layers >= MAX_LAYERS
    st.menu_button(
        f"Add a layer after {editor.layer}" if index >= 0 else "Add a first layer",
        list(LAYER_TYPES),
        icon=":material/add:",
        key="network_add",
        on_click=_add,
        args=(index + 1,),
        disabled=full,
        width="stretch",
    )
    if index < 0:
        return
    with st.container(horizontal=True, gap="xsmall"):
        _tool("Earlier", moved, index, index - 1, disabled=index == 0)
        _tool("Later", moved, index, index + 1, disabled=index == n_layers - 1)
        _tool("Duplicate", duplicated, index, disabled=full)
        _tool("Remove", removed, index, disabled=n_layers == 1)


def _tool(label: str, edit: Edit, *numbers: int, disabled: bool) -> None:
    st.button(
        label,
        key=f"network_{label.lower()}",
        on_click=change,
        args=(lambda draft: edit(draft, *numbers),),
        disabled=disabled,
    )


def _add(index: int) -> None:
    type_ = st.session_state["network_add"]
    change(lambda draft: added(draft, index, type_))


def show_fit(editor: NetworkEditor, found: Fit) -> None:
    """Show what does not fit or is missing at the end, with one-click fixes."""
    if found.reason:
        name = editor.draft.layers[len(found.rows)].name
        st.error(explained(found.reason), title=f"{name} does not fit")
        _offer(remedies(editor.draft))
        return
    if editor.draft.input_shape not in {info.shape for info in INFO.values()}:
        st.info(prose("network", "no_data_set", shape=shape_words(editor.draft.input_shape)))
    end = output_problem(editor.draft, found)
    if end is not None:
        last = found.rows[-1]
        made = shape_words(last.output_shape)
        numbers = {"name": last.name, "made": made, "classes": CLASSES}
        st.warning(prose("network", f"ending_{end.kind}", **numbers))
        _offer([end.remedy] if end.remedy else [])


def _offer(offered: list[Remedy]) -> None:
    with st.container(horizontal=True, gap="small"):
        for number, remedy in enumerate(offered):
            st.button(
                remedy.label,
                icon=":material/build:",
                key=f"network_mend_{number}",
                on_click=change,
                args=(lambda _, mended=remedy.draft: mended,),
            )
