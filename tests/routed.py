"""Run pages by app.py, as servers do; AppTest would run a page of a folder `pages` alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from streamlit.runtime.pages_manager import PagesManager


class _Routed(PagesManager):
    pass


@contextmanager
def routed() -> Iterator[None]:
    """Have AppTest run app.py for each page, in this block."""
    with (
        patch.object(PagesManager, "uses_pages_directory", False),
        patch("streamlit.testing.v1.app_test.PagesManager", _Routed),
    ):
        yield
