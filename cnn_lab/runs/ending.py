"""How a run ends, whatever comes of it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnn_lab.runs.active_run import GoingRun
from cnn_lab.runs.job import State, TrainingFailedError
from cnn_lab.runs.outbox import Reached
from cnn_lab.runs.store import kept_sentence

if TYPE_CHECKING:
    from cnn_lab.runs.worker import Delivery

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ending:
    """The end of a run: its state, why in words, and what is left of it.

    Attributes
    ----------
    reached : Reached or None
        What the run came to; where it could not go on, what its last finished epoch had
        reached; None where there is nothing.
    worker_in_doubt : bool
        Whether it was the worker's end too, as far as can be seen from here.
    """

    state: State
    sentence: str
    reached: Reached | None = None
    worker_in_doubt: bool = False


def see_through(run: GoingRun, follow: "Callable[[], Delivery | None]") -> Ending:
    """Follow a run to its end, and return how it ended; nothing gets out as an exception."""
    try:
        delivery = follow()
    except TrainingFailedError as failure:
        state: State = "stopped" if run.stopping else "failed"  # it took no notice, and was ended
        sentence = f"{run.stopping} {failure}".strip()
        if run.reached is not None:
            sentence += f" {kept_sentence(run.reached.result)}"
        return Ending(state, sentence, run.reached, worker_in_doubt=True)
    except Exception as error:
        _log.exception("A training run ended unexpectedly.")
        return Ending("failed", f"Training failed with {type(error).__name__}.", run.reached)
    if delivery is None:
        return Ending("stopped", "Stopped before training began.")
    outcome = delivery.outcome
    reached = Reached(outcome.network, outcome.history, outcome.result)
    if outcome.cut_short:
        return Ending("stopped", run.stopping or outcome.cut_short, reached)
    return Ending("done", "", reached)
