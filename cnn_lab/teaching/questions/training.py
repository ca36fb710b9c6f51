"""Questions about training: recorded curves, steps, dropout and a rate that is too high."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.random import RandomState

from cnn_lab.content.words import counted, listed
from cnn_lab.network.spec import Dropout
from cnn_lab.ops.types import Array
from cnn_lab.teaching.questions.case import Level, Line, Question, Solution, Wrong, answer_text
from cnn_lab.teaching.questions.windows import pick

TOPIC = "Training"
PATH = Path(__file__).with_name("losses.json")
MAX_EPOCHS = 8  # that a question prints
LOSS_DECIMALS = 3
PATIENCE = 20  # steps after which a loss that has not grown counts as not growing
Losses = tuple[float, ...]


@cache
def _recorded() -> list[list[dict[str, Losses]]]:
    """Return the losses of recorded runs, by network: never others, or a seed would draw others."""
    runs: list[list[dict[str, Losses]]] = json.loads(PATH.read_text(encoding="utf-8"))["runs"]
    return runs


def _draw_run(numbers: RandomState) -> tuple[Array, Array]:
    """Return the training and the validation loss of a recorded run, an epoch each."""
    networks = _recorded()
    runs = networks[numbers.randint(len(networks))]
    run = runs[numbers.randint(len(runs))]
    return np.array(run["loss"]), np.array(run["val_loss"])


def _draw_best_epoch(numbers: RandomState, level: Level) -> dict[str, Any]:
    # In some runs the training loss is not lowest at the end either, and misleads by itself.
    misleads = not numbers.randint(3)
    while True:
        loss, val_loss = _draw_run(numbers)
        length = 4 + numbers.randint(MAX_EPOCHS - 3)
        start = numbers.randint(len(loss) - length + 1)
        part = val_loss[start : start + length]
        is_clear = np.count_nonzero(part == part.min()) == 1
        # A run that ends at its best is the exception here, as it teaches less.
        if misleads and loss[start : start + length].argmin() == length - 1:
            continue
        if is_clear and (part.argmin() < length - 1 or not numbers.randint(8)):
            return {
                "first_epoch": int(start) + 1,
                "loss": tuple(loss[start : start + length].tolist()),
                "val_loss": tuple(part.tolist()),
            }


def _solve_best_epoch(first_epoch: int, loss: Losses, val_loss: Losses) -> Solution:
    best, last = int(np.argmin(val_loss)), len(val_loss) - 1
    lowest, highest = int(np.argmin(loss)), int(np.argmax(val_loss))
    key = first_epoch + best
    known = {
        "best": key,
        "lowest": _loss_text(val_loss[best]),
    }
    return Solution(
        key=key,
        lines=(
            Line("lowest validation loss", val_loss[best]),
            Line("epoch with that loss", key),
        ),
        wrong={
            "last-epoch-is-best": Wrong(
                first_epoch + last,
                {**known, "last": first_epoch + last, "loss": _loss_text(val_loss[last])},
            ),
            "training-loss-decides": Wrong(
                first_epoch + lowest,
                {**known, "epoch": first_epoch + lowest, "training": _loss_text(loss[lowest])},
            ),
            "highest-loss-is-best": Wrong(
                first_epoch + highest,
                {**known, "epoch": first_epoch + highest, "loss": _loss_text(val_loss[highest])},
            ),
        },
        slots={
            "first": first_epoch,
            "last": first_epoch + last,
            "training": ", ".join(map(_loss_text, loss)),
            "validation": ", ".join(map(_loss_text, val_loss)),
        },
    )


def _loss_text(loss: float) -> str:
    return f"{loss:.{LOSS_DECIMALS}f}"


_LEARNING, _OVERFITTING, _WORSE = 1, 2, 3
_STATES = (
    "It still gets better, also on images that it does not train on.",
    "It overfits: better on the training images, worse on others.",
    "It gets worse on both.",
)


def _draw_overfitting(numbers: RandomState, level: Level) -> dict[str, Any]:
    wanted = pick(numbers, {_LEARNING: 2, _OVERFITTING: 3, _WORSE: 1})
    while True:
        loss, val_loss = _draw_run(numbers)
        first, last = sorted(numbers.permutation(len(loss))[:2].tolist())
        settings = {
            "epochs": (first + 1, last + 1),
            "loss": (float(loss[first]), float(loss[last])),
            "val_loss": (float(val_loss[first]), float(val_loss[last])),
        }
        if _state(settings["loss"], settings["val_loss"]) == wanted:
            return settings


def _state(loss: Losses, val_loss: Losses) -> int:
    """Return the number of the choice that says what happened, 0 if none does."""
    trained, judged = np.sign(loss[1] - loss[0]), np.sign(val_loss[1] - val_loss[0])
    return {(-1, -1): _LEARNING, (-1, 1): _OVERFITTING, (1, 1): _WORSE}.get((trained, judged), 0)


def _solve_overfitting(epochs: tuple[int, int], loss: Losses, val_loss: Losses) -> Solution:
    key = _state(loss, val_loss)
    trained, judged = (
        f"from {_loss_text(pair[0])} to {_loss_text(pair[1])}" for pair in (loss, val_loss)
    )
    known = {"trained": trained, "judged": judged}
    wrong = {}
    if key == _OVERFITTING:
        wrong["training-loss-is-enough"] = Wrong(_LEARNING, known)
        wrong["overfitting-taken-for-failure"] = Wrong(_WORSE, known)
    elif key == _LEARNING and val_loss[1] > loss[1]:
        gap = f"{_loss_text(val_loss[1])} against {_loss_text(loss[1])}"
        wrong["gap-taken-for-overfitting"] = Wrong(_OVERFITTING, {"judged": judged, "gap": gap})
    elif key == _WORSE:
        wrong["noise-taken-for-overfitting"] = Wrong(_OVERFITTING, known)
    return Solution(
        key=key,
        lines=(
            Line("change of the training loss", round(loss[1] - loss[0], LOSS_DECIMALS)),
            Line("change of the validation loss", round(val_loss[1] - val_loss[0], LOSS_DECIMALS)),
        ),
        wrong=wrong,
        slots={"first": epochs[0], "last": epochs[1], **known},
        choices=_STATES,
    )


def _draw_dropout_output(numbers: RandomState, level: Level) -> dict[str, Any]:
    values = numbers.randint(1, 9, size=4 + numbers.randint(2)).astype(float)
    n_dropped = 1 + numbers.randint(len(values) - 2)
    return {
        "values": values,
        "rate": float(pick(numbers, {0.5: 3, 0.2: 2, 0.75: 1})),
        "dropped": tuple(sorted(numbers.permutation(len(values))[:n_dropped].tolist())),
        "phase": pick(numbers, {"training": 1, "test": 1}),
    }


def _solve_dropout_output(
    values: Array, rate: float, dropped: tuple[int, ...], phase: Literal["training", "test"]
) -> Solution:
    values = np.asarray(values, float)
    kept = np.where(np.isin(np.arange(len(values)), dropped), 0.0, values)
    scaled = np.round(kept / (1 - rate), 2)
    after_training, _ = Dropout(name="dropout", rate=rate).forward(values[np.newaxis], {})
    numbers = {"rate": answer_text(rate), "share": answer_text(round(1 - rate, 2))}
    places = f"column{'s' * (len(dropped) > 1)} {listed([str(place) for place in dropped])}"
    if phase == "training":
        key = scaled
        lines = [
            Line(f"0 in {places}, the others as they are", kept),
            Line(f"all divided by 1 − {numbers['rate']}", key),
        ]
        wrong = {
            "dropout-not-scaled": Wrong(kept, numbers),
            "dropout-scaled-down": Wrong(
                np.round(kept * (1 - rate), 2), {"share": numbers["share"]}
            ),
            "dropout-left-out": Wrong(values, {"places": places}),
        }
    else:
        key = np.round(after_training[0], 2)
        lines = [Line("after training, dropout does nothing: the values as they came", key)]
        wrong = {
            "dropout-at-test-time": Wrong(scaled, {"places": places}),
            "dropout-mask-at-test-time": Wrong(kept, {"places": places}),
            "dropout-scaled-at-test": Wrong(np.round(values * (1 - rate), 2), numbers),
        }
    moment = (
        f"In this step of training it drops {places}."
        if phase == "training"
        else f"In the last step of training it dropped {places}. Now the trained network "
        "classifies an image."
    )
    return Solution(
        key=key,
        lines=tuple(lines),
        wrong=wrong,
        slots={"rate": numbers["rate"], "moment": moment},
        tolerance=1e-6,
    )


def _draw_training_steps(numbers: RandomState, level: Level) -> dict[str, Any]:
    batch_size = int(pick(numbers, {10: 1, 20: 1, 25: 1, 32: 1, 50: 1, 64: 1, 100: 1}))
    full = 2 + numbers.randint(9)
    rest = int(numbers.randint(1, batch_size)) if numbers.randint(4) else 0
    return {
        "images": int(batch_size * full + rest),
        "batch_size": batch_size,
        "epochs": int(2 + numbers.randint(5)),
    }


def _solve_training_steps(images: int, batch_size: int, epochs: int) -> Solution:
    batches, rest = -(-images // batch_size), images % batch_size
    key = batches * epochs
    known = {"batches": counted(batches, "step"), "epochs": epochs}
    return Solution(
        key=key,
        lines=(
            Line(f"batches of an epoch: {images} / {batch_size}, rounded up", batches),
            Line(f"steps of {counted(epochs, 'epoch')}: that times {epochs}", key),
        ),
        wrong={
            "last-batch-left-out": Wrong(
                images // batch_size * epochs, {"rest": counted(rest, "image"), **known}
            ),
            "epochs-left-out": Wrong(batches, known),
            "step-for-each-image": Wrong(
                images * epochs, {"images": images, "batch": batch_size, **known}
            ),
            "rounded-after-all-epochs": Wrong(
                -(-images * epochs // batch_size),
                {"wrong": f"{images} · {epochs} / {batch_size}", **known},
            ),
        },
        slots={"images": images, "batch": batch_size, "epochs": epochs},
    )


_SHARES = (0.5, 1.0, 1.5, 2.5, 3.0, 4.0, 5.0)  # of 1 / curvature


def _draw_rate_too_high(numbers: RandomState, level: Level) -> dict[str, Any]:
    curvature = int(pick(numbers, {1: 1, 2: 2, 4: 1, 5: 2, 10: 2}))
    below = numbers.permutation(3)[: 1 + numbers.randint(3)]
    above = 3 + numbers.permutation(4)[: 4 - len(below)]
    chosen = sorted(_SHARES[index] for index in (*below, *above))
    return {
        "curvature": curvature,
        "learning_rates": tuple(round(share / curvature, 3) for share in chosen),
    }


def _grows(curvature: float, rate: float) -> bool:
    """Return whether steps of this rate make the loss of a parabola grow, by taking them."""
    weights = [1.0]
    for _ in range(PATIENCE):
        weights.append(weights[-1] - rate * curvature * weights[-1])
    return abs(weights[-1]) > abs(weights[0])


def _solve_rate_too_high(curvature: float, learning_rates: Losses) -> Solution:
    factors = [1 - rate * curvature for rate in learning_rates]
    growing = [_grows(curvature, rate) for rate in learning_rates]
    key = growing.index(True) + 1
    shown = [answer_text(rate) for rate in learning_rates]
    overshoots = [factor < 0 for factor in factors]
    wrong = {}
    if any(overshoots) and (first := overshoots.index(True)) + 1 < key:
        wrong["overshoot-taken-for-divergence"] = Wrong(
            first + 1,
            {"rate": shown[first], "factor": answer_text(round(factors[first], 2))},
        )
    above_one = [rate > 1 for rate in learning_rates]
    if any(above_one) and above_one.index(True) + 1 != key:
        first = above_one.index(True)
        wrong["rates-compared-with-one"] = Wrong(
            first + 1, {"limit": answer_text(round(2 / curvature, 2)), "rate": shown[key - 1]}
        )
    if key < len(shown):
        factor = answer_text(round(factors[key - 1], 2))
        wrong["largest-rate-alone"] = Wrong(
            len(shown), {"rate": shown[key - 1], "factor": factor, "largest": shown[-1]}
        )
    return Solution(
        key=key,
        lines=tuple(
            Line(f"factor of a step at rate {shown[n]}: 1 − {shown[n]} · {answer_text(curvature)}",
                 round(factors[n], 2))
            for n in range(len(shown))
        ),
        wrong=wrong,
        slots={"curvature": answer_text(curvature)},
        choices=tuple(shown),
    )  # fmt: skip


_STEPS = (
    "Take the next batch of images.",
    "Compute the network's outputs for them.",
    "Compute the loss from outputs and labels.",
    "Compute the gradient of the loss for every weight.",
    "Subtract learning rate times gradient from the weights.",
)


def _draw_training_order(numbers: RandomState, level: Level) -> dict[str, Any]:
    order = numbers.permutation(len(_STEPS)).tolist()
    return {"shown": tuple(order) if order != sorted(order) else tuple(reversed(order))}


def _solve_training_order(shown: tuple[int, ...]) -> Solution:
    def numbered(*steps: int) -> tuple[int, ...]:
        return tuple(shown.index(step) + 1 for step in steps)

    key = numbered(0, 1, 2, 3, 4)
    names = ("first", "then", "then", "then", "last")
    return Solution(
        key=key,
        lines=tuple(
            Line(f"{name}: {_STEPS[step].rstrip('.').lower()}", key[step])
            for step, name in enumerate(names)
        ),
        wrong={
            "update-before-gradient": Wrong(
                numbered(0, 1, 2, 4, 3), {"update": key[4], "gradient": key[3]}
            ),
            "gradient-before-loss": Wrong(
                numbered(0, 1, 3, 2, 4), {"loss": key[2], "gradient": key[3]}
            ),
            "loss-before-output": Wrong(
                numbered(0, 2, 1, 3, 4), {"loss": key[2], "outputs": key[1]}
            ),
        },
        choices=tuple(_STEPS[step] for step in shown),
    )


QUESTIONS = (
    Question(
        name="best-epoch",
        topic=TOPIC,
        page="training",
        form="number",
        draw=_draw_best_epoch,
        solve=_solve_best_epoch,
    ),
    Question(
        name="overfitting",
        topic=TOPIC,
        page="training",
        form="choice",
        draw=_draw_overfitting,
        solve=_solve_overfitting,
    ),
    Question(
        name="dropout-output",
        topic=TOPIC,
        page="training",
        form="cells",
        draw=_draw_dropout_output,
        solve=_solve_dropout_output,
    ),
    Question(
        name="training-steps",
        topic=TOPIC,
        page="training",
        form="number",
        draw=_draw_training_steps,
        solve=_solve_training_steps,
    ),
    Question(
        name="rate-too-high",
        topic=TOPIC,
        page="backpropagation",
        form="choice",
        draw=_draw_rate_too_high,
        solve=_solve_rate_too_high,
    ),
    Question(
        name="training-order",
        topic=TOPIC,
        page="training",
        form="order",
        draw=_draw_training_order,
        solve=_solve_training_order,
    ),
)
