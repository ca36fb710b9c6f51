"""Rules about whole epochs: training against validation."""

from collections.abc import Iterator

import numpy as np

from cnn_lab.content.words import listed
from cnn_lab.network.spec import Augmentation, DataSetName, NetworkSpec
from cnn_lab.ops.types import Array
from cnn_lab.runs.doctor.evidence import Curves, Finding, finding
from cnn_lab.runs.job import MAX_EPOCHS

CAREFUL: dict[DataSetName, Augmentation] = {
    "mnist": Augmentation(shift=2, rotate=10, scale=0.1),
    "fashion_mnist": Augmentation(shift=2, scale=0.1),
    "cifar10": Augmentation(shift=4, rotate=10, scale=0.1, light=0.2),
}

RISE, MIN_RISE = 1.15, 0.01  # of the lowest validation loss, and in nats
AT_ITS_WORST = 0.9
GAP, STILL_GROWS = 0.05, 0.2  # of all images, and of the gap
FALL, MIN_GAIN = 0.9, 0.001
JUMP = 0.25  # of the mean validation loss


def after_epochs(network: NetworkSpec, curves: Curves) -> Iterator[Finding | None]:
    """Yield the findings about the finished epochs; None for a rule without one."""
    if not curves.epochs:
        return
    loss, accuracy, val_loss, val_accuracy = (
        np.array([epoch[name] for epoch in curves.epochs], float)
        for name in ("loss", "accuracy", "val_loss", "val_accuracy")
    )
    overfitting = _rising(curves, loss, val_loss)
    if overfitting is None and not _lags(network, curves):
        overfitting = _gap(curves, accuracy, val_accuracy)
    yield overfitting
    if overfitting is None:
        yield _jumpy(curves, loss, val_loss)
        yield _still_improving(curves, val_loss, val_accuracy)
        yield _better_in_validation(network, curves, accuracy, val_accuracy)


def _rising(curves: Curves, loss: Array, val_loss: Array) -> Finding | None:
    """Find a validation loss that has risen for two epochs while the training loss has not."""
    best = int(val_loss.argmin())
    since = val_loss[best + 1 :]
    worse = max(RISE * val_loss[best], val_loss[best] + MIN_RISE)
    if len(since) < 2 or since[-2:].min() < worse or loss[-1] > loss[best]:
        return None
    if since[-1] < AT_ITS_WORST * since.max():  # up and down is something else
        return None
    return finding(
        "overfitting",
        "warning",
        "validation loss rises",
        _against_overfitting(curves, best + 1),
        best_epoch=best + 1,
        lowest=f"{val_loss[best]:.3f}",
        now=f"{val_loss[-1]:.3f}",
        before=f"{loss[best]:.3f}",
        training=f"{loss[-1]:.3f}",
    )


def _gap(curves: Curves, accuracy: Array, val_accuracy: Array) -> Finding | None:
    """Find training accuracy far above validation accuracy that no longer improves."""
    gap = float(accuracy[-1] - val_accuracy[-1])
    if len(accuracy) < 3 or gap < GAP or val_accuracy[-1] - val_accuracy[-3] > STILL_GROWS * gap:
        return None
    best = int(val_accuracy.argmax())
    return finding(
        "overfitting",
        "warning",
        "gap",
        _against_overfitting(curves, best + 1),
        training=f"{accuracy[-1]:.1%}",
        validation=f"{val_accuracy[-1]:.1%}",
    )


def _against_overfitting(curves: Curves, best_epoch: int) -> dict[str, object]:
    training = curves.training
    if training.data_fraction < 1:
        return {"data_fraction": 1.0}
    if not training.augmentation.active:
        return {"augmentation": CAREFUL[training.data_set]}
    return {"epochs": best_epoch}


def _jumpy(curves: Curves, loss: Array, val_loss: Array) -> Finding | None:
    """Find a validation loss that swings widely while the training loss falls."""
    if len(loss) < 5 or curves.training.schedule != "constant" or loss[-1] > loss[-5]:
        return None
    latest = val_loss[-5:]
    steps = np.diff(latest)
    turns = int(np.count_nonzero(np.diff(np.sign(steps))))
    jump = float(abs(steps).mean())
    if turns < 2 or jump < max(JUMP * latest.mean(), MIN_RISE):
        return None
    return finding(
        "jumpy",
        "hint",
        "jumpy",
        {"schedule": "cosine"},
        lowest=f"{latest.min():.3f}",
        highest=f"{latest.max():.3f}",
        rate=f"{curves.rate:g}",
    )


def _still_improving(curves: Curves, val_loss: Array, val_accuracy: Array) -> Finding | None:
    """Find validation that improved to the end of a run at a constant rate."""
    n = curves.training.epochs
    if len(val_loss) < max(n, 2) or curves.training.schedule != "constant":
        return None
    gain = float(val_accuracy[-1] - val_accuracy[-2])
    if val_loss[-1] > FALL * val_loss[-2] or gain < MIN_GAIN:
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
    network: NetworkSpec, curves: Curves, accuracy: Array, val_accuracy: Array
) -> Finding | None:
    """Find better validation than training, which dropout or augmentation explains."""
    dropped = any(layer.share_dropped for layer in network.layers)
    augmented = curves.training.augmentation.active
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


def _lags(network: NetworkSpec, curves: Curves) -> bool:
    """Return whether averages that validation uses still lag behind what is learned.

    Moving means of batch normalization, and averaged weights, follow what is learned with a
    delay of about 1 / (1 - momentum) batches.
    """
    momenta = [layer.moving_momentum for layer in network.layers]
    slowest = max([curves.training.weight_averaging, *momenta])
    n_batches = curves.epochs[-1]["n_images"] / curves.training.batch_size
    return bool(n_batches < 5 / (1 - slowest))
