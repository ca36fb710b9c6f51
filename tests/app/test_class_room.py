from collections import Counter

import pytest
from streamlit.testing.v1 import AppTest

from cnn_lab.app.teach.class_room import answer_bars
from cnn_lab.app.teach.hand_ins import usual_mistakes
from cnn_lab.teaching import QUESTIONS
from cnn_lab.teaching.assignment import Assignment
from cnn_lab.teaching.hand_in import HandIn, encode
from cnn_lab.teaching.questions.case import answer_text, misconception_title
from cnn_lab.teaching.room import count_answer, rooms

LINK = Assignment(ask=("conv-cell", "max-pool-cell"), seed=11)


def case():
    return QUESTIONS["conv-cell"].make(seed=11)


def class_room():
    from cnn_lab.app.teach.class_room import show_class_room

    show_class_room()


def hand_ins():
    from cnn_lab.app.teach.hand_ins import show_hand_ins

    show_hand_ins()


def opened(script) -> AppTest:
    return AppTest.from_function(script, default_timeout=60).run()


def html(page: AppTest) -> str:
    return "".join(each.proto.body for each in page.get("html"))


@pytest.fixture
def answered() -> str:
    """The code of a room in which five browsers answered, two of them with one misconception."""
    code = rooms().open()
    link = Assignment(ask=LINK.ask, seed=LINK.seed, room=code)
    (wrong, *_) = case().misconceptions.values()
    for browser, answer in enumerate((case().key, case().key, case().key, wrong, wrong)):
        count_answer(link, 1, answer_text(answer, "number"), f"browser {browser}")
    return code


def test_a_button_opens_a_room_that_waits_for_answers():
    page = opened(class_room)
    page.button[0].click().run()
    assert not page.exception
    code = page.text_input[0].value
    assert rooms().is_open(code)
    assert code in page.subheader[0].value


def test_the_bars_count_the_answers_and_name_no_one_s_mistake_before_they_are_revealed(answered):
    page = opened(class_room)
    page.text_input[0].set_value(answered.lower()).run()
    assert not page.exception
    (name, _), *_ = case().misconceptions.items()
    assert "3 of 5" in html(page)
    assert "2 of 5" in html(page)
    assert misconception_title(name) not in html(page)
    assert "✓" not in html(page)
    page.toggle[0].set_value(True).run()
    assert misconception_title(name) in html(page)
    assert html(page).count("✓") == 1


def test_answers_that_are_no_numbers_are_shown_as_they_are():
    bars = list(answer_bars(case(), Counter({"<b>4</b>": 2, answer_text(case().key): 3})))
    assert [(bar.answer, bar.n, bar.is_right) for bar in bars] == [
        (answer_text(case().key), 3, True),
        ("<b>4</b>", 2, False),
    ]


@pytest.mark.parametrize("code", ["ZZZZZ", "*bold*", "x" * 200])
def test_a_room_that_is_not_open_is_told(code):
    page = opened(class_room)
    page.text_input[0].set_value(code).run()
    assert not page.exception
    assert len(page.warning) == 1


def test_pasted_hand_ins_become_a_table_and_a_bad_one_is_told():
    (name, wrong), *_ = case().misconceptions.items()
    texts = [
        encode(HandIn(None, 11, who, {1: (answer_text(answer),)}, LINK))
        for who, answer in (("Ada <b>", case().key), ("=1+1", wrong), ("Cid", wrong))
    ]
    page = opened(hand_ins)
    page.text_area[0].set_value("\n".join([*texts, texts[0][:30]])).run()
    assert not page.exception
    assert "3 hand-ins of 4" in page.markdown[1].value
    assert f"{misconception_title(name)} (2)" in page.markdown[2].value
    assert "Ada &lt;b&gt;" in html(page)
    assert "1 of 2" in html(page)


def test_no_mistakes_are_no_sentence():
    assert usual_mistakes([]) == ""
