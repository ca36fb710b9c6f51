"""Reliability diagrams as SVG."""

from collections.abc import Mapping
from html import escape

from cnn_lab.charts.network import Look
from cnn_lab.digits.reliability import Group, Of, Reliability

SIDE_PX, LEFT_PX, RIGHT_PX, ABOVE_PX, BELOW_PX = 200, 40, 20, 24, 40
SIZE_PX = (LEFT_PX + SIDE_PX + RIGHT_PX, ABOVE_PX + SIDE_PX + BELOW_PX)
MIN_IN_GROUP = 10  # the accuracy of fewer answers says little
TEXT_PX = 11
MARK_PX = 5
TICKS = (0, 0.5, 1)


def reliability_svg(sets: Mapping[Of, Reliability], look: Look) -> str:
    """Return accuracy over probability: circles joined for the first set, squares for the second.

    Parameters
    ----------
    sets : mapping of Of to Reliability
        At most two. Groups of fewer than ten answers are left out.
    look : Look
    """
    width, height = SIZE_PX
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="{TEXT_PX}" '
        f'fill="{look.ink}">',
        f'<rect x="{LEFT_PX}" y="{ABOVE_PX}" width="{SIDE_PX}" height="{SIDE_PX}" fill="none" '
        f'stroke="{look.ink}" stroke-opacity=".35"/>',
        f'<path d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}" stroke="{look.ink}" stroke-opacity=".5" '
        'stroke-dasharray="4 3"/>',
    ]
    for tick in TICKS:
        parts += [
            _text(f"{tick:.0%}", _x(tick), _y(0) + 16, "middle"),
            _text(f"{tick:.0%}", LEFT_PX - 5, _y(tick) + 4, "end"),
        ]
    parts.append(_text("share that is right", 0, ABOVE_PX - 12, "start"))
    parts.append(_text("probability of the answer", _x(0.5), height - 8, "middle"))
    for (name, one), colour, round_px in zip(
        sets.items(), (look.ink, look.now), (MARK_PX, 0), strict=False
    ):
        groups = shown(one)
        line = "L".join(f"{_x(group.confidence)} {_y(group.accuracy)}" for group in groups)
        parts.append(f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        for group in groups:
            says = f"{name}: {group.n:,} answers, {group.accuracy:.0%} right"
            parts.append(
                f'<rect x="{_x(group.confidence) - MARK_PX:.1f}" '
                f'y="{_y(group.accuracy) - MARK_PX:.1f}" width="{2 * MARK_PX}" '
                f'height="{2 * MARK_PX}" rx="{round_px}" fill="{colour}">'
                f"<title>{escape(says)}</title></rect>"
            )
    return "".join([*parts, "</svg>"])


def shown(one: Reliability) -> list[Group]:
    """Return the groups with at least ten answers."""
    return [group for group in one.groups if group.n >= MIN_IN_GROUP]


def _x(share: float) -> float:
    return round(LEFT_PX + SIDE_PX * share, 1)


def _y(share: float) -> float:
    return round(ABOVE_PX + SIDE_PX * (1 - share), 1)


def _text(words: str, x: float, y: float, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{words}</text>'
