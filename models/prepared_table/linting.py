"""Before training: is the label a label, which columns are of no use, and which give the label away.

Belongs here: the checks and their reasons in words. Does not: fitting anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.judging.evaluation import auc
from models.judging.reliability import wilson
from models.learners.encoding import Floats
from models.prepared_table.columns import Column, tidy
from models.prepared_table.errors import LabelDegenerateError, LabelUnreadableError

MINIMUM_OUTCOMES = 10
FEW_OUTCOMES = 100  # below, every figure is uncertain, and it is said
TOO_GOOD_ALONE = 0.98  # AUC
NEARLY_TOO_GOOD = 0.90
SURE = 0.90  # lower bound of the share of the rarer outcome in a value that gives it away
SHARE_GIVEN_AWAY = 0.25  # of the rarer outcome's rows
YES = {"1", "1.0", "yes", "y", "true", "t", "churn", "churned", "left", "lost", "cancelled", "canceled", "exited",
       "attrited customer", "attrited", "inactive", "leave", "closed", "lapsed", "terminated", "unsubscribed",
       "true.", "yes.", "gekündigt", "inaktiv", "résilié", "inactif", "parti", "cancelado", "baja", "inactivo",
       "disdetto", "inattivo", "opgezegd", "inactief",
       "ja", "oui", "si", "sí", "sim", "tak", "да", "是", "はい"}  # fmt: skip
NO = {"0", "0.0", "no", "n", "false", "f", "stay", "stayed", "active", "existing customer", "retained", "not churned",
      "no churn", "current", "-1", "open", "existing", "remained", "renewed", "subscribed", "false.", "no.",
      "aktiv", "actif", "resté", "activo", "alta", "attivo", "ativo", "actief",
      "nein", "nej", "nee", "non", "não", "nao", "nie", "нет", "否", "いいえ"}  # fmt: skip
MOST_LISTED = 10
NAMES_OF_IDS = ("id", "num", "number", "key", "index", "uuid", "_no", "_nr")


@dataclass(frozen=True, kw_only=True)
class Label:
    """A label read.

    Attributes:
        happened: 0 or 1, NaN where the label is missing, shape (rows,).
        positive: the value that says it happened, as text.
        negative: the value that says it did not.
    """

    happened: Floats
    positive: str
    negative: str


def read_label(values: pl.Series, *, positive: str | None = None) -> Label:
    """Read a label of two values: 0/1, yes/no, true/false, churned/stayed, or any two with `positive` named.

    Raises:
        LabelUnreadableError: not two values, or it is not clear which of them says that it happened.
    """
    if values.dtype == pl.Boolean:
        values = values.cast(pl.Int8)
    if values.dtype.is_float():
        plain = values.fill_nan(None).to_list()
        values = pl.Series(values.name, [None if one is None else f"{one:g}" for one in plain], dtype=pl.String)
    told = tidy(values.cast(pl.String))
    kinds = sorted(told.drop_nulls().unique().to_list())
    chosen = _positive(values.name, kinds, positive)
    happened = (told == chosen).cast(pl.Float64).fill_null(float("nan")).to_numpy()
    others = [kind for kind in kinds if kind != chosen]
    return Label(happened=happened, positive=chosen, negative=" or ".join(others))


def refuse_too_few(happened: Floats, *, label: str, needs: int = MINIMUM_OUTCOMES) -> None:
    """Refuse a label with too few rows of one kind.

    Raises:
        LabelDegenerateError: fewer than `needs`.
    """
    ones, zeros = int((happened == 1).sum()), int((happened == 0).sum())
    if min(ones, zeros) < needs:
        raise LabelDegenerateError(column=label, ones=ones, zeros=zeros, needs=needs)


def useless_columns(raw: pl.DataFrame, table: pl.DataFrame, columns: Sequence[Column]) -> dict[str, str]:
    """Columns nothing can be learnt from, with the reason: the same everywhere, an identifier, a repeated column.

    Args:
        raw: the table as it came.
        table: the same typed.
        columns: what its columns are.
    """
    left_out: dict[str, str] = {}
    seen: dict[tuple[int, int], list[str]] = {}
    for column in columns:
        values = table[column.name]
        distinct = values.n_unique()
        twin = next((one for one in seen.get((distinct, values.null_count()), []) if _same(table[one], values)), None)
        if distinct <= 1:
            left_out[column.name] = "the same in every row"
        elif _is_identifier(raw[column.name], values, column, distinct):
            left_out[column.name] = "nearly every row has its own value: an identifier or free text"
        elif twin is not None:
            left_out[column.name] = f"repeats the column {twin}"
        else:
            seen.setdefault((distinct, values.null_count()), []).append(column.name)
    return left_out


def leaks(table: pl.DataFrame, columns: Sequence[Column], happened: Floats) -> tuple[dict[str, str], dict[str, str]]:
    """Columns that give the label away, and those that come close, each with how in words.

    A column gives it away where it alone orders the rows almost perfectly (AUC above .98, by its values or by being
    missing), or where one value of it, or its being missing (or there), is found almost only with the rarer outcome
    and with at least a quarter of that outcome's rows.

    Args:
        table: typed columns.
        columns: what they are.
        happened: 0 or 1.
    """
    given_away, close = {}, {}
    for column in columns:
        alone, how = _alone(table[column.name], column, happened)
        telltale = _telltale(table[column.name], happened)
        if alone > TOO_GOOD_ALONE:
            given_away[column.name] = f"{how} alone order the rows almost perfectly (AUC {alone:.3f})"
        elif telltale:
            given_away[column.name] = telltale
        elif alone > NEARLY_TOO_GOOD:
            close[column.name] = f"{how} alone reach an AUC of {alone:.3f}"
    return given_away, close


def _positive(label: str, kinds: list[str], positive: str | None) -> str:
    if positive is not None:
        if positive not in kinds:
            raise LabelUnreadableError(
                column=label, got=f"--positive {positive}", expected=_listed(kinds), action="name a value of the label"
            )
        return positive
    if len(kinds) > 2:  # noqa: PLR2004 - yes and no
        raise LabelUnreadableError(
            column=label,
            got=_listed(kinds),
            expected="two values",
            action="name the value that means that it happened (all others mean that it did not): --positive VALUE",
        )
    known = [kind for kind in kinds if kind.lower() in YES]
    denied = [kind for kind in kinds if kind.lower() in NO]
    if len(kinds) == 1:
        return kinds[0] if known else ""  # it never happened, in any row
    if len(known) == 1 and not _mere_codes(kinds):
        return known[0]
    if len(denied) == 1 and len(kinds) == 2:  # noqa: PLR2004 - yes and no
        return next(kind for kind in kinds if kind not in denied)
    raise LabelUnreadableError(
        column=label,
        got=_listed(kinds) or "no value at all",
        expected="two values of which one says that it happened (1, yes, true, churned, left)",
        action="name it: --positive VALUE",
    )


def _mere_codes(kinds: list[str]) -> bool:
    """Whether values are codes of which none says no (1 and 2): either may mean that it happened."""
    return all(kind.replace(".", "", 1).isdigit() for kind in kinds) and not any(kind in NO for kind in kinds)


def _listed(kinds: list[str]) -> str:
    """The values, where they are so few that they can't be names of people (a wrong column may have been named)."""
    return ", ".join(kinds) if len(kinds) <= MOST_LISTED else f"{len(kinds):,} different values"


def _same(one: pl.Series, other: pl.Series) -> bool:
    return one.dtype == other.dtype and one.equals(other)


def _is_identifier(raw: pl.Series, values: pl.Series, column: Column, distinct: int) -> bool:
    there = len(values) - values.null_count()
    if column.kind == "text":
        return distinct > 30 and distinct > there / 2  # noqa: PLR2004 - a few dozen categories are none
    whole = raw.dtype.is_integer() or (raw.dtype == pl.String and column.kind == "number")
    if not whole or distinct < there or there < 30:  # noqa: PLR2004 - few rows are easily all different
        return False
    if (values.drop_nulls() % 1 != 0).any():
        return False
    span = float(values.max() or 0) - float(values.min() or 0) + 1  # type: ignore[arg-type]  # a Float64 column
    is_count = span <= 1.05 * there
    return is_count or column.name.lower().endswith(NAMES_OF_IDS)


def _alone(values: pl.Series, column: Column, happened: Floats) -> tuple[float, str]:
    """The best AUC of the column alone, and by what it is reached."""
    if column.kind == "text":
        return _rate_auc(values, happened), "its values"
    numbers = values.to_numpy().astype(np.float64)
    there = np.isfinite(numbers)
    by_missing = _either_way(there.astype(np.float64), happened)
    by_value = _either_way(np.where(there, numbers, np.nanmin(numbers) - 1 if there.any() else 0.0), happened)
    return (by_missing, "its missing values") if by_missing >= by_value else (by_value, "its values")


def _rate_auc(values: pl.Series, happened: Floats) -> float:
    """AUC of the rate of each value, learnt on the other half of the rows."""
    _, codes = np.unique(values.to_numpy().astype(str), return_inverse=True)
    half = np.arange(len(codes)) % 2
    rates = np.empty(len(codes))
    for part in (0, 1):
        other = half != part
        sums = np.bincount(codes[other], weights=happened[other], minlength=codes.max() + 1)
        counts = np.bincount(codes[other], minlength=codes.max() + 1)
        rates[~other] = ((sums + happened.mean()) / (counts + 1))[codes[~other]]
    return auc(rates, happened)


def _telltale(values: pl.Series, happened: Floats) -> str:
    """In words, a value (or the lack of one) that is found almost only with the rarer outcome; else empty."""
    rarer = 1.0 if happened.mean() <= 0.5 else 0.0  # noqa: PLR2004 - half
    rare = happened == rarer
    frame = pl.DataFrame({"value": values, "rare": rare})
    common = frame.drop_nulls("value").group_by("value").agg(pl.len().alias("rows"), pl.col("rare").sum())
    parts = [(f"the value {row[0]}", row[1], row[2]) for row in common.sort("rows", descending=True).head(30).rows()]
    for there, words in ((False, "missing values"), (True, "values that are not missing")):
        chosen = frame.filter(pl.col("value").is_not_null() == there)
        parts.append((f"its {words}", chosen.height, int(chosen["rare"].sum())))
    for what, rows, hits in parts:
        if rows and hits >= SHARE_GIVEN_AWAY * rare.sum() and wilson(hits, rows)[0] > SURE:
            outcome = "happened" if rarer else "did not happen"
            return f"{what}: {hits:,} of {rows:,} rows {outcome}, {hits / rare.sum():.0%} of all that did"
    return ""


def _either_way(column: Floats, happened: Floats) -> float:
    area = auc(column, happened)
    return max(area, 1 - area)
