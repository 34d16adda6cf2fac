import gzip
import tomllib
from pathlib import Path

import duckdb
import polars as pl
import pytest

from data_contracts.inputs import InputSpec
from data_contracts.mapping import SourceMapping
from warehouse.drafting.draft_text import folder_toml
from warehouse.drafting.folder import draft_folder
from warehouse.drafting.sniffing import inputs_of_folder
from warehouse.sources.files import SourcePlace, find_files

HEADS = pl.DataFrame(
    {
        "order_id": [f"o{n}" for n in range(120)],
        "customer_id": [f"c{n}" for n in range(120)],
        "order_status": ["delivered", "delivered", "canceled"] * 40,
        "order_purchase_timestamp": [f"2024-{1 + n % 12:02}-{1 + n % 28:02} 10:00:{n % 60:02}" for n in range(120)],
    }
)
LINES = pl.DataFrame(
    {
        "order_id": [f"o{n // 2}" for n in range(240)],
        "order_item_id": [1 + n % 2 for n in range(240)],
        "product_id": [f"p{n % 17}" for n in range(240)],
        "price": [0.5 + n % 9 for n in range(240)],
    }
)
PEOPLE = pl.DataFrame(
    {
        "customer_id": [f"c{n}" for n in range(120)],
        "customer_unique_id": [f"u{n % 50}" for n in range(120)],
        "customer_state": ["SP", "RJ"] * 60,
    }
)
PRODUCTS = pl.DataFrame({"id": [f"p{n}" for n in range(17)], "category": ["a"] * 17})


@pytest.fixture
def drafted(tmp_path):
    """The inputs and sources proposed for a folder, as the settings would read them, and what feeds nothing."""

    def drafting(**tables):
        for name, frame in tables.items():
            frame.write_csv(tmp_path / f"{name}.csv")
        inputs = inputs_of_folder(tmp_path, tmp_path)
        folder = draft_folder(inputs, SourcePlace(data_root=tmp_path), currency="BRL")
        written = tomllib.loads(folder_toml(inputs, folder))
        for spec in written["inputs"].values():
            InputSpec.model_validate(spec)
        for source in written["sources"].values():
            SourceMapping.model_validate(source)
        return written, folder

    return drafting


def test_heads_lines_and_customers_become_one_table_of_orders(drafted):
    written, folder = drafted(heads=HEADS, lines=LINES, people=PEOPLE, products=PRODUCTS)
    orders, customers = written["sources"]["orders"], written["sources"]["customers"]
    assert orders["columns"] == {
        "order_id": "order_id",
        "line_number": "order_item_id",
        "customer_id": "customer_unique_id",
        "ordered_at": "order_purchase_timestamp",
        "product_id": "product_id",
        "amount": "price",
    }
    assert " ".join(orders["query"].split()) == (
        "select lines.*, heads.order_status, heads.order_purchase_timestamp, people.customer_unique_id from lines "
        "left join (select distinct on (order_id) * from heads order by all) heads on lines.order_id = heads.order_id "
        "left join (select distinct on (customer_id) * from people order by all) people "
        "on heads.customer_id = people.customer_id"
    )
    assert customers["columns"] == {"customer_id": "customer_unique_id", "region": "customer_state"}
    assert "distinct on (customer_unique_id)" in customers["query"]
    assert written["sources"]["products"]["input"] == "products"
    assert folder.unused == {"heads": "its rows complete those of lines"}


@pytest.mark.parametrize(
    ("dated", "taken", "said"),
    [
        (True, "c109", "taken is the latest by seen"),
        (False, "c109", "taken is the first in alphabetical order, as no date says the latest"),
    ],
)
def test_of_a_customer_with_several_rows_it_is_said_which_is_taken(drafted, dated, taken, said):
    """u9 is c9 of the first of January, c59 of the second, c109 of the third."""
    people = PEOPLE.with_columns(pl.col("customer_id").alias("record_id"))
    if dated:
        people = people.with_columns(seen=pl.Series([f"2024-01-{1 + n // 50:02}" for n in range(120)]))
    written, folder = drafted(heads=HEADS, lines=LINES, people=people)
    (source,) = (source for source in folder.sources if source.draft.entity == "customers")
    assert source.look == f"50 of 50 customer_unique_id have several rows that differ; {said}"
    rows = duckdb.sql(written["sources"]["customers"]["query"]).fetchall()
    assert next(row for row in rows if "u9" in row)[-2 if dated else -1] == taken
    assert len(rows) == 50


def test_words_for_sales_called_off_are_told(drafted):
    written, folder = drafted(heads=HEADS, lines=LINES)
    assert folder.sources[0].draft.no_sales == {"order_status": ("canceled",)}
    assert written["sources"]["orders"]["columns"]["customer_id"] == "customer_id"
    assert folder.sources[0].draft.proposals["customer_id"].confidence < 0.5  # nobody comes back


def test_files_with_the_same_columns_are_one_input(drafted):
    whole = LINES.join(HEADS, on="order_id").with_columns(customer_id=pl.lit("u") + pl.col("order_id").str.slice(1, 1))
    written, folder = drafted(sales_2023=whole[:120], sales_2024=whole[120:])
    assert written["inputs"] == {"sales": {"files": "sales*.csv"}}
    assert (written["sources"]["orders"]["input"], folder.unused) == ("sales", {})


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["sales-01.csv", "sales-02.csv"], ("sales*.csv",)),
        (["2023-Dec.csv", "2024-Jan.csv.gz"], ("*.csv", "*.csv.gz")),
        (["day[1].csv", "day[2].csv"], ("day[[]*.csv",)),
        (["sales-01.csv", "sales-02.csv", "salesmen.csv other"], ("sales-01.csv", "sales-02.csv")),
        (["sales-01.csv"], ("sales-01.csv",)),
    ],
)
def test_files_of_one_input_are_globs_that_next_months_file_fits_too(tmp_path, names, files):
    for name in names:
        content = b"id,name\n1,x\n" if name.endswith("other") else b"day,n\n1,2\n"
        written = tmp_path / name.removesuffix(" other")
        written.write_bytes(gzip.compress(content) if written.suffix == ".gz" else content)
    inputs = inputs_of_folder(tmp_path, tmp_path)
    assert files in {spec.files for spec in inputs.values()}
    for spec in inputs.values():
        InputSpec.model_validate(spec.model_dump())
    found = find_files("sales", next(spec for spec in inputs.values() if spec.files == files), tmp_path)
    assert {Path(each.address).name for each in found} == {name for name in names if not name.endswith("other")}


def test_values_that_are_not_found_there_make_no_join(drafted):
    written, folder = drafted(heads=HEADS.with_columns(order_id="x" + pl.col("order_id")), lines=LINES)
    assert "orders" not in written.get("sources", {})
    assert set(folder.unused) >= {"lines"}


def test_equal_keys_of_other_types_are_compared_as_text(tmp_path):
    HEADS.with_columns(order_id=pl.int_range(120)).write_parquet(tmp_path / "heads.parquet")
    LINES.with_columns(order_id=pl.col("order_id").str.slice(1)).write_parquet(tmp_path / "lines.parquet")
    folder = draft_folder(inputs_of_folder(tmp_path, tmp_path), SourcePlace(data_root=tmp_path))
    assert "lines.order_id::varchar = heads.order_id::varchar" in folder.sources[0].query


def test_of_a_key_that_is_looked_up_and_comes_twice_it_is_said_which_row_is_taken(drafted):
    heads = pl.concat([HEADS] * 40).with_columns(pl.Series("order_id", [f"o{n}" for n in range(4800)]))
    lines = pl.concat([LINES] * 40).with_columns(pl.Series("order_id", [f"o{n // 2}" for n in range(9600)]))
    again = heads.head(1).with_columns(order_status=pl.lit("delivered late"))
    _, folder = drafted(heads=pl.concat([heads, heads.tail(1), again]), lines=lines)
    assert folder.sources[0].look == (
        "1 order_id of heads has several rows that differ; looked up is the first in alphabetical order"
    )


def test_what_looks_like_orders_but_lacks_an_amount_feeds_no_other_table(drafted):
    tills = pl.DataFrame(
        {
            "ticket": [f"T{n // 2}" for n in range(400)],
            "cliente": [f"K{n // 2 % 60}" for n in range(400)],
            "fecha": [f"2024-{1 + n % 12:02}-{1 + n // 2 % 28:02}" for n in range(400)],
            "articulo": [f"A{n % 9}" for n in range(400)],
            "uds": [1 + n % 3 for n in range(400)],
            "wert": [2.5 + n % 7 for n in range(400)],
        }
    )
    clients = pl.DataFrame({"cliente": [f"K{n}" for n in range(60)], "email": [f"a{n}@x.es" for n in range(60)]})
    written, folder = drafted(tickets_2024=tills, clientes=clients)
    assert set(written["sources"]) == {"customers"}
    assert "looks like orders, but nothing fills amount" in folder.unused["tickets_2024"]


def test_products_have_the_key_that_orders_name_and_returns_of_unknown_orders_are_left_to_the_user(drafted):
    sold = LINES.select("order_id", article_id="product_id", amount="price").with_columns(
        customer_id=pl.col("order_id").str.slice(0, 3), order_date=pl.lit("2024-05-01")
    )
    products = pl.DataFrame({"product_code": [f"x{n}" for n in range(17)], "article_id": [f"p{n}" for n in range(17)]})
    refunds = pl.DataFrame({"order_id": ["o1", "o2"], "refund": [1.5, 2.5]})
    returns = pl.DataFrame({"order_id": ["x1", "x2"], "return-date": ["2024-05-01", "2024-06-01"], "sku": ["p1", "p2"]})
    reviews = pl.DataFrame({"review_id": [f"r{n}" for n in range(60)], "review_creation_date": ["2024-05-01"] * 60})
    written, folder = drafted(sold=sold, products=products, returns=returns, reviews=reviews, refunds=refunds)
    assert written["sources"]["products"]["columns"]["product_id"] == "article_id"
    assert {source["entity"] for source in written["sources"].values()} == {
        "orders",
        "products",
    }  # no answer is a customer
    assert "negative" in folder.unused["returns"]
    assert "return of " in written["sources"]["refunds"]["query"]


def test_responses_in_a_table_of_their_own_are_what_came_of_the_contacts(drafted):
    """By themselves they would be contacts that were all answered."""
    campaigns = pl.DataFrame(
        {
            "campaign_id": [100 + number for number in range(10)],
            "campaign_type": ["Type A", "Type B"] * 5,
            "start_date": [f"2024-{1 + number:02}-03" for number in range(10)],
            "end_date": [f"2024-{1 + number:02}-28" for number in range(10)],
        }
    )
    sent = pl.DataFrame(
        {"campaign_id": [100 + n % 10 for n in range(80)], "customer_id": [f"c{n // 10:02}" for n in range(80)]}
    )
    day = pl.format("2024-{}-{}", (pl.col("campaign_id") - 99).cast(pl.String).str.zfill(2), "day")
    answered = sent.gather_every(3).filter(pl.col("campaign_id") > 100)
    redeemed = pl.concat([answered.with_columns(day=20), answered.head(5).with_columns(day=11)])
    redeemed = redeemed.select("campaign_id", "customer_id", coupon_upc=pl.lit("5138"), redemption_date=day)
    lines = pl.DataFrame(
        {
            "order_id": [f"o{n // 2:04}" for n in range(200)],
            "customer_id": [f"c{n // 2 % 20:02}" for n in range(200)],
            "ordered_at": [f"2024-{1 + n // 2 % 12:02}-{1 + n // 2 % 28:02}" for n in range(200)],
            "product_id": [f"p{n % 7}" for n in range(200)],
            "quantity": [1 + n % 3 for n in range(200)],
            "amount": [10.5 + n % 7 for n in range(200)],
        }
    )
    written, folder = drafted(lines=lines, campaigns=sent, campaign_descriptions=campaigns, coupon_redemptions=redeemed)
    assert {source["entity"] for source in written["sources"].values()} == {"orders", "campaigns", "contacts"}
    assert "answered the contacts of campaigns" in folder.unused["coupon_redemptions"]
    columns = written["sources"]["contacts"]["columns"]
    assert (columns["sent_at"], columns["responded_at"]) == ("start_date", "responded_at")
    with duckdb.connect() as connection:
        for name, frame in (
            ("campaigns", sent),
            ("campaign_descriptions", campaigns),
            ("coupon_redemptions", redeemed),
        ):
            connection.register(name, frame)
        rows = connection.sql(written["sources"]["contacts"]["query"]).pl()
    first = redeemed.group_by("campaign_id", "customer_id").agg(pl.min("redemption_date"))
    assert rows.height == sent.height
    told = rows.drop_nulls("responded_at").select("campaign_id", "customer_id", "responded_at")
    assert sorted(told.rows()) == sorted(first.rows())
