"""What values, units, dates, zones and currencies become on their way from a source to its staged table."""

from datetime import UTC, datetime

import duckdb
import pytest

from data_contracts.inputs import InputSpec
from data_contracts.mapping import SourceMapping
from warehouse.errors_ingestion import InputUnknownError, SourceColumnMissingError
from warehouse.sources.errors import RatesUnusableError
from warehouse.sources.files import SourcePlace
from warehouse.sources.mapping import stage_entity
from warehouse.sources.reading import SourcePlan, prepare_connection, read_sources

NOW = datetime(2024, 6, 1, tzinfo=UTC)
HEADER = "order,line,customer,placed,sku,units,net,currency,channel"
ROW = {
    "order": "0001",
    "line": "1",
    "customer": "00042",
    "placed": "2024-05-01 10:00:00",
    "sku": "A",
    "units": "2",
    "net": "12.50",
    "currency": "GBP",
    "channel": "1",
}
COLUMNS = {
    "order_id": "order",
    "line_number": "line",
    "customer_id": "customer",
    "ordered_at": "placed",
    "product_id": "sku",
    "quantity": "units",
    "amount": "net",
    "currency": "currency",
    "channel": "channel",
    "known_at": "placed",
}
RATES = "from_currency,to_currency,valid_from,rate\n"


@pytest.fixture
def staged(tmp_path):
    """The staged rows of small orders files, as dictionaries, in source order."""

    def stage(*rows, rates=None, currency="GBP", **changes):
        lines = [",".join({**ROW, **row}.values()) for row in rows]
        (tmp_path / "orders.csv").write_text("\n".join([HEADER, *lines]) + "\n")
        inputs = {"orders": InputSpec(files=("orders.csv",))}
        if rates is not None:
            (tmp_path / "fx.csv").write_text(RATES + rates)
            inputs["fx"] = InputSpec(files=("fx.csv",))
        settings = {"entity": "orders", "input": "orders", "money": "major", "columns": COLUMNS, **changes}
        plan = SourcePlan(
            inputs=inputs,
            sources={"orders": SourceMapping.model_validate(settings)},
            place=SourcePlace(data_root=tmp_path),
            company_currency=currency,
            time_zone="Europe/London",
        )
        with duckdb.connect() as connection:
            prepare_connection(connection, company_currency=currency, now=NOW)
            sources = read_sources(connection, plan)
            stage_entity(connection, "orders", list(sources.values()))
            return connection.sql("from staged_orders order by row_id").pl().to_dicts()

    return stage


def column(rows, name):
    return [row[name] for row in rows]


def test_values_are_replaced_and_others_kept(staged):
    channels = {"1": "web", "2": "shop", "": "unknown"}
    rows = staged({"channel": "1"}, {"channel": "2"}, {"channel": "9"}, {"channel": ""}, values={"channel": channels})
    assert column(rows, "channel") == ["web", "shop", "9", "unknown"]
    assert "rule__channel_value_is_listed" not in rows[0]


def test_values_that_are_not_listed_are_flagged_when_asked_and_blank_is_no_value(staged):
    rows = staged({}, {"channel": "9"}, {"channel": ""}, values={"channel": {"1": "web"}}, unmapped="reject")
    assert column(rows, "rule__channel_value_is_listed") == [True, False, True]
    assert column(rows, "channel") == ["web", "9", None]


def test_values_may_be_numbers(staged):
    rows = staged({"units": "a dozen"}, {"units": "3"}, values={"quantity": {"a dozen": 12}})
    assert column(rows, "quantity") == [12.0, 3.0]


@pytest.mark.parametrize(
    ("field", "source", "factor", "written", "expected", "state"),
    [
        ("quantity", "units", 0.001, "2500", 2.5, 1),
        ("quantity", "units", 0.001, "many", None, 2),
        ("quantity", "units", 0.001, "", None, 0),
        ("quantity", "units", 0.001, "inf", None, 3),
        ("amount", "net", 0.1, "1.05", 11, 1),  # 0.105 pounds is 10.5 pence: half away from zero, on decimals
        ("amount", "net", -1, "12.50", -1250, 1),
        ("amount", "net", 1000, "12.50", 1250000, 1),
        ("amount", "net", 1000, "1e17", None, 4),
        ("line_number", "line", 10, "7", 70, 1),
        ("line_number", "line", 1000, "3000000", None, 4),
    ],
)
def test_units_are_converted_and_what_cannot_be_is_still_told(staged, field, source, factor, written, expected, state):
    (row,) = staged({source: written}, scale={field: factor})
    assert (row[field], row[f"{field}__state"]) == (expected, state)


@pytest.mark.parametrize(
    ("formats", "written", "expected"),
    [
        ("%d/%m/%Y %H:%M", "02/07/2011 10:00", datetime(2011, 7, 2, 9, tzinfo=UTC)),
        ([], "2011-07-02 10:00:00 +0200", datetime(2011, 7, 2, 8, tzinfo=UTC)),
        ([], "2011-07-02T10:00:00 -05:00 ", datetime(2011, 7, 2, 15, tzinfo=UTC)),
        (["%d/%m/%Y", "%d.%m.%Y"], "02.01.2011", datetime(2011, 1, 2, tzinfo=UTC)),
        ("%Y%m%d", "20110102", datetime(2011, 1, 2, tzinfo=UTC)),
        ("%d/%m/%Y %H:%M %z", "02/07/2011 10:00 +02:00", datetime(2011, 7, 2, 8, tzinfo=UTC)),
        ("epoch_seconds", "1325289600", datetime(2011, 12, 31, tzinfo=UTC)),
        ("epoch_milliseconds", "1325289600500", datetime(2011, 12, 31, 0, 0, 0, 500000, tzinfo=UTC)),
        ("excel_days", "40908.5", datetime(2011, 12, 31, 12, tzinfo=UTC)),
        ("%d/%m/%Y", "31/02/2011", None),
        ("%d/%m/%Y", "2011-02-01", None),
        ("epoch_seconds", "1e30", None),
        ("excel_days", "-1", None),
    ],
)
def test_dates_are_read_as_they_are_written(staged, formats, written, expected):
    (row,) = staged({"placed": written}, formats={"ordered_at": formats} if formats else {})
    assert row["ordered_at"] == expected
    assert row["ordered_at__state"] == (1 if expected else 2)


def test_a_column_may_have_a_zone_of_its_own(staged):
    columns = {**COLUMNS, "known_at": "placed"}
    zones = {"known_at": "America/New_York"}
    (row,) = staged({"placed": "2024-07-01 10:00:00"}, columns=columns, time_zone="UTC", time_zones=zones)
    assert row["ordered_at"] == datetime(2024, 7, 1, 10, tzinfo=UTC)
    assert row["known_at"] == datetime(2024, 7, 1, 14, tzinfo=UTC)


CONVERTED = {"conversion": {"rates": "fx"}}
EURO = "EUR,GBP,2024-01-01,0.85\nEUR,GBP,2024-05-02,0.90\nUSD,EUR,2024-01-01,1\nGBP,EUR,2024-01-01,1.2\n"


@pytest.mark.parametrize(
    ("written", "placed", "amount", "currency", "has_rate"),
    [
        ("GBP", "2024-05-01 10:00:00", 1250, "GBP", True),
        ("EUR", "2024-05-01 10:00:00", 1063, "GBP", True),  # 12.50 * 0.85 = 10.625: half away from zero
        ("EUR", "2024-05-02 00:30:00", 1125, "GBP", True),
        ("EUR", "2023-12-31 10:00:00", 1250, "EUR", False),  # before the first rate
        ("USD", "2024-05-01 10:00:00", 1250, "USD", False),  # only into euros: no crossing of rates
    ],
)
def test_amounts_are_converted_at_the_rate_in_force_on_the_business_date(
    staged, written, placed, amount, currency, has_rate
):
    (row,) = staged({"currency": written, "placed": placed}, rates=EURO, **CONVERTED)
    assert (row["amount"], row["currency"], row["rule__currency_has_a_rate"]) == (amount, currency, has_rate)


def test_the_business_date_is_of_the_companys_zone(staged):
    rates = "EUR,GBP,2024-01-01,1\nEUR,GBP,2024-07-02,2\n"
    (row,) = staged({"currency": "EUR", "placed": "2024-07-01T23:30:00Z"}, rates=rates, **CONVERTED)
    assert row["amount"] == 2500


@pytest.mark.parametrize(("written", "expected"), [("JPY", 125), ("KWD", 12500000), ("EUR", 12500)])
def test_minor_units_differ_between_currencies(staged, written, expected):
    """12.50 of a currency is 13 yen (no minor unit), 12500 fils (three digits), 1250 cents."""
    rates = "JPY,GBP,2024-01-01,0.1\nKWD,GBP,2024-01-01,10000\nEUR,GBP,2024-01-01,10\n"
    (row,) = staged({"currency": written}, rates=rates, **CONVERTED)
    assert row["amount"] == pytest.approx(expected, abs=5)


def test_rows_keep_their_order_through_a_conversion(staged):
    rows = staged(
        *({"order": f"{n:04}", "currency": "EUR" if n % 3 else "GBP"} for n in range(50)), rates=EURO, **CONVERTED
    )
    assert column(rows, "order_id") == [f"{n:04}" for n in range(50)]


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        ("USD,EUR,2024-01-01,1\n", "no rate into GBP"),
        ("EUR,GBP,2024-01-01,0\n", "1 rates without a date, or not a number above 0"),
        ("EUR,GBP,soon,1\n", "1 rates without a date"),
        ("EUR,GBP,2024-01-01,1\nEUR,GBP,2024-01-01,2\n", "1 rates for a currency and day that has one"),
    ],
)
def test_rates_that_cannot_be_trusted_block_the_load(staged, rates, told):
    with pytest.raises(RatesUnusableError) as caught:
        staged({}, rates=rates, **CONVERTED)
    assert told in caught.value.got


def test_rates_of_another_form_are_told(staged):
    with pytest.raises(SourceColumnMissingError) as caught:
        staged({}, rates=EURO, conversion={"rates": "fx", "columns": {"rate": "ratio"}})
    assert "ratio" in caught.value.expected
    with pytest.raises(InputUnknownError) as caught:
        staged({}, **CONVERTED)
    assert caught.value.where == "sources.orders.conversion.rates"
