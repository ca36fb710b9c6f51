"""The panel of a lesson above the page: its ways, its settings, and the address on every page."""

from collections.abc import Callable
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from cnn_lab.app import lesson as panel
from cnn_lab.app.frame import PAGES
from cnn_lab.teaching import assignment, hand_in, room
from cnn_lab.teaching.lesson import LESSONS, Lesson, lesson, read_lesson
from cnn_lab.teaching.questions.case import answer_text
from tests.app.elements import address, said
from tests.app.lesson_walk import arrived, press, step_of
from tests.prose import wording

NAME = "sample"
SAMPLE = read_lesson(
    NAME,
    """+++
number = 3
title = "Strides and the floor"
minutes = 12
for_whom = "Anyone who has seen a kernel slide over an image."
needs = ["convolution"]
goals = [
  "Compute the size of an output for any stride.",
  "Say which pixels are never read.",
]
wrong = ["plus-one-forgotten"]

[[steps]]
page = "convolution"
name = "one-step"
settings = { conv_kernel = "Laplacian" }
step = 1
light = ["window"]
lock = ["conv_stride", "conv_padding"]
done = "played"

[[steps]]
page = "convolution"
name = "two-steps"
settings = { conv_stride = 2 }
hide = ["code"]
done = "changed"
change = "conv_stride"

[[steps]]
page = "convolution"
name = "how-many"
settings = { conv_stride = 2 }
lock = ["conv_stride"]
question = "conv-output-size"
done = "answered"

[[steps]]
page = "padding"
name = "left-over"
settings = { pad_stride = 3 }

[[steps]]
page = "padding"
name = "once-more"
settings = { pad_stride = 2 }
question = "conv-output-size"
level = "one gap"
done = "answered"
+++

# one-step

One pixel at a time

The [window](#cells-window) starts at the top left and moves by one pixel. Play it to the end and
count the places where it stops in the first row.

# two-steps

Two pixels at a time

With stride 2 the window skips every second place. Change the stride, and watch what the output
loses.

# how-many

How many places are there?

Answer before you play.

# left-over

What is left over

Where the last step would leave the image, it is not taken: the floor in the formula. The pixels
beyond the last window are never read.

# once-more

Once more

The same idea with other numbers.
""",
)
EVERY_PAGE = [name for titles in PAGES.values() for name in titles]


@pytest.fixture(autouse=True)
def _with_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the lab know one more lesson."""

    def with_sample(name: str) -> Lesson:
        return SAMPLE if name == NAME else lesson(name)

    for module in (assignment, hand_in, panel, room):
        monkeypatch.setattr(module, "lesson", with_sample)
    for module in (assignment, hand_in, room):
        monkeypatch.setattr(module, "LESSONS", {**LESSONS, NAME: SAMPLE})
    monkeypatch.setattr(panel, "lesson_after", lambda name: None)


def start(open_page: Callable[..., AppTest], page: str = "home", **query: str) -> AppTest:
    """Open a lesson by its link."""
    return arrived(open_page(page, {"lesson": NAME, **query}))


def parameters(page: AppTest) -> dict[str, str | None]:
    return {name: address(page, name) for name in ("lesson", "at", "seed", "lock", "room")}


def buttons(page: AppTest) -> set[str]:
    return {button.key for button in page.button if button.key.startswith("lesson_")}


def test_a_link_leads_from_any_page_to_the_step_with_its_settings(
    open_page: Callable[..., AppTest],
) -> None:
    for at, step in enumerate(SAMPLE.steps, start=1):
        page = start(open_page, "paper", at=str(at))
        assert not page.exception
        assert step_of(page) == step
        for key, text in step.settings.items():
            if key not in step.lock:
                assert address(page, key) == text
        assert f"{at} of {len(SAMPLE.steps)}" in said(page)


def test_next_and_back_set_the_step_anew_each_time(open_page: Callable[..., AppTest]) -> None:
    page = start(open_page, at="2")
    stride = page.number_input(key="conv_stride")
    assert (stride.value, stride.disabled) == (2, False)
    stride.set_value(4).run()
    press(page, "lesson_back").run()
    stride = page.number_input(key="conv_stride")
    assert (stride.value, stride.disabled) == (1, True)
    assert address(page, "conv_stride") is None
    press(page, "lesson_next").run()
    assert page.number_input(key="conv_stride").value == 2
    assert address(page, "conv_stride") == "2"
    assert not page.exception


def test_what_a_learner_changes_stays_within_the_step(open_page: Callable[..., AppTest]) -> None:
    page = start(open_page, at="2")
    page.number_input(key="conv_stride").set_value(4).run()
    page.selectbox(key="conv_kernel").set_value("laplacian").run()
    assert page.number_input(key="conv_stride").value == 4


def test_an_address_with_settings_is_shown_as_it_is(open_page: Callable[..., AppTest]) -> None:
    """A reload, or Back and Forward: what was played with is not set anew."""
    page = open_page("convolution", {"lesson": NAME, "at": "2", "conv_stride": "5"})
    assert page.number_input(key="conv_stride").value == 5


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_every_link_of_every_page_keeps_the_lesson(
    name: str, open_page: Callable[..., AppTest]
) -> None:
    """Streamlit clears the address with each page change: what a link says is all that is left."""
    page = start(open_page, at="3", seed="5", room="ABCDE")
    before = parameters(page)
    go(page, name)
    found = {(link.page, link.proto.query_string) for link in page.get("page_link")}
    links = {link for link in found if "lesson=" not in link[1]}  # to another lesson
    assert parameters(page) == before
    assert links or name not in ("home", "convolution")
    for target, query in sorted(links):
        go(page, target or "home", query)
        assert not page.exception
        assert parameters(page) == before, (name, target)
        go(page, name)


def go(page: AppTest, name: str, query: str = "") -> None:
    """Follow a link, which brings no parameters but its own."""
    page.query_params.clear()
    page.query_params.update(parse_qsl(query))
    page.switch_page(f"pages/{name}.py").run()


def test_another_link_to_the_same_step_locks_and_hides_what_it_says(
    open_page: Callable[..., AppTest],
) -> None:
    page = start(open_page, at="2")
    assert page.tabs
    go(page, "convolution", f"lesson={NAME}&at=2&hide=tabs&lock=conv_kernel:Laplacian")
    page.run()
    assert not page.tabs
    assert page.selectbox(key="conv_kernel").value == "laplacian"
    assert page.selectbox(key="conv_kernel").disabled


def test_another_page_offers_the_way_back(open_page: Callable[..., AppTest]) -> None:
    page = start(open_page, at="3")
    go(page, "morph")
    assert buttons(page) == {"lesson_leave", "lesson_return"}
    press(page, "lesson_return").run()
    assert page.number_input(key="conv_stride").value == 2
    assert "lesson_next" in buttons(page)


def test_leaving_frees_the_controls_and_the_link_resumes(open_page: Callable[..., AppTest]) -> None:
    page = start(open_page, at="3")
    assert page.number_input(key="conv_stride").disabled
    page.button(key="lesson_leave").click().run()
    assert not buttons(page)
    assert not page.number_input(key="conv_stride").disabled
    assert set(parameters(page).values()) == {None}
    go(page, "pooling")
    assert set(parameters(page).values()) == {None}
    go(page, "home", f"lesson={NAME}")
    arrived(page).run()
    assert address(page, "at") == "3"
    assert page.number_input(key="conv_stride").disabled


def test_a_step_is_done_when_its_control_was_changed(open_page: Callable[..., AppTest]) -> None:
    page = start(open_page, at="2")
    assert kind(page) == "secondary"
    page.selectbox(key="conv_kernel").set_value("laplacian").run()
    assert kind(page) == "secondary"
    page.number_input(key="conv_stride").set_value(4).run()
    page.number_input(key="conv_stride").set_value(2).run()
    assert kind(page) == "primary"


def kind(page: AppTest) -> str:
    kind: str = page.button(key="lesson_next").proto.type
    return kind


def answer(page: AppTest, text: str) -> None:
    """Answer the step's question; `text` has a number for each field."""
    fields = [each for each in page.text_input if each.key.startswith(f"lesson_{NAME}")]
    for field, number in zip(fields, text.split(), strict=True):
        field.set_value(number)
    (check,) = (each for each in page.button if str(each.key).endswith("_check"))
    check.click().run()


def key_of(page: AppTest, seed: int = 1) -> str:
    step = step_of(page)
    case = step.case(seed) if step else None
    assert case is not None
    return " ".join(answer_text(case.key, case.form).replace("×", " ").split())


def test_a_step_is_done_when_its_question_was_answered_and_the_summary_counts_first_tries(
    open_page: Callable[..., AppTest],
) -> None:
    page = start(open_page, at="3")
    answer(page, "1 x")
    assert kind(page) == "secondary"  # no attempt
    answer(page, "77 77")
    assert kind(page) == "primary"
    answer(page, first := key_of(page))
    press(page, "lesson_next").run()
    press(page, "lesson_next").run()
    answer(page, second := key_of(page))
    page.button(key="lesson_next").click().run()
    assert not page.exception
    (code,) = page.code
    handed_in = hand_in.decode(code.value)
    assert handed_in.answers == {3: ("77 77", first), 5: (second,)}
    counts = {"answered": 2, "questions": 2, "right": 1}
    assert wording("lesson", "results", **counts).search(said(page))


def test_answers_are_counted_in_the_class_room_of_the_link(
    open_page: Callable[..., AppTest],
) -> None:
    code = room.rooms().open()
    page = start(open_page, at="3", seed="5", room=code)
    for text in ("77 77", "8 x", "78 78"):  # an answer, none, and a second thought
        answer(page, text)
    ((asked, counts),) = room.class_counts(code).items()
    assert (asked.place, asked.seed, dict(counts)) == (3, 5, {"78 × 78": 1})
    assert not page.caption


def test_a_class_room_that_has_closed_is_said_and_the_answer_is_checked(
    open_page: Callable[..., AppTest],
) -> None:
    page = start(open_page, at="3", room="QQQQQ")
    answer(page, key_of(page))
    assert page.success
    assert any("QQQQQ" in caption.value for caption in page.caption)


def test_questions_without_a_lesson_are_asked_on_the_page_of_the_link(
    open_page: Callable[..., AppTest],
) -> None:
    query = {"ask": "conv-output-size", "lock": "pool_size:3", "seed": "3"}
    page = open_page("pooling", query)
    assert not page.warning
    assert page.number_input(key="pool_size").disabled
    assert page.query_params == query
    page.button(key="lesson_next").click().run()
    counts = {"answered": 0, "questions": 1, "right": 0}
    assert wording("lesson", "results", **counts).search(said(page))


def test_without_a_lesson_a_page_has_nothing_of_it(open_page: Callable[..., AppTest]) -> None:
    page = open_page("pooling")
    assert not {"guidance", "lesson_under_way", "lesson_problems"} & {*page.session_state}
    assert not buttons(page)


def test_the_list_of_lessons_has_a_link_to_each_and_says_how_far_one_has_come(
    open_page: Callable[..., AppTest],
) -> None:
    page = open_page("lessons")
    links = [link.proto.query_string for link in page.get("page_link")]
    assert links == [f"lesson={name}" for name in LESSONS]
    go(page, lesson("strides").steps[0].page, "lesson=strides")
    press(page, "lesson_next").run()
    go(page, "lessons")
    where = wording("lessons", "resume", at=2, steps=len(lesson("strides").steps))
    assert where.search(said(page))
    go(page, lesson("strides").steps[0].page, "lesson=strides")
    assert address(page, "at") == "2"
