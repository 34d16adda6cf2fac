"""What speaks for two records being one customer: links, each with the method and the rule it comes from.

Belongs here: links by another system's id, by equal e-mail addresses and phone numbers, and by decision; values that
too many records share. Does not: how likely unequal records are one (`likeness.py`), which links are followed
(`groups.py`).

Links that rest on the same piece of evidence (one address, one decision) carry the same number: they stand or fall
together. A link never carries the value itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from data_contracts.identity import IdentitySettings, Pair, SameAs
from warehouse.contact_normalising import normal_emails, normal_phones

METHODS = ("always", "id", "email", "phone", "probabilistic")
"""In the order in which links are followed: a decision, an explicit id, an exact value, a likeness."""

LINK_SCHEMA: dict[str, pl.DataType] = {
    "left_id": pl.String(),
    "right_id": pl.String(),
    "method": pl.String(),
    "rule": pl.String(),
    "evidence": pl.Int64(),
    "probability": pl.Float64(),
    "weight": pl.Float64(),
}
HELD_BACK_SCHEMA: dict[str, pl.DataType] = {
    "method": pl.String(),
    "reason": pl.String(),
    "records": pl.Int64(),
    "first_id": pl.String(),
    "example_id": pl.String(),
}
"""Matches not made: how many records each is about, and a few of their ids, one a row (`first_id` is the smallest)."""
SHARED_BY_TOO_MANY = "shared_by_too_many"
MOST_EXAMPLES = 5
_SAME_DIGITS = "|".join(f"{digit}{{7}}" for digit in range(10))
_PLACEHOLDER_NUMBER = rf"(?:{_SAME_DIGITS}|0?12345678?9?0?|98765432?1?0?)$"


@dataclass(frozen=True)
class Evidence:
    """Links as `LINK_SCHEMA`, and as `HELD_BACK_SCHEMA` the values that too many records share to say anything."""

    links: pl.DataFrame
    shared: pl.DataFrame


def decided_links(pairs: Sequence[Pair]) -> pl.DataFrame:
    """Links that the settings state."""
    rows = [(*pair.ordered(), pair.reason or "identity.always") for pair in pairs]
    frame = pl.DataFrame(rows, schema={"left_id": pl.String, "right_id": pl.String, "rule": pl.String}, orient="row")
    return _as_links(frame.with_row_index("evidence"), "always")


def id_links(records: pl.DataFrame, stated: Sequence[SameAs]) -> pl.DataFrame:
    """Links from a column that holds another system's id, to that id (whether or not a record has it)."""
    frames = [_as_links(pl.DataFrame(schema=LINK_SCHEMA), "id")]
    for each in stated:
        other = other_ids(each)
        found = records.filter((pl.col("source") == each.source) & other.is_not_null() & (other != pl.col("id")))
        pairs = found.select(
            pl.min_horizontal("id", other).alias("left_id"),
            pl.max_horizontal("id", other).alias("right_id"),
            pl.lit(f"{each.source}.{each.column}").alias("rule"),
        )
        frames.append(_as_links(pairs.unique().with_row_index("evidence"), "id"))
    return _numbered(frames)


def other_ids(stated: SameAs) -> pl.Expr:
    """The other system's id in a record, as it stands in the core tables; null where there is none."""
    given = pl.col(stated.column).cast(pl.String).str.strip_chars()
    given = pl.when(given != "").then(given)
    return pl.lit(f"{stated.id_space}:") + given if stated.id_space else given


def contact_links(records: pl.DataFrame, settings: IdentitySettings) -> Evidence:
    """Links between records with the same e-mail address or phone number: from the smallest id to each other one."""
    links, shared = [pl.DataFrame(schema=LINK_SCHEMA)], [pl.DataFrame(schema=HELD_BACK_SCHEMA)]
    for method in ("email", "phone"):
        if method in settings.match_on:
            values = normal_values(records[method], method, settings)
            holders = pl.DataFrame({"id": records["id"], "value": values}).drop_nulls().unique()
            found = _links_of_values(holders, method, most_records=settings.most_records_per_value)
            links.append(found.links)
            shared.append(found.shared)
    return Evidence(links=_numbered(links), shared=pl.concat(shared))


def normal_values(values: pl.Series, method: str, settings: IdentitySettings) -> pl.Series:
    """Addresses or numbers in one spelling; null where there is none, it is no such thing, or it is to be ignored."""
    if method == "email":
        spelled = normal_emails(values).alias("value")
        local, domain = pl.col("value").str.extract("^(.*)@", 1), pl.col("value").str.extract("@([^@]*)$", 1)
        ignored = [entry.strip().lower() for entry in settings.ignore if "@" in entry]
        is_ignored = (
            pl.col("value").is_in([entry for entry in ignored if entry[0] != "@" and entry[-1] != "@"])
            | local.is_in([entry[:-1] for entry in ignored if entry[-1] == "@"])
            | domain.is_in([entry[1:] for entry in ignored if entry[0] == "@"])
        )
    else:
        spelled = normal_phones(values, country=settings.country).alias("value")
        numbers = pl.Series([entry for entry in settings.ignore if "@" not in entry], dtype=pl.String)
        ignored = normal_phones(numbers, country=settings.country).drop_nulls().to_list()
        is_ignored = pl.col("value").is_in(ignored) | pl.col("value").str.contains(_PLACEHOLDER_NUMBER)
    return spelled.to_frame().select(pl.when(~is_ignored).then("value")).to_series()


def _links_of_values(holders: pl.DataFrame, method: str, *, most_records: int) -> Evidence:
    """Of (id, value) rows without repetition."""
    values = holders.group_by("value").agg(
        pl.col("id").min().alias("left_id"), pl.len().cast(pl.Int64).alias("records")
    )
    several = values.filter(pl.col("records") > 1)
    usable = several.filter(pl.col("records") <= most_records).sort("left_id", "records", "value")
    links = (
        holders.join(usable.with_row_index("evidence"), on="value", validate="m:1")
        .filter(pl.col("id") != pl.col("left_id"))
        .select("left_id", pl.col("id").alias("right_id"), pl.lit(f"same {method}").alias("rule"), "evidence")
    )
    too_many = holders.join(several.filter(pl.col("records") > most_records), on="value", validate="m:1")
    shared = (
        too_many.group_by("value", "records", pl.col("left_id").alias("first_id"))
        .agg(pl.col("id").sort().head(MOST_EXAMPLES).alias("example_id"))
        .with_columns(pl.lit(method).alias("method"), pl.lit(SHARED_BY_TOO_MANY).alias("reason"))
        .select(list(HELD_BACK_SCHEMA))
        .explode("example_id")
    )
    return Evidence(links=_as_links(links, method), shared=shared)


def _as_links(frame: pl.DataFrame, method: str) -> pl.DataFrame:
    """With all columns of `LINK_SCHEMA`; what is exact is certain and has no weight."""
    return frame.with_columns(
        pl.lit(method).alias("method"),
        pl.lit(1.0).alias("probability"),
        pl.lit(None, dtype=pl.Float64).alias("weight"),
    ).select(pl.col(name).cast(dtype) for name, dtype in LINK_SCHEMA.items())


def _numbered(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """All links together, each frame's evidence numbered after that of the one before."""
    numbered, offset = [], 0
    for frame in frames:
        numbered.append(frame.with_columns(pl.col("evidence") + offset))
        offset += frame.height  # evidence is numbered from 0, and each piece has a link
    return pl.concat(numbered)


def all_links(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Links of several kinds in one frame, evidence numbered throughout, in a fixed order."""
    order = pl.Enum(METHODS)
    return _numbered(frames).sort(pl.col("method").cast(order), "left_id", "right_id", "rule", "evidence")
