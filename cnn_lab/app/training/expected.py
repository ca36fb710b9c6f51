"""What a reader expects of the loss before a run: asked for, and compared with what came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from cnn_lab.app.widgets.bound import number_within, only_read, unshown
from cnn_lab.app.widgets.inputs import fold, optional_number
from cnn_lab.charts.curves import Place, at_share, sketched
from cnn_lab.content import prose
from cnn_lab.content.words import listed
from cnn_lab.runs.job import RunSpec, Status

FOLD = "training_expect"
# When -> key and address parameter of the loss that is expected then.
KEYS = {when: f"training_expect_{when}" for when in ("start", "first", "half", "end")}
CURVES = "training_curves"  # the component on which a curve is sketched
_SKETCH = "training_expect_sketch"  # the curve, and the numbers that were read from it
_RUN = "training_expect_run"  # the active run that the numbers were last shown beside
MIN_LOSS, MAX_LOSS = 0.001, 10.0
USUAL_EPOCHS = 10
MIN_POINTS = 2
DECIMALS = 3


@dataclass(frozen=True)
class ExpectedLosses:
    """Losses that a reader expects.

    Attributes
    ----------
    numbers : tuple of (float or None)
        At the start, after the first epoch, after half of the epochs and at the end.
    sketch : tuple of (float, float)
        Shares of the run with the losses of a curve; empty if only the numbers are known.
    """

    numbers: tuple[float | None, ...] = (None,) * len(KEYS)
    sketch: tuple[Place, ...] = ()

    def after(self, n_epochs: int) -> dict[int, float]:
        """Return the losses expected after some of the epochs of a run; 0 is its start."""
        given = dict(zip(KEYS, self.numbers, strict=True))
        asked = asked_epochs(n_epochs).items()
        return {epoch: loss for when, epoch in asked if (loss := given[when]) is not None}

    def points(self, n_epochs: int) -> list[Place]:
        """Return epochs and losses to join by a line; none if there are fewer than two."""
        if self.sketch:
            return [(share * n_epochs, loss) for share, loss in self.sketch]
        points = sorted(self.after(n_epochs).items())
        return [*points] if len(points) >= MIN_POINTS else []


def asked_epochs(n_epochs: int) -> dict[str, int]:
    """Return the epochs after which a loss is asked for, each once.

    Examples
    --------
    >>> asked_epochs(5)
    {'start': 0, 'first': 1, 'half': 3, 'end': 5}
    >>> asked_epochs(2), asked_epochs(1)
    ({'start': 0, 'first': 1, 'end': 2}, {'start': 0, 'end': 1})
    """
    asked = {0: "start", n_epochs: "end"}
    for when, epoch in (("first", 1), ("half", (n_epochs + 1) // 2)):
        asked.setdefault(epoch, when)
    return {asked[epoch]: epoch for epoch in sorted(asked)}


def expected_losses() -> ExpectedLosses:
    """Return what the fields and the sketch say, whether they are shown or not."""
    allows = number_within(MIN_LOSS, MAX_LOSS)
    numbers = tuple(unshown(key, None, allows, float) for key in KEYS.values())
    curve, of = st.session_state.get(_SKETCH, ((), ()))
    return ExpectedLosses(numbers, curve if of == numbers else ())


def expectation_fold(spec: RunSpec | None, status: Status | None) -> bool:
    """Show a fold that asks for the losses that a reader expects.

    Parameters
    ----------
    spec : RunSpec or None
        The next run.
    status : Status or None
        Of the run that the page shows. What was expected of an earlier run is forgotten when
        another one has been started.

    Returns
    -------
    bool
        Whether to let the reader sketch a curve now, in the place of a finished one.
    """
    _follow(status)
    n_epochs = USUAL_EPOCHS if spec is None else spec.training.epochs
    part = fold("What do you expect?", FOLD, icon=":material/draw:")
    with part, only_read(when=not part.open):
        if part.open:
            st.markdown(prose("training", "expect"))
        row = st.container(horizontal=True, vertical_alignment="bottom") if part.open else part
        with row:
            for when, epoch in asked_epochs(n_epochs).items():
                optional_number(
                    f"After epoch {epoch}" if epoch else "At the start",
                    KEYS[when],
                    minimum=MIN_LOSS,
                    maximum=MAX_LOSS,
                    step=0.1,
                    on_change=_begin_again,
                )
            if part.open:
                st.button("Clear", key="training_expect_clear", on_click=clear)
    is_asking = bool(part.open) and (status is None or not status.active)
    return is_asking and not expected_losses().points(n_epochs)


def compared(expected: ExpectedLosses, n_epochs: int, epochs: Sequence[Mapping[str, float]]) -> str:
    """Return how expected losses differ from those of a run, as one sentence.

    Parameters
    ----------
    expected : ExpectedLosses
    n_epochs : int
        Of the run.
    epochs : sequence of mappings
        Its finished epochs, with their `val_loss`.

    Returns
    -------
    str
        Markdown; "" if nothing is expected.
    """
    after = expected.after(n_epochs)
    if not expected.points(n_epochs):
        return ""
    reached = {epoch: loss for epoch, loss in after.items() if 0 < epoch <= len(epochs)}
    if not reached:
        return prose("training", "expect_waits")
    was = listed([f"{epochs[epoch - 1]['val_loss']:.2f}" for epoch in reached])
    said = listed([f"**{loss:.2f}** after epoch {epoch}" for epoch, loss in reached.items()])
    return prose("training", "expect_was", expected=said, was=was)


def take_sketch(n_epochs: int) -> None:
    """Take over the curve that the browser has sent; the callback of the curves."""
    points = sketched(st.session_state[CURVES].get("chosen"))
    if not points:
        return
    clear()
    for when, epoch in asked_epochs(n_epochs).items():
        loss = at_share(points, epoch / n_epochs)
        st.session_state[KEYS[when]] = None if loss is None else round(loss, DECIMALS)
    numbers = tuple(st.session_state[key] for key in KEYS.values())
    st.session_state[_SKETCH] = (tuple(points), numbers)


def clear() -> None:
    """Forget what was expected."""
    for key in KEYS.values():
        st.session_state[key] = None
    st.session_state.pop(_SKETCH, None)
    _begin_again()


def _begin_again() -> None:
    st.session_state.pop(_RUN, None)


def _follow(status: Status | None) -> None:
    if status is None or not status.active or expected_losses() == ExpectedLosses():
        return
    if st.session_state.get(_RUN, status.run_id) != status.run_id:
        clear()
    else:
        st.session_state[_RUN] = status.run_id
