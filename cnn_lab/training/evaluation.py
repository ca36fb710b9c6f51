"""Evaluation of predictions: errors, confusion matrix and worst mistakes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn_lab.ops.types import Array, ShapeError

Counts = NDArray[np.int64]
Labels = NDArray[np.int64]

MAX_MISTAKES = 30


def evaluate_probabilities(probabilities: Array, labels: Labels, n_classes: int) -> dict[str, Any]:
    """Return the evaluation of a network's probabilities for labelled images, as JSON data.

    Parameters
    ----------
    probabilities : ndarray of float, shape (n, n_classes)
        At least one image.
    labels : ndarray of int, shape (n,)
        From 0 to n_classes - 1.
    n_classes : int

    Returns
    -------
    dict
        "test_accuracy" in [0, 1], "errors" and "n" as counts, "confusion" as in
        `confusion_matrix`, and "mistakes": at most 30, sorted by the probability of the true
        class, each with the "index" of the image, "label", "predicted", and the "probability" of
        the wrong answer.

    Raises
    ------
    ShapeError
        If the shapes do not match or there are no images; names them.

    Examples
    --------
    >>> answers = np.array([[0.9, 0.1], [0.7, 0.3]])
    >>> judged = evaluate_probabilities(answers, np.array([0, 1]), 2)
    >>> judged["errors"], judged["confusion"]
    (1, [[1, 0], [1, 0]])
    >>> judged["mistakes"]
    [{'index': 1, 'label': 1, 'predicted': 0, 'probability': 0.7}]
    """
    if not len(labels) or probabilities.shape != (len(labels), n_classes):
        raise ShapeError(
            "There must be a label and a row of `n_classes` probabilities for each of at least "
            f"one image. Received: probabilities.shape={probabilities.shape}, "
            f"labels.shape={labels.shape}, n_classes={n_classes}"
        )
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    believed = probabilities[wrong, labels[wrong]]
    worst = wrong[np.argsort(believed, kind="stable")[:MAX_MISTAKES]]
    return {
        "test_accuracy": 1 - len(wrong) / len(labels),
        "errors": len(wrong),
        "n": len(labels),
        "confusion": confusion_matrix(labels, predicted, n_classes).tolist(),
        "mistakes": [
            {
                "index": int(index),
                "label": int(labels[index]),
                "predicted": int(predicted[index]),
                "probability": float(probabilities[index, predicted[index]]),
            }
            for index in worst
        ],
    }


def confusion_matrix(labels: Labels, predicted: Labels, n_classes: int) -> Counts:
    """Return the number of images of each true class (row) and predicted class (column).

    Parameters
    ----------
    labels, predicted : ndarray of int, shape (n,)
        From 0 to n_classes - 1.

    Returns
    -------
    ndarray of int64, shape (n_classes, n_classes)
    """
    cells = np.bincount(labels * n_classes + predicted, minlength=n_classes**2)
    return cells.reshape(n_classes, n_classes)
