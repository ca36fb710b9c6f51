import math

import pytest

from cnn_lab.charts.training import comparison_spec, comparison_table
from cnn_lab.network import zoo
from cnn_lab.network.spec import Conv2D, NetworkSpec, TrainingSpec
from cnn_lab.runs.comparison import (
    Compared,
    conclusion,
    differing_settings,
    largest_gap,
    result_rows,
    uncertainty,
)

N_TRAIN = 1000


def epoch(number: int, val_accuracy: float, seconds: float = 0.0) -> dict[str, float]:
    return {
        "epoch": number,
        "n_images": number * N_TRAIN,
        "loss": 0.5 / number,
        "accuracy": 0.9,
        "val_loss": 0.4 / number,
        "val_accuracy": val_accuracy,
        "seconds": seconds or 10.0 * number,
    }


def run(
    name: str = "one",
    *,
    network: NetworkSpec | None = None,
    engine: str = "keras",
    accuracies: tuple[float, ...] = (),
    test: float | None = None,
    **changes: object,
) -> Compared:
    preset = zoo.preset("fast")
    result = {} if test is None else {"test_accuracy": test, "errors": 80, "n": 10_000}
    return Compared(
        name,
        network or preset.network,
        TrainingSpec.model_validate(preset.training.model_dump() | changes),
        engine,
        N_TRAIN,
        [epoch(i, accuracy) for i, accuracy in enumerate(accuracies, 1)],
        result=result,
    )


def settings(first: Compared, second: Compared) -> dict[str, tuple[str, str]]:
    return {one.setting: (one.first, one.second) for one in differing_settings(first, second)}


def test_equal_settings_differ_in_nothing() -> None:
    assert differing_settings(run("one"), run("another")) == []


def test_only_what_differs_is_named() -> None:
    differing = settings(run(), run(engine="numpy", batch_size=64, learning_rate=0.0025))
    assert differing == {
        "engine": ("Keras", "NumPy"),
        "learning rate": ("0.01", "0.0025"),
        "batch size": ("128", "64"),
    }


@pytest.mark.parametrize(
    ("optimizer", "setting", "counts"),
    [
        ("adam", "momentum", False),
        ("sgd", "momentum", True),
        ("sgd", "weight_decay", False),
        ("adamw", "weight_decay", True),
        ("muon", "weight_decay", True),
    ],
)
def test_a_setting_that_no_optimizer_looks_at_is_no_difference(
    optimizer: str, setting: str, counts: bool
) -> None:
    differing = settings(run(optimizer=optimizer), run(optimizer=optimizer, **{setting: 0.123}))
    assert (setting.replace("_", " ") in differing) == counts
    assert len(differing) == counts


def test_a_setting_counts_as_soon_as_one_optimizer_looks_at_it() -> None:
    differing = settings(run(optimizer="sgd", momentum=0.5), run(optimizer="adam", momentum=0.9))
    assert differing["momentum"] == ("0.5", "0.9")


def test_networks_are_told_apart_layer_by_layer() -> None:
    fast = zoo.preset("fast").network
    first, *others = fast.layers
    assert isinstance(first, Conv2D)
    wider = first.model_copy(update={"kernel_size": (3, 3), "padding": "same"})
    kept = [layer for layer in others if layer.name != "norm2"]
    changed = NetworkSpec(name="mine", layers=(wider, *kept))
    differing = settings(run(), run(network=changed))
    assert differing.keys() == {
        "network",
        "parameters",
        "conv1 kernel size",
        "conv1 padding",
        "norm2",
    }
    assert differing["conv1 kernel size"] == ("5 × 5", "3 × 3")
    assert differing["conv1 padding"] == ("valid", "same")
    assert differing["norm2"] == ("BatchNormalization", "–")
    assert differing["parameters"] == (
        f"{fast.n_parameters:,}",
        f"{changed.n_parameters:,}",
    )


def test_a_name_alone_is_no_difference() -> None:
    fast = zoo.preset("fast").network
    assert settings(run(), run(network=fast.model_copy(update={"name": "other"}))) == {}


def test_results_stand_side_by_side_and_what_is_missing_is_a_dash() -> None:
    rows = result_rows(
        [run(accuracies=(0.97, 0.98), test=0.992), run(accuracies=(0.95,), epochs=9)]
    )
    assert rows["test accuracy"] == ["99.20%", "–"]
    assert rows["errors"] == ["80 of 10,000", "–"]
    assert rows["validation accuracy"] == ["98.00%", "95.00%"]
    assert rows["epochs finished"] == ["2 of 2", "1 of 9"]
    assert rows["training time"] == ["20 s", "10 s"]


def test_the_uncertainty_is_that_of_a_share() -> None:
    assert uncertainty(0.5, 100) == pytest.approx(1.96 * 0.05)
    assert uncertainty(1.0, 100) == 0
    assert uncertainty(0.9, 10_000) == pytest.approx(uncertainty(0.9, 100) / 10)


def test_a_small_difference_is_called_chance_and_a_large_one_is_not() -> None:
    close = conclusion(run("one", test=0.992), run("two", test=0.991))
    assert "0.10 percentage points apart" in close
    assert "does not show which one is better" in close
    limit = 100 * math.hypot(uncertainty(0.992, 10_000), uncertainty(0.991, 10_000))
    assert f"{limit:.2f}" in close
    far = conclusion(run("one", test=0.98), run("two", test=0.992))
    assert "**two** is 1.20 percentage points higher" in far
    assert conclusion(run(test=0.99), run()) == ""
    assert conclusion(run(test=0.9), run(test=0.99, data_set="fashion_mnist")) == ""


def test_the_largest_gap_is_over_epochs_that_both_have() -> None:
    assert largest_gap(run(accuracies=(0.9, 0.95)), run(accuracies=(0.92, 0.94, 0.1))) == (
        pytest.approx(0.02)
    )
    assert largest_gap(run(), run(accuracies=(0.9,))) is None


def test_a_table_holds_both_runs_with_their_own_clocks() -> None:
    slow = run("slow", accuracies=(0.9, 0.95))
    quick = Compared(
        "quick",
        slow.network,
        slow.training,
        "numpy",
        N_TRAIN,
        [epoch(1, 0.91, seconds=4.0)],
        batches=[
            {"n_images": 250, "loss": 1.0, "accuracy": 0.5, "seconds": 3.0},
            {"n_images": 1000, "loss": 0.8, "accuracy": 0.6, "seconds": 4.0},
        ],
    )
    table = comparison_table([slow, quick])
    judged = table[(table["what"] == "epoch") & (table["who"] == "validation")]
    assert judged[["run", "epochs", "seconds"]].values.tolist() == [
        ["slow", 1.0, 10.0],
        ["slow", 2.0, 20.0],
        ["quick", 1.0, 4.0],
    ]
    moments = table[table["what"] == "moment"]
    assert moments[["run", "epochs", "seconds"]].values.tolist() == [
        ["quick", 0.25, 3.0],
        ["quick", 1.0, 4.0],
    ]


def test_a_run_without_any_report_is_an_empty_part_of_the_table() -> None:
    assert set(comparison_table([run("none"), run("some", accuracies=(0.9,))])["run"]) == {"some"}


def test_the_chart_tells_runs_by_colour_and_validation_by_dashes_and_shape() -> None:
    chart = comparison_spec("loss", names=["one", "two"], along="seconds", end=20)
    assert chart["encoding"]["color"]["scale"]["domain"] == ["one", "two"]
    assert chart["encoding"]["x"]["field"] == "seconds"
    assert chart["encoding"]["x"]["scale"]["domain"] == [0, 20]
    dashed = [layer for layer in chart["layer"] if "strokeDash" in layer["mark"]]
    assert ["'validation'" in layer["transform"][0]["filter"] for layer in dashed] == [True]
    (points,) = (layer for layer in chart["layer"] if layer["mark"]["type"] == "point")
    assert points["encoding"]["shape"]["scale"]["range"] == ["circle", "diamond"]
