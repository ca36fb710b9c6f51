"""Who may open a session, and what a host may set."""

import pytest
from starlette.datastructures import Headers

from cnn_lab.app.hosting import Guard, is_own_page


async def nothing(*_: object) -> None:
    """Serve nothing."""


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        (None, True),  # not a browser
        ("https://lab.example.org", True),
        ("https://lab.example.org:8443", False),
        ("http://localhost:3000", True),
        ("http://[::1]:8501", True),
        ("https://elsewhere.example", False),
        ("https://lab.example.org.elsewhere.example", False),
        ("null", False),  # a page in a sandboxed frame
        ("http://[", False),
    ],
)
def test_only_pages_of_this_server_open_a_session(origin: str | None, own: bool) -> None:
    """R10, R14: others are refused before Streamlit looks up its own address for them."""
    names = {"host": "lab.example.org", **({"origin": origin} if origin else {})}
    assert is_own_page(Headers(names)) is own


@pytest.mark.parametrize("setting", ["'self'; script-src *", "a,b", "https://a.example\nx: y"])
def test_a_setting_that_would_add_a_directive_is_refused(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R14: who may frame the lab is one list, and nothing else."""
    monkeypatch.setenv("CNN_LAB_FRAME_ANCESTORS", setting)
    with pytest.raises(ValueError, match="CNN_LAB_FRAME_ANCESTORS="):
        Guard(nothing)
