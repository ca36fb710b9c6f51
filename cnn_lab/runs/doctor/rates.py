"""Rules about steps that are too long or too short; at most one of them speaks."""

import math

from cnn_lab.network.spec import OptimizerName
from cnn_lab.runs.doctor.course import Course
from cnn_lab.runs.doctor.finding import Finding, finding, plain_rate

# What Keras takes when nothing is said.
USUAL_RATES: dict[OptimizerName, float] = {
    "sgd": 0.01,
    "adam": 0.001,
    "adamw": 0.001,
    "rmsprop": 0.001,
    "muon": 0.001,
}
LOW = 0.2  # of the usual rate

ENOUGH_BATCHES, MANY_BATCHES = 40, 100
LIKE_CHANCE = 0.99, 1.1  # of the loss of guessing
RISE = 0.25  # of the same
TIMES_LOWEST = 1.5


def at_this_rate(course: Course) -> Finding | None:
    """Return what the training loss says of the learning rate; None while it says nothing."""
    if course.diverged:
        return _diverged(course)
    if course.n_batches < ENOUGH_BATCHES or len(course.losses) < 3:
        return None
    for rule in (_too_high, _killed, _not_learning, _too_low):
        found = rule(course)
        if found is not None:
            return found
    return None


def _diverged(course: Course) -> Finding:
    changes = {"learning_rate": plain_rate(course.used_rate / 10)}
    rate = f"{course.rate:g}"
    if not len(course.losses):
        return finding("diverged", "warning", "diverged at once", changes, rate=rate)
    return finding(
        "diverged",
        "warning",
        "diverged",
        changes,
        rate=rate,
        loss=f"{course.losses[-1]:.3g}",
        batches=round(course.n_batches),
    )


def _too_high(course: Course) -> Finding | None:
    """Say it of a loss far above where it was, or for long above that of guessing."""
    lowest, now = float(course.losses[:-1].min()), float(course.losses[-1])
    changes = {"learning_rate": plain_rate(course.used_rate / 10)}
    if course.losses[-3:].min() > LIKE_CHANCE[1] * course.chance:
        return finding(
            "rate_too_high",
            "warning",
            "worse than guessing",
            changes,
            now=f"{now:.2f}",
            chance=f"{course.chance:.2f}",
            rate=f"{course.rate:g}",
        )
    if now > max(lowest + RISE * course.chance, TIMES_LOWEST * lowest):
        return finding(
            "rate_too_high",
            "warning",
            "loss has risen",
            changes,
            lowest=f"{lowest:.2f}",
            now=f"{now:.2f}",
            rate=f"{course.rate:g}",
        )
    return None


def _killed(course: Course) -> Finding | None:
    """Say it of a loss that leapt and now rests at that of guessing."""
    if not _guesses(course) or course.peak_loss < (1 + RISE) * course.chance:
        return None
    return finding(
        "rate_too_high",
        "warning",
        "thrown back to guessing",
        {"learning_rate": plain_rate(course.used_rate / 10)},
        peak=f"{course.peak_loss:.1f}",
        chance=f"{course.chance:.2f}",
        rate=f"{course.highest_rate:g}",
    )


def _not_learning(course: Course) -> Finding | None:
    if course.n_batches < MANY_BATCHES or not _guesses(course):
        return None
    usual = USUAL_RATES[course.training.optimizer]
    far_off = abs(math.log(course.highest_rate / usual)) > math.log(1 / LOW)
    low = course.highest_rate < usual
    section = "stands still" if not far_off else f"stands still, rate {'low' if low else 'high'}"
    return finding(
        "not_learning",
        "warning",
        section,
        {"learning_rate": usual} if far_off else None,
        now=f"{course.losses[-1]:.2f}",
        chance=f"{course.chance:.2f}",
        batches=round(course.n_batches),
        rate=f"{course.highest_rate:g}",
        **({"usual": f"{usual:g}", "optimizer": course.training.optimizer} if far_off else {}),
    )


def _too_low(course: Course) -> Finding | None:
    """Say it of a loss that falls, but not by half, at a rate far below the usual one."""
    usual = USUAL_RATES[course.training.optimizer]
    if course.n_batches < MANY_BATCHES or course.highest_rate >= LOW * usual:
        return None
    first, now = (float(course.losses[at]) - course.floor for at in (0, -1))
    if not first / 2 < now < first:
        return None
    return finding(
        "rate_too_low",
        "hint",
        "falls slowly",
        {"learning_rate": usual},
        first=f"{course.losses[0]:.2f}",
        now=f"{course.losses[-1]:.2f}",
        batches=round(course.n_batches),
        rate=f"{course.highest_rate:g}",
        usual=f"{usual:g}",
        optimizer=course.training.optimizer,
    )


def _guesses(course: Course) -> bool:
    """Whether the latest losses are those of somebody who believes in all classes alike."""
    latest = course.losses[-3:] / course.chance
    least, most = LIKE_CHANCE
    return bool(((latest > least) & (latest < most)).all())
