"""How right the campaign ledger is: against known effects, on a public e-mail test, and on a grocer's mailings.

    GRISTMILL_SHARED_DATA=… python benchmarks/quality_campaigns.py [simulated] [hillstrom] [complete_journey]

Prints Markdown tables for docs/campaigns.md. Simulated: campaigns whose effects are known to the penny, with a hold-out
and without one: how often the 95 % interval holds the truth. Hillstrom: a randomised test of two e-mails; cost and
margin are assumed. The Complete Journey: targeted mailings without a hold-out, over a sample of lines.
"""

import argparse
import os
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import polars as pl

from segments.campaigns.in_memory import ledger_of_frames
from segments.campaigns.rules import MATCHED, CampaignRules
from simulation.campaigns import simulate_campaigns
from simulation.retailer import simulate

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("GRISTMILL_SHARED_DATA", ROOT.parent / "shared" / "data"))
STARTS = [date(2025, 1, 7) + timedelta(days=61 * place) for place in range(5)]
WATCHED = {
    "caused_orders": "orders",
    "caused_net_sales": "net_amount",
    "caused_margin": "margin_amount",
    "promoted_net_sales": "promoted_net_amount",
    "other_net_sales": "other_net_amount",
    "later_net_sales": "later_net_amount",
}
SEEDS, CUSTOMERS, HOLD_OUTS = range(201, 241), 5000, (0.3, 0.1, 0.0)
MARGIN_SHARE = 0.3
EMAIL_COST = 10  # cents
MAILED_ON = date(2008, 3, 20)


def simulated(seeds: Sequence[int], customers: int, hold_out_share: float) -> None:
    """Coverage over the campaigns of several companies."""
    found = pl.concat([one_company(seed, customers, hold_out_share) for seed in seeds])
    told = found.filter(pl.col("caused_orders").is_not_null())
    how = f"hold-out of {hold_out_share:.0%}" if hold_out_share else "no hold-out: matched comparison"
    print(f"\n{found.height} campaigns, {customers:,} customers each, {how}; {found.height - told.height} refused\n")
    for why in found.filter(pl.col("caused_orders").is_null())["in_words"].to_list():
        print("-", why)
    print("| figure | campaigns | truth, mean | estimate, mean | mean error | half interval, mean | truth inside |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, truth in WATCHED.items():
        rows = told.filter(pl.col(name).is_not_null())
        inside = ((rows[truth] >= rows[f"{name}_low"]) & (rows[truth] <= rows[f"{name}_high"])).sum()
        scale = 1 if name == "caused_orders" else 100
        figures = (
            rows[truth].mean() / scale,
            rows[name].mean() / scale,
            (rows[name] - rows[truth]).mean() / scale,
            (rows[f"{name}_high"] - rows[f"{name}_low"]).mean() / 2 / scale,
        )
        listed = " | ".join(f"{value:,.0f}" for value in figures)
        print(f"| {name} | {rows.height} | {listed} | {inside} ({inside / rows.height:.0%}) |", flush=True)


def one_company(seed: int, customers: int, hold_out_share: float) -> pl.DataFrame:
    """The ledger of one simulated company, with the truth beside it."""
    company = simulate(customers=customers, start=date(2022, 10, 1), end=date(2026, 1, 1), seed=seed)
    made = simulate_campaigns(company, starts=STARTS, hold_out_share=hold_out_share, seed=seed)
    zone = company.time_zone
    lines = made.orders.with_columns(
        pl.col("ordered_at").dt.convert_time_zone(zone).dt.date().alias("day"),
        pl.col("amount").alias("net_amount"),
        (pl.col("amount") - pl.col("cost_amount")).alias("margin_amount"),
    )
    contacts = made.contacts.with_columns(pl.col("sent_at").dt.convert_time_zone(zone).dt.date().alias("sent_on"))
    recorded = {"campaigns": made.campaigns, "offers": made.offers, "products": company.products}
    ledger, _ = ledger_of_frames(contacts, lines, as_of=date(2026, 1, 1), recorded=recorded)
    return ledger.join(made.truth, on="campaign_id", validate="1:1")


def hillstrom() -> None:
    """The public e-mail test: two weeks after, at an assumed margin and cost of an e-mail."""
    ledger, _ = hillstrom_ledger()
    show(ledger, "USD")


def hillstrom_ledger() -> tuple[pl.DataFrame, pl.DataFrame]:
    """The test as contacts and orders: history is one order as long ago as the last, spend one a week after."""
    table = pl.read_parquet(DATA / "hillstrom" / "hillstrom.parquet").with_row_index("row")
    table = table.with_columns(pl.concat_str(pl.lit("h"), pl.col("row").cast(pl.String).str.zfill(6)).alias("id"))
    treated = pl.col("segment") != "No E-Mail"
    contacts = table.select(
        contact_id="id",
        customer_id="id",
        campaign_id=pl.lit("e-mails of March 2008"),
        offer_id=pl.when(treated).then("segment"),
        channel=pl.lit("e-mail"),
        sent_on=pl.lit(MAILED_ON),
        held_out=~treated,
        cost=pl.when(treated).then(EMAIL_COST).otherwise(0),
        responded=pl.when(treated).then(pl.col("visit") == 1).otherwise(pl.lit(value=False)),
    )
    cents = {name: (pl.col(name) * 100).round(0).cast(pl.Int64) for name in ("history", "spend")}
    before = table.select(
        customer_id="id", day=pl.lit(MAILED_ON) - pl.duration(days=pl.col("recency") * 30), net_amount=cents["history"]
    )
    after = table.filter(pl.col("spend") > 0).select(
        customer_id="id", day=pl.lit(MAILED_ON) + pl.duration(days=7), net_amount=cents["spend"]
    )
    lines = pl.concat(
        [before.with_columns(pl.col("day").cast(pl.Date)), after.with_columns(pl.col("day").cast(pl.Date))]
    )
    lines = lines.with_row_index("order_id").with_columns(
        pl.lit("goods").alias("product_id"),
        (pl.col("net_amount") * MARGIN_SHARE).round(0).cast(pl.Int64).alias("margin_amount"),
    )
    return ledger_of_frames(
        contacts, lines, as_of=MAILED_ON + timedelta(days=15), rules=CampaignRules(window_days=14), currency="USD"
    )


def complete_journey() -> None:
    """The mailings of 2017; spending is that of a sample of lines (6.8 %), and so is what was caused."""
    ledger, balance = complete_journey_ledger()
    show(ledger, "USD")
    print(balance.filter(pl.col("campaign_id") == balance["campaign_id"][0]))


def complete_journey_ledger() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Mailings as contacts on the first day of their campaign; a redeemed coupon is a response."""
    folder = DATA / "complete_journey"
    campaigns = pl.read_parquet(folder / "campaign_descriptions.parquet").select(
        "campaign_id", name="campaign_type", starts_on="start_date", ends_on="end_date"
    )
    redeemed = pl.read_parquet(folder / "coupon_redemptions.parquet").select("household_id", "campaign_id").unique()
    contacts = (
        pl.read_parquet(folder / "campaigns.parquet")
        .join(campaigns, on="campaign_id")
        .join(redeemed.with_columns(responded=True), on=["household_id", "campaign_id"], how="left")
        .select(
            contact_id=pl.concat_str("campaign_id", pl.lit("-"), "household_id"),
            customer_id="household_id",
            campaign_id="campaign_id",
            sent_on="starts_on",
            channel=pl.lit("letter"),
            responded=pl.col("responded").fill_null(value=False),
        )
    )
    sample = pl.read_parquet(folder / "transactions_sample.parquet")
    cents = (pl.col("sales_value") * 100).round(0).cast(pl.Int64)
    discounts = pl.sum_horizontal("retail_disc", "coupon_disc", "coupon_match_disc")
    lines = sample.select(
        customer_id="household_id",
        order_id="basket_id",
        product_id="product_id",
        day=pl.col("transaction_timestamp").dt.date(),
        net_amount=cents,
        margin_amount=(cents * MARGIN_SHARE).round(0).cast(pl.Int64),
        discount_amount=(discounts * 100).round(0).cast(pl.Int64),
    )
    recorded = {"campaigns": campaigns}
    return ledger_of_frames(contacts, lines, as_of=date(2018, 1, 1), recorded=recorded, currency="USD")


def show(ledger: pl.DataFrame, currency: str) -> None:
    """Campaign by campaign, as Markdown; amounts in major units."""
    print(
        f"\n| campaign | contacted | compared with | naive {currency} | caused net sales | 95 % | evidence | verdict |"
    )
    print("|---|---:|---:|---:|---:|---:|---|---|")
    for row in ledger.iter_rows(named=True):
        part = row["campaign_id"] if row["cut"] == "all" else f"  {row['cut_value']}"
        caused = [row[f"caused_net_sales{end}"] for end in ("", "_low", "_high")]
        told = ["-"] * 3 if caused[0] is None else [f"{value / 100:,.0f}" for value in caused]
        naive = "-" if row["net_sales_of_contacted"] is None else f"{row['net_sales_of_contacted'] / 100:,.0f}"
        evidence = "matched" if row["evidence"] == MATCHED else row["evidence"]
        figures = f"{row['contacted']:,} | {row['compared_with'] or 0:,} | {naive} | {told[0]} | {told[1]} to {told[2]}"
        print(f"| {part} | {figures} | {evidence} | {row['verdict']} |")
    for row in ledger.filter(pl.col("cut") == "all").iter_rows(named=True):
        print(f"- {row['campaign_id']}: {row['in_words']}")


def quality_of_campaigns() -> None:
    """Everything, over enough companies to tell how often intervals hold."""
    for share in HOLD_OUTS:
        simulated(SEEDS, CUSTOMERS, share)
    hillstrom()
    complete_journey()


def main() -> None:
    """What was asked for, or everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["simulated", "hillstrom", "complete_journey"])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--hold-outs", type=float, nargs="+", default=list(HOLD_OUTS))
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    asked = parser.parse_args()
    if "simulated" in asked.what:
        for share in asked.hold_outs:
            simulated(asked.seeds, asked.customers, share)
    if "hillstrom" in asked.what:
        hillstrom()
    if "complete_journey" in asked.what:
        complete_journey()


if __name__ == "__main__":
    main()
