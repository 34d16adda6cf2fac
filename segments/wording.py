"""Sentences from templates: `last ordered {days_since_last_order} days ago, usually every {…} days`.

Belongs here: reading templates and filling them for a whole column at once. Does not: the templates, nor which of
them is true of a customer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

import polars as pl

from segments.errors import PhraseTemplateError

SEPARATORS = ("; ", ", ")
_COUNTED = "brand|channel|contact|day|item|line|month|order|product|purchase|time|unit|week|year"
_ONE_OF_MANY = rf"(^|[^.,\d])1 (?:different )?({_COUNTED})s\b"
_ONE_OF_CATEGORIES = r"(^|[^.,\d])1 (?:different )?categories\b"
_NEVER = {r"\bordered 0 times in the\b": "did not order in the", r"\bbought 0 different products\b": "bought nothing"}


@dataclass(frozen=True)
class Clause:
    """A part of a sentence that is said whole or not at all.

    Args:
        separator: what stands before it when something was said before; empty for the first.
        literals: the text around the placeholders: one more than there are placeholders.
        placeholders: the names to be filled in.
    """

    separator: str
    literals: tuple[str, ...]
    placeholders: tuple[str, ...]


def clauses(template: str) -> tuple[Clause, ...]:
    """Read a template. It is cut at `, ` and `; `; a part without placeholders belongs to the part before it.

    Raises:
        PhraseTemplateError: empty, unbalanced braces, or something else than a name between them.
    """
    found: list[tuple[str, str]] = []
    for separator, part in _parts(template):
        if found and "{" not in part:
            found[-1] = (found[-1][0], found[-1][1] + separator + part)
        else:
            found.append((separator, part))
    return tuple(_clause(template, separator, part) for separator, part in found)


def filled(template: str, values: Mapping[str, pl.Expr], *, whole: bool = False) -> pl.Expr:
    """The sentence for every row (String).

    A clause with an unknown value (null, or a name that `values` lacks) is left out; where nothing is left, null.

    Args:
        template: text with names in braces.
        values: text expressions by name.
        whole: null as soon as any clause would be left out.
    """
    texts = [_clause_text(clause, values) for clause in clauses(template)]
    sentence = pl.concat_str(texts, ignore_nulls=not whole).str.strip_chars_start(" ,;")
    singular = sentence.str.replace_all(_ONE_OF_MANY, "${1}1 ${2}").str.replace_all(
        _ONE_OF_CATEGORIES, "${1}1 category"
    )
    said = singular
    for pattern, words in _NEVER.items():
        said = said.str.replace_all(pattern, words)
    return pl.when(said != "").then(said)


def filled_by_row(
    frame: pl.DataFrame, template_column: str, values: Mapping[str, pl.Expr], *, whole: bool = False
) -> pl.Series:
    """The sentence of every row, where rows have templates of their own; one pass per distinct template.

    Args:
        frame: any rows.
        template_column: the template of each row (String); null gives null.
        values: text expressions over `frame` by placeholder.
        whole: as for `filled`.

    Returns:
        String, in the order of `frame`.
    """
    position = "__position"
    nothing = pl.DataFrame(schema={position: pl.UInt32, "text": pl.String})
    groups = frame.with_row_index(position).filter(pl.col(template_column).is_not_null())
    texts = [
        group.select(pl.col(position), filled(str(template), values, whole=whole).alias("text"))
        for (template,), group in groups.partition_by(template_column, as_dict=True).items()
    ]
    empty = pl.DataFrame({position: pl.int_range(frame.height, dtype=pl.UInt32, eager=True)})
    return empty.join(
        pl.concat([nothing, *texts]), on=position, how="left", validate="1:1", maintain_order="left"
    ).get_column("text")


def _clause_text(clause: Clause, values: Mapping[str, pl.Expr]) -> pl.Expr:
    nothing = pl.lit(None, pl.String)
    pieces = [pl.lit(clause.separator + clause.literals[0])]
    for placeholder, literal in zip(clause.placeholders, clause.literals[1:], strict=True):
        pieces += [values.get(placeholder, nothing), pl.lit(literal)]
    return pl.concat_str(pieces)


def _parts(template: str) -> list[tuple[str, str]]:
    marked = template
    for separator in SEPARATORS:
        marked = marked.replace(separator, f"\n{separator}\n")
    first, *rest = marked.split("\n")
    return [("", first), *zip(rest[::2], rest[1::2], strict=True)]


def _clause(template: str, separator: str, part: str) -> Clause:
    literals, placeholders = [""], []
    try:
        fields = list(Formatter().parse(part))
    except ValueError as problem:
        raise PhraseTemplateError(template=template, reason=str(problem)) from problem
    for literal, name, specification, conversion in fields:
        literals[-1] += literal
        if name is None:
            continue
        if not name.isidentifier() or specification or conversion:
            raise PhraseTemplateError(template=template, reason=f"{name!r} is no plain name")
        placeholders.append(name)
        literals.append("")
    if not template.strip():
        raise PhraseTemplateError(template=template, reason="nothing in it")
    return Clause(separator, tuple(literals), tuple(placeholders))
