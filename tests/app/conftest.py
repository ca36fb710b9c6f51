"""Open any page of the app without a browser."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tools.server import ROOT

RUN_TIMEOUT_S = 60


@pytest.fixture(autouse=True)
def _no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the app find no cookies and headers; AppTest would have it find a mock of them."""
    monkeypatch.setattr("streamlit.runtime.context._get_client_context", lambda: None)


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    """Run a page behind its router: `open_page("pooling", {"pooling_size": "3"})`.

    The second argument is the address' query, the third seeds the session's state.
    """

    def open_(
        name: str,
        query: Mapping[str, str | list[str]] | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> AppTest:
        test = AppTest.from_file(ROOT / "app.py", default_timeout=RUN_TIMEOUT_S)
        for key, value in (state or {}).items():
            test.session_state[key] = value
        test.run()
        test.query_params.update(query or {})
        return test.switch_page(f"pages/{name}.py").run()

    return open_
