"""Class rooms without accounts: a code of five letters, and how often each answer was given.

A room keeps for each browser its latest answer to each question, under a token that the browser's
session drew at random, and nothing else. It is gone three hours after it was opened. Rooms live in
this process; with `CNN_LAB_REDIS` they live in a Redis server that several replicas share.
"""

import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from cnn_lab.ops.environment import REDIS
from cnn_lab.teaching.assignment import N_ROOM, Assignment
from cnn_lab.teaching.lesson import LESSONS, lesson
from cnn_lab.teaching.questions import QUESTIONS, Case
from cnn_lab.teaching.questions.case import answer_text

if TYPE_CHECKING:
    from collections.abc import Iterator

# None that looks like another letter or a digit, and no vowel, so that no code is a word.
LETTERS = "BCDFGHJKMNPRSTWXYZ"
LIFE_S = 3 * 60 * 60
MAX_ROOMS = 200
MAX_KEPT = 3_000  # answers in a room
MAX_LETTERS = 60  # of an answer
REDIS_TIMEOUT_S = 2
_BETWEEN = "\x1f"


class RoomError(RuntimeError):
    """A room that is not open or cannot be reached; the message is for teachers and learners."""


@dataclass(frozen=True, order=True)
class Asked:
    """A question that a class was asked.

    Attributes
    ----------
    lesson : str
        Name of the lesson, "" for a page without one.
    seed : int
    place : int
        Step of the lesson, or place in the link, from 1.
    question : str
        Its name in `QUESTIONS`.
    """

    lesson: str
    seed: int
    place: int
    question: str

    @classmethod
    def by(cls, assignment: Assignment, place: int) -> "Asked | None":
        """Return the question at a place of an assignment, None if nothing is asked there."""
        if assignment.lesson is not None:
            name = lesson(assignment.lesson).steps[place - 1].question
        else:
            name = assignment.ask[place - 1]
        if name is None:
            return None
        return cls(assignment.lesson or "", assignment.seed, place, name)

    @property
    def case(self) -> Case:
        """The question with its numbers."""
        if not self.lesson:
            return QUESTIONS[self.question].make(seed=self.seed)
        case = lesson(self.lesson).steps[self.place - 1].case(self.seed)
        if case is None or case.question != self.question:
            raise RoomError("The lesson has been changed since this was asked.")
        return case

    @property
    def text(self) -> str:
        """All of it in one text."""
        return "/".join((self.lesson, str(self.seed), str(self.place), self.question))

    @classmethod
    def from_text(cls, text: str) -> "Asked":
        """Return what `text` says."""
        name, seed, place, question = text.split("/")
        return cls(name, int(seed), int(place), question)


class Rooms(Protocol):
    """Open rooms."""

    def open(self) -> str:
        """Open a room and return its code.

        Raises
        ------
        RoomError
            If there are `MAX_ROOMS` already, and answers in each of them.
        """

    def is_open(self, code: str) -> bool:
        """Return whether there is such a room."""

    def count(self, code: str, question: str, answer: str, browser: str) -> None:
        """Count an answer; a later one of the same browser replaces it.

        Parameters
        ----------
        code, question : str
        answer : str
            Of which `MAX_LETTERS` are kept.
        browser : str
            A random token.

        Raises
        ------
        RoomError
            If there is no such room, or it has `MAX_KEPT` answers.
        """

    def counts(self, code: str) -> dict[str, Counter[str]]:
        """Return how often each answer was given: question -> answer -> browsers.

        Raises
        ------
        RoomError
            If there is no such room.
        """


def new_code() -> str:
    """Return a code at random: five letters."""
    return "".join(secrets.choice(LETTERS) for _ in range(N_ROOM))


def _place(question: str, browser: str) -> str:
    """Return under what an answer is kept: the token itself cannot be found out from it."""
    return _BETWEEN.join((question, sha256(browser.encode()).hexdigest()[:16]))


def _counted(kept: Mapping[str, str]) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for place, answer in kept.items():
        counts.setdefault(place.partition(_BETWEEN)[0], Counter())[answer] += 1
    return counts


def _shortened(answer: str) -> str:
    return answer if len(answer) <= MAX_LETTERS else f"{answer[: MAX_LETTERS - 1]}…"


def _closed(code: str) -> RoomError:
    return RoomError(
        f"There is no class room {code}: it closes three hours after it was opened. "
        "Your teacher can open another."
    )


def _full() -> RoomError:
    return RoomError("This class room has all the answers it can hold. Open another.")


def _no_room() -> RoomError:
    return RoomError("All class rooms of this server are taken. Please try again in an hour.")


@dataclass
class _Room:
    opened_at: float
    kept: dict[str, str] = field(default_factory=dict)


class OwnRooms:
    """Rooms in this process, for all of its threads.

    Parameters
    ----------
    clock : callable
        Returns seconds, as `time.monotonic`.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._rooms: OrderedDict[str, _Room] = OrderedDict()  # the oldest first

    def open(self) -> str:
        """Open a room; see `Rooms`."""
        with self._lock:
            self._close_old()
            if len(self._rooms) >= MAX_ROOMS:
                unused = next((code for code, room in self._rooms.items() if not room.kept), None)
                if unused is None:
                    raise _no_room()
                del self._rooms[unused]
            code = new_code()
            while code in self._rooms:
                code = new_code()
            self._rooms[code] = _Room(self._clock())
            return code

    def is_open(self, code: str) -> bool:
        """Return whether there is such a room."""
        with self._lock:
            self._close_old()
            return code in self._rooms

    def count(self, code: str, question: str, answer: str, browser: str) -> None:
        """Count an answer; see `Rooms`."""
        place = _place(question, browser)
        with self._lock:
            kept = self._kept(code)
            if place not in kept and len(kept) >= MAX_KEPT:
                raise _full()
            kept[place] = _shortened(answer)

    def counts(self, code: str) -> dict[str, Counter[str]]:
        """Return how often each answer was given; see `Rooms`."""
        with self._lock:
            return _counted(self._kept(code))

    def _kept(self, code: str) -> dict[str, str]:
        self._close_old()
        if code not in self._rooms:
            raise _closed(code)
        return self._rooms[code].kept

    def _close_old(self) -> None:
        now = self._clock()
        while self._rooms and now - next(iter(self._rooms.values())).opened_at >= LIFE_S:
            self._rooms.popitem(last=False)


# Each is one step for all replicas. A room is a hash that expires; the field "" keeps it while it
# is empty. The set of all rooms, by the time they were opened, bounds their number.
_OPEN = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[2]))
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 'taken' end
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[3]) then
  local unused = nil
  for _, code in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    if redis.call('HLEN', ARGV[4] .. code) <= 1 then unused = code break end
  end
  if not unused then return 'full' end
  redis.call('DEL', ARGV[4] .. unused)
  redis.call('ZREM', KEYS[2], unused)
end
redis.call('HSET', KEYS[1], '', '')
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 'open'
"""
_COUNT = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 'closed' end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0
    and redis.call('HLEN', KEYS[1]) > tonumber(ARGV[3]) then
  return 'full'
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 'counted'
"""
_PREFIX = "cnn-lab:room:"
_ALL = "cnn-lab:rooms"


class RedisRooms:
    """Rooms in a Redis server.

    Parameters
    ----------
    address : str
        Such as "redis://localhost:6379/0" or "rediss://:password@host:6380".

    Raises
    ------
    RoomError
        If the Redis client is not installed, or the address is not one.
    """

    def __init__(self, address: str) -> None:
        try:
            import redis
        except ModuleNotFoundError as error:
            raise RoomError(
                f"{REDIS.name} needs the Redis client: `pip install cnn-lab[redis]`."
            ) from error
        self._error = redis.RedisError
        try:
            self._client: Any = redis.Redis.from_url(
                address,
                decode_responses=True,
                socket_timeout=REDIS_TIMEOUT_S,
                socket_connect_timeout=REDIS_TIMEOUT_S,
            )
        except ValueError as error:
            raise RoomError(f"{REDIS.name} must be the address of a Redis server.") from error

    def open(self) -> str:
        """Open a room; see `Rooms`."""
        outcome = "taken"
        while outcome == "taken":
            code = new_code()
            with self._reaching():
                outcome = self._client.eval(
                    _OPEN, 2, _PREFIX + code, _ALL, code, LIFE_S, MAX_ROOMS, _PREFIX
                )
        if outcome == "full":
            raise _no_room()
        return code

    def is_open(self, code: str) -> bool:
        """Return whether there is such a room."""
        with self._reaching():
            return bool(self._client.exists(_PREFIX + code))

    def count(self, code: str, question: str, answer: str, browser: str) -> None:
        """Count an answer; see `Rooms`."""
        with self._reaching():
            outcome = self._client.eval(
                _COUNT,
                1,
                _PREFIX + code,
                _place(question, browser),
                _shortened(answer),
                MAX_KEPT,
            )
        if outcome == "closed":
            raise _closed(code)
        if outcome == "full":
            raise _full()

    def counts(self, code: str) -> dict[str, Counter[str]]:
        """Return how often each answer was given; see `Rooms`."""
        with self._reaching():
            kept: dict[str, str] = self._client.hgetall(_PREFIX + code)
        if not kept:
            raise _closed(code)
        del kept[""]
        return _counted(kept)

    @contextmanager
    def _reaching(self) -> "Iterator[None]":
        try:
            yield
        except self._error as error:
            raise RoomError("The class rooms cannot be reached at the moment.") from error


OWN = OwnRooms()


def rooms() -> Rooms:
    """Return the rooms of this server: in Redis with `CNN_LAB_REDIS`, else in this process.

    Raises
    ------
    RoomError
        If Redis cannot be used.
    """
    address = REDIS.value()
    return _redis_rooms(address) if address else OWN


@cache
def _redis_rooms(address: str) -> RedisRooms:
    return RedisRooms(address)


def new_browser() -> str:
    """Return a token for a browser at random; it names no one."""
    return secrets.token_hex(8)


def count_answer(assignment: Assignment, place: int, typed: str, browser: str) -> None:
    """Count what a learner has answered in the class room of a link, if it has one.

    Parameters
    ----------
    assignment : Assignment
    place : int
        Step of its lesson, or place of the question in the link, from 1.
    typed : str
        As `Case.check` takes it; a text that is no answer is not counted.
    browser : str
        From `new_browser`, kept in the session.

    Raises
    ------
    RoomError
        If it could not be counted.
    """
    asked = Asked.by(assignment, place)
    if assignment.room is None or asked is None:
        return
    case = asked.case
    if case.check(typed).readable:
        answer = answer_text(case.read(typed), case.form)
        rooms().count(assignment.room, asked.text, answer, browser)


def class_counts(code: str) -> dict[Asked, Counter[str]]:
    """Return how often each answer was given in a room, by question in their order.

    Raises
    ------
    RoomError
        If there is no such room, or it cannot be reached.
    """
    counts = {Asked.from_text(text): counts for text, counts in rooms().counts(code).items()}
    known = (asked for asked in counts if asked.lesson in LESSONS or not asked.lesson)
    return {asked: counts[asked] for asked in sorted(known)}
