"""The controls that *Teach* offers to lock and to hide: `python -m tests.app.record_controls`.

It opens each page in the states that together show every control, and writes down what it finds.
`tests/app/test_glossary_page.py`, which opens the same, holds the record.
"""

import json
import os
from collections.abc import Iterator, Mapping
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from streamlit.testing.v1 import AppTest

from cnn_lab.app.frame import PAGES
from cnn_lab.app.teach.controls import PATH
from tests.addresses import STATES
from tests.app.conftest import FOLDS, RUN_TIMEOUT_S
from tests.routed import routed
from tools.server import ROOT

Record = dict[str, dict[str, str]]

# Pages that a class can be sent to: those of the course, and those with a network.
GIVEN = {*STATES} & {*PAGES["Learn"], *PAGES["Build"], *PAGES["Explore"]} - {"lessons"}


def open_folds(page: str) -> Mapping[str, bool]:
    """Return the session's state in which all folds of a page are open."""
    return {"training_fold": True} if page == "training" else {}


def note_controls(record: Record, name: str, page: AppTest) -> None:
    """Write into a record which controls an open page has: key -> label; of tabs, their titles."""
    if name in GIVEN:
        noted = record.setdefault(name, {})
        for key, label in _below(page.main):
            noted.setdefault(key, label)


def _below(node: Any) -> Iterator[tuple[str, str]]:
    for each in getattr(node, "children", {}).values():
        proto = each.proto
        for part in (proto, getattr(proto, "expandable", None)):
            if key := getattr(part, "query_param_key", ""):
                yield key, part.label
        if getattr(getattr(proto, "tab_container", None), "query_param_key", ""):
            for tab in each.children.values():
                yield tab.label.lower().replace(" ", "_"), f"Tab: {tab.label}"
        yield from _below(each)


def main() -> None:
    """Record all pages."""
    record: Record = {}
    with (
        TemporaryDirectory() as runs,
        patch.dict(os.environ, CNN_LAB_RUNS=runs),
        routed(),
        patch("streamlit.runtime.context._get_client_context", lambda: None),
    ):
        for name in STATES:
            for state in STATES[name] if name in GIVEN else ():
                test = AppTest.from_file(ROOT / "app.py", default_timeout=RUN_TIMEOUT_S)
                for key in (*FOLDS, *open_folds(name)):
                    test.session_state[key] = True
                test.run()
                test.query_params.update(state)
                note_controls(record, name, test.switch_page(f"pages/{name}.py").run())
    PATH.write_text(json.dumps(record, indent=1, sort_keys=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
