"""Choosing among the candidates of all customers, as frames: what is chosen, and at which prices.

Belongs here: from a frame of candidates to the arrays of the choice and back. Does not: the choice itself
(`allocation`), or words (`explaining`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from data_contracts.key_order import by_key
from segments.checks import require_columns, require_key
from segments.decisions.allocation import Allocation, allocate
from segments.decisions.exploration import Exploration, draw_lots, no_lots
from segments.decisions.problem import NO_OPTION, Bucket, Flags, Floats, Ints, Limit, Rules, chosen_at
from segments.errors import RulesClashError

KEY = ("customer_id", "offer_id", "channel")
CELLS_A_BUCKET = 4_000_000
EXPLORATION_SHARE = "the exploration share"


@dataclass(frozen=True, kw_only=True)
class Minimum:
    """So many contacts, or such a share of all, have to go to some options.

    Attributes:
        name: for people, e.g. `letters`.
        column: of the candidates: `offer_id`, `channel` or `category`.
        value: which of its values count.
        at_least: contacts; or
        share: of all contacts, from 0 to below 1.
    """

    name: str
    column: str
    value: str
    at_least: int = 0
    share: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ChoiceRules:
    """The company's rules over all customers.

    Attributes:
        at_most: offers a customer.
        at_most_a_channel: offers a customer and channel.
        budget_amount: for the contacts' cost, minor units; None: no limit.
        channel_capacity: contacts by channel.
        stock: by declared offer (`declared_offer_id` of the candidates, or `offer_id` where they have none).
        minimums: see `Minimum`.
    """

    at_most: int = 1
    at_most_a_channel: int = 1
    budget_amount: int | None = None
    channel_capacity: dict[str, int] | None = None
    stock: dict[str, int] | None = None
    minimums: Sequence[Minimum] = ()


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was chosen.

    Attributes:
        candidates: as handed in, sorted by customer, offer and channel, with `chosen` (Boolean), `price_amount`
            (Float64, what the limits it uses are worth), `dearest_limit` (String or null, the one worth most),
            `by_lot` (Boolean, the customer gets what a lot fell on), `usual` (Boolean, chosen if neither a lot nor the
            control group stood in the way) and `lot_probability` (Float64, that a lot falls on it where its customer is
            drawn; null where a rule forbids it).
        rules: the limits with their names.
        used: of each limit, shape (limits,).
        allocation: prices, value; None where nothing was open.
    """

    candidates: pl.DataFrame
    rules: Rules
    used: Floats
    allocation: Allocation | None


def choose(candidates: pl.DataFrame, rules: ChoiceRules, exploration: Exploration | None = None) -> Choice:
    """Choose for all customers at once what brings most.

    Args:
        candidates: a row a customer, offer and channel: `customer_id`, `offer_id`, `channel` (String), `gain_amount`,
            `cost_amount` (Int64, minor units), `blocked` (String, null where open), columns that minimums name, and,
            where there is a control group, `held_out` (Boolean: nothing but that group blocks it).
        rules: see `ChoiceRules`.
        exploration: whom to give an offer by lot first; the others share what that leaves of the limits.

    Raises:
        SegmentColumnsMissingError, SegmentKeyRepeatedError: the candidates are not that.
        RulesClashError: no choice keeps the rules.
    """
    require_columns(candidates, (*KEY, "gain_amount", "cost_amount", "blocked"), name="candidates")
    require_key(candidates, KEY, name="candidates")
    rows = by_key(candidates, KEY).with_row_index("__row")
    options = (
        rows.select("offer_id", "channel", "cost_amount", *_named(rows, rules))
        .unique()
        .sort("offer_id", "channel", "cost_amount")
    )
    options = options.with_row_index("__option")
    rows = rows.join(
        options.select("offer_id", "channel", "cost_amount", "__option"),
        on=["offer_id", "channel", "cost_amount"],
        how="left",
        validate="m:1",
        maintain_order="left",
    )
    posed = _rules(options, rules)
    option = rows["__option"].to_numpy().astype(np.int64)
    is_open = rows["blocked"].is_null().to_numpy()
    asked = is_open | _held_out(rows)
    drawn, lot_probability = _drawn(rows, is_open, asked, posed, exploration)
    by_lot = _of_same_customer(rows, drawn)
    of_lots = posed.uses @ np.bincount(option[drawn], minlength=options.height).astype(np.float64)
    try:
        taken, allocation = _allocated(rows, is_open & ~by_lot, posed, of_lots)
    except RulesClashError as error:
        if by_lot.any() and _allocated(rows, is_open, posed, of_lots * 0.0):  # else they clash without it too
            raise RulesClashError(clashing=[*error.clashing, EXPLORATION_SHARE], missed=error.clashing[0]) from error
        raise
    usual = taken | _usual(rows, asked & (by_lot | ~is_open), posed, allocation)
    price, dearest = _prices(option, posed, allocation)
    names = pl.Series("dearest_limit", [limit.name for limit in posed.limits] or [""], dtype=pl.String)
    told = rows.drop("__row", "__option").with_columns(
        pl.Series("chosen", taken | drawn),
        pl.Series("price_amount", price),
        names.gather(np.maximum(dearest, 0)),
        pl.Series("by_lot", by_lot),
        pl.Series("usual", usual),
        pl.when(pl.Series(asked)).then(pl.Series(lot_probability)).alias("lot_probability"),
    )
    told = told.with_columns(pl.when(pl.Series(dearest >= 0)).then(pl.col("dearest_limit")).alias("dearest_limit"))
    used = of_lots if allocation is None else of_lots + allocation.used
    return Choice(candidates=told, rules=posed, used=used, allocation=allocation)


def _held_out(rows: pl.DataFrame) -> Flags:
    if "held_out" not in rows.columns:
        return np.zeros(rows.height, dtype=np.bool_)
    held_out: Flags = rows["held_out"].to_numpy().astype(np.bool_)
    return held_out


def _drawn(
    rows: pl.DataFrame, is_open: Flags, asked: Flags, rules: Rules, exploration: Exploration | None
) -> tuple[Flags, Floats]:
    """Which candidates a lot fell on, and the probability of that, shape (candidates,) each."""
    places = np.flatnonzero(asked)
    candidates = rows.with_columns(pl.Series("is_open", is_open)).filter(pl.Series(asked))
    lots = no_lots(len(places))
    if exploration is not None:
        lots = draw_lots(candidates.rename({"__option": "option"}), rules, exploration)
    taken, probability = np.zeros(rows.height, dtype=np.bool_), np.zeros(rows.height)
    taken[places], probability[places] = lots.taken, lots.probability
    return taken, probability


def _of_same_customer(rows: pl.DataFrame, some: Flags) -> Flags:
    """All candidates of the customers of some."""
    if not some.any():
        return some
    customer = rows["customer_id"].rle_id().to_numpy()
    everything: Flags = np.bincount(customer, weights=some)[customer] > 0
    return everything


def _allocated(rows: pl.DataFrame, open_: Flags, rules: Rules, of_lots: Floats) -> tuple[Flags, Allocation | None]:
    """What is chosen of the open candidates within what the lots leave of the limits."""
    taken = np.zeros(rows.height, dtype=np.bool_)
    if not open_.any():
        return taken, None
    buckets, places = _buckets(rows.filter(pl.Series(open_)))
    left = replace(
        rules,
        limits=tuple(replace(limit, most=limit.most - of_lots[place]) for place, limit in enumerate(rules.limits)),
    )
    allocation = allocate(buckets, left)
    for number, place in enumerate(places):
        mine = allocation.picks.bucket == number
        taken[place[allocation.picks.row[mine], allocation.picks.column[mine]]] = True
    return taken, allocation


def _usual(rows: pl.DataFrame, wanted: Flags, rules: Rules, allocation: Allocation | None) -> Flags:
    """What customers without a choice of their own would get at the limits' prices."""
    taken = np.zeros(rows.height, dtype=np.bool_)
    if not wanted.any():
        return taken
    price = np.zeros(len(rules.channel)) if allocation is None else allocation.prices.of_limits @ rules.uses
    buckets, places = _buckets(rows.filter(pl.Series(wanted)))
    for bucket, place in zip(buckets, places, strict=True):
        taken[place[chosen_at(bucket, price, rules).taken]] = True
    return taken


def _named(rows: pl.DataFrame, rules: ChoiceRules) -> list[str]:
    wanted = {minimum.column for minimum in rules.minimums} | ({_stock_column(rows)} if rules.stock else set())
    require_columns(rows, sorted(wanted), name="candidates")
    return sorted(wanted - {"offer_id", "channel"})


def _stock_column(rows: pl.DataFrame) -> str:
    return "declared_offer_id" if "declared_offer_id" in rows.columns else "offer_id"


def _rules(options: pl.DataFrame, rules: ChoiceRules) -> Rules:
    channels = options["channel"].unique().sort()
    number = options["channel"].replace_strict(channels, pl.int_range(channels.len(), eager=True)).to_numpy()
    limits: list[Limit] = []
    if rules.budget_amount is not None:
        cost = options["cost_amount"].to_numpy().astype(np.float64)
        limits.append(Limit(name="the budget", uses=cost, most=float(rules.budget_amount), unit="money"))
    for column, most, words in (
        ("channel", rules.channel_capacity or {}, "contacts by {}"),
        (_stock_column(options), rules.stock or {}, "the stock of {}"),
    ):
        for value in sorted(most):
            uses = (options[column] == value).fill_null(value=False).to_numpy().astype(np.float64)
            if uses.any():
                limits.append(Limit(name=words.format(value), uses=uses, most=float(most[value])))
    limits += [_minimum(options, minimum) for minimum in rules.minimums]
    return Rules(
        channel=number.astype(np.int64),
        at_most=rules.at_most,
        at_most_a_channel=rules.at_most_a_channel,
        limits=tuple(limits),
    )


def _minimum(options: pl.DataFrame, minimum: Minimum) -> Limit:
    wanted = (options[minimum.column] == minimum.value).fill_null(value=False).to_numpy().astype(np.float64)
    if minimum.share:
        name = f"at least {minimum.share:.0%} of the contacts: {minimum.name}"
        return Limit(name=name, uses=minimum.share - wanted, most=0.0)
    return Limit(name=f"at least {minimum.at_least:,} contacts: {minimum.name}", uses=-wanted, most=-minimum.at_least)


def _buckets(rows: pl.DataFrame) -> tuple[list[Bucket], list[Ints]]:
    """Customers in buckets, a row each, and the place of every cell among all candidates."""
    customer = rows["customer_id"].rle_id().to_numpy().astype(np.int64)
    starts = np.flatnonzero(np.append(np.True_, customer[1:] != customer[:-1]))
    column = np.arange(len(customer)) - starts[customer]
    width = int(column.max()) + 1
    step = max(CELLS_A_BUCKET // width, 1)
    buckets, places = [], []
    for first in range(0, len(starts), step):
        mine = (customer >= first) & (customer < first + step)
        shape = (min(step, len(starts) - first), width)
        at = (customer[mine] - first, column[mine])
        option, value = np.full(shape, NO_OPTION, dtype=np.int32), np.zeros(shape, dtype=np.int64)
        place = np.zeros(shape, dtype=np.int64)
        option[at], value[at] = rows["__option"].to_numpy()[mine], rows["gain_amount"].to_numpy()[mine]
        place[at] = rows["__row"].to_numpy()[mine]
        buckets.append(Bucket(option=option, value=value))
        places.append(place)
    return buckets, places


def _prices(option: Ints, rules: Rules, allocation: Allocation | None) -> tuple[Floats, Ints]:
    """What each candidate's use of the limits is worth, and the limit that is worth most (-1: none)."""
    if allocation is None or not rules.limits:
        return np.zeros(len(option)), np.full(len(option), -1)
    worth = allocation.prices.of_limits[:, None] * rules.uses
    dearest = np.where(worth.max(axis=0) > 0, worth.argmax(axis=0), -1)
    return worth.sum(axis=0)[option], dearest[option]
