"""Every chart is Vega-Lite: Altair, which knows its schema, takes it as it is."""

import altair as alt
import pandas as pd
import pytest
from jsonschema import ValidationError

from cnn_lab.charts import answers, backpropagation, network, paper, pooling, training, vega
from cnn_lab.concepts.convolution import layer_costs

COSTS = layer_costs((14, 14, 16), (3, 3), (12, 12, 128), bias=False)
CHARTS = {
    "activation": backpropagation.activation_spec(),
    "error": backpropagation.error_spec(epsilon=1e-3),
    "line": backpropagation.line_spec(),
    "lesson": backpropagation.lesson_spec(n_steps=300, height=200),
    "kernels": backpropagation.kernels_spec(rows=3, columns=7),
    "softmax": backpropagation.bars_spec(backpropagation.GRADIENT, n_classes=3, limit=1.5),
    "shift": pooling.shift_spec("down"),
    "probabilities": answers.probabilities_spec(),
    "answers": answers.answers_spec("pixels", 0.5, [0, 1]),
    "costs": network.costs_spec(network.PARAMETERS, COSTS),
    "loss": training.curve_spec("loss", n_epochs=3),
    "accuracy": training.curve_spec("accuracy", n_epochs=3),
    "latest": training.latest_spec("accuracy"),
    "rate": training.rate_spec(n_epochs=3),
    "comparison": training.comparison_spec("loss", names=["a", "b"], along="seconds", end=20),
    "sweep": training.sweep_spec(n_trials=10),
    "epochs": paper.epochs_spec("loss"),
    "seeds": paper.seeds_spec(["paper", "fast"]),
}


@pytest.mark.parametrize("name", list(CHARTS))
def test_a_chart_is_valid_vega_lite(name):
    chart = alt.Chart.from_dict({"data": {"values": []}, **CHARTS[name]})
    assert chart.to_dict(validate=True)["height"] == CHARTS[name]["height"]


def test_the_schema_would_tell():
    wrong = {"data": {"values": []}, **vega.mark("lines", encoding={"x": vega.quantity("a")})}
    with pytest.raises(ValidationError):
        alt.Chart.from_dict(wrong)


def test_a_number_is_a_field_or_one_value():
    table = pd.DataFrame({"loss": [0.5]})
    assert vega.quantity("loss")["field"] in table
    assert vega.quantity(0.992, None, axis=None, zero=False) == {
        "datum": 0.992,
        "type": "quantitative",
        "title": None,
        "axis": None,
        "scale": {"zero": False},
    }


def test_what_is_not_asked_for_is_not_in_the_specification():
    assert vega.mark("line") == {"mark": {"type": "line"}}
    assert vega.tip("run") == {"field": "run"}
    assert vega.category("what", ["a"]) == {
        "field": "what",
        "type": "nominal",
        "scale": {"domain": ["a"]},
    }
