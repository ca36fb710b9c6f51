"""A question about how the channels of a feature map add up."""

from typing import Any

import numpy as np
from numpy.random import RandomState

from cnn_lab.ops.types import Array
from cnn_lab.teaching.questions.case import Level, Line, Question, Solution, Wrong, answer_text
from cnn_lab.teaching.questions.windows import rounded, rounding_words, sum_words, two_decimals

TOPIC = "Feature maps"
N_CHANNELS = (3, 4)  # fewest and most that are drawn


def _draw_channel_sum(numbers: RandomState, level: Level) -> dict[str, Any]:
    n_channels = int(numbers.randint(N_CHANNELS[0], N_CHANNELS[1] + 1))
    sums = numbers.randint(-20, 30, size=n_channels) / 10
    sums.flat[numbers.randint(n_channels)] = -numbers.randint(5, 20) / 10
    return {"sums": sums, "bias": int(numbers.randint(1, 9)) / 10 * (-1) ** int(numbers.randint(2))}


def _solve_channel_sum(sums: Array, bias: float) -> Solution:
    sums, bias = np.asarray(sums, float), float(bias)
    total = float(sums.sum())
    key, tolerance = two_decimals(total + bias)
    written = {"sums": sum_words(sums), "bias": answer_text(bias), "total": answer_text(total)}
    wrong = {
        "bias-forgotten": Wrong(total, {"products": written["total"], "bias": written["bias"]}),
        "strongest-channel-alone": Wrong(
            float(sums[np.abs(sums).argmax()]) + bias, {"sums": written["sums"]}
        ),
        "channels-averaged": Wrong(
            total / len(sums) + bias, {"channels": len(sums), "total": written["total"]}
        ),
        "relu-unasked": Wrong(max(total + bias, 0.0), {"sum": answer_text(key)}),
    }
    return Solution(
        key=key,
        lines=(
            Line(f"channels: {written['sums']}", round(total, 4)),
            Line(f"with the bias: {sum_words(np.array([total, bias]))}", key),
        ),
        wrong={name: rounded(each) for name, each in wrong.items()},
        slots={"bias": written["bias"], "rounding": rounding_words(tolerance)},
        tolerance=tolerance,
    )


QUESTIONS = (
    Question(
        name="channel-sum",
        topic=TOPIC,
        page="features",
        form="number",
        draw=_draw_channel_sum,
        solve=_solve_channel_sum,
    ),
)
