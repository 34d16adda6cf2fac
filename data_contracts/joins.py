"""Rows of other tables beside the row a rule is about: what `customers.created_at` in a rule over orders means.

Belongs here: finding which other tables an expression names, and the SQL that puts their rows beside. Does not: what
the rules are (`rules.py`), or evaluating them (`checking.py`).

A row's partner stands beside it as one column of type STRUCT, named as the reference calls it. So
`customers.created_at` is a field of that column, plain names stay the table's own, and the partner's other columns are
not read.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from data_contracts.contracts import Contract, core_contract
from data_contracts.sql import identifier

_LITERAL = re.compile(r"'(?:[^']|'')*'")
_KEY = "partner's key"


@dataclass(frozen=True, kw_only=True)
class Partner:
    """The row of another entity that a row refers to.

    Attributes:
        alias: what rules call it.
        entity: the other entity, whose accepted rows are looked into.
        column: the column here that holds its key.
        fields: its columns that rules ask for.
    """

    alias: str
    entity: str
    column: str
    fields: tuple[str, ...]


def accepted_view(entity: str) -> str:
    """The view of an entity's accepted rows, made by checking, that references and joins look into."""
    return f"accepted_{entity}"


def partners_of(contract: Contract, expression: str) -> tuple[Partner, ...]:
    """The partners that an expression names, in the order of the contract's references."""
    plain = _LITERAL.sub("''", expression)
    found: list[Partner] = []
    for reference in contract.references:
        fields = sorted(set(re.findall(rf"(?<![\w.\"]){reference.called}\.(\w+)", plain)))
        if fields:
            found.append(
                Partner(alias=reference.called, entity=reference.entity, column=reference.column, fields=tuple(fields))
            )
    return tuple(found)


def unknown_fields(partner: Partner, columns: Collection[str] | None = None) -> list[str]:
    """Those of the asked-for fields that the other entity does not have."""
    known = core_contract(partner.entity).columns if columns is None else columns
    return [name for name in partner.fields if name not in known]


def where_partners_are(partners: Iterable[Partner], expression: str) -> str:
    """The expression, true where a partner is missing: a row without one is the orphan rule's business."""
    missing = " or ".join(f"{identifier(partner.alias)} is null" for partner in partners)
    return f"{missing} or ({expression})" if missing else expression


def beside(table: str, partners: Sequence[Partner]) -> str:
    """SQL of a table, or of a table with its rows' partners beside them: something to select from.

    Args:
        table: the table's name.
        partners: all that the rules over it name; one that is named by several is read once.
    """
    merged: dict[str, Partner] = {}
    for partner in partners:
        known = merged.get(partner.alias)
        fields = tuple(sorted({*partner.fields, *(known.fields if known else ())}))
        merged[partner.alias] = Partner(
            alias=partner.alias, entity=partner.entity, column=partner.column, fields=fields
        )
    joins = "".join(
        f" left join {_partner_rows(each)} as {identifier('row of ' + each.alias)}"
        f" on {identifier('row of ' + each.alias)}.{identifier(_KEY)} = staged_rows.{identifier(each.column)}"
        for each in merged.values()
    )
    columns = "".join(f", {identifier(alias)}" for alias in merged)
    return f"(select staged_rows.*{columns} from {identifier(table)} as staged_rows{joins})"  # noqa: S608  # quoted names


def partner_columns(partners: Iterable[Partner]) -> str:
    """The columns that `beside` adds, quoted and joined: what to leave out again."""
    return ", ".join(sorted({identifier(partner.alias) for partner in partners}))


def _partner_rows(partner: Partner) -> str:
    (key,) = core_contract(partner.entity).key
    fields = ", ".join(f"{identifier(name)} := {identifier(name)}" for name in partner.fields)
    columns = f"{identifier(key)} as {identifier(_KEY)}, struct_pack({fields}) as {identifier(partner.alias)}"
    return f"(select {columns} from {identifier(accepted_view(partner.entity))})"  # noqa: S608  # quoted names
