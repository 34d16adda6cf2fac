import tomllib
from datetime import date, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest

from warehouse.drafting.draft import draft_source
from warehouse.drafting.draft_text import folder_toml
from warehouse.drafting.folder import draft_folder
from warehouse.drafting.sniffing import input_of_file, inputs_of_folder
from warehouse.sources.files import SourcePlace

COLUMNS = ["msno", "plan_days", "amount_paid", "transaction_date", "membership_expire_date", "is_cancel"]


def period(customer, day, until, *, days=30, paid=149, cancelled=0):
    return (customer, days, paid, day, until, cancelled)


def frame_of(rows):
    return pl.DataFrame(rows, schema=COLUMNS, orient="row").with_columns(pl.col(pl.Date).dt.strftime("%Y%m%d"))


def many_customers():
    rows, dice = [], np.random.default_rng(7)
    for number in range(60):
        day, days, paid = date(2024, 1, 1) + timedelta(days=int(dice.integers(60))), 30, 149
        for _ in range(int(dice.integers(1, 14))):
            until = day + timedelta(days=days)
            rows.append(period(f"c{number}", day, until, days=days, paid=paid))
            if dice.random() < 0.1:
                gone = day + timedelta(days=int(dice.integers(1, 25)))
                until = gone + timedelta(days=int(dice.integers(5)))
                rows.append(period(f"c{number}", gone, until, days=days, paid=paid, cancelled=1))
            days, paid = ([(days, paid)] * 9 + [(90, 400), (30, 99)])[dice.integers(11)]
            day = until + timedelta(days=int(dice.choice([0, 0, 0, 0, -3, 2, 12, 29, 31, 70])))
    return rows


@pytest.fixture(scope="module")
def everything():
    return frame_of(many_customers())


@pytest.fixture(scope="module")
def best(everything, tmp_path_factory):
    """The draft of them all."""
    folder = tmp_path_factory.mktemp("periods")
    everything.write_csv(folder / "transactions.csv")
    spec = input_of_file(str(folder / "transactions.csv"), folder)
    return draft_source("transactions", spec, SourcePlace(data_root=folder), entity="subscriptions")[0]


def rows_of(query, transactions):
    with duckdb.connect() as connection:
        connection.register("transactions", transactions.cast(pl.String))
        return connection.sql(query).pl()


def test_periods_that_follow_each_other_are_one_subscription_that_a_lapse_or_a_cancellation_ends(best, everything):
    own = [
        period("late", date(2024, 1, 1), date(2024, 1, 31)),
        period("late", date(2024, 2, 20), date(2024, 3, 21)),
        period("lapsed", date(2024, 1, 1), date(2024, 1, 31)),
        period("left", date(2024, 1, 1), date(2024, 1, 31)),
        period("left", date(2024, 1, 10), date(2024, 1, 12), cancelled=1),
        period("left", date(2024, 5, 1), date(2024, 5, 31)),
        period("moved", date(2024, 1, 1), date(2024, 1, 31)),
        period("moved", date(2024, 1, 31), date(2024, 4, 30), days=90, paid=400),
        period("weekly", date(2024, 1, 1), date(2024, 1, 8), days=7, paid=35),
    ]
    last = everything.filter(pl.col("transaction_date") == pl.col("transaction_date").max())
    found = rows_of(best.query, pl.concat([last, frame_of(own)])).filter(~pl.col("customer_id").str.starts_with("c"))
    told = found.sort("customer_id", "started_on").select("customer_id", "started_on", "ended_on", "amount")
    assert told.with_columns(pl.col("amount").cast(pl.Int64)).rows() == [
        ("lapsed", date(2024, 1, 1), date(2024, 3, 1), 149),
        ("late", date(2024, 1, 1), date(2024, 4, 20), 149),
        ("left", date(2024, 1, 1), date(2024, 1, 12), 149),
        ("left", date(2024, 5, 1), date(2024, 6, 30), 149),
        ("moved", date(2024, 1, 1), date(2024, 1, 31), 149),
        ("moved", date(2024, 1, 31), date(2024, 5, 30), 400),
        ("weekly", date(2024, 1, 1), date(2024, 2, 7), 150),
    ]


def test_who_subscribes_on_a_day_is_the_same_whether_later_rows_are_there_or_not(best, everything):
    def running(found):
        ends = pl.col("ended_on").is_null() | (pl.col("ended_on") >= day)
        return set(found.filter((pl.col("started_on") < day) & ends)["customer_id"])

    whole = rows_of(best.query, everything)
    days = everything["transaction_date"].str.to_date("%Y%m%d").unique().sort()
    for day in days.gather_every(15) + timedelta(days=1):
        known = everything.filter(pl.col("transaction_date") < day.strftime("%Y%m%d"))
        assert running(whole) == running(rows_of(best.query, known)), day


def test_the_payments_are_proposed_beside_without_what_was_cancelled(best, everything):
    assert (best.entity, best.beside.entity, best.missing, best.beside.missing) == ("subscriptions", "payments", (), ())
    paid = rows_of(best.beside.query, everything)
    assert paid.height == everything.filter(pl.col("is_cancel") == 0).height == paid["invoice_id"].n_unique()


def test_in_a_folder_they_feed_subscriptions_and_payments_and_bare_outcomes_nothing(everything, tmp_path):
    members = everything.select("msno").unique(maintain_order=True).with_columns(city=pl.lit("Taipei"))
    outcomes = members.select("msno", is_churn=pl.int_range(members.height) % 2)
    for name, frame in {"transactions": everything, "members": members, "train": outcomes}.items():
        frame.write_csv(tmp_path / f"{name}.csv")
    inputs = inputs_of_folder(tmp_path, tmp_path)
    folder = draft_folder(inputs, SourcePlace(data_root=tmp_path), currency="TWD")
    written = tomllib.loads(folder_toml(inputs, folder))["sources"]
    assert {name: source["entity"] for name, source in written.items()} == {
        each: each for each in ("customers", "subscriptions", "payments")
    }
    assert "says only is_churn" in folder.unused["train"]


def test_a_sample_with_holes_in_it_is_known_by_how_long_its_periods_are(drafted, everything):
    best, _ = drafted(everything.gather_every(7), name="transactions", entity="subscriptions")
    assert best.query is not None


def test_stays_far_from_each_other_are_no_paid_periods(drafted):
    rows = [
        period(f"g{n % 40}", day := date(2020, 1, 1) + timedelta(days=200 * (n // 40)), day + timedelta(days=n % 9))
        for n in range(200)
    ]
    best, _ = drafted(
        frame_of(rows).rename({"msno": "customer_id"}).drop("plan_days", "is_cancel"),
        name="bookings",
        entity="subscriptions",
    )
    assert best.query is None
