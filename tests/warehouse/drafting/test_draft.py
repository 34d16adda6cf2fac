import tomllib
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from data_contracts.contracts import CORE_ENTITIES, core_contract
from data_contracts.mapping import SourceMapping
from tests.warehouse.drafting.conftest import ORDER_LINES
from warehouse.drafting.fit import HELPERS
from warehouse.drafting.names import likeness, words_of
from warehouse.drafting.sniffing import input_of_file, name_of_input

AMOUNTS_WITH_DECIMAL_COMMA = ["1.516,30", "-12,5", "0,99", "7", "2.000"]


def test_amounts_with_a_decimal_comma_are_read_by_an_expression(drafted):
    frame = ORDER_LINES.drop("Einzelpreis").with_columns(
        Positionswert=pl.Series([AMOUNTS_WITH_DECIMAL_COMMA[n % 5] for n in range(200)])
    )
    best, source = drafted(frame, currency="EUR")
    assert (best.entity, best.missing, source["money"]) == ("orders", (), "major")
    raw = duckdb.from_arrow(
        pl.DataFrame({"Positionswert": [*AMOUNTS_WITH_DECIMAL_COMMA, "12.50", "1,516.30"]}).to_arrow()
    )
    read = [value for (value,) in raw.project(source["expressions"]["amount"]).fetchall()]
    assert read == ["1516.30", "-12.5", "0.99", "7", "2000", "12.50", "1.516.30"]
    SourceMapping.model_validate(source)


@pytest.mark.parametrize(
    ("written", "read", "company", "proposed", "doubt"),
    [
        (["1.516,30 €", "-12,5\u00a0€"], ["1516.30", "-12.5"], "GBP", "EUR", "but [company] says GBP"),
        (["R$ 1.516,30", "R$ -12"], ["1516.30", "-12"], "GBP", "BRL", "but [company] says GBP"),
        (["$1,516.30", "-$ 12"], ["1516.30", "-12"], "CAD", "CAD", "the sign $ of Betrag, and [company]"),
        (["£151,600", "£12"], ["151600", "12"], None, "GBP", "the sign £ of Betrag"),
        (["₹ 1,23,456.00", "₹12,34,56,789.5"], ["123456.00", "123456789.5"], "INR", "INR", "the sign ₹ of Betrag"),
        (["¥12,345", "¥600"], ["12345", "600"], "JPY", "JPY", "the sign ¥ of Betrag"),
        (["1,516.30", "12"], ["1516.30", "12"], "USD", "USD", "is it so?"),
        (["1516.30", "12"], None, "GBP", "GBP", "is it so?"),
    ],
)
def test_the_sign_at_amounts_is_read_over_and_says_the_currency(drafted, written, read, company, proposed, doubt):
    best, source = drafted(
        ORDER_LINES.drop("Einzelpreis").with_columns(Betrag=pl.Series(written * 100)), currency=company
    )
    assert (best.missing, source["constants"]["currency"], source["money"]) == ((), proposed, "major")
    assert doubt in best.proposals["currency"].why
    if read is None:
        return
    raw = duckdb.from_arrow(pl.DataFrame({"Betrag": written}).to_arrow())
    assert [value for (value,) in raw.project(source["expressions"]["amount"]).fetchall()] == read


def test_a_total_with_a_decimal_comma_is_seen_to_be_units_times_price(drafted):
    pieces = ORDER_LINES["Menge"].to_list()
    prices = [f"1{n % 7},50" for n in range(200)]
    totals = [f"{(10.5 + n % 7) * units:.2f}".replace(".", ",") for n, units in enumerate(pieces)]
    frame = ORDER_LINES.with_columns(Einzelpreis=pl.Series(prices), Positionswert=pl.Series(totals))
    best, source = drafted(frame, currency="EUR")
    assert "Positionswert" in source["expressions"]["amount"]
    assert best.proposals["amount"].why.startswith("it is Menge * Einzelpreis in 100% of the rows")
    _, priced = drafted(frame.drop("Positionswert"), currency="EUR")
    assert "Menge::decimal(18, 4) * replace(" in priced["expressions"]["amount"]


def test_three_digits_behind_a_comma_may_be_thousands_and_are_no_decimal_comma(drafted):
    frame = ORDER_LINES.drop("Einzelpreis").with_columns(Betrag=pl.Series(["1,516", "12,50"] * 100))
    best, _ = drafted(frame, currency="EUR")
    assert "amount" in [missing.field for missing in best.missing]


@pytest.mark.parametrize("name", ["total_cents", "order_total_cents", "AmountPence"])
def test_the_unit_behind_a_name_of_money_does_not_hide_what_it_is(name, drafted):
    frame = ORDER_LINES.drop("Einzelpreis").with_columns(pl.Series(name, [100 + n for n in range(200)]))
    best, source = drafted(frame, currency="EUR")
    assert (best.entity, best.missing, source["money"]) == ("orders", (), "minor")
    assert source["columns"]["amount"] == name


def test_german_order_lines_become_a_complete_source(drafted):
    best, source = drafted(ORDER_LINES, currency="EUR")
    assert best.entity == "orders"
    assert source["columns"] == {
        "order_id": "Bestellnummer",
        "customer_id": "Kundennummer",
        "ordered_at": "Bestelldatum",
        "product_id": "Artikelnummer",
        "quantity": "Menge",
    }
    assert source["expressions"]["amount"] == "Menge::decimal(18, 4) * Einzelpreis::decimal(18, 4)"
    assert "partition by Bestellnummer" in source["expressions"]["line_number"]
    assert source["constants"] == {"currency": "EUR"}
    assert source["formats"] == {"ordered_at": "%d.%m.%Y %H:%M"}
    assert (source["money"], best.missing, best.unmapped) == ("major", (), {"Bemerkung": "VARCHAR"})
    SourceMapping.model_validate(source)


def test_german_subscriptions_become_a_complete_source(drafted):
    rows = range(60)
    began = [date(2024, 1, 1) + timedelta(days=n) for n in rows]
    frame = pl.DataFrame(
        {
            "Abo": [f"A{n:03}" for n in rows],
            "Kundennr": [f"K{n % 50:03}" for n in rows],
            "Plan": [("S", "M", "L")[n % 3] for n in rows],
            "Monatspreis": [(19.9, 34.9, 59.9)[n % 3] for n in rows],
            "Beginn": began,
            "Ende": [day + timedelta(days=90) if day.day % 3 == 0 else None for day in began],
            "Status": ["aktiv" if day.day % 3 else "gekündigt" for day in began],
        }
    )
    best, source = drafted(frame, name="abos", currency="EUR")
    assert (best.entity, best.missing) == ("subscriptions", ())
    assert source["columns"] == {
        "subscription_id": "Abo",
        "customer_id": "Kundennr",
        "plan": "Plan",
        "started_on": "Beginn",
        "ended_on": "Ende",
        "amount": "Monatspreis",
    }


@pytest.mark.parametrize(
    ("company", "confidence", "told"), [("USD", 0.8, ""), ("GBP", 0.4, "[company] says GBP"), (None, 0.8, "")]
)
def test_a_currency_that_is_not_the_companys_is_marked(drafted, company, confidence, told):
    best, source = drafted(ORDER_LINES.rename({"Einzelpreis": "price_dollar"}), currency=company)
    assert source["constants"]["currency"] == "USD"
    assert best.proposals["currency"].confidence == confidence
    assert told in best.proposals["currency"].why


def test_pounds_of_weight_are_no_money_and_two_currencies_are_a_doubt(drafted):
    frame = ORDER_LINES.with_columns(weight_pounds=pl.lit(3))
    assert "name of" not in drafted(frame, currency="EUR")[0].proposals["currency"].why
    told = drafted(frame.rename({"Einzelpreis": "price_dollar"}).with_columns(price_euro=pl.lit(2)))[0].proposals[
        "currency"
    ]
    assert told.confidence == 0.4
    assert "price_dollar" in told.why
    assert "price_euro says EUR" in told.why


def test_day_first_and_month_first_that_both_fit_are_doubted(drafted):
    frame = ORDER_LINES.with_columns(Bestelldatum=pl.lit("03/04/2024"))
    best, source = drafted(frame)
    assert source["formats"]["ordered_at"] == "%d/%m/%Y"
    assert best.doubtful_formats["ordered_at"] == ("%m/%d/%Y",)


CUSTOMERS = pl.DataFrame(
    {
        "id client": [f"{n:04}" for n in range(60)],
        "courriel": [f"a{n}@example.org" for n in range(60)],
        "pays": ["France", "Belgique"] * 30,
        "date inscription": ["2020-01-01", "2021-02-03"] * 30,
        "consentement": ["oui", "non"] * 30,
        "anniversaire": ["1980-05-06"] * 60,
    }
)


def test_french_customers_are_told_from_orders(drafted):
    best, source = drafted(CUSTOMERS)
    assert best.entity == "customers"
    assert source["columns"] == {
        "customer_id": "id client",
        "created_at": "date inscription",
        "region": "pays",
        "email": "courriel",
        "consent_marketing": "consentement",
    }
    assert set(best.unmapped) == {"anniversaire"}


def test_what_is_missing_is_told_with_what_could_fill_it(drafted):
    frame = pl.DataFrame({"campaign_id": ["1", "1", "2"], "household_id": ["7", "8", "7"]})
    best, source = drafted(frame, entity="contacts")
    assert [missing.field for missing in best.missing] == ["sent_at"]
    assert source["expressions"]["contact_id"] == "concat_ws('-', household_id, campaign_id)"


def test_days_counted_from_a_start_are_no_dates(drafted):
    frame = pl.DataFrame({"household_key": range(50), "DAY": range(1, 51), "event": ["visit", "call"] * 25})
    best, source = drafted(frame, name="events")
    assert source["expressions"]["at"] == "timestamp '2000-01-01 00:00:00' + to_days(DAY::int)"
    assert best.proposals["at"].confidence <= 0.3


def test_odd_names_are_quoted_and_the_proposal_is_toml(drafted):
    odd = ['a "b"', "c\nd", "order", "x'y"]
    frame = ORDER_LINES.rename(dict(zip(ORDER_LINES.columns, [*odd, *ORDER_LINES.columns[4:]], strict=True)))
    best, source = drafted(frame, entity="orders")
    assert source["entity"] == "orders"
    assert set(odd) <= {*best.unmapped, *source.get("columns", {}).values(), *odd}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("CustomerID", ("customer", "id")),
        ("customer_id", ("customer", "id")),
        ("Größe (cm)", ("groesse", "cm")),
        ("UPCCode", ("upc", "code")),
        ("Numéro client", ("numero", "client")),
        ("日付", ()),
    ],
)
def test_words_of_names(name, words):
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("name", "field", "least", "most"),
    [
        ("customer_id", "customer_id", 1, 1),
        ("Kunden-Nr.", "customer_id", 0.9, 1),
        ("custmer_id", "customer_id", 0.6, 0.8),
        ("price", "quantity", 0, 0.3),
        ("", "quantity", 0, 0),
    ],
)
def test_likeness_of_names(name, field, least, most):
    assert least <= likeness(name, "orders", field) <= most


def test_the_vocabulary_knows_fields_of_the_contracts_only():
    known = {name for entity in CORE_ENTITIES for name in core_contract(entity).columns}
    known |= {helper for helpers in HELPERS.values() for helper in helpers}
    path = Path(__file__).parents[3] / "warehouse" / "drafting" / "source_synonyms.toml"
    vocabulary = tomllib.loads(path.read_text(encoding="utf-8"))
    assert set(vocabulary["fields"]) <= known
    assert set(vocabulary["tables"]) <= set(CORE_ENTITIES)
    for entity, words in vocabulary["tables"].items():
        assert set(words) - {"words"} <= set(core_contract(entity).columns)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("raw/Orders 2024.csv.gz", "orders_2024"),
        ("sales.orders", "orders"),
        ("s3://bucket/daily/*.parquet", "daily"),
        ("raw/2024/*.csv", "input_2024"),
        ("*.csv", "input"),
        ("2024.csv", "input_2024"),
        ("https://shop.example/export.csv?day=1", "export"),
    ],
)
def test_inputs_are_named_after_files(pattern, name):
    assert name_of_input(pattern) == name


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"id;n\n1;2\n3;4\n", {"delimiter": ";"}),
        ("a.csv", "id,n\n1,é\n2,x\n".encode("latin-1"), {"encoding": "windows-1252"}),
        ("a.csv", "id;n\n1;5,20 €\n2;7,00 €\n".encode("cp1252"), {"encoding": "windows-1252", "delimiter": ";"}),
        ("a.tsv", b"id\tn\n1\t2\n", {}),
        ("a.csv", b"id,n\n1,2\n", {}),
    ],
)
def test_how_a_csv_file_is_written_is_seen(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    spec = input_of_file(str(tmp_path / name), tmp_path)
    assert spec.model_dump(exclude_defaults=True) == {"files": (name,), **expected}


@pytest.mark.parametrize(
    ("yes", "no"), [("oui", "non"), ("Ja", "Nein"), ("sí", "no"), ("J", "N"), ("sim", "não"), ("tak", "nie")]
)
def test_words_for_yes_and_no_of_other_languages_become_a_list_of_values(drafted, yes, no):
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(100)],
            "region": ["north"] * 100,
            "newsletter": [yes if n % 3 else no for n in range(100)],
        }
    )
    _, source = drafted(frame, name="customers", entity="customers")
    assert source["columns"]["consent_marketing"] == "newsletter"
    assert source["values"]["consent_marketing"] == {yes: True, no: False}
    SourceMapping.model_validate(source)


def test_plain_words_for_yes_and_no_need_no_list(drafted):
    frame = pl.DataFrame({"customer_id": [f"c{n}" for n in range(100)], "newsletter": ["Yes", "no"] * 50})
    _, source = drafted(frame, name="customers", entity="customers")
    assert source["columns"]["consent_marketing"] == "newsletter"
    assert "values" not in source


def test_known_at_is_proposed_where_a_column_says_it_and_nowhere_else(drafted):
    _, source = drafted(ORDER_LINES, currency="EUR")
    assert all("known_at" not in source[part] for part in ("columns", "expressions", "constants"))
    told = ORDER_LINES.with_columns(pl.col("Bestelldatum").alias("known_at"))
    _, source = drafted(told, currency="EUR")
    assert source["columns"]["known_at"] == "known_at"


def test_dates_written_in_several_ways_are_tried_in_each(drafted):
    days = [f"2024-01-{1 + n % 28:02}" if n % 3 else f"{1 + n % 28:02}.02.2024" for n in range(200)]
    best, source = drafted(ORDER_LINES.with_columns(pl.Series("Bestelldatum", days)), currency="EUR")
    assert best.formats["ordered_at"] == ("%Y-%m-%d", "%d.%m.%Y")
    assert source["formats"]["ordered_at"] == ["%Y-%m-%d", "%d.%m.%Y"]


CONTACTS = pl.DataFrame(
    {
        "Kunde": [f"K{n % 150:04}" for n in range(200)],
        "Versanddatum": [f"2024-{1 + n % 12:02}-{1 + n % 28:02}" for n in range(200)],
        "Kampagne": [f"W{n % 3}" for n in range(200)],
    }
)


@pytest.mark.parametrize(
    ("values", "held_out", "confidence"),
    [
        (["Kontrollgruppe", "Testgruppe"], "lower(trim(Gruppe)) = 'kontrollgruppe'", 0.7),
        (["Control", "control ", "treatment", "test"], "lower(trim(Gruppe)) = 'control'", 0.45),  # LOOK: two others
        (["control", "holdout", "test"], None, None),  # which of the two?
        (["A", "B"], None, None),
    ],
)
def test_the_one_value_that_names_a_control_group_says_who_was_held_out(drafted, values, held_out, confidence):
    frame = CONTACTS.with_columns(Gruppe=pl.Series([values[n % len(values)] for n in range(200)]))
    best, source = drafted(frame, name="mailings")
    assert (best.entity, best.missing) == ("contacts", ())
    assert source["expressions"].get("held_out") == held_out
    if held_out is not None:
        assert best.proposals["held_out"].confidence == confidence


def test_years_of_two_digits_are_years_and_amounts_below_one_are_doubted(drafted):
    short = pl.col("Bestelldatum").str.replace(r"(\.)20(\d\d)", "${1}${2}").str.slice(0, 8)
    best, source = drafted(ORDER_LINES.drop("Menge").with_columns(short, pl.col("Einzelpreis") / 1000))
    assert source["formats"]["ordered_at"] == "%d.%m.%y"
    assert (source["columns"]["amount"], best.proposals["amount"].confidence) == ("Einzelpreis", 0.4)
    assert "multiply" in best.proposals["amount"].why


@pytest.mark.parametrize(("written", "expected"), [("Lamp {}", "description"), ("{}", None)])
def test_a_number_is_no_name(drafted, written, expected):
    descriptions = [written.format(100 + n) for n in range(200)]
    products = pl.DataFrame({"product_id": [f"P{n}" for n in range(200)], "description": descriptions})
    best, source = drafted(products.with_columns(category=pl.lit("a"), list_price=pl.lit("9.50")), name="products")
    assert (best.entity, source["columns"].get("name")) == ("products", expected)
