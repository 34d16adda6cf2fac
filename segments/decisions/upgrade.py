"""Which gold customers could become platinum, and which categories they lack against platinum customers like them.

Belongs here: the table `segments.upgrade_path`. Does not: tiers.

Neighbours are the platinum customers whose spending over categories is most alike (cosine), among 5,000 drawn by lot
where there are more, so that the work does not grow with the square of the customers. A category is lacking where the
customer did not buy it in the last 365 days; it counts by the share of the neighbours who did.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.control_group import drawn_of
from segments.decisions.lists import ListStamp, as_list, list_contract
from segments.decisions.values import RESPONSE, Z
from segments.money import Currency, amount_dtype
from segments.numbers_in_words import money_in_words
from segments.vocabulary import GOLD, PLATINUM

NEIGHBOURS = 20
CHUNK = 2_000
MOST_PLATINUM = 5_000
FEWEST_PLATINUM = 5
LEAST_SHARE = 0.2


@dataclass(frozen=True, kw_only=True)
class _Lack:
    """For each gold customer the three categories lacking most: places, shares of the neighbours, their spend."""

    places: "np.typing.NDArray[np.int64]"
    shares: "np.typing.NDArray[np.float64]"
    spend: "np.typing.NDArray[np.float64]"


def upgrade_contract(currency: Currency) -> OutputContract:
    """The contract of `segments.upgrade_path`."""
    amount = amount_dtype(currency)
    lacking = tuple(
        OutputColumn(
            f"lacking_category_{rank}",
            pl.String,
            nullable=rank > 1,
            meaning=f"Category they did not buy in the last 365 days, choice {rank} by how many neighbours did.",
        )
        for rank in (1, 2, 3)
    )
    return list_contract(
        "upgrade_path",
        (
            OutputColumn("expected_value_12m", amount, meaning="What they are expected to bring in 12 months."),
            OutputColumn("platinum_from", amount, meaning="What the last platinum customer is expected to spend."),
            *lacking,
            OutputColumn(
                "neighbours_who_buy_it",
                pl.Float64,
                minimum=0.0,
                maximum=1.0,
                meaning="Share of the platinum customers most like them who buy the first of these categories.",
            ),
        ),
        currency=currency,
        meaning="Gold customers who could become platinum, and what would take them there. Not there where products "
        "have no categories.",
        rank_meaning="1 is the customer expected to bring most.",
    )


def upgrade_path(
    customers: pl.DataFrame, spending: pl.DataFrame, *, margin_share: float, stamp: ListStamp
) -> pl.DataFrame:
    """The rows of `segments.upgrade_path`.

    The expected gain is what neighbours spend on the first lacking category in a year, times the share of them who buy
    it, times the margin: what such customers do, not the effect of an offer.

    Args:
        customers: `customer_id`, `value_tier`, `expected_value_12m_amount` (Int64, minor units), `may_be_contacted`.
        spending: `customer_id`, `category`, `amount` (Int64, minor units, above 0) of the last 365 days.
        margin_share: of sales, 0 to 1.
        stamp: where it comes from.
    """
    contract = upgrade_contract(stamp.currency)
    gold = customers.filter((pl.col("value_tier") == GOLD) & pl.col("may_be_contacted")).sort("customer_id")
    platinum = customers.filter(pl.col("value_tier") == PLATINUM).sort("customer_id")
    categories = spending["category"].drop_nulls().unique().sort()
    if not gold.height or platinum.height < FEWEST_PLATINUM or not categories.len():
        return contract.schema.to_frame()
    lack = _lacking(_spend(gold, spending, categories), _spend(_held_against(platinum), spending, categories))
    rows = gold.with_columns(
        pl.lit(platinum["expected_value_12m_amount"].min(), pl.Int64).alias("platinum_from"),
        pl.col("expected_value_12m_amount").alias("expected_value_12m"),
        pl.Series("neighbours_who_buy_it", lack.shares[:, 0]),
        *(
            pl.Series(
                f"lacking_category_{rank + 1}",
                [
                    categories[int(p)] if s >= LEAST_SHARE else None
                    for p, s in zip(lack.places[:, rank], lack.shares[:, rank], strict=True)
                ],
                dtype=pl.String,
            )
            for rank in range(3)
        ),
        *_gains(lack, margin_share),
        pl.lit(RESPONSE).alias("evidence"),
    ).filter(pl.col("lacking_category_1").is_not_null() & (pl.col("gain_amount") > 0))
    short = money_in_words((pl.col("platinum_from") - pl.col("expected_value_12m")).clip(lower_bound=0), stamp.currency)
    share = (pl.col("neighbours_who_buy_it") * 100).round(0).cast(pl.Int64)
    reason = pl.format(
        "{} short of platinum; {}% of the platinum customers most like them buy {}, they don't",
        short,
        share,
        "lacking_category_1",
    )
    rows = rows.with_columns(reason.alias("reason"))
    return as_list(rows, contract, stamp, amounts=("expected_value_12m", "platinum_from"))


def _held_against(platinum: pl.DataFrame) -> pl.DataFrame:
    """Who may be a neighbour: all, or so many drawn by a hash of their id, the same every night; sorted by id."""
    if platinum.height <= MOST_PLATINUM:
        return platinum
    draw = [drawn_of("upgrade_path", name) for name in platinum["customer_id"].to_list()]
    drawn = pl.Series(draw, dtype=pl.UInt64).arg_sort().head(MOST_PLATINUM).sort()
    return platinum[drawn]


def _spend(customers: pl.DataFrame, spending: pl.DataFrame, categories: pl.Series) -> "np.typing.NDArray[np.float64]":
    """Shape (customers, categories), minor units."""
    place = pl.DataFrame({"category": categories, "column": np.arange(categories.len())})
    row = customers.select("customer_id").with_row_index("row")
    cells = spending.join(row, on="customer_id", validate="m:1").join(place, on="category", validate="m:1")
    matrix = np.zeros((customers.height, categories.len()))
    np.add.at(matrix, (cells["row"].to_numpy(), cells["column"].to_numpy()), cells["amount"].to_numpy().astype(float))
    return matrix


def _lacking(gold: "np.typing.NDArray[np.float64]", platinum: "np.typing.NDArray[np.float64]") -> _Lack:
    like = platinum / np.maximum(np.linalg.norm(platinum, axis=1, keepdims=True), 1e-12)
    count = min(NEIGHBOURS, len(platinum))
    top = min(3, gold.shape[1])
    places = np.zeros((len(gold), 3), dtype=np.int64)
    shares, spend = np.zeros((len(gold), 3)), np.zeros((len(gold), 3))
    for first in range(0, len(gold), CHUNK):
        part = slice(first, first + CHUNK)
        own = gold[part]
        nearest = _nearest(own @ like.T, count)
        buys = (platinum[nearest] > 0).mean(axis=1) * (own <= 0)
        average = platinum[nearest].sum(axis=1) / np.maximum((platinum[nearest] > 0).sum(axis=1), 1)
        best = np.argsort(-buys, axis=1, kind="stable")[:, :top]
        rows = np.arange(len(own))[:, None]
        places[part, :top], shares[part, :top] = best, buys[rows, best]
        spend[part, :top] = average[rows, best]
    return _Lack(places=places, shares=shares, spend=spend)


def _nearest(likeness: "np.typing.NDArray[np.float64]", count: int) -> "np.typing.NDArray[np.int64]":
    """Columns of the most alike of each row, in no order; of equals (to 1e-6) the first. Shape (rows, count)."""
    columns = likeness.shape[1]
    steps = np.round(likeness, 6)
    edge = np.partition(steps, columns - count, axis=1)[:, columns - count, None]
    surely = steps > edge
    wanted = count - surely.sum(axis=1, keepdims=True)
    equal = steps == edge
    taken = surely | (equal & (np.cumsum(equal, axis=1) <= wanted))
    found: np.typing.NDArray[np.int64] = np.nonzero(taken)[1].reshape(len(steps), count)
    return found


def _gains(lack: _Lack, margin_share: float) -> list[pl.Series]:
    """Gain and its interval: the share of the neighbours who buy, with the error of a share of so few."""
    share = lack.shares[:, 0]
    error = Z * np.sqrt(share * (1 - share) / NEIGHBOURS + (Z / (2 * NEIGHBOURS)) ** 2)  # as Wilson 1927
    yearly = lack.spend[:, 0] * margin_share
    names = ("gain_amount", "gain_low_amount", "gain_high_amount")
    shares = (share, np.maximum(share - error, 0.0), np.minimum(share + error, 1.0))
    return [pl.Series(name, np.round(one * yearly).astype(np.int64)) for name, one in zip(names, shares, strict=True)]
