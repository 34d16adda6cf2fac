"""Pictures for model cards: small SVG drawings as text, without any library, script or outside address.

Belongs here: from tables of numbers to SVG. Does not: the numbers (`reliability`), the page (`model_card`).
"""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 24, 14, 44
INK, FAINT, MODEL, BAR = "#222", "#bbb", "#1f5fa8", "#8fb4dc"
BAR_HEIGHT, BAR_WIDTH, LABEL_WIDTH = 20, 260, 250
MOST_TICKS = 5


def reliability_plot(groups: Sequence[Mapping[str, float]], *, percent: bool, scale: float = 1.0) -> str:
    """Observed against predicted, a dot a group with its 95 % interval, beside the line where both are equal.

    Args:
        groups: `predicted`, `observed`, `low`, `high`, `rows` (see `reliability.reliability_table`).
        percent: label the axes in percent; else as amounts.
        scale: what numbers are divided by for the labels (minor units a major one).
    """
    highest = max(max(group["high"], group["predicted"]) for group in groups)
    top = min(highest * 1.05, 1.0) if percent else highest * 1.05
    top = top or 1.0

    def x(value: float) -> float:
        return round(LEFT + min(max(value, 0.0), top) / top * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - min(max(value, 0.0), top) / top * (HEIGHT - TOP - BOTTOM), 1)

    parts = [_axes(top, percent=percent, scale=scale, x=[x(0), x(top)], y=[y(0), y(top)])]
    parts.append(f'<line x1="{x(0)}" y1="{y(0)}" x2="{x(top)}" y2="{y(top)}" stroke="{FAINT}" stroke-dasharray="4 3"/>')
    for group in groups:
        across, low, high = x(group["predicted"]), y(group["low"]), y(group["high"])
        title = (
            f"{group['rows']:,.0f} customers: predicted {_label(group['predicted'], percent=percent, scale=scale)}, "
            f"observed {_label(group['observed'], percent=percent, scale=scale)}"
        )
        parts.append(f'<line x1="{across}" y1="{low}" x2="{across}" y2="{high}" stroke="{MODEL}" stroke-width="1.5"/>')
        dot = f'<circle cx="{across}" cy="{y(group["observed"])}" r="4" fill="{MODEL}">'
        parts.append(f"{dot}<title>{escape(title)}</title></circle>")
    return _svg(WIDTH, HEIGHT, "predicted and observed, by group of customers", parts)


def bar_chart(shares: Mapping[str, float], *, title: str) -> str:
    """Horizontal bars, in the order given, labelled with their share in percent."""
    longest = max(shares.values(), default=1.0) or 1.0
    parts = []
    for place, (name, share) in enumerate(shares.items()):
        down = 6 + place * BAR_HEIGHT
        length = round(share / longest * BAR_WIDTH, 1)
        parts.append(f'<text x="{LABEL_WIDTH - 8}" y="{down + 12}" text-anchor="end">{escape(name)}</text>')
        parts.append(
            f'<rect x="{LABEL_WIDTH}" y="{down + 1}" width="{length}" height="{BAR_HEIGHT - 6}" fill="{BAR}"/>'
        )
        parts.append(f'<text x="{LABEL_WIDTH + length + 6}" y="{down + 12}">{share:.1%}</text>')
    return _svg(LABEL_WIDTH + BAR_WIDTH + 60, 12 + BAR_HEIGHT * len(shares), title, parts)


def _axes(top: float, *, percent: bool, scale: float, x: list[float], y: list[float]) -> str:
    lines = [f'<path d="M{x[0]} {y[1]}V{y[0]}H{x[1]}" fill="none" stroke="{INK}"/>']
    for step in range(MOST_TICKS):
        share = step / (MOST_TICKS - 1)
        across, up = x[0] + share * (x[1] - x[0]), y[0] + share * (y[1] - y[0])
        label = _label(share * top, percent=percent, scale=scale)
        lines.append(f'<text x="{across:.1f}" y="{y[0] + 16}" text-anchor="middle">{label}</text>')
        lines.append(f'<text x="{x[0] - 6}" y="{up + 4:.1f}" text-anchor="end">{label}</text>')
    middle, centre = (x[0] + x[1]) / 2, (y[0] + y[1]) / 2
    lines.append(f'<text x="{middle}" y="{y[0] + 36}" text-anchor="middle">predicted</text>')
    lines.append(f'<text x="12" y="{centre}" text-anchor="middle" transform="rotate(-90 12 {centre})">observed</text>')
    return "".join(lines)


def _label(value: float, *, percent: bool, scale: float) -> str:
    if percent:
        return f"{value:.0%}"
    shown = value / scale
    return f"{shown:,.0f}" if abs(shown) >= 10 or shown == 0 else f"{shown:.2f}"  # noqa: PLR2004 - two digits are enough


def _svg(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" font-family="sans-serif" font-size="11" fill="{INK}"><title>{escape(title)}</title>'
        + "".join(parts)
        + "</svg>"
    )
