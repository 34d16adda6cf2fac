"""Expectations before anything is learnt."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from models.errors import FeaturesMismatchError
from models.judging.baselines import RunRate
from models.value.anchor import anchor_from, fit_anchor

RUN_RATE = RunRate(feature="net_amount_365_days", first_event=date(2020, 1, 1))


def _customers(rows=300):
    random = np.random.default_rng(4)
    first = random.integers(1, 700, rows)
    days = 1 + random.poisson(first / 120)
    last = np.where(days > 1, random.integers(0, 60, rows).clip(max=first), first)
    amount = days * np.exp(random.normal(8, 0.5, rows))
    return pl.DataFrame(
        {
            "snapshot_date": [date(2025, 1, 1)] * rows,
            "purchase_day_count": days,
            "days_since_first_order": first,
            "days_since_last_order": last,
            "net_amount_life": amount.astype(int),
            "net_amount_365_days": amount.astype(int),
        }
    )


def test_the_anchor_is_half_run_rate_and_half_purchases_times_amount():
    frame = _customers()
    anchor = fit_anchor(frame, RUN_RATE)
    parametric = anchor.orders(frame, horizon_days=90) * anchor.amount_of_an_order(frame)
    expected = (RUN_RATE.amounts(frame, horizon_days=90) + parametric) / 2
    np.testing.assert_allclose(anchor.value(frame, horizon_days=90), expected)
    assert anchor_from(anchor.described(), RUN_RATE) == anchor


def test_of_margins_every_part_is_a_margin():
    frame = _customers().with_columns(margin_share=0.25, margin_amount_365_days=pl.col("net_amount_365_days") // 4)
    margins = RunRate(feature="margin_amount_365_days", first_event=RUN_RATE.first_event)
    of_margin, of_sales = (fit_anchor(frame, rate) for rate in (margins, RUN_RATE))
    ratio = of_margin.value(frame, horizon_days=90) / of_sales.value(frame, horizon_days=90)
    np.testing.assert_allclose(ratio, 0.25, rtol=0.01)
    assert {"margin_share", "margin_amount_365_days"} <= set(of_margin.features)
    assert "margin_share" not in of_sales.features


def test_the_second_year_brings_less_than_the_first():
    frame = _customers()
    share = fit_anchor(frame, RUN_RATE).second_year_share(frame)
    assert ((share > 0) & (share <= 1)).all()


def test_without_histories_the_run_rate_is_all_there_is():
    frame = _customers().drop("purchase_day_count")
    anchor = fit_anchor(frame, RUN_RATE)
    np.testing.assert_array_equal(anchor.value(frame, horizon_days=30), RUN_RATE.amounts(frame, horizon_days=30))
    assert anchor.columns(frame, horizon_days=30) == {}


def test_histories_that_can_not_be_are_mended_and_absent_ones_refused():
    odd = _customers(40).with_columns(
        pl.when(pl.int_range(pl.len()) < 4).then(None).otherwise("purchase_day_count").alias("purchase_day_count"),
        pl.lit(900).alias("days_since_last_order"),
        pl.lit(-500).alias("net_amount_life"),
    )
    anchor = fit_anchor(odd, RUN_RATE)
    assert np.isfinite(anchor.value(odd, horizon_days=90)).all()
    with pytest.raises(FeaturesMismatchError, match="purchase_day_count"):
        anchor.value(odd.drop("purchase_day_count"), horizon_days=90)
