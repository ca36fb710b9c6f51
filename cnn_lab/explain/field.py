"""How far a unit sees, layer by layer."""

from dataclasses import dataclass

from cnn_lab.explain.receptive_field import Patch, seen_by
from cnn_lab.network.spec import NetworkSpec


@dataclass(frozen=True)
class Sight:
    """What the unit of one layer sees of the image.

    Attributes
    ----------
    layer : str
    patch : Patch
        The part of the image, within its borders.
    """

    layer: str
    patch: Patch


def growing_sight(spec: NetworkSpec, layer: str, row: int, column: int) -> list[Sight]:
    """Return what a unit sees, and what units before it see around the same middle.

    Parameters
    ----------
    spec : NetworkSpec
    layer : str
    row, column : int
        Of the unit; of a row of numbers 0 and the unit.

    Returns
    -------
    list of Sight
        For each layer up to this one that sees farther than the one before it, the unit whose
        field lies nearest to the middle of the last one's; the layer itself comes last.
    """
    height, width, _ = spec.input_shape
    whole = seen_by(spec, layer, row, column).clipped(height, width)
    found: list[Sight] = []
    for summary in spec.summary():
        if summary.name == layer:
            break
        patch = _nearest(spec, summary.name, summary.output_shape, whole).clipped(height, width)
        if not found or (patch.rows, patch.columns) != _size(found[-1].patch):
            found.append(Sight(summary.name, patch))
    while found and _size(found[-1].patch) == _size(whole):
        found.pop()
    return [*found, Sight(layer, whole)]


def _size(patch: Patch) -> tuple[int, int]:
    return patch.rows, patch.columns


def _nearest(spec: NetworkSpec, layer: str, shape: tuple[int, ...], whole: Patch) -> Patch:
    """Return the field of a layer's unit that lies nearest to the middle of another's."""
    if len(shape) != 3:
        return seen_by(spec, layer, 0, 0)
    first = seen_by(spec, layer, 0, 0)
    last = seen_by(spec, layer, shape[0] - 1, shape[1] - 1)
    row = _unit(first.first_row, last.first_row, shape[0], whole.first_row, whole.rows - first.rows)
    column = _unit(
        first.first_column,
        last.first_column,
        shape[1],
        whole.first_column,
        whole.columns - first.columns,
    )
    return seen_by(spec, layer, row, column)


def _unit(first: int, last: int, n_units: int, start: int, room: int) -> int:
    """Return which of evenly spaced fields lies in the middle of a larger one, along an axis."""
    step = (last - first) / max(n_units - 1, 1)
    at = round((start + room / 2 - first) / step) if step else 0
    return min(max(at, 0), n_units - 1)
