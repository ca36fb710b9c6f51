from streamlit.testing.v1 import AppTest

from cnn_lab.teaching import QUESTIONS
from cnn_lab.teaching.questions.case import answer_text
from tests.app.elements import give_answer, said

NAME = "conv-output-size"


def script(name: str, seed: int, level: str) -> None:
    import streamlit as st

    from cnn_lab.app.widgets.question import ask_question
    from cnn_lab.teaching import QUESTIONS

    state = st.session_state
    state.setdefault("seed", seed)
    state.setdefault("calls", [])
    if state.get("away"):
        st.text("another page")
    else:
        case = QUESTIONS[name].make(seed=state["seed"], level=level)
        state["verdict"] = ask_question(
            case,
            key="q",
            on_answer=lambda text, verdict: state["calls"].append((text, verdict.right)),
            another=lambda: state.update(seed=state["seed"] + 1),
        )


def opened(name: str = NAME, *, seed: int = 3, level: str = "alone") -> AppTest:
    return AppTest.from_function(script, args=(name, seed, level), default_timeout=30).run()


def case_of(seed: int, level: str = "alone", name: str = NAME):
    return QUESTIONS[name].make(seed=seed, level=level)


def test_the_right_answer_is_told_once_and_the_explanation_appears():
    page = opened()
    case = case_of(3)
    assert page.session_state["verdict"] is None
    give_answer(page, "q", answer_text(case.key))
    assert page.session_state["verdict"].right
    assert [right for _, right in page.session_state["calls"]] == [True]
    (verdict,) = page.success
    assert answer_text(case.key) in verdict.proto.title
    page.run()
    assert len(page.session_state["calls"]) == 1


def test_a_misconception_gets_its_own_explanation():
    page = opened()
    case = case_of(3)
    ((name, wrong),) = list(case.misconceptions.items())[:1]
    give_answer(page, "q", answer_text(wrong))
    assert page.session_state["verdict"].misconception == name
    (verdict,) = page.warning
    assert verdict.value == case.check(wrong).explanation


def test_what_cannot_be_read_is_no_attempt_and_keeps_the_earlier_answer():
    page = opened()
    give_answer(page, "q", "four")
    assert page.session_state["verdict"] is None
    assert page.session_state["calls"] == []
    assert case_of(3).wanted in page.warning[0].value
    give_answer(page, "q", "1 1")
    give_answer(page, "q", "1e400 1")
    assert page.session_state["verdict"] is not None
    assert len(page.session_state["calls"]) == 1


def test_hints_come_one_line_at_a_time_and_never_with_the_answer():
    page = opened()
    case = case_of(3)
    for line in case.lines:
        assert line.text not in said(page)
        page.button(key="q_hint").click().run()
        assert line.text in said(page)
    assert f"{case.lines[-1].text} = **?**" in said(page)
    assert not [button for button in page.button if button.key == "q_hint"]


def test_an_example_shows_the_whole_way_and_one_gap_all_but_the_end():
    for level, gaps in (("example", 0), ("one gap", 1)):
        page = opened(level=level)
        lines = case_of(3, level).lines
        assert all(line.text in said(page) for line in lines)
        *before, last = [f"{line.text} = **{answer_text(line.value)}**" for line in lines]
        assert all(line in said(page) for line in before)
        assert (last in said(page)) == (gaps == 0)


def test_an_answer_is_there_again_after_another_page():
    page = opened()
    key = case_of(3).key
    give_answer(page, "q", answer_text(key))
    page.session_state["away"] = True
    page.run()
    page.session_state["away"] = False
    page.run()
    assert page.session_state["verdict"].right
    assert [field.value for field in page.text_input] == [str(number) for number in key]


def test_another_case_starts_without_answer_and_hints():
    page = opened()
    page.button(key="q_hint").click().run()
    give_answer(page, "q", answer_text(case_of(3).key))
    page.button(key="q_another").click().run()
    assert page.session_state["verdict"] is None
    assert " ".join(case_of(4).ask.split()) in said(page)
    assert [field.value for field in page.text_input] == ["", ""]
    assert case_of(4).lines[0].text not in said(page)
