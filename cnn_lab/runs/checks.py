"""Questions to Keras that a page waits for: a few at a time, and the newest answers."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar

from cnn_lab.concepts.checks import MAX_BYTES, CheckFailedError, CheckRefusedError

if TYPE_CHECKING:
    from cnn_lab.runs.cluster import Cluster

MAX_UNDER_WAY = 4
KEPT_ANSWERS = 128

_log = logging.getLogger(__name__)


class Question(Protocol):
    """What is sent to Keras."""

    @property
    def digest(self) -> str:
        """The same for the same question, and for no other."""

    @property
    def n_bytes(self) -> int:
        """How much of it is numbers."""


class Reply(Protocol):
    """What comes back."""

    @property
    def sentence(self) -> str:
        """The reply in words."""


Q = TypeVar("Q", bound=Question)
A = TypeVar("A", bound=Reply)


@dataclass(frozen=True)
class CheckStatus(Generic[A]):
    """How a question stands.

    Attributes
    ----------
    state : str
        "starting" until the worker has Keras in it, "asking", and at the end "answered" or
        "failed".
    sentence : str
        The same in words; of an answer, what it says.
    answer : Reply or None
        Only of state "answered".
    """

    state: Literal["starting", "asking", "answered", "failed"]
    sentence: str
    answer: A | None = None

    @property
    def active(self) -> bool:
        """Whether anything is still to come."""
        return self.state in ("starting", "asking")


_STARTING = "Starting Keras in a separate process: about ten seconds the first time …"
_ASKING = "Waiting for Keras …"


class Checks(Generic[Q, A]):
    """Answers by the digest of their question, so nothing is asked twice.

    Parameters
    ----------
    cluster : callable
        Returns the cluster, making it if need be; called in a thread of its own.
    ask : callable
        Asks a cluster, and waits for the answer.
    max_bytes : int
        The largest question.
    kept : int
        How many answers are.
    """

    def __init__(
        self,
        cluster: "Callable[[], Cluster]",
        ask: "Callable[[Cluster, Q], A]",
        *,
        max_bytes: int = MAX_BYTES,
        kept: int = KEPT_ANSWERS,
    ) -> None:
        self._cluster, self._ask = cluster, ask
        self._max_bytes, self._kept = max_bytes, kept
        self._changed = threading.Condition()
        self._known: dict[str, CheckStatus[A]] = {}

    def ask(self, request: Q) -> str:
        """Take a question, unless its answer is known or on its way; returns at once.

        Returns
        -------
        str
            The request's digest, under which `status` finds it.

        Raises
        ------
        CheckRefusedError
            If too many are under way, or the arrays are too large.
        """
        with self._changed:
            before = self._known.get(request.digest)
            if before is not None and before.state != "failed":
                return request.digest
            if request.n_bytes > self._max_bytes:
                raise CheckRefusedError(
                    f"A check accepts at most {self._max_bytes:,} bytes of numbers. Use a smaller "
                    f"picture. Received: bytes={request.n_bytes:,}"
                )
            if sum(status.active for status in self._known.values()) >= MAX_UNDER_WAY:
                raise CheckRefusedError(
                    f"{MAX_UNDER_WAY} checks are running, which is the most this server "
                    "accepts. Please try again in a moment."
                )
            self._note(request.digest, CheckStatus("asking", _ASKING))
        threading.Thread(
            target=self._see_through, args=(request,), daemon=True, name="keras-check"
        ).start()
        return request.digest

    def status(self, digest: str) -> CheckStatus[A] | None:
        """Return how a check stands; None if it was not asked for, or long ago."""
        with self._changed:
            return self._known.get(digest)

    def wait(self, digest: str, timeout_s: float) -> CheckStatus[A]:
        """Return the status of a check that has ended.

        Raises
        ------
        TimeoutError
            If that takes longer than `timeout_s`.
        """

        def ended() -> bool:
            status = self._known.get(digest)
            return status is not None and not status.active

        with self._changed:
            if not self._changed.wait_for(ended, timeout_s):
                raise TimeoutError(f"Check {digest} has no answer yet.")
            return self._known[digest]

    def _see_through(self, request: Q) -> None:
        status: CheckStatus[A]
        try:
            cluster = self._cluster()
            if not cluster.has_keras:
                self._note(request.digest, CheckStatus("starting", _STARTING))
            answer = self._ask(cluster, request)
            status = CheckStatus("answered", answer.sentence, answer)
        except CheckFailedError as failure:
            status = CheckStatus("failed", str(failure))
        except Exception as error:
            _log.exception("A check ended unexpectedly.")
            status = CheckStatus("failed", f"The check failed with {type(error).__name__}.")
        self._note(request.digest, status)

    def _note(self, digest: str, status: CheckStatus[A]) -> None:
        with self._changed:
            self._known.pop(digest, None)
            self._known[digest] = status
            ended = [name for name, known in self._known.items() if not known.active]
            for name in ended[: max(0, len(ended) - self._kept)]:
                del self._known[name]
            self._changed.notify_all()
