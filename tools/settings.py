"""The table of the host's settings: `python -m tools.settings` writes it into docs/hosting.md.

With `--check` it only compares.
"""

import sys

from cnn_lab.ops.environment import table
from tools.documents import between, write_or_check
from tools.server import ROOT

DOCUMENT = ROOT / "docs" / "hosting.md"


def main() -> int:
    """Write the table, or check it."""
    text = DOCUMENT.read_text(encoding="utf-8")
    wanted = {DOCUMENT: between(text, "settings", f"\n{table()}\n")}
    return write_or_check(wanted, "python -m tools.settings")


if __name__ == "__main__":
    sys.exit(main())
