"""A test that causes a complaint fails unless it named it: here each kind is named, and comes."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tools.server import free_port


def test_console_errors_are_noticed(page: Page, problems: Any) -> None:
    problems.expect("console error: out of chalk")
    page.evaluate("console.error('out of chalk')")


def test_uncaught_errors_are_noticed(page: Page, problems: Any) -> None:
    problems.expect("page error: .*the dog ate it")
    with page.context.expect_event("weberror"):
        page.evaluate("setTimeout(() => { throw new Error('the dog ate it') })")


def test_failed_requests_are_noticed(page: Page, problems: Any) -> None:
    address = f"http://127.0.0.1:{free_port()}/missing.js"
    problems.expect(f"failed request: {address}")
    problems.allow("console error: Failed to load resource")
    with page.expect_event("requestfailed"):
        page.evaluate("(address) => fetch(address).catch(() => {})", address)


def test_a_complaint_nobody_named_fails(page: Page, problems: Any) -> None:
    page.evaluate("console.error('out of chalk')")
    with pytest.raises(AssertionError, match="out of chalk"):
        problems.check()
    problems.expect("out of chalk")


def test_a_named_complaint_that_stays_away_fails(problems: Any) -> None:
    problems.expect("out of chalk")
    with pytest.raises(AssertionError, match="never came"):
        problems.check()
    problems.seen.append("out of chalk")
