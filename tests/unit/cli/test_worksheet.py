"""`python -m cnn_lab worksheet`: the file it writes, and what is refused."""

import json

import pytest
from click.testing import CliRunner

from cnn_lab.cli import main
from cnn_lab.teaching.worksheet import worksheet_html

QUESTIONS = "conv-output-size,conv-cell"


def run(*arguments):
    return CliRunner().invoke(main, ["worksheet", *map(str, arguments)])


def test_it_writes_the_sheets_that_the_library_makes(tmp_path):
    out = tmp_path / "sheet.html"
    result = run(
        *("--questions", QUESTIONS, "--variants", 30, "--seed", 7, "--out", out),
        *("--level", "one gap", "--title", "Class 7a", "--json"),
    )
    assert result.exit_code == 0, result.output
    page = worksheet_html(
        QUESTIONS.split(","), seed=7, variants=30, level="one gap", title="Class 7a"
    )
    assert out.read_text(encoding="utf-8") == page
    assert json.loads(result.stdout.splitlines()[-1]) == {
        "out": str(out),
        "sheets": 30,
        "questions": QUESTIONS.split(","),
        "bytes": out.stat().st_size,
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--questions", "no-such"], "no-such"),
        (["--questions", ","], "Received: 0"),
        (["--variants", "0"], "variants=0"),
        (["--variants", "10000"], "variants=10000"),
        (["--variants", "many"], "many"),
        (["--seed", "-1"], "seed=-1"),
        (["--level", "hard"], "hard"),
        (["--out", "/no/such/folder/sheet.html"], "cannot be written"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_without_a_traceback(change, said, tmp_path):
    given = ["--questions", QUESTIONS, "--out", str(tmp_path / "sheet.html")]
    result = run(*given, *change)
    assert result.exit_code != 0
    assert said in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "sheet.html").exists()
