"""Rules about a learning rate that is too high or too low; at most one has a finding."""

import math

from cnn_lab.network.spec import DataSetName
from cnn_lab.runs.doctor.evidence import USUAL_RATES, Curves, Finding, finding, lower_rate

LOW = 0.2  # of the usual rate

ENOUGH_BATCHES, MANY_BATCHES = 40, 100
LIKE_CHANCE = 0.99, 1.1  # of the loss of guessing
RISE = 0.25  # of the same
TIMES_LOWEST = 1.5

# What a healthy network has passed after an epoch of at least forty batches.
POOR: dict[DataSetName, float] = {"mnist": 0.9, "fashion_mnist": 0.7, "cifar10": 0.3}
TIMES_GUESSING = 2.0


def at_this_rate(curves: Curves) -> Finding | None:
    """Return the finding about the learning rate from the training loss; None without one."""
    if curves.diverged:
        return _diverged(curves)
    if curves.n_batches < ENOUGH_BATCHES or len(curves.losses) < 3:
        return None
    for rule in (_too_high, _killed, _not_learning, _too_low):
        found = rule(curves)
        if found is not None:
            return found
    return None


def _diverged(curves: Curves) -> Finding:
    lower = lower_rate(curves)
    changes = {"learning_rate": lower}
    rate = f"{curves.rate:g}"
    if not len(curves.losses):
        return finding(
            "diverged", "warning", "diverged at once", changes, rate=rate, lower=f"{lower:g}"
        )
    return finding(
        "diverged",
        "warning",
        "diverged",
        changes,
        rate=rate,
        lower=f"{lower:g}",
        loss=f"{curves.losses[-1]:.3g}",
        batches=round(curves.n_batches),
    )


def _too_high(curves: Curves) -> Finding | None:
    """Find a loss far above its lowest, or above that of guessing for long."""
    lowest, now = float(curves.losses[:-1].min()), float(curves.losses[-1])
    changes = {"learning_rate": lower_rate(curves)}
    if curves.losses[-3:].min() > LIKE_CHANCE[1] * curves.chance:
        return finding(
            "rate_too_high",
            "warning",
            "worse than guessing",
            changes,
            now=f"{now:.2f}",
            chance=f"{curves.chance:.2f}",
            rate=f"{curves.rate:g}",
        )
    if now > max(lowest + RISE * curves.chance, TIMES_LOWEST * lowest):
        return finding(
            "rate_too_high",
            "warning",
            "loss has risen",
            changes,
            lowest=f"{lowest:.2f}",
            now=f"{now:.2f}",
            rate=f"{curves.rate:g}",
        )
    return None


def _killed(curves: Curves) -> Finding | None:
    """Find a loss that jumped up and is now that of guessing."""
    if not _guesses(curves) or curves.peak_loss < (1 + RISE) * curves.chance:
        return None
    return finding(
        "rate_too_high",
        "warning",
        "thrown back to guessing",
        {"learning_rate": lower_rate(curves)},
        peak=f"{curves.peak_loss:.1f}",
        chance=f"{curves.chance:.2f}",
        rate=f"{curves.highest_rate:g}",
    )


def _not_learning(curves: Curves) -> Finding | None:
    if curves.n_batches < MANY_BATCHES or not _guesses(curves):
        return None
    usual = USUAL_RATES[curves.training.optimizer]
    far_off = abs(math.log(curves.highest_rate / usual)) > math.log(1 / LOW)
    low = curves.highest_rate < usual
    section = "stands still" if not far_off else f"stands still, rate {'low' if low else 'high'}"
    return finding(
        "not_learning",
        "warning",
        section,
        {"learning_rate": usual} if far_off else None,
        now=f"{curves.losses[-1]:.2f}",
        chance=f"{curves.chance:.2f}",
        batches=round(curves.n_batches),
        rate=f"{curves.highest_rate:g}",
        **({"usual": f"{usual:g}", "optimizer": curves.training.optimizer} if far_off else {}),
    )


def poor_after_epoch(curves: Curves) -> Finding | None:
    """Find an accuracy after an epoch that no healthy run has, and what made it so."""
    if not curves.epochs:
        return None
    accuracy = curves.epochs[-1]["val_accuracy"]
    usual = USUAL_RATES[curves.training.optimizer]
    too_high = curves.used_rate * LOW > usual and curves.peak_loss > (1 + RISE) * curves.chance
    if too_high and accuracy < POOR[curves.training.data_set]:
        return finding(
            "rate_too_high",
            "warning",
            "poor after an epoch",
            {"learning_rate": lower_rate(curves)},
            accuracy=f"{accuracy:.2%}",
            usually=f"{POOR[curves.training.data_set]:.0%}",
            peak=f"{curves.peak_loss:.1f}",
            chance=f"{curves.chance:.2f}",
            rate=f"{curves.used_rate:g}",
            usual=f"{usual:g}",
            optimizer=curves.training.optimizer,
        )
    guessing = math.exp(-curves.chance)
    if curves.n_batches < MANY_BATCHES or accuracy > TIMES_GUESSING * guessing:
        return None
    return finding(
        "not_learning",
        "warning",
        "no better than guessing",
        accuracy=f"{accuracy:.2%}",
        guessing=f"{guessing:.0%}",
        batches=round(curves.n_batches),
    )


def _too_low(curves: Curves) -> Finding | None:
    """Find a loss that falls, but not by half, at a rate far below the usual one."""
    usual = USUAL_RATES[curves.training.optimizer]
    if curves.n_batches < MANY_BATCHES or curves.highest_rate >= LOW * usual:
        return None
    first, now = (float(curves.losses[at]) - curves.floor for at in (0, -1))
    if not first / 2 < now < first:
        return None
    return finding(
        "rate_too_low",
        "hint",
        "falls slowly",
        {"learning_rate": usual},
        first=f"{curves.losses[0]:.2f}",
        now=f"{curves.losses[-1]:.2f}",
        batches=round(curves.n_batches),
        rate=f"{curves.highest_rate:g}",
        usual=f"{usual:g}",
        optimizer=curves.training.optimizer,
    )


def _guesses(curves: Curves) -> bool:
    """Return whether the latest losses are those of guessing uniformly."""
    latest = curves.losses[-3:] / curves.chance
    least, most = LIKE_CHANCE
    return bool(((latest > least) & (latest < most)).all())
