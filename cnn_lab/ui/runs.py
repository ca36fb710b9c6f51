"""What the Training page shows of a run: a sentence, a bar, four figures and two charts."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from cnn_lab.content import prose
from cnn_lab.data import N_TRAIN
from cnn_lab.figures.curves import CHART_HEIGHT_PX, Measure, curve_spec, curve_table
from cnn_lab.network import Network
from cnn_lab.spec import NetworkSpec, TrainingSpec
from cnn_lab.training.job import Event, Progress, Status, progress
from cnn_lab.ui.caches import RUN_PREFIX
from cnn_lab.ui.training import be_here, engine

LIVE_EVERY_S = 0.5
MEASURES: tuple[Measure, ...] = ("loss", "accuracy")
NOTHING = "–"
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
    """

    n_epochs: int
    share: float
    sentence: str
    settings: str
    figures: Sequence[tuple[str, str]]
    table: pd.DataFrame


def recorded_view(network: Network) -> View:
    """Return the run that made a shipped network, from its card."""
    history, result = json.loads(network.card["history"]), json.loads(network.card["result"])
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
        settings=_settings(
            network.spec, TrainingSpec.model_validate_json(network.card["training"])
        ),
        figures=_result_figures(result),
        table=curve_table([], history, n_train=N_TRAIN),
    )


def run_view(status: Status, events: Sequence[Event]) -> View:
    """Return how a run of the engine stands now."""
    batches = [event.values for event in events if event.kind == "batch"]
    epochs = [event.values for event in events if event.kind == "epoch"]
    so_far = progress(status.spec, events)
    if "test_accuracy" in status.result:
        figures = _result_figures(status.result)
    else:
        figures = _figures_so_far(status, so_far, batches, epochs)
    return View(
        n_epochs=status.spec.training.epochs,
        share=so_far.share,
        sentence=_sentence(status, so_far),
        settings=_settings(status.spec.network, status.spec.training),
        figures=figures,
        table=curve_table(batches, epochs, n_train=N_TRAIN),
    )


def show_view(view: View) -> None:
    """Draw a run; the same elements in the same places, whatever its state."""
    st.markdown(view.sentence)
    st.progress(view.share)
    with st.container(horizontal=True, gap="small"):
        for name, value in view.figures:
            st.markdown(f":small[{name}]  \n**{value}**", width=FIGURE_PX)
    st.markdown(f":small[{view.settings}]")
    charts = st.columns(2, gap="medium")
    for chart, measure in zip(charts, MEASURES, strict=True):
        # A fixed height keeps everything below where it is until the browser can draw.
        with chart, st.container(height=CHART_HEIGHT_PX, border=False):
            st.vega_lite_chart(
                view.table,
                curve_spec(measure, n_epochs=view.n_epochs),
                key=f"training_{measure}",
                alt=_chart_words(measure, view),
            )


def show_run(status: Status) -> None:
    """Draw a run of the engine, again and again for as long as it goes on."""
    live = st.fragment(_follow, run_every=LIVE_EVERY_S if status.active else None)
    live(status.run_id, was_active=status.active)


def _follow(run_id: str, *, was_active: bool) -> None:
    be_here()
    status = engine().status(run_id)
    if was_active and not status.active:
        st.rerun()  # the whole page: other buttons, and what to do with the result
    show_view(run_view(status, engine().events(run_id)))


def after_run(status: Status) -> None:
    """Offer what a run has left behind."""
    if status.state == "stopped":
        st.markdown(prose("training", "stopped"))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            "pages/draw.py",
            label="Use this model in Draw",
            icon=":material/draw:",
            query_params={"draw_model": f"{RUN_PREFIX}{status.run_id}"},
        )
        st.download_button(
            "Weights (.safetensors)",
            lambda: engine().result(status.run_id).read_bytes(),
            file_name=f"{status.spec.network.name}-{status.run_id}.safetensors",
            icon=":material/download:",
            key="training_weights",
            on_click="ignore",
        )
        st.download_button(
            "History (CSV)",
            lambda: history_csv(engine().events(status.run_id)),
            file_name=f"{status.spec.network.name}-{status.run_id}.csv",
            mime="text/csv",
            icon=":material/download:",
            key="training_history",
            on_click="ignore",
        )


def show_layers(network: NetworkSpec) -> None:
    """Show what a network is made of: a line a layer, and the sum."""
    rows = [
        {
            "Layer": row.name,
            "Type": row.type,
            "Makes": " × ".join(f"{length:,}" for length in row.output_shape),
            "Parameters": f"{row.parameters:,}",
        }
        for row in network.summary()
    ]
    rows.append(
        {
            "Layer": "**in all**",
            "Type": "",
            "Makes": "",
            "Parameters": f"**{network.n_parameters:,}**",
        }
    )
    st.table(pd.DataFrame(rows).set_index("Layer"))


def history_csv(events: Sequence[Event]) -> str:
    """Return all points of a run as CSV: reports within epochs, and whole epochs."""
    rows = [{"kind": e.kind, **e.values} for e in events if e.kind in ("batch", "epoch")]
    return str(pd.DataFrame(rows).to_csv(index=False))


def _settings(network: NetworkSpec, training: TrainingSpec) -> str:
    return (
        f"{network.name}: {training.epochs} {'epoch' if training.epochs == 1 else 'epochs'}, "
        f"batches of {training.batch_size}, "
        f"learning rate {training.learning_rate:g}, seed {training.seed}"
    )


def _sentence(status: Status, so_far: Progress) -> str:
    """Return in words where a run stands."""
    training = status.spec.training
    if status.active and status.sentence:
        return "Stopping …"
    match status.state:
        case "waiting" if status.position:
            before = "one run is" if status.position == 1 else f"{status.position} runs are"
            return f"Waiting: {before} before this one, which then starts by itself."
        case "waiting" | "starting":
            return "Starting TensorFlow in the worker: about five seconds the first time …"
        case "training" if so_far.validating is not None:
            return (
                f"**Epoch {so_far.epoch} of {training.epochs}**, judging it on the 6,000 "
                f"validation images: {so_far.validating:.0%}"
            )
        case "training":
            return (
                f"**Epoch {so_far.epoch} of {training.epochs}**, batch {so_far.batch:,} of "
                f"{status.spec.n_batches:,}"
            )
        case "testing":
            return "Trained. Now the 10,000 test images, once …"
        case "done":
            result = status.result
            return (
                f"Trained. It reads **{result['test_accuracy']:.2%}** of the {result['n']:,} test "
                f"images correctly: {result['errors']:,} errors."
            )
        case "stopped":
            return f"{status.sentence} {_how_far(status, so_far)}"
        case "failed":
            return f":material/error: {status.sentence}"


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
) -> list[tuple[str, str]]:
    trained = batches[-1]["accuracy"] if batches else None
    judged = epochs[-1]["val_accuracy"] if epochs else None
    if status.active:
        clock = ("Time left", _shown(so_far.seconds_left, duration))
    else:
        clock = ("Training took", _shown(batches[-1]["seconds"] if batches else None, duration))
    return [
        ("Training now" if status.active else "Training", _shown(trained, "{:.1%}".format)),
        ("Validation", _shown(judged, "{:.2%}".format)),
        ("Images a second", _shown(so_far.images_per_second, "{:,.0f}".format)),
        clock,
    ]


def _result_figures(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Test accuracy", f"{result['test_accuracy']:.2%}"),
        ("Errors", f"{result['errors']:,} of {result['n']:,}"),
        ("Images a second", f"{result['images_per_second']:,.0f}"),
        ("Training took", duration(result["seconds"])),
    ]


def _shown(value: float | None, form: Callable[[float], str]) -> str:
    return NOTHING if value is None else form(value)


def duration(seconds: float) -> str:
    """Return a duration for a reader: seconds below a minute and a half, minutes above.

    Examples
    --------
    >>> duration(8.4), duration(90), duration(605)
    ('8 s', '1 min 30 s', '10 min 5 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _chart_words(measure: Measure, view: View) -> str:
    """Return what a chart shows, for those who do not see it.

    The same words for as long as a run goes on: the browser builds a chart anew when they change.
    """
    epochs = view.table[view.table["what"] == "epoch"]
    if view.share < 1 or epochs.empty:
        return f"{measure.capitalize()} against epochs; the figures above tell where it stands."
    last = epochs.groupby("who")[measure].last()
    form = "{:.3f}" if measure == "loss" else "{:.2%}"
    n_finished = int(epochs["epochs"].max())
    return (
        f"{measure.capitalize()} against epochs. After {n_finished}: training "
        f"{form.format(last['training'])}, validation {form.format(last['validation'])}."
    )
