"""Rules about the network and its batches: dead filters, idle weights, tiny batches."""

from collections.abc import Sequence
from typing import Any

from cnn_lab.content.words import shape_words
from cnn_lab.data.sets import n_training_images
from cnn_lab.network.spec import LayerSummary, NetworkSpec, TrainingSpec
from cnn_lab.ops.sizes import Window
from cnn_lab.runs.doctor.evidence import Curves, Finding, finding, lower_rate
from cnn_lab.runs.snapshots import Snapshot

SILENT_SHARE = 0.25  # a few filters are silent in every healthy network
EVIDENCE = 2  # snapshots in a row
TINY_BATCH, USUAL_BATCH, MANY_STEPS = 16, 64, 1000


def silent_filters(
    rows: Sequence[LayerSummary], curves: Curves, snapshots: Sequence[Snapshot]
) -> Finding | None:
    """Find filters that a ReLU has switched off for good."""
    latest = [snapshot for snapshot in snapshots if snapshot.n_images][-EVIDENCE:]
    if len(latest) < EVIDENCE:
        return None
    counts = {
        row.name: (min(s.silent.get(row.name, 0) for s in latest), row.output_shape[-1])
        for row in rows
        if row.name in latest[-1].silent
    }
    if not counts:
        return None
    name = max(counts, key=lambda name: counts[name][0] / counts[name][1])
    silent, n = counts[name]
    if silent < max(2, SILENT_SHARE * n):
        return None
    others = [f"{k} of {m} in {other}" for other, (k, m) in counts.items() if k and other != name]
    return finding(
        "dead_filters",
        "warning",
        "dead filters",
        {"learning_rate": lower_rate(curves)},
        silent=silent,
        n=n,
        layer=name,
        images=latest[-1].n_judged,
        others=f" The same goes for {', '.join(others)}." if others else "",
        rate=f"{curves.used_rate:g}",
    )


def idle_weights(network: NetworkSpec, rows: Sequence[LayerSummary]) -> Finding | None:
    """Find maps that are too small for the windows that slide over them.

    With "same" padding on a small map, some cells of a window never cover anything but padding.
    """
    for at, (layer, row) in enumerate(zip(network.layers, rows, strict=True)):
        window = layer.window(row.input_shape)
        if window is None or not layer.convolves:
            continue
        cells = window.size[0] * window.size[1]
        idle = _n_idle(window, row)
        if idle:
            return finding(
                "maps_shrunk",
                "warning",
                "idle weights",
                _with_larger_maps(network, at),
                layer=row.name,
                size=shape_words(row.input_shape[:2]),
                window=shape_words(window.size),
                idle=idle,
                cells=cells,
            )
    return _single_pixels(network, rows)


def _n_idle(window: Window, row: LayerSummary) -> int:
    """Return how many cells of a window lie on padding wherever it stands."""
    used = 1
    for length, kernel, stride, (before, _), n in zip(
        row.input_shape[:2], *window, row.output_shape[:2], strict=True
    ):
        starts = range(-before, n * stride - before, stride)
        used *= sum(any(0 <= at + cell < length for at in starts) for cell in range(kernel))
    return window.size[0] * window.size[1] - used


def _with_larger_maps(network: NetworkSpec, at: int) -> dict[str, Any]:
    """Return the network without the last pooling layer before a layer, if it then has a use.

    The nearest one is left out whose absence gives the layer's whole window something to see; if
    none does, nothing is offered.
    """
    for index in range(at - 1, -1, -1):
        layer = network.layers[index]
        if layer.convolves or not layer.window_field:
            continue
        layers = (*network.layers[:index], *network.layers[index + 1 :])
        try:
            smaller = NetworkSpec.model_validate(network.model_dump() | {"layers": layers})
        except ValueError:  # too many weights, for example
            continue
        row = smaller.summary()[at - 1]
        window = layers[at - 1].window(row.input_shape)
        if window is not None and not _n_idle(window, row):
            return {"network": smaller}
    return {}


def _single_pixels(network: NetworkSpec, rows: Sequence[LayerSummary]) -> Finding | None:
    """Find a layer that shrinks maps to a single pixel before later windows."""
    sliding = [row for layer, row in zip(network.layers, rows, strict=True) if layer.window_field]
    for at, row in enumerate(sliding):
        later = [after.name for after in sliding[at + 1 :]]
        shrinks = row.output_shape[:2] == (1, 1) != row.input_shape[:2]
        if shrinks and later:
            return finding(
                "maps_shrunk",
                "hint",
                "single pixels",
                _without(network, row.name),
                layer=row.name,
                size=shape_words(row.input_shape[:2]),
                later=", ".join(later),
            )
    return None


def _without(network: NetworkSpec, name: str) -> dict[str, Any]:
    """Return the network without a pooling layer; nothing for another layer."""
    layers = tuple(layer for layer in network.layers if layer.name != name or layer.convolves)
    if len(layers) == len(network.layers):
        return {}
    try:
        return {"network": NetworkSpec.model_validate(network.model_dump() | {"layers": layers})}
    except ValueError:
        return {}


def tiny_batches(training: TrainingSpec) -> Finding | None:
    """Find batches so small that an epoch takes far more steps than it needs."""
    n_images = n_training_images(training.data_set, training.data_fraction)
    steps = -(-n_images // training.batch_size)
    if training.batch_size >= TINY_BATCH or steps < MANY_STEPS:
        return None
    return finding(
        "tiny_batches",
        "hint",
        "tiny batches",
        {"batch_size": USUAL_BATCH},
        batch=training.batch_size,
        steps=f"{steps:,}",
        usual=USUAL_BATCH,
        fewer=f"{-(-n_images // USUAL_BATCH):,}",
    )
