"""Rules about whole epochs: training against validation."""

from collections.abc import Iterator

import numpy as np

from cnn_lab.content.words import listed
from cnn_lab.network.spec import Augmentation, DataSetName, NetworkSpec
from cnn_lab.ops.types import Array
from cnn_lab.runs.doctor.course import Course
from cnn_lab.runs.doctor.finding import Finding, finding
from cnn_lab.runs.job import MAX_EPOCHS

CAREFUL: dict[DataSetName, Augmentation] = {
    "mnist": Augmentation(shift=2, rotate=10, scale=0.1),
    "fashion_mnist": Augmentation(shift=2, scale=0.1),
    "cifar10": Augmentation(shift=4, rotate=10, scale=0.1, light=0.2),
}

RISE, LEAST_RISE = 1.15, 0.01  # of the lowest validation loss, and in nats
AT_ITS_WORST = 0.9
GAP, STILL_GROWS = 0.05, 0.2  # of all images, and of the gap
FALL, LEAST_GAIN = 0.9, 0.001
JUMP = 0.25  # of the mean validation loss


def after_epochs(network: NetworkSpec, course: Course) -> Iterator[Finding | None]:
    """Yield what the finished epochs say; None for a rule that has nothing to say."""
    if not course.epochs:
        return
    loss, accuracy, val_loss, val_accuracy = (
        np.array([epoch[name] for epoch in course.epochs], float)
        for name in ("loss", "accuracy", "val_loss", "val_accuracy")
    )
    overfitting = _rising(course, loss, val_loss)
    if overfitting is None and not _lags(network, course):
        overfitting = _gap(course, accuracy, val_accuracy)
    yield overfitting
    if overfitting is None:
        yield _jumpy(course, loss, val_loss)
        yield _still_improving(course, val_loss, val_accuracy)
        yield _better_in_validation(network, course, accuracy, val_accuracy)


def _rising(course: Course, loss: Array, val_loss: Array) -> Finding | None:
    """Say it of validation that has been getting worse for two epochs, unlike training."""
    best = int(val_loss.argmin())
    since = val_loss[best + 1 :]
    worse = max(RISE * val_loss[best], val_loss[best] + LEAST_RISE)
    if len(since) < 2 or since[-2:].min() < worse or loss[-1] > loss[best]:
        return None
    if since[-1] < AT_ITS_WORST * since.max():  # up and down is something else
        return None
    return finding(
        "overfitting",
        "warning",
        "validation loss rises",
        _against_overfitting(course, best + 1),
        best_epoch=best + 1,
        lowest=f"{val_loss[best]:.3f}",
        now=f"{val_loss[-1]:.3f}",
        before=f"{loss[best]:.3f}",
        training=f"{loss[-1]:.3f}",
    )


def _gap(course: Course, accuracy: Array, val_accuracy: Array) -> Finding | None:
    """Say it of much better training, where validation gains nothing any more."""
    gap = float(accuracy[-1] - val_accuracy[-1])
    if len(accuracy) < 3 or gap < GAP or val_accuracy[-1] - val_accuracy[-3] > STILL_GROWS * gap:
        return None
    best = int(val_accuracy.argmax())
    return finding(
        "overfitting",
        "warning",
        "gap",
        _against_overfitting(course, best + 1),
        training=f"{accuracy[-1]:.1%}",
        validation=f"{val_accuracy[-1]:.1%}",
    )


def _against_overfitting(course: Course, best_epoch: int) -> dict[str, object]:
    training = course.training
    if training.data_fraction < 1:
        return {"data_fraction": 1.0}
    if not training.augmentation.active:
        return {"augmentation": CAREFUL[training.data_set]}
    return {"epochs": best_epoch}


def _jumpy(course: Course, loss: Array, val_loss: Array) -> Finding | None:
    """Say it of validation that goes up and down by much while training falls."""
    if len(loss) < 5 or course.training.schedule != "constant" or loss[-1] > loss[-5]:
        return None
    latest = val_loss[-5:]
    steps = np.diff(latest)
    turns = int(np.count_nonzero(np.diff(np.sign(steps))))
    jump = float(abs(steps).mean())
    if turns < 2 or jump < max(JUMP * latest.mean(), LEAST_RISE):
        return None
    return finding(
        "jumpy",
        "hint",
        "jumpy",
        {"schedule": "cosine"},
        lowest=f"{latest.min():.3f}",
        highest=f"{latest.max():.3f}",
        rate=f"{course.rate:g}",
    )


def _still_improving(course: Course, val_loss: Array, val_accuracy: Array) -> Finding | None:
    """Say it of a run whose validation got better to its end, with a rate that did not fall."""
    n = course.training.epochs
    if len(val_loss) < max(n, 2) or course.training.schedule != "constant":
        return None
    gain = float(val_accuracy[-1] - val_accuracy[-2])
    if val_loss[-1] > FALL * val_loss[-2] or gain < LEAST_GAIN:
        return None
    longer = min(2 * n, MAX_EPOCHS)
    return finding(
        "still_improving",
        "hint",
        "still improving",
        {"epochs": longer} if longer > n else None,
        before=f"{val_loss[-2]:.3f}",
        now=f"{val_loss[-1]:.3f}",
        gain=f"{100 * gain:.1f}",
    )


def _better_in_validation(
    network: NetworkSpec, course: Course, accuracy: Array, val_accuracy: Array
) -> Finding | None:
    """Say that dropout and augmentation make the task harder in training: no illness."""
    dropped = any(layer.share_dropped for layer in network.layers)
    augmented = course.training.augmentation.active
    if val_accuracy[-1] - accuracy[-1] < GAP / 5 or not (dropped or augmented):
        return None
    makers = ["dropout switches numbers off"] * dropped + ["images are changed"] * augmented
    return finding(
        "better_in_validation",
        "hint",
        "better in validation",
        training=f"{accuracy[-1]:.1%}",
        validation=f"{val_accuracy[-1]:.1%}",
        makers=listed(makers),
    )


def _lags(network: NetworkSpec, course: Course) -> bool:
    """Whether averages that validation uses are still too young to judge by.

    Moving means of batch normalization, and averaged weights, follow what is learned with a
    delay of about 1 / (1 - momentum) batches.
    """
    momenta = [layer.moving_momentum for layer in network.layers]
    slowest = max([course.training.weight_averaging, *momenta])
    n_batches = course.epochs[-1]["n_images"] / course.training.batch_size
    return bool(n_batches < 5 / (1 - slowest))
