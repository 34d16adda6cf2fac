import polars as pl
import pytest

from segments.bands import churn_risk_band, customer_status
from segments.errors import ThresholdsInvalidError


@pytest.mark.parametrize(
    ("days", "expected"), [(0, "active"), (1, "active"), (365, "active"), (366, "lapsed"), (None, "prospect")]
)
def test_status_by_last_purchase(days, expected):
    frame = pl.DataFrame({"days": [days]}, schema={"days": pl.Int32})
    assert frame.select(customer_status(pl.col("days"), active_within_days=365)).item() == expected


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (0.0, "low"),
        (0.2999, "low"),
        (0.3, "medium"),
        (0.55, "high"),
        (0.7999, "high"),
        (0.8, "critical"),
        (1.0, "critical"),
        (None, "not scored"),
    ],
)
def test_each_band_starts_at_its_threshold(probability, expected):
    frame = pl.DataFrame({"p": [probability]}, schema={"p": pl.Float64})
    band = churn_risk_band(pl.col("p"), medium_from=0.3, high_from=0.55, critical_from=0.8)
    assert frame.select(band).item() == expected


@pytest.mark.parametrize("thresholds", [(0.5, 0.4, 0.8), (0.0, 0.4, 0.8), (0.3, 0.4, 1.0), (0.3, 0.3, 0.8)])
def test_thresholds_that_do_not_rise_are_refused(thresholds):
    medium, high, critical = thresholds
    with pytest.raises(ThresholdsInvalidError):
        churn_risk_band(pl.col("p"), medium_from=medium, high_from=high, critical_from=critical)
