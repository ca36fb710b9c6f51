"""The check against Keras and the code beside it, on a bare page with a real worker."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cnn_lab.app import run_queue
from cnn_lab.runs.checks import CheckStatus
from tests.app.elements import said

HARNESS = Path(__file__).with_name("check_harness.py")
PATIENCE_S = 300
AGREES = ":green-badge[:material/check: Agrees with Keras 3."
DIFFERS = ":red-badge[:material/close: Differs from Keras 3."
NO_ANSWER = ":orange-badge[:material/help: No answer from Keras]"


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """Use a real worker, the same for all tests here."""
    run_queue.run_queue.clear()
    yield
    run_queue.run_queue.clear()


@pytest.fixture
def page() -> AppTest:
    return AppTest.from_file(HARNESS, default_timeout=60).run()


def click(page: AppTest) -> str:
    """Click, and return what is said before there is an answer."""
    page.button(key="check").click().run()
    return said(page)


def answer(page: AppTest) -> CheckStatus:
    """Wait for the newest answer, and have the page show it."""
    digest = page.session_state["check_asked"][-1]
    status = run_queue.run_queue().checks.wait(digest, PATIENCE_S)
    page.run()
    return status


def test_nothing_is_claimed_before_anybody_asks(page: AppTest) -> None:
    assert said(page) == ""
    assert page.button(key="check").label == "Check against Keras"


def test_an_answer_belongs_to_the_settings_shown(page: AppTest) -> None:
    assert "Keras" in click(page)
    assert "Agrees" not in said(page)
    status = answer(page)
    assert status.answer is not None
    assert AGREES in said(page)
    assert f"] largest difference {status.answer.worst.difference:.2g}" in said(page)
    assert f"Keras {status.answer.keras} on tensorflow" in said(page)

    page.number_input(key="strides").set_value(2).run()
    assert said(page) == ""
    page.number_input(key="strides").set_value(1).run()
    assert AGREES in said(page)


def test_a_wrong_number_is_shown_with_the_right_one(page: AppTest) -> None:
    page.number_input(key="wrong_by").set_value(0.25).run()
    click(page)
    answer(page)
    assert DIFFERS in said(page)
    assert re.search(r"-0\.0357142857 here .*-0\.285714286 ", said(page))
    assert "Agrees" not in said(page)


def test_what_is_too_large_is_refused_in_words(page: AppTest) -> None:
    page.number_input(key="side").set_value(300).run()
    assert NO_ANSWER in click(page)
    assert "Here: 1,435,224." in said(page)
    assert not page.exception


def test_an_old_answer_that_was_forgotten_is_no_claim(page: AppTest) -> None:
    click(page)
    answer(page)
    assert AGREES in said(page)
    run_queue.run_queue.clear()
    page.run()
    assert said(page) == ""
    assert not page.exception


def test_code_in_three_libraries(page: AppTest) -> None:
    page.number_input(key="strides").set_value(2).run()
    keras, pytorch, numpy = (block.value for block in page.code)
    assert "keras.ops.conv(images, kernel, strides=2)" in keras
    assert "F.conv2d(images, kernel, stride=2)" in pytorch
    assert "conv2d(images, kernel, strides=2)" in numpy
    assert [tab.label for tab in page.tabs] == ["Keras", "PyTorch", "NumPy"]
