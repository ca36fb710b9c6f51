"""Whom a browser counts as, how often it may ask for what costs much, and what it then reads."""

import secrets
from collections.abc import Iterable, Mapping

import pytest
from limits import RateLimitItemPerSecond
from streamlit.runtime.session_manager import ClientContext

from cnn_lab.app.admission import UNKNOWN, VISITOR
from cnn_lab.app.allowance import SHARED_BY, Counts, What, over_limit
from cnn_lab.app.run_queue import owner
from cnn_lab.runs.ledger import is_anonymous
from tests.prose import wording
from tools.redis_server import serving_redis

EVERY: dict[What, str] = {
    "run": "CNN_LAB_RUN_LIMIT",
    "upload": "CNN_LAB_UPLOAD_LIMIT",
    "export": "CNN_LAB_EXPORT_LIMIT",
    "check": "CNN_LAB_CHECK_LIMIT",
}


MOST: dict[What, str] = {
    "run": "3 runs",
    "upload": "3 files",
    "export": "3 files",
    "check": "3 times",
}


class Browser(ClientContext):
    """A session's connection: the visitor that `Admission` knows, if any, and the cookies sent."""

    def __init__(self, visitor: str | None, cookies: Mapping[str, str]) -> None:
        self._visitor, self._cookies = visitor, cookies

    @property
    def headers(self) -> Iterable[tuple[str, str]]:
        return [] if self._visitor is None else [(VISITOR.lower(), self._visitor)]

    @property
    def cookies(self) -> Mapping[str, str]:
        return self._cookies

    @property
    def remote_ip(self) -> str | None:
        return None


@pytest.fixture
def be(monkeypatch: pytest.MonkeyPatch):
    """Be another visitor."""

    def be(visitor: str | None, **cookies: str) -> None:
        monkeypatch.setattr(
            "streamlit.runtime.context._get_client_context", lambda: Browser(visitor, cookies)
        )

    return be


@pytest.mark.parametrize("what", EVERY)
def test_each_visitor_has_its_own_limit_and_reads_when_it_works_again(
    what: What, be, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(EVERY[what], "3 an hour")
    for visitor in (secrets.token_hex(8), secrets.token_hex(8)):
        be(visitor)
        assert [over_limit(what) for _ in range(3)] == ["", "", ""]
        told = wording("full", f"limit_{what}", most=MOST[what], period="an hour").fullmatch(
            over_limit(what)
        )
        assert told
        assert told[1] == "60 minutes"


def test_one_thing_does_not_use_up_another(be, monkeypatch: pytest.MonkeyPatch) -> None:
    be(secrets.token_hex(8))
    for setting in EVERY.values():
        monkeypatch.setenv(setting, "1 an hour")
    assert [over_limit(what) for what in EVERY] == ["", "", "", ""]
    assert all(over_limit(what) for what in EVERY)


def test_clients_without_cookies_cannot_multiply_their_limit(
    be, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNN_LAB_UPLOAD_LIMIT", "2 an hour")
    be(UNKNOWN)
    answers = [over_limit("upload") for _ in range(2 * SHARED_BY + 3)]
    assert sum(not answer for answer in answers) <= 2 * SHARED_BY
    assert wording("full", "shared").search(answers[-1])
    be(secrets.token_hex(8))
    assert over_limit("upload") == ""


def test_a_host_can_do_without_a_limit(be, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNN_LAB_RUN_LIMIT", "none")
    be(secrets.token_hex(8))
    assert not any(over_limit("run") for _ in range(100))


def test_without_our_middleware_there_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a host runs app.py only as a script."""
    monkeypatch.setenv("CNN_LAB_RUN_LIMIT", "1 an hour")
    assert not any(over_limit("run") for _ in range(100))


def forged() -> dict[str, str]:
    """Return a cookie that any program can make up."""
    return {"_streamlit_xsrf": f"2|{secrets.token_hex(4)}|{secrets.token_hex(16)}|1700000000"}


def test_a_forged_cookie_makes_no_new_owner(be) -> None:
    visitor = secrets.token_hex(8)
    owners = set()
    for cookies in ({}, forged(), forged()):
        be(visitor, **cookies)
        owners.add(owner())
    be(secrets.token_hex(8), **forged())
    assert len(owners) == 1
    assert owner() not in owners
    assert visitor not in owners.pop()  # which is kept with a run


def test_an_owner_without_the_signed_cookie_is_one_of_a_few(be) -> None:
    for cookies in ({}, forged(), forged()):
        be(UNKNOWN, **cookies)
        assert is_anonymous(owner())


def test_without_our_middleware_an_owner_is_told_by_streamlits_own_cookie(be) -> None:
    """As where a host runs app.py only as a script: the same after a reload."""
    cookies = forged()
    be(None, **cookies)
    here = owner()
    assert (owner(), is_anonymous(here)) == (here, False)
    be(None, **forged())
    assert owner() != here
    be(None)
    assert is_anonymous(owner())


def test_page_processes_with_a_redis_count_together_and_go_on_without_it(
    be, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNN_LAB_RUN_LIMIT", "3 an hour")
    limit, visitor = RateLimitItemPerSecond(3, 3600, namespace="run"), secrets.token_hex(8)
    be(visitor)
    with serving_redis() as address:
        monkeypatch.setenv("CNN_LAB_REDIS", address)
        assert over_limit("run") == ""
        others = [Counts(address), Counts(address)]
        assert [other.wait_s(limit, visitor) for other in others] == [0, 0]
        assert over_limit("run")
        assert 3590 < others[0].wait_s(limit, visitor) <= 3600
        assert others[0].wait_s(limit, secrets.token_hex(8)) == 0
    assert over_limit("run") == ""  # each by itself from here on
    assert [others[0].wait_s(limit, visitor) for _ in range(3)] == [0, 0, 0]
    assert others[0].wait_s(limit, visitor) > 0


def test_a_redis_that_was_never_there_stops_nobody() -> None:
    counts, limit = Counts("redis://127.0.0.1:1"), RateLimitItemPerSecond(1, 60, namespace="run")
    assert counts.wait_s(limit, "someone") == 0
    assert counts.wait_s(limit, "someone") > 0
