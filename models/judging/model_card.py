"""A model's card: what it was made of, how good it is and for whom, where it should not be trusted.

Belongs here: its layout, as Markdown and as a page of HTML that needs nothing else. Does not: figures, or the facts'
gathering (the flows). A card never shows a single customer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from models.judging.card_drawing import bar_chart, reliability_plot

MOST_FEATURES = 15
MOST_FAMILIES = 12
STYLE = """
body{font:15px/1.5 sans-serif;color:#222;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{margin-bottom:.2rem}h2{margin-top:2rem;border-bottom:1px solid #ddd}
table{border-collapse:collapse;margin:.6rem 0}td,th{padding:.2rem .7rem;border-bottom:1px solid #eee;text-align:right}
td:first-child,th:first-child,.facts td,.segments td:nth-child(2),
.segments th:nth-child(2){text-align:left}.grade{display:inline-block;font-size:2rem;font-weight:bold;
padding:.1rem .8rem;border-radius:.4rem;color:#fff;margin-right:.8rem}.A{background:#1a7f4b}.B{background:#3c7fb5}
.C{background:#b7791f}.D{background:#b3261e}.worse{color:#b3261e}.note{color:#555}
"""


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a card tells.

    Attributes:
        title: of the page.
        grade: A to D.
        grade_words: the sentence that goes with it.
        standing: what became of it (promoted, or why not).
        facts: by heading of a section its lines, each a label and a text: what, data, period, population.
        again: lines about what it was made of.
        figures: rows of test figures: label, model's, baseline's, gain with its interval, as text.
        reasons: the gate's.
        rolling: rows of other test snapshots: date, then figures, as text; with a head.
        reliability: groups, see `reliability.reliability_table`; empty where the model has none.
        segments: see `reliability.segment_table`.
        is_probability: of what is predicted; else amounts.
        scale: minor units a major one.
        features: share of splits by feature.
        families: the same by family.
        limits: what to know before using it, in words.
    """

    title: str
    grade: str
    grade_words: str
    standing: str
    facts: Mapping[str, Sequence[tuple[str, str]]]
    figures: Sequence[Sequence[str]]
    reasons: Sequence[str]
    rolling_head: Sequence[str] = ()
    rolling: Sequence[Sequence[str]] = ()
    reliability: Sequence[Mapping[str, float]] = ()
    segments: Sequence[Mapping[str, Any]] = ()
    is_probability: bool = True
    scale: float = 1.0
    features: Mapping[str, float] = field(default_factory=dict)
    families: Mapping[str, float] = field(default_factory=dict)
    limits: Sequence[str] = ()
    again: Sequence[tuple[str, str]] = ()


FIGURES_HEAD = ("figure", "model", "baseline", "gain [95 % interval]")


def card_markdown(card: Card) -> str:
    """The card as Markdown."""
    parts = [f"# {card.title}", f"**Grade {card.grade_words}**", card.standing]
    for heading, lines in card.facts.items():
        parts += [f"## {heading}", "\n".join(f"- {label}: {text}" for label, text in lines)]
    parts += ["## How good it is", _markdown_table(FIGURES_HEAD, card.figures), _bullets(card.reasons)]
    if card.rolling:
        parts += ["## On other dates", _markdown_table(card.rolling_head, card.rolling)]
    if card.reliability:
        parts += ["## Does it mean what it says", _markdown_table(_RELIABILITY_HEAD, _reliability_rows(card))]
    if card.segments:
        parts += ["## For whom it is better and worse", _markdown_table(_segment_head(card), _segment_rows(card))]
    if card.features:
        shares = list(card.features.items())[:MOST_FEATURES]
        rows = [(name, f"{share:.1%}") for name, share in shares]
        families = ", ".join(f"{name} {share:.0%}" for name, share in list(card.families.items())[:MOST_FAMILIES])
        parts += [
            "## What it goes by",
            f"By family: {families}." if families else "",
            _markdown_table(_SPLIT_HEAD, rows),
        ]
    parts += ["## Limits", _bullets(card.limits)]
    parts += ["## How to make it again", "\n".join(f"- {label}: {text}" for label, text in card.again)]
    return "\n\n".join(part for part in parts if part) + "\n"


def card_html(card: Card) -> str:
    """The card as one page of HTML: style and pictures inside, nothing fetched."""
    in_words = card.grade_words.removeprefix(f"{card.grade}: ")
    parts = [
        f"<h1>{escape(card.title)}</h1>",
        f'<p><span class="grade {escape(card.grade)}">{escape(card.grade)}</span>{escape(in_words)}</p>',
        f"<p>{escape(card.standing)}</p>",
    ]
    for heading, lines in card.facts.items():
        parts += [f"<h2>{escape(heading)}</h2>", _html_table((), lines, kind="facts")]
    parts += ["<h2>How good it is</h2>", _html_table(FIGURES_HEAD, card.figures), _html_list(card.reasons)]
    if card.rolling:
        parts += ["<h2>On other dates</h2>", _html_table(card.rolling_head, card.rolling)]
    if card.reliability:
        plot = reliability_plot(card.reliability, percent=card.is_probability, scale=card.scale)
        note = "Each dot is a tenth of the customers, with the 95 % interval of what was observed."
        parts += ["<h2>Does it mean what it says</h2>", plot, f'<p class="note">{note}</p>']
    if card.segments:
        marked = [bool(one["is_worse"]) for one in card.segments]
        table = _html_table(_segment_head(card), _segment_rows(card), marked=marked, kind="segments")
        parts += ["<h2>For whom it is better and worse</h2>", table]
    if card.features:
        families = dict(list(card.families.items())[:MOST_FAMILIES])
        features = dict(list(card.features.items())[:MOST_FEATURES])
        parts += ["<h2>What it goes by</h2>", '<p class="note">Share of the splits of its trees.</p>']
        parts += [bar_chart(families, title="families of features")] if families else []
        parts += [bar_chart(features, title="features")]
    parts += ["<h2>Limits</h2>", _html_list(card.limits)]
    parts += ["<h2>How to make it again</h2>", _html_table((), card.again, kind="facts")]
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(card.title)}</title>'
        f"<style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


_RELIABILITY_HEAD = ("customers", "predicted", "observed", "95 % interval")
_SPLIT_HEAD = ("feature", "share of splits")


def _reliability_rows(card: Card) -> list[tuple[str, ...]]:
    return [
        (
            f"{group['rows']:,.0f}",
            _number(card, group["predicted"]),
            _number(card, group["observed"]),
            f"{_number(card, group['low'])} to {_number(card, group['high'])}",
        )
        for group in card.reliability
    ]


def _segment_head(card: Card) -> tuple[str, ...]:
    order, loss = ("AUC", "log loss") if card.is_probability else ("Gini", "MAE")
    return ("by", "customers of", "number", "predicted", "observed", f"{order} (baseline)", f"{loss} (baseline)", "")


def _segment_rows(card: Card) -> list[tuple[str, ...]]:
    scale = 1.0 if card.is_probability else card.scale
    return [
        (
            str(one["kind"]),
            str(one["segment"]),
            f"{one['rows']:,}",
            _number(card, one["predicted"]),
            _number(card, one["observed"]),
            f"{one['figure']:.3f} ({one['baseline']:.3f})",
            f"{one['loss'] / scale:,.3f} ({one['baseline_loss'] / scale:,.3f})",
            "look twice" if one["is_worse"] else "",
        )
        for one in card.segments
    ]


def _number(card: Card, value: float) -> str:
    return f"{value:.1%}" if card.is_probability else f"{value / card.scale:,.2f}"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in lines)


def _html_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, marked: Sequence[bool] = (), kind: str = ""
) -> str:
    top = "<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>" if head else ""
    marks = [*marked, *[False] * (len(rows) - len(marked))]
    body = "".join(
        ('<tr class="worse">' if mark else "<tr>") + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row, mark in zip(rows, marks, strict=True)
    )
    opening = f'<table class="{kind}">' if kind else "<table>"
    return f"{opening}{top}{body}</table>"


def _html_list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"
