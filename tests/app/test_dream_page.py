import numpy as np
import pytest

from cnn_lab.app.dream.picture import DREAM
from cnn_lab.content.words import significant
from cnn_lab.data.mnist import load_mnist
from cnn_lab.explain.dream import N_STEPS, dream_layers
from cnn_lab.network import Network
from tests.app.elements import levels, player_of_frames, said
from tests.prose import wording


def go_on(page, n_steps=N_STEPS):
    """Compute further steps, as a message of the browser does, and show them."""
    page.session_state[DREAM][1].advance(n_steps)
    return player_of_frames(page.run())


def test_a_class_appears_step_by_step(open_page):
    page = open_page("dream", {"dream_model": "fast", "dream_class": "0"})
    shown = player_of_frames(page)
    assert (len(shown["words"]), shown["more"], shown["wanted"]) == (1, True, 0)
    shown = go_on(page, 4)
    assert (len(shown["words"]), shown["more"]) == (5, True)
    shown = go_on(page)
    assert (len(shown["words"]), shown["more"]) == (N_STEPS + 1, False)
    frames = page.session_state[DREAM][1].frames
    before, after = (significant(frame.response, 3) for frame in (frames[0], frames[-1]))
    assert wording("dream", "done", before=before, after=after).search(shown["verdict"])
    assert wording("dream", "answer", digit=0).search(shown["verdict"])
    assert wording("dream", "step", response=after).search(shown["words"][-1])
    assert shown["curve"]["heights"][-1] > 0.9
    assert len(shown["pictures"]) == 1
    expected = np.round(255 * frames[-1].image[..., 0])
    assert (levels(shown["pictures"][0])[-1] == expected).all()


def test_a_layer_with_maps_shows_the_map_and_one_without_does_not(open_page):
    page = open_page("dream", {"dream_layer": "conv2", "dream_map": "6"})
    shown = player_of_frames(page)
    assert shown["wanted"] is None
    _, of_map = shown["pictures"]
    assert (of_map["rows"], of_map["columns"]) == (12, 12)
    assert page.number_input(key="dream_map").label == "Map (0 to 127)"
    page.selectbox(key="dream_layer").set_value("dense1").run()
    assert not page.exception
    assert len(player_of_frames(page)["pictures"]) == 1
    assert page.number_input(key="dream_map").label == "Unit (0 to 127)"


def test_every_layer_can_be_dreamed_of(open_page):
    model = "fast"
    page = open_page("dream", {"dream_model": model, "dream_layer": "conv1", "dream_map": "15"})
    for layer in list(dream_layers(Network.load(model).spec))[:-1]:
        page.selectbox(key="dream_layer").set_value(layer).run()
        assert not page.exception, layer
        assert len(go_on(page, 1)["words"]) == 2


def test_it_begins_with_a_digit_or_says_where_to_draw_one(open_page):
    page = open_page("dream", {"dream_start": "digit", "dream_digit": "3"})
    first = levels(player_of_frames(page)["pictures"][0])[0]
    assert (first == load_mnist().test.pixels[3]).all()
    page.segmented_control(key="dream_start").set_value("drawing").run()
    assert player_of_frames(page) is None
    assert wording("features", "no_drawing").search(said(page))


def test_another_seed_begins_another_dream(open_page):
    page = open_page("dream", {"dream_model": "fast"})
    first = go_on(page, 1)
    page.number_input(key="dream_seed").set_value(1).run()
    second = player_of_frames(page)
    assert second["run"] != first["run"]
    assert len(second["words"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"dream_layer": "none", "dream_class": "11", "dream_seed": "nan"},
        {"dream_layer": "softmax", "dream_map": "1e400"},
        {"dream_layer": "dropout1", "dream_start": "none"},
        {"dream_layer": "conv3", "dream_map": "256", "dream_model": "fast"},
    ],
)
def test_an_address_however_wrong_shows_the_player(open_page, query):
    page = open_page("dream", query)
    assert not page.exception
    assert player_of_frames(page)["more"]


def test_a_layer_that_another_network_lacks_gives_way_to_the_class(open_page):
    page = open_page("dream", {"dream_layer": "pool2"})
    page.segmented_control(key="dream_model").set_value("fast").run()
    assert not page.exception
    assert player_of_frames(page)["wanted"] == 3
