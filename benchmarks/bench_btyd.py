"""What fitting the purchase models to a million customers costs: CPU seconds and peak memory.

    python benchmarks/bench_btyd.py [--customers 1000000]

Customers are drawn from the Pareto/NBD with CDNOW's published parameters, two years, observed by the day (equal
histories are counted once) or at any moment (no two are equal: the worst case).
"""

import argparse
import os
import resource
import time
from collections.abc import Callable
from typing import TypeVar

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from models.buy_till_you_die.beta_geometric import fit_beta_geometric
from models.buy_till_you_die.gamma_gamma import fit_gamma_gamma
from models.buy_till_you_die.histories import Histories, histories
from models.buy_till_you_die.pareto_nbd import fit_pareto_nbd
from models.learners.encoding import Floats

Result = TypeVar("Result")
FITS: dict[str, Callable[[Histories], object]] = {
    "BG/NBD": fit_beta_geometric,
    "MBG/NBD": lambda seen: fit_beta_geometric(seen, may_leave_at_once=True),
    "Pareto/NBD": fit_pareto_nbd,
}


def drawn(customers: int) -> tuple[Floats, Floats, Floats]:
    """Repeats, age at the last purchase and age in weeks."""
    random = np.random.default_rng(1)
    age = random.uniform(1, 104, customers)
    rate, leaving = random.gamma(0.553, 1 / 10.578, customers), random.gamma(0.606, 1 / 11.669, customers)
    life = np.minimum(random.exponential(1 / leaving), age)
    repeats = random.poisson(rate * life).astype(np.float64)
    last = np.where(repeats > 0, life * random.random(customers) ** (1 / np.maximum(repeats, 1)), 0.0)
    return repeats, last, age


def by_the_day(repeats: Floats, last: Floats, age: Floats) -> tuple[Floats, Floats, Floats]:
    """The same with times in whole days."""
    whole = np.round(last * 7) / 7
    return np.where(whole > 0, repeats, 0.0), whole, np.maximum(np.round(age * 7) / 7, whole)


def main() -> None:
    """Print the figures."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--customers", type=int, default=1_000_000)
    given = asked.parse_args()
    raw = drawn(given.customers)
    for name, columns in {"by the day": by_the_day(*raw), "at any moment": raw}.items():
        seen, seconds = _timed(lambda columns=columns: histories(*columns))
        print(
            f"{name}: {given.customers:,} customers, {len(seen.age):,} different histories, counted in {seconds:.1f} s"
        )
        for model, fit in FITS.items():
            fitted, seconds = _timed(lambda fit=fit, seen=seen: fit(seen))
            _, asking = _timed(lambda fitted=fitted, columns=columns: fitted.expected_purchases(*columns, horizon=39.0))
            print(f"  {model:<12} fit {seconds:6.1f} s, expectation {asking:5.1f} s, peak {_peak_mb():,.0f} MB")
    amounts = np.random.default_rng(2).gamma(6.0, 6.0, given.customers)
    _, seconds = _timed(lambda: fit_gamma_gamma(raw[0] + 1, amounts))
    print(f"Gamma-Gamma: fit {seconds:.1f} s, peak {_peak_mb():,.0f} MB")


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    began = time.process_time()
    return work(), time.process_time() - began


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
