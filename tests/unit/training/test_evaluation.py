import json

import numpy as np
import pytest

from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import Network
from cnn_lab.ops.types import ShapeError
from cnn_lab.training.evaluation import MAX_MISTAKES, confusion_matrix, evaluate_probabilities


def test_a_real_network_is_judged_image_by_image() -> None:
    validation = load_mnist().validation
    probabilities = Network.load("fast").predict(validation.images)
    labels = validation.labels
    judged = evaluate_probabilities(probabilities, labels, 10)
    wrong = [i for i in range(len(labels)) if probabilities[i].argmax() != labels[i]]
    assert judged["n"] == 6000
    assert judged["errors"] == len(wrong) > MAX_MISTAKES
    assert judged["test_accuracy"] == pytest.approx(1 - len(wrong) / 6000, abs=1e-12)
    for truth, row in enumerate(judged["confusion"]):
        for read, n in enumerate(row):
            assert n == sum((labels == truth) & (probabilities.argmax(axis=1) == read))
    mistakes = judged["mistakes"]
    assert len(mistakes) == MAX_MISTAKES
    believed = [probabilities[m["index"], m["label"]] for m in mistakes]
    assert believed == sorted(believed)
    assert believed[-1] <= min(
        probabilities[i, labels[i]] for i in set(wrong) - {m["index"] for m in mistakes}
    )
    for mistake in mistakes:
        row = probabilities[mistake["index"]]
        assert mistake["label"] == labels[mistake["index"]] != mistake["predicted"]
        assert mistake["probability"] == pytest.approx(row.max())
        assert row[mistake["predicted"]] == row.max()
    assert json.loads(json.dumps(judged)) == judged


def test_no_mistake_is_no_list_of_mistakes() -> None:
    judged = evaluate_probabilities(np.eye(3), np.arange(3), 3)
    assert (judged["errors"], judged["mistakes"], judged["test_accuracy"]) == (0, [], 1.0)
    assert judged["confusion"] == np.eye(3).tolist()


def test_rows_of_the_matrix_are_the_truth() -> None:
    counted = confusion_matrix(np.array([2, 2, 0]), np.array([1, 1, 0]), 3)
    assert counted.tolist() == [[1, 0, 0], [0, 0, 0], [0, 2, 0]]


@pytest.mark.parametrize(
    ("probabilities", "n_labels", "n_classes"),
    [(np.ones((0, 10)), 0, 10), (np.ones((4, 10)), 3, 10), (np.ones((4, 10)), 4, 3)],
)
def test_what_does_not_match_is_named(
    probabilities: np.ndarray, n_labels: int, n_classes: int
) -> None:
    with pytest.raises(ShapeError, match=rf"n_classes={n_classes}"):
        evaluate_probabilities(probabilities, np.zeros(n_labels, int), n_classes)
