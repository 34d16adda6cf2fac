from itertools import count

import duckdb
import polars as pl
import pytest

from warehouse.drafting.draft import drafts_of
from warehouse.drafting.profile import Sample
from warehouse.drafting.returns import returned_lines
from warehouse.drafting.sniffing import input_of_file
from warehouse.sources.files import SourcePlace
from warehouse.sources.inputs import read_input

NUMBERS = count()
SALES = pl.DataFrame(
    {
        "Order ID": [f"{n // 2:05}" for n in range(120)],
        "Order Date": [f"{1 + n // 2 % 12}/{1 + n // 2 % 28}/2024" for n in range(120)],
        "Customer ID": [f"c{n // 2 % 20}" for n in range(120)],
        "Product ID": [f"p{n % 7}" for n in range(120)],
        "Quantity": [1 + n % 3 for n in range(120)],
        "Unit Price": [10.5 + n % 7 for n in range(120)],
    }
)
"""The second line of order 00003 has two of p0 at 10.50 each, the first has one of p6 at 16.50."""


@pytest.fixture(scope="module")
def sales(tmp_path_factory):
    """A connection with `SALES`, its folder and the draft of its orders."""
    folder = tmp_path_factory.mktemp("sales")
    with duckdb.connect() as connection:
        sample = read(connection, folder, "sales", SALES)
        yield connection, folder, drafts_of("sales", sample, ("orders",), "USD")[0]


def read(connection, folder, name, frame):
    frame.write_csv(folder / f"{name}.csv")
    spec = input_of_file(str(folder / f"{name}.csv"), folder)
    return Sample(connection, read_input(connection, name, spec, place=SourcePlace(data_root=folder)))


@pytest.fixture
def returned(sales):
    """What is said of returns beside `SALES`, and their rows."""
    connection, folder, orders = sales

    def drafting(frame):
        name = f"sent_back_{next(NUMBERS)}"
        draft, query, look = returned_lines(name, read(connection, folder, name, frame), orders, "sales")
        assert (draft.entity, draft.missing) == ("orders", ())
        rows = connection.sql(query).pl()
        shown = rows.select("order_id", "customer_id", "ordered_at", "product_id", "quantity", "amount")
        return look, shown.with_columns(pl.col("quantity", "amount").cast(pl.Float64)).sort(pl.all()).rows()

    return drafting


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {"Product ID": "p0", "Quantity Returned": 1, "Refund Amount": 9.0, "Return Date": "5/20/2024"},
            [("return of 00003", "c3", "5/20/2024", "p0", -1.0, -9.0)],
        ),
        ({"Product ID": "p0", "Quantity": 1}, [("return of 00003", "c3", "4/4/2024", "p0", -1.0, -10.5)]),
        ({"Product ID": "p0", "Reason": "torn"}, [("return of 00003", "c3", "4/4/2024", "p0", -2.0, -21.0)]),
        (
            {"Returned": "Yes"},
            [
                ("return of 00003", "c3", "4/4/2024", "p0", -2.0, -21.0),
                ("return of 00003", "c3", "4/4/2024", "p6", -1.0, -16.5),
            ],
        ),
        (
            {"Refund": 25.0},
            [
                ("return of 00003", "c3", "4/4/2024", "p0", -2.0, -14.0),
                ("return of 00003", "c3", "4/4/2024", "p6", -1.0, -11.0),
            ],
        ),
    ],
)
def test_returns_are_lines_with_what_the_order_says_and_they_do_not(returned, columns, expected):
    _, rows = returned(pl.DataFrame([{"Order ID": "00003", **columns}, {"Order ID": "00004", **columns}]))
    assert [row for row in rows if row[0] == "return of 00003"] == expected


def test_a_return_of_no_order_is_told_and_has_no_customer(returned):
    frame = pl.DataFrame({"Order ID": ["00003", "00005", "x"], "Product ID": "p0", "Refund": 3.5})
    look, rows = returned(frame)
    assert "1 of 3 name an order that is not there" in look
    assert [row for row in rows if row[0] == "return of x"] == [("return of x", None, None, "p0", -1.0, -3.5)]
