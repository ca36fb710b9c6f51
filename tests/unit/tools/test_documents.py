"""Files that commands write, and the check that they are current."""

import re
import subprocess
from pathlib import Path

import pytest

from cnn_lab.app.frame import PAGES
from cnn_lab.app.widgets.story import CHAPTERS
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


README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_names_both_commands_and_every_page() -> None:
    """U20: what a newcomer types stands there in full, and each page has its row."""
    for command in ("make run", "make test"):
        assert f"\n{command} " in README
    assert "<this" not in README
    titles = {name: title for part in PAGES.values() for name, title in part.items()}
    for title in {**titles, **{chapter.page: chapter.title for chapter in CHAPTERS}}.values():
        assert f"\n| {title} |" in README
    for name in re.findall(r'(?:src|srcset)="([^"]+)"|\]\((?!http)([^)#]+)', README):
        assert (ROOT / "".join(name)).exists(), name


def test_make_run_listens_on_this_machine_only() -> None:
    """R8: `make run` is for this machine, and HOST= opens it to others, as the README says."""
    command = ["make", "--dry-run", "--always-make", "run"]

    def printed_by(*options: str) -> str:
        return subprocess.run(
            [*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
        ).stdout

    assert "--server.address localhost " in printed_by()
    assert "--server.address 0.0.0.0 " in printed_by("HOST=0.0.0.0")
    assert "`make run HOST=0.0.0.0`" in README
