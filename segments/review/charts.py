"""The charts of the review as SVG text: no script, no network, readable in print.

Belongs here: drawing numbers. Does not: which numbers (`content.py`), the page around them.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from segments.vocabulary import GOLD, IRON, LEAD, NOT_SCORED, PLATINUM

INK, SOFT, LINE, GOOD, BAD, BLUE = "#1d2939", "#667085", "#e4e7ec", "#2f8f6b", "#c4513c", "#3b6fb6"
COLOURS: Final = {PLATINUM: "#5a6fa8", GOLD: "#dba63a", IRON: "#8492a6", LEAD: "#b3aea5", NOT_SCORED: "#dcdfe4"}
_WIDE = 720
_NODE = 14
_LONGEST_NAME = 30
Flows = Mapping[tuple[str, str], int]


def sankey(flows: Flows, *, order: Sequence[str], height: int = 320) -> str:
    """Who went from which class to which.

    Args:
        flows: customers by (before, now), all above 0.
        order: the classes from top to bottom.
        height: in pixels.
    """
    total = sum(flows.values())
    if not total:
        return ""
    gap = 12
    scale = (height - gap * (len(order) - 1)) / total
    left, right = (_tops(flows, order, side, scale, gap) for side in (0, 1))
    parts, used = [], {("l", name): 0.0 for name in order} | {("r", name): 0.0 for name in order}
    for before in order:
        for now in order:
            thick = flows.get((before, now), 0) * scale
            if thick:
                y0, y1 = left[before][0] + used["l", before], right[now][0] + used["r", now]
                parts.append(_band(y0, y1, thick, COLOURS[before], title=f"{before} → {now}: {flows[before, now]:,}"))
                used["l", before] += thick
                used["r", now] += thick
    for tops, x, label_x, anchor in ((left, 150, 140, "end"), (right, _WIDE - 164, _WIDE - 142, "start")):
        for name, (top, customers) in tops.items():
            if customers:
                tall = customers * scale
                parts.append(_box(x, top, _NODE, tall, COLOURS[name]))
                parts.append(_text(label_x, top + tall / 2 + 4, f"{name} {customers:,}", anchor=anchor))
    return _svg(_WIDE, height + gap * 2, parts, "Customers by tier, then and now")


def waterfall(steps: Sequence[tuple[str, float, bool]], labels: Sequence[str], *, height: int = 260) -> str:
    """A bridge: totals stand on the ground, steps hang between them.

    Args:
        steps: (name, amount, whether it is a total); a step's amount is the change.
        labels: the amounts as text.
        height: in pixels.
    """
    spans, level = [], 0.0
    for _, amount, is_total in steps:
        start = 0.0 if is_total else level
        level = amount if is_total else level + amount
        spans.append((start, level))
    top = max((max(span) for span in spans), default=0.0)
    if top <= 0:
        return ""
    inner, width = height - 70, _WIDE / len(steps)
    parts = [_rule(inner + 24)]
    for place, ((name, amount, is_total), (start, end)) in enumerate(zip(steps, spans, strict=True)):
        high, low = (24 + inner * (1 - max(value, 0) / top) for value in (max(start, end), min(start, end)))
        colour = INK if is_total else GOOD if amount >= 0 else BAD
        x = place * width + width * 0.18
        parts.append(_box(x, high, width * 0.64, max(low - high, 1.5), colour))
        parts.append(_text(x + width * 0.32, high - 6, labels[place], anchor="middle", weight=600))
        parts += _wrapped(x + width * 0.32, inner + 42, name)
    return _svg(_WIDE, height, parts, "The bridge of customer equity")


def predicted_and_actual(points: Sequence[tuple[str, float, float, float, float]], *, height: int = 200) -> str:
    """Shares predicted (ring) and actual with their interval (dot and bar), one pair a night.

    Args:
        points: (label, predicted, actual, low, high), all from 0 to 1, the oldest first.
        height: in pixels.
    """
    if not points:
        return ""
    top = min(1.0, max(max(point[1:]) for point in points) + 0.02)
    bottom = max(0.0, min(min(point[1:]) for point in points) - 0.05)
    inner, width = height - 44, (_WIDE - 60) / len(points)
    every = max(1, math.ceil(len(points) / 8))

    def y(value: float) -> float:
        return 12 + inner * (1 - (value - bottom) / (top - bottom))

    parts = []
    for share in (bottom, (bottom + top) / 2, top):
        parts += [_rule(y(share), start=48), _text(42, y(share) + 4, f"{share:.0%}", anchor="end", colour=SOFT)]
    for place, (label, predicted, actual, low, high) in enumerate(points):
        x = 60 + width * (place + 0.5)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y(low):.1f}" y2="{y(high):.1f}" stroke="{BLUE}" '
            'stroke-width="6" stroke-opacity=".3" stroke-linecap="round"/>'
        )
        parts.append(f'<circle cx="{x:.1f}" cy="{y(actual):.1f}" r="4" fill="{BLUE}"/>')
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y(predicted):.1f}" r="6" fill="none" stroke="{INK}" stroke-width="2"/>'
        )
        if place % every == 0:
            parts.append(_text(x, height - 8, label, anchor="middle", colour=SOFT))
    return _svg(_WIDE, height, parts, "Churn predicted and churn that came")


def share_against_line(share: float, low: float, high: float, line: float) -> str:
    """A share with its interval against a line that should not be passed; all from 0 to 1."""
    top = max(high, line) * 1.25 + 0.01

    def x(value: float) -> float:
        return 10 + (_WIDE - 20) * value / top

    colour = BAD if low > line else GOOD
    parts = [
        _box(10, 34, _WIDE - 20, 18, LINE, radius=9),
        _box(10, 34, x(share) - 10, 18, colour, radius=9),
        f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="43" y2="43" stroke="{INK}" stroke-width="2"/>',
        f'<line x1="{x(line):.1f}" x2="{x(line):.1f}" y1="24" y2="62" stroke="{INK}" stroke-dasharray="3 3"/>',
        _text(x(line), 18, f"natural {line:.0%}", anchor="middle"),
        _text(x(share), 78, f"{share:.1%} ({low:.1%} to {high:.1%})", anchor="middle", weight=600),
    ]
    return _svg(_WIDE, 88, parts, "Churn against the natural rate")


def gains(points: Sequence[tuple[str, float, float, float]], labels: Sequence[str]) -> str:
    """Amounts with their intervals, one a line, around nothing.

    Args:
        points: (name, amount, low, high), from top to bottom.
        labels: the amounts as text.
    """
    if not points:
        return ""
    left, right = 230, _WIDE - 90
    bottom, top = min(0.0, *(point[2] for point in points)), max(0.0, *(point[3] for point in points))

    def x(value: float) -> float:
        return left + (right - left) * (value - bottom) / ((top - bottom) or 1.0)

    tall = 34 * len(points)
    parts = [
        f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="6" y2="{tall + 8}" stroke="{SOFT}" stroke-dasharray="3 3"/>',
        _text(x(0), tall + 24, "0", anchor="middle", colour=SOFT),
    ]
    for place, (name, amount, low, high) in enumerate(points):
        y = 24 + 34 * place
        colour = GOOD if low > 0 else BAD if high < 0 else SOFT
        shown = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
        parts.append(_text(left - 16, y + 4, shown, anchor="end"))
        parts.append(
            f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="8" '
            'stroke-opacity=".3" stroke-linecap="round"/>'
        )
        parts.append(f'<circle cx="{x(amount):.1f}" cy="{y}" r="5" fill="{colour}"/>')
        parts.append(_text(_WIDE - 4, y + 4, labels[place], anchor="end", weight=600))
    return _svg(_WIDE, tall + 32, parts, "What each campaign brought, with its interval")


def _tops(flows: Flows, order: Sequence[str], side: int, scale: float, gap: int) -> dict[str, tuple[float, int]]:
    """By class, where its node begins and how many customers it has."""
    tops, y = {}, 4.0
    for name in order:
        customers = sum(count for ends, count in flows.items() if ends[side] == name)
        tops[name] = (y, customers)
        y += customers * scale + (gap if customers else 0)
    return tops


def _band(y0: float, y1: float, thick: float, colour: str, *, title: str) -> str:
    x0, x1 = 150 + _NODE, _WIDE - 164
    middle = (x0 + x1) / 2
    path = (
        f"M{x0} {y0:.1f}C{middle} {y0:.1f} {middle} {y1:.1f} {x1} {y1:.1f}L{x1} {y1 + thick:.1f}"
        f"C{middle} {y1 + thick:.1f} {middle} {y0 + thick:.1f} {x0} {y0 + thick:.1f}Z"
    )
    return f'<path d="{path}" fill="{colour}" fill-opacity=".42"><title>{escape(title)}</title></path>'


def _box(x: float, y: float, width: float, height: float, colour: str, *, radius: int = 2) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:.1f}" rx="{radius}" '
        f'fill="{colour}"/>'
    )


def _rule(y: float, *, start: int = 0) -> str:
    return f'<line x1="{start}" x2="{_WIDE}" y1="{y:.1f}" y2="{y:.1f}" stroke="{LINE}"/>'


def _text(x: float, y: float, words: str, *, anchor: str = "start", colour: str = INK, weight: int = 400) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-weight="{weight}">'
        f"{escape(words)}</text>"
    )


def _wrapped(x: float, y: float, words: str) -> list[str]:
    """A label of one line a word."""
    return [
        _text(x, y + 14 * place, word, anchor="middle", colour=SOFT) for place, word in enumerate(words.split(" ", 1))
    ]


def _svg(width: int, height: int, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" font-size="13" '
        f'font-family="inherit">{"".join(parts)}</svg>'
    )
