import numpy as np
import plotly.graph_objects as go
import pytest

from cnn_lab.charts.confusion import cell_words, confusion_figure, most_confused

NAMES = ("boot", "bag", "coat")
CONFUSION = np.array([[990, 1, 0], [4, 80, 0], [0, 7, 900]])


def test_plotly_takes_the_figure_as_it_is() -> None:
    figure = go.Figure(confusion_figure(CONFUSION, NAMES))
    heat, marks = figure.data
    assert heat.type == "heatmap"
    assert marks.type == "scatter"
    assert figure.layout.yaxis.autorange == "reversed"
    assert list(figure.layout.xaxis.ticktext) == list(NAMES)


def test_every_count_stands_in_its_cell() -> None:
    heat = confusion_figure(CONFUSION, NAMES)["data"][0]
    assert heat["text"] == [["990", "1", ""], ["4", "80", ""], ["", "7", "900"]]


def test_one_error_is_seen_beside_a_thousand_right_answers() -> None:
    shades = np.array(confusion_figure(CONFUSION, NAMES)["data"][0]["z"])
    assert shades[0, 2] == 0
    assert shades[0, 1] / shades.max() == pytest.approx(0.1, abs=0.01)
    assert (np.argsort(shades, axis=None) == np.argsort(CONFUSION, axis=None)).all()


def test_each_cell_has_a_mark_that_says_which_one_it_is() -> None:
    marks = confusion_figure(CONFUSION, NAMES)["data"][1]
    assert len(marks["customdata"]) == CONFUSION.size
    for x, y, (truth, read), words in zip(
        marks["x"], marks["y"], marks["customdata"], marks["text"], strict=True
    ):
        assert (x, y) == (read, truth)
        assert words == cell_words(int(CONFUSION[truth, read]), NAMES[truth], NAMES[read])


def test_the_most_frequent_errors_come_first_and_right_answers_never() -> None:
    assert most_confused(CONFUSION, most=9) == [(2, 1, 7), (1, 0, 4), (0, 1, 1)]
    assert most_confused(CONFUSION, most=1) == [(2, 1, 7)]
    assert most_confused(np.diag([5, 5, 5]), most=4) == []
    assert CONFUSION[0, 0] == 990
