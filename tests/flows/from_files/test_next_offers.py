"""Baskets from files: columns that are guessed, orders that are read, and the commands as real processes."""

import json
from dataclasses import replace
from datetime import date
from functools import partial

import numpy as np
import polars as pl
import pytest

from data_contracts.errors import UsageError
from flows.errors import BasketColumnsError, NothingToJudgeByError
from flows.from_files.basket_columns import BasketColumns, basket_lines, guess_columns, read_days
from flows.from_files.basket_files import read_baskets
from flows.from_files.next_offers import BasketRequest, score_next_offers, train_next_offers
from flows.running.progress import Reporter
from models.next_basket.errors import NobodyKnownError


def test_customers_with_one_basket_each_are_data_that_block(tmp_path):
    (tmp_path / "one.csv").write_text("customer,basket,item\n" + "".join(f"c{n},b{n},i{n % 3}\n" for n in range(9)))
    request = BasketRequest(history=tmp_path / "one.csv", hold_out_last=True, out=tmp_path / "out")
    with pytest.raises(NothingToJudgeByError, match="but one basket") as blocked:
        train_next_offers(request, today=date(2026, 1, 1), reporter=Reporter(quiet=True))
    assert blocked.value.exit_code == 3


@pytest.mark.parametrize(
    ("names", "asked", "expected"),
    [
        ("CUSTOMER_ID ORDER_NUMBER MATERIAL_NUMBER", {}, {"basket": "ORDER_NUMBER", "item": "MATERIAL_NUMBER"}),
        ("user_id basket_id date item_id", {}, {"customer": "user_id", "basket": "basket_id", "date": "date"}),
        (
            "InvoiceNo StockCode Quantity InvoiceDate UnitPrice CustomerID",
            {},
            {"basket": "InvoiceNo", "date": "InvoiceDate", "quantity": "Quantity", "price": "UnitPrice"},
        ),
        (
            "household_key DAY PRODUCT_ID dept",
            {"category": "dept"},
            {"date": "DAY", "category": "dept", "basket": None},
        ),
        (
            "Kundennr Bestellnr Bestelldatum Artikel Menge",
            {},
            {"customer": "Kundennr", "basket": "Bestellnr", "date": "Bestelldatum", "item": "Artikel"},
        ),
        ("userId movieId rating timestamp", {}, {"customer": "userId", "item": "movieId", "date": "timestamp"}),
        (
            "transaction_id client_id product_id product_quantity purchaseamount",
            {},
            {"item": "product_id", "quantity": "product_quantity", "price": "purchaseamount"},
        ),
        ("who nth what", {}, {"customer": "who", "basket": "nth", "item": "what"}),
        ("item_id who nth", {}, {"item": "item_id", "customer": None}),
    ],
)
def test_columns_are_told_by_their_names(names, asked, expected):
    if expected.get("customer", "") is None:
        with pytest.raises(BasketColumnsError, match="customer"):
            guess_columns(names.split(), asked)
        return
    found = guess_columns(names.split(), asked)
    assert {role: getattr(found, role) for role in expected} == expected


@pytest.mark.parametrize(
    ("names", "asked"), [("customer_id item_id size colour", {}), ("customer_id item_id t", {"customer": "client"})]
)
def test_what_cannot_be_told_is_asked_for(names, asked):
    with pytest.raises(BasketColumnsError, match="lacks"):
        guess_columns(names.split(), asked)


def test_lines_are_left_out_by_name_and_counted():
    table = pl.DataFrame(
        {
            "c": ["1", "1", None, "2.0", "2"],
            "b": ["10", "9", "1", "1", "1"],
            "i": ["x", "y", "x", "x", " "],
            "q": ["1", "-1", "1", "2", "1"],
        }
    )
    lines, told = basket_lines(table, BasketColumns(customer="c", basket="b", item="i", quantity="q"))
    assert lines.select("customer_id", "basket", "product_id").rows() == [("1", 10.0, "x"), ("2", 1.0, "x")]
    assert (told["without_customer_or_item"], told["returned_or_nothing"], told["order"]) == (2, 1, "basket number")


@pytest.mark.parametrize(
    ("texts", "days"),
    [
        (["3", "12", None], [3.0, 12.0, None]),
        (["2000-11-01", "2000-11-03 12:00:00"], [11262.0, 11264.5]),
        (["11/1/2000", "11/30/2000"], [11262.0, 11291.0]),
        (["1/11/2000", "30/11/2000"], [11262.0, 11291.0]),
        (["20001101", "20001130"], [11262.0, 11291.0]),
        (["soon", ""], [None, None]),
    ],
)
def test_dates_of_many_forms(texts, days):
    assert read_days(pl.Series(texts, dtype=pl.String)).to_list() == days


@pytest.mark.parametrize(
    "content",
    [
        {"7": [[-1], [3, 4], [3], [-1]]},
        [{"user": "7", "t": 0, "item": "3"}, {"user": "7", "t": 0, "item": "4"}, {"user": "7", "t": 1, "item": "3"}],
    ],
)
def test_json_of_baskets(tmp_path, content):
    (tmp_path / "b.json").write_text(json.dumps(content))
    table = read_baskets(tmp_path / "b.json")
    lines, _ = basket_lines(table, guess_columns(table.columns, {}))
    assert sorted(lines.select("customer_id", "product_id").rows()) == [("7", "3"), ("7", "3"), ("7", "4")]
    assert lines.sort("basket")["product_id"].to_list()[-1] == "3"


def test_json_of_what_each_customer_bought_in_one_basket(tmp_path):
    (tmp_path / "b.json").write_text(json.dumps({"7": [3, 4, -1], "8": [3]}))
    assert read_baskets(tmp_path / "b.json").select("customer", "item").rows() == [("7", "3"), ("7", "4"), ("8", "3")]


def shop():
    """Customers with staples of their own; every basket has one of them and something else."""
    random = np.random.default_rng(4)
    rows = [
        (f"{customer:03d}", number + 1, f"{product}")
        for customer in range(70)
        for number in range(6)
        for product in {customer % 12 * 3 + number % 3, int(random.integers(0, 36))}
    ]
    return pl.DataFrame(rows, schema=["CUSTOMER_ID", "ORDER_NUMBER", "MATERIAL_NUMBER"], orient="row")


def test_evaluate_as_a_command_and_score_with_its_model(gristmill, tmp_path):
    lines = shop()
    last = pl.col("ORDER_NUMBER") == 6
    lines.filter(~last).write_csv(tmp_path / "history.csv")
    lines.filter(last).rename({"CUSTOMER_ID": "customer"}).write_parquet(tmp_path / "future.parquet")
    lines.write_parquet(tmp_path / "whole.parquet")
    given = gristmill("evaluate", "next-offer", "--history", "history.csv", "--future", "future.parquet", "--json")
    assert given.returncode == 0, given.stderr
    report = json.loads(given.stdout)
    figures = report["evaluation"]["all"]["at_10"]["figures"]
    assert set(figures) == {"model", "personal top", "popular", "UP-CF", "TIFU-KNN"}
    assert figures["model"]["recall"] > 2 * figures["popular"]["recall"]
    model = tmp_path / "history_next_offer"
    offers = pl.read_csv(model / "next_offers.csv", infer_schema=False)
    assert offers["customer_id"].n_unique() == 70
    request = BasketRequest(history=tmp_path / "whole.parquet", hold_out_last=True, model=model, out=tmp_path / "held")
    held = train_next_offers(request, today=date(2026, 1, 1), reporter=Reporter(quiet=True))
    assert held["evaluation"] == report["evaluation"]
    request = BasketRequest(history=tmp_path / "history.csv", model=model, out=tmp_path / "s.csv")
    score_next_offers(request, reporter=Reporter(quiet=True))
    assert pl.read_csv(tmp_path / "s.csv", infer_schema=False).equals(offers)


def test_identifiers_that_do_not_meet_are_refused_and_unreadable_prices_told(tmp_path):
    lines = shop().head(200).with_columns(price=pl.lit("cheap"))
    lines.write_csv(tmp_path / "history.csv")
    request = BasketRequest(history=tmp_path / "history.csv", out=tmp_path / "out")
    report = train_next_offers(request, today=date(2026, 1, 1), reporter=Reporter(quiet=True))
    assert report["history"]["unreadable"] == ["price"]
    lines.with_columns(CUSTOMER_ID="x" + pl.col("CUSTOMER_ID")).write_csv(tmp_path / "future.csv")
    with pytest.raises(NobodyKnownError, match="none of them in the history"):
        train_next_offers(
            replace(request, future=tmp_path / "future.csv"), today=date(2026, 1, 1), reporter=Reporter(quiet=True)
        )


def test_nothing_to_grade_on_is_usage(gristmill):
    assert gristmill("evaluate", "next-offer", "--history", "history.csv").returncode == 2


@pytest.mark.parametrize("future", [None, "future.csv"])
def test_what_does_not_fit_together_is_usage(tmp_path, future):
    shop().write_csv(tmp_path / "history.csv")
    request = BasketRequest(
        history=tmp_path / "history.csv", future=future and tmp_path / future, hold_out_last=future is not None
    )
    with pytest.raises(UsageError):
        (score_next_offers if future is None else partial(train_next_offers, today=date(2026, 1, 1)))(
            request, reporter=Reporter(quiet=True)
        )
