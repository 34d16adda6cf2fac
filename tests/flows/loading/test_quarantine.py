"""Rows that broke a rule: looked at, replayed after the mapping or a rule was corrected, taken away."""

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from config import load_settings
from config.errors import CommandUnknownNameError
from data_contracts.errors import DataBlockedError
from flows.context import Context
from flows.errors import NothingLoadedError
from flows.loading.quarantine_reporting import print_replayed, print_rows, print_summary, rows_as_frame
from flows.loading.quarantining import drop, show, summary
from flows.loading.replaying import A_QUERY, GONE, OF_A_BLOCKED_LOAD, UNREADABLE, replay_rows
from flows.published.showing import write_csv
from flows.running.orchestration import carry_out
from flows.running.progress import Reporter
from warehouse.ledger import last_load
from warehouse.loads.quarantine import RowsWanted
from warehouse.loads.replaying import LOOKS_AT_OTHER_ROWS

NOW = datetime(2024, 6, 1, 3, tzinfo=UTC)
HEADER = "id,customer,placed,sku,units,net,way,mail\n"
SETTINGS = """
[company]
name = "Test"
currency = "GBP"
time_zone = "Europe/London"
[lake]
buckets = 2
[inputs.sales]
files = "sales/*.csv"
%(input)s
[sources.sales]
entity = "orders"
input = "sales"
money = "major"
columns.order_id = "id"
columns.customer_id = "customer"
columns.ordered_at = "placed"
columns.product_id = "sku"
columns.quantity = "units"
columns.amount = "net"
columns.channel = "way"
constants = { line_number = 1, currency = "GBP" }
%(source)s
[inputs.people]
files = "people.csv"
[sources.people]
entity = "customers"
input = "people"
columns = { customer_id = "customer", email = "mail", created_at = "since" }
%(rules)s
"""
RULES = """
[[rules]]
entity = "orders"
name = "channel_is_known"
expression = "channel in ('web', 'shop')"
meaning = "it was sold on the web or in a shop"
[[rules]]
entity = "customers"
name = "address_is_ours"
expression = "not ends_with(email, '@else.where')"
meaning = "an address of one of our customers"
"""


class Company:
    """A small company: its settings, its files, its verbs, on a day after NOW."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "sales").mkdir()
        (folder / "people.csv").write_text("customer,mail,since\nc1,ann@home.example,2024-01-01\n")
        self.settings()

    def settings(self, *, rules=RULES, source="", **changes):
        parts = {"rules": rules, "source": source, "input": "", **changes}
        (self.folder / "gristmill.toml").write_text(SETTINGS % parts)

    def sales(self, name, *lines, header=HEADER):
        (self.folder / "sales" / f"{name}.csv").write_text(header + "".join(f"{line}\n" for line in lines))

    def at(self, day=0):
        now = NOW + timedelta(days=day)
        settings = load_settings(self.folder / "gristmill.toml", environment={})
        return Context(settings=settings, now=now, clock=lambda: now, reporter=Reporter(quiet=True), run_by="tests")

    def ingest(self, day=0, **parameters):
        return json.loads(
            json.dumps(carry_out("ingest", self.at(day), mode="none", config=None, data=None, parameters=parameters))
        )

    def replay(self, day=1, **options):
        asked = {"entity": None, "rule": None, "source": None, "dry_run": False}
        return replay_rows(self.at(day), **asked | options)

    def orders(self):
        """By order id (channel, customer) of the rows in force."""
        with self.at().warehouse(read_only=True) as warehouse:
            load = last_load(warehouse)
        files = self.at().lake.open_load(load.load_id).files("orders")
        rows = pl.concat(pl.read_parquet(path) for path in files).filter(pl.col("superseded_at").is_null())
        return {row["order_id"]: (row["channel"], row["amount"]) for row in rows.to_dicts()}

    def quarantined(self, entity="orders"):
        """By row number the rules broken."""
        with self.at().warehouse(read_only=True) as warehouse:
            rows = warehouse.read_table("quarantine", entity)
        return {(row["source_file"], row["source_row"]): row["rules"] for row in rows.to_dicts()}


GOOD = "1,c1,2024-05-01,p,1,9.99,web,"
FAX = "2,c1,2024-05-02,p,1,5.00,fax,ann@home.example"
EMPTY_NET = "3,c1,2024-05-03,p,1,,fax,"


@pytest.fixture
def company(tmp_path):
    made = Company(tmp_path)
    made.sales("a", GOOD, FAX, EMPTY_NET)
    return made


def test_before_anything_is_loaded_quarantine_is_empty_and_says_why(company, capsys):
    found = summary(company.at())
    assert (found["rows"], found["rules"]) == (0, [])
    print_summary(found)
    assert "nothing has been loaded yet" in capsys.readouterr().out


def test_rows_are_counted_by_rule_and_shown_with_its_words(company, capsys):
    company.ingest()
    found = summary(company.at())
    assert found["rows"] == 2
    by_rule = {rule["rule"]: rule for rule in found["rules"]}
    assert {name: rule["rows"] for name, rule in by_rule.items()} == {"channel_is_known": 2, "amount_is_present": 1}
    assert by_rule["channel_is_known"]["meaning"] == "it was sold on the web or in a shop"
    assert (by_rule["channel_is_known"]["loads"], by_rule["channel_is_known"]["sources"]) == (1, ["sales"])
    assert by_rule["channel_is_known"]["oldest"] == by_rule["channel_is_known"]["newest"] == NOW.isoformat()
    print_summary(found)

    rows = show(company.at(), RowsWanted(entity="orders", rule="amount_is_present"), limit=5, raw=False)
    (row,) = rows["shown"]
    assert (row["source_file"], row["source_row"], row["rules"]) == (
        "sales/a.csv",
        3,
        ["amount_is_present", "channel_is_known"],
    )
    assert row["concerned"] == ["net", "way"]
    assert row["values"]["way"] == "fax"
    assert (row["left_out"], "mail" in row["values"]) == (1, False)  # the mapping does not use it
    print_rows(rows)
    told = capsys.readouterr().out
    assert "it was sold on the web or in a shop" in told
    assert "sales/a.csv, row 3" in told


def test_values_of_personal_columns_are_shown_when_asked_for_and_not_else(company, tmp_path, capsys):
    (company.folder / "people.csv").write_text("customer,mail,since\nc1,ann@else.where,2024-01-01\n")
    company.ingest()
    wanted = RowsWanted(entity="customers", rule="address_is_ours")
    (row,) = show(company.at(), wanted, limit=None, raw=False)["shown"]
    assert row["values"] == {"customer": "c1", "mail": "aaa@aaaa.aaaaa", "since": "2024-01-01"}
    (row,) = show(company.at(), wanted, limit=None, raw=True)["shown"]
    assert row["values"]["mail"] == "ann@else.where"
    write_csv(rows_as_frame(show(company.at(), wanted, limit=None, raw=False)), tmp_path / "rows.csv")
    assert "ann@" not in (tmp_path / "rows.csv").read_text()
    assert pl.read_csv(tmp_path / "rows.csv")["rules"].to_list() == ["address_is_ours"]
    orders = RowsWanted(entity="orders")
    print_rows(show(company.at(), orders, limit=None, raw=False))
    assert "ann@" not in capsys.readouterr().out


def test_a_name_that_nothing_has_is_told_from_no_rows(company):
    company.ingest()
    for wrong in (
        RowsWanted(entity="ordres"),
        RowsWanted(entity="orders", rule="chanel_is_known"),
        RowsWanted(entity="orders", source="sale"),
        RowsWanted(entity="orders", load_id="x"),
    ):
        with pytest.raises(CommandUnknownNameError):
            show(company.at(), wrong, limit=1, raw=False)
    nothing = show(company.at(), RowsWanted(entity="customers"), limit=1, raw=False)
    assert (nothing["rows"], nothing["shown"]) == (0, [])


def test_a_corrected_rule_lets_rows_into_the_core_once(company, capsys):
    company.ingest()
    assert set(company.orders()) == {"1"}
    company.settings(rules=RULES.replace("'shop'", "'shop', 'fax'"))
    told = company.replay(dry_run=True)
    assert (told["status"], told["entities"]["orders"]["accepted"]) == ("dry run", 1)
    assert len(company.quarantined()) == 2
    assert set(company.orders()) == {"1"}

    done = company.replay()
    assert done["status"] == "replayed"
    assert {name: done["entities"]["orders"][name] for name in ("replayed", "accepted", "still_broken")} == {
        "replayed": 2,
        "accepted": 1,
        "still_broken": 1,
    }
    assert company.orders() == {"1": ("web", 999), "2": ("fax", 500)}
    assert company.quarantined() == {("sales/a.csv", 3): "amount_is_present"}  # its new name, its old place
    print_replayed(done)
    assert "still broken in 1: amount_is_present" in capsys.readouterr().out

    load = last_load_of(company)
    again = company.replay(day=2)
    assert (again["status"], again["entities"]["orders"]["accepted"]) == ("unchanged", 0)
    assert last_load_of(company) == load
    assert [each["action"] for each in summary(company.at())["taken_out"]] == ["replayed"]
    assert company.ingest(day=3)["status"] == "loaded"  # the settings changed since the sources were read
    assert company.orders() == {"1": ("web", 999), "2": ("fax", 500)}
    assert company.ingest(day=4)["status"] == "unchanged"


def last_load_of(company):
    with company.at().warehouse(read_only=True) as warehouse:
        return last_load(warehouse).load_id


def test_rows_let_in_by_a_corrected_mapping_are_known_since_they_happened(company):
    company.sales("b", GOOD.replace("1,c1,2024-05-01", "9,c1,2024-05-20"))
    company.ingest()
    company.settings(source='values = { channel = { fax = "shop" } }')
    company.replay(day=1)
    assert company.orders()["2"] == ("shop", 500)
    files = company.at().lake.open_load(last_load_of(company)).files("orders")
    rows = pl.concat(pl.read_parquet(path) for path in files).filter(order_id="2")
    assert rows["known_at"].item() == rows["ordered_at"].item()  # newer ones came before, but it was there: misread


@pytest.mark.slow
def test_only_what_is_asked_for_is_replayed(company):
    company.ingest()
    company.settings(rules=RULES.replace("'shop'", "'shop', 'fax'"))
    done = company.replay(entity="orders", rule="amount_is_present")
    assert done["entities"]["orders"]["replayed"] == 1
    assert company.quarantined() == {("sales/a.csv", 2): "channel_is_known", ("sales/a.csv", 3): "amount_is_present"}
    with pytest.raises(CommandUnknownNameError):
        company.replay(entity="ordres")


@pytest.mark.slow
def test_a_repeated_row_stays_one_and_never_replaces_the_row_in_the_core(company):
    company.sales("a", GOOD, GOOD, GOOD.replace("9.99", "7.77"), FAX.replace("2,", "1,", 1))
    company.ingest()
    assert set(company.quarantined().values()) == {"key_is_unique", "channel_is_known"}
    company.settings(rules="")
    done = company.replay()
    assert (done["status"], done["entities"]["orders"]["accepted"]) == ("unchanged", 0)
    assert set(company.quarantined().values()) == {"key_is_unique"}
    assert company.orders() == {"1": ("web", 999)}


@pytest.mark.slow
def test_a_later_row_of_an_incremental_source_is_the_correction_it_would_have_been(company):
    company.settings(input='load = "incremental"')
    company.sales("a", GOOD)
    company.ingest(day=0)
    company.sales("b", GOOD.replace("web", "fax"), FAX, GOOD.replace("1,c1,2024-05-01", "5,c1,2024-05-09"))
    company.ingest(day=1)
    company.sales("c", FAX.replace("fax", "web"))
    company.ingest(day=2)
    assert company.orders() == {"1": ("web", 999), "2": ("web", 500), "5": ("web", 999)}
    company.settings(input='load = "incremental"', rules="")
    done = company.replay(day=3)
    assert (done["entities"]["orders"]["corrected"], done["entities"]["orders"]["still_broken"]) == (1, 1)
    assert company.orders() == {"1": ("fax", 999), "2": ("web", 500), "5": ("web", 999)}  # 2 was corrected since
    assert company.quarantined() == {("sales/b.csv", 2): "key_is_unique"}


@pytest.mark.slow
def test_rows_that_cannot_be_replayed_are_told_with_the_reason(company):
    company.sales("a", GOOD, FAX, GOOD + ",one,too,many")
    company.ingest()
    text = (company.folder / "gristmill.toml").read_text()
    (company.folder / "gristmill.toml").write_text(text.replace("[sources.sales]", "[sources.shop]"))
    left = company.replay()["left_alone"]
    assert {(each["rows"], each["reason"]) for each in left} == {(1, GONE), (1, UNREADABLE)}
    company.settings(source='query = "select * from sales"')
    text = (company.folder / "gristmill.toml").read_text()
    (company.folder / "gristmill.toml").write_text(text.replace('input = "sales"\n', ""))
    assert A_QUERY in {each["reason"] for each in company.replay()["left_alone"]}
    text = (company.folder / "gristmill.toml").read_text()
    company.settings(rules="", source='expressions = { discount_amount = "max(units::int) over ()" }')
    done = company.replay()
    assert LOOKS_AT_OTHER_ROWS in {each["reason"] for each in done["left_alone"]}
    assert len(company.quarantined()) == 2


def test_without_a_load_there_is_nothing_to_replay(company):
    with pytest.raises(NothingLoadedError):
        company.replay()


@pytest.mark.slow
def test_a_blocked_load_keeps_what_it_broke_on_and_the_core_as_it_was(company):
    company.sales("a", GOOD)
    company.ingest()
    load = last_load_of(company)
    company.settings(rules=RULES.replace('meaning = "it was', 'severity = "critical"\nmeaning = "it was'))
    company.sales("a", GOOD, FAX, EMPTY_NET)
    for day in (1, 2):
        with pytest.raises(DataBlockedError):
            company.ingest(day=day)
    assert (last_load_of(company), set(company.orders())) == (load, {"1"})
    found = summary(company.at())
    assert found["entities"]["orders"] == {"rows": 2, "blocked_rows": 2}  # of the last attempt only
    assert all(rule["blocked"] for rule in found["rules"])
    (first, *_) = show(company.at(), RowsWanted(entity="orders"), limit=None, raw=False)["shown"]
    assert (first["load_status"], first["severity"]) == ("blocked", "critical")
    assert {each["reason"] for each in company.replay(day=3)["left_alone"]} == {OF_A_BLOCKED_LOAD}

    company.settings()
    company.ingest(day=4)
    assert summary(company.at())["entities"]["orders"] == {"rows": 2, "blocked_rows": 0}
    with company.at().warehouse(read_only=True) as warehouse:
        statuses = warehouse.query("SELECT status FROM gristmill.loads ORDER BY loaded_at")["status"].to_list()
    assert statuses == ["done", "blocked", "blocked", "done"]


def test_lines_that_are_no_rows_are_set_aside_and_counted(company):
    company.sales("a", GOOD, "2,c1", FAX.replace("fax", "shop"), '4,"open,2024')
    counts = company.ingest()["load"]["entities"]["orders"]
    assert (counts["read"], counts["accepted"], counts["quarantined"]) == (4, 2, 2)
    assert company.quarantined() == {("sales/a.csv", 2): "line_is_readable", ("sales/a.csv", 4): "line_is_readable"}
    shown = show(company.at(), RowsWanted(entity="orders", rule="line_is_readable"), limit=None, raw=False)
    assert [row["values"] for row in shown["shown"]] == [
        {"line": "3", "text": "9,a9"},
        {"line": "5", "text": '9,"aaaa,9999'},
    ]
    assert "quotes closed" in shown["meanings"]["line_is_readable"]
    page = (company.at().settings.workspace / "data_docs" / "index.html").read_text()
    assert "line_is_readable" in page
    assert "sales/a.csv, line 3" in page


def test_rows_can_be_taken_away_with_a_reason(company):
    company.ingest()
    done = drop(company.at(1), RowsWanted(entity="orders", rule="amount_is_present"), reason="a test order")
    assert (done["status"], done["rows"]) == ("dropped", 1)
    assert list(company.quarantined().values()) == ["channel_is_known"]
    (told,) = summary(company.at())["taken_out"]
    assert (told["rows"], told["reason"], told["run_by"]) == (1, "a test order", "tests")


@pytest.mark.slow
def test_typed_values_come_back_as_they_were(company):
    """A Parquet source's numbers, times and lists are the same after their way through quarantine."""
    placed = datetime(2024, 5, 2, 10, 30, tzinfo=UTC)
    frame = pl.DataFrame(
        {
            "id": [1, 2],
            "customer": ["c1", "c/2~"],
            "placed": [placed, placed],
            "sku": ["p", "p"],
            "units": [1.5, 2.0],
            "net": [9.99, 5.0],
            "way": ["web", "fax"],
            "mail": [["x"], ["y", "z"]],
        }
    )
    (company.folder / "sales" / "a.csv").unlink()
    frame.write_parquet(company.folder / "sales" / "a.parquet")
    text = (company.folder / "gristmill.toml").read_text().replace("sales/*.csv", "sales/*.parquet")
    (company.folder / "gristmill.toml").write_text(text)
    company.ingest()
    (company.folder / "gristmill.toml").write_text(text.replace("'shop')", "'shop', 'fax') and customer_id <> ''"))
    company.replay()
    files = company.at().lake.open_load(last_load_of(company)).files("orders")
    rows = {row["order_id"]: row for path in files for row in pl.read_parquet(path).to_dicts()}
    assert (rows["2"]["customer_id"], rows["2"]["ordered_at"]) == ("c/2~", placed)
    assert (rows["2"]["quantity"], rows["2"]["amount"]) == (2.0, 500)
