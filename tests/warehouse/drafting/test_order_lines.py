"""What orders need and no column says plainly."""

import duckdb
import polars as pl
import pytest

from data_contracts.inputs import InputSpec
from tests.warehouse.drafting.conftest import ORDER_LINES
from warehouse.drafting.draft_text import draft_toml
from warehouse.drafting.sniffing import input_of_file

SHOP_EXPORT = pl.DataFrame(
    {
        "Name": [f"#{1001 + n // 2}" for n in range(240)],
        "Email": [f"buyer{n // 2 % 37}@example.com" if n % 2 == 0 else None for n in range(240)],
        "Financial Status": [("refunded" if n % 12 == 0 else "paid") if n % 2 == 0 else None for n in range(240)],
        "Total": [9.5 + n % 71 if n % 2 == 0 else None for n in range(240)],
        "Created at": [f"2024-{1 + n // 2 % 12:02}-{1 + n // 2 % 28:02} 10:00:00 +0100" for n in range(240)],
        "Lineitem quantity": [1 + n % 3 for n in range(240)],
        "Lineitem price": [0.5 + n % 17 for n in range(240)],
        "Lineitem sku": [f"SKU-{n % 17}" for n in range(240)],
        "Id": [f"{5000 + n // 2}" if n % 2 == 0 else None for n in range(240)],
    }
)


def test_rows_written_twice_are_told_where_a_made_up_line_number_would_sell_them_again(drafted):
    once, _ = drafted(ORDER_LINES, currency="EUR")
    twice, _ = drafted(pl.concat([ORDER_LINES, ORDER_LINES.head(3)]), currency="EUR")
    assert (once.repeated_rows, twice.repeated_rows) == (0, 3)
    told = draft_toml("export", InputSpec(files="export.csv"), twice)
    assert "# LOOK: rows that repeat another in every column: 3." in told
    assert "repeat another" not in draft_toml("export", InputSpec(files="export.csv"), once)


def test_a_total_is_recognised_by_what_it_is_made_of(drafted):
    frame = ORDER_LINES.with_columns(Gesamtpreis=pl.col("Menge") * pl.col("Einzelpreis"))
    best, source = drafted(frame)
    assert source["columns"]["amount"] == "Gesamtpreis"
    assert best.proposals["amount"].confidence >= 0.95


def test_a_line_number_is_taken_only_where_it_tells_lines_apart(drafted):
    numbered = ORDER_LINES.with_columns(Position=pl.Series([1, 2] * 100))
    assert drafted(numbered)[1]["columns"]["line_number"] == "Position"
    constant = ORDER_LINES.with_columns(Position=pl.lit(1))
    assert "line_number" in drafted(constant)[1]["expressions"]


def test_what_a_shop_says_on_the_first_line_of_an_order_holds_for_all_its_lines(drafted, tmp_path):
    best, source = drafted(SHOP_EXPORT, currency="EUR")
    assert source["columns"] == {
        "order_id": "Name",
        "ordered_at": "Created at",
        "product_id": "Lineitem sku",
        "quantity": "Lineitem quantity",
    }
    rows = duckdb.from_csv_auto(str(tmp_path / "export.csv"), all_varchar=True)
    customer, amount = source["expressions"]["customer_id"], source["expressions"]["amount"]
    buyers = rows.project(f"Name, {customer} as c, {amount} as a").pl()
    assert (buyers["c"].null_count(), buyers["c"].n_unique(), best.missing) == (0, 37, ())
    assert buyers["a"].cast(float).sum() == sum((1 + n % 3) * (0.5 + n % 17) for n in range(240))
    spec = input_of_file(str(tmp_path / "export.csv"), tmp_path)
    assert 'where = "Name not in (select Name from export where \\"Financial Status\\" in (\'refunded\'))"' in (
        draft_toml("export", spec, best)
    )


def test_an_amount_of_a_few_whole_numbers_beside_prices_counts_units(drafted):
    units = pl.Series([1 + n % 3 for n in range(240)])
    frame = pl.DataFrame(
        {
            "TRANSACTION_DT": [f"{1 + n % 12}/{1 + n % 28}/2000" for n in range(240)],
            "CUSTOMER_ID": [f"{n % 41:08}" for n in range(240)],
            "PRODUCT_ID": [f"47{n % 20}" for n in range(240)],
            "AMOUNT": units,
            "SALES_PRICE": [(20 + n % 20 * 7) * (1 + n % 3) for n in range(240)],
        }
    )
    _, source = drafted(frame)
    assert (source["columns"]["quantity"], source["columns"]["amount"]) == ("AMOUNT", "SALES_PRICE")
    _, source = drafted(frame.with_columns(SALES_PRICE=pl.col("SALES_PRICE") / pl.col("AMOUNT")))
    assert source["columns"]["quantity"] == "AMOUNT"
    assert "AMOUNT" in source["expressions"]["amount"]


@pytest.mark.parametrize("name", ["price", "Order Total"])
def test_money_of_several_units_or_lines_is_not_counted_again(drafted, name):
    lines = ORDER_LINES.drop("Einzelpreis").with_columns(
        pl.Series(name, [(3 + n % 23) * (1 + n % 5) if name == "price" else 3.5 + n // 2 for n in range(200)])
    )
    _, source = drafted(lines)
    if name == "price":
        assert source["columns"]["amount"] == "price"
    else:
        assert source["expressions"]["amount"].endswith("/ count(*) over (partition by Bestellnummer)")


def test_neither_a_channel_nor_freight_is_taken_for_an_order_or_its_amount(drafted):
    frame = pl.DataFrame(
        {
            "t_dat": [f"2019-{1 + n % 12:02}-{1 + n % 28:02}" for n in range(600)],
            "customer_id": [f"c{n % 90}" for n in range(600)],
            "article_id": [f"0{n % 50}" for n in range(600)],
            "sales_channel_id": [1 + n % 2 for n in range(600)],
            "Order Shipping Amount": [4.95, 5.95] * 300,
        }
    )
    best, source = drafted(frame, entity="orders")
    assert [missing.field for missing in best.missing] == ["amount"]
    assert (best.proposals["order_id"].how, source["columns"]["channel"]) == ("expressions", "sales_channel_id")
