"""The review's page: it holds what it should, asks nobody on the network, and escapes every text."""

from datetime import date
from types import SimpleNamespace

import polars as pl
import pytest

from flows.errors_reviewing import NothingToReviewError, ReviewUnwritableError
from flows.nights.receipt_reporting import print_receipts, read_receipts
from flows.published.reviewing import keep_night_page, page_facts, rendered, write_page, write_review
from segments.money import Currency

VERSION = SimpleNamespace(version_number=3, run_key="score-2026-01-01-abc", content_hash="0f" * 32)
CUSTOMERS = pl.DataFrame(
    {
        "customer_status": ["active", "lapsed"],
        "churn_probability": [0.8, None],
        "churn_risk_band": ["high", "not scored"],
        "expected_value_12m": [100.0, None],
    }
)


def page(*, full=True, counts=None, **tables):
    facts = page_facts(
        {"customer": CUSTOMERS, **tables},
        currency=Currency(code="JPY", exponent=0),
        load_counts=counts or {},
        full=full,
    )
    return rendered(facts | {"as_of": "2026-01-01", "version": VERSION, "models": [("churn", 1)]})


def test_a_first_night_has_a_page_that_says_what_is_not_known_yet():
    for full in (True, False):
        made = page(full=full)
        assert "no earlier version" in made
        assert "No window is over yet" in made
        assert "¥100" in made
    assert "natural rate" not in page(full=False)


def test_a_page_asks_nobody_and_escapes():
    moved = pl.DataFrame(
        {
            "compared_to": ["last quarter"],
            "compared_as_of": [date(2025, 10, 1)],
            "from_tier": ["gold"],
            "to_tier": ["iron"],
            "cause": ["behaviour"],
            "customers": [7],
        }
    )
    rules = [{"rule": "<script>alert(1)</script>", "entity": "orders", "rows": 2}]
    counts = {"entities": {"orders": {"read": 10, "quarantined": 2}}, "rules": rules}
    made = page(counts=counts, tier_migration=moved)
    assert "<svg" in made
    assert "Repair the sources" in made
    assert "&lt;script&gt;" in made
    for outside in ("<script", "http:", "https:", "src=", "@import"):
        assert outside not in made


def test_before_the_first_night_there_is_nothing_to_review(tmp_path, open_at):
    context = open_at(tmp_path / "work", data=tmp_path)
    for asked in (read_receipts, write_review):
        with pytest.raises(NothingToReviewError):
            asked(context)
    keep_night_page(context)  # told, and nothing more
    assert not (tmp_path / "work" / "reports").exists()


def test_a_page_that_cannot_be_written_is_told_and_nothing_is_left(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(ReviewUnwritableError):
        write_page(tmp_path / "file" / "x.html", "page")


def test_receipts_are_printed_with_what_to_do(capsys):
    row = {"slice": "all", "scored_as_of": "2026-01-01", "score": "churn_probability", "model_version": 1}
    row |= {"customers": 1000, "predicted": 0.5, "actual": 0.25, "actual_low": 0.2, "actual_high": 0.3}
    row |= {"lift": None, "ranking": 0.7, "promised_ranking": 0.8, "verdict": "below its promise", "model": "churn"}
    found = {"receipts": [row], "below_promise": {"churn": "it ranks worse"}, "what_to_do": "train anew"}
    print_receipts(found)
    told = capsys.readouterr().out
    assert "churn 1" in told
    assert "churn is below its promise: it ranks worse" in told
    assert "train anew" in told
    print_receipts({"receipts": [], "nights_kept": 2, "first_night_kept": "2026-01-01"})
    assert "2 nights are kept" in capsys.readouterr().out
    print_receipts({"receipts": [], "nights_kept": 1, "first_night_kept": "2026-01-01"})
    assert "1 night is kept" in capsys.readouterr().out
