"""Figures that were told of a matured campaign, and are others now."""

from datetime import date, timedelta

import polars as pl
import pytest

from segments.campaigns.contract import ledger_contract
from segments.campaigns.in_memory import ledger_of_frames
from segments.campaigns.restating import with_restatements
from segments.contract_columns import as_published
from segments.money import Currency

AS_OF = date(2026, 1, 1)
EUR = Currency(code="EUR")


@pytest.fixture(scope="module")
def made(make_company):
    contacts, lines = make_company(customers=400, effect=500)
    late = lines.filter(pl.col("order_id").str.starts_with("tea-")).head(1)
    late = late.with_columns(pl.lit(9_000, pl.Int64).alias("net_amount"), order_id=pl.lit("late"))
    return [ledger_of_frames(contacts, rows, as_of=AS_OF)[0] for rows in (lines, pl.concat([lines, late]))]


def published(ledger, before, as_of):
    told = with_restatements(ledger, before, currency=EUR, as_of=as_of)
    return as_published(told, ledger_contract(EUR), as_of=as_of, run_key="r", currency=EUR)


def test_what_was_told_is_restated_with_a_date_and_what_it_was_and_stays_so(made):
    first, second = made
    nights = [AS_OF + timedelta(days=one) for one in range(4)]
    tables = [published(first, None, nights[0])]
    for ledger, night in ((first, nights[1]), (second, nights[2]), (second, nights[3])):
        tables.append(published(ledger, tables[-1], night))
    assert [table["restated_on"].to_list() for table in tables] == [[None], [None], [nights[2]], [nights[2]]]
    words = tables[3]["restatement"].item()
    bought = [table["net_sales_of_contacted"].item() for table in (tables[0], tables[2])]
    assert float(bought[1] - bought[0]) == 90.0
    assert words == tables[2]["restatement"].item()
    assert words.startswith(f"told as of {nights[1]}: net sales of contacted {bought[0]:,} EUR, now {bought[1]:,} EUR;")
    assert "; cost " not in words
    for table in tables:
        assert table.schema == ledger_contract(EUR).schema


def test_what_was_not_matured_or_not_told_so_yet_is_no_restatement(made):
    first, second = made
    running = published(first, None, AS_OF).with_columns(state=pl.lit("not matured"))
    old_form = published(first, None, AS_OF).drop("verdict")
    other_currency = published(first, None, AS_OF).with_columns(currency=pl.lit("USD"))
    for before in (None, running, old_form, other_currency):
        assert with_restatements(second, before, currency=EUR, as_of=AS_OF)["restated_on"].to_list() == [None]
