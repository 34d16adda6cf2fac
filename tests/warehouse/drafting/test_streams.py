"""A shop's event stream: what was bought feeds orders, what was looked at events, and its products are told beside."""

import gzip
import tomllib

import duckdb
import polars as pl
import pytest

from data_contracts.inputs import InputSpec
from data_contracts.mapping import SourceMapping
from warehouse.drafting.draft_text import folder_toml
from warehouse.drafting.folder import draft_folder
from warehouse.drafting.sniffing import inputs_of_folder
from warehouse.sources.files import SourcePlace

KINDS = ["view", "view", "cart", "purchase", "remove_from_cart"]
STREAM = pl.DataFrame(
    {
        "event_time": [f"2024-{1 + n // 100:02}-{1 + n // 4 % 25:02} 10:{n % 60:02}:00 UTC" for n in range(600)],
        "event_type": [KINDS[n % 5] for n in range(600)],
        "product_id": [1000 + n % 17 for n in range(600)],
        "category_code": [["electronics.smartphone", "kids.toys", None][n % 17 % 3] for n in range(600)],
        "brand": [["apple", "lego"][n % 17 % 2] for n in range(600)],
        "price": [9.5 + n % 17 for n in range(600)],
        "user_id": [500 + n // 10 % 31 for n in range(600)],
        "user_session": [f"s{n // 10}" for n in range(600)],
    }
)
ORDERS = pl.DataFrame(
    {
        "order_id": [f"o{n}" for n in range(120)],
        "user_id": [500 + n % 31 for n in range(120)],
        "order_date": [f"2024-{1 + n % 12:02}-{1 + n % 28:02}" for n in range(120)],
        "product_id": [1000 + n % 17 for n in range(120)],
        "quantity": [1 + n % 3 for n in range(120)],
        "amount": [9.5 + n % 40 for n in range(120)],
    }
)


@pytest.fixture
def sources_of(tmp_path):
    """The sources proposed for the folder, as the settings would read them."""

    def drafting():
        inputs = inputs_of_folder(tmp_path, tmp_path)
        written = tomllib.loads(
            folder_toml(inputs, draft_folder(inputs, SourcePlace(data_root=tmp_path), currency="USD"))
        )
        for spec in written["inputs"].values():
            InputSpec.model_validate(spec)
        for source in written["sources"].values():
            SourceMapping.model_validate(source)
            assert source.get("input") in {None, *written["inputs"]}
        return written["sources"]

    return drafting


def test_only_what_was_bought_is_an_order_and_the_rest_are_events(tmp_path, sources_of):
    STREAM.write_csv(tmp_path / "stream.csv")
    sources = sources_of()
    assert sorted(sources) == ["events", "orders", "products"]
    assert sources["orders"]["where"] == "event_type in ('purchase')"
    assert sources["events"]["where"] == "coalesce(event_type, '') not in ('purchase')"
    assert sources["orders"]["columns"]["amount"] == "price"
    assert sources["events"]["columns"]["kind"] == "event_type"
    assert sources["products"]["columns"] == {"product_id": "product_id", "category": "category_code", "brand": "brand"}
    assert sources["products"]["expressions"] == {"name": "concat_ws(' ', category_code, brand, product_id)"}


def test_streams_whose_columns_changed_all_sell(tmp_path, sources_of):
    STREAM.head(300).write_csv(tmp_path / "old.csv")
    STREAM.tail(300).with_columns(device=pl.lit("phone")).write_csv(tmp_path / "new.csv")
    sold = [each for each in sources_of().values() if each["entity"] == "orders"]
    assert sorted(each["input"] for each in sold) == ["new", "old"]
    assert {each["where"] for each in sold} == {"event_type in ('purchase')"}


def test_products_that_two_inputs_name_are_told_once(tmp_path, sources_of):
    lines = ORDERS.with_columns(title=pl.lit("Lamp No. 1.") + pl.col("product_id").cast(pl.String))
    lines = lines.with_columns(title=pl.when(pl.int_range(120) < 3).then(pl.lit("A damaged one")).otherwise("title"))
    lines.head(60).with_columns(product_id=pl.col("product_id") - 3).write_csv(tmp_path / "orders_old.csv")
    lines.tail(60).rename({"order_date": "day"}).write_csv(tmp_path / "orders_new.csv")
    told = [each for each in sources_of().values() if each["entity"] == "products"]
    with duckdb.connect() as connection:
        for name in ("old", "new"):
            read = f"read_csv('{tmp_path}/orders_{name}.csv', all_varchar = true)"
            connection.execute(f"create view orders_{name} as select * from {read}")  # noqa: S608  # the test's own
        rows = [row for each in told for row in connection.sql(each["query"]).fetchall()]
    assert {each["columns"]["name"] for each in told} == {"title"}
    assert sorted(key for key, _ in rows) == sorted(str(key) for key in range(997, 1017))
    assert "A damaged one" not in {title for _, title in rows}


def test_what_differs_among_the_lines_of_a_product_says_nothing_of_it(tmp_path, sources_of):
    ORDERS.with_columns(category=pl.Series([f"segment {n % 4}" for n in range(120)])).write_csv(tmp_path / "orders.csv")
    assert set(sources_of()) == {"orders"}


def test_what_is_bought_in_one_visit_is_one_order(drafted):
    best, source = drafted(STREAM, "stream")
    assert (best.entity, best.rows) == ("orders", 120)
    assert source["expressions"]["order_id"].startswith("coalesce(user_session::varchar, ")
    shared = STREAM.with_columns(user_session=pl.lit("s") + (pl.int_range(600) // 14).cast(pl.String))
    _, source = drafted(shared, "stream")
    assert source["expressions"]["order_id"].startswith("concat_ws('-', user_id, event_time")


@pytest.mark.parametrize(
    ("name", "table"),
    [("orders", ORDERS), ("till", ORDERS.select("user_id", beleg="order_id", day="order_date", spend="amount"))],
)
def test_beside_a_table_of_orders_a_stream_feeds_events_only(tmp_path, sources_of, name, table):
    STREAM.write_csv(tmp_path / "stream.csv")
    table.write_csv(tmp_path / f"{name}.csv")
    sources = sources_of()
    assert sources["orders"]["input"] == name
    assert [(each["entity"], each.get("where")) for name, each in sources.items() if name != "orders"] == [
        ("events", None)
    ]


def test_a_table_of_products_of_its_own_goes_before_what_the_stream_says(tmp_path, sources_of):
    STREAM.write_csv(tmp_path / "stream.csv")
    pl.DataFrame({"product_id": range(1000, 1017), "category": ["a"] * 17}).write_csv(tmp_path / "products.csv")
    sources = sources_of()
    assert [each.get("input") for each in sources.values() if each["entity"] == "products"] == ["products"]


def test_words_that_only_sound_like_a_purchase_make_no_stream(drafted):
    begun = STREAM.with_columns(pl.col("event_type").replace("purchase", "begin_order_form"))
    assert drafted(begun, "stream")[0].where is None
    no_looks = STREAM.with_columns(
        pl.col("event_type").replace_strict(KINDS[:1] + KINDS[2:], ["a", "b", "purchase", "c"])
    )
    assert drafted(no_looks, "stream")[0].where is None


def test_packed_and_plain_files_of_the_same_columns_are_one_input(tmp_path):
    STREAM.head(300).write_csv(tmp_path / "2024-Jan.csv", separator=";")
    (tmp_path / "2024-Feb.csv.gz").write_bytes(gzip.compress(STREAM.tail(300).write_csv(separator=";").encode()))
    (tmp_path / "people.csv.gz").write_bytes(gzip.compress(b"id;city\n1;Ulm\n2;Bonn\n"))
    (tmp_path / "broken.csv.gz").write_bytes(b"\x1f\x8b no gzip")
    (tmp_path / "broken_too.csv.gz").write_bytes(b"\x1f\x8b no gzip")
    inputs = inputs_of_folder(tmp_path, tmp_path)
    assert sorted(spec.files for spec in inputs.values()) == [
        ("2024-Feb.csv.gz", "2024-Jan.csv"),  # *.csv.gz would be the others too
        ("broken.csv.gz",),
        ("broken_too.csv.gz",),
        ("people.csv.gz",),
    ]
    assert {name.split("_")[-1] for name, spec in inputs.items() if len(spec.files) > 1} == {"files"}
    assert {spec.delimiter for spec in inputs.values() if "broken" not in spec.files[0]} == {";"}
