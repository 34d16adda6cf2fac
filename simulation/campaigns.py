"""Campaigns put into a simulated company's orders, so that what each of them caused is known to the penny.

Belongs here: whom a campaign addresses, who is held out, what it adds, pulls forward and takes from other products.
Does not: the company (`retailer`), customers' taste for single offers (`offers`).

A campaign addresses customers who bought within a year, the better ones rather (by what the company can see: what they
spent in it), and holds some of them out by lot. Of those addressed some make one order more, of one category. Some of
these skip a later order for it (pulled forward), some leave another product out (taken from others).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from simulation.randomness import Floats, stream
from simulation.retailer import SimulatedCompany

EXTRA_ORDER_SHARE = 0.08
SKIPPING_SHARE = 0.25
REPLACING_SHARE = 0.25
ADDRESSED_SHARE = 0.45
COST_PER_CONTACT = 40
YEAR = timedelta(days=365)
_SENT_AT = time(9)
_CAMPAIGN: dict[str, pl.DataType | type[pl.DataType]] = {
    "campaign_id": pl.String,
    "name": pl.String,
    "starts_on": pl.Date,
    "offer_id": pl.String,
    "cost": pl.Int64,
}
_CONTACT: dict[str, pl.DataType | type[pl.DataType]] = {
    "contact_id": pl.String,
    "customer_id": pl.String,
    "campaign_id": pl.String,
    "offer_id": pl.String,
    "channel": pl.String,
    "sent_at": pl.Datetime("us", "UTC"),
    "cost": pl.Int64,
    "held_out": pl.Boolean,
}
_CAUSED = (
    "orders",
    "net_amount",
    "margin_amount",
    "promoted_net_amount",
    "other_net_amount",
    "later_net_amount",
)


@dataclass(frozen=True)
class SimulatedCampaigns:
    """A company with campaigns, and what they caused.

    Attributes:
        orders: the company's order lines with what was added, without what was dropped.
        campaigns, contacts, offers: as core tables.
        truth: a row a campaign: `campaign_id`, `orders`, `net_amount`, `margin_amount`, `promoted_net_amount` and
            `other_net_amount` caused within the window, `later_net_amount` in the window after (minor units).
    """

    orders: pl.DataFrame
    campaigns: pl.DataFrame
    contacts: pl.DataFrame
    offers: pl.DataFrame
    truth: pl.DataFrame


def simulate_campaigns(
    company: SimulatedCompany,
    *,
    starts: list[date],
    hold_out_share: float,
    window_days: int = 30,
    seed: int = 5,
    about: Sequence[str] = (),
    extra_order_share: float = EXTRA_ORDER_SHARE,
) -> SimulatedCampaigns:
    """Put campaigns into a company's orders.

    Args:
        company: whose; its orders have costs.
        starts: the day of each campaign's contacts; two windows apart at least, so that every effect is its own.
        hold_out_share: of the customers chosen, how many are left alone by lot; 0 for none.
        window_days: within which what is added is bought.
        seed: any integer of at least 0.
        about: categories, promoted in turn with an offer each; without any, all of the company's.
        extra_order_share: of those addressed, how many make one order more.
    """
    orders, contacts, truth = company.orders, [], []
    categories = list(about) or company.products["category"].drop_nulls().unique().sort().to_list()
    chosen_categories = [categories[(seed + place) % len(categories)] for place in range(len(starts))]
    offer_ids = [f"OC{chosen_categories.index(category) + 1:02}" for category in chosen_categories]
    for place, (start, category) in enumerate(zip(starts, chosen_categories, strict=True)):
        rng = stream(seed, f"campaign {place}")
        name = f"C{place + 1:02}"
        chosen = _chosen(rng, company, orders, start)
        held_out = pl.Series("held_out", rng.random(len(chosen)) < hold_out_share)
        contacts.append(_contacts((name, offer_ids[place]), chosen, held_out, _instant(start, company.time_zone)))
        products = company.products.filter(pl.col("category") == category)["product_id"]
        orders, caused = _affected(
            rng, orders, chosen.filter(~held_out), products, (name, start, window_days, company, extra_order_share)
        )
        truth.append({"campaign_id": name, **caused})
    names = [f"C{place + 1:02}" for place in range(len(starts))]
    campaigns = pl.DataFrame(
        {
            "campaign_id": names,
            "name": [f"{category}, {start:%B %Y}" for category, start in zip(chosen_categories, starts, strict=True)],
            "starts_on": starts,
            "offer_id": offer_ids,
            "cost": [20_000] * len(names),
        },
        schema=_CAMPAIGN,
    )
    offers = campaigns.select("offer_id", pl.Series("category", chosen_categories, dtype=pl.String))
    offers = offers.unique(maintain_order=True)
    return SimulatedCampaigns(
        orders=orders,
        campaigns=campaigns,
        contacts=pl.concat([pl.DataFrame(schema=_CONTACT), *contacts]),
        offers=offers,
        truth=pl.DataFrame(truth, schema={"campaign_id": pl.String, **dict.fromkeys(_CAUSED, pl.Int64)}),
    )


def _chosen(rng: np.random.Generator, company: SimulatedCompany, orders: pl.DataFrame, start: date) -> pl.Series:
    """Customers addressed or held out: the better a year they had, the likelier."""
    instant = _instant(start, company.time_zone)
    bought = pl.col("ordered_at").is_between(instant - YEAR, instant, closed="left")
    spent = orders.filter(bought).group_by("customer_id").agg(pl.sum("amount")).sort("customer_id")
    place: Floats = (spent["amount"].clip(0).rank("ordinal").to_numpy() - 1.0) / max(spent.height, 1)
    return spent["customer_id"].filter(pl.Series(rng.random(spent.height) < ADDRESSED_SHARE * (0.5 + place)))


def _contacts(about: tuple[str, str], chosen: pl.Series, held_out: pl.Series, start: datetime) -> pl.DataFrame:
    name, offer_id = about
    return pl.DataFrame(
        {
            "contact_id": [f"{name}-{customer}" for customer in chosen],
            "customer_id": chosen,
            "campaign_id": [name] * len(chosen),
            "offer_id": [offer_id] * len(chosen),
            "channel": ["letter"] * len(chosen),
            "sent_at": [start + timedelta(hours=_SENT_AT.hour)] * len(chosen),
            "cost": held_out.replace_strict({True: 0, False: COST_PER_CONTACT}, return_dtype=pl.Int64),
            "held_out": held_out,
        },
        schema=_CONTACT,
    )


def _affected(
    rng: np.random.Generator,
    orders: pl.DataFrame,
    addressed: pl.Series,
    products: pl.Series,
    about: tuple[str, date, int, SimulatedCompany, float],
) -> tuple[pl.DataFrame, dict[str, int]]:
    """The orders with one campaign's effects, and these effects."""
    name, start, window_days, company, extra_order_share = about
    instant, window = _instant(start, company.time_zone), timedelta(days=window_days)
    responding = addressed.filter(pl.Series(rng.random(len(addressed)) < extra_order_share))
    gone = company.truth.filter(pl.col("died_at") < instant + window)["customer_id"]
    responding = responding.filter(~responding.is_in(gone.implode()))  # who left comes back for no letter
    added = _added(rng, orders, responding, products, (name, instant, window_days))
    replacing, skipping = (
        responding.filter(pl.Series(rng.random(len(responding)) < share)) for share in (REPLACING_SHARE, SKIPPING_SHARE)
    )
    bought = pl.col("amount") > 0
    within = bought & pl.col("ordered_at").is_between(instant, instant + window, closed="left")
    others = orders.filter(within & ~pl.col("product_id").is_in(products.implode()))
    several = others.filter(pl.col("order_id").is_in(_of_several_lines(orders, within).implode()))
    left_out = _first_lines(several, replacing)
    after = orders.filter(
        bought & pl.col("ordered_at").is_between(instant + window, instant + 2 * window, closed="left")
    )
    first_order = _first_lines(after, skipping)
    skipped = after.join(first_order.select("order_id"), on="order_id", how="semi")
    dropped = pl.concat([left_out, skipped]).select("order_id", "line_number")
    kept = orders.join(dropped, on=["order_id", "line_number"], how="anti", maintain_order="left")
    caused = {
        "orders": added.height,
        "net_amount": _amount(added) - _amount(left_out),
        "margin_amount": _margin(added) - _margin(left_out),
        "promoted_net_amount": _amount(added),
        "other_net_amount": -_amount(left_out),
        "later_net_amount": -_amount(skipped),
    }
    return pl.concat([kept, added]).sort("ordered_at", "order_id", "line_number"), caused


def _added(
    rng: np.random.Generator,
    orders: pl.DataFrame,
    responding: pl.Series,
    products: pl.Series,
    about: tuple[str, datetime, int],
) -> pl.DataFrame:
    """One order more of each: like a line of these products that somebody bought."""
    name, instant, window_days = about
    like = orders.filter(pl.col("amount") > 0, pl.col("product_id").is_in(products.implode()))
    drawn: pl.DataFrame = like[rng.integers(0, like.height, len(responding)).tolist()]
    seconds = pl.Series(rng.integers(0, window_days * 86_400 - 1, len(responding)))
    at = pl.lit(instant).cast(pl.Datetime("us", "UTC")) + pl.duration(seconds=pl.lit(seconds))
    return drawn.with_columns(
        responding.alias("customer_id"),
        pl.Series("order_id", [f"{name}-{customer}" for customer in responding], dtype=pl.String),
        pl.lit(1).cast(orders.schema["line_number"]).alias("line_number"),
        at.alias("ordered_at"),
        at.alias("known_at"),
    ).select(orders.columns)


def _of_several_lines(orders: pl.DataFrame, which: pl.Expr) -> pl.Series:
    return orders.filter(which).group_by("order_id").len().filter(pl.col("len") > 1)["order_id"].sort()


def _first_lines(lines: pl.DataFrame, customers: pl.Series) -> pl.DataFrame:
    own = lines.filter(pl.col("customer_id").is_in(customers.implode()))
    return own.sort("ordered_at", "order_id", "line_number").unique("customer_id", keep="first", maintain_order=True)


def _amount(lines: pl.DataFrame) -> int:
    return int(lines["amount"].sum())


def _margin(lines: pl.DataFrame) -> int:
    return int((lines["amount"] - lines["cost_amount"]).sum())


def _instant(day: date, time_zone: str) -> datetime:
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(time_zone)).astimezone(ZoneInfo("UTC"))
