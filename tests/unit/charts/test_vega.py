"""Every chart is Vega-Lite: Altair, which knows its schema, takes it as it is."""

import operator
import tomllib
from collections.abc import Iterator
from typing import Any

import altair as alt
import pandas as pd
import pytest
from jsonschema import ValidationError

from cnn_lab.charts import answers, backpropagation, network, paper, pooling, training, vega
from cnn_lab.concepts.convolution import layer_costs
from tools.server import ROOT

COSTS = layer_costs((14, 14, 16), (3, 3), (12, 12, 128), bias=False)
CHARTS = {
    "activation": backpropagation.activation_spec(),
    "error": backpropagation.error_spec(epsilon=1e-3),
    "line": backpropagation.line_spec(),
    "shift": pooling.shift_spec("down"),
    "probabilities": answers.probabilities_spec(),
    "answers": answers.answers_spec("pixels", 0.5, [0, 1]),
    "costs": network.costs_spec(network.PARAMETERS, COSTS),
    "comparison": training.comparison_spec("loss", names=["a", "b"], along="seconds", end=20),
    "sweep": training.sweep_spec(n_trials=10),
    "epochs": paper.epochs_spec("loss"),
}


@pytest.mark.parametrize("name", list(CHARTS))
def test_a_chart_is_valid_vega_lite(name):
    chart = alt.Chart.from_dict({"data": {"values": []}, **CHARTS[name]})
    assert chart.to_dict(validate=True)["height"] == CHARTS[name]["height"]


def parts(spec: Any) -> Iterator[dict[str, Any]]:
    """All dictionaries in a specification."""
    if isinstance(spec, dict):
        yield spec
    for part in spec.values() if isinstance(spec, dict) else spec if isinstance(spec, list) else ():
        yield from parts(part)


def contrast(one: str, other: str) -> float:
    """WCAG's ratio of two colours: at least 4.5 for text."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in shares]
    return sum(map(operator.mul, linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("name", list(CHARTS))
def test_the_text_of_every_chart_has_the_ink_that_its_page_needs(name):
    """U5: labels of axes and legends, and grey words in the plot."""
    for part in parts(CHARTS[name]):
        for channel in ("x", "y"):
            axis = part.get(channel, {}) if "type" in part.get(channel, {}) else {}
            if axis.get("axis", {}) is not None and "field" in axis:
                assert axis["axis"]["labelColor"] == axis["axis"]["titleColor"] == vega.INK
        if part.get("legend"):
            assert part["legend"]["labelColor"] == vega.INK
        if isinstance(part.get("mark"), dict) and part["mark"]["type"] == "text":
            assert part.get("encoding", {}).get("color") != vega.QUIET


@pytest.mark.parametrize(
    ("tone", "ink"), [("light", vega.INK_ON_LIGHT), ("dark", vega.INK_ON_DARK)]
)
def test_the_ink_of_charts_can_be_read(tone, ink):
    """U5: a contrast of 4.5 to 1, on the page's own background."""
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    background = config["theme"][tone]["backgroundColor"]
    assert contrast(ink, background) >= 4.5
    assert ink in vega.INK["expr"]
    assert (luminance(background) < 0.2) == (tone == "dark")  # as the expression decides
    assert contrast("#808495", config["theme"]["light"]["backgroundColor"]) < 4.5  # Streamlit's


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
