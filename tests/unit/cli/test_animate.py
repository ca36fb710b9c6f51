"""`python -m cnn_lab animate`: every operation, every kind of file, and what is refused."""

import csv
import json
from io import BytesIO

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cnn_lab.cli import main
from cnn_lab.cli.operations import OPERATIONS, Settings
from cnn_lab.ops import conv2d


def run(*arguments):
    return CliRunner().invoke(main, ["animate", *map(str, arguments)])


def last_line(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


def table(path, number):
    """The numbers of the n-th table of a CSV file."""
    block = path.read_text(encoding="utf-8-sig").split("\n\n")[number]
    return np.array([row[1:] for row in csv.reader(block.splitlines()[2:])], dtype=float)


@pytest.mark.parametrize("ending", ["gif", "html", "png", "csv"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_as_every_kind_of_file(operation, ending, tmp_path):
    out = tmp_path / f"figure.{ending}"
    small = {"gif": ["--width", 480], "png": ["--width", 480]}.get(ending, [])
    result = last_line(run(operation, "--input", 5, "--out", out, "--json", *small))
    content = out.read_bytes()
    assert result == {"out": str(out), "steps": result["steps"], "bytes": len(content)}
    if ending == "gif":
        assert getattr(Image.open(BytesIO(content)), "n_frames", 1) == result["steps"]
    if ending == "html":
        assert content.startswith(b"<!doctype html>")
        assert f"<footer>{operation}, input 5 × 5<br>" in content.decode()
    if ending == "png":
        assert Image.open(BytesIO(content)).width == 480
    if ending == "csv":
        assert content.startswith(b"\xef\xbb\xbf")
        assert len(content.decode("utf-8-sig").split("\n\n")) >= 2


@pytest.mark.parametrize("form", ["gather", "scatter"])
@pytest.mark.parametrize(
    "operation", [name for name, each in OPERATIONS.items() if "form" in each.settings]
)
def test_both_forms_come_to_the_same(operation, form, tmp_path):
    results = []
    for chosen in (["--form", form], []):
        out = tmp_path / "numbers.csv"
        assert run(operation, "--padding", 0, "--out", out, *chosen).exit_code == 0
        results.append(table(out, -1))
    np.testing.assert_allclose(*results)


def test_the_example_of_the_readme(tmp_path):
    out = tmp_path / "conv.gif"
    settings = ["--input", 6, "--kernel", 3, "--strides", 2, "--padding", "same"]
    result = run("conv", *settings, "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{out}: 9 steps, ")
    assert out.stat().st_size < 400_000


def test_numbers_of_ones_own(tmp_path):
    out = tmp_path / "own.csv"
    image, kernel = "1 2 0; 0 1 -1; 3 0 2", "1 0; 0.5 -1"
    arguments = ["--values", image, "--weights", kernel, "--bias", 0.25, "--flip", "--out", out]
    assert run("conv", *arguments).exit_code == 0
    expected = conv2d(
        np.array([[1.0, 2, 0], [0, 1, -1], [3, 0, 2]])[np.newaxis, ..., np.newaxis],
        np.array([[1, 0], [0.5, -1]])[..., np.newaxis, np.newaxis],
        np.array([0.25]),
        flip_kernel=True,
    )
    np.testing.assert_allclose(table(out, -1), expected[0, ..., 0])


def test_an_output_gradient_of_ones_own(tmp_path):
    out = tmp_path / "gradient.csv"
    given = ["--input", 3, "--kernel", 2, "--gradient", "1 0; 0 -1"]
    assert run("bias-gradient", *given, "--out", out).exit_code == 0
    np.testing.assert_array_equal(table(out, 0), [[1, 0], [0, -1]])
    np.testing.assert_array_equal(table(out, -1), [[0]])


def test_rows_and_columns_apart_and_maps(tmp_path):
    out = tmp_path / "maps.html"
    given = "--input 6x5 --kernel 3x2 --strides 1x2 --padding 0,1,0,1 --dilation 1 --groups 2"
    given += (
        " --channels 2 --filters 2 --kernel-name ones --kernel-name box --seed 3 --pad-mode edge"
    )
    assert last_line(run("conv", *given.split(), "--json", "--out", out))["steps"] == 2 * 5 * 3
    footer = out.read_text().partition("<footer>")[2].partition("<br>")[0]
    assert footer == (
        "conv, input 6 × 5, kernel 3 × 2, kernel name ones, box, strides 1 × 2, "
        "padding 0, 1, 0, 1, dilation 1 × 1, groups 2, channels 2, filters 2, pad mode edge, seed 3"
    )


def test_pictures_and_pages_of_a_chosen_step(tmp_path):
    png, page = tmp_path / "step.png", tmp_path / "step.html"
    assert run("max-pool", "--step", 0, "--theme", "dark", "--out", png).exit_code == 0
    assert Image.open(png).getpixel((1, 1)) == (24, 22, 20)
    given = ["--step", 3, "--title", "<Pooling>", "--theme", "light"]
    assert run("max-pool", *given, "--out", page).exit_code == 0
    assert '"startStep": 3' in page.read_text()
    assert "<h1>&lt;Pooling&gt;</h1>" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("conv --out x.mp4", "The name must end in .gif, .html, .png or .csv."),
        ("blur --out x.gif", "'blur' is not one of 'conv'"),
        ("conv --pool 2 --out x.gif", "--pool does not apply to conv."),
        ("conv --form gather --out x.gif", "--form does not apply to conv."),
        ("max-pool --kernel 3 --out x.gif", "--kernel does not apply to max-pool."),
        ("conv --step 2 --out x.gif", "--step does not apply to .gif."),
        ("conv --theme dark --out x.csv", "--theme does not apply to .csv."),
        ("conv --input 0 --out x.gif", "Received: rows=0"),
        ("conv --input 6.5 --out x.gif", "'6.5' is not a size; write 6, or 6x5"),
        ("conv --input 65 --out x.gif", "at most 64 rows and columns"),
        ("conv --input 6 --values 1 --out x.gif", "Give either --values and --input, not both."),
        ("conv --values one --out x.gif", "in row 1 is not a number"),
        ("conv --kernel 8 --out x.gif", "at most 7 rows and columns"),
        ("conv --kernel 2 --kernel-name laplacian --out x.gif", "Laplacian needs at least (3, 3)"),
        ("conv --kernel 7 --out x.gif", "The window must fit into the padded image"),
        ("conv --padding wide --out x.gif", "'wide' is not a padding; write valid, same, full"),
        ("conv --padding 9999 --out x.gif", "at most 500,000 cells"),
        ("max-pool --padding 2 --out x.gif", "padding must be smaller than the window"),
        ("conv --channels 3 --groups 2 --out x.gif", "divisible by groups"),
        ("conv --filters 17 --out x.gif", "at most 16 filters"),
        ("conv --channels 0 --out x.gif", "Received: channels=0"),
        ("conv --bias nan --out x.gif", "`bias` must hold finite numbers"),
        ("kernel-gradient --gradient 1 --out x.gif", "shape (4, 4)"),
        ("conv --step 99 --out x.png", "`step` must be between 0 and 15. Received: step=99"),
        ("conv --width 5 --out x.png", "`width_px` must be between 480 and 2160"),
        ("conv --theme auto --out x.png", "`theme` must be one of ['light', 'dark']"),
        ("conv --seconds-per-step 0 --out x.gif", "`seconds_per_step` must be between"),
        ("conv --out nowhere/x.csv", "nowhere/x.csv cannot be written"),
    ],
)
def test_bad_input_is_a_sentence(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments.split())
    assert result.exit_code in (1, 2)
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_several_filters_begin_with_different_kernels():
    bank = Settings(filters=4).kernels()
    assert bank.shape == (3, 3, 1, 4)
    assert len({bank[..., f].tobytes() for f in range(4)}) == 4
    assert Settings(kernel=(1, 1), filters=2).kernels().shape == (1, 1, 1, 2)
