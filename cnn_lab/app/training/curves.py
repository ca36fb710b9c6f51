"""View of a run on the Training page: a sentence, a bar, four figures, curves and filters."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from cnn_lab.app.caches import network
from cnn_lab.app.messages import explained
from cnn_lab.app.training.expected import CURVES, ExpectedLosses, compared
from cnn_lab.app.widgets.component import component
from cnn_lab.app.widgets.inputs import choice
from cnn_lab.app.widgets.model_choice import SHIPPED
from cnn_lab.app.widgets.pictures import show_png, tone
from cnn_lab.app.widgets.tables import show_figures
from cnn_lab.charts.curves import Drawing, Measure, curves, latest, rates
from cnn_lab.charts.maps import Tone, sharp_png
from cnn_lab.charts.snapshots import filters_picture, largest
from cnn_lab.content import prose
from cnn_lab.content.words import NOTHING, counted, duration, or_dash
from cnn_lab.data.sets import INFO
from cnn_lab.network import Network
from cnn_lab.network.initial import initial_weights
from cnn_lab.network.spec import NetworkSpec, TrainingSpec
from cnn_lab.ops.types import Array
from cnn_lab.runs.job import Event, Progress, RunSpec, Status, changes_words, progress
from cnn_lab.runs.recording import recording
from cnn_lab.training.schedules import learning_rates

FIGURES = ("Training", "Validation", "Images per second", "Time left")
ZOOMS = ("by epoch", "latest batches")
MEASURES: tuple[Measure, ...] = ("loss", "accuracy")
_curves = component("curves", "curves")
FILTER_COLUMNS = 4  # for as many filters as fill a square
FILTERS_PX = 250  # about as wide as the picture becomes
FIGURE_PX = 130  # at least, so that the others stay where they are when a number gets longer


@dataclass(frozen=True, eq=False)
class Filters:
    """Filters of a first layer at one moment of a run.

    Attributes
    ----------
    kernels : ndarray, shape (kernel_height, kernel_width, channels, filters)
    limit : float
        The weight shown in full colour.
    words : str
        Which moment it is.
    """

    kernels: Array
    limit: float
    words: str


@dataclass(frozen=True, eq=False)
class RunView:
    """A run that is recorded, active or finished.

    Attributes
    ----------
    share : float
        How much of it is over, from 0 to 1.
    sentence, settings : str
        Its state, and its settings.
    figures : mapping of str to str
        Four values by their names.
    whole : Drawing
        Curves of the whole run, see `cnn_lab.charts.curves`.
    latest : Drawing or None
        Those of its latest batches; None where they are of no use.
    filters : Filters or None
        Those of the first layer; None without a convolution.
    compared : str
        How the loss differs from what the reader expected; "" if nothing was.
    """

    share: float
    sentence: str
    settings: str
    figures: Mapping[str, str]
    whole: Drawing
    latest: Drawing | None = None
    filters: Filters | None = None
    compared: str = ""


@lru_cache(maxsize=8)
def recorded_view(name: str, expected: ExpectedLosses) -> RunView | None:
    """Return the recorded run of a preset's settings; None if there is none.

    Of some shipped networks only the epochs are known, and the filters that they ended with.
    """
    shipped = network(name) if name in SHIPPED else None
    recorded = recording(name)
    if recorded is None:
        return None if shipped is None else _shipped_view(shipped, expected)
    spec = RunSpec(network=recorded.network, training=recorded.training)
    words = {"epochs": len(recorded.history), "accuracy": _accuracy(recorded.result)}
    settings = _settings_line(spec)
    if shipped is not None:
        told = json.loads(shipped.card["result"])
        settings += ". " + prose("training", "shipped", name=name, accuracy=_accuracy(told))
    batches = recorded.batches()
    kernels = recorded.filters.astype(np.float32)
    return RunView(
        share=1.0,
        sentence=prose("training", "recorded", **words),
        settings=settings,
        figures=_result_figures(recorded.result),
        whole=_drawing(spec, batches, recorded.history, expected=expected),
        compared=compared(expected, spec.training.epochs, recorded.history),
        filters=Filters(kernels[-1], largest(kernels), prose("training", "filters learned")),
    )


def _shipped_view(shipped: Network, expected: ExpectedLosses) -> RunView:
    """Return the run that trained a shipped network, from its card."""
    history, result = json.loads(shipped.card["history"]), json.loads(shipped.card["result"])
    training = TrainingSpec.model_validate_json(shipped.card["training"])
    spec = RunSpec(network=shipped.spec, training=training)
    return RunView(
        share=1.0,
        sentence=prose("training", "trained", epochs=result["epochs"], accuracy=_accuracy(result)),
        settings=_settings_line(spec),
        figures=_result_figures(result),
        whole=_drawing(spec, [], history, expected=expected),
        compared=compared(expected, spec.training.epochs, history),
        filters=_filters_of(shipped.spec, shipped.weights, prose("training", "filters learned")),
    )


def _filters_of(network: NetworkSpec, weights: Mapping[str, Array], words: str) -> Filters | None:
    """Return the filters of the first convolution; None without one."""
    first = next((layer.name for layer in network.layers if layer.convolves), None)
    if first is None:
        return None
    kernels = weights[f"{first}/kernel"]
    return Filters(kernels, largest([kernels]), words)


def _accuracy(result: Mapping[str, Any]) -> str:
    return f"{result['test_accuracy']:.2%}"


def run_view(status: Status, events: Sequence[Event], expected: ExpectedLosses) -> RunView:
    """Return the current view of a run in the queue."""
    spec = status.spec
    batches = [event.values for event in events if event.kind == "batch"]
    epochs = [event.values for event in events if event.kind == "epoch"]
    so_far = progress(spec, events)
    if "test_accuracy" in status.result:
        figures = _result_figures(status.result)
    else:
        figures = _figures_so_far(status, so_far, batches, epochs)
    return RunView(
        share=so_far.share,
        sentence=_run_sentence(status, so_far, events),
        settings=_settings_line(spec),
        figures=figures,
        whole=_drawing(
            spec, batches, epochs, changes_words(events), expected=expected, active=status.active
        ),
        compared=compared(expected, spec.training.epochs, epochs),
        latest=latest(batches, n_batches=spec.n_batches) if batches else None,
    )


def planned_view(spec: RunSpec, expected: ExpectedLosses, *, sketch: bool = False) -> RunView:
    """Return the view of a run that has not been started, on which its loss can be sketched."""
    return RunView(
        share=0.0,
        sentence=prose(
            "training",
            "planned",
            images=f"{spec.n_images_an_epoch:,}",
            batches=f"{spec.n_batches * spec.training.epochs:,}",
        ),
        settings=_settings_line(spec),
        figures=dict.fromkeys(FIGURES, NOTHING),
        whole=_drawing(
            spec,
            [],
            [],
            expected=expected,
            sketch=prose("training", "expect_here") if sketch else "",
        ),
        compared=compared(expected, spec.training.epochs, []),
        filters=_filters_of(
            spec.network,
            initial_weights(spec.network, spec.training.seed),
            prose("training", "filters new"),
        ),
    )


def show_view(
    view: RunView,
    filters: Filters | None = None,
    beside: Callable[[], None] | None = None,
    *,
    on_sketch: Callable[[], None] | None = None,
) -> None:
    """Show a run, with the same elements in the same places in every state.

    Parameters
    ----------
    view : RunView
    filters : Filters, optional
        The first layer's filters, by default those of the view.
    beside : callable, optional
        Shows what comes below them.
    on_sketch : callable, optional
        Called when a loss has been sketched, which the session then has under `CURVES`.
    """
    left, right = st.columns([5, 2], gap="medium")
    with left:
        _show_curves(view, on_sketch)
    with right:
        _show_filters(filters or view.filters)
        if beside is not None:
            beside()


def _show_filters(filters: Filters | None) -> None:
    if filters is None:
        return
    st.markdown("**Filters of the first layer**")
    data, width_px = _filters_png(filters.kernels, filters.limit, tone())
    show_png(data, alt=filters.words, width_px=width_px)
    st.caption(f"{filters.words} {prose('training', 'scale')}")


@st.cache_data(max_entries=32, show_spinner=False)
def _filters_png(kernels: Array, limit: float, tone: Tone) -> tuple[bytes, int]:
    """Return filters as a PNG, and its width; a live page shows the same ones several times."""
    n_tiles = kernels.shape[2] * kernels.shape[3]
    columns = FILTER_COLUMNS if n_tiles <= FILTER_COLUMNS**2 else None
    picture = filters_picture(kernels, limit=limit, tone=tone, columns=columns)
    return sharp_png(picture, FILTERS_PX)


def _show_curves(view: RunView, on_sketch: Callable[[], None] | None) -> None:
    st.markdown(view.sentence)
    st.progress(view.share)
    zoom = ZOOMS[0]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        show_figures(view.figures, least_width_px=FIGURE_PX)
        if view.latest is not None:
            zoom = choice("Curves", ZOOMS, "training_zoom", hidden=True, width="content")
    drawing = view.whole if zoom == ZOOMS[0] or view.latest is None else view.latest
    _curves(key=CURVES, data=drawing, on_chosen_change=on_sketch or (lambda: None))
    if view.compared:
        st.markdown(view.compared)
    axes = prose("training", "curves" if zoom == ZOOMS[0] else "latest")
    st.caption(f"{view.settings}\n\n{axes}")


def history_csv(events: Sequence[Event]) -> str:
    """Return a run as CSV: its reports within epochs, whole epochs and changed settings."""
    rows: list[dict[str, Any]] = []
    n_images = 0.0
    for event in events:
        if event.kind in ("batch", "epoch"):
            n_images = event["n_images"]
            rows.append({"kind": event.kind, **event.values})
        elif event.kind == "settings":
            rows.append({"kind": event.kind, "n_images": n_images, **event.values})
    return str(pd.DataFrame(rows).to_csv(index=False))


def _settings_line(spec: RunSpec) -> str:
    """Return the settings in one line; defaults are left out."""
    training = spec.training
    parts = [
        counted(training.epochs, "epoch"),
        f"batches of {training.batch_size}",
        f"{training.optimizer} at {training.learning_rate:g}",
        training.schedule.replace("_", " "),
        f"seed {training.seed}",
    ]
    if spec.start is not None:
        parts.append(f"starting from the weights of {spec.start.name}")
    if spec.own_drawings:
        parts.append(f"with {counted(spec.own_drawings, 'own drawing')}")
    if spec.engine != "keras":
        parts.append("NumPy")
    if training.data_set != "mnist" or training.data_fraction < 1:
        parts.append(f"{training.data_fraction:.0%} of {INFO[training.data_set].title}")
    if training.augmentation.active:
        parts.append("augmentation")
    if training.label_smoothing:
        parts.append(f"label smoothing {training.label_smoothing:g}")
    if training.weight_averaging:
        parts.append("weight averaging")
    return f"{spec.network.name}: {', '.join(parts)}"


def _run_sentence(status: Status, so_far: Progress, events: Sequence[Event]) -> str:
    """Return a sentence about the state of a run."""
    training, data = status.spec.training, INFO[status.spec.training.data_set]
    epoch = f"epoch {so_far.epoch} of {training.epochs}"
    batch = f"batch {so_far.batch:,} of {status.spec.n_batches:,}"
    if status.active and status.sentence:
        return "Stopping …"
    match status.state:
        case "waiting" if status.position:
            before = "one run is" if status.position == 1 else f"{status.position} runs are"
            about = "" if status.wait_s is None else f" in about {duration(status.wait_s)}"
            return f"Waiting: {before} ahead of this one. It will start automatically{about}."
        case "waiting" | "starting" if events and events[-1].kind == "downloading":
            return f"Downloading {data.title}: {events[-1]['share']:.0%}"
        case "waiting" | "starting" if status.spec.engine == "numpy":
            return "Starting …"
        case "waiting" | "starting":
            return "Starting TensorFlow: about five seconds the first time …"
        case "training" if so_far.validating is not None:
            return (
                f"**{epoch.capitalize()}**, evaluating the {data.n_validation:,} validation "
                f"images: {so_far.validating:.0%}"
            )
        case "training":
            return f"**{epoch.capitalize()}**, {batch}"
        case "paused":
            return f"**Paused** in {epoch}, after {batch}"
        case "testing":
            return f"Trained. Evaluating the {data.n_test:,} test images …"
        case "done":
            result = status.result
            return (
                f"Trained. It classifies **{result['test_accuracy']:.2%}** of the {result['n']:,} "
                f"test images correctly: {result['errors']:,} errors."
            )
        case "stopped":
            return f"{explained(status.sentence)} {_how_far(status, so_far)}"
        case "failed":
            kept = f" {_how_far(status, so_far)}" if status.result else ""
            return f":material/error: {explained(status.sentence)}{kept}"


def _how_far(status: Status, so_far: Progress) -> str:
    if not status.result:
        return ""
    finished, asked = status.result["epochs"], status.spec.training.epochs
    return f"{finished} of {asked} epochs finished, {so_far.share:.0%} of the way."


def _figures_so_far(
    status: Status,
    so_far: Progress,
    batches: Sequence[Mapping[str, float]],
    epochs: Sequence[Mapping[str, float]],
) -> dict[str, str]:
    """Return the four figures of a run that has not been tested, from its reports."""
    trained = batches[-1]["accuracy"] if batches else None
    judged = epochs[-1]["val_accuracy"] if epochs else None
    if status.active:
        clock = {"Time left": or_dash(so_far.seconds_left, duration)}
    else:
        clock = {"Training time": or_dash(batches[-1]["seconds"] if batches else None, duration)}
    return {
        "Training now" if status.active else "Training": or_dash(trained, "{:.1%}".format),
        "Validation": or_dash(judged, "{:.2%}".format),
        "Images per second": or_dash(so_far.images_per_second, "{:,.0f}".format),
    } | clock


def _result_figures(result: Mapping[str, Any]) -> dict[str, str]:
    """Return the four figures of a finished run."""
    return {
        "Test accuracy": f"{result['test_accuracy']:.2%}",
        "Errors": f"{result['errors']:,} of {result['n']:,}",
        "Images per second": or_dash(result.get("images_per_second"), "{:,.0f}".format),
        "Training time": or_dash(result.get("seconds"), duration),
    }


def _drawing(
    spec: RunSpec,
    batches: Sequence[Mapping[str, float]],
    epochs: Sequence[Mapping[str, float]],
    changes: Sequence[tuple[float, str]] = (),
    *,
    expected: ExpectedLosses,
    sketch: str = "",
    active: bool = False,
) -> Drawing:
    """Return the curves of a run and its learning rate, with text alternatives.

    Of an active run, these stay the same, so that nothing is read out again and again.
    """
    drawing = curves(
        batches,
        epochs,
        n_train=spec.n_images_an_epoch,
        n_epochs=spec.training.epochs,
        n_classes=spec.network.n_classes,
        changes=changes,
        expected=expected.points(spec.training.epochs),
        sketch=sketch,
    )
    for panel, measure in zip(drawing["panels"], MEASURES, strict=True):
        panel["alt"] = _chart_words(measure, () if active else epochs)
    if sketch:
        drawing["panels"][0]["alt"] = prose("training", "expect_alt")
    planned = learning_rates(spec.training, spec.n_batches * spec.training.epochs)
    rate = rates(planned.tolist(), batches, n_batches=spec.n_batches)
    rate["alt"] = "Learning rate against epochs: as scheduled, and as used so far."
    drawing["panels"].append(rate)
    return drawing


def _chart_words(measure: Measure, epochs: Sequence[Mapping[str, float]]) -> str:
    """Return the text alternative of a chart."""
    if not epochs:
        return f"{measure.capitalize()} against epochs; the figures above give the current values."
    form, last = "{:.3f}" if measure == "loss" else "{:.2%}", epochs[-1]
    return (
        f"{measure.capitalize()} against epochs. After {len(epochs)}: training "
        f"{form.format(last[measure])}, validation {form.format(last[f'val_{measure}'])}."
    )
