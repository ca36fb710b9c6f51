"""Softmax and cross-entropy on the Backpropagation page."""

from typing import NamedTuple

import numpy as np
import streamlit as st

from cnn_lab.app.caches import network, test_digits
from cnn_lab.app.widgets.inputs import choice, digit_number, value_slider, whole_number
from cnn_lab.app.widgets.matrix import MatrixEditor
from cnn_lab.app.widgets.pictures import show_image, theme_colour
from cnn_lab.app.widgets.tables import show_table
from cnn_lab.concepts.backpropagation.softmax import SoftmaxCrossEntropy, softmax_cross_entropy
from cnn_lab.concepts.formulas import number_latex
from cnn_lab.content import prose
from cnn_lab.content.words import percent, significant
from cnn_lab.network.zoo import preset
from cnn_lab.ops.types import Array

FIRST_SCORES = np.array([[2.0, 1.0, -1.0]])
MAX_CLASSES = 10
TEMPERATURES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
NETWORK = "fast"
DIGIT_PX = 112
UNSURE = 321  # a test digit that the network misclassifies without being confident
TERMS_PER_LINE = 5
NEARLY_SURE = 0.999
_STYLE = """<style>
.classes {{ display: grid; grid-template-columns: auto auto 1fr auto 1fr auto; gap: .4rem .75rem;
  align-items: center; font-size: .875rem; font-variant-numeric: tabular-nums }}
.classes > b {{ font-weight: 600 }}
.classes .number {{ text-align: right }}
.classes .true {{ color: {now}; font-weight: 700 }}
.classes i {{ display: block; position: relative; height: .8rem; border-radius: 2px;
  background: color-mix(in srgb, currentColor 12%, transparent) }}
.classes i::before {{ content: ""; position: absolute; inset-block: 0; left: var(--from);
  width: var(--length); border-radius: 2px; background: currentColor }}
.classes i.signed::after {{ content: ""; position: absolute; inset-block: -2px; left: 50%;
  border-left: 1px solid color-mix(in srgb, currentColor 60%, transparent) }}
@media (max-width: 640px) {{ .classes {{ gap: .4rem; font-size: .8125rem }} }}
</style>"""


class Answer(NamedTuple):
    """Scores of classes, what softmax and cross-entropy make of them, and the temperature."""

    scores: Array
    found: SoftmaxCrossEntropy
    temperature: float

    @property
    def true_class(self) -> int:
        """The class whose label is 1."""
        return int(np.argmax(self.found.label))


def softmax_controls() -> Answer:
    """Show the source of the scores, the true class and the temperature; return the answer."""
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
    found = softmax_cross_entropy(scores, true_class, temperature=temperature)
    return Answer(scores, found, temperature)


def _network_scores() -> tuple[Array, int]:
    digits = test_digits()
    index = digit_number("back_score_digit", value=UNSURE)
    pixels = digits.pixels[index]
    show_image(pixels, alt=f"Test image {index}, a {digits.labels[index]}", width_px=DIGIT_PX)
    made = network(NETWORK).activations(pixels[np.newaxis, ..., np.newaxis] / 255)
    # The input of the last layer, softmax.
    return list(made.values())[-2][0].astype(np.float64), int(digits.labels[index])


def show_softmax(answer: Answer) -> None:
    """Show scores, probabilities and gradients class by class, and the loss."""
    st.markdown(prose("backpropagation", "softmax_story"))
    _show_classes(answer)
    found, true_class = answer.found, answer.true_class
    probability = percent(float(found.probabilities[true_class]))
    numbers = {"c": true_class, "probability": probability, "loss": significant(found.loss)}
    st.markdown(prose("backpropagation", "softmax_loss", **numbers))
    if found.is_limited:
        st.markdown(prose("backpropagation", "softmax_limited"))


def explain_softmax(answer: Answer) -> None:
    """Show every number from scores to gradient as formulas and as a table."""
    scores, found, temperature = answer
    true_class = answer.true_class
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
    show_table(_columns(scores, found), label="Softmax and cross-entropy, class by class")
    sums = {"total": _sum(found.probabilities), "balance": _sum(found.gradient)}
    st.markdown(prose("backpropagation", "softmax_sums", **sums))
    st.markdown(prose("backpropagation", "look_softmax"))
    st.caption(prose("backpropagation", "softmax_note"))


def show_softmax_cost(answer: Answer) -> None:
    """Say what softmax and its gradient take."""
    network = sum(row.multiply_adds for row in preset("paper").network.summary())
    numbers = {"n": len(answer.scores), "network": f"{network:,}"}
    st.markdown(prose("backpropagation", "cost_softmax", **numbers))


def _show_classes(answer: Answer) -> None:
    """Show a line for each class: score, probability and gradient, both as bars too."""
    scores, found, temperature = answer
    heads = ("Class", "Score", "Probability", "", "Gradient", "")
    cells = [f"<b>{head}</b>" for head in heads]
    for number, score in enumerate(scores):
        is_true = bool(found.label[number])
        kind = " true" if is_true else ""
        probability, gradient = found.probabilities[number], found.gradient[number]
        length = 50 * abs(gradient) * temperature
        start = 50 if gradient >= 0 else 50 - length
        cells += [
            f'<span class="name{kind}">{number}{", true" if is_true else ""}</span>',
            f'<span class="number{kind}">{significant(score, 3)}</span>',
            f'<i class="bar{kind}" style="--from:0%;--length:{probability:.2%}"></i>',
            f'<span class="number{kind}">{significant(probability, 3)}</span>',
            f'<i class="signed{kind}" style="--from:{start:.2f}%;--length:{length:.2f}%"></i>',
            f'<span class="number{kind}">{significant(gradient, 3)}</span>',
        ]
    st.html(f'{_STYLE.format(now=theme_colour())}<div class="classes">{"".join(cells)}</div>')


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
