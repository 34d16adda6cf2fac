from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.buy_till_you_die.customer_facts import FACTS, customer_facts, histories_of, purchases_after
from models.buy_till_you_die.forecast import fit_purchase_forecast, inner_day
from models.judging.evaluation import auc, ratio_of_totals

FIRST, AS_OF, END = date(2025, 1, 1), date(2025, 10, 1), date(2026, 7, 1)


def lines(rows):
    return pl.DataFrame(rows, schema={"customer_id": pl.String, "day": pl.Date, "amount": pl.Float64}, orient="row")


def test_facts_of_one_customer_by_hand():
    made = [("a", date(2025, 1, 1), 10.0), ("a", date(2025, 1, 15), 20.0), ("a", date(2025, 1, 15), 5.0)]
    facts = customer_facts(lines([*made, ("a", date(2025, 3, 1), 99.0)]), date(2025, 1, 30)).row(0, named=True)
    assert (facts["repeats"], facts["last_purchase_age"], facts["age_weeks"]) == (1, 2, 4)
    assert (facts["amount_total"], facts["amount_largest"], facts["gap_weeks"]) == (35, 25, 2)
    assert facts["silent_share"] == pytest.approx(0.5)
    assert facts["gap_spread"] is None


def test_the_future_is_not_looked_at():
    before = [("a", date(2025, 1, 1), 10.0), ("b", date(2025, 1, 5), 1.0)]
    after = [("a", AS_OF, 10.0), ("c", AS_OF + timedelta(days=1), 1.0)]
    assert customer_facts(lines([*before, *after]), AS_OF).equals(customer_facts(lines(before), AS_OF))
    facts = customer_facts(lines(before), AS_OF)
    assert purchases_after(lines([*before, *after]), facts, AS_OF, END).tolist() == [1, 0]
    assert purchases_after(lines([*before, *after]), facts, AS_OF, AS_OF).tolist() == [0, 0]


def test_a_first_day_customer_has_facts_that_are_finite_or_null():
    facts = customer_facts(lines([("a", date(2025, 1, 1), 0.0)]), date(2025, 1, 2))
    assert facts.select(FACTS).row(0, named=True)["age_weeks"] == 0
    assert all(value is None or np.isfinite(value) for value in facts.select(FACTS).row(0))


@pytest.mark.parametrize("horizon", [30, 273, 700])
def test_the_day_inside_divides_history_as_today_divides_history_and_horizon(horizon):
    inside = inner_day(FIRST, AS_OF, horizon)
    before, after = (inside - FIRST).days, (AS_OF - inside).days
    assert before / after == pytest.approx((AS_OF - FIRST).days / horizon, rel=0.05)


def simulated(customers=950, seed=2):
    """Customers who buy at their own pace, leave at their own moment, and spend more the likelier they stay."""
    random = np.random.default_rng(seed)
    joined = random.integers(0, 90, customers)
    rate = random.gamma(0.7, 1 / 60, customers)
    life = random.exponential(random.choice([40, 600], customers))
    rows = []
    for who in range(customers):
        at, amount = 0.0, 10.0 + 30.0 * (life[who] > 100)
        while at <= life[who] and joined[who] + at < (END - FIRST).days:
            day = FIRST + timedelta(days=int(joined[who] + at))
            rows.append((f"c{who:05d}", day, float(random.gamma(5, amount / 5))))
            at += max(random.exponential(1 / max(rate[who], 1e-4)), 1.0)
    return lines(rows)


def test_it_learns_from_the_past_what_the_model_of_purchases_misses():
    purchases = simulated()
    known = purchases.filter(pl.col("day") < AS_OF)
    forecast = fit_purchase_forecast(purchases, as_of=AS_OF, horizon_days=(END - AS_OF).days)
    facts = customer_facts(known, AS_OF)
    expected = forecast.expected(facts)
    came = purchases_after(purchases, facts, AS_OF, END)
    model = forecast.models.pareto.expected_purchases(
        *(facts[name].to_numpy() for name in ("repeats", "last_purchase_age", "age_weeks")), horizon=39.0
    )
    bought = (came > 0).astype(float)
    assert auc(expected, bought) > auc(model, bought) + 0.01
    assert ratio_of_totals(expected, came) == pytest.approx(1, abs=0.25)
    assert histories_of(facts).customers.sum() == facts.height
