"""Every page runs, and none of them brings TensorFlow into its process."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "pages").glob("*.py"))


def test_running_every_page_leaves_tensorflow_unloaded() -> None:
    script = """
import sys
from streamlit import config
from streamlit.runtime import context
from streamlit.testing.v1 import AppTest
config.set_option("client.showErrorDetails", "full")
context._get_client_context = lambda: None  # AppTest's is a mock that has any cookie
app, *pages = sys.argv[1:]
test = AppTest.from_file(app, default_timeout=120).run()
for page in pages:
    test.switch_page(page).run()
    assert test.title, page
    assert not test.exception, (page, test.exception)
print(*sorted({"keras", "numpy", "tensorflow"} & set(sys.modules)))
"""
    assert len(PAGES) >= 10
    result = subprocess.run(
        [sys.executable, "-c", script, "app.py", *(f"pages/{page.name}" for page in PAGES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["numpy"]
