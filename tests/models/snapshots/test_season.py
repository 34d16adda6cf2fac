import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.snapshots.season import Season, read_season, season_from
from models.snapshots.splits import months_before

KNOWN = date(2025, 10, 1)
FIRST = date(2024, 1, 1)
TOO_LATE = date(2024, 4, 15)


def activity(pace, *, growth=1.0, customers=1000):
    """Two bands: lively customers buy three times as often; their share and number change with time."""
    rows = []
    for place, back in enumerate(range(12, 0, -1)):
        stock = customers * growth**place
        for band, share, rate in ((0, 0.2 + 0.05 * place, 0.6), (1, 0.8 - 0.05 * place, 0.2)):
            at_risk = round(stock * share)
            rows.append((months_before(KNOWN, back), band, 1, at_risk, round(at_risk * rate * pace[place]), 0))
    columns = ["month_start", "recency_band", "frequency_band", "customer_count", "purchase_count"]
    return pl.DataFrame(rows, schema=[*columns, "basket_log_millionths"], orient="row")


@pytest.mark.parametrize("growth", [0.8, 1.0, 1.25])
def test_growth_and_another_mix_of_customers_are_no_season(growth):
    season = read_season(activity([1.0] * 12, growth=growth, customers=4000), first_event=FIRST, known_at=KNOWN)
    assert season.is_known
    assert np.allclose(season.purchases, 1.0, atol=0.02)


def test_a_busy_autumn_is_found_a_year_later():
    pace = [1.5, 1.5, 1.5] + [0.9] * 9
    season = read_season(activity(pace), first_event=FIRST, known_at=KNOWN)
    mean = (3 * 1.5 + 9 * 0.9) / 12
    assert season.log_index(KNOWN, horizon_days=92) == pytest.approx(math.log(1.5 / mean), abs=0.03)
    assert season.log_index(date(2025, 3, 1), horizon_days=90) == pytest.approx(math.log(0.9 / mean), abs=0.03)
    assert season.log_index(KNOWN, horizon_days=365) == 0.0


def test_the_years_windows_average_to_one():
    season = Season(known_at=KNOWN, purchases=tuple(np.linspace(0.5, 1.5, 12)), baskets=(1.0,) * 12)
    days = [date.fromordinal(KNOWN.toordinal() + day) for day in range(365)]
    assert np.mean([math.exp(season.log_index(day, horizon_days=90)) for day in days]) == pytest.approx(1.0)


def test_amounts_carry_baskets_too():
    season = Season(known_at=KNOWN, purchases=(1.0,) * 12, baskets=(2.0, *(1.0,) * 11))
    assert season.log_index(KNOWN, horizon_days=31) == 0.0
    assert season.log_index(KNOWN, horizon_days=31, of="amounts") > 0.5


@pytest.mark.parametrize(
    ("frame", "first_event"),
    [
        (activity([1.0] * 12), TOO_LATE),
        (activity([1.0] * 12, customers=50), FIRST),
        (activity([1.0] * 12).filter(pl.col("month_start") != date(2025, 3, 1)), FIRST),
        (activity([1.0] * 12).clear(), FIRST),
    ],
    ids=["short history", "few customers", "a month missing", "nothing"],
)
def test_unknown_seasons_are_flat(frame, first_event):
    season = read_season(frame, first_event=first_event, known_at=KNOWN)
    assert not season.is_known
    assert season.log_index(KNOWN, horizon_days=90) == 0.0


def test_nothing_after_the_date_is_looked_at():
    later = activity([1.0] * 12).with_columns(month_start=pl.lit(KNOWN), purchase_count=pl.lit(10**6))
    before = activity([1.2] * 6 + [0.8] * 6)
    seen = read_season(pl.concat([before, later], how="vertical_relaxed"), first_event=FIRST, known_at=KNOWN)
    assert seen == read_season(before, first_event=FIRST, known_at=KNOWN)


def test_json_round_trip():
    season = Season(known_at=KNOWN, purchases=(0.5,) * 12, baskets=(1.5,) * 12)
    assert season_from(season.described()) == season


def test_customers_of_long_ago_count_as_far_back_as_every_month_knows_them():
    steady = activity([1.0] * 12)
    swinging = activity([3.0] * 3 + [0.5] * 9).with_columns(recency_band=pl.lit(8))  # 181 to 210 days
    both = pl.concat([steady, swinging], how="vertical_relaxed")
    first_month = months_before(KNOWN, 12)
    long_known = read_season(both, first_event=first_month - timedelta(days=210), known_at=KNOWN)
    just_known = read_season(both, first_event=first_month - timedelta(days=209), known_at=KNOWN)
    assert max(long_known.purchases) > 1.3
    assert max(just_known.purchases) < 1.05
