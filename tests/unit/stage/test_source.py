"""The bundles are those of the sources, self-contained, and need no Streamlit."""

import re
import shutil
import subprocess
import sys

import pytest

from cnn_lab.stage.source import bundled
from tools import bundle

FRAME = "frame.js"  # runs as a script of the page, the others as components
COMPONENTS = [f"{name}.js" for name in bundle.ENTRIES if f"{name}.js" != FRAME]


def test_the_bundles_are_current():
    assert bundle.main(["--check"]) == 0


@pytest.mark.parametrize(
    "changed", ["stage/js/words.js", "stage/layout.json", "stage/bundles/player.js"]
)
def test_a_change_that_was_not_bundled_is_noticed(changed, tmp_path, monkeypatch, capsys):
    for path in bundle.digested():
        copy = tmp_path / path.relative_to(bundle.SOURCES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    monkeypatch.setattr(bundle, "SOURCES", tmp_path)
    assert bundle.main(["--check"]) == 0
    with (tmp_path / changed).open("a") as file:
        file.write(" ")
    assert bundle.main(["--check"]) == 1
    assert "make bundle" in capsys.readouterr().out


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_bundle_is_one_module_with_the_function_that_streamlit_calls(name):
    source = bundled(name)
    assert not re.search(r"\bimport\b", source)
    assert re.findall(r"\bexport\s*\{[^}]*\}", source) == [
        re.search(r"export\{[\w$]+ as default\}", source)[0]
    ]
    assert "\n" in source.strip()  # or Streamlit takes it for the name of a file


def test_the_frames_script_is_no_module():
    assert not re.search(r"\b(import|export)\b", bundled(FRAME))


def test_what_travels_with_each_trace_is_small():
    assert len(bundled("stage.js")) < 1_000 < 40_000 < len(bundled("player.js"))


def test_nothing_is_fetched():
    everything = "".join(bundled(path.name) for path in bundle.BUNDLES.glob("*s"))
    addresses = set(re.findall(r"https?://[^\"'`]+", everything))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name of a language, never fetched


def test_source_needs_no_streamlit():
    code = "import sys, cnn_lab.stage.page; print('streamlit' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "False"


def test_a_stage_without_a_trace_is_refused():
    from cnn_lab.app.widgets.stage import stage

    with pytest.raises(ValueError, match="at least one trace"):
        stage([], key="empty")
