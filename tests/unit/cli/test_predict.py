"""`python -m cnn_lab predict`."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cnn_lab.cli import main
from cnn_lab.data.mnist import load_mnist
from cnn_lab.network import Network


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
    assert result.keys() == {"digit", "probabilities"}
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
