"""Teach: links that open what they promise, and what else is made of a task."""

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import segno
from streamlit.testing.v1 import AppTest

from cnn_lab.app.frame import PAGES
from cnn_lab.app.teach.controls import given_pages, hideable, lockable
from cnn_lab.app.teach.given import (
    MAX_ADDRESS,
    MAX_CODED,
    embedded,
    give,
    page_title,
    qr_code,
    read_address,
)
from cnn_lab.app.teach.links import MAX_TEACHERS_SEED
from cnn_lab.content.words import literally
from cnn_lab.teaching.assignment import MAX_ASKED, MAX_VALUE, Assignment
from cnn_lab.teaching.lesson import LESSONS
from cnn_lab.teaching.questions import QUESTIONS
from cnn_lab.teaching.questions.case import misconception_title
from tests.addresses import MARKDOWN
from tests.app.elements import said
from tests.prose import wording

HOST = "https://cnn-lab.some-school.example.org"
OpenPage = Callable[..., AppTest]


def query_of(link: str) -> dict[str, Any]:
    return parse_qs(urlsplit(link).query, keep_blank_values=True)


def opened(open_page: OpenPage, link: str) -> AppTest:
    return open_page(urlsplit(link).path.strip("/") or "home", query_of(link))


def link_on(page: AppTest) -> str:
    assert not page.exception
    return page.code[0].value


@pytest.mark.parametrize("name", LESSONS)
def test_a_lessons_link_is_short_even_with_seed_room_and_a_lock(name: str) -> None:
    asked = Assignment(lesson=name, seed=MAX_TEACHERS_SEED, lock={"pad_stride": None}, room="BCDFG")
    link = give(asked).address(HOST)
    assert len(link) <= 150
    again, problems = Assignment.from_query({key: text for key, (text,) in query_of(link).items()})
    assert not problems
    assert again == give(asked).assignment
    assert again.is_sealed
    assert give(Assignment(lesson=name)).address(HOST) == f"{HOST}/?lesson={name}"


def test_a_pages_link_opens_with_settings_locks_and_questions(open_page: OpenPage) -> None:
    page = open_page(
        "teach",
        {
            "teach_what": "A page",
            "teach_address": f"{HOST}/base/padding?pad_stride=2&pad_padding=valid&pad_tab=Cost",
            "teach_seed": "7",
        },
    )
    question = QUESTIONS["conv-output-size"]
    page.multiselect(key="teach_ask").set_value([f"{question.topic}: {question.title}"])
    page.multiselect(key="teach_lock_padding").set_value(["Stride", "What to compare"])
    page.multiselect(key="teach_hide_padding").set_value(["Padding values", "Tab: Code"]).run()
    link = link_on(page)
    assert question.title in said(page)
    (to_stage,) = page.get("page_link")
    settings = {"pad_stride": ["2"], "pad_padding": ["valid"], "pad_tab": ["Cost"]}
    assert parse_qs(to_stage.proto.query_string) == {"only": ["1"], **settings}
    shown = opened(open_page, link)
    assert not shown.exception
    assert not shown.warning
    stride = shown.number_input(key="pad_stride")
    assert (stride.value, stride.disabled) == (2, True)
    assert shown.button_group(key="pad_compare").disabled
    padding = shown.button_group(key="pad_padding")
    assert (padding.value, padding.disabled) == ("valid", False)
    assert "pad_pad_mode" not in [each.key for each in shown.selectbox]
    assert [tab.label for tab in shown.tabs] == ["Explained", "Try this", "Cost"]
    assert shown.session_state["lesson_under_way"].assignment.seed == 7
    assert " ".join(question.make(seed=7).ask.split()) in said(shown)


def test_a_lessons_link_opens_its_first_step_with_locks(open_page: OpenPage) -> None:
    page = open_page(
        "teach", {"teach_lesson": f"{LESSONS['strides'].number} Strides and the floor"}
    )
    lock = page.multiselect(key="teach_lock_strides")
    lock.set_value([label for label in lock.options if label.endswith(": Stride")]).run()
    shown = opened(open_page, link_on(page))
    assert shown.title[0].value.endswith("Padding and strides")
    assert (shown.number_input(key="pad_stride").value, shown.number_input[0].disabled) == (1, True)
    assert not shown.warning


def test_a_lock_of_a_control_that_only_later_steps_show_is_no_mistake(open_page: OpenPage) -> None:
    lock = {"pool_crop": None, "pool_nothing": None}
    shown = opened(open_page, give(Assignment(lesson="max-or-average", lock=lock)).address(HOST))
    assert "pool_crop" not in [each.key for each in shown.selectbox]
    (warning,) = shown.warning
    assert "pool_nothing" in warning.value
    assert "pool_crop" not in warning.value


def test_the_code_and_the_frame_are_those_of_the_link(open_page: OpenPage) -> None:
    page = open_page("teach", {"teach_embed": "true", "teach_room": "bcdfg", "teach_seed": "3"})
    link, frame = (each.value for each in page.code)
    assert query_of(link)["room"] == ["BCDFG"]
    picture = re.search(r'src="([^"]+)" alt="QR', "".join(e.proto.body for e in page.get("html")))
    assert picture
    assert picture[1] == segno.make_qr(link, error="m").svg_data_uri(light="#fff", scale=10)
    source = unescape(re.findall(r'src="([^"]+)"', frame)[0])
    assert source == f"{link}&embed=true"
    assert embedded(f"{HOST}/draw").count(f"{HOST}/draw?embed=true") == 1
    assert qr_code("x" * MAX_CODED) is not None
    assert qr_code("x" * (MAX_CODED + 1)) is None


@pytest.mark.parametrize(
    ("text", "section"),
    [
        ("http://[", "no_address"),
        ("x", "no_page"),
        (f"{HOST}/glossary?term=stride", "no_page"),
        (f"{HOST}/padding?" + "&".join(f"a{n}=1" for n in range(200)), "no_address"),
        (f"{HOST}/padding?pad_stride=2#" + "x" * MAX_ADDRESS, "too_long"),
        (f"{HOST}/{MARKDOWN}?a=b", "no_page"),
        ("padding?pad_stride=2&Nasty%5Bx%5D=1&pad_rows=%00", "left_out"),
        ("padding?lesson=strides&pad_stride=2", "is_lesson"),
    ],
)
def test_a_bad_address_gets_a_sentence(open_page: OpenPage, text: str, section: str) -> None:
    page = open_page("teach", {"teach_what": "A page"})
    page.text_input(key="teach_address").set_value(text).run()
    (warning,) = page.warning
    assert wording("teach", section).search(warning.value)
    assert "](" not in warning.value.replace(r"\]", "")
    link = link_on(page)
    kept = section in ("left_out", "is_lesson")
    assert query_of(link) == ({"pad_stride": ["2"]} if kept else {})
    assert not opened(open_page, link).exception


def test_what_no_link_can_have_is_told_and_left_out(open_page: OpenPage) -> None:
    page = open_page("teach", {"teach_room": MARKDOWN})
    assert "](http" not in page.warning[0].value
    assert "room" not in query_of(link_on(page))
    lock = Assignment(lock={"pad_rows": None})
    given = give(lock, "padding", {"pad_rows": ("1" * (MAX_VALUE + 1),)})
    assert len(given.problems) == 1
    assert given.assignment is None
    asked = [f"{question.topic}: {question.title}" for question in QUESTIONS.values()]
    page = open_page("teach", {"teach_what": "A page", "teach_ask": asked[: MAX_ASKED + 2]})
    assert wording("teach", "at_most_asked").search(page.warning[0].value)
    assert len(query_of(link_on(page))["ask"][0].split(",")) == MAX_ASKED


def test_several_values_and_signs_survive_in_a_link() -> None:
    settings = {"dream_parts": ("a,b", "c & d"), "conv_values": ("1 2; 3 %2C",)}
    given = give(Assignment(), "convolution", settings)
    assert query_of(given.address(HOST)) == {key: [*texts] for key, texts in settings.items()}
    assert read_address(given.address(HOST)).settings == settings
    locked = give(Assignment(lock=dict.fromkeys(settings)), "convolution", settings)
    query = {key: text for key, (text,) in query_of(locked.address(HOST)).items()}
    again, problems = Assignment.from_query(query)
    assert not problems
    assert again.lock == {"dream_parts": "a,b|c & d", "conv_values": "1 2; 3 %2C"}


@pytest.mark.parametrize("name", LESSONS)
def test_the_notes_name_everything_a_teacher_needs(open_page: OpenPage, name: str) -> None:
    made = LESSONS[name]
    page = open_page("teach", {"teach_lesson": f"{made.number} {made.title}"})
    assert not page.exception
    text = said(page)
    titles = [made.step_title(number) for number in range(1, len(made.steps) + 1)]
    asked = [QUESTIONS[step.question].title for step in made.steps if step.question]
    wrong = [misconception_title(each) for each in made.wrong]
    needs = [LESSONS[each].title for each in made.needs]
    for part in (str(made.minutes), *titles, *asked, *wrong, *needs, *made.goals):
        assert part in text
    assert page.number_input(key="teach_sheets").max == 200


def test_every_control_has_a_name_of_its_own() -> None:
    titles = {name for section in PAGES.values() for name in section}
    assert {"convolution", "features", "training"} <= {*given_pages()} <= titles
    for page in given_pages():
        assert page_title(page) == literally(page_title(page))
        offered = json.dumps(hideable(page))
        assert len(lockable(page)) == len({*lockable(page).values()})
        assert all(json.dumps(label) in offered for label in lockable(page))
