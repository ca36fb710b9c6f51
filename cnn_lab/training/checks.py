"""Questions to Keras about single layers: a few at a time, and the newest answers."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cnn_lab.layer_check import (
    MAX_BYTES,
    Answer,
    CheckFailedError,
    CheckRefusedError,
    LayerCheck,
)

if TYPE_CHECKING:
    from cnn_lab.training.cluster import Cluster

MAX_UNDER_WAY = 4
KEPT_ANSWERS = 128

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckStatus:
    """How a check stands.

    Attributes
    ----------
    state : str
        "starting" until the worker has Keras in it, "asking", and at the end "answered" or
        "failed".
    sentence : str
        The same in words; of an answer, whether Keras agrees.
    answer : Answer or None
        Only of state "answered", be it agreement or not.
    """

    state: Literal["starting", "asking", "answered", "failed"]
    sentence: str
    answer: Answer | None = None

    @property
    def active(self) -> bool:
        """Whether anything is still to come."""
        return self.state in ("starting", "asking")


_STARTING = CheckStatus(
    "starting", "Starting Keras in a process of its own: about ten seconds the first time …"
)
_ASKING = CheckStatus("asking", "Asking Keras …")


class Checks:
    """Answers by the digest of their question, so nothing is asked twice.

    Parameters
    ----------
    cluster : callable
        Returns the cluster, making it if need be; called in a thread of its own.
    """

    def __init__(self, cluster: "Callable[[], Cluster]") -> None:
        self._cluster = cluster
        self._changed = threading.Condition()
        self._known: dict[str, CheckStatus] = {}

    def ask(self, request: LayerCheck) -> str:
        """Take a check, unless its answer is known or on its way; returns at once.

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
            if request.n_bytes > MAX_BYTES:
                raise CheckRefusedError(
                    f"A check takes at most {MAX_BYTES:,} bytes of numbers. A smaller picture "
                    f"would do. Received: bytes={request.n_bytes:,}"
                )
            if sum(status.active for status in self._known.values()) >= MAX_UNDER_WAY:
                raise CheckRefusedError(
                    f"{MAX_UNDER_WAY} checks are under way, which is as many as this server "
                    "takes. Please try again in a moment."
                )
            self._note(request.digest, _ASKING)
        threading.Thread(
            target=self._see_through, args=(request,), daemon=True, name="keras-check"
        ).start()
        return request.digest

    def status(self, digest: str) -> CheckStatus | None:
        """Return how a check stands; None if it was not asked for, or long ago."""
        with self._changed:
            return self._known.get(digest)

    def wait(self, digest: str, timeout_s: float) -> CheckStatus:
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

    def _see_through(self, request: LayerCheck) -> None:
        try:
            cluster = self._cluster()
            if not cluster.has_keras:
                self._note(request.digest, _STARTING)
            answer = cluster.check(request)
            status = CheckStatus("answered", answer.sentence, answer)
        except CheckFailedError as failure:
            status = CheckStatus("failed", str(failure))
        except Exception as error:
            _log.exception("A check ended in a way nobody foresaw.")
            status = CheckStatus("failed", f"The check failed with {type(error).__name__}.")
        self._note(request.digest, status)

    def _note(self, digest: str, status: CheckStatus) -> None:
        with self._changed:
            self._known.pop(digest, None)
            self._known[digest] = status
            ended = [name for name, known in self._known.items() if not known.active]
            for name in ended[: max(0, len(ended) - KEPT_ANSWERS)]:
                del self._known[name]
            self._changed.notify_all()
