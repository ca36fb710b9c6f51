"""The tools of the workbench: start, undo, open; add, move and remove layers; mend what fails."""

from collections.abc import Callable

import streamlit as st

from cnn_lab.app.network.controls import Bench, change, lay, redo, refuse, start_from, undo
from cnn_lab.content import prose
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
from cnn_lab.network.spec import MAX_LAYERS, Draft, Fit
from cnn_lab.network.spec.token import TokenError, draft_from_json
from cnn_lab.ops.types import shape_words

_FIELD_HEIGHT_PX = 160
Edit = Callable[..., Draft]


def bench_tools(bench: Bench) -> None:
    """Show where to start from, the way back and forth, and the door for a network of one's own."""
    st.menu_button(
        "Start from",
        list(zoo.PRESETS),
        icon=":material/deployed_code:",
        key="network_start",
        on_click=_start,
    )
    st.button(
        "Undo",
        icon=":material/undo:",
        key="network_undo",
        on_click=undo,
        disabled=not bench.history.past,
    )
    st.button(
        "Redo",
        icon=":material/redo:",
        key="network_redo",
        on_click=redo,
        disabled=not bench.history.future,
    )
    st.button(
        "Reset",
        help=f"Back to {bench.base} as shipped",
        icon=":material/restart_alt:",
        key="network_reset",
        on_click=start_from,
        args=(bench.base,),
        disabled=bench.is_preset,
    )
    with st.container(width="content"):
        _open_menu()


def _start() -> None:
    start_from(st.session_state["network_start"])


@st.fragment
def _open_menu() -> None:
    menu = st.popover("Open", icon=":material/upload:", key="network_open", on_change="rerun")
    if not menu.open:
        return
    with menu:
        st.markdown(prose("network", "open"))
        file = st.file_uploader("JSON file", type="json", key="network_file")
        pasted = st.text_area("Or paste JSON text", key="network_json", height=_FIELD_HEIGHT_PX)
        if st.button("Open it", key="network_open_it", type="primary"):
            data = file.getvalue() if file is not None else pasted
            try:
                lay(draft_from_json(data))
            except TokenError as error:
                refuse(str(error))
            st.rerun()


def layer_tools(bench: Bench) -> None:
    """Show what can be done with the layer that is being edited, and a menu of new ones."""
    index, n_layers = bench.index, len(bench.draft.layers)
    full = n_layers >= MAX_LAYERS
    st.menu_button(
        f"Add a layer after {bench.layer}" if index >= 0 else "Add a first layer",
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
        on_click=_apply,
        args=(edit, *numbers),
        disabled=disabled,
    )


def _apply(edit: Edit, *numbers: int) -> None:
    change(lambda draft: edit(draft, *numbers))


def _add(index: int) -> None:
    type_ = st.session_state["network_add"]
    change(lambda draft: added(draft, index, type_))


def show_fit(bench: Bench, found: Fit) -> None:
    """Say what does not fit, or what is missing at the end, with changes that one click makes."""
    if found.reason:
        name = bench.draft.layers[len(found.rows)].name
        st.error(found.reason, title=f"{name} does not fit")
        _offer(remedies(bench.draft))
        return
    if bench.draft.input_shape not in {info.shape for info in INFO.values()}:
        st.info(prose("network", "no_data_set", shape=shape_words(bench.draft.input_shape)))
    end = output_problem(bench.draft, found)
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
                on_click=_take,
                args=(remedy.draft,),
            )


def _take(draft: Draft) -> None:
    change(lambda _: draft)
