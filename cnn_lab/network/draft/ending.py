"""Whether a network ends as one that tells ten classes apart must, and what is missing."""

from dataclasses import dataclass

from cnn_lab.network.draft.edits import added, changed, fresh_name, inserted, removed
from cnn_lab.network.draft.remedies import Remedy
from cnn_lab.network.spec import MAX_LAYERS, Dense, Draft, Fit, Layer

CLASSES = 10  # of every data set here


@dataclass(frozen=True)
class Ending:
    """What keeps a network that fits from telling classes apart.

    Attributes
    ----------
    problem : {"maps", "number", "scores", "twice"}
        It ends with maps; with another number of values than there are classes; with scores
        that are no probabilities; or with probabilities of probabilities.
    remedy : Remedy or None
        None where there is no room for another layer.
    """

    problem: str
    remedy: Remedy | None


def ending(draft: Draft, found: Fit) -> Ending | None:
    """Return what is wrong with the end of a draft whose layers fit, or None.

    Examples
    --------
    >>> from cnn_lab.network.spec import Flatten, fit
    >>> draft = Draft(layers=(Flatten(name="flatten"),))
    >>> ending(draft, fit(draft)).remedy.label
    'Add Dense with 10 units and Softmax'
    """
    softmaxes = [index for index, layer in enumerate(draft.layers) if _is_softmax(layer)]
    if len(found.shape) != 1:
        return Ending("maps", _appended(draft, "Flatten", "Dense", "Softmax"))
    if found.shape != (CLASSES,):
        return Ending("number", _of_ten(draft))
    if len(draft.layers) - 1 not in softmaxes:
        return Ending("scores", _appended(draft, "Softmax"))
    if len(softmaxes) > 1:
        return Ending("twice", _without_softmax(draft, softmaxes[0]))
    return None


def _is_softmax(layer: Layer) -> bool:
    return layer.type == "Softmax" or getattr(layer, "activation", "") == "softmax"


def _appended(draft: Draft, *types: str) -> Remedy | None:
    if len(draft.layers) + len(types) > MAX_LAYERS:
        return None
    longer = draft
    for type_ in types:
        end = len(longer.layers)
        if type_ == "Dense":
            name = fresh_name(longer.layers, type_)
            longer = inserted(longer, end, Dense(name=name, units=CLASSES))
        else:
            longer = added(longer, end, type_)
    words = [f"Dense with {CLASSES} units" if each == "Dense" else each for each in types]
    return Remedy(f"Add {', '.join(words[:-1])}{' and ' * (len(words) > 1)}{words[-1]}", longer)


def _of_ten(draft: Draft) -> Remedy | None:
    dense = [index for index, layer in enumerate(draft.layers) if isinstance(layer, Dense)]
    if not dense:
        return _appended(draft, "Dense", "Softmax")
    name = draft.layers[dense[-1]].name
    return Remedy(f"Set {name} to {CLASSES} units", changed(draft, dense[-1], units=CLASSES))


def _without_softmax(draft: Draft, index: int) -> Remedy:
    layer = draft.layers[index]
    if layer.type == "Softmax":
        return Remedy(f"Remove {layer.name}", removed(draft, index))
    return Remedy(f"Remove softmax from {layer.name}", changed(draft, index, activation="linear"))
