import re
from dataclasses import replace
from html.parser import HTMLParser

import duckdb
import pytest

from data_contracts.contracts import Severity
from data_contracts.data_docs import RuleResult, TableResult, table_result, with_rows_beside, write_data_docs
from data_contracts.rules import BoundRule
from data_contracts.table_checking import TableRuleResult, Verdict


def rule(name, severity=Severity.error, meaning="what it says"):
    return BoundRule(name=name, severity=severity, meaning=meaning, predicate="true")


IS_PRESENT = rule("amount_is_present", meaning="every row says an amount")
IS_SMALL = rule("amount_is_small", Severity.warning)
IS_KNOWN = rule("product_is_known")


@pytest.fixture
def connection():
    """A checked table of four rows: two lack the amount, one of them and a good one are not small; the files differ."""
    with duckdb.connect() as opened:
        opened.execute(
            "create table checked as from (values "
            "(3, 'web', null, 7, true, false, true), (1, 'shop', 'b.csv', 2, false, false, true), "
            "(0, 'shop', 'a.csv', 1, true, true, true), (2, 'web', null, 1, false, true, true)"
            ") t(row_id, source, source_file, source_row, amount_is_present, amount_is_small, product_is_known)"
        )
        yield opened


def result(connection, rules=(IS_SMALL, IS_PRESENT, IS_KNOWN), **counts):
    counts = {"amount_is_present": 2, "amount_is_small": 2, "product_is_known": 0, **counts}
    return table_result(connection, entity="orders", table="checked", rules=rules, counts=counts)


def page(folder, *tables, load_id="load-1"):
    index = write_data_docs(
        folder, load_id=load_id, judged_at="1 June 2024, 12:00 UTC", checked_by="Checker 1.0", tables=tables
    )
    return index.read_text(encoding="utf-8")


class Words(HTMLParser):
    """The words of a page as a reader sees them, and every address that it refers to."""

    def __init__(self, html):
        super().__init__()
        self.words, self.addresses, self._skipped = [], [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self._skipped = tag == "style"
        assert tag not in {"script", "link", "img", "iframe"}
        self.addresses += [value for name, value in attrs if name in {"href", "src", "srcset", "action"}]

    def handle_endtag(self, tag):  # noqa: ARG002  # the parser's signature
        self._skipped = False

    def handle_data(self, data):
        self.words += [] if self._skipped else data.split()


def words(html):
    return " ".join(Words(html).words)


def test_a_row_is_accepted_when_it_breaks_no_rule_but_warnings(connection):
    told = result(connection)
    assert (told.read, told.accepted, told.quarantined, told.refused) == (4, 2, 2, False)
    assert [each.rule.name for each in told.broken] == ["amount_is_present", "amount_is_small"]
    assert [each.rule.name for each in told.kept] == ["product_is_known"]


def test_places_are_the_first_in_source_order_and_fall_back_to_the_source(connection):
    assert [each.places for each in result(connection).rules] == [
        ("b.csv, row 2", "web, row 7"),
        ("b.csv, row 2", "web, row 1"),
        (),
    ]


def test_a_table_without_places_has_none(connection):
    connection.execute("alter table checked drop column source_file")
    assert [each.places for each in result(connection).rules] == [(), (), ()]


def test_a_critical_rule_comes_first_and_refuses(connection, tmp_path):
    critical = replace(IS_PRESENT, severity=Severity.critical)
    told = result(connection, rules=(IS_SMALL, critical, IS_KNOWN), amount_is_small=3)
    assert [each.rule.name for each in told.broken] == ["amount_is_present", "amount_is_small"]
    html = words(page(tmp_path, told))
    assert "This load was refused: a critical rule is broken in orders." in html
    assert "select source_file" in html  # what it broke on is kept, to be looked at


def test_the_page_says_what_the_load_is(connection, tmp_path):
    clean = TableResult(entity="products", read=1200, accepted=1200, rules=())
    told = words(page(tmp_path, clean, result(connection)))
    for sentence in (
        "Load load-1 judged as of 1 June 2024, 12:00 UTC",
        "2 rows of 1,204 set aside because of a broken rule (0.17 %). The other 1,202 were accepted.",
        "products 1,200 1,200 0 0 % 0 0 orders 4 2 2 50.00 % 3 2 all 1,204 1,202 2 0.17 % 3 2",
        "amount_is_present every row says an amount 2 50.00 % the row is set aside b.csv, row 2 web, row 1",
        "amount_is_small what it says 2 50.00 % only reported",
        "Rules that every row keeps: 1 rule what it says if it were broken product_is_known",
        "from quarantine.orders where rules like '%amount_is_present%' and load_id = 'load-1'",
        "1,200 rows read, all accepted.",
        "Checked by Checker 1.0.",
    ):
        assert sentence in told
    assert told.index("4 rows read, 2 accepted") < told.index("1,200 rows read, all accepted.")


def test_a_check_that_failed_is_not_told_as_kept(connection, tmp_path):
    assert "product_is_known what it says could not be counted" in words(
        page(tmp_path, result(connection, product_is_known=None))
    )


def test_text_of_the_settings_is_no_markup(connection, tmp_path):
    marked = rule("amount_is_present", meaning="<img src='https://a.example/x.png'>")
    html = page(tmp_path, result(connection, rules=(marked,)))
    assert "&lt;img src=" in html
    assert "https://a.example" not in " ".join(Words(html).addresses)


def test_pages_refer_to_nothing_outside_their_folder(connection, tmp_path):
    for load_id in ("load-1", "load-2"):
        page(tmp_path, result(connection), load_id=load_id)
    pages = sorted(tmp_path.rglob("*"))
    assert [each.relative_to(tmp_path).as_posix() for each in pages if each.is_file()] == [
        "index.html",
        "loads/load-1.html",
        "loads/load-2.html",
    ]
    for each in pages:
        if each.is_dir():
            continue
        html = each.read_text(encoding="utf-8")
        assert not re.search(r"//\w|@import|url\(", html)
        assert "default-src 'none'" in html
        for address in Words(html).addresses:
            target = each if address.startswith("#") else each.parent / address
            assert target.resolve().is_relative_to(tmp_path.resolve())
            assert target.exists()
            assert not address.startswith("#") or f'id="{address[1:]}"' in html


def test_the_index_is_the_last_load_and_links_to_earlier_ones(connection, tmp_path):
    for number in range(33):
        html = page(tmp_path, result(connection), load_id=f"load-{number:02}")
    assert "Load load-32" in words(html)
    links = [address for address in Words(html).addresses if address.startswith("loads/")]
    assert links == [f"loads/load-{number:02}.html" for number in range(31, 1, -1)]
    assert "Load load-05" in words((tmp_path / "loads/load-05.html").read_text(encoding="utf-8"))


def test_the_same_load_makes_the_same_page(connection, tmp_path):
    assert page(tmp_path, result(connection)) == page(tmp_path, result(connection))


@pytest.mark.parametrize(("rows", "told"), [(1, "< 0.01 %"), (10, "0.01 %"), (0, "All 100,000 rows accepted.")])
def test_small_shares_are_not_told_as_nothing(tmp_path, rows, told):
    rules = (RuleResult(rule=IS_PRESENT, rows=rows, places=()),)
    table = TableResult(entity="orders", read=100_000, accepted=100_000 - rows, rules=rules)
    assert told in words(page(tmp_path, table))


def about_the_table(rule, verdict, severity=Severity.warning, got="what was found"):
    return TableRuleResult(
        entity="orders",
        rule=rule,
        severity=severity,
        meaning=f"{rule} in words",
        verdict=verdict,
        got=got,
        expected="at least 1 row",
        value=None,
    )


def test_rules_about_whole_tables_are_told_with_what_was_found_and_expected(connection, tmp_path):
    results = [
        about_the_table("rows_are_usual", Verdict.kept),
        about_the_table("days_are_there", Verdict.broken, got="2 missing days"),
        about_the_table("shift_is_small", Verdict.accepted),
        about_the_table("nulls_are_usual", Verdict.not_judged, got="no earlier load to compare with"),
    ]
    facts = {"load_id": "load-1", "judged_at": "now", "checked_by": "Checker 1.0", "tables": [result(connection)]}
    html = words(write_data_docs(tmp_path, **facts, table_rules=results).read_text())
    assert "Held: 1 of 4. Broken: 1. Broken and accepted for this load: 1. Not judged" in html
    for told in ("2 missing days", "at least 1 row", "accepted for this load, written down", "days_are_there in words"):
        assert told in html
    assert "no earlier load to compare with" in html
    assert "This load was refused" not in html


def test_a_critical_rule_about_a_table_refuses_the_load_and_addresses_are_left_out(connection, tmp_path):
    broken = about_the_table("rows_are_usual", Verdict.broken, Severity.critical, got="new values: 'ann@home.example'")
    facts = {"load_id": "load-1", "judged_at": "now", "checked_by": "Checker 1.0", "tables": [result(connection)]}
    html = words(write_data_docs(tmp_path, **facts, table_rules=[broken]).read_text())
    assert "This load was refused: a critical rule about a whole table is broken: rows_are_usual" in html
    assert "ann@" not in html


def test_rows_that_never_came_into_the_table_count_as_read(connection):
    lines = RuleResult(rule=rule("line_is_readable"), rows=3, places=("a.csv, line 4",))
    told = with_rows_beside(result(connection), lines)
    assert (told.read, told.quarantined) == (7, result(connection).quarantined + 3)
    assert told.broken[0].rule.name == "line_is_readable"
