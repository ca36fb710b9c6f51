"""Pages, GIFs, pictures and tables: whole, true to the trace, safe from what a title may hold."""

import csv
import json
import re
import tomllib
from html.parser import HTMLParser
from io import BytesIO, StringIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnn_lab.stage.export import export_csv, export_gif, export_html, export_png, gif_steps
from cnn_lab.stage.render import THEMES, Film
from cnn_lab.trace import Trace, convolution_trace, max_pool_gradient_trace, max_pool_trace
from tests.browser.stage_cases import CASES, PATCH, SOBEL

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = '</script><img src=x onerror="alert(1)"> & <!-- \u2028'


def strided() -> Trace:
    return convolution_trace(PATCH, SOBEL, strides=2, padding="same")


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def frames(data: bytes) -> list[np.ndarray]:
    gif = opened(data)
    shown = []
    for n in range(gif.n_frames):
        gif.seek(n)
        shown.append(np.asarray(gif.convert("RGB")))
    return shown


def edge_colours(pixels: np.ndarray, film: Film, cell: int, index: int = 0) -> dict[str, tuple]:
    """The colours at the middle of a cell's four edges."""
    spot = film.spot(index, cell)
    assert spot
    x, y, side = spot.square
    half = side // 2
    places = {
        "left": (y + half, x - 1),
        "right": (y + half, x + side - 1),
        "top": (y - 1, x + half),
        "bottom": (y + side - 1, x + half),
    }
    return {name: tuple(map(int, pixels[place])) for name, place in places.items()}


def outlined(pixels: np.ndarray, film: Film, cell: int) -> set[str]:
    found = edge_colours(pixels, film, cell)
    return {name for name, colour in found.items() if colour == film.theme.now}


# Colours


@pytest.mark.parametrize("name", ["light", "dark"])
def test_colours_are_those_of_the_app(name):
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"][name]
    theme = THEMES[name]
    assert theme.name == name
    assert theme.primary == config["primaryColor"]
    assert theme.background == config["backgroundColor"]
    assert theme.text == config["textColor"]
    assert list(theme.diverging) == config["chartDivergingColors"]


# GIF


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_gif_shows_every_step_and_rests_on_the_last(theme):
    data = export_gif(strided(), theme=theme, seconds_per_step=0.5)
    gif = opened(data)
    assert (gif.format, gif.n_frames, gif.width) == ("GIF", 9, 1080)
    assert gif.info["loop"] == 0
    assert len(data) < 400_000
    durations = []
    for n in range(gif.n_frames):
        gif.seek(n)
        durations.append(gif.info["duration"])
    assert durations == [500] * 8 + [1500]
    assert tuple(frames(data)[-1][2, 2]) == THEMES[theme].paper


def test_the_window_and_the_result_are_outlined_where_the_step_says():
    trace = strided()
    steps = range(len(trace))
    film = Film([trace], steps, theme=THEMES["light"], width_px=1080)
    shown = frames(export_gif(trace))
    assert {frame.shape for frame in shown} == {(film.size[1], film.size[0], 3)}
    sides = ["top left", "top", "top right", "left", "", "right"]
    sides += ["bottom left", "bottom", "bottom right"]
    for step, pixels in zip(steps, shown, strict=True):
        for cell, expected in zip(trace.step_reads(step), sides, strict=True):
            assert outlined(pixels, film, cell) == set(expected.split())
        for other, written in enumerate(trace.writes):
            found = outlined(pixels, film, written)
            assert (found == {"left", "right", "top", "bottom"}) == (other == step)


def test_results_are_filled_as_far_as_the_steps_have_come():
    trace = strided()
    film = Film([trace], [0, 3, 8], theme=THEMES["dark"], width_px=1080)
    for step in (3, 0, 8):  # back and forth
        pixels = np.asarray(film.frame(step))
        for n, cell in enumerate(trace.writes):
            x, y, side = film.spot(0, cell).square
            corner = tuple(map(int, pixels[y + side // 6, x + side // 6]))
            assert (corner != film.theme.empty) == (n <= step)
            if n <= step:
                grid, row, column = film.traces[0].locate(cell)
                assert corner == film.theme.colour(grid.values[row, column], grid.scale)


def test_running_totals_change_a_cell_more_than_once():
    ridge = np.array([[0, 9, 0], [0, 0, 0]])
    trace = max_pool_gradient_trace(ridge, np.array([[2, -5]]), pool_size=2, strides=1)
    film = Film([trace], [0, 1], theme=THEMES["light"], width_px=720)
    cell = int(trace.targets[0])
    assert list(trace.targets) == [cell, cell]
    x, y, side = film.spot(0, cell).square
    scale = film.traces[0].grid("grad-input").scale
    for step, total in ((0, 2.0), (1, -3.0), (0, 2.0)):
        corner = np.asarray(film.frame(step))[y + side // 6, x + side // 6]
        assert tuple(map(int, corner)) == film.theme.colour(total, scale)


@pytest.mark.parametrize("case", ["pooling", "overlapping"])
def test_winners_keep_their_rings(case):
    traces = CASES[case]()
    winners = traces[0].winners
    steps = [0, 1, 2, len(winners) - 1]
    film = Film(traces, steps, theme=THEMES["light"], width_px=1080)
    assert min(traces[0].value(cell) for cell in winners) >= 4  # bright: ink stands out
    for step in (*steps, 1):
        pixels = np.asarray(film.frame(step)).astype(int)
        for cell in winners:
            x, y, side = film.spot(0, cell).square
            rim = pixels[y + side // 2, x + 3 : x + side // 5]
            colour = film.theme.now if cell == winners[step] else film.theme.ink
            ringed = (np.abs(rim - colour).sum(axis=1) < 60).any()
            assert ringed == (cell in winners[: step + 1])


def test_padding_and_unread_cells_lean_against_each_other():
    def slope(trace: Trace, row: int, column: int) -> float:
        """Positive where lines rise: brightness then runs down and right alike."""
        film = Film([trace], [0], theme=THEMES["light"], width_px=1080)
        grid = trace.grids[0]
        x, y, side = film.spot(0, row * grid.values.shape[1] + column).square
        corner = np.asarray(film.frame(0).convert("L"), float)[
            y + 2 : y + side // 3, x + 2 : x + side // 3
        ]
        down, right = np.gradient(corner)
        return float((down * right).mean())

    assert slope(convolution_trace(PATCH, SOBEL, padding="same"), 0, 6) > 8
    assert slope(convolution_trace(PATCH, SOBEL, strides=2), 5, 3) < -8
    assert slope(convolution_trace(PATCH, SOBEL), 0, 4) == 0


def test_a_long_trace_skips_evenly_and_keeps_its_end():
    trace = CASES["digit"]()[0]
    steps = gif_steps(trace)
    assert len(trace) == 676
    assert len(steps) <= 300
    assert steps[0] == 0
    assert steps[-1] == 675
    assert {b - a for a, b in pairwise(steps)} == {3}


def test_a_gif_reports_its_progress():
    told = []
    export_gif(strided(), width_px=480, on_progress=lambda done, of: told.append((done, of)))
    assert told == [(n, 9) for n in range(1, 10)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seconds_per_step": 0}, "`seconds_per_step` must be between 0.05 and 10"),
        ({"seconds_per_step": float("nan")}, "Received: seconds_per_step=nan"),
        ({"width_px": 100}, "between 480 and 2160. Received: width_px=100"),
        ({"width_px": 9000}, "`width_px` must be between 480 and 2160"),
        ({"theme": "blue"}, "`theme` must be one of"),
    ],
)
def test_a_gif_out_of_range_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        export_gif(strided(), **options)


# PNG


@pytest.mark.parametrize("width", [480, 720, 1080])
def test_a_picture_is_as_wide_as_asked(width):
    picture = opened(export_png(strided(), 4, width_px=width, theme="dark"))
    assert (picture.format, picture.width) == ("PNG", width)
    assert picture.getpixel((1, 1)) == THEMES["dark"].paper


def test_steps_count_from_the_end_too_and_not_further():
    trace = strided()
    assert export_png(trace, -1) == export_png(trace, 8) != export_png(trace, 7)
    for step in (9, -10):
        with pytest.raises(ValueError, match=f"between 0 and 8. Received: step={step}"):
            export_png(trace, step)


@pytest.mark.parametrize("export", [lambda traces: export_png(traces, 0), export_gif, export_csv])
def test_an_export_needs_a_trace(export):
    with pytest.raises(ValueError, match="at least one trace"):
        export([])


# HTML


class Reader(HTMLParser):
    """The elements of a page, their attributes, and the text in each."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.open = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.open = dict(attrs).get("id") or tag

    def handle_data(self, data):
        self.texts[self.open] = self.texts.get(self.open, "") + data


def test_a_page_fetches_nothing():
    page = export_html(CASES["pooling"](), title="Pooling")
    assert set(re.findall(r"https?://[^\"'\s<)]+", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|url\(|\bfetch\(|XMLHttpRequest|WebSocket", page)
    assert not [tag for tag, attributes in Reader(page).elements if {"src", "href"} & {*attributes}]
    policy = next(a for t, a in Reader(page).elements if "http-equiv" in a)
    assert policy["content"].startswith("default-src 'none'")


def test_a_hostile_title_stays_text():
    page = Reader(export_html(strided(), title=HOSTILE, settings=HOSTILE))
    assert "img" not in [tag for tag, _ in page.elements]
    assert page.texts["title"] == page.texts["h1"] == f"{HOSTILE}\n"
    assert HOSTILE in page.texts["footer"]
    wire = json.loads(page.texts["trace"])
    assert wire["label"] == f"{HOSTILE}, step by step"
    assert wire["traces"] == [json.loads(json.dumps(strided().to_wire()))]


def test_hostile_names_in_a_trace_stay_data():
    trace = convolution_trace(PATCH, SOBEL, channel_names=["</script><script>"])
    page = Reader(export_html(trace, title="Names"))
    assert [tag for tag, _ in page.elements].count("script") == 2
    names = [grid["part"] for grid in json.loads(page.texts["trace"])["traces"][0]["grids"]]
    assert "</script><script>" in names


def test_a_page_has_the_colours_of_its_theme():
    dark, light = (
        f"--st-background-color: {THEMES[name].background};" for name in ("dark", "light")
    )
    fixed = export_html(strided(), title="Dark", theme="dark")
    assert dark in fixed
    assert light not in fixed
    follows = export_html(strided(), title="Both")
    assert dark in follows
    assert light in follows
    assert "prefers-color-scheme: dark" in follows
    with pytest.raises(ValueError, match="Received: theme='blue'"):
        export_html(strided(), title="", theme="blue")


def test_a_page_says_what_it_was_made_with():
    footer = Reader(export_html(strided(), title="Sizes")).texts["footer"]
    assert footer.startswith("Input 6 × 6, padded to 7 × 7; Kernel 3 × 3; Output 3 × 3")


# CSV


def tables(text: str) -> list[tuple[list[str], list[list[str]]]]:
    """The tables of a file: head, and cells without row and column numbers."""
    found = []
    for block in text.split("\n\n"):
        head, _, *rows = csv.reader(StringIO(block))
        found.append((head, [row[1:] for row in rows]))
    return found


@pytest.mark.parametrize("case", ["small", "bias", "padded", "colour", "rounded", "input-scatter"])
def test_tables_read_back_to_the_very_values(case):
    (trace,) = CASES[case]()
    found = tables(export_csv(trace))
    assert len(found) == len(trace.grids)
    for (head, rows), grid in zip(found, trace.grids, strict=True):
        assert head[0] == grid.name
        values = np.array(rows, dtype=float)
        if grid.precision.exact:
            np.testing.assert_allclose(values, grid.values, rtol=0, atol=1e-12)
            assert max(len(cell.partition(".")[2]) for row in rows for cell in row) <= 6
        else:
            np.testing.assert_array_equal(values.astype(np.float32), grid.values)


def test_a_table_has_its_row_and_column_numbers():
    lines = list(csv.reader(StringIO(export_csv(CASES["padded"]()[0]))))
    assert lines[0] == ["Input", "6 × 6, padded to 8 × 8"]
    assert lines[1] == ["", *map(str, range(-1, 7))]
    assert [line[0] for line in lines[2:10]] == [*map(str, range(-1, 7))]


def test_padding_of_a_maximum_is_empty():
    found = tables(export_csv(max_pool_trace(PATCH, pool_size=3, padding=1)))
    assert found[0][1][0] == [""] * 8


def test_no_text_becomes_a_formula():
    trace = convolution_trace(PATCH, SOBEL, name="=1+1")
    text = export_csv([trace, trace])
    assert text.splitlines()[0] == "'=1+1"
    for line in csv.reader(StringIO(text)):
        for cell in line:
            assert not cell.startswith(("=", "+", "@"))
            assert not cell.startswith("-") or float(cell) < 0
