"""Diagnosis of a run by all rules."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from cnn_lab.network.spec import NetworkSpec, TrainingSpec
from cnn_lab.runs.doctor.epochs import after_epochs
from cnn_lab.runs.doctor.evidence import Finding, curves_of
from cnn_lab.runs.doctor.network import idle_weights, silent_filters, tiny_batches
from cnn_lab.runs.doctor.rates import at_this_rate, poor_after_epoch
from cnn_lab.runs.snapshots import Snapshot


def diagnose(
    network: NetworkSpec,
    training: TrainingSpec,
    events: Sequence[Mapping[str, Any]],
    snapshots: Sequence[Snapshot],
) -> list[Finding]:
    """Return the findings about an active or finished run; most runs have none.

    Parameters
    ----------
    network, training : NetworkSpec, TrainingSpec
        Settings of the run.
    events : sequence of mappings
        The events so far: the "kind" of each and its values beside it, named as in
        `cnn_lab.runs.job.Event`.
    snapshots : sequence of Snapshot
        Oldest first.

    Returns
    -------
    list of Finding
        Warnings before hints.

    Notes
    -----
    Every rule waits for sufficient evidence. While the learning rate is wrong, its consequences
    are not reported. A thousand reports take about a millisecond.
    """
    rows = network.summary()
    curves = curves_of(math.prod(rows[-1].output_shape), training, events)
    rate = at_this_rate(curves)
    silent = silent_filters(rows, curves, snapshots) if rate is None else None
    poor = poor_after_epoch(curves) if rate is None and silent is None else None
    found = [
        rate,
        silent,
        poor,
        *(after_epochs(network, curves) if rate is None and poor is None else ()),
        idle_weights(network, rows),
        tiny_batches(training),
    ]
    findings = [finding for finding in found if finding is not None]
    return sorted(findings, key=lambda finding: finding.severity != "warning")
