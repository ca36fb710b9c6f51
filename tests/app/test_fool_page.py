import numpy as np
import pytest

from cnn_lab.app.fool.search import SEARCH
from cnn_lab.app.widgets.canvas import Drawing
from cnn_lab.app.widgets.frames import Show, asks_for_more, work_on
from cnn_lab.data.mnist import load_mnist
from cnn_lab.digits.strokes import picture_of
from tests.app.elements import errors, levels, player_of_frames, said
from tests.prose import wording

MANY = 1000  # more than any search takes


def go_on(page, n_steps=MANY):
    """Compute further steps, as a message of the browser does, and show them."""
    page.session_state[SEARCH][1].advance(n_steps)
    return player_of_frames(page.run())


def test_it_opens_with_a_seven_that_is_to_be_read_as_a_three(open_page):
    page = open_page("fool")
    assert not page.exception
    assert not errors(page)
    shown = player_of_frames(page)
    assert shown["more"]
    assert shown["wanted"] == 3
    assert np.argmax(shown["shares"][0]) == 7
    before, change, after = shown["pictures"]
    pixels = load_mnist().test.pixels[0]
    assert (levels(before)[0] == pixels).all()
    assert (levels(after)[0] == pixels).all()
    assert np.isin(levels(change)[0], [127, 128]).all()


def test_steps_are_added_until_it_is_fooled(open_page):
    page = open_page("fool", {"fool_model": "fast"})
    shown = go_on(page, 3)
    assert (len(shown["words"]), shown["more"]) == (4, True)
    shown = go_on(page)
    assert not shown["more"]
    assert wording("fool", "found", target=3, before=7).search(shown["verdict"])
    assert np.argmax(shown["shares"][-1]) == 3
    assert shown["total"] == len(shown["words"]) == len(shown["shares"])
    last = page.session_state[SEARCH][1].moments[-1]
    said_last = wording("fool", "step", length=f"{last.length:.2f}", largest=f"{last.largest:.0%}")
    assert said_last.search(shown["words"][-1])
    change = levels(shown["pictures"][1])
    assert len(change) == len(shown["words"])
    assert change[-1].max() == 255 or change[-1].min() == 0


def test_a_class_that_is_answered_already_is_said_to_be(open_page):
    shown = player_of_frames(open_page("fool", {"fool_target": "7"}))
    assert not shown["more"]
    assert wording("fool", "already", target=7).search(shown["verdict"])


def test_within_too_small_a_limit_it_is_not_fooled(open_page):
    page = open_page("fool", {"fool_model": "fast", "fool_limit": "0.5"})
    failed = wording("fool", "not_found", target=3, answer=7, limit="0.5")
    assert failed.search(go_on(page)["verdict"])


def test_another_question_begins_another_search(open_page):
    page = open_page("fool", {"fool_model": "fast"})
    first = go_on(page, 2)
    page.segmented_control(key="fool_target").set_value(2).run()
    second = player_of_frames(page)
    assert second["run"] != first["run"]
    assert len(second["words"]) == 1


@pytest.mark.parametrize("drawn", [(), (picture_of(np.zeros((280, 280), np.uint8), note=""),)])
def test_without_a_drawing_it_says_where_to_draw(open_page, drawn):
    page = open_page("fool", {"fool_input": "drawing"}, {"draw_drawing": Drawing(drawn)})
    assert not page.exception
    assert player_of_frames(page) is None
    assert wording("features", "no_drawing").search(said(page))


@pytest.mark.parametrize(
    "query",
    [
        {"fool_target": "10", "fool_limit": "nan"},
        {"fool_target": "x", "fool_digit": "-1"},
        {"fool_model": "none", "fool_input": "none", "fool_limit": "1e400"},
    ],
)
def test_an_address_however_wrong_shows_the_player(open_page, query):
    page = open_page("fool", query)
    assert not page.exception
    assert player_of_frames(page)["wanted"] == 3


@pytest.mark.parametrize(
    "sent", [None, "x", {}, {"run": "other", "have": 1}, {"run": "it"}, {"have": 1}, [1, 2]]
)
def test_only_who_has_all_frames_may_ask_for_more(sent):
    show = Show("it", "", "", [], ["first"], np.ones((1, 10)), "", total=9, more=True)
    assert not asks_for_more(sent, show)
    assert asks_for_more({"run": "it", "have": 1}, show)


def test_a_rerun_does_a_bounded_part_of_the_work():
    done = []
    work_on(done.append)
    assert set(done) == {1}
