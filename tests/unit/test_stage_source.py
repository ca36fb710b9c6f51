"""The player's source is whole, self-contained and needs no Streamlit."""

import re
import subprocess
import sys

import pytest

from cnn_lab.stage import STYLE, script
from cnn_lab.stage.source import _FOLDER, _MODULES, LENDER, MOUNT


def test_every_module_travels():
    names = {entry.name for entry in _FOLDER.iterdir() if entry.name.endswith(".js")}
    assert names == {*_MODULES, "lend.js", "stage.js"}


@pytest.mark.parametrize(
    ("source", "exports"),
    [
        (script(), []),
        (LENDER, ["export default function () {"]),
        (MOUNT, ["export default function ({ data, parentElement }) {"]),
    ],
)
def test_modules_become_one_with_at_most_one_export(source, exports):
    assert not re.search(r"^\s*import\b", source, re.MULTILINE)
    assert re.findall(r"^export.*", source, re.MULTILINE) == exports


def test_what_travels_with_each_trace_is_small():
    assert len(MOUNT) < 2_000 < 50_000 < len(LENDER)


def test_modules_share_one_scope_without_collisions():
    pattern = re.compile(r"^(?:export )?(?:function|class|const|let) (\w+)", re.MULTILINE)
    names = [
        name
        for module in _MODULES
        for name in pattern.findall((_FOLDER / module).read_text(encoding="utf-8"))
    ]
    assert len(names) > 50
    assert sorted(names) == sorted(set(names))


def test_imports_follow_the_order_in_which_modules_are_joined():
    for position, name in enumerate(_MODULES):
        text = (_FOLDER / name).read_text(encoding="utf-8")
        for imported in re.findall(r'^import .*? from "\./(.+?)";', text, re.MULTILINE | re.DOTALL):
            assert imported in _MODULES[:position], f"{name} imports {imported}, which comes later"


def test_nothing_is_fetched():
    addresses = set(re.findall(r"https?://[^\"']+", script() + STYLE))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name of a language, never fetched


def test_source_needs_no_streamlit():
    code = "import sys, cnn_lab.stage; print('streamlit' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_stage_without_a_trace_is_refused():
    from cnn_lab.stage import stage

    with pytest.raises(ValueError, match="at least one trace"):
        stage([], key="empty")


def test_other_names_are_refused():
    import cnn_lab.stage

    with pytest.raises(AttributeError, match="no attribute 'player'"):
        _ = cnn_lab.stage.player
