import numpy as np
import pytest

from models.buy_till_you_die.gamma_gamma import GammaGamma, fit_gamma_gamma

PUBLISHED = GammaGamma(p=6.25, q=3.74, gamma=15.44)


def test_few_purchases_are_shrunk_towards_everybody():
    """The two customers of Fader and Hardie's note, and one nobody knows anything of."""
    everybody = PUBLISHED.p * PUBLISHED.gamma / (PUBLISHED.q - 1)
    once, often, never = PUBLISHED.expected_amount(np.array([1.0, 30.0, 0.0]), np.array([100.0, 100.0, 0.0]))
    assert never == pytest.approx(everybody)
    assert everybody < once < often < 100


def test_parameters_come_back_from_amounts_drawn_from_the_model():
    random = np.random.default_rng(2)
    purchases = 1.0 + random.poisson(3, 30_000)
    rates = random.gamma(PUBLISHED.q, 1 / PUBLISHED.gamma, len(purchases))
    means = random.gamma(PUBLISHED.p * purchases, 1 / (rates * purchases))
    found = fit_gamma_gamma(purchases, means)
    assert (found.p, found.q, found.gamma) == pytest.approx((6.25, 3.74, 15.44), rel=0.05)
    assert found.log_likelihood(purchases, means) >= PUBLISHED.log_likelihood(purchases, means)
    in_pence = fit_gamma_gamma(purchases, 100 * means)
    assert in_pence.gamma == pytest.approx(100 * found.gamma, rel=1e-3)


@pytest.mark.parametrize(("purchases", "amounts"), [([0.0], [1.0]), ([1.0], [0.0]), ([1.0], [np.nan]), ([], [])])
def test_amounts_that_are_none_are_refused(purchases, amounts):
    with pytest.raises(ValueError, match="Gamma-Gamma needs"):
        fit_gamma_gamma(np.array(purchases), np.array(amounts))
