"""Files that commands write, and the check that they are current."""

from pathlib import Path

import pytest

from tools.documents import between, write_or_check
from tools.server import ROOT


def test_content_goes_between_its_marks_and_nowhere_else() -> None:
    text = "before\n<!-- a -->\nold\n<!-- /a -->\nafter\n"
    new = "before\n<!-- a -->\nnew\n<!-- /a -->\nafter\n"
    assert between(text, "a", "new") == new
    assert between(new, "a", "new") == new
    with pytest.raises(ValueError, match="must hold"):
        between("no marks", "a", "new")


def test_check_tells_a_file_that_differs_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["command", "--check"])
    absent = ROOT / "no-such-file.json"
    assert write_or_check({absent: "new"}, "make it") == 1
    assert "no-such-file.json is not current: run `make it`" in capsys.readouterr().err
    assert not absent.exists()
    written = tmp_path / "file.json"
    monkeypatch.setattr("sys.argv", ["command"])
    assert write_or_check({written: "new"}, "make it") == 0
    assert written.read_text() == "new"
    monkeypatch.setattr("sys.argv", ["command", "--check"])
    assert write_or_check({written: "new"}, "make it") == 0
