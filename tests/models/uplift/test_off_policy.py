import numpy as np
import pytest

from models.uplift.off_policy import Logged, policy_value


@pytest.fixture(scope="module")
def log():
    """Action 1 brings 1 to the half with x, 0 to others; it was tried with probability 0.8 on x, 0.2 on others."""
    rng = np.random.default_rng(4)
    x = rng.integers(0, 2, 20_000)
    chance = np.where(x == 1, 0.8, 0.2)
    action = (rng.random(20_000) < chance).astype(np.int64)
    propensity = np.where(action == 1, chance, 1 - chance)
    outcome = action * x + rng.normal(0, 0.1, 20_000)
    return x, Logged(action=action, propensity=propensity, outcome=outcome)


@pytest.mark.parametrize(("chosen", "true"), [("all", 0.5), ("x", 0.5), ("others", 0.0), ("none", 0.0)])
def test_every_estimator_finds_a_policys_true_value(log, chosen, true):
    x, logged = log
    one = {"all": np.ones(len(x)), "x": x, "others": 1 - x, "none": np.zeros(len(x))}[chosen].astype(float)
    expected = np.column_stack([np.full(len(x), 0.3), np.full(len(x), -0.2)])  # a bad model must do no harm
    value = policy_value(logged, np.column_stack([1 - one, one]), expected)
    for estimate in (value.ips, value.self_normalised, value.doubly_robust):
        assert estimate.value == pytest.approx(true, abs=0.03)
        assert estimate.low - 0.01 <= true <= estimate.high + 0.01


def test_a_log_without_the_action_says_so():
    nothing = Logged(action=np.zeros(50, dtype=np.int64), propensity=np.ones(50), outcome=np.zeros(50))
    told = policy_value(nothing, np.column_stack([np.zeros(50), np.ones(50)]))
    assert told.words.startswith("the log can't answer")
