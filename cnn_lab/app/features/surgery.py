"""Surgery on *Feature maps*: filters silenced or replaced, and the accuracy that costs."""

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cnn_lab.app.features.controls import View, test_split
from cnn_lab.app.widgets.inputs import menu
from cnn_lab.content import prose
from cnn_lab.data.kernels import KERNELS
from cnn_lab.data.mnist import Split
from cnn_lab.explain.surgery import (
    MAX_CUTS,
    Cut,
    accuracy,
    fitting_cuts,
    fitting_kernels,
    read_cuts,
    write_cuts,
)
from cnn_lab.network import Network

CUTS, KERNEL = "features_cuts", "features_kernel"
_MEASURED = "features_measured"
N_TEST = 1000
MAX_MEASURED = 16
Measured = dict[str, float]


def made_cuts(network: Network) -> tuple[Cut, ...]:
    """Return the changes to the network from the address; those that do not fit are left out.

    Notes
    -----
    Under 1 ms for each cut.
    """
    text = st.query_params.get(CUTS, "")
    return fitting_cuts(network, read_cuts(text)) if text else ()


def show_cuts(cuts: Sequence[Cut]) -> None:
    """Show the changes to the network under the maps, with buttons to undo them."""
    with st.container(horizontal=True, vertical_alignment="center"):
        words = "; ".join(cut.words for cut in cuts)
        st.markdown(f":small[{prose('features', 'cuts', cuts=words)}]", width="content")
        st.button("Undo", icon=":material/undo:", key="features_undo", on_click=_undo)
        if len(cuts) > 1:
            st.button("Undo all", key="features_undo_all", on_click=_write, args=((),))


def show_surgery(view: View) -> None:
    """Show buttons that silence the selected map or replace its kernel, and the accuracy."""
    st.markdown(prose("features", "surgery"))
    channel = view.place[0]
    noun = "map" if view.has_maps else "unit"
    silent = Cut(view.layer, channel)
    full = len(view.cuts) >= MAX_CUTS
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            f"Silence {noun} {channel} of {view.layer}",
            icon=":material/volume_off:",
            key="features_silence",
            on_click=_add,
            args=(silent,),
            disabled=full or silent in view.cuts or not fitting_cuts(view.original, [silent]),
        )
        if names := _kernel_names(view):
            chosen = menu(
                "Other kernel",
                names,
                KERNEL,
                format_func=lambda name: KERNELS[name].title,
                width=220,
            )
            st.button(
                f"Use it for map {channel}",
                icon=":material/swap_horiz:",
                key="features_swap",
                on_click=_add,
                args=(Cut(view.layer, channel, chosen),),
                disabled=full,
            )
    if full:
        st.caption(prose("features", "cuts_full", most=MAX_CUTS))
    _show_accuracy(view)


def _kernel_names(view: View) -> list[str]:
    """Return the kernels that can replace one in this layer."""
    try:
        return fitting_kernels(view.network.spec, view.layer)
    except ValueError:
        return []


def _show_accuracy(view: View) -> None:
    """Show the accuracy before and after, measured on request."""
    split = test_split(view.original)
    if split is None:
        st.caption(prose("features", "no_test"))
        return
    measured: Measured = st.session_state.setdefault(_MEASURED, {})
    networks = {one.weights_digest(): one for one in (view.original, view.network)}
    missing = {name: one for name, one in networks.items() if name not in measured}
    wanted = st.button(
        f"Test on {N_TEST:,} images",
        icon=":material/speed:",
        key="features_measure",
        type="primary",
        disabled=not missing,
    )
    if wanted:
        _measure(missing, split, measured)
    if measured.keys() >= networks.keys():
        before, *after = (measured[name] for name in networks)
        left, right, _ = st.columns([1, 1, 2])
        left.metric("Accuracy as trained", f"{before:.1%}")
        if after:
            change = 100 * (after[0] - before)
            changed = f"{change:.1f}".strip("-") != "0.0"
            right.metric(
                "Accuracy now",
                f"{after[0]:.1%}",
                delta=f"{change:+.1f} points" if changed else "no change",
                delta_color="normal" if changed else "off",
                delta_arrow="auto" if changed else "off",
            )


def _measure(networks: Mapping[str, Network], split: Split, measured: Measured) -> None:
    """Measure the accuracy of each network, with a progress bar."""
    bar = st.progress(0.0, text=prose("features", "reading"))
    few = Split(split.pixels[:N_TEST], split.labels[:N_TEST])
    images = few.images
    for done, (name, network) in enumerate(networks.items()):
        grow = partial(_grow, bar, done, len(networks))
        measured[name] = accuracy(network, images, few.labels, grow)
    while len(measured) > MAX_MEASURED:
        del measured[next(iter(measured))]


def _grow(bar: DeltaGenerator, done: int, n: int, share: float) -> None:
    bar.progress((done + share) / n, text=prose("features", "reading"))


def _add(cut: Cut) -> None:
    """Add a change; it replaces an earlier one of the same filter."""
    kept = [one for one in _written() if (one.layer, one.filter) != (cut.layer, cut.filter)]
    _write((*kept, cut))


def _undo() -> None:
    _write(_written()[:-1])


def _written() -> tuple[Cut, ...]:
    return read_cuts(st.query_params.get(CUTS, ""))


def _write(cuts: Sequence[Cut]) -> None:
    if cuts:
        st.query_params[CUTS] = write_cuts(cuts)
    elif CUTS in st.query_params:
        del st.query_params[CUTS]
