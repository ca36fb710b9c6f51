import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_lab.charts.training import (
    LATEST_POINTS,
    MAX_POINTS,
    Measure,
    cell_words,
    confusion_figure,
    curve_spec,
    curve_table,
    latest_spec,
    latest_table,
    most_confused,
    rate_spec,
    rate_table,
    sweep_table,
    thin,
)
from cnn_lab.network.spec import TrainingSpec
from cnn_lab.training.schedules import learning_rates

N_TRAIN = 1000


def report(n_images: float, loss: float = 1.0, accuracy: float = 0.5) -> dict[str, float]:
    return {"n_images": n_images, "loss": loss, "accuracy": accuracy}


@given(
    steps=st.lists(
        st.tuples(st.integers(1, 500), st.floats(0, 10), st.floats(0, 1)), min_size=1, max_size=300
    ),
    most=st.integers(1, 50),
)
def test_thinning_keeps_the_mean_over_all_images(
    steps: list[tuple[int, float, float]], most: int
) -> None:
    batches, n_images = [], 0
    for n, loss, accuracy in steps:
        n_images += n
        batches.append(report(n_images, loss, accuracy))
    points = thin(batches, most=most)
    assert 1 <= len(points) <= most
    assert points[-1]["n_images"] == n_images
    widths = np.diff([0, *(point["n_images"] for point in points)])
    mean = float(np.dot(widths, [point["loss"] for point in points])) / n_images
    assert mean == pytest.approx(sum(n * loss for n, loss, _ in steps) / n_images)


def test_points_stay_where_they_are_while_reports_come_in() -> None:
    batches = [report(10 * i, loss=1 / i) for i in range(1, 101)]
    before, after = thin(batches[:60], most=20), thin(batches[:72], most=20)
    assert after[: len(before)] == before
    assert len(after) == 18


def test_nothing_yet_is_an_empty_table_with_its_columns() -> None:
    table = curve_table([], [], n_train=N_TRAIN)
    assert table.empty
    assert list(table.columns) == ["epochs", "who", "what", "loss", "accuracy", "error", "rate"]


def test_a_table_has_moments_and_both_curves_of_each_epoch() -> None:
    epoch = {"n_images": 1000, "loss": 0.5, "accuracy": 0.75, "val_loss": 0.4, "val_accuracy": 0.9}
    table = curve_table([report(500), report(1000)], [epoch], n_train=N_TRAIN)
    moments = table[table["what"] == "moment"]
    assert list(moments["epochs"]) == [0.5, 1.0]
    assert set(moments["who"]) == {"training"}
    judged = table[(table["what"] == "epoch") & (table["who"] == "validation")].iloc[0]
    assert (judged["epochs"], judged["loss"]) == (1.0, 0.4)
    assert judged["error"] == pytest.approx(0.1)


def test_the_head_of_the_curve_can_be_seen_before_there_is_a_line() -> None:
    for reports in ([report(500, loss=2)], [report(500, loss=2), report(700, loss=1)]):
        table = curve_table(reports, [], n_train=N_TRAIN)
        (head,) = table[table["what"] == "now"].to_dict("records")
        assert head["loss"] == reports[-1]["loss"]
        assert head["epochs"] == reports[-1]["n_images"] / N_TRAIN


def test_the_chart_is_the_same_however_far_the_run_has_come() -> None:
    spec = curve_spec("accuracy", n_epochs=3)
    assert spec == curve_spec("accuracy", n_epochs=3)
    assert "data" not in spec
    assert spec["encoding"]["x"]["scale"]["domain"] == [0, 3]


@pytest.mark.parametrize("accuracy", [0.0, 0.05, 0.5, 0.9999, 1.0])
def test_every_accuracy_lies_within_the_axis(accuracy: float) -> None:
    """U5: an error of 0 has no place on a logarithmic axis; it is drawn where 100% is."""
    epoch = {"n_images": 1000, "loss": 0.0, "accuracy": accuracy, "val_loss": 0.0}
    epoch["val_accuracy"] = accuracy
    table = curve_table([report(500, accuracy=accuracy)], [epoch], n_train=N_TRAIN)
    axis = curve_spec("accuracy", n_epochs=1)["encoding"]["y"]
    least, most = axis["scale"]["domain"]
    drawn = pd.concat([table["error"], sweep_table([accuracy], [True])["error"]]).dropna()
    assert ((drawn >= least) & (drawn <= most)).all()
    assert (drawn == least).all() == (accuracy > 0.999)
    assert min(axis["axis"]["values"]) == least
    assert axis["axis"]["labelExpr"].startswith(f"datum.value <= {least} ? '100%'")


@pytest.mark.parametrize("measure", ["loss", "accuracy"])
def test_epochs_are_joined_and_no_legend_covers_them(measure: Measure) -> None:
    """U5: a line for each kind of images goes through its points; the legend is outside."""
    spec = curve_spec(measure, n_epochs=2)
    lines = [layer for layer in spec["layer"] if layer["mark"]["type"] == "line"]
    filters = " ".join(layer["transform"][0]["filter"] for layer in lines)
    for who in ("training", "validation"):
        assert f"datum.what == 'epoch' && datum.who == '{who}'" in filters
    shown = [spec, *spec["layer"]]
    legends = [layer.get("encoding", {}).get("color", {}).get("legend") for layer in shown]
    assert {one["orient"] for one in legends if one} == {"top"}


@pytest.mark.parametrize("measure", ["loss", "accuracy"])
def test_training_and_validation_differ_by_more_than_colour(measure: str) -> None:
    layers = curve_spec(measure, n_epochs=2)["layer"]  # type: ignore[arg-type]
    curves = [layer for layer in layers if layer["mark"]["type"] == "line"]
    dashed = [layer for layer in curves if "strokeDash" in layer["mark"]]
    assert ["'validation'" in layer["transform"][0]["filter"] for layer in dashed] == [True]
    (points,) = (layer for layer in layers if "shape" in layer.get("encoding", {}))
    shape = points["encoding"]["shape"]["scale"]
    assert dict(zip(shape["domain"], shape["range"], strict=True)) == {
        "training": "circle",
        "validation": "diamond",
    }


def test_a_changed_rate_is_a_mark_that_no_curve_passes_through() -> None:
    table = curve_table([report(500)], [], n_train=N_TRAIN, changed_rates=[(250.0, 0.1)])
    (mark,) = table[table["what"] == "rate"].to_dict("records")
    assert (mark["epochs"], mark["rate"]) == (0.25, 0.1)
    assert np.isnan(mark["loss"])
    drawn = [layer for layer in curve_spec("loss", n_epochs=1)["layer"] if "rate" in str(layer)]
    assert [layer["mark"]["type"] for layer in drawn] == ["rule", "text"]


def test_the_latest_reports_are_numbered_through_all_epochs() -> None:
    batches = [{"epoch": 1 + i // 50, "batch": i % 50 + 1, **report(0, loss=i)} for i in range(150)]
    table = latest_table(batches, n_batches=50)
    assert list(table["batch"]) == list(range(151 - LATEST_POINTS, 151))
    assert list(table["loss"]) == list(range(150 - LATEST_POINTS, 150))
    assert latest_table([], n_batches=50).empty
    for measure in ("loss", "accuracy"):
        assert latest_spec(measure)["encoding"]["y"]["field"] in table.columns  # type: ignore[arg-type]


def test_the_plan_spans_the_run_and_what_was_used_ends_where_it_is_now() -> None:
    training = TrainingSpec(schedule="one_cycle", epochs=3)
    planned = learning_rates(training, 3 * 844)
    batches = [
        {"epoch": 1 + i // 844, "batch": i % 844 + 1, "rate": planned[i]} for i in range(1000)
    ]
    table = rate_table(planned, batches, n_batches=844)
    plan, used = (table[table["what"] == what] for what in ("planned", "used"))
    assert (plan["epochs"].min(), plan["epochs"].max()) == (0, 3)
    assert plan["rate"].max() == pytest.approx(training.learning_rate, rel=0.01)
    assert used["epochs"].max() == pytest.approx(1000 / 844)
    assert max(len(plan), len(used)) <= MAX_POINTS + 1
    assert rate_spec(n_epochs=3)["encoding"]["x"]["scale"]["domain"] == [0, 3]


NAMES = ("boot", "bag", "coat")
CONFUSION = np.array([[990, 1, 0], [4, 80, 0], [0, 7, 900]])


def test_plotly_takes_the_figure_as_it_is() -> None:
    figure = go.Figure(confusion_figure(CONFUSION, NAMES))
    heat, marks = figure.data
    assert heat.type == "heatmap"
    assert marks.type == "scatter"
    assert figure.layout.yaxis.autorange == "reversed"
    assert list(figure.layout.xaxis.ticktext) == list(NAMES)


def test_every_count_stands_in_its_cell() -> None:
    heat = confusion_figure(CONFUSION, NAMES)["data"][0]
    assert heat["text"] == [["990", "1", ""], ["4", "80", ""], ["", "7", "900"]]


def test_one_error_is_seen_beside_a_thousand_right_answers() -> None:
    shades = np.array(confusion_figure(CONFUSION, NAMES)["data"][0]["z"])
    assert shades[0, 2] == 0
    assert shades[0, 1] / shades.max() == pytest.approx(0.1, abs=0.01)
    assert (np.argsort(shades, axis=None) == np.argsort(CONFUSION, axis=None)).all()


def test_each_cell_has_a_mark_that_says_which_one_it_is() -> None:
    marks = confusion_figure(CONFUSION, NAMES)["data"][1]
    assert len(marks["customdata"]) == CONFUSION.size
    for x, y, (truth, read), words in zip(
        marks["x"], marks["y"], marks["customdata"], marks["text"], strict=True
    ):
        assert (x, y) == (read, truth)
        assert words == cell_words(int(CONFUSION[truth, read]), NAMES[truth], NAMES[read])


def test_the_most_frequent_errors_come_first_and_right_answers_never() -> None:
    assert most_confused(CONFUSION, most=9) == [(2, 1, 7), (1, 0, 4), (0, 1, 1)]
    assert most_confused(CONFUSION, most=1) == [(2, 1, 7)]
    assert most_confused(np.diag([5, 5, 5]), most=4) == []
    assert CONFUSION[0, 0] == 990
