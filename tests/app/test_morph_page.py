import numpy as np
import pytest

from cnn_lab.app.morph.passage import N_IMAGES, PASSAGE
from cnn_lab.data.mnist import load_mnist
from tests.app.elements import levels, player_of_frames, said
from tests.prose import wording


def whole(page):
    """Compute all of the way, as messages of the browser do, and show it."""
    page.session_state[PASSAGE][1].advance(N_IMAGES)
    return player_of_frames(page.run())


@pytest.mark.parametrize("way", ["ink moves", "cross-fade"])
def test_a_two_becomes_an_eight(open_page, way):
    page = open_page("morph", {"morph_way": way})
    assert not page.exception
    shown = player_of_frames(page)
    assert (len(shown["words"]), shown["more"], shown["total"]) == (1, True, N_IMAGES)
    shown = whole(page)
    assert (len(shown["words"]), shown["more"]) == (N_IMAGES, False)
    begin, between, end = map(levels, shown["pictures"])
    pixels = load_mnist().test.pixels
    for made, number in ((begin[0], 1), (between[0], 1), (between[-1], 61), (end[0], 61)):
        assert (made == pixels[number]).all()
    read = np.argmax(shown["shares"], axis=1)
    assert (read[0], read[-1]) == (2, 8)
    last = int(np.flatnonzero(np.diff(read))[-1]) + 1
    turned = wording("morph", "turn", digit=8, share=f"{last / (N_IMAGES - 1):.0%}")
    assert turned.search(shown["verdict"])
    placed = wording("morph", "place", share="100%", digit=8, sure=shown["texts"][-1][8])
    assert placed.search(shown["words"][-1])


def test_from_a_digit_to_itself_the_answer_stays(open_page):
    page = open_page("morph", {"morph_from_digit": "0", "morph_to_digit": "0"})
    assert wording("morph", "never", digit=7).search(whole(page)["verdict"])


def test_without_a_drawing_it_says_where_to_draw(open_page):
    page = open_page("morph", {"morph_to_input": "drawing"})
    assert not page.exception
    assert player_of_frames(page) is None
    assert wording("features", "no_drawing").search(said(page))


@pytest.mark.parametrize(
    "query",
    [
        {"morph_way": "none", "morph_from_digit": "10000", "morph_to_digit": "nan"},
        {"morph_from_input": "none", "morph_model": "none"},
    ],
)
def test_an_address_however_wrong_shows_the_player(open_page, query):
    page = open_page("morph", query)
    assert not page.exception
    assert player_of_frames(page)["more"]
