import numpy as np

from cnn_lab.charts.answers import answers_spec, answers_table


def test_the_curve_has_a_line_for_each_class():
    table = answers_table([0, 1], np.full((2, 10), 0.1), followed=4)
    assert len(table) == 20
    assert set(table[table.part == "followed"].digit) == {"4"}
    spec = answers_spec("pixels", 0.5, [0, 1])
    assert spec["encoding"]["x"]["scale"]["domain"] == [0, 1]
