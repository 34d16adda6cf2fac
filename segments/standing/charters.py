"""The charter of a key account: a page that says what we sell, to whom, what both bring, opportunities and risks.

Belongs here: the page's form, as Markdown and as HTML that needs nothing else. Does not: gathering what it says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_STYLE = """
:root{--ink:#1f2430;--soft:#6b7280;--line:#e5e7eb;--accent:#8a5a12;--paper:#fffdf8}
body{font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--ink);background:#f4f1ea;margin:0}
main{max-width:52rem;margin:2rem auto;background:var(--paper);padding:2.5rem 3rem;border:1px solid var(--line)}
h1{font-size:1.6rem;margin:0 0 .2rem}p.sub{color:var(--soft);margin:0 0 1.5rem}
h2{font-size:1.05rem;color:var(--accent);border-bottom:1px solid var(--line);padding-bottom:.3rem;margin:1.8rem 0 .6rem}
table{border-collapse:collapse;width:100%}td{padding:.28rem .4rem;border-bottom:1px solid var(--line)}
td+td{text-align:right;font-variant-numeric:tabular-nums}ul{padding-left:1.1rem;margin:.4rem 0}
@media print{body{background:none}main{border:0;margin:0}}
"""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a page.

    Attributes:
        heading: what it is about.
        rows: label and value, side by side.
        lines: sentences.
    """

    heading: str
    rows: Sequence[tuple[str, str]] = ()
    lines: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Charter:
    """A page about one account."""

    title: str
    subtitle: str
    sections: Sequence[Section]


def charter_markdown(charter: Charter) -> str:
    """The page as Markdown; what stands in the data is taken as text, never as markup."""
    parts = [f"# {_plain(charter.title)}", "", _plain(charter.subtitle), ""]
    for section in charter.sections:
        parts += [f"## {section.heading}", ""]
        if section.rows:
            parts += [
                "| | |",
                "|---|---:|",
                *(f"| {_plain(label)} | {_plain(value)} |" for label, value in section.rows),
                "",
            ]
        parts += [*(f"- {_plain(line)}" for line in section.lines), *([""] if section.lines else [])]
    return "\n".join(parts).rstrip() + "\n"


def charter_html(charter: Charter) -> str:
    """The page as one HTML file, styles included, nothing fetched."""
    body = "".join(_html_section(section) for section in charter.sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(charter.title)}</title><style>{_STYLE}</style></head>\n<body><main>"
        f'<h1>{escape(charter.title)}</h1><p class="sub">{escape(charter.subtitle)}</p>{body}</main></body></html>\n'
    )


def _html_section(section: Section) -> str:
    rows = "".join(f"<tr><td>{escape(label)}</td><td>{escape(value)}</td></tr>" for label, value in section.rows)
    lines = "".join(f"<li>{escape(line)}</li>" for line in section.lines)
    table, listed = f"<table>{rows}</table>" if rows else "", f"<ul>{lines}</ul>" if lines else ""
    return f"<h2>{escape(section.heading)}</h2>{table}{listed}\n"


def _plain(text: str) -> str:
    flat = " ".join(text.split())
    for mark in "\\`*_[]<>|#":
        flat = flat.replace(mark, f"\\{mark}")
    return flat
