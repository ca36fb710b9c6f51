"""Curves of a run as places: every point within its plot, and nothing lost between the reports."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_lab.charts.curves import (
    LATEST_POINTS,
    MAX_RAW,
    SKETCHED,
    Axis,
    at_share,
    curves,
    latest,
    rates,
    sketched,
    smoothed,
)
from cnn_lab.charts.training import MAX_POINTS
from cnn_lab.network.spec import TrainingSpec
from cnn_lab.training.schedules import learning_rates

N_TRAIN, N_EPOCHS = 1000, 3
RUN = {"n_train": N_TRAIN, "n_epochs": N_EPOCHS, "n_classes": 10}


def report(n_images: float, loss: float = 1.0, accuracy: float = 0.5) -> dict[str, float]:
    return {"n_images": n_images, "loss": loss, "accuracy": accuracy}


def epoch(number: int, accuracy: float = 0.9, loss: float = 0.5) -> dict[str, float]:
    means = {"loss": loss, "accuracy": accuracy, "val_loss": loss / 2, "val_accuracy": accuracy}
    return {"epoch": number, "n_images": N_TRAIN * number, **means}


def places(panel, of):
    """Return the points of a line as (across, up)."""
    (points,) = (line["points"] for line in panel["lines"] if line["of"] == of)
    pairs = (pair.split(",") for pair in points.split())
    return [(float(x), 1 - float(y)) for x, y in pairs]


@given(values=st.lists(st.tuples(st.floats(0, 1e30), st.floats(0, 1)), min_size=1, max_size=80))
def test_no_curve_leaves_its_plot(values):
    """U5: neither at 100 % nor at any loss."""
    batches = [report(10 * (i + 1), *pair) for i, pair in enumerate(values)]
    drawing = curves(batches, [epoch(1, *values[0][::-1])], **RUN)
    for panel in drawing["panels"]:
        drawn = [place for line in panel["lines"] for place in places(panel, line["of"])]
        drawn += [dot[1:3] for dot in panel["dots"]]
        assert np.min(drawn) >= 0
        assert np.max(drawn) <= 1
        assert all(0 <= up <= 1 for up, _ in panel["ticks"])


def test_the_place_of_an_accuracy_is_that_of_its_tick():
    axis = Axis("accuracy", 0.005, 1.0)
    ticks = {label: up for up, label in axis.ticks()}
    assert [*ticks] == ["99.5%", "99%", "98%", "95%", "90%", "80%", "50%", "10%"]
    assert ticks == {label: axis.place(float(label[:-1]) / 100) for label in ticks}
    assert [axis.place(1.0), axis.place(0.995)] == pytest.approx([1, 1])


def test_the_axes_reach_from_guessing_to_the_best_so_far():
    panels = curves([report(500, 0.02, 0.995)], [epoch(1, 0.98, 0.06)], **RUN)["panels"]
    for panel, chance in zip(panels, ("loss", "accuracy"), strict=True):
        (level,) = {up for _, up in places(panel, "chance")}
        assert 0 < level < 1, chance
    loss, accuracy = ([label for _, label in panel["ticks"]] for panel in panels)
    assert (loss[0], loss[-1]) == ("0.01", "3")
    assert accuracy[0] == "99.8%"


def test_the_running_mean_keeps_its_past_and_ends_up_at_a_constant():
    numbers = np.random.default_rng(0)
    batches = [report(20 * (i + 1), float(loss)) for i, loss in enumerate(numbers.random(150))]
    whole = smoothed(batches, n_train=N_TRAIN, n_images=N_TRAIN * N_EPOCHS)
    assert smoothed(batches[:70], n_train=N_TRAIN, n_images=N_TRAIN * N_EPOCHS) == whole[:70]
    spread = np.std([row["loss"] for row in whole[50:]])
    assert spread < np.std([row["loss"] for row in batches[50:]]) / 2
    assert whole[0]["loss"] == batches[0]["loss"]


def test_a_long_run_is_drawn_with_few_points_that_keep_its_extremes():
    batches = [report(i + 1, 1 + math.sin(i) / 2) for i in range(N_TRAIN * N_EPOCHS)]
    batches[1234]["loss"] = 2.9
    panel = curves(batches, [], **RUN)["panels"][0]
    raw = places(panel, "raw")
    assert len(raw) <= 2 * MAX_RAW
    assert len(panel["readings"]) <= MAX_POINTS + 1
    top = Axis("loss", 0.3, 3).place(2.9)
    assert max(up for _, up in raw) == pytest.approx(top, abs=0.001)


def test_epochs_and_changes_are_where_they_happened_and_say_what_they_are():
    changes = [(1500, "dropout 0.5 after 1,500 images")]
    drawing = curves([report(1000)], [epoch(1), epoch(2)], changes=changes, **RUN)
    assert drawing["marks"] == [(0.5, "dropout 0.5 after 1,500 images")]
    dots = drawing["panels"][1]["dots"]
    assert [(who, x) for who, x, _, _ in dots] == [
        (who, round(number / 3, 4)) for who in ("training", "validation") for number in (1, 2)
    ]
    assert dots[-1][3] == "Epoch 2, validation: accuracy 90.00%"


def test_before_the_first_report_there_is_only_guessing():
    drawing = curves([], [], **RUN)
    assert [[line["of"] for line in panel["lines"]] for panel in drawing["panels"]] == [
        ["chance"],
        ["chance"],
    ]
    assert [of for of, _ in drawing["legend"]] == ["chance"]


def test_the_latest_reports_are_numbered_through_all_epochs():
    batches = [{"epoch": 1 + i // 50, "batch": i % 50 + 1, **report(0, i)} for i in range(150)]
    loss = latest(batches, n_batches=50)["panels"][0]
    assert len(loss["readings"]) == LATEST_POINTS
    first, last = loss["readings"][0], loss["readings"][-1]
    assert (first[2], last[2]) == ("Batch 71: loss 70.000", "Batch 150: loss 149.000")
    assert (first[0], last[0]) == (0, 1)
    for number in (1, 2):
        (panel, _) = latest(batches[:number], n_batches=50)["panels"]
        assert all(0 <= up <= 1 for _, up in places(panel, "smooth"))


def test_the_plan_spans_the_run_and_what_was_used_ends_where_it_is_now():
    training = TrainingSpec(schedule="one_cycle", epochs=3)
    planned = learning_rates(training, 3 * 844).tolist()
    batches = [
        {"epoch": 1 + i // 844, "batch": i % 844 + 1, "rate": planned[i]} for i in range(1000)
    ]
    panel = rates(planned, batches, n_batches=844)
    plan, used = places(panel, "planned"), places(panel, "used")
    assert (plan[0][0], plan[-1][0]) == (0, 1)
    assert max(up for _, up in plan) == pytest.approx(1)
    assert used[-1][0] == pytest.approx(1000 / (3 * 844), abs=1e-4)
    assert max(len(plan), len(used)) <= MAX_POINTS + 1


def test_expected_losses_are_a_line_on_the_axis_of_the_loss():
    expected = [(0, 2.3), (1, 0.4), (3, 0.004)]
    drawing = curves([report(100)], [epoch(1)], **RUN, expected=expected)
    loss, accuracy = drawing["panels"]
    low = min(float(label) for _, label in loss["ticks"])
    assert low <= 0.004
    axis = Axis("loss", low, 3.0)
    expected_places = [(at / N_EPOCHS, axis.place(value)) for at, value in expected]
    np.testing.assert_allclose(places(loss, "expected"), expected_places, atol=1e-4)
    assert "expected" not in {line["of"] for line in accuracy["lines"]}
    assert "expected" in dict(drawing["legend"])
    assert "expected" not in dict(curves([], [], **RUN)["legend"])


@given(values=st.lists(st.floats(0.01, 3), min_size=2, max_size=50))
def test_a_sketch_is_read_on_the_axis_it_was_drawn_on(values):
    columns = np.linspace(0, 1, len(values)).tolist()
    sent = [[x, SKETCHED.place(value)] for x, value in zip(columns, values, strict=True)]
    points = sketched(sent)
    np.testing.assert_allclose([loss for _, loss in points], values, rtol=1e-9)
    assert at_share(points, 0) == pytest.approx(values[0])
    assert at_share(points, 1) == pytest.approx(values[-1])


@pytest.mark.parametrize(
    "sent",
    [
        *(None, "abc", [], [[0, 1]], [[0, 1], [1]], [[0, 1], [1, "0"]], [[0, 1], [0, 0]]),
        *(
            [[0, 1], [1, 2]],
            [[0, True], [1, 0]],
            [[0, 1], [1, math.nan]],
            [[i / 999, 0] for i in range(999)],
        ),
    ],
)
def test_what_is_not_a_sketch_is_ignored(sent):
    assert sketched(sent) == []


def test_a_sketch_says_nothing_about_epochs_far_from_it():
    points = [(0.2, 1.0), (0.4, 0.5)]
    assert at_share(points, 0.3) == pytest.approx(math.sqrt(0.5))
    assert at_share(points, 0) is at_share(points, 1) is None
