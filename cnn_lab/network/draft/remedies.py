"""What would make a layer fit that does not: changes that were tried and work."""

from collections.abc import Iterator
from dataclasses import dataclass

from cnn_lab.network.draft.edits import added, changed, moved, removed
from cnn_lab.network.spec import (
    AveragePooling2D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Draft,
    Fit,
    GlobalAveragePooling2D,
    MaxPooling2D,
    fit,
)

MOST = 3
_WINDOWED = (Conv2D, DepthwiseConv2D, MaxPooling2D, AveragePooling2D)


@dataclass(frozen=True)
class Remedy:
    """One change that helps.

    Attributes
    ----------
    label : str
        What it does, as on a button.
    draft : Draft
        What comes of it.
    """

    label: str
    draft: Draft


def remedies(draft: Draft) -> list[Remedy]:
    """Return at most three changes after which the first layer that does not fit does.

    Later layers may still not fit. Without such a layer there is nothing to return.

    Examples
    --------
    >>> draft = Draft(layers=(Dense(name="dense1", units=10),))
    >>> [remedy.label for remedy in remedies(draft)]
    ['Insert Flatten before dense1', 'Insert GlobalAveragePooling2D before dense1']
    """
    found = fit(draft)
    if not found.reason:
        return []
    mending: list[Remedy] = []
    for remedy, reach in _candidates(draft, found):
        if len(mending) < MOST and len(fit(remedy.draft).rows) > reach:
            mending.append(remedy)
    return mending


def _candidates(draft: Draft, found: Fit) -> Iterator[tuple[Remedy, int]]:
    """Give changes worth trying, each with the number of layers that must fit before and after."""
    index = len(found.rows)
    layer = draft.layers[index]
    name = layer.name
    if len(found.shape) == 3 and isinstance(layer, Dense):
        for type_ in ("Flatten", "GlobalAveragePooling2D"):
            yield Remedy(f"Insert {type_} before {name}", added(draft, index, type_)), index + 1
    if len(found.shape) == 1 and isinstance(layer, (*_WINDOWED, GlobalAveragePooling2D)):
        flattens = next(n for n, row in enumerate(found.rows) if len(row.output_shape) == 1)
        flat = draft.layers[flattens].name
        yield Remedy(f"Move {name} before {flat}", moved(draft, index, flattens)), flattens
    if len(found.shape) == 3 and isinstance(layer, _WINDOWED):
        rows, columns = found.shape[:2]
        if layer.padding == "valid":
            same = changed(draft, index, padding="same")
            yield Remedy(f"Use padding “same” in {name}", same), index
        field = "kernel_size" if isinstance(layer, Conv2D | DepthwiseConv2D) else "pool_size"
        window = getattr(layer, field)
        fitting = (min(window[0], rows), min(window[1], columns))
        smaller = changed(draft, index, **{field: fitting})
        yield Remedy(f"Use a window of {fitting[0]} × {fitting[1]} in {name}", smaller), index
    if isinstance(layer, Conv2D | Dense):
        yield from _fewer(draft, index, "filters" if isinstance(layer, Conv2D) else "units")
    if isinstance(layer, Conv2D) and max(layer.strides) == 1:
        yield Remedy(f"Set the stride of {name} to 2", changed(draft, index, strides=(2, 2))), index
    flat_at = next((n for n, row in enumerate(found.rows) if row.type == "Flatten"), None)
    if flat_at is not None and isinstance(layer, Dense):
        before = draft.layers[flat_at].name
        pooled = added(draft, flat_at, "MaxPooling2D")
        yield Remedy(f"Insert MaxPooling2D before {before}", pooled), index + 1
    if len(draft.layers) > 1:
        yield Remedy(f"Remove {name}", removed(draft, index)), index - 1


def _fewer(draft: Draft, index: int, field: str) -> Iterator[tuple[Remedy, int]]:
    """Give the largest number of filters or units with which as many layers fit as with one."""
    layer = draft.layers[index]

    def reach(number: int) -> int:
        return len(fit(changed(draft, index, **{field: number})).rows)

    furthest = reach(1)
    low, high = 0, int(getattr(layer, field))
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
