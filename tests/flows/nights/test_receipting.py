"""Scores that are kept, receipts of nights that have matured, and training by rule, on a small simulated company."""

from datetime import date, timedelta

import polars as pl
import pytest

from flows.buckets.core_tables import CoreTables
from flows.errors_reviewing import ReviewNotKeptError
from flows.nights.receipt_outcomes import all_receipts, matured_scores
from flows.nights.receipt_reporting import read_receipts
from flows.nights.receipting import fallen_short, retraining_due
from flows.published.reviewing import write_review
from segments.receipts.contract import ALL, BROKEN, SCORE_RECEIPTS
from warehouse.publishing.kept_scores import keep, published_nights

TRAINED = date(2025, 12, 1)
WINDOW_DAYS = 20  # of the night that is held against what happened: the company's history ends a month later
LATER = date(2026, 1, 1)


@pytest.mark.slow
def test_a_night_is_kept_and_has_its_receipt_when_its_window_is_over(workspace, open_at, do):
    context = open_at(workspace)
    assert read_receipts(context)["receipts"] == []
    with context.warehouse() as warehouse:
        (night,) = published_nights(warehouse, context.lake.root, before=LATER)
        customers = warehouse.read_table("segments", "customer")
    kept = pl.read_parquet(night.file)
    shown = customers.filter(pl.col("churn_probability").is_not_null())
    assert kept.select("customer_id", "churn_probability").equals(shown.select("customer_id", "churn_probability"))
    assert kept["churn_model_digest"].n_unique() == 1
    assert len(kept["features_hash"][0]) == 64

    core = CoreTables.latest(context)
    assert kept["churn_horizon_days"][0] > WINDOW_DAYS
    keep(kept.with_columns(churn_horizon_days=WINDOW_DAYS), night.file)
    settled = TRAINED + timedelta(days=WINDOW_DAYS + context.settings.receipts.settle_days)
    assert "churn_probability" not in matured(context, core, settled - timedelta(days=1))
    assert "churn_probability" in matured(context, core, settled)
    done = do("score", context, as_of=LATER)
    told = read_receipts(context)
    assert (told["nights_kept"], done["rows"]["score_receipts"]) == (2, len(told["receipts"]))
    whole = {row["score"]: row for row in told["receipts"] if row["slice"] == ALL}
    assert whole["churn_probability"]["customers"] == kept.height
    assert set(whole) == {"churn_probability"}
    assert whole["churn_probability"]["ranking"] > 0.6

    before = pl.DataFrame(told["receipts"], schema=SCORE_RECEIPTS.schema)
    for score in whole:
        night.receipt(score).unlink()
    again = all_receipts(context, core=core, as_of=LATER)  # made anew: the same
    assert again.sort(SCORE_RECEIPTS.key[:4]).select("actual", "predicted").rows() == pytest.approx(
        [pytest.approx(row, abs=1e-5) for row in before.select("actual", "predicted").rows()]
    )
    _broken_promises_start_a_training(workspace, open_at, do, night)
    _has_a_page(workspace, context)


def matured(context, core, day):
    return {one.score for one in matured_scores(context, core, day)}


def _broken_promises_start_a_training(workspace, open_at, do, night):
    """What the kept receipt says is what the rule goes by."""
    path = night.receipt("churn_probability")
    changed = pl.when(pl.col("slice") == ALL).then(pl.lit(BROKEN)).otherwise("verdict").alias("verdict")
    keep(pl.read_parquet(path).with_columns(changed), path)
    context = open_at(workspace)
    do("score", context, as_of=LATER, force=True)
    assert set(fallen_short(context, LATER)) == {"churn"}
    assert not retraining_due(context, LATER)  # proposed only
    assert read_receipts(context)["what_to_do"]
    starting = open_at(workspace, GRISTMILL__RECEIPTS__RETRAIN="start")
    assert retraining_due(starting, LATER + timedelta(days=1))
    assert not retraining_due(starting, TRAINED + timedelta(days=20))


def _has_a_page(workspace, context):
    """The night's page came with the night; the review names no customer and can be had of an earlier date."""
    assert (workspace / "reports" / "night-2026-01-01.html").exists()
    done = write_review(context)
    page = (workspace / "reports" / "review-2026-01-01.html").read_text(encoding="utf-8")
    assert done["file"].endswith("review-2026-01-01.html")
    assert "below its promise" in page
    with context.warehouse(read_only=True) as warehouse:
        ids = warehouse.read_table("segments", "customer")["customer_id"]
    assert not [one for one in ids if f">{one}<" in page]
    assert write_review(context, as_of=TRAINED, out=workspace / "x.html")["as_of"] == "2025-12-01"
    with pytest.raises(ReviewNotKeptError):
        write_review(context, as_of=date(2025, 12, 2))
