import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_lab.charts.training import (
    cell_words,
    comparison_spec,
    confusion_figure,
    curve_table,
    most_confused,
    sweep_table,
    thin,
)

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
    assert list(table.columns) == ["epochs", "who", "what", "loss", "accuracy", "error"]


def test_a_table_has_moments_and_both_curves_of_each_epoch() -> None:
    epoch = {"n_images": 1000, "loss": 0.5, "accuracy": 0.75, "val_loss": 0.4, "val_accuracy": 0.9}
    table = curve_table([report(500), report(1000)], [epoch], n_train=N_TRAIN)
    moments = table[table["what"] == "moment"]
    assert list(moments["epochs"]) == [0.5, 1.0]
    assert set(moments["who"]) == {"training"}
    judged = table[(table["what"] == "epoch") & (table["who"] == "validation")].iloc[0]
    assert (judged["epochs"], judged["loss"]) == (1.0, 0.4)
    assert judged["error"] == pytest.approx(0.1)


@pytest.mark.parametrize("accuracy", [0.0, 0.05, 0.5, 0.9999, 1.0])
def test_every_accuracy_lies_within_the_axis(accuracy: float) -> None:
    """U5: an error of 0 has no place on a logarithmic axis; it is drawn where 100% is."""
    epoch = {"n_images": 1000, "loss": 0.0, "accuracy": accuracy, "val_loss": 0.0}
    epoch["val_accuracy"] = accuracy
    table = curve_table([report(500, accuracy=accuracy)], [epoch], n_train=N_TRAIN)
    spec = comparison_spec("accuracy", names=["a"], along="epochs", end=1)
    axis = spec["encoding"]["y"]
    least, most = axis["scale"]["domain"]
    drawn = pd.concat([table["error"], sweep_table([accuracy], [True])["error"]]).dropna()
    assert ((drawn >= least) & (drawn <= most)).all()
    assert (drawn == least).all() == (accuracy > 0.999)
    assert min(axis["axis"]["values"]) == least
    assert axis["axis"]["labelExpr"].startswith(f"datum.value <= {least} ? '100%'")


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
