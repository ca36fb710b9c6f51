"""What pictures are made of: fonts, colours, layout, words."""

import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw

from cnn_lab.stage.render import THEMES, Film
from cnn_lab.stage.render import fonts as fonts_module
from cnn_lab.stage.render.fonts import REGULAR, SEMIBOLD, Face, Type
from cnn_lab.stage.render.gif import Palette, write_gif
from cnn_lab.stage.render.paint import cell_text
from cnn_lab.trace import Precision, Scale, convolution_trace
from cnn_lab.trace.arithmetic import arithmetic, arithmetic_latex
from tests.browser.stage_cases import CASES, PATCH, SOBEL

SIGNS = "0123456789−·×÷≈=+()∗→Σ–.,abz"


def film(case, width_px=1080, theme="light"):
    traces = CASES[case]()
    steps = [0, max(map(len, traces)) - 1]
    return Film(traces, steps, theme=THEMES[theme], width_px=width_px)


def inked(type_, text, face):
    image = Image.new("L", (200, 80))
    type_.draw(ImageDraw.Draw(image), text, (20, 50), face, 255)
    return np.asarray(image)


# Fonts


@pytest.mark.parametrize("plain", [False, True], ids=["own", "pillows"])
@pytest.mark.parametrize("family", ["sans", "serif"])
def test_every_sign_can_be_written_on_a_bare_machine(plain, family):
    type_ = Type(plain=plain)
    face = Face(family, REGULAR, 24)
    missing = inked(type_, "\ufffe", face)
    for sign in SIGNS:
        drawn = inked(type_, sign, face)
        assert drawn.any(), sign
        assert not np.array_equal(drawn, missing), sign
        assert type_.width(sign, face) > 0


def test_the_apps_own_fonts_are_read_in_two_weights():
    type_ = Type()
    assert type_.font(Face("sans", REGULAR, 20)).getname()[0].startswith("SourceSans")
    assert type_.font(Face("serif", REGULAR, 20)).getname()[0].startswith("Source Serif")
    for family in ("sans", "serif"):
        regular, bold = (inked(type_, "Output", Face(family, w, 24)) for w in (REGULAR, SEMIBOLD))
        assert bold.sum() > 1.1 * regular.sum()


def test_pictures_are_drawn_without_the_apps_fonts(monkeypatch):
    monkeypatch.setattr(fonts_module, "font_files", lambda: ())
    picture = film("colour").frame(0)
    assert len(picture.getcolors(1 << 24)) > 100


# Colours


def test_scales_run_as_on_the_stage():
    light = THEMES["light"]
    assert light.colour(0, Scale("grey", 9)) == (24, 22, 20)
    assert (
        light.colour(9, Scale("grey", 9)) == light.colour(20, Scale("grey", 9)) == (250, 247, 241)
    )
    low, zero, high = (light.colour(value, Scale("signed", 2)) for value in (-2, 0, 2))
    assert (low, high) == ((44, 111, 187), (217, 115, 26))
    assert all(abs(a - b) < 12 for a, b in zip(zero, light.paper, strict=True))
    assert light.on(zero) == (27, 25, 23)
    assert light.on(low) == (250, 247, 241)


def test_cells_write_numbers_as_the_stage_does():
    assert cell_text(-0.5, Precision(2, exact=True)) == "−0.5"
    assert cell_text(0.126, Precision(2, exact=False)) == "0.13"
    assert cell_text(0.0, Precision(2, exact=False)) == "0"


def test_a_palette_keeps_flat_colours_and_stays_close_to_all_others():
    rng = np.random.default_rng(0)
    pixels = np.full((80, 80, 3), (255, 253, 249), np.uint8)
    pixels[:20] = (176, 18, 111)
    pixels[60:] = np.sort(rng.integers(0, 256, (20, 80, 1)), axis=1).astype(np.uint8)
    image = Image.fromarray(pixels)
    data = write_gif([image, image], [100, 200], Palette([image]))
    shown = np.asarray(Image.open(BytesIO(data)).convert("RGB")).astype(int)
    assert (shown[:60] == pixels[:60]).all()
    assert np.abs(shown - pixels).max() <= 12


# Layout


@pytest.mark.parametrize("width_px", [480, 1080])
@pytest.mark.parametrize("case", CASES)
def test_all_cells_lie_inside_and_apart(case, width_px):
    made = film(case, width_px)
    width, height = made.size
    taken = np.zeros((height, width), bool)
    for placed in made.panels:
        rows = slice(placed.y, placed.y + placed.panel.rows * placed.cell)
        columns = slice(placed.x, placed.x + placed.panel.columns * placed.cell)
        assert 0 <= placed.x < columns.stop <= width
        assert 0 <= placed.y < rows.stop <= height
        assert not taken[rows, columns].any()
        taken[rows, columns] = True
    assert made.frame(0).size == made.size


@pytest.mark.parametrize(
    ("case", "least"),
    [("small", 55), ("pooling", 60), ("flip", 36), ("colour", 28), ("paddings", 28)],
)
def test_cells_are_as_large_as_fit(case, least):
    made = film(case)
    assert min(placed.cell for placed in made.panels) >= least
    assert made.size[1] <= 1.8 * made.size[0]


def test_an_input_that_all_traces_read_is_drawn_once():
    roles = [placed.panel.role for placed in film("pooling").panels]
    assert sorted(roles) == ["input", "output", "output"]
    roles = [placed.panel.role for placed in film("flip").panels]
    assert sorted(roles) == ["input", "input", "kernel", "kernel", "output", "output"]


def test_small_cells_come_with_the_window_enlarged():
    made = film("digit")
    (lens,) = [placed for placed in made.panels if placed.panel.role == "lens"]
    (image,) = [placed for placed in made.panels if placed.panel.role == "input"]
    assert lens.cell >= 1.5 * 22
    assert lens.cell > 2 * image.cell


def test_the_filter_at_work_is_the_one_shown():
    trace = CASES["colour"]()[0]
    made = Film([trace], [0, 40], theme=THEMES["light"], width_px=1080)
    made.frame(0)
    assert made.spot(0, trace.grid("kernel-1-1").first_id)
    assert made.spot(0, trace.grid("kernel-3-1").first_id) is None
    made.frame(40)
    assert made.spot(0, trace.grid("kernel-1-1").first_id) is None
    assert made.spot(0, trace.grid("kernel-3-1").first_id)


def test_a_picture_is_the_same_whatever_was_drawn_before():
    traces = CASES["colour"]()
    steps = [0, 16, 40]
    first, second = (Film(traces, steps, theme=THEMES["dark"], width_px=720) for _ in range(2))
    for step in steps[:2]:
        first.frame(step)
    assert first.frame(40).tobytes() == second.frame(40).tobytes()


def test_only_announced_steps_are_drawn():
    with pytest.raises(KeyError):
        film("small").frame(5)


# Words


def test_scattered_additions_are_equations_of_their_own():
    (trace,) = CASES["kernel-scatter"]()
    line = arithmetic(trace, 1)
    assert line.result == line.operator == ""
    first = line.blocks[0].terms[0].text
    assert re.fullmatch(r"−?\d+ \+ −?\d+·\(−1\) = −?\d+", first)
    before, added, after = (int(n.replace("−", "-")) for n in re.findall(r"−?\d+(?!\))", first))
    assert before - added == after


@pytest.mark.parametrize("case", CASES)
def test_latex_is_balanced_and_speaks_plain_ascii(case):
    for trace in CASES[case]():
        for step in {0, len(trace) // 2, len(trace) - 1}:
            text = arithmetic_latex(trace, step)
            assert text.isascii()
            assert text.count("{") == text.count("}")
            assert text.count("(") == text.count(")")
            assert text.count(r"\begin{aligned}") == text.count(r"\end{aligned}") <= 1
            body = text.removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}")
            lines = body.split(" \\\\\n")
            assert all(line.count("&") == (len(lines) > 1) for line in lines)


def test_latex_breaks_many_terms_after_whole_rows():
    (trace,) = CASES["large-kernel"]()
    lines = arithmetic_latex(trace, 0).splitlines()[1:-1]
    assert [line.count(r"\cdot") for line in lines] == [7] * 7
    assert lines[0].startswith("& ")
    assert all(line.startswith("& {} + ") for line in lines[1:])
    assert r"\approx" in lines[-1]


def test_latex_escapes_the_names_of_channels():
    image = np.stack([PATCH, PATCH], axis=-1)
    kernel = np.concatenate([SOBEL, SOBEL], axis=2)
    trace = convolution_trace(image, kernel, channel_names=["a_b & 50 %", "x\\y"])
    text = arithmetic_latex(trace, 0)
    assert r"\text{a\_b \& 50 \%: }" in text
    assert r"\text{x\textbackslash{}y: }" in text
