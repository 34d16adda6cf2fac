"""Tables of kinds that people export, and what they are taken for."""

import tomllib

import duckdb
import polars as pl
import pytest

from data_contracts.inputs import InputSpec
from data_contracts.mapping import SourceMapping
from warehouse.drafting.draft_text import draft_toml
from warehouse.drafting.folder import draft_folder
from warehouse.drafting.folder_sources import what_else
from warehouse.drafting.names import likeness
from warehouse.drafting.sniffing import inputs_of_folder
from warehouse.sources.files import SourcePlace

WHO = pl.Series("user_id", [f"u{n % 40}" for n in range(400)])
WHEN = pl.Series("timestamp", [f"2024-{1 + n % 12:02}-{1 + n % 28:02} 10:{n % 60:02}:{n // 60:02}" for n in range(400)])


def value_of(source, field, **row):
    proposal = source["expressions"][field]
    return duckdb.from_arrow(pl.DataFrame([row]).to_arrow()).project(proposal).fetchall()[0][0]


@pytest.mark.parametrize(
    ("name", "columns", "entity"),
    [
        ("export", {"track": "t"}, "events"),
        ("mailing", {"track": "t"}, "contacts"),
        ("export", {"campaign_id": "spring"}, "contacts"),
        ("export", {"satisfaction": 4}, "surveys"),
        ("export", {"severity": 2}, "tickets"),
    ],
)
def test_who_and_when_alone_are_events_and_not_people_addressed_or_asked(drafted, name, columns, entity):
    frame = pl.DataFrame([WHO, WHEN]).with_columns(**{column: pl.lit(value) for column, value in columns.items()})
    best, _ = drafted(frame, name=name)
    assert best.entity == entity


def test_a_month_of_sales_counts_from_its_last_day(drafted):
    months = pl.Series("month", [f"2024-{1 + n // 40:02}" for n in range(400)])
    best, source = drafted(pl.DataFrame([WHO, months]).with_columns(revenue=pl.int_range(400) * 0.5))
    assert best.entity == "orders"
    assert str(value_of(source, "ordered_at", month="2024-02")) == "2024-02-29"


@pytest.mark.parametrize(("month", "day"), [("7", "15"), ("July", "15")])
def test_a_date_in_three_columns_is_one(drafted, month, day):
    frame = pl.DataFrame([WHO]).with_columns(
        arrival_date_year=pl.lit(2024),
        arrival_date_month=pl.lit(month),
        arrival_date_day_of_month=1 + pl.int_range(400) % 28,
        price=pl.int_range(400) * 0.5,
        changed_on=WHEN,
    )
    best, source = drafted(frame.with_columns(is_canceled=pl.int_range(400) % 2), name="bookings", entity="orders")
    row = {"arrival_date_year": "2024", "arrival_date_month": month, "arrival_date_day_of_month": day}
    assert str(value_of(source, "ordered_at", **row))[:10] == "2024-07-15"
    assert best.no_sales == {"is_canceled": ("1",)}


def test_the_day_on_which_somebody_left_is_not_that_on_which_they_came(drafted):
    frame = pl.DataFrame({"account_id": [f"a{n}" for n in range(60)], "churn_date": WHEN[:60], "reason": "price"})
    _, source = drafted(frame, name="accounts", entity="customers")
    assert source["columns"] == {"customer_id": "account_id"}


def test_two_companies_whose_customers_have_the_same_numbers_are_told_of(tmp_path):
    ours = pl.DataFrame([WHO, WHEN]).with_columns(order_id=pl.int_range(400), revenue=pl.int_range(400) * 0.5)
    ours.write_csv(tmp_path / "ours.csv")
    theirs = ours.rename({"user_id": "client", "timestamp": "datum", "order_id": "beleg", "revenue": "umsatz"})
    theirs.write_csv(tmp_path / "theirs.csv")
    folder = draft_folder(inputs_of_folder(tmp_path, tmp_path), SourcePlace(data_root=tmp_path), currency="EUR")
    assert [source.draft.entity for source in folder.sources] == ["orders", "orders"]
    assert all("40 of its customers have numbers that" in source.look for source in folder.sources)


def test_columns_without_a_plain_name_are_offered_under_one(drafted):
    people = pl.DataFrame({"customer_id": WHO.unique().sort(), "city": "Ulm", "FN": "1", "2nd": "x", "fn!": "0"})
    told = draft_toml("people", InputSpec(files="people.csv"), drafted(people, name="people", entity="customers")[0])
    (line,) = (line for line in told.splitlines() if line.startswith("# keep"))
    offered = tomllib.loads(line.removeprefix("# "))
    source = {"entity": "customers", "input": "people", "columns": {"customer_id": "customer_id"}}
    mapped = SourceMapping.model_validate(source | offered)
    assert sorted(mapped.keep) == ["attribute_2_nd", "fn", "fn_2"]
    assert [kept.column for kept in mapped.keep.values()] == ["FN", "2nd", "fn!"]


@pytest.mark.parametrize(("postcodes", "doubted"), [(600, True), (499, False), (30, False)])
def test_a_region_that_hardly_two_customers_share_is_doubted(drafted, postcodes, doubted):
    people = pl.DataFrame({"customer_id": [f"c{n}" for n in range(2000)]}).with_columns(
        postal_code=pl.lit("p") + (pl.int_range(2000) % postcodes).cast(pl.String)
    )
    region = drafted(people, name="people", entity="customers")[0].proposals["region"]
    assert (region.confidence < 0.5, "too many for regions" in region.why) == (doubted, doubted)


def test_the_words_beside_a_customer_decide_what_is_said_of_a_table_that_feeds_nothing():
    assert what_else([]) == "nothing more"
    assert "train uplift" in what_else(["treatment_flg", "target"])
    assert "train churn" in what_else(["left_us"])


@pytest.mark.parametrize(
    ("name", "entity", "field"),
    [
        ("brand_id", "products", "brand"),
        ("category_code", "products", "category"),
        ("level_2", "products", "category"),
        ("first_issue_date", "customers", "created_at"),
    ],
)
def test_what_loyalty_programmes_and_shops_call_their_columns_is_known(name, entity, field):
    assert likeness(name, entity, field) >= 0.9
