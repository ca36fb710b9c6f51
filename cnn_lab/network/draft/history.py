"""The way back and forth through drafts."""

from dataclasses import dataclass, replace

from cnn_lab.network.spec import Draft

DEPTH = 60


@dataclass(frozen=True)
class History:
    """The drafts so far: the present one, those before it, and those that were undone.

    Examples
    --------
    >>> from cnn_lab.network.spec import Flatten
    >>> first = Draft(layers=(Flatten(name="flatten"),))
    >>> second = first.model_copy(update={"name": "second"})
    >>> history = History(first).then(second)
    >>> history.undone().present.name, history.undone().redone().present.name
    ('own', 'second')
    """

    present: Draft
    past: tuple[Draft, ...] = ()
    future: tuple[Draft, ...] = ()

    def then(self, draft: Draft) -> "History":
        """Return the history after a change, the last 60 kept; none if nothing changed."""
        if draft == self.present:
            return self
        return History(draft, (*self.past, self.present)[-DEPTH:])

    def undone(self) -> "History":
        """Return the history one change earlier; the same if there is none."""
        if not self.past:
            return self
        *past, present = self.past
        return replace(self, present=present, past=tuple(past), future=(self.present, *self.future))

    def redone(self) -> "History":
        """Return the history with the last undone change made again; the same if there is none."""
        if not self.future:
            return self
        present, *future = self.future
        return replace(self, present=present, past=(*self.past, self.present), future=tuple(future))
