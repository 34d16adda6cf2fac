"""Segments against the truth of simulated companies: stages, fates, loyalty, service recovery; beside naive rules.

    python benchmarks/bench_quality.py segments            # what needs no model, over several companies: 1 CPU minute
    python benchmarks/bench_quality.py moves               # tiers and causes of moves: 3 CPU minutes

Belongs here: what needs no model, and the table of service recovery. Does not: what needs the whole product
(`quality_moves`).
"""

import tempfile
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from quality_moves import confusion

from flows.buckets.core_tables import CoreTables
from flows.nights.segmenting_inputs import GatheredCore, gather_core
from segments.rfm import quintile_score
from segments.standing.customer_facts import FEATURES, SCORES
from segments.standing.everything import customer_standing
from segments.standing.fates import FATES, yearly_churn
from segments.standing.lifecycle import STAGES
from segments.standing.loyalty import DISCOUNT_DRIVEN, LOYALTY_CLASSES, TOO_EARLY, TRULY_LOYAL
from segments.standing.rules import SegmentationRules
from segments.standing.service_recovery import NOT_RECOVERED, RECOVERED, index_days, service_recovery
from simulation.complaints import simulate_complaints
from simulation.retailer import SimulatedCompany, simulate
from warehouse.lake import Lake

START, END = date(2023, 1, 1), date(2026, 1, 1)
RULES = SegmentationRules()
SEEDS, CUSTOMERS = (17, 23, 29), 5000
RECOVERY_SEEDS = tuple(range(31, 43))
HERE, FADING, GONE = "here", "about to leave", "gone"
BY_DAYS = (("lost", 365), ("dormant", 180), ("declining", 90))
"""The naive stages: days without a purchase from which somebody is called so."""
HUNTS, PAYS = "most sensitive fifth", "the others"


def segments(seeds: Sequence[int] = SEEDS, recovery_seeds: Sequence[int] = RECOVERY_SEEDS) -> list[str]:
    """All tables, as Markdown lines; customers of several companies are counted together."""
    companies = [simulate(customers=CUSTOMERS, start=START, end=END, seed=seed, currency="EUR") for seed in seeds]
    rows = pl.concat([_told(company) for company in companies])
    return [*_stages(rows), "", *_fates(rows), "", *_loyalty(rows), "", *_recovery(recovery_seeds)]


def _gathered(
    company: SimulatedCompany, folder: str, tickets: pl.DataFrame | None = None
) -> tuple[CoreTables, GatheredCore]:
    frames = {"orders": company.orders, "customers": company.customers, "products": company.products}
    frames |= {} if tickets is None else {"tickets": tickets}
    core = CoreTables(Lake(Path(folder)).write_load("l", frames, buckets=2), company.time_zone)
    return core, gather_core(core, as_of=END, since=[], rules=RULES, tick=lambda: None)


def _told(company: SimulatedCompany) -> pl.DataFrame:
    """Standings (nobody is scored: what needs no model) beside the truth, and naive classes."""
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
        core, gathered = _gathered(company, folder)
        features = pl.concat([core.build_features(bucket, [END]).collect() for bucket in core.buckets()])
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in FEATURES.items() if name not in features.columns]
    scores = [pl.lit(None, dtype).alias(name) for name, dtype in SCORES.items()]
    nobody = pl.lit(None, pl.Int64).alias("expected_value_12m")
    facts = features.with_columns(*absent, *scores, nobody).select(
        "customer_id", "expected_value_12m", *(pl.col(name).cast(dtype) for name, dtype in (FEATURES | SCORES).items())
    )
    standing = customer_standing(facts.sort("customer_id"), gathered.sums, None, rules=RULES)
    rfm = features.select(
        "customer_id",
        quintile_score(pl.col("days_since_last_order"), high_is_good=False).alias("r"),
        quintile_score(pl.col("purchase_count_365_days")).alias("f"),
    )
    joined = standing.join(company.truth, on="customer_id", validate="1:1").join(rfm, on="customer_id", validate="1:1")
    fades = pl.col("fades_from").is_not_null()
    state = pl.when(~pl.col("alive_at_end")).then(pl.lit(GONE)).when(fades).then(pl.lit(FADING)).otherwise(pl.lit(HERE))
    by_days = pl.lit("active")
    for word, days in reversed(BY_DAYS):
        by_days = pl.when(pl.col("days_since_last_order") >= days).then(pl.lit(word)).otherwise(by_days)
    return joined.with_columns(state.alias("truth"), by_days.alias("by_days"))


def _stages(rows: pl.DataFrame) -> list[str]:
    truths = (HERE, FADING, GONE)
    naive = ("active", *(word for word, _ in reversed(BY_DAYS)))
    lines = [*confusion(rows, "lifecycle", STAGES, truths, title="stage"), ""]
    lines += [*confusion(rows, "by_days", naive, truths, title="by fixed days"), ""]
    gone = pl.col("truth") == GONE
    for name, column in (("stages", "lifecycle"), ("fixed days", "by_days")):
        said = pl.col(column).is_in(["dormant", "lost"])
        right, wrongly, missed = rows.select(
            right=(said == gone).mean(),
            wrongly=(said & ~gone).sum() / said.sum(),
            missed=(~said & gone).sum() / gone.sum(),
        ).row(0)
        errors = f"{wrongly:.1%} of those called dormant or lost are there, {missed:.1%} of the gone are not called so"
        lines.append(f"- {name}: there or gone is told rightly of {right:.1%}; {errors}")
    steady = rows.filter(pl.col("truth") == HERE)
    moving = steady.select(pl.col("lifecycle").is_in(["growing", "declining"]).mean()).item()
    return [*lines, f"- of those who are there, and buy as ever, {moving:.1%} are called growing or declining"]


def _fates(rows: pl.DataFrame) -> list[str]:
    lines = [*confusion(rows, "fate", FATES, (HERE, FADING, GONE), title="fate"), ""]
    told = yearly_churn(rows, rules=RULES).row(0, named=True)
    old = rows.filter(pl.col("purchase_trend_365_days") < 1)
    truly = old.select((pl.col("truth") == GONE).mean()).item()
    interval = f"{told['churn_share_low']:.1%} to {told['churn_share_high']:.1%}"
    return [
        *lines,
        f"- customers of the year before last, lost: {told['churn_share']:.1%} told ({interval}), {truly:.1%} truly",
    ]


def _loyalty(rows: pl.DataFrame) -> list[str]:
    """Classes against the fifth most sensitive to prices, and their traits."""
    told = rows.filter(pl.col("loyalty_class") != TOO_EARLY)
    hunts = pl.col("price_sensitivity") >= told["price_sensitivity"].quantile(0.8)
    marked = told.with_columns(pl.when(hunts).then(pl.lit(HUNTS)).otherwise(pl.lit(PAYS)).alias("truth"))
    lines = [*confusion(marked, "loyalty_class", LOYALTY_CLASSES, (HUNTS, PAYS), title="loyalty"), ""]
    traits = ("price_sensitivity", "death_hazard_per_year", "gap_shape", "expected_orders_next_365_days")
    lines += [
        "| loyalty | " + " | ".join(name.replace("_", " ") for name in traits) + " |",
        "|---|" + "---:|" * len(traits),
    ]
    rfm_loyal = told.filter((pl.col("r") >= 4) & (pl.col("f") >= 4))  # noqa: PLR2004 the two best fifths
    groups = {word: told.filter(pl.col("loyalty_class") == word) for word in LOYALTY_CLASSES if word != TOO_EARLY}
    for word, group in (groups | {"RFM: recent and frequent": rfm_loyal, "everybody": told}).items():
        lines.append(f"| {word} | " + " | ".join(f"{group[name].mean():.2f}" for name in traits) + " |")
    called, truly = pl.col("loyalty_class") == DISCOUNT_DRIVEN, pl.col("truth") == HUNTS
    found, right = marked.select(
        found=(called & truly).sum() / truly.sum(), right=(called & truly).sum() / called.sum()
    ).row(0)
    loyal = told.select(
        (
            (pl.col("loyalty_class") == TRULY_LOYAL)
            & (pl.col("death_hazard_per_year") < pl.col("death_hazard_per_year").median())
        ).sum()
        / (pl.col("loyalty_class") == TRULY_LOYAL).sum()
    ).item()
    return [
        *lines,
        "",
        f"- discount-driven: {found:.0%} of the most sensitive fifth are called so, who make {right:.0%} of the class",
        f"- truly loyal: {loyal:.0%} of those called so leave less than the middle customer does",
    ]


def _recovery(seeds: Sequence[int]) -> list[str]:
    """Mean effects, told and true, over companies; and how often the interval held the true one."""
    found: dict[str, list[tuple[float, float, float, bool]]] = {RECOVERED: [], NOT_RECOVERED: []}
    for seed in seeds:
        company = simulate(customers=CUSTOMERS, start=START, end=END, seed=seed, currency="EUR")
        _add_effects(company, seed, found)
    lines = [
        "| complaint | true effect | told | by all who did not complain | interval held the truth |",
        "|---|---:|---:|---:|---:|",
    ]
    for group, one in found.items():
        mean = [sum(values[place] for values in one) / len(one) for place in range(3)]
        held = sum(values[3] for values in one)
        lines.append(f"| {group} | " + " | ".join(f"{value:+.3f}" for value in mean) + f" | {held} of {len(one)} |")
    return lines


def _add_effects(
    company: SimulatedCompany, seed: int, found: dict[str, list[tuple[float, float, float, bool]]]
) -> None:
    """Add one company's effects: true (with and without the complaint), told, naive, and whether the interval held."""
    made = simulate_complaints(company, seed=seed)
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
        changed = SimulatedCompany(**{**company.__dict__, "orders": made.orders})
        strata = _gathered(changed, folder, made.tickets)[1].strata
    assert strata is not None  # noqa: S101 there are tickets
    told = {row["service_group"]: row for row in service_recovery(strata).to_dicts()}
    truth = _followed(company, made.orders, made.truth)
    everybody = told["no complaint"]["retention_share"]
    for group, settled in ((RECOVERED, True), (NOT_RECOVERED, False)):
        row, own = told[group], truth.filter(settled=settled)
        true = own.select(pl.col("with").mean() - pl.col("without").mean()).item()
        held = row["effect_low"] <= true <= row["effect_high"]
        found[group].append((true, row["effect"], row["retention_share"] - everybody, held))


def _followed(company: SimulatedCompany, orders: pl.DataFrame, complaints: pl.DataFrame) -> pl.DataFrame:
    """Who complained in a month: whether they bought in the days followed, with the complaint and had it not been."""

    def days(lines: pl.DataFrame) -> pl.DataFrame:
        local = pl.col("ordered_at").dt.convert_time_zone(company.time_zone).dt.date()
        return lines.filter(pl.col("amount") > 0).select("customer_id", local.alias("day")).unique()

    parts = []
    for day in index_days(END, rules=RULES):
        month = pl.col("opened_on").is_between((day - timedelta(days=1)).replace(day=1), day, closed="left")
        group = complaints.filter(month).group_by("customer_id").agg(pl.col("settled").all())
        window = pl.col("day").is_between(day, day + timedelta(days=RULES.follow_days), closed="left")
        for name, lines in (("with", orders), ("without", company.orders)):
            bought = days(lines).filter(window).select("customer_id").unique().with_columns(pl.lit(1).alias(name))
            group = group.join(bought, on="customer_id", how="left", validate="1:1").with_columns(
                pl.col(name).fill_null(0)
            )
        parts.append(group)
    return pl.concat(parts)
