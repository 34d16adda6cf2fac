"""Scores that are kept, receipts of nights that have matured, and training by rule, on a small simulated company."""

from datetime import date

import polars as pl
import pytest

from flows.core_tables import CoreTables
from flows.receipt_reporting import read_receipts
from flows.receipting import all_receipts, fallen_short, matured_scores, retraining_due
from segments.receipts import ALL, BROKEN, SCORE_RECEIPTS
from warehouse.kept_scores import keep, published_nights

TRAINED = date(2025, 9, 1)
LATER = date(2026, 1, 1)


@pytest.mark.slow
def test_a_night_is_kept_and_has_its_receipt_when_its_window_is_over(tmp_path, open_at, do):
    context = open_at(tmp_path)
    do("run", context, as_of=TRAINED)
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
    asked = matured_scores(context, core, date(2025, 12, 6))
    assert asked == []  # the window ends on 30 November and settles until 7 December
    assert {score for _, score, _ in matured_scores(context, core, date(2025, 12, 7))} == {
        "churn_probability",
        "expected_value_90d",
    }
    done = do("score", context, as_of=LATER)
    told = read_receipts(context)
    assert (told["nights_kept"], done["rows"]["score_receipts"]) == (2, len(told["receipts"]))
    whole = {row["score"]: row for row in told["receipts"] if row["slice"] == ALL}
    assert whole["churn_probability"]["customers"] == kept.height
    assert whole["churn_probability"]["ranking"] > 0.6
    assert told["below_promise"] == {}

    before = pl.DataFrame(told["receipts"], schema=SCORE_RECEIPTS.schema)
    for score in whole:
        night.receipt(score).unlink()
    again = all_receipts(context, core=core, as_of=LATER)  # made anew: the same
    assert again.sort(SCORE_RECEIPTS.key[:4]).select("actual", "predicted").rows() == pytest.approx(
        [pytest.approx(row, abs=1e-5) for row in before.select("actual", "predicted").rows()]
    )
    _broken_promises_start_a_training(tmp_path, open_at, do, night)


def _broken_promises_start_a_training(tmp_path, open_at, do, night):
    """What the kept receipt says is what the rule goes by."""
    path = night.receipt("churn_probability")
    changed = pl.when(pl.col("slice") == ALL).then(pl.lit(BROKEN)).otherwise("verdict").alias("verdict")
    keep(pl.read_parquet(path).with_columns(changed), path)
    context = open_at(tmp_path)
    do("score", context, as_of=LATER, force=True)
    assert set(fallen_short(context, LATER)) == {"churn"}
    assert not retraining_due(context, LATER)  # proposed only
    assert read_receipts(context)["what_to_do"]
    starting = open_at(tmp_path, GRISTMILL__RECEIPTS__RETRAIN="start")
    assert retraining_due(starting, LATER)
    lately = open_at(tmp_path, GRISTMILL__RECEIPTS__RETRAIN="start", GRISTMILL__RECEIPTS__RETRAIN_EVERY_DAYS="200")
    assert not retraining_due(lately, LATER)
