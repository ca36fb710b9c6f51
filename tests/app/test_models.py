"""The choice of networks, on the page that has had it longest."""

import json

import numpy as np
import pytest
from safetensors.numpy import save

from cnn_lab.app.widgets.model_choice import DEFAULT, SHIPPED
from cnn_lab.network import MODELS, Network, zoo
from cnn_lab.network.initial import initial_weights
from cnn_lab.network.spec import Dense, Flatten, NetworkSpec, Softmax
from tests.app.elements import said

KEY = "draw_model"
SMALL = NetworkSpec(
    name="small",
    layers=(
        Flatten(name="flatten"),
        Dense(name="dense", units=10),
        Softmax(name="softmax"),
    ),
)


def content(spec=SMALL, **metadata):
    weights = {name: np.ascontiguousarray(w) for name, w in initial_weights(spec, 0).items()}
    return save(weights, metadata={"spec": spec.model_dump_json(), **metadata})


def with_own(page, data):
    page.session_state[f"{KEY}_own_menu"] = True
    page.run()
    return page.file_uploader(key=f"{KEY}_own").upload("mine.safetensors", data, "").run()


def test_every_shipped_network_is_offered_in_the_order_of_the_zoo(open_page):
    page = open_page("draw")
    choice = page.segmented_control(key=KEY)
    assert choice.options == list(SHIPPED)
    assert set(SHIPPED) == {path.stem for path in MODELS.glob("*.safetensors")}
    assert list(SHIPPED) == [name for name in zoo.PRESETS if name in SHIPPED]
    assert choice.value == DEFAULT


def test_a_visitors_network_is_chosen_and_offered_on_until_another_comes(open_page):
    page = with_own(open_page("draw"), content())
    assert not page.exception
    assert not page.error
    first = page.segmented_control(key=KEY).value
    assert first.startswith("upload-")
    assert "7,850 parameters" in said(page)
    page.switch_page("pages/pooling.py").run()
    page.switch_page("pages/draw.py").run()
    assert first in page.segmented_control(key=KEY).options
    page = with_own(page, (MODELS / "fast.safetensors").read_bytes())
    second = page.segmented_control(key=KEY).value
    assert second not in ("fast", first)
    assert page.segmented_control(key=KEY).options == [
        *SHIPPED,
        second,
    ]


def test_what_a_visitors_file_claims_of_itself_is_not_repeated(open_page):
    claim = json.dumps({"test_accuracy": 1.0, "n": 10_000})
    page = with_own(open_page("draw"), content(result=claim))
    assert not page.exception
    assert "100.00%" not in said(page)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"no network", "not a model of CNN Lab"),
        (
            content(SMALL.model_copy(update={"layers": SMALL.layers[:2]})),
            "does not end with softmax",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_a_sentence_and_changes_nothing(open_page, data, sentence):
    page = with_own(open_page("draw"), data)
    assert not page.exception
    (error,) = page.error
    assert sentence in error.value
    assert page.segmented_control(key=KEY).value == DEFAULT


def test_a_run_on_other_pictures_is_refused_where_digits_are_read(
    open_page, monkeypatch, tmp_path_factory
):
    runs = tmp_path_factory.mktemp("runs")
    monkeypatch.setenv("CNN_LAB_RUNS", str(runs))
    folder = runs / "aaaaaaaaaaaaaaaa"
    folder.mkdir()
    spec = SMALL.model_copy(update={"input_shape": (32, 32, 3)})
    Network(spec, initial_weights(spec, 0)).save(folder / "weights.safetensors")
    (folder / "ended.json").write_text("{}")
    page = open_page("draw", {KEY: f"run-{folder.name}"})
    assert not page.exception
    assert "Here: 32 × 32 × 3. " in page.info[0].value
    assert page.segmented_control(key=KEY).value == DEFAULT
