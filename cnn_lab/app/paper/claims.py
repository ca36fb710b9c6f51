"""The source paper's claims next to the results of this lab."""

import json

import streamlit as st

from cnn_lab.app.caches import network
from cnn_lab.app.paper.links import (
    AROUND,
    ERRATA,
    KERNEL,
    LENGTH,
    OUTLOOK,
    PAPER,
    STRIDE,
    Link,
    show_link,
    show_pieces,
)
from cnn_lab.app.training.fields import OPTIMIZERS
from cnn_lab.app.widgets.networks import show_layers
from cnn_lab.app.widgets.pictures import show_svg, theme_look
from cnn_lab.charts.paper import SEEDS_WIDTH_PX, seeds_height, seeds_svg
from cnn_lab.content import prose
from cnn_lab.network.zoo import preset
from cnn_lab.ops.reads import line_reads
from cnn_lab.ops.settings import ConvolutionSettings
from cnn_lab.runs.comparison import uncertainty
from cnn_lab.training.experiment import PAPER_ACCURACY, Experiment, experiments

READING_PX = 720


def show_verdict() -> None:
    """Show the paper's accuracy next to the accuracy of each seed."""
    paper = experiments()[PAPER]
    words, dots = st.columns([5, 4], gap="large")
    with words:
        st.markdown(
            prose(
                "paper",
                "verdict",
                paper=f"{PAPER_ACCURACY:.1%}",
                n_layers=len(preset(PAPER).network.layers),
                n_seeds=len(paper.seeds),
                n_epochs=paper.n_epochs,
                **_accuracies(paper),
                fewest=min(paper.errors),
                most=max(paper.errors),
                paper_errors=round((1 - PAPER_ACCURACY) * paper.n_test),
                uncertainty=f"{100 * uncertainty(PAPER_ACCURACY, paper.n_test):.2f}",
                spread=f"{100 * paper.spread:.2f}",
            )
        )
    with dots:
        show_svg(
            seeds_svg(list(experiments().values()), theme_look()),
            alt=f"Test accuracy of each seed and of the paper ({PAPER_ACCURACY:.1%}): "
            + "; ".join(
                f"{name} {min(each.accuracies):.2%} to {max(each.accuracies):.2%}"
                for name, each in experiments().items()
            ),
            size_px=(SEEDS_WIDTH_PX, seeds_height(len(experiments()))),
        )
        st.caption(prose("paper", "seeds", keras=paper.versions["keras"]))


def show_network() -> None:
    """Show the paper's layers, their costs, and the choices that the paper leaves open."""
    built = preset(PAPER)
    rows, n_parameters = built.network.summary(), built.network.n_parameters
    heaviest = max(rows, key=lambda row: row.parameters)
    first = built.network.layers[0]
    threads = first.connections(built.network.input_shape)
    assert threads is not None  # the paper's network begins with a convolution
    table, words = st.columns(2, gap="large")
    with table:
        show_layers(built.network)
    with words:
        st.markdown(
            prose(
                "paper",
                "layers",
                n_layers=len(rows),
                n_parameters=f"{n_parameters:,}",
                share=f"{heaviest.parameters / n_parameters:.0%}",
                heaviest=heaviest.name,
                units=heaviest.output_shape[0],
                n_read=f"{heaviest.input_shape[0]:,}",
                n_shared=threads.shared,
                uses=f"{threads.uses:,.0f}",
                n_dense=f"{threads.dense:,}",
            )
        )
        training = built.training
        st.markdown(
            prose(
                "paper",
                "open",
                optimizer=OPTIMIZERS[training.optimizer],
                rate=training.learning_rate,
                batch_size=training.batch_size,
                activation="none" if first.nonlinearity == "linear" else first.nonlinearity,
            )
        )
        with st.container(horizontal=True):
            show_link(Link("network", "View its layers", {"network_preset": PAPER}))
            show_link(Link("training", "Train it yourself", {"training_preset": PAPER}))


def show_outlook() -> None:
    """Show the paper's ideas for better results, links to try them, and those that helped."""
    paper, fast = experiments()[PAPER], experiments()["fast"]
    st.markdown(prose("paper", "outlook"))
    with st.container(horizontal=True):
        for each in OUTLOOK:
            show_link(each)
    spec = preset(fast.name).network
    share = spec.n_parameters / preset(PAPER).network.n_parameters
    with st.container(width=READING_PX):
        st.markdown(
            prose(
                "paper",
                "fast",
                name=fast.name,
                n_parameters=f"{spec.n_parameters:,}",
                less=f"{share:.0%}",
                n_epochs=fast.n_epochs,
                paper_epochs=paper.n_epochs,
                n_seeds=len(fast.seeds),
                mean=f"{fast.mean_accuracy:.2%}",
            )
        )
        champion = network("champion")
        result, again = json.loads(champion.card["result"]), experiments()["champion"]
        st.markdown(
            prose(
                "paper",
                "champion",
                name=champion.spec.name,
                seed=result["seed"],
                accuracy=f"{result['test_accuracy']:.2%}",
                errors=result["errors"],
                n=f"{result['n']:,}",
                n_parameters=f"{champion.spec.n_parameters:,}",
                n_seeds=len(again.seeds),
                mean=f"{again.mean_accuracy:.2%}",
            )
        )


def show_errata() -> None:
    """Show corrections to the paper, with links to where they can be seen."""
    spec = preset(PAPER).network
    window = spec.layers[0].window(spec.input_shape)
    assert window is not None  # the paper's network begins with a convolution
    size, (before, after) = window.size[0], window.borders[0]
    settings = ConvolutionSettings(STRIDE, AROUND)
    geometry = settings.geometry((LENGTH, LENGTH), (KERNEL, KERNEL))
    numbers: dict[str, dict[str, object]] = {
        "same": {"size": size, "before": before, "after": after},
        "floor": {
            "length": LENGTH,
            "padding": AROUND,
            "kernel": KERNEL,
            "stride": STRIDE,
            "unrounded": (LENGTH + 2 * AROUND - KERNEL) / STRIDE + 1,
            "result": geometry.positions[0],
            "unread": line_reads(geometry)[0].padding_beyond,
        },
    }
    st.markdown(prose("paper", "errata"))
    show_pieces(ERRATA, numbers)


def _accuracies(experiment: Experiment) -> dict[str, str]:
    return {
        "mean": f"{experiment.mean_accuracy:.2%}",
        "worst": f"{min(experiment.accuracies):.2%}",
        "best": f"{max(experiment.accuracies):.2%}",
    }
