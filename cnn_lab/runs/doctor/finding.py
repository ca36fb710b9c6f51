"""One thing the doctor has to say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cnn_lab.content import prose

Severity = Literal["hint", "warning"]


@dataclass(frozen=True)
class Finding:
    """One thing that a run's numbers show.

    Attributes
    ----------
    rule : str
        A short name; no two findings of a run have the same.
    severity : {"hint", "warning"}
        Whether it can be better, or is going wrong.
    sentence, reason : str
        What is the matter; why that is a sign, with the run's own numbers. Markdown.
    changes : mapping of str to Any
        Fields of the TrainingSpec, with what they should be; may be empty.
    """

    rule: str
    severity: Severity
    sentence: str
    reason: str
    changes: Mapping[str, Any] = field(default_factory=dict)


def finding(
    rule: str,
    severity: Severity,
    section: str,
    changes: Mapping[str, Any] | None = None,
    **numbers: object,
) -> Finding:
    """Return a finding in the words of a section of `content/doctor.md`.

    The section's first paragraph is the sentence, the rest is the reason.
    """
    sentence, _, reason = prose("doctor", section, **numbers).partition("\n\n")
    return Finding(rule, severity, sentence, reason, dict(changes or {}))


def plain_rate(rate: float) -> float:
    """Return a rate with one digit that counts.

    Examples
    --------
    >>> plain_rate(0.0034), plain_rate(0.5 / 10)
    (0.003, 0.05)
    """
    return float(f"{rate:.1g}")
