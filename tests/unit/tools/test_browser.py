"""A browser that is missing, or is none."""

import sys

import pytest

from tools import browser


@pytest.fixture
def _forgotten_browser() -> None:
    browser.find_browser.cache_clear()


@pytest.mark.usefixtures("_forgotten_browser")
def test_missing_browser_is_an_error_that_names_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNN_LAB_BROWSER", "/no/such/browser")
    with pytest.raises(browser.NoBrowserError, match=r"make browser.*'/no/such/browser'"):
        browser.find_browser()
    assert browser.main() == 1


@pytest.mark.usefixtures("_forgotten_browser")
def test_program_that_does_not_start_is_no_browser(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stub = tmp_path_factory.mktemp("bin") / "chromium-browser"
    stub.write_text("#!/bin/sh\nexit 1\n")
    stub.chmod(0o755)
    monkeypatch.setenv("CNN_LAB_BROWSER", str(stub))
    with pytest.raises(browser.NoBrowserError):
        browser.find_browser()
    monkeypatch.setenv("CNN_LAB_BROWSER", sys.executable)  # starts, which is all that is asked
    assert str(browser.find_browser()) == sys.executable
    browser.find_browser.cache_clear()
