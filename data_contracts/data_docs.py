"""The Data Docs of a load: one page, good to read with no network, that says which rule is broken how often and where.

Belongs here: what the page knows of a checked table, and writing it (`data_docs.html.jinja`, `data_docs.css`). Does
not: checking (`great_expectations_on_duckdb.py`), or what a load does with broken rows (`checking.py`).

The page holds names, meanings, counts and places in files (file name and row number), and of the values of a checked
table only the names of categories that are new in a load. It refers to nothing outside itself.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from data_contracts.contracts import Severity
from data_contracts.rules import BoundRule
from data_contracts.sql import first_row, identifier
from data_contracts.table_checking import TableRuleResult

EARLIER_LOADS_LISTED = 30
PLACES_NAMED = 3
PLACE_COLUMNS = frozenset({"source", "source_file", "source_row"})
CONSEQUENCE = {
    Severity.critical: "the whole load is refused",
    Severity.error: "the row is set aside",
    Severity.warning: "only reported",
}

_EMAIL = re.compile(r"[^@\s'\"]+@[^@\s'\"]+")


@dataclass(frozen=True, kw_only=True)
class RuleResult:
    """A rule and the rows that break it.

    Attributes:
        rule: the rule.
        rows: how many rows break it, as Great Expectations counted them; None where it could not.
        places: the first rows that break it, as "file, row 12" (rows counted from 1 below the header).
    """

    rule: BoundRule
    rows: int | None
    places: tuple[str, ...]

    @property
    def is_critical(self) -> bool:
        """Whether breaking the rule blocks the load."""
        return self.rule.severity is Severity.critical

    @property
    def consequence(self) -> str:
        """What a broken rule of this severity does, in words."""
        return CONSEQUENCE[self.rule.severity]


@dataclass(frozen=True, kw_only=True)
class TableResult:
    """A checked table: rows read, rows that break no rule of severity error or critical, and every rule's result."""

    entity: str
    read: int
    accepted: int
    rules: tuple[RuleResult, ...]

    @property
    def quarantined(self) -> int:
        """Rows that break a rule of severity error or critical."""
        return self.read - self.accepted

    @cached_property
    def broken(self) -> tuple[RuleResult, ...]:
        """The rules that any row breaks, critical ones first, then the most broken."""
        found = [result for result in self.rules if result.rows != 0]
        return tuple(sorted(found, key=lambda each: (not each.is_critical, -(each.rows or 0), each.rule.name)))

    @cached_property
    def kept(self) -> tuple[RuleResult, ...]:
        """The rules that no row breaks, in the order of the rules."""
        return tuple(result for result in self.rules if result.rows == 0)

    @property
    def refused(self) -> bool:
        """Whether a broken rule blocks the load."""
        return any(result.is_critical for result in self.broken)


def table_result(
    connection: duckdb.DuckDBPyConnection,
    *,
    entity: str,
    table: str,
    rules: Sequence[BoundRule],
    counts: Mapping[str, int | None],
) -> TableResult:
    """What the page tells of a checked table.

    Args:
        connection: where the table is.
        entity: what the page calls the table.
        table: the checked table (see `checking.py`); places are told where it has `PLACE_COLUMNS`.
        rules: its rules.
        counts: by rule name the rows that break it.
    """
    blocking = [identifier(rule.name) for rule in rules if rule.severity is not Severity.warning]
    read, accepted = first_row(
        connection,
        f"select count(*), count(*) filter ({' and '.join(blocking) or 'true'}) from {identifier(table)}",  # noqa: S608  # quoted names
    )
    columns = {column[0] for column in connection.execute(f"describe {identifier(table)}").fetchall()}
    has_places = columns >= PLACE_COLUMNS
    results = (
        RuleResult(
            rule=rule,
            rows=counts.get(rule.name),
            places=_places(connection, table, rule) if has_places and counts.get(rule.name) else (),
        )
        for rule in rules
    )
    return TableResult(entity=entity, read=read, accepted=accepted, rules=tuple(results))


def with_rows_beside(result: TableResult, found: RuleResult) -> TableResult:
    """The same with rows that never came into the table, because they break a rule that is judged before."""
    return replace(result, read=result.read + (found.rows or 0), rules=(*result.rules, found))


def write_data_docs(  # what the page says, each by name
    folder: Path,
    *,
    load_id: str,
    judged_at: str,
    checked_by: str,
    tables: Sequence[TableResult],
    table_rules: Sequence[TableRuleResult] = (),
) -> Path:
    """Write a load's page twice: as `index.html`, and as `loads/<load_id>.html`, which later loads leave there.

    Args:
        folder: where the pages go; made if need be.
        load_id: the load.
        judged_at: the moment of the load in words.
        checked_by: the name and version of what did the checking.
        tables: the results, in the order of loading.
        table_rules: what came of the rules about whole tables, once they were judged.

    Returns:
        The index page, which links to the pages of earlier loads.
    """
    loads, index = folder / "loads", folder / "index.html"
    loads.mkdir(parents=True, exist_ok=True)
    others = sorted((page.stem for page in loads.glob("*.html") if page.stem != load_id), reverse=True)
    here = Path(__file__).parent
    pages = Environment(
        loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = pages.get_template("data_docs.html.jinja")
    style = Markup((here / "data_docs.css").read_text(encoding="utf-8"))  # noqa: S704  # our own file
    sections = sorted(tables, key=lambda table: (-table.quarantined, not table.broken))  # what needs looking at first
    facts = {
        "load_id": load_id,
        "judged_at": judged_at,
        "checked_by": checked_by,
        "tables": tables,
        "sections": sections,
        "table_rules": [replace(each, got=_EMAIL.sub("(an e-mail address)", each.got)) for each in table_rules],
        "refused_by": [each.rule for each in table_rules if each.blocks],
        "consequence": CONSEQUENCE,
        "style": style,
    }
    _write(loads / f"{load_id}.html", page.render(**facts, others=None))
    _write(index, page.render(**facts, others=others[:EARLIER_LOADS_LISTED]))
    return index


def _places(connection: duckdb.DuckDBPyConnection, table: str, rule: BoundRule) -> tuple[str, ...]:
    """The first rows that break a rule, in the order of the sources."""
    rows = connection.execute(
        f"select coalesce(source_file, source), source_row from {identifier(table)} "  # noqa: S608  # quoted names
        f"where not {identifier(rule.name)} order by row_id limit {PLACES_NAMED}"
    ).fetchall()
    return tuple(f"{file}, row {row}" for file, row in rows)


def _write(path: Path, page: str) -> None:
    """Never half a page: written aside, then put in place."""
    aside = path.with_suffix(".part")
    aside.write_text(page, encoding="utf-8")
    aside.replace(path)
