"""Class rooms: what they count, for how long, and how much; in this process and in Redis."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest
import redis

from cnn_lab.ops.environment import REDIS
from cnn_lab.teaching import room
from cnn_lab.teaching.assignment import Assignment
from cnn_lab.teaching.lesson import LESSONS
from cnn_lab.teaching.questions.case import answer_text
from cnn_lab.teaching.room import (
    LETTERS,
    LIFE_S,
    MAX_KEPT,
    MAX_LETTERS,
    MAX_ROOMS,
    Asked,
    OwnRooms,
    RedisRooms,
    RoomError,
    Rooms,
    class_counts,
    count_answer,
    new_browser,
    rooms,
)
from tools.redis_server import serving_redis

LINK = Assignment(seed=42, ask=("conv-output-size",))


@dataclass
class Kind:
    """One way to keep rooms, and how its time is made to pass."""

    rooms: Rooms
    let_pass: Callable[[float], None]


@pytest.fixture(scope="module")
def redis_address() -> Iterator[str]:
    with serving_redis() as address:
        yield address


@pytest.fixture(params=["own", "redis"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Kind:
    if request.param == "own":
        now = [0.0]

        def wait(seconds: float) -> None:
            now[0] += seconds

        own = OwnRooms(clock=lambda: now[0])
        monkeypatch.setattr(room, "OWN", own)
        monkeypatch.delenv(REDIS.name, raising=False)
        return Kind(own, wait)
    address: str = request.getfixturevalue("redis_address")
    monkeypatch.setenv(REDIS.name, address)
    client = redis.Redis.from_url(address, decode_responses=True)
    client.flushall()

    def let_pass(seconds: float) -> None:
        """Bring forward the end of all that is kept; Redis has no other clock than its own."""
        for key in client.scan_iter():
            client.pexpire(key, int(client.pttl(key) - 1000 * seconds))
        for code, opened_at in client.zrange("cnn-lab:rooms", 0, -1, withscores=True):
            client.zadd("cnn-lab:rooms", {code: opened_at - seconds})

    return Kind(rooms(), let_pass)


def test_a_room_counts_each_browser_once_for_a_question(kind: Kind) -> None:
    code = kind.rooms.open()
    other = kind.rooms.open()
    for browser, answer in [("a", "4"), ("b", "4"), ("c", "3"), ("c", "4"), ("a", "3")]:
        kind.rooms.count(code, "size", answer, browser)
    kind.rooms.count(code, "cell", "4", "a")
    assert kind.rooms.counts(code) == {"size": {"4": 2, "3": 1}, "cell": {"4": 1}}
    assert kind.rooms.counts(other) == {}


def test_codes_have_five_letters_that_cannot_be_mistaken(kind: Kind) -> None:
    codes = {kind.rooms.open() for _ in range(50)}
    assert len(codes) == 50
    assert all(len(code) == 5 and set(code) <= set(LETTERS) for code in codes)
    assert not set(LETTERS) & set("IOQLUVAE0158")
    found, problems = Assignment.from_query({**LINK.to_query(), "room": codes.pop().lower()})
    assert found is not None
    assert kind.rooms.is_open(found.room or "")
    assert problems == []


def test_thirty_answers_in_one_moment_are_all_counted(kind: Kind) -> None:
    code = kind.rooms.open()
    with ThreadPoolExecutor(30) as pupils:
        list(
            pupils.map(
                lambda n: kind.rooms.count(code, "size", "4" if n % 5 else "3", f"browser {n}"),
                range(30),
            )
        )
    assert kind.rooms.counts(code) == {"size": {"4": 24, "3": 6}}


def test_a_room_is_gone_after_three_hours_whatever_is_counted(kind: Kind) -> None:
    code = kind.rooms.open()
    kind.let_pass(LIFE_S - 60)
    kind.rooms.count(code, "size", "4", "a")
    assert kind.rooms.is_open(code)
    kind.let_pass(60)
    assert not kind.rooms.is_open(code)
    for attempt in (
        lambda: kind.rooms.count(code, "size", "4", "a"),
        lambda: kind.rooms.counts(code),
    ):
        with pytest.raises(RoomError, match=code):
            attempt()


def test_rooms_are_bounded_and_one_without_answers_gives_way(kind: Kind) -> None:
    first = kind.rooms.open()
    kind.rooms.count(first, "size", "4", "a")
    unused = kind.rooms.open()
    for _ in range(MAX_ROOMS - 2):
        kind.rooms.count(kind.rooms.open(), "size", "4", "a")
    latest = kind.rooms.open()
    assert kind.rooms.is_open(first)
    assert not kind.rooms.is_open(unused)
    kind.rooms.count(latest, "size", "4", "a")
    with pytest.raises(RoomError):
        kind.rooms.open()
    kind.let_pass(LIFE_S)
    assert kind.rooms.is_open(kind.rooms.open())


def test_answers_are_bounded_in_number_and_length(kind: Kind) -> None:
    code = kind.rooms.open()
    for n in range(MAX_KEPT):
        kind.rooms.count(code, "size", "4", f"browser {n}")
    with pytest.raises(RoomError):
        kind.rooms.count(code, "size", "4", "one more")
    kind.rooms.count(code, "size", "x" * 10_000, "browser 0")
    counts = kind.rooms.counts(code)["size"]
    assert counts.pop("4") == MAX_KEPT - 1
    assert [len(answer) for answer in counts] == [MAX_LETTERS]


def test_replicas_share_rooms_in_redis(redis_address: str) -> None:
    one, other = RedisRooms(redis_address), RedisRooms(redis_address)
    code = one.open()
    other.count(code, "size", "4", "a")
    assert one.counts(code) == {"size": {"4": 1}}


def test_the_token_of_a_browser_is_not_in_redis(
    redis_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = new_browser()
    kept = RedisRooms(redis_address)
    code = kept.open()
    kept.count(code, "size", "4", browser)
    client = redis.Redis.from_url(redis_address, decode_responses=True)
    assert browser not in str(client.hgetall(f"cnn-lab:room:{code}"))


@pytest.mark.parametrize("address", ["redis://127.0.0.1:1/0", "nonsense"])
def test_a_redis_that_is_not_there_is_a_sentence(address: str) -> None:
    with pytest.raises(RoomError):
        RedisRooms(address).open()


def test_answers_to_a_links_questions_are_counted_as_people_write_them(kind: Kind) -> None:
    link = replace(LINK, room=kind.rooms.open())
    asked = Asked.by(link, 1)
    assert asked is not None
    right = asked.case.key
    assert isinstance(right, tuple)
    for browser, typed in [
        ("a", f"{right[0]} × {right[1]}"),
        ("b", f" {right[0]};{right[1]}"),
        ("c", "99 99"),
        ("d", "I do not know"),
    ]:
        count_answer(link, 1, typed, browser)
    count_answer(replace(link, room=None), 1, "99 99", "e")
    assert class_counts(link.room or "") == {
        asked: Counter({answer_text(right, asked.case.form): 2, "99 × 99": 1})
    }


def test_answers_to_a_lessons_questions_know_their_step(kind: Kind) -> None:
    name = next(iter(LESSONS))
    steps = [n for n, step in enumerate(LESSONS[name].steps, 1) if step.question]
    link = Assignment(lesson=name, seed=5, room=kind.rooms.open())
    for n in reversed(steps):
        case = LESSONS[name].steps[n - 1].case(5)
        assert case is not None
        misconception = next(iter(case.misconceptions.values()))
        count_answer(link, n, answer_text(misconception, case.form), "a")
    counts = class_counts(link.room or "")
    assert [asked.place for asked in counts] == steps
    assert all(Asked.from_text(asked.text) == asked for asked in counts)
    for n, step in enumerate(LESSONS[name].steps, 1):
        assert (Asked.by(link, n) is None) == (step.question is None)
