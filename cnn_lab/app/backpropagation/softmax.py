"""Softmax and cross-entropy on the Backpropagation page."""

import numpy as np
import streamlit as st

from cnn_lab.app.caches import network, test_digits
from cnn_lab.app.widgets.inputs import choice, digit_number, value_slider, whole_number
from cnn_lab.app.widgets.matrix import MatrixEditor
from cnn_lab.app.widgets.pictures import show_image
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.charts.backpropagation import GRADIENT, PROBABILITY, bars_spec, softmax_table
from cnn_lab.concepts.backpropagation.softmax import SoftmaxCrossEntropy, softmax_cross_entropy
from cnn_lab.concepts.formulas import number_latex
from cnn_lab.content import prose
from cnn_lab.content.words import significant
from cnn_lab.ops.types import Array

FIRST_SCORES = np.array([[2.0, 1.0, -1.0]])
MAX_CLASSES = 10
TEMPERATURES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
NETWORK = "fast"
DIGIT_PX = 112
UNSURE = 321  # a test digit that the network misclassifies without being confident
TERMS_PER_LINE = 5
NEARLY_SURE = 0.999


def softmax_controls() -> tuple[Array, int, float]:
    """Show the source of the scores, the true class and the temperature; return all three."""
    source = choice(
        "Scores",
        ("own", "network"),
        "back_scores",
        help="Your own numbers, or the scores of the included fast network for a test digit.",
    )
    if source == "network":
        scores, true_class = _network_scores()
    else:
        with MatrixEditor("Edit the scores", "back_edit_logits") as editor:
            scores = editor.matrix(
                "back_logits", FIRST_SCORES, label="Scores", max_rows=1, max_columns=MAX_CLASSES
            )[0]
        true_class = whole_number(
            "True class", "back_class", value=0, minimum=0, maximum=len(scores) - 1
        )
    temperature = value_slider("Temperature", TEMPERATURES, "back_temperature", value=1.0)
    return scores, true_class, temperature


def _network_scores() -> tuple[Array, int]:
    digits = test_digits()
    index = digit_number("back_score_digit", value=UNSURE)
    pixels = digits.pixels[index]
    show_image(pixels, alt=f"Test image {index}, a {digits.labels[index]}", width_px=DIGIT_PX)
    made = network(NETWORK).activations(pixels[np.newaxis, ..., np.newaxis] / 255)
    # The input of the last layer, softmax.
    return list(made.values())[-2][0].astype(np.float64), int(digits.labels[index])


def show_softmax(scores: Array, true_class: int, temperature: float) -> None:
    """Show every number from scores to gradient as formulas, bars and a table."""
    found = softmax_cross_entropy(scores, true_class, temperature=temperature)
    st.markdown(prose("backpropagation", "softmax"))
    st.markdown(
        prose(
            "backpropagation",
            "softmax_worked",
            c=true_class,
            score=number_latex(float(scores[true_class])),
            powers=_powers(scores, temperature),
            probability=_probability(float(found.probabilities[true_class])),
            loss=number_latex(found.loss),
            temperature=f"{temperature:g}",
            gradient=number_latex(float(found.gradient[true_class])),
        )
    )
    if found.is_limited:
        st.markdown(prose("backpropagation", "softmax_limited"))
    _show_bars(found, 1 / temperature)
    show_table(_columns(scores, found), label="Softmax and cross-entropy, class by class")
    sums = {"total": _sum(found.probabilities), "balance": _sum(found.gradient)}
    st.markdown(prose("backpropagation", "softmax_sums", **sums))
    st.caption(prose("backpropagation", "softmax_note"))


def _show_bars(found: SoftmaxCrossEntropy, largest_gradient: float) -> None:
    table = softmax_table(found)
    limits = {PROBABILITY: 1.0, GRADIENT: largest_gradient}
    for place, (field, limit) in zip(st.columns(2), limits.items(), strict=True):
        with place:
            st.vega_lite_chart(
                table,
                bars_spec(field, n_classes=len(table), limit=limit),
                key=f"back_bars_{field}",
                alt=f"The {field} of each class; the table below has the numbers",
            )


def _powers(scores: Array, temperature: float) -> str:
    """Return the denominator as a sum, a long one in several lines."""
    terms = [rf"e^{{{number_latex(float(score))} / {temperature:g}}}" for score in scores]
    lines = [
        " + ".join(terms[at : at + TERMS_PER_LINE]) for at in range(0, len(terms), TERMS_PER_LINE)
    ]
    body = r" \\ & {} + ".join(lines)
    return body if len(lines) == 1 else rf"\begin{{aligned}} & {body} \end{{aligned}}"


def _probability(value: float) -> str:
    """Return a probability; one close to 1 as 1 minus the rest."""
    return number_latex(value) if value < NEARLY_SURE else rf"1 - {number_latex(1 - value)}"


def _columns(scores: Array, found: SoftmaxCrossEntropy) -> dict[str, list[str]]:
    return {
        "Class": [str(number) for number in range(len(scores))],
        "Score z": [significant(value) for value in scores],
        "z / T": [significant(value) for value in found.scaled],
        "exp(z / T − largest)": [significant(value) for value in found.powers],
        "Probability p": [significant(value) for value in found.probabilities],
        "Label y": [significant(value) for value in found.label],
        "Gradient (p − y) / T": [significant(value) for value in found.gradient],
    }


def _sum(values: Array) -> str:
    """Return a sum to ten decimals, which hides rounding errors."""
    return f"{abs(values.sum()):.10f}".rstrip("0").rstrip(".")
