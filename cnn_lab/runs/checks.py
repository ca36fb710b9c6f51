"""Requests to Keras from pages, and the latest answers.

`Checks` holds them; a `LayerCheck` asks for the output of a layer, a `KerasFileRequest` for a
network as a .keras file.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Generic, Literal, Protocol, TypeVar

from cnn_lab.concepts.checks import MAX_BYTES, CheckFailedError, CheckRefusedError
from cnn_lab.content.words import data_size

MAX_UNDER_WAY = 4
KEPT_ANSWERS = 128

_log = logging.getLogger(__name__)


class Request(Protocol):
    """Request to Keras."""

    @property
    def digest(self) -> str:
        """Hash that identifies the request."""

    @property
    def n_bytes(self) -> int:
        """Size of the request in bytes."""


class Reply(Protocol):
    """Reply of Keras."""

    @property
    def sentence(self) -> str:
        """The reply as a sentence."""


RequestT = TypeVar("RequestT", bound=Request)
ReplyT = TypeVar("ReplyT", bound=Reply)


@dataclass(frozen=True)
class CheckStatus(Generic[ReplyT]):
    """Status of a request.

    Attributes
    ----------
    state : str
        "starting" until the worker has loaded Keras, "asking", and at the end "answered" or
        "failed".
    sentence : str
        The state, or the reply, as a sentence.
    answer : Reply or None
        None until the state is "answered".
    """

    state: Literal["starting", "asking", "answered", "failed"]
    sentence: str
    answer: ReplyT | None = None

    @property
    def active(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in ("starting", "asking")


_STARTING = "Starting Keras in a separate process: about ten seconds the first time …"
_ASKING = "Waiting for Keras …"


class Checks(Generic[RequestT, ReplyT]):
    """Replies by the hash of their request, so that nothing is computed twice.

    Parameters
    ----------
    answer : callable
        Sends a request to Keras and waits for the reply; called in a separate thread.
    has_keras : callable
        Returns whether Keras has been loaded, so that an answer takes less than a second.
    max_bytes : int
        Size limit of a request.
    kept : int
        Number of answers to keep.
    """

    def __init__(
        self,
        answer: Callable[[RequestT], ReplyT],
        has_keras: Callable[[], bool],
        *,
        max_bytes: int = MAX_BYTES,
        kept: int = KEPT_ANSWERS,
    ) -> None:
        self._answer, self._has_keras = answer, has_keras
        self._max_bytes, self._kept = max_bytes, kept
        self._changed = threading.Condition()
        self._known: dict[str, CheckStatus[ReplyT]] = {}

    def ask(self, request: RequestT) -> str:
        """Submit a request unless its answer is known or pending; returns immediately.

        Returns
        -------
        str
            The request's hash, for `status`.

        Raises
        ------
        CheckRefusedError
            If there are too many pending requests, or the request is too large.
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

    def status(self, digest: str) -> CheckStatus[ReplyT] | None:
        """Return the status of a request; None if it is unknown or no longer kept."""
        with self._changed:
            return self._known.get(digest)

    def wait(self, digest: str, timeout_s: float) -> CheckStatus[ReplyT]:
        """Wait for a request to end, and return its status.

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

    def _see_through(self, request: RequestT) -> None:
        status: CheckStatus[ReplyT]
        try:
            if not self._has_keras():
                self._note(request.digest, CheckStatus("starting", _STARTING))
            answer = self._answer(request)
            status = CheckStatus("answered", answer.sentence, answer)
        except CheckFailedError as failure:
            status = CheckStatus("failed", str(failure))
        except Exception as error:
            _log.exception("A check ended unexpectedly.")
            status = CheckStatus("failed", f"The check failed with {type(error).__name__}.")
        self._note(request.digest, status)

    def _note(self, digest: str, status: CheckStatus[ReplyT]) -> None:
        with self._changed:
            self._known.pop(digest, None)
            self._known[digest] = status
            ended = [name for name, known in self._known.items() if not known.active]
            for name in ended[: max(0, len(ended) - self._kept)]:
                del self._known[name]
            self._changed.notify_all()


@dataclass(frozen=True)
class KerasFileRequest:
    """A request for a network as a `KerasFile`.

    Attributes
    ----------
    weights : bytes
        A .safetensors file of the lab.
    """

    weights: bytes

    @cached_property
    def digest(self) -> str:
        """Hash of the weights."""
        return sha256(self.weights).hexdigest()

    @property
    def n_bytes(self) -> int:
        """Size of the request in bytes."""
        return len(self.weights)


@dataclass(frozen=True)
class KerasFile:
    """Network as a file for `keras.models.load_model`.

    Attributes
    ----------
    content : bytes
    keras : str
        Keras version that wrote it.
    """

    content: bytes
    keras: str

    @property
    def sentence(self) -> str:
        """Version and size as a sentence."""
        return f"Written by Keras {self.keras}: {data_size(len(self.content))}."
