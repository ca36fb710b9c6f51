"""Editing of drafts: changes, fixes and history."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from cnn_lab.content.words import listed, shape_words
from cnn_lab.network.layers import LAYER_TYPES
from cnn_lab.network.layers.base import BaseLayer
from cnn_lab.network.spec import (
    DIGIT_SHAPE,
    MAX_LAYERS,
    N_DIGITS,
    Draft,
    Fit,
    Layer,
    LayerSummary,
    Shape,
    fit,
)

CLASSES = 10  # in every data set of the lab
MAX_REMEDIES = 3
MAX_UNDO = 60
_LAYER: TypeAdapter[Layer] = TypeAdapter(Layer)


def new_layer(type_: str, name: str) -> Layer:
    """Return a new layer of a type with its initial settings.

    Examples
    --------
    >>> new_layer("Dense", "dense1").words
    'Dense, relu'
    """
    fresh = LAYER_TYPES[type_].fresh
    return _LAYER.validate_python({"type": type_, "name": name} | fresh)


def fresh_name(layers: Sequence[Layer], type_: str) -> str:
    """Return a name that is not taken yet.

    Examples
    --------
    >>> from cnn_lab.network.spec import Conv2D
    >>> fresh_name((Conv2D(name="conv1", filters=8, kernel_size=(3, 3)),), "Conv2D")
    'conv2'
    """
    taken = {layer.name for layer in layers}
    stem, numbers_first = LAYER_TYPES[type_].stem, LAYER_TYPES[type_].numbers_first
    if not numbers_first and stem not in taken:
        return stem
    number = 1 if numbers_first else 2
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"


def added(draft: Draft, index: int, type_: str) -> Draft:
    """Return the draft with a new layer of a type before layer `index`."""
    layer = new_layer(type_, fresh_name(draft.layers, type_))
    return inserted(draft, index, layer)


def inserted(draft: Draft, index: int, layer: Layer) -> Draft:
    """Return the draft with a layer inserted before layer `index`; len(layers) is the end."""
    return _with(draft, [*draft.layers[:index], layer, *draft.layers[index:]])


def removed(draft: Draft, index: int) -> Draft:
    """Return the draft without a layer; ValueError if it is the only one."""
    return _with(draft, [*draft.layers[:index], *draft.layers[index + 1 :]])


def moved(draft: Draft, index: int, to: int) -> Draft:
    """Return the draft with a layer moved."""
    layers = list(draft.layers)
    layers.insert(to, layers.pop(index))
    return _with(draft, layers)


def duplicated(draft: Draft, index: int) -> Draft:
    """Return the draft with a copy of a layer after it, under a new name."""
    layer = draft.layers[index]
    name = fresh_name(draft.layers, layer.type)
    return inserted(draft, index + 1, layer.model_copy(update={"name": name}))


def changed(draft: Draft, index: int, **fields: Any) -> Draft:
    """Return the draft with changed settings of a layer.

    Raises
    ------
    pydantic.ValidationError
        A ValueError if a setting is out of bounds, or another layer has that name.
    """
    layer = draft.layers[index]
    new = _LAYER.validate_python(layer.model_dump() | fields)
    return _with(draft, [*draft.layers[:index], new, *draft.layers[index + 1 :]])


def with_input(draft: Draft, shape: Shape) -> Draft:
    """Return the draft for images of another shape; ValueError if it is out of bounds."""
    return Draft.model_validate({"name": draft.name, "input_shape": shape, "layers": draft.layers})


def separated(draft: Draft, index: int) -> Draft:
    """Return the draft with a depthwise and a 1x1 convolution in place of a standard one.

    Raises
    ------
    ValueError
        If the layer cannot be split; see `BaseLayer.separated`.
    """
    layer = draft.layers[index]
    pair = layer.separated(fresh_name(draft.layers, "DepthwiseConv2D"))
    if pair is None:
        raise ValueError(
            "Only a convolution with a window larger than 1 × 1 and equal strides can be split. "
            f"Received: {layer.name}"
        )
    return _with(draft, [*draft.layers[:index], *pair, *draft.layers[index + 1 :]])


def _with(draft: Draft, layers: Sequence[BaseLayer]) -> Draft:
    return Draft.model_validate(
        {"name": draft.name, "input_shape": draft.input_shape, "layers": tuple(layers)}
    )


@dataclass(frozen=True)
class Remedy:
    """Change that fixes a problem.

    Attributes
    ----------
    label : str
        Text for a button.
    draft : Draft
        Draft after the change.
    """

    label: str
    draft: Draft


def remedies(draft: Draft) -> list[Remedy]:
    """Return at most three changes that make the first misfitting layer fit.

    Later layers may still not fit. Empty if all layers fit.

    Examples
    --------
    >>> from cnn_lab.network.spec import Dense
    >>> draft = Draft(layers=(Dense(name="dense1", units=10),))
    >>> [remedy.label for remedy in remedies(draft)]
    ['Insert Flatten before dense1', 'Insert GlobalAveragePooling2D before dense1']
    """
    found = fit(draft)
    if not found.reason:
        return []
    mending: list[Remedy] = []
    for remedy, reach in _candidates(draft, found):
        if len(mending) < MAX_REMEDIES and len(fit(remedy.draft).rows) > reach:
            mending.append(remedy)
    return mending


def _candidates(draft: Draft, found: Fit) -> Iterator[tuple[Remedy, int]]:
    """Yield changes to try, each with the number of layers that must fit afterwards."""
    index = len(found.rows)
    layer = draft.layers[index]
    name = layer.name
    if len(found.shape) == 3 and layer.dense:
        for type_ in ("Flatten", "GlobalAveragePooling2D"):
            yield Remedy(f"Insert {type_} before {name}", added(draft, index, type_)), index + 1
    if len(found.shape) == 1 and layer.takes_maps:
        flattens = next(n for n, row in enumerate(found.rows) if len(row.output_shape) == 1)
        flat = draft.layers[flattens].name
        yield Remedy(f"Move {name} before {flat}", moved(draft, index, flattens)), flattens
    settings = dict(layer)
    if len(found.shape) == 3 and layer.window_field:
        rows, columns = found.shape[:2]
        if settings["padding"] == "valid":
            same = changed(draft, index, padding="same")
            yield Remedy(f"Use padding “same” in {name}", same), index
        window = settings[layer.window_field]
        fitting = (min(window[0], rows), min(window[1], columns))
        smaller = changed(draft, index, **{layer.window_field: fitting})
        yield Remedy(f"Use a window of {shape_words(fitting)} in {name}", smaller), index
    if layer.width_field:
        yield from _fewer(draft, index, layer.width_field)
    if layer.width_field and settings.get("strides") == (1, 1):
        yield Remedy(f"Set the stride of {name} to 2", changed(draft, index, strides=(2, 2))), index
    flat_at = next((n for n, row in enumerate(found.rows) if _flattens(row)), None)
    if flat_at is not None and layer.dense:
        before = draft.layers[flat_at].name
        pooled = added(draft, flat_at, "MaxPooling2D")
        yield Remedy(f"Insert MaxPooling2D before {before}", pooled), index + 1
    if len(draft.layers) > 1:
        yield Remedy(f"Remove {name}", removed(draft, index)), index - 1


def _flattens(row: LayerSummary) -> bool:
    return len(row.input_shape) == 3 and row.output_shape == (math.prod(row.input_shape),)


def _fewer(draft: Draft, index: int, field: str) -> Iterator[tuple[Remedy, int]]:
    """Yield the change to the largest number of filters or units that fits."""
    layer = draft.layers[index]

    def reach(number: int) -> int:
        return len(fit(changed(draft, index, **{field: number})).rows)

    furthest = reach(1)
    low, high = 0, int(dict(layer)[field])
    while furthest > index and high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if reach(middle) == furthest else (low, middle)
    if low:
        yield (
            Remedy(
                f"Reduce {layer.name} to {low:,} {field}", changed(draft, index, **{field: low})
            ),
            index,
        )


@dataclass(frozen=True)
class OutputProblem:
    """Problem at the end of a network whose layers fit.

    Attributes
    ----------
    kind : {"maps", "number", "scores", "twice"}
        The network ends with maps; with a number of values other than the number of classes, or
        than eleven for digits and what is none;
        with scores instead of probabilities; or with two softmaxes.
    remedy : Remedy or None
        None if the network already has the maximum number of layers.
    """

    kind: str
    remedy: Remedy | None


def output_problem(draft: Draft, found: Fit) -> OutputProblem | None:
    """Return the problem at the end of a draft whose layers fit, or None.

    Examples
    --------
    >>> from cnn_lab.network.spec import Flatten
    >>> draft = Draft(layers=(Flatten(name="flatten"),))
    >>> output_problem(draft, fit(draft)).remedy.label
    'Add Dense with 10 units and Softmax'
    """
    softmaxes = [n for n, layer in enumerate(draft.layers) if layer.nonlinearity == "softmax"]
    if len(found.shape) != 1:
        return OutputProblem("maps", _appended(draft, "Flatten", "Dense", "Softmax"))
    is_last = len(draft.layers) - 1 in softmaxes
    also_non_digits = is_last and (draft.input_shape, found.shape) == (DIGIT_SHAPE, (N_DIGITS + 1,))
    if found.shape != (CLASSES,) and not also_non_digits:
        return OutputProblem("number", _of_ten(draft))
    if not is_last:
        return OutputProblem("scores", _appended(draft, "Softmax"))
    if len(softmaxes) > 1:
        return OutputProblem("twice", _without_softmax(draft, softmaxes[0]))
    return None


def _appended(draft: Draft, *types: str) -> Remedy | None:
    if len(draft.layers) + len(types) > MAX_LAYERS:
        return None
    longer = draft
    words = []
    for type_ in types:
        end = len(longer.layers)
        longer = added(longer, end, type_)
        words.append(type_)
        if longer.layers[end].dense:
            longer = changed(longer, end, units=CLASSES, activation="linear")
            words[-1] = f"{type_} with {CLASSES} units"
    return Remedy(f"Add {listed(words)}", longer)


def _of_ten(draft: Draft) -> Remedy | None:
    dense = [index for index, layer in enumerate(draft.layers) if layer.dense]
    if not dense:
        return _appended(draft, "Dense", "Softmax")
    name = draft.layers[dense[-1]].name
    return Remedy(f"Set {name} to {CLASSES} units", changed(draft, dense[-1], units=CLASSES))


def _without_softmax(draft: Draft, index: int) -> Remedy:
    layer = draft.layers[index]
    if layer.before_softmax() is None:
        return Remedy(f"Remove {layer.name}", removed(draft, index))
    return Remedy(f"Remove softmax from {layer.name}", changed(draft, index, activation="linear"))


@dataclass(frozen=True)
class History:
    """Undo history: the current draft, earlier ones, and undone ones.

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
        """Return the history after a change, limited to the last 60 drafts."""
        if draft == self.present:
            return self
        return History(draft, (*self.past, self.present)[-MAX_UNDO:])

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
