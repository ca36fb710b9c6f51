"""Recorded reliability of the shipped networks."""

import json

import numpy as np
import pytest

from cnn_lab.charts.network import Look
from cnn_lab.charts.reliability import reliability_svg, shown
from cnn_lab.digits.calibration import calibration_error
from cnn_lab.digits.reliability import SETS, Group, Reliability, record, recorded, weights_digest
from cnn_lab.network import MODELS

SHIPPED = sorted(path.stem for path in MODELS.glob("*.safetensors"))


def answers():
    """Return 100 answers of 80 %, 60 of them right, and 20 of 95 %, all right."""
    sure = np.array([[0.8, 0.2]] * 100 + [[0.95, 0.05]] * 20)
    return sure, np.array([0] * 60 + [1] * 40 + [0] * 20)


def test_answers_are_grouped_by_probability_and_compared_with_how_many_are_right():
    probabilities, labels = answers()
    found = Reliability.of(probabilities, labels)
    assert found.groups == (Group(100, 0.8, 0.6), Group(20, 0.95, 1.0))
    assert (found.n, found.accuracy) == (120, pytest.approx(80 / 120, abs=1e-6))
    assert found.error == pytest.approx((100 * 0.2 + 20 * 0.05) / 120, abs=1e-6)
    assert found.error == pytest.approx(calibration_error(probabilities, labels), abs=1e-6)


def test_a_record_holds_for_the_weights_it_was_made_with(tmp_path):
    name, path = SHIPPED[0], tmp_path / "reliability.json"
    found = Reliability.of(*answers())
    assert recorded(name, path) == {}
    path = tmp_path / "again.json"
    record({name: dict.fromkeys(SETS, found)}, path)
    assert recorded(name, path) == dict.fromkeys(SETS, found)
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept[name]["weights_sha256"] == weights_digest(name)
    kept[name]["weights_sha256"] = "0" * 64
    other = tmp_path / "changed.json"
    other.write_text(json.dumps(kept), encoding="utf-8")
    assert recorded(name, other) == {}
    record({SHIPPED[1]: dict.fromkeys(SETS, found)}, other)
    assert set(json.loads(other.read_text(encoding="utf-8"))) == {name, SHIPPED[1]}


@pytest.mark.parametrize("name", SHIPPED)
def test_each_shipped_network_has_a_record_of_its_weights(name):
    """`python -m benchmarks.b16_honesty --strokes pen_strokes.npz --record` writes it."""
    sets = recorded(name)
    assert tuple(sets) == SETS
    for one in sets.values():
        assert sum(group.n for group in one.groups) == one.n
        right = sum(group.n * group.accuracy for group in one.groups) / one.n
        gaps = sum(group.n * abs(group.accuracy - group.confidence) for group in one.groups)
        assert right == pytest.approx(one.accuracy, abs=1e-5)
        assert gaps / one.n == pytest.approx(one.error, abs=1e-5)
    # Strokes are the harder test, which is what the page says.
    assert sets["MNIST"].error < sets["pen strokes"].error
    assert sets["MNIST"].accuracy > sets["pen strokes"].accuracy


def test_the_diagram_has_a_mark_for_each_group_of_ten_answers():
    few = Reliability(22, 0.5, 0.1, (Group(2, 0.3, 1.0), Group(20, 0.9, 0.5)))
    many = Reliability.of(*answers())
    assert shown(few) == [Group(20, 0.9, 0.5)]
    svg = reliability_svg({"MNIST": few, "pen strokes": many}, Look())
    assert svg.count("<title>") == 3
    assert "pen strokes: 100 answers, 60% right" in svg
