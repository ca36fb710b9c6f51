"""What the Training page shows of a run: a sentence, a bar, four figures and three charts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from cnn_lab.app.training.run_words import (
    FIGURES,
    NOTHING,
    figures_so_far,
    result_figures,
    run_sentence,
    settings_line,
)
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.charts.training import (
    CHART_HEIGHT_PX,
    RATE_HEIGHT_PX,
    Measure,
    curve_spec,
    curve_table,
    latest_spec,
    latest_table,
    rate_spec,
    rate_table,
)
from cnn_lab.content import prose
from cnn_lab.network import Network
from cnn_lab.network.spec import NetworkSpec, TrainingSpec
from cnn_lab.runs.job import Event, RunSpec, Status, progress
from cnn_lab.training.schedules import learning_rates

ZOOMS = ("by epoch", "latest batches")
MEASURES: tuple[Measure, ...] = ("loss", "accuracy")
FIGURE_PX = 130  # fixed, so that nothing moves sideways when a number grows


@dataclass(frozen=True)
class View:
    """One run, be it recorded, under way or over.

    Attributes
    ----------
    sentence, settings : str
        Where it stands, and what was asked for.
    figures : sequence of (str, str)
        Four names with their values.
    curves, rates : DataFrame
        From `curve_table` and `rate_table`.
    latest : DataFrame or None
        From `latest_table`; None where only epochs are known.
    """

    n_epochs: int
    share: float
    sentence: str
    settings: str
    figures: Sequence[tuple[str, str]]
    curves: pd.DataFrame
    rates: pd.DataFrame
    latest: pd.DataFrame | None = None


def recorded_view(network: Network) -> View:
    """Return the run that made a shipped network, from its card."""
    history, result = json.loads(network.card["history"]), json.loads(network.card["result"])
    training = TrainingSpec.model_validate_json(network.card["training"])
    spec = RunSpec(network=network.spec, training=training)
    sentence = prose(
        "training",
        "recorded",
        epochs=result["epochs"],
        accuracy=f"{result['test_accuracy']:.2%}",
    )
    return View(
        n_epochs=result["epochs"],
        share=1.0,
        sentence=sentence,
        settings=settings_line(spec),
        figures=result_figures(result),
        curves=curve_table([], history, n_train=spec.n_images_an_epoch),
        rates=_rates(spec, []),
    )


def run_view(status: Status, events: Sequence[Event]) -> View:
    """Return how a run of the queue stands now."""
    spec = status.spec
    batches = [event.values for event in events if event.kind == "batch"]
    epochs = [event.values for event in events if event.kind == "epoch"]
    so_far = progress(spec, events)
    if "test_accuracy" in status.result:
        figures = result_figures(status.result)
    else:
        figures = figures_so_far(status, so_far, batches, epochs)
    return View(
        n_epochs=spec.training.epochs,
        share=so_far.share,
        sentence=run_sentence(status, so_far, events),
        settings=settings_line(spec),
        figures=figures,
        curves=curve_table(
            batches, epochs, n_train=spec.n_images_an_epoch, changed_rates=_changed_rates(events)
        ),
        rates=_rates(spec, batches),
        latest=latest_table(batches, n_batches=spec.n_batches),
    )


def planned_view(spec: RunSpec) -> View:
    """Return a run that nobody has asked for yet."""
    return View(
        n_epochs=spec.training.epochs,
        share=0.0,
        sentence=prose(
            "training",
            "planned",
            images=f"{spec.n_images_an_epoch:,}",
            batches=f"{spec.n_batches * spec.training.epochs:,}",
        ),
        settings=settings_line(spec),
        figures=[(name, NOTHING) for name in FIGURES],
        curves=curve_table([], [], n_train=spec.n_images_an_epoch),
        rates=_rates(spec, []),
    )


def show_view(view: View) -> None:
    """Draw a run; the same elements in the same places, whatever its state."""
    st.markdown(view.sentence)
    st.progress(view.share)
    zoom = ZOOMS[0]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for name, value in view.figures:
            st.markdown(f":small[{name}]  \n**{value}**", width=FIGURE_PX)
        if view.latest is not None:
            zoom = st.segmented_control(
                "Curves",
                ZOOMS,
                default=ZOOMS[0],
                required=True,
                key="training_zoom",
                bind="query-params",
                label_visibility="collapsed",
            )
    charts = st.columns(2, gap="medium")
    for chart, measure in zip(charts, MEASURES, strict=True):
        # A fixed height keeps everything below where it is until the browser can draw.
        with chart, st.container(height=CHART_HEIGHT_PX, border=False):
            if zoom == ZOOMS[0] or view.latest is None:
                st.vega_lite_chart(
                    view.curves,
                    curve_spec(measure, n_epochs=view.n_epochs),
                    key=f"training_{measure}",
                    alt=_chart_words(measure, view),
                )
            else:
                st.vega_lite_chart(
                    view.latest,
                    latest_spec(measure),
                    key=f"training_latest_{measure}",
                    alt=f"{measure.capitalize()} of the latest batches, one point per report.",
                )
    with st.container(height=RATE_HEIGHT_PX, border=False):
        st.vega_lite_chart(
            view.rates,
            rate_spec(n_epochs=view.n_epochs),
            key="training_rates",
            alt="Learning rate against epochs: as scheduled, and as used so far.",
        )
    st.markdown(f":small[{view.settings}]")
    st.caption(prose("training", "curves" if zoom == ZOOMS[0] else "latest"))


def show_layers(network: NetworkSpec) -> None:
    """Show what a network is made of: a line a layer, and the sum."""
    rows = network.summary()
    columns = {
        "Layer": [row.name for row in rows],
        "Type": [row.type for row in rows],
        "Output": [" × ".join(f"{length:,}" for length in row.output_shape) for row in rows],
        "Parameters": [f"{row.parameters:,}" for row in rows],
    }
    total = ("Total", "", "", f"{network.n_parameters:,}")
    for column, last in zip(columns.values(), total, strict=True):
        column.append(last)
    show_table(columns, label="The layers of the network")


def history_csv(events: Sequence[Event]) -> str:
    """Return all points of a run as CSV: reports within epochs, and whole epochs."""
    rows = [{"kind": e.kind, **e.values} for e in events if e.kind in ("batch", "epoch")]
    return str(pd.DataFrame(rows).to_csv(index=False))


def _changed_rates(events: Sequence[Event]) -> list[tuple[float, float]]:
    """Return after how many images somebody changed the rate, and the new highest one."""
    changes, n_images = [], 0.0
    for event in events:
        if event.kind == "batch":
            n_images = event["n_images"]
        elif event.kind == "rate":
            changes.append((n_images, event["rate"]))
    return changes


def _rates(spec: RunSpec, batches: Sequence[Mapping[str, float]]) -> pd.DataFrame:
    planned = learning_rates(spec.training, spec.n_batches * spec.training.epochs)
    return rate_table(planned.tolist(), batches, n_batches=spec.n_batches)


def _chart_words(measure: Measure, view: View) -> str:
    """Return what a chart shows, for those who do not see it.

    The same words for as long as a run goes on: the browser builds a chart anew when they change.
    """
    epochs = view.curves[view.curves["what"] == "epoch"]
    if view.share < 1 or epochs.empty:
        return f"{measure.capitalize()} against epochs; the figures above give the current values."
    last = epochs.groupby("who")[measure].last()
    form = "{:.3f}" if measure == "loss" else "{:.2%}"
    n_finished = int(epochs["epochs"].max())
    return (
        f"{measure.capitalize()} against epochs. After {n_finished}: training "
        f"{form.format(last['training'])}, validation {form.format(last['validation'])}."
    )
