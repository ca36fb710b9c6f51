"""`python -m cnn_lab predict`."""

import json
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cnn_lab.cli import main
from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import Network
from cnn_lab.network.spec import Dense, Flatten, NetworkSpec, Softmax
from tests.unit.sheets import TWELVE, sheet


@pytest.fixture
def seven(tmp_path: Path) -> Path:
    path = tmp_path / "seven.png"
    Image.fromarray(load_mnist().test.pixels[0]).save(path)
    return path


@pytest.mark.parametrize("model", ["paper", "fast"])
def test_prints_one_json_object_last(seven: Path, model: str) -> None:
    done = CliRunner().invoke(main, ["predict", "--model", model, str(seven), "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout.splitlines()[-1])
    assert result.keys() == {"file", "digit", "probabilities", "doubt"}
    assert result["file"] == str(seven)
    assert result["doubt"] is None
    assert result["digit"] == 7
    expected = Network.load(model).predict(load_mnist().test.images[:1])[0]
    np.testing.assert_allclose(result["probabilities"], expected, atol=0.01)
    assert sum(result["probabilities"]) == pytest.approx(1, abs=1e-5)


def test_answers_in_words(seven: Path) -> None:
    done = CliRunner().invoke(main, ["predict", "--model", "fast", str(seven)])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("This looks like a 7 (")


def test_dark_ink_on_a_white_page_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "page.jpg"
    page = Image.new("L", (400, 300), 250)
    ink = Image.fromarray(255 - load_mnist().test.pixels[0])
    page.paste(ink.resize((140, 140), Image.Resampling.BICUBIC), (200, 60))
    page.save(path)
    done = CliRunner().invoke(main, ["predict", "--model", "fast", str(path), "--json"])
    assert json.loads(done.stdout)["digit"] == 7


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"no picture", "This is not a picture"), (None, "No digit stands out in this picture")],
)
def test_bad_picture_is_a_sentence(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    path = tmp_path / "image.png"
    if content is None:
        Image.new("L", (50, 50)).save(path)
    else:
        path.write_bytes(content)
    done = CliRunner().invoke(main, ["predict", "--model", "fast", str(path)])
    assert done.exit_code == 2
    assert sentence in done.output
    assert "Traceback" not in done.output


def test_missing_file_and_unknown_model_are_sentences(seven: Path) -> None:
    missing = CliRunner().invoke(main, ["predict", "nowhere.png"])
    assert missing.exit_code == 2
    assert "does not exist" in missing.output
    unknown = CliRunner().invoke(main, ["predict", "--model", "nosuch", str(seven)])
    assert unknown.exit_code == 2
    assert "Received: 'nosuch'" in unknown.output


def test_several_pictures_give_one_object_each(seven: Path, tmp_path: Path) -> None:
    """D10: `predict` takes many files; one that cannot be classified does not stop the others."""
    broken, scribble = tmp_path / "broken.png", tmp_path / "noise.png"
    broken.write_bytes(b"no picture")
    noise = np.random.default_rng(0).integers(0, 255, (28, 28), np.uint8)
    page = Image.new("L", (84, 84))
    page.paste(Image.fromarray(noise), (28, 28))
    page.save(scribble)
    arguments = ["--model", "fast", str(seven), str(broken), str(scribble), str(seven)]
    done = CliRunner().invoke(main, ["predict", "--json", *arguments])
    assert done.exit_code == 2
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["file"] for line in lines] == [str(seven), str(broken), str(scribble), str(seven)]
    assert [line.get("digit") for line in lines[::3]] == [7, 7]
    assert "This is not a picture" in lines[1]["error"]
    assert lines[2]["doubt"] == "no_digit"
    in_words = CliRunner().invoke(main, ["predict", *arguments])
    assert in_words.stdout.count(f"{seven}: This looks like a 7 (") == 2
    assert f"{broken}: This is not a picture" in in_words.stderr


@pytest.mark.parametrize("arguments", [["predict"], ["train", "--spec"]])
def test_a_file_without_an_end_is_refused(arguments: list[str]) -> None:
    """R11: reading stops at the limit, whatever the file is."""
    done = CliRunner().invoke(main, [*arguments, "/dev/zero"])
    assert done.exit_code == 2
    assert "must have at most" in " ".join(done.output.replace("│", " ").split())


def test_a_network_for_other_images_is_refused(seven: Path, tmp_path: Path) -> None:
    spec = NetworkSpec(
        name="colour",
        input_shape=(8, 8, 3),
        layers=(Flatten(name="flatten"), Dense(name="dense", units=10), Softmax(name="softmax")),
    )
    weights = {"dense/kernel": np.zeros((192, 10)), "dense/bias": np.zeros(10)}
    Network(spec, weights).save(tmp_path / "colour.safetensors")
    done = CliRunner().invoke(
        main, ["predict", "--model", str(tmp_path / "colour.safetensors"), str(seven)]
    )
    assert done.exit_code == 2
    assert "must accept grey images" in " ".join(done.output.replace("│", " ").split())


def test_all_digits_of_a_sheet_are_printed_in_rows(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    path.write_bytes(sheet().content)
    command = ["predict", "--model", "champion", "--all", str(path)]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [" ".join(row) for row in TWELVE]
    result = json.loads(CliRunner().invoke(main, [*command, "--json"]).stdout)
    assert result["text"] == done.stdout.rstrip("\n")
    digits = [[digit for number in row for digit in number] for row in result["rows"]]
    assert ["".join(str(one["digit"]) for one in row) for row in digits] == list(TWELVE)
    width, height = result["size"]
    for one in chain(*digits):
        left, top, right, low = one["frame"]
        assert 0 <= left < right <= width
        assert 0 <= top < low <= height
        assert int(np.argmax(one["probabilities"])) == one["digit"] != one["runner_up"]
        assert one["doubt"] is None
    assert result["complete"] is True
    assert result["upside_down"] is False


def test_of_several_sheets_an_empty_one_does_not_stop_the_others(tmp_path: Path) -> None:
    empty, full = tmp_path / "empty.png", tmp_path / "full.png"
    Image.new("L", (300, 200), 230).save(empty)
    full.write_bytes(sheet().content)
    command = ["predict", "--model", "champion", "--all", str(empty), str(full), "--json"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 2
    first, second = map(json.loads, done.stdout.splitlines())
    assert first.keys() == {"file", "error"}
    assert second["text"].splitlines() == [" ".join(row) for row in TWELVE]
