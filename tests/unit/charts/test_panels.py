"""Small matrices as HTML: what is drawn where, and legibly."""

import re

import numpy as np
import pytest

from cnn_lab.charts.panels import Panel, panels_html
from cnn_lab.data.kernels import KERNELS

SOBEL = KERNELS["sobel_columns"].values()


def relative_luminance(colour):
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


@pytest.mark.parametrize("tone", ["light", "dark"])
def test_matrices_lie_beside_each_other_and_their_numbers_can_be_read(tone):
    now = Panel("Now", np.linspace(-2, 2, 9).reshape(3, 3), 2.0, before=np.zeros((3, 3)))
    every = Panel("Every shade", np.linspace(-2, 2, 64).reshape(8, 8), 2.0)
    html = panels_html([now, Panel("Goal", SOBEL, 2.0, sign="="), every], tone=tone)
    assert re.findall("<figcaption>(.*?)</figcaption>", html) == ["Now", "Goal", "Every shade"]
    cells = re.findall(r'style="background:(#\w+);color:(#\w+)[^"]*">(.*?)</td>', html)
    assert [text for *_, text in cells[:3]] == ["−2.00", "−1.50", "−1.00"]
    assert [text for *_, text in cells[9:12]] == ["−1", "0", "1"]
    for paint, ink, _ in cells:
        low, high = sorted([relative_luminance(paint), relative_luminance(ink)])
        assert (high + 0.05) / (low + 0.05) >= 4.5
    assert html.count('class="moved"') == 8  # all but the one in the middle, which was 0 before


def test_a_large_matrix_is_a_picture():
    html = panels_html([Panel("Image", np.eye(14), 1.0, signed=False)], tone="light")
    assert "<table" not in html
    assert 'alt="Image"' in html


@pytest.mark.parametrize(("value", "text"), [(-0.001, "0.00"), (-385.2, "−385")])
def test_a_number_fits_its_cell(value, text):
    assert f">{text}</td>" in panels_html([Panel("", np.array([[value]]), 1.0)], tone="light")
