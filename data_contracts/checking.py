"""Judging a staged table: which rows are accepted, which go to quarantine and why, and how many break which rule.

Belongs here: the one pass that turns every rule into a Boolean column, and what its severity makes of it. Does not:
how rules are made (`rules.py`), Great Expectations itself (`great_expectations_on_duckdb.py`).
"""

import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from data_contracts.contracts import Contract, Severity
from data_contracts.errors_contracts import ChecksDisagreeError, CriticalRuleBrokenError, RuleExpressionError
from data_contracts.joins import accepted_view, beside, partner_columns
from data_contracts.redaction import reason_of
from data_contracts.rules import KEY_RULE, BoundRule
from data_contracts.sql import first_row, identifier, text

if TYPE_CHECKING:
    from data_contracts.great_expectations_on_duckdb import Expectations

ACCEPTED = "row_is_accepted"


@dataclass(frozen=True, kw_only=True)
class RuleCount:
    """How many rows of an entity break a rule; a row that breaks several is counted under each."""

    entity: str
    rule: str
    severity: Severity
    meaning: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class CheckedTable:
    """A staged table with its verdicts.

    Attributes:
        entity: the core table.
        table: the DuckDB table: the staged columns, a Boolean column for each rule and `row_is_accepted`.
        read: rows judged.
        accepted: rows that break no rule of severity error or critical.
        rules: counts of every rule, in the order of the rules; rules that nothing breaks have 0.
    """

    entity: str
    table: str
    read: int
    accepted: int
    rules: tuple[RuleCount, ...]

    @property
    def quarantined(self) -> int:
        """Rows that break at least one rule of severity error or critical."""
        return self.read - self.accepted


@contextmanager
def open_expectations(scratch_folder: Path | None = None) -> Iterator["Expectations"]:
    """A private database for one load, removed at the end; its `connection` is where tables are staged and checked."""
    with (
        tempfile.TemporaryDirectory(prefix="gristmill-", dir=scratch_folder) as folder,
        open_expectations_on(Path(folder) / "staging.duckdb") as expectations,
    ):
        yield expectations


@contextmanager
def open_expectations_on(database: Path) -> Iterator["Expectations"]:
    """The same on a database file of the caller's, which no other connection holds open."""
    from data_contracts.great_expectations_on_duckdb import Expectations  # noqa: PLC0415  # nine seconds of imports

    expectations = Expectations(database)
    try:
        yield expectations
    finally:
        expectations.close()


def judge(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    rules: Sequence[BoundRule],
    *,
    staged: str,
    last_wins: Collection[str] = (),
) -> CheckedTable:
    """Judge every row of a staged table by every rule; nobody counts a second time (see `check`).

    Args:
        connection: where the staged table is, with the DuckDB variables `now` and `company_currency` set.
        contract: the table's contract.
        rules: its rules of this load (`rules.bind_rules`).
        staged: the staged table or view (see `rules.py`); it is read once.
        last_wins: sources that tell a row anew when it changes: of their rows of one key the last stays, not the first.

    Returns:
        The verdicts. A view `accepted_<entity>` of the accepted rows is made beside it, for references.

    Raises:
        RuleExpressionError: a declared rule can't be evaluated.
        duckdb.Error: the staged rows can't be had, where they are a view that fails on them.
    """
    table = f"checked_{contract.entity}"
    _judge(connection, contract, rules, staged=staged, table=table)
    _reject_repeated_keys(connection, contract, table, last_wins=last_wins)
    counts = _count(connection, rules, table)
    connection.execute(
        f"create or replace view {identifier(accepted_view(contract.entity))} as "  # noqa: S608  # quoted names only
        f"select * from {identifier(table)} where {ACCEPTED}"
    )
    return CheckedTable(
        entity=contract.entity,
        table=table,
        read=counts["read"],
        accepted=counts["accepted"],
        rules=tuple(
            RuleCount(
                entity=contract.entity,
                rule=rule.name,
                severity=rule.severity,
                meaning=rule.meaning,
                rows=counts[rule.name],
            )
            for rule in rules
        ),
    )


def check(  # what is judged, by what, and what it is called, each by name
    expectations: "Expectations",
    contract: Contract,
    rules: Sequence[BoundRule],
    *,
    staged: str,
    load_id: str,
    last_wins: Collection[str] = (),
) -> CheckedTable:
    """Judge every row (see `judge`), and let Great Expectations count the broken ones again, for its pages.

    Args:
        expectations: the load's database; its connection as for `judge`.
        contract: as for `judge`.
        rules: as for `judge`.
        staged: as for `judge`.
        load_id: the load, as the pages call it.
        last_wins: as for `judge`.

    Raises:
        RuleExpressionError: a declared rule can't be evaluated.
        ChecksDisagreeError: Great Expectations counts other rows than were flagged.
    """
    checked = judge(expectations.connection, contract, rules, staged=staged, last_wins=last_wins)
    _agree(checked, expectations, rules=rules, load_id=load_id)
    return checked


def refuse_critical(checked: CheckedTable) -> None:
    """Block the load when a critical rule is broken.

    Raises:
        CriticalRuleBrokenError: with the first such rule.
    """
    for count in checked.rules:
        if count.severity is Severity.critical and count.rows:
            raise CriticalRuleBrokenError(
                entity=checked.entity, rule=count.rule, meaning=count.meaning, rows=count.rows
            )


def broken_rules_sql(rules: Sequence[BoundRule]) -> str:
    """SQL over a checked table: the names of the rules that sent a row to quarantine, joined by ", "."""
    names = [
        f"case when not {identifier(rule.name)} then {text(rule.name)} end"
        for rule in rules
        if rule.severity is not Severity.warning
    ]
    return f"concat_ws(', ', {', '.join(names)})"


def _judge(
    connection: duckdb.DuckDBPyConnection, contract: Contract, rules: Sequence[BoundRule], *, staged: str, table: str
) -> None:
    """Every rule as a Boolean column, in one pass; the key is judged last, among the rows that break nothing else."""
    predicates = [rule for rule in rules if rule.name != KEY_RULE]
    flags = ", ".join(f"coalesce(({rule.predicate}), true) as {identifier(rule.name)}" for rule in predicates)
    blocking = [identifier(rule.name) for rule in predicates if rule.severity is not Severity.warning]
    partners = [partner for rule in predicates for partner in rule.partners]
    own = f"* exclude ({partner_columns(partners)})" if partners else "*"
    query = f"""
        create or replace table {identifier(table)} as
        select *, true as {KEY_RULE}, ({" and ".join(blocking) or "true"}) as {ACCEPTED}
        from (select {own}, {flags} from {beside(staged, partners)})
    """  # noqa: S608  # quoted names; the predicates are the company's own settings
    try:
        connection.execute(query)
    except (duckdb.OutOfMemoryException, duckdb.IOException):
        raise  # no fault of a rule
    except duckdb.Error as failure:
        _name_the_rule(connection, contract.entity, predicates, staged)
        raise failure from None


def _reject_repeated_keys(
    connection: duckdb.DuckDBPyConnection, contract: Contract, table: str, *, last_wins: Collection[str]
) -> None:
    """Of the rows of one key that break nothing else, the first in source order stays; of some sources their last.

    Keys are compared by their hash first, which takes a fraction of the memory; only rows whose hash occurs more than
    once, which are few, are looked at as they are.
    """
    key = ", ".join(identifier(name) for name in contract.key)
    name = identifier(table)
    within = f"partition by {key}, source" if last_wins else f"partition by {key}"
    turned = f"if(source in ({', '.join(map(text, last_wins))}), -row_id, row_id)" if last_wins else "row_id"
    connection.execute(
        f"create or replace temp table repeated_hashes as select hash({key}) as key_hash "  # noqa: S608  # quoted names
        f"from {name} where {ACCEPTED} group by key_hash having count(*) > 1"
    )
    connection.execute(
        f"""create or replace temp table repeated_rows as
        with repeated as (
            select row_id, {key}, {turned} as turn, min(row_id) over ({within}) as first_of_source
            from {name} where {ACCEPTED} and hash({key}) in (from repeated_hashes)
        )
        select row_id from repeated qualify row_number() over (
            partition by {key} order by first_of_source, turn
        ) > 1"""  # noqa: S608  # as above
    )
    connection.execute(
        f"update {name} set {KEY_RULE} = false, {ACCEPTED} = false where row_id in (from repeated_rows)"  # noqa: S608  # as above
    )
    connection.execute("drop table repeated_rows")
    connection.execute("drop table repeated_hashes")


def _name_the_rule(connection: duckdb.DuckDBPyConnection, entity: str, rules: Sequence[BoundRule], staged: str) -> None:
    """Find the rule that can't be evaluated, one by one; none where the staged rows themselves can't be had."""
    try:
        connection.execute(f"select max(hash(staged)) from {identifier(staged)} as staged").fetchall()  # noqa: S608  # a quoted name
    except duckdb.Error:
        return
    for rule in rules:
        try:
            connection.execute(
                f"select count(*) from {beside(staged, rule.partners)} where not ({rule.predicate})"  # noqa: S608  # as above
            ).fetchall()
        except duckdb.Error as failure:
            raise RuleExpressionError(
                entity=entity, rule=rule.name, expression=rule.predicate, reason=reason_of(failure)
            ) from None


def _count(connection: duckdb.DuckDBPyConnection, rules: Sequence[BoundRule], table: str) -> dict[str, int]:
    sums = ", ".join(f"count_if(not {identifier(rule.name)})" for rule in rules)
    row = first_row(
        connection,
        f"select count(*), count_if({ACCEPTED}), {sums} from {identifier(table)}",  # noqa: S608  # quoted names
    )
    return dict(zip(["read", "accepted", *(rule.name for rule in rules)], (count or 0 for count in row), strict=True))


def _agree(checked: CheckedTable, expectations: "Expectations", *, rules: Sequence[BoundRule], load_id: str) -> None:
    found = expectations.validate(name=checked.entity, table=checked.table, rules=rules, run_name=load_id)
    for count in checked.rules if checked.read else ():  # of no rows Great Expectations counts nothing
        if found.get(count.rule) != count.rows:
            raise ChecksDisagreeError(
                entity=checked.entity,
                rule=count.rule,
                expectation_rows=found.get(count.rule),
                flagged_rows=count.rows,
            )
