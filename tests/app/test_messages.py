"""What a page says when something cannot be: whole sentences, in the words of its readers."""

import ast
import json
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnn_lab.app.messages import explained
from cnn_lab.network import zoo
from cnn_lab.network.spec import Draft, Flatten, Softmax
from cnn_lab.network.spec.token import to_token
from cnn_lab.runs.job import RunSpec, TrainingFailedError
from tests.app.elements import errors, said

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [*(ROOT / "pages").glob("*.py"), *(ROOT / "cnn_lab/app").rglob("*.py"), ROOT / "app.py"]
EXPLAINING = {"explained", "does_not_fit", "isinstance", "no_images", "_show_no_answer"}


def visible(page: AppTest) -> str:
    """Return the text of a page, that of its own HTML and of its titles included."""
    assert not page.exception
    html = " ".join(one.proto.body for one in page.get("html"))
    html = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
    titles = " ".join(alert.proto.title for kind in (page.warning, page.error) for alert in kind)
    return f"{said(page)} {titles} {html}"


def assert_in_plain_words(page: AppTest) -> None:
    text = visible(page)
    assert "Received" not in text
    assert "=(" not in text
    for alert in (*page.error, *page.warning):
        assert alert.value.endswith("."), alert.value
        assert ".." not in alert.value, alert.value


DOES_NOT_FIT = [
    ("convolution", {"conv_rows": "2", "conv_kernel_rows": "5"}),
    (
        "convolution",
        {"conv_padding": "own", "conv_left": "9", "conv_pad_mode": "the image mirrored"},
    ),
    ("convolution", {"conv_padding": "own", "conv_top": "9", "conv_pad_mode": "its far side"}),
    ("convolution", {"conv_dilation": "3", "conv_kernel_columns": "7"}),
    ("padding", {"pad_rows": "2", "pad_kernel_size": "5"}),
    (
        "padding",
        {
            "pad_compare": "transposed",
            "pad_rows": "1",
            "pad_transposed_padding": "own",
            "pad_transposed_top": "9",
        },
    ),
    ("pooling", {"pool_rows": "2", "pool_size": "4"}),
    ("pooling", {"pool_padding": "own", "pool_top": "4", "pool_size": "3"}),
    ("backpropagation", {"back_rows": "2", "back_kernel_rows": "5"}),
    ("network", {"network_token": to_token(Draft(layers=(Softmax(name="softmax"),)))}),
    ("network", {"network_token": "nonsense"}),
    ("network", {"network_preset": "[x](//y)"}),
    ("training", {"training_preset": "own", "training_network": "nonsense"}),
    ("training", {"training_fast_learning_rate": "11"}),
    ("training", {"run": "../../../etc/passwd"}),
    ("training", {"sweep": "<b>unknown</b>"}),
    ("training", {"compare": "[x](//y)"}),
    ("features", {"features_model": "run-0123456789abcdef"}),
]


@pytest.mark.parametrize(
    ("name", "query"), DOES_NOT_FIT, ids=[f"{n}-{list(q)[-1]}" for n, q in DOES_NOT_FIT]
)
def test_settings_that_do_not_fit_are_explained_in_plain_words(open_page, name, query):
    """U11: no page shows the arguments that a function received."""
    assert_in_plain_words(open_page(name, query))


def test_every_page_at_its_first_visit_is_free_of_programmers_words(open_page):
    """U11: nothing in the prose either."""
    for page in sorted((ROOT / "pages").glob("*.py")):
        assert_in_plain_words(open_page(page.stem))


def test_a_network_edited_until_it_does_not_fit_is_explained(open_page):
    """U11: the editor's refusals, and what the table says of the layer."""
    layers = (Flatten(name="first"), *zoo.preset("fast").network.layers)
    page = open_page("network", {"network_token": to_token(Draft(layers=layers))})
    assert len(errors(page)) == 1
    assert_in_plain_words(page)


def test_a_failed_run_says_why_in_plain_words(open_page, queue, cluster):
    """U11: the error of a worker reaches the page as a sentence too."""
    preset = zoo.preset("fast")
    run_id = queue.submit(RunSpec(network=preset.network, training=preset.training), "")
    cluster.task(run_id).end(
        TrainingFailedError("The batch must fit. Received: batch_size=(1, 2), units=3")
    )
    queue.wait(run_id, lambda status: not status.active, 60)
    page = open_page("training", {"run": run_id})
    assert "The batch must fit." in said(page)
    assert_in_plain_words(page)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("A picture may have at most 9 MB. Received: 12.5 MB", "A picture .* Here: 12.5 MB."),
        ("`rate` must be positive. Received: rate=-1", "rate must be positive. Here: -1."),
        ("It must fit. Received: size=(2, 3)", "It must fit."),
        ("It must fit. Received: name='a'", "It must fit."),
        ("It must fit. Received: n=1, m=2", "It must fit."),
        ("Please try again in a moment.", "Please try again in a moment."),
    ],
)
def test_a_value_is_kept_only_where_it_reads_as_words(message, words):
    """U11: what is received is written out for people, or left out."""
    text = re.sub(r"\\(.)", r"\1", explained(ValueError(message)))
    assert re.fullmatch(words, text)


def test_nothing_from_outside_is_markdown():
    """U11: an error that quotes an address or a file cannot put links on a page."""
    for problem in ("There is no [x](//y).", ValueError("There is no [x](//y).")):
        assert explained(problem) == r"There is no \[x\](//y)."


def _misused(tree: ast.AST) -> list[int]:
    """Return the lines that use a caught error other than to explain it or to raise from it."""
    lines = []
    for handler in ast.walk(tree):
        if not isinstance(handler, ast.ExceptHandler) or handler.name is None:
            continue
        allowed: set[ast.AST] = set()
        for node in ast.walk(handler):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in EXPLAINING:
                allowed.update(node.args)
            if isinstance(node, ast.Raise):
                allowed.update(ast.walk(node))
        lines += [
            node.lineno
            for node in ast.walk(handler)
            if isinstance(node, ast.Name) and node.id == handler.name and node not in allowed
        ]
    return lines


def test_no_page_shows_an_error_except_through_the_one_function():
    """U11: whatever is caught by name is explained, or raised on."""
    misused = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in SOURCES
        for line in _misused(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert not misused
    assert _misused(ast.parse("try: f()\nexcept ValueError as error: st.error(str(error))")) == [2]


@pytest.mark.parametrize(
    "recipe",
    [
        {"network": {"name": "a", "layers": []}, "training": {"epochs": 1000}},
        {"network": {"name": "a", "layers": [{"type": "Dense", "name": "d", "units": 0}]}},
        {"network": json.loads(zoo.preset("fast").network.model_dump_json()), "code": "x"},
    ],
)
def test_a_settings_file_that_cannot_be_is_explained(open_page, recipe):
    """U11: pydantic's words do not reach the page."""
    page = open_page("training", state={"training_fold": True, "training_file_menu": True})
    data = json.dumps(recipe).encode()
    page.file_uploader(key="training_file").upload("a.json", data, "application/json").run()
    (problem,) = errors(page)
    assert "nput" not in problem
    assert_in_plain_words(page)
