"""The segment tables beyond scores, on real core tables and a real warehouse; scores are made by hand."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from config.settings import Settings
from data_contracts.published import PublishedTable
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.errors_segmenting import CustomerNotPublishedError, LetGoListUnreadableError, WeightUnreadableError
from flows.nights.scoring import Scores
from flows.nights.segmenting import more_tables
from flows.nights.segmenting_earlier import previous_classes
from flows.published.chartering import account_charter
from flows.published.reweighing import reweighed
from flows.running.progress import Reporter
from segments.build import build_segments
from segments.contracts import customer_contract, published_contracts
from segments.inputs import RunStamp, ScoredCustomers, SegmentRules
from segments.money import Currency
from segments.standing.charters import charter_markdown
from simulation.retailer import simulate
from warehouse.ledger import Load, finish_run, last_load, record_load, start_run
from warehouse.publishing.write_audit_publish import publish

GBP = Currency(code="GBP")
FIRST, LATER = date(2025, 6, 1), date(2025, 9, 1)
ORDER_FEATURES = (
    *("days_since_last_order", "decayed_net_amount_180_days", "purchase_count_365_days", "net_amount_365_days"),
)
LOAD = Load(
    load_id="l",
    source_fingerprint="f",
    configuration_hash="c",
    loaded_at=datetime(2025, 10, 1, tzinfo=UTC),
    counts={},
    status="done",
)
ALWAYS = {
    *("customer_value", "loyalty", "lifecycle", "value_matrix", "customer_history", "concentration", "customer_fate"),
    *("yearly_churn", "cohort", "policy", "tier_migration", "customer_equity"),
}


@pytest.fixture(scope="module")
def company():
    return simulate(customers=400, start=date(2023, 6, 1), end=date(2025, 10, 1), seed=5, products=60, currency="GBP")


@pytest.fixture
def context(tmp_path):
    def opened(**segmentation):
        settings = Settings(
            base=tmp_path,
            company={"name": "Mill", "currency": "GBP", "time_zone": "Europe/London"},
            paths={"workspace": tmp_path / "work"},
            inputs={"orders": {"files": "orders.csv"}},
            sources={
                "orders": {
                    "entity": "orders",
                    "input": "orders",
                    "money": "minor",
                    "columns": {
                        name: name for name in ("order_id", "line_number", "customer_id", "ordered_at", "product_id")
                    }
                    | {"quantity": "quantity", "amount": "amount", "currency": "currency"},
                }
            },
            segmentation=segmentation,
        )
        now = datetime(2025, 10, 1, tzinfo=UTC)
        return Context(settings=settings, now=now, clock=lambda: now, reporter=Reporter(quiet=True), run_by="tests")

    return opened


@pytest.fixture
def night(company):
    """A night's tables from core rows, with values a plain rule gives."""

    def made(context, day, *, tickets=None, value_version=1, buckets=2):
        frames = {"orders": company.orders, "customers": company.customers, "products": company.products}
        frames |= {} if tickets is None else {"tickets": tickets}
        load = context.lake.open_load("l") if context.lake.has_load("l") else None
        load = load or context.lake.write_load("l", frames, buckets=buckets)
        core = CoreTables(load, "Europe/London")
        features = pl.concat([core.build_features(bucket, [day]).collect() for bucket in core.buckets()])
        if "days_since_last_order" not in features.columns:
            features = features.with_columns(pl.lit(None, pl.Int64).alias(name) for name in ORDER_FEATURES)
        active = features.filter(pl.col("days_since_last_order") <= 365)
        value = (pl.col("decayed_net_amount_180_days") * 1.4).round().cast(pl.Int64)
        scores = Scores(
            features=features,
            churn=active.select("customer_id", pl.lit(0.4).alias("churn_probability")),
            value=active.select(
                "customer_id",
                value.alias("expected_value_12m_amount"),
                (value // 4).alias("expected_value_90d_amount"),
            ),
            contributions=active.select("customer_id"),
            offers=None,
            categories=None,
        )
        scored = ScoredCustomers(
            features=features,
            churn=scores.churn,
            value=scores.value,
            previous=previous_classes(context, day) if context.warehouse().exists() else None,
        )
        key = f"score-{day}"
        stamp = RunStamp(as_of=day, run_key=key, churn_model_version=1, value_model_version=value_version)
        tables = build_segments(scored, stamp=stamp, currency=GBP, rules=SegmentRules(steady_margin=0.1))
        with context.warehouse() as warehouse:
            run = start_run(warehouse, kind="score", as_of=day, configuration_hash="c", now=context.now, run_by="tests")
            if last_load(warehouse) is None:
                record_load(warehouse, LOAD)
        made = more_tables(context, core=core, as_of=day, scores=scores, tables=tables, run_key=key, tick=lambda: None)
        return run, made

    return made


@pytest.fixture
def published(night):
    """The same, published."""

    def made(context, day, **changes):
        run, tables = night(context, day, **changes)
        with context.warehouse() as warehouse:
            everything = {"customer": PublishedTable(tables.customer, customer_contract(GBP)), **tables.others}
            publish(warehouse, everything, run=run, now=context.now)
            finish_run(warehouse, run, status="done", now=context.now)
        return tables

    return made


def frame(tables, name):
    return tables.others[name].frame


def test_a_first_night_has_every_table_and_each_keeps_its_contract(context, published):
    tables = published(context(), FIRST)
    assert set(tables.others) == {*ALWAYS, "channel_effectiveness"}
    assert {*tables.others} <= {contract.table for contract in published_contracts(GBP)}
    assert frame(tables, "tier_migration").is_empty()
    assert frame(tables, "customer_history")["cause"].null_count() == frame(tables, "customer_history").height
    known = tables.customer.filter(pl.col("customer_status") != "prospect")
    assert known.select("lifecycle", "loyalty_class", "fate").null_count().row(0) == (0, 0, 0)
    total = tables.customer["expected_value_12m"].sum()
    equity = frame(tables, "customer_equity")
    for dimension in ("total", "tier", "lifecycle", "loyalty"):
        assert equity.filter(dimension=dimension)["expected_value_12m"].sum() == total


def test_the_second_quarter_is_bridged_to_the_first_to_the_penny(context, published):
    opened = context()
    before = published(opened, FIRST)
    after = published(opened, LATER)
    bridge = dict(
        frame(after, "customer_equity").filter(dimension="bridge").select("part", "expected_value_12m").rows()
    )
    assert bridge["before"] == before.customer["expected_value_12m"].sum()
    assert bridge["now"] == after.customer["expected_value_12m"].sum()
    assert sum(bridge.values()) == 2 * bridge["now"]
    moves = frame(after, "tier_migration").filter(compared_to="last quarter")
    assert moves["customers"].sum() > 0
    assert set(moves["cause"]) <= {"behaviour", "threshold", "no change"}
    history = frame(after, "customer_history")
    assert history.filter(as_of=LATER)["cause"].null_count() == history.filter(pl.col("as_of") == LATER).join(
        history.filter(as_of=FIRST), on="customer_id", how="anti"
    ).height  # fmt: skip


def test_the_same_night_again_is_the_same_whatever_the_buckets(context, night, tmp_path):
    _, one = night(context(), LATER, buckets=1)
    (tmp_path / "work").rename(tmp_path / "other")
    _, other = night(context(), LATER, buckets=4)
    assert one.customer.equals(other.customer)
    for name, table in one.others.items():
        assert table.frame.equals(other.others[name].frame), name


def test_with_tickets_there_are_recovery_and_waiting(context, night, company):
    people = company.orders["customer_id"].unique().sort()[:200]
    opened = [datetime(2025, 2, 1 + place % 27, tzinfo=UTC) for place in range(200)]
    tickets = pl.DataFrame(
        {
            "ticket_id": [f"t{place}" for place in range(200)],
            "customer_id": people,
            "opened_at": opened,
            "known_at": opened,
            "resolved_at": [moment if place % 2 else None for place, moment in enumerate(opened)],
            "kind": "complaint",
            "channel": "phone",
            "severity": 2,
            "compensation": None,
            "satisfaction": None,
        },
        schema_overrides={
            "resolved_at": pl.Datetime("us", "UTC"),
            "compensation": pl.Int64,
            "satisfaction": pl.Float64,
            "severity": pl.Int32,
        },
    ).with_columns(pl.col("opened_at", "known_at").cast(pl.Datetime("us", "UTC")))
    _, tables = night(context(), LATER, tickets=tickets)
    recovery = frame(tables, "service_recovery")
    assert recovery["service_group"].to_list() == ["complaint not recovered", "complaint recovered", "no complaint"]
    assert recovery.filter(pl.col("service_group") != "no complaint")["effect"].null_count() == 0
    phone = frame(tables, "channel_effectiveness").row(by_predicate=pl.col("channel") == "phone", named=True)
    assert (phone["tickets"], phone["open_tickets"]) == (200, 100)


def test_who_was_let_go_is_told_apart_and_a_bad_list_is_refused(context, night, tmp_path, company):
    gone = company.orders["customer_id"][0]
    (tmp_path / "gone.csv").write_text(f"customer_id\n{gone}\n", encoding="utf-8")
    _, tables = night(context(let_go_list="gone.csv"), LATER)
    assert tables.customer.filter(fate="let go")["customer_id"].to_list() == [gone]
    (tmp_path / "gone.csv").write_text("name\nx\n", encoding="utf-8")
    with pytest.raises(LetGoListUnreadableError):
        night(context(let_go_list="gone.csv"), LATER)


def test_the_charter_of_an_account_says_what_is_published_and_no_more(context, published):
    opened = context()
    tables = published(opened, FIRST)
    best = frame(tables, "customer_value").sort("contribution_12m", descending=True).row(0, named=True)
    page = charter_markdown(account_charter(opened, best["customer_id"]))
    assert f"£{best['contribution_12m']:,.2f}" in page
    assert "bought most" in page
    assert "@" not in page  # nobody's address
    with pytest.raises(CustomerNotPublishedError):
        account_charter(opened, "nobody")


def test_other_weights_are_a_question_and_publish_nothing(context, published):
    opened = context()
    tables = published(opened, FIRST)
    same = reweighed(opened, [], limit=3)
    assert (same["customers_who_change_place"], same["new_among_the_top"]) == (0, 0)
    active = tables.customer.filter(customer_status="active").height
    other = reweighed(opened, ["volume=5"], limit=3)
    assert other["customers"] == active
    assert other["customers_who_change_place"] > active / 2
    assert len(other["gain_most"]) == len(other["lose_most"]) == 3
    for wrong in ("luck=1", "volume=much", "volume=-1", "volume=nan", "volume"):
        with pytest.raises(WeightUnreadableError):
            reweighed(opened, [wrong], limit=3)


def test_a_company_of_subscribers_has_its_tables_too(context, night):
    subscriptions = pl.DataFrame(
        {
            "subscription_id": ["1", "2", "3"],
            "customer_id": ["long", "new", "gone"],
            "plan": "basic",
            "started_on": [date(2023, 1, 1), date(2025, 8, 1), date(2023, 1, 1)],
            "ended_on": [None, None, date(2025, 1, 1)],
            "amount": 1000,
            "billing_period_months": 1,
            "known_at": datetime(2023, 1, 1, tzinfo=UTC),
        }
    ).with_columns(pl.col("known_at").cast(pl.Datetime("us", "UTC")))
    opened = context()
    opened.lake.write_load("l", {"subscriptions": subscriptions}, buckets=2)
    _, tables = night(opened, LATER)
    stages = dict(frame(tables, "lifecycle").select("customer_id", "lifecycle").iter_rows())
    assert stages == {"long": "mature", "new": "new", "gone": "lost"}
    fates = dict(frame(tables, "lifecycle").select("customer_id", "fate").iter_rows())
    assert fates == {"long": "flour", "new": "flour", "gone": "lost"}
    assert frame(tables, "cohort").is_empty()
    assert "channel_effectiveness" not in tables.others


@pytest.mark.slow
@pytest.mark.parametrize(("delay_days", "causes"), [(1, {"behaviour", "threshold"}), (60, {"data correction"})])
def test_lines_that_came_late_are_a_correction_and_ordinary_delay_is_none(
    context, published, company, delay_days, causes
):
    """Every customer has a large line of the day before the first date, which becomes known a day or weeks later."""
    noon = datetime(2025, 5, 31, 12, tzinfo=UTC)
    extra = company.orders.unique("customer_id", keep="first", maintain_order=True).with_columns(
        pl.lit(noon).dt.cast_time_unit("us").alias("ordered_at"),
        pl.lit(noon + timedelta(days=delay_days)).dt.cast_time_unit("us").alias("known_at"),
        ("late" + pl.col("order_id")).alias("order_id"),
        pl.lit(500_000).alias("amount"),
    )
    opened = context()
    orders = pl.concat([company.orders, extra.select(company.orders.columns).cast(company.orders.schema)])
    opened.lake.write_load("l", {"orders": orders}, buckets=2)
    published(opened, FIRST)
    after = published(opened, LATER)
    moved = frame(after, "tier_migration").filter(
        (pl.col("cause") != "no change") & (pl.col("from_tier") != "not scored")
    )
    found = set(moved.filter(pl.col("compared_to") == "last quarter")["cause"])
    assert found
    assert found <= causes
