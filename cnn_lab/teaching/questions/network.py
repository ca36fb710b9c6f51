"""Questions about a network's last layer, its loss, and what a unit sees of the input."""

import math
from typing import Any

import numpy as np
from numpy.random import RandomState

from cnn_lab.ops import cross_entropy, relu, softmax
from cnn_lab.ops.losses import softmax_cross_entropy_gradient
from cnn_lab.ops.sizes import receptive_field
from cnn_lab.ops.types import Array
from cnn_lab.teaching.questions.case import Level, Line, Question, Solution, Wrong, answer_text
from cnn_lab.teaching.questions.windows import list_words, pick, sum_words

TOPIC = "Softmax, loss, receptive field"
ROUNDED = 0.006  # how far an answer of two decimals may be off, rounded again on the way
_RAISED = str.maketrans("−0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MAX_PRINTED = 4  # powers or logarithms that a question prints
_POWER = 2  # decimals of the powers of e that a question prints


def _draw_scores(numbers: RandomState) -> Array:
    """Return three different scores whose softmax two decimals of the powers of e settle."""
    while True:
        scores = numbers.permutation(5)[:3].astype(float) - numbers.randint(2)
        powers = np.round(np.exp(scores), _POWER)
        off = np.abs(np.round(powers / powers.sum(), 2) - np.round(softmax(scores), 2))
        if off.max() < 1e-9 and scores.sum() > 0:
            return scores


def _powers_words(scores: Array, temperature: float = 1.0) -> str:
    """Return the powers of e of a few scores, such as " (e² ≈ 7.39, e¹ ≈ 2.72)"."""
    scaled = np.unique(scores / temperature)[::-1].tolist()
    words = [f"e{_raised(z)} {'≈' if z else '='} {_power_text(z)}" for z in scaled]
    return f" ({', '.join(words)})" if len(words) <= MAX_PRINTED else ""


def _raised(exponent: float) -> str:
    """Return an exponent as small raised digits; one with decimals after a sign for "to the"."""
    text = answer_text(exponent)
    return text.translate(_RAISED) if exponent == int(exponent) else f"^{text}"


def _power_text(score: float) -> str:
    return answer_text(round(math.exp(min(score, 50.0)), _POWER))


def _draw_softmax_gradient(numbers: RandomState, level: Level) -> dict[str, Any]:
    return {"scores": _draw_scores(numbers), "label": int(numbers.randint(3))}


def _solve_softmax_gradient(scores: Array, label: int, temperature: float = 1.0) -> Solution:
    scores = np.asarray(scores, float)
    exact = softmax_cross_entropy_gradient(
        scores[np.newaxis], np.array([label]), temperature=temperature
    )[0]
    key = np.round(exact, 2)
    shares = softmax(scores, temperature=temperature)
    powers = np.exp(scores / temperature - max(0.0, float(scores.max()) / temperature - 50))
    target = np.eye(len(scores))[label]
    rounded = np.round(shares, 2)
    of_label = answer_text(float(rounded[label]))
    wrong = {
        "label-not-subtracted": Wrong(
            np.round(shares / temperature, 2), {"label": label, "p": of_label}
        ),
        "softmax-gradient-sign": Wrong(-key, {"label": label, "p": of_label}),
        "label-subtracted-everywhere": Wrong(
            np.round((shares - 1) / temperature, 2), {"label": label}
        ),
    }
    if scores.sum() > 0:
        plain = scores / scores.sum()
        wrong["scores-shared-plainly"] = Wrong(
            np.round(plain - target, 2), _plain_slots(scores, label)
        )
    lines = [
        Line("the powers of e of the scores", np.round(powers, 2)),
        Line("their sum", round(float(np.round(powers, 2).sum()), 2)),
        Line("each power divided by the sum", rounded),
        Line(f"minus 1 for class {label}, minus 0 for the others", key),
    ]
    if temperature != 1:
        over = f", all divided by the temperature {answer_text(temperature)}"
        lines[0] = Line("the powers of e of the scores divided by the temperature", lines[0].value)
        lines[-1] = Line(f"{lines[-1].text}{over}", key)
    return Solution(
        key=key,
        lines=tuple(lines),
        wrong=wrong,
        slots={"label": label, "powers": _powers_words(scores, temperature)},
        tolerance=ROUNDED,
    )


def _plain_slots(scores: Array, label: int) -> dict[str, object]:
    return {
        "wrong": f"{answer_text(float(scores[label]))} / {answer_text(float(scores.sum()))}",
        "right": answer_text(round(float(softmax(scores)[label]), 2)),
        "label": label,
    }


def _draw_softmax_probability(numbers: RandomState, level: Level) -> dict[str, Any]:
    return {"scores": _draw_scores(numbers), "label": int(numbers.randint(3))}


def _solve_softmax_probability(scores: Array, label: int) -> Solution:
    scores = np.asarray(scores, float)
    shares = softmax(scores)
    key = round(float(shares[label]), 2)
    powers = np.round(np.exp(scores), _POWER)
    power, total = float(powers[label]), round(float(powers.sum()), 2)
    others = round(total - power, 2)
    wrong = {
        "divided-by-the-others": Wrong(
            round(power / others, 2), {"others": answer_text(others), "all": answer_text(total)}
        ),
        "power-not-divided": Wrong(power, {"power": answer_text(power), "sum": answer_text(total)}),
    }
    if scores.sum() > 0:
        wrong["scores-shared-plainly"] = Wrong(
            round(float(scores[label] / scores.sum()), 2), _plain_slots(scores, label)
        )
    return Solution(
        key=key,
        lines=(
            Line(f"sum of the powers of e: {sum_words(powers)}", total),
            Line(f"power of class {label}, divided by that sum", key),
        ),
        wrong=wrong,
        slots={"label": label, "powers": _powers_words(scores)},
        tolerance=ROUNDED,
    )


def _draw_softmax_shift(numbers: RandomState, level: Level) -> dict[str, Any]:
    return {
        "scores": _draw_scores(numbers),
        "shift": int(pick(numbers, {2: 1, 3: 1, 5: 2, 10: 2, 100: 1})),
        "label": int(numbers.randint(3)),
    }


def _solve_softmax_shift(scores: Array, shift: float, label: int) -> Solution:
    scores = np.asarray(scores, float)
    moved = scores + shift
    before = round(float(softmax(scores)[label]), 2)
    key = round(float(softmax(moved)[label]), 2)
    plain = round(float(moved[label] / moved.sum()), 2)
    scaled = round(float(softmax(scores * shift)[label]), 2)
    third = round(1 / len(scores), 2)
    numbers = {"shift": answer_text(shift), "before": answer_text(before)}
    return Solution(
        key=key,
        lines=(
            Line("probability before", before),
            Line("each power of e grows by the same factor, and so does their sum; now", key),
        ),
        wrong={
            "scores-shared-plainly": Wrong(plain, _plain_slots(moved, label)),
            "shift-sharpens-softmax": Wrong(scaled, {**numbers, "wrong": answer_text(scaled)}),
            "shift-evens-softmax": Wrong(third, {**numbers, "n": len(scores)}),
        },
        slots={**numbers, "label": label},
        tolerance=ROUNDED,
    )


_CHANGES = ("It grows.", "It stays the same.", "It shrinks.")


def _draw_softmax_temperature(numbers: RandomState, level: Level) -> dict[str, Any]:
    scores = numbers.permutation(6)[:3].astype(float) - 1
    return {"scores": scores, "temperature": float(pick(numbers, {0.5: 2, 0.2: 1, 2: 2, 5: 1}))}


def _solve_softmax_temperature(scores: Array, temperature: float) -> Solution:
    scores = np.asarray(scores, float)
    before = float(softmax(scores).max())
    after = float(softmax(scores, temperature=temperature).max())
    key = 2 if math.isclose(before, after, abs_tol=1e-9) else 1 if after > before else 3
    gap = float(np.ptp(np.sort(scores)[-2:]))
    divisor = answer_text(temperature)
    numbers = {
        "gap": answer_text(gap),
        "scaled": answer_text(round(gap / temperature, 2)),
        "before": answer_text(round(before, 2)),
        "after": answer_text(round(after, 2)),
    }
    return Solution(
        key=key,
        lines=(
            Line("distance of the two largest scores", gap),
            Line(
                f"the same after dividing by {divisor}",
                round(gap / temperature, 4),
            ),
            Line("largest probability at temperature 1", round(before, 2)),
            Line(f"largest probability at temperature {divisor}", round(after, 2)),
        ),
        wrong={
            "temperature-turned": Wrong(4 - key, {**numbers, "temperature": divisor}),
            "temperature-changes-nothing": Wrong(2, numbers),
        },
        slots={"temperature": divisor},
        choices=_CHANGES,
    )


def _draw_cross_entropy(numbers: RandomState, level: Level) -> dict[str, Any]:
    tenths = pick(
        numbers,
        {(1, 2, 7): 2, (1, 3, 6): 2, (2, 3, 5): 2, (1, 4, 5): 1, (1, 1, 8): 1, (2, 2, 6): 1},
    )
    return {
        "probabilities": numbers.permutation(tenths) / 10,
        "label": int(numbers.randint(3)),
    }


def _solve_cross_entropy(probabilities: Array, label: int) -> Solution:
    probabilities = np.asarray(probabilities, float)
    of = -np.log(np.maximum(probabilities, 1e-7))
    key = round(cross_entropy(probabilities[np.newaxis], np.array([label])), 2)
    most = int(probabilities.argmax())
    p = answer_text(float(probabilities[label]))
    words = [
        f"ln {answer_text(each)} ≈ {answer_text(round(math.log(max(each, 1e-7)), 2))}"
        for each in np.unique(probabilities).tolist()
    ]
    table = f" ({', '.join(words)})" if len(words) <= MAX_PRINTED else ""
    wrong = {
        "loss-of-the-likeliest": Wrong(
            round(float(of[most]), 2), {"most": most, "label": label, "p": p}
        ),
        "loss-sign-forgotten": Wrong(-key, {"p": p, "key": answer_text(key)}),
        "loss-is-the-rest": Wrong(
            round(1 - float(probabilities[label]), 2), {"p": p, "key": answer_text(key)}
        ),
        "loss-of-all-classes": Wrong(round(float(of.sum()), 2), {"label": label, "p": p}),
        "loss-is-entropy": Wrong(
            round(float((probabilities * of).sum()), 2), {"label": label, "p": p}
        ),
    }
    return Solution(
        key=key,
        lines=(
            Line(f"probability of the true class, {label}", float(probabilities[label])),
            Line("minus the logarithm of that", key),
        ),
        wrong=wrong,
        slots={"label": label, "table": table},
        tolerance=ROUNDED,
    )


def _draw_receptive_field(numbers: RandomState, level: Level) -> dict[str, Any]:
    kinds = {(3, 1, 1): 3, (2, 2, 1): 3, (5, 1, 1): 1, (3, 2, 1): 2, (3, 1, 2): 1, (2, 1, 1): 1}
    return {"layers": [pick(numbers, kinds) for _ in range(2 + numbers.randint(2))]}


def _solve_receptive_field(layers: list[tuple[int, int, int]]) -> Solution:
    key = receptive_field(layers).size
    lines, step = [], 1
    for number, (kernel, _, dilation) in enumerate(layers, start=1):
        span = dilation * (kernel - 1) + 1
        text = f"layer {number}: " + ("1" if number == 1 else "line above")
        grown = receptive_field(layers[:number])
        lines.append(Line(f"{text} + ({span} − 1) · {step}", grown.size))
        step = grown.step
    spans = [dilation * (kernel - 1) + 1 for kernel, _, dilation in layers]
    sizes = [kernel for kernel, *_ in layers]
    undilated = receptive_field([(kernel, stride, 1) for kernel, stride, _ in layers]).size
    late, step = 1, 1
    for span, (_, stride, _) in zip(spans, layers, strict=True):
        step *= stride
        late += (span - 1) * step
    straight = 1 + sum(span - 1 for span in spans)
    wrong = {
        "fields-added": Wrong(
            sum(spans), {"sum": " + ".join(map(str, spans)), "key": answer_text(key)}
        ),
        "strides-left-out-of-field": Wrong(
            straight,
            {
                "wrong": "1" + "".join(f" + ({span} − 1)" for span in spans),
                "strides": ", ".join(str(stride) for _, stride, _ in layers),
            },
        ),
        "own-stride-counted": Wrong(
            late,
            {"stride": next((s for _, s, _ in layers if s > 1), 1),
             "layer": next((n for n, (_, s, _) in enumerate(layers, 1) if s > 1), 1)},
        ),
        "last-layer-only": Wrong(spans[-1], {"span": spans[-1], "n": len(layers)}),
        "dilation-left-out-of-field": Wrong(
            undilated, _dilated_slots(layers)
        ),
        "kernels-multiplied": Wrong(math.prod(sizes), {"product": " · ".join(map(str, sizes))}),
    }  # fmt: skip
    return Solution(
        key=key,
        lines=tuple(lines),
        wrong=wrong,
        slots={"stack": _stack_words(layers)},
    )


def _dilated_slots(layers: list[tuple[int, int, int]]) -> dict[str, object]:
    kernel, _, dilation = next((each for each in layers if each[2] > 1), layers[0])
    return {
        "kernel": kernel,
        "dilation": dilation,
        "span": f"{dilation} · ({kernel} − 1) + 1 = {dilation * (kernel - 1) + 1}",
    }


def _stack_words(layers: list[tuple[int, int, int]]) -> str:
    words = []
    for kernel, stride, dilation in layers:
        more = f", dilation {dilation}" if dilation > 1 else ""
        words.append(f"window {kernel}, stride {stride}{more}")
    return "; then ".join(words)


def _draw_relu_cells(numbers: RandomState, level: Level) -> dict[str, Any]:
    shape = pick(numbers, {(2, 2): 1, (2, 3): 2, (3, 2): 1})
    sums = numbers.randint(-5, 6, size=shape).astype(float)
    sums.flat[numbers.randint(sums.size)] = -1.0 - numbers.randint(4)
    return {"sums": sums}


def _solve_relu_cells(sums: Array) -> Solution:
    sums = np.asarray(sums, float)
    key = np.round(relu(sums), 2)
    lowest = answer_text(round(float(sums.min()), 2))
    lines = [
        Line(f"row {i}: the larger of 0 and each of {list_words(row)}", key[i])
        for i, row in enumerate(sums)
    ]
    return Solution(
        key=key,
        lines=(*lines, Line("all rows", key)),
        wrong={
            "relu-drops-the-sign": Wrong(
                np.round(np.abs(sums), 2), {"value": lowest, "wrong": lowest.removeprefix("−")}
            ),
            "relu-is-a-step": Wrong(
                (sums > 0).astype(float), {"value": answer_text(float(sums.max()))}
            ),
            "relu-lifts-all": Wrong(
                np.round(sums - min(0.0, float(sums.min())), 2), {"value": lowest}
            ),
            "relu-left-out": Wrong(np.round(sums, 2), {"value": lowest}),
        },
        tolerance=1e-6,
    )


QUESTIONS = (
    Question(
        name="relu-cells",
        topic=TOPIC,
        page="convolution",
        form="cells",
        draw=_draw_relu_cells,
        solve=_solve_relu_cells,
    ),
    Question(
        name="softmax-probability",
        topic=TOPIC,
        page="backpropagation",
        form="number",
        draw=_draw_softmax_probability,
        solve=_solve_softmax_probability,
    ),
    Question(
        name="softmax-shift",
        topic=TOPIC,
        page="backpropagation",
        form="number",
        draw=_draw_softmax_shift,
        solve=_solve_softmax_shift,
    ),
    Question(
        name="softmax-temperature",
        topic=TOPIC,
        page="backpropagation",
        form="choice",
        draw=_draw_softmax_temperature,
        solve=_solve_softmax_temperature,
    ),
    Question(
        name="cross-entropy",
        topic=TOPIC,
        page="backpropagation",
        form="number",
        draw=_draw_cross_entropy,
        solve=_solve_cross_entropy,
    ),
    Question(
        name="softmax-gradient",
        topic=TOPIC,
        page="backpropagation",
        form="cells",
        draw=_draw_softmax_gradient,
        solve=_solve_softmax_gradient,
    ),
    Question(
        name="receptive-field",
        topic=TOPIC,
        page="network",
        form="number",
        draw=_draw_receptive_field,
        solve=_solve_receptive_field,
    ),
)
