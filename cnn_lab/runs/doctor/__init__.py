"""What a run's own numbers say is going wrong, why that is a sign, and what to change."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from cnn_lab.network.spec import NetworkSpec, TrainingSpec
from cnn_lab.runs.doctor.building import idle_weights, silent_filters, tiny_batches
from cnn_lab.runs.doctor.course import read_course
from cnn_lab.runs.doctor.epochs import after_epochs
from cnn_lab.runs.doctor.finding import Finding
from cnn_lab.runs.doctor.rates import at_this_rate
from cnn_lab.runs.snapshot import Snapshot

__all__ = ["Finding", "diagnose"]


def diagnose(
    network: NetworkSpec,
    training: TrainingSpec,
    events: Sequence[Mapping[str, Any]],
    snapshots: Sequence[Snapshot],
) -> list[Finding]:
    """Return what there is to say of a run, be it going on or over; mostly nothing.

    Parameters
    ----------
    network, training : NetworkSpec, TrainingSpec
        What the run was asked to do.
    events : sequence of mappings
        What has happened so far: the "kind" of each and its values beside it, as
        `training.job.Event` names them. "diverged" says that the loss is no number any more.
    snapshots : sequence of Snapshot
        Oldest first.

    Returns
    -------
    list of Finding
        Warnings before hints.

    Notes
    -----
    Every rule waits for evidence. While the learning rate is wrong, nothing is said of what
    follows from it. A thousand reports take about a millisecond.
    """
    rows = network.summary()
    course = read_course(math.prod(rows[-1].output_shape), training, events)
    rate = at_this_rate(course)
    found = [
        rate,
        *(after_epochs(network, course) if rate is None else ()),
        silent_filters(rows, course, snapshots) if rate is None else None,
        idle_weights(network, rows),
        tiny_batches(training),
    ]
    findings = [finding for finding in found if finding is not None]
    return sorted(findings, key=lambda finding: finding.severity != "warning")
