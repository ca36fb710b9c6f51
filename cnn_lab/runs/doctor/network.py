"""Rules about the network and its batches: dead filters, idle weights, tiny batches."""

from collections.abc import Sequence

from cnn_lab.content.words import shape_words
from cnn_lab.data.sets import n_training_images
from cnn_lab.network.spec import LayerSummary, NetworkSpec, TrainingSpec
from cnn_lab.runs.doctor.evidence import Curves, Finding, finding, plain_rate
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
        {"learning_rate": plain_rate(curves.used_rate / 10)},
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
    for layer, row in zip(network.layers, rows, strict=True):
        window = layer.window(row.input_shape)
        if window is None or not layer.convolves:
            continue
        size = row.input_shape[:2]
        used = 1
        for length, kernel, stride, (before, _), n in zip(
            size, *window, row.output_shape[:2], strict=True
        ):
            starts = range(-before, n * stride - before, stride)
            used *= sum(any(0 <= at + cell < length for at in starts) for cell in range(kernel))
        cells = window.size[0] * window.size[1]
        if used < cells:
            return finding(
                "maps_shrunk",
                "warning",
                "idle weights",
                layer=row.name,
                size=shape_words(size),
                window=shape_words(window.size),
                idle=cells - used,
                cells=cells,
            )
    return _single_pixels(network, rows)


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
                layer=row.name,
                size=shape_words(row.input_shape[:2]),
                later=", ".join(later),
            )
    return None


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
