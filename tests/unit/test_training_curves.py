import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_lab.figures.curves import curve_spec, curve_table, thin

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


def test_the_chart_is_the_same_however_far_the_run_has_come() -> None:
    spec = curve_spec("accuracy", n_epochs=3)
    assert spec == curve_spec("accuracy", n_epochs=3)
    assert "data" not in spec
    assert spec["encoding"]["x"]["scale"]["domain"] == [0, 3]


@pytest.mark.parametrize("measure", ["loss", "accuracy"])
def test_training_and_validation_differ_by_more_than_colour(measure: str) -> None:
    layers = curve_spec(measure, n_epochs=2)["layer"]  # type: ignore[arg-type]
    dashed = [layer for layer in layers if "strokeDash" in layer["mark"]]
    assert ["'validation'" in layer["transform"][0]["filter"] for layer in dashed] == [True]
    (points,) = (layer for layer in layers if layer["mark"]["type"] == "point")
    shape = points["encoding"]["shape"]["scale"]
    assert dict(zip(shape["domain"], shape["range"], strict=True)) == {
        "training": "circle",
        "validation": "diamond",
    }
