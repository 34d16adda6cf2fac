"""The contracts as a page for people: `docs/contracts.md`, made of the TOML files and nothing else.

Belongs here: from contracts to Markdown. Does not: the contracts. Run as a module it prints the page:
`python -m data_contracts.contract_pages > docs/contracts.md`.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence

from data_contracts.contracts import ANCHOR_ENTITIES, CORE_ENTITIES, Column, Contract, core_contract
from data_contracts.rules import BoundRule, bind_rules
from data_contracts.table_checking import LOOK_BACK_LOADS, expected

_OPENING = f"""\
# Contracts of the core tables

Made from `data_contracts/core/*.toml` by `python -m data_contracts.contract_pages > docs/contracts.md`; a test holds
the two together.

- **Required**: {" or ".join(f"`{entity}`" for entity in ANCHOR_ENTITIES)}. Every other table is optional; rules \
across tables are judged where both are loaded.
- **Types**: text, integer (32 bits), number (a float), money (64-bit integer in minor units), date, timestamp (UTC), \
boolean. *Identifiers* are text, byte for byte. *Personal* values appear in no report and no profile.
- **Severity**: `critical` blocks the load, `error` sends the row to quarantine under the rule's name, `warning` is \
counted and reported.
- Every row has `known_at` (when the company could first have known it; a source need not say) and gets `load_id` and \
`source`. A row that was corrected, or is gone, stays with `superseded_at`; how rows become versions is told in \
[sources](sources.md#loads-that-bring-only-news).
- A rule is a DuckDB SQL predicate, true for good rows; a row for which it is null passes. `customers.created_at` in a \
rule is that of the row's customer: every table under *refers to* can be asked so, by the name given there.
- Your own rules, other severities and other bounds go into `gristmill.toml`: `[[rules]]` and `[[table_rules]]`, as \
`gristmill init --stdout` shows.
- **Rules about a whole load** hold it against the last {LOOK_BACK_LOADS} loads of the table. A broken critical one \
blocks the load, until the data are right or `gristmill ingest --accept RULE` says that they are; that is written down \
in the ledger, and later loads are not held against older ones.
"""

RULES_OF_TYPES = {
    "_is_present": "a required column has a value",
    "_is_parsable": "the value can be read as the column's type",
    "_is_finite": "a number is neither infinite nor 'not a number'",
    "_is_within_range": "the value fits the bits it is kept in",
    "_has_no_control_characters": "an identifier has no line break, tab, NUL or other control character",
    "_is_at_most_255_bytes": "an identifier is a name, not a text",
    "currency_is_known": "the currency is a code of ISO 4217",
    "currency_is_the_companys": "amounts of another currency are never added to the company's",
}
"""What follows from columns' types, by the ending of the rules' names; all of severity error, and never a warning."""


def contracts_page() -> str:
    """The whole page."""
    parts = [_OPENING, *(_entity(core_contract(entity)) for entity in CORE_ENTITIES), _closing()]
    return "\n".join(parts)


def _closing() -> str:
    rows = ((f"`<column>{end}`" if end.startswith("_") else f"`{end}`", told) for end, told in RULES_OF_TYPES.items())
    opening = "## Rules of the columns' types\n\nOf severity error; a value that breaks one can't be used at all.\n"
    return "\n".join([opening, *_table(["rule", "meaning"], rows)])


def _entity(contract: Contract) -> str:
    key = ", ".join(f"`{name}`" for name in contract.key)
    when = f" Time of the event: `{contract.event_time}`." if contract.event_time else ""
    return "\n".join(
        [
            f"## {contract.entity}\n",
            f"One row is {contract.meaning}. Key: {key}.{when}\n",
            *_table(["column", "type", "", "meaning"], _columns(contract)),
            *_references(contract),
            "Rules over rows, beside those of the columns' types (at the end of the page):\n",
            *_table(["rule", "severity", "meaning", "predicate"], _rules(contract)),
            *_table_rules(contract),
        ]
    )


def _columns(contract: Contract) -> Iterator[Sequence[str]]:
    for name, column in contract.columns.items():
        yield f"`{name}`", column.type, _flags(column), column.meaning


def _flags(column: Column) -> str:
    flags = ("required", column.required), ("identifier", column.identifier), ("personal", column.personal)
    return ", ".join(name for name, holds in flags if holds)


def _references(contract: Contract) -> Iterator[str]:
    if contract.references:
        named = [
            f"`{each.column}` → {each.entity}" + (f" (as `{each.called}`)" if each.alias else "")
            for each in contract.references
        ]
        yield f"Refers to: {', '.join(named)}.\n"


def _rules(contract: Contract) -> Iterator[Sequence[str]]:
    for rule in contract.rules:
        yield f"`{rule.name}`", rule.severity, rule.meaning, f"`{rule.expression}`"
    for reference in contract.references:
        yield (
            f"`{reference.name}`",
            reference.severity,
            reference.meaning,
            f"`{reference.column}` is a key of {reference.entity}",
        )
    key = next(rule for rule in _bound(contract) if not rule.predicate)
    yield f"`{key.name}`", key.severity, key.meaning, ""


def _bound(contract: Contract) -> tuple[BoundRule, ...]:
    return bind_rules(contract, mapped_columns=contract.columns, loaded=CORE_ENTITIES)


def _table_rules(contract: Contract) -> Iterator[str]:
    if contract.table_rules:
        yield "Rules about the whole load:\n"
        yield from _table(
            ["rule", "severity", "measure", "good when", "meaning"],
            (
                (
                    f"`{rule.name}`",
                    rule.severity,
                    f"`{rule.measure}`" + (f" of `{rule.column}`" if rule.column else ""),
                    expected(rule),
                    rule.meaning,
                )
                for rule in contract.table_rules
            ),
        )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        cells = [cell.replace("|", r"\|") for cell in row]
        yield f"| {' | '.join(cells)} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(contracts_page())
