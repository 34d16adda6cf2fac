"""The search for the most likely parameters: quasi-Newton on their logarithms, from several starts.

Belongs here: the optimiser all four models share, and sums over equal values. Does not: any likelihood.
"""

from collections.abc import Callable, Sequence

import numpy as np

from models.learners.encoding import Floats

LogLikelihood = Callable[[Floats], tuple[float, Floats]]
PULL = 0.01
FARTHEST = 12.0  # logarithm of a parameter in internal units


def most_likely(
    whole: LogLikelihood, part: LogLikelihood, starts: Sequence[Sequence[float]], customers: float
) -> Floats:
    """Parameters that maximise a log-likelihood, all above 0.

    Every start is followed on `part` (fewer rows), the best end of these on the whole. The logarithms are pulled
    towards the first start with the weight of a hundredth of a customer: nothing to data that decide, enough where
    they leave a direction open.

    Args:
        whole: parameters in, log-likelihood and its gradient by parameter out.
        part: the same on a thinned sample; may be `whole`.
        starts: parameters to begin from, the most plausible first.
        customers: how many there are; the objective is per customer.

    Returns:
        The parameters, rounded to 9 digits.
    """
    from scipy.optimize import minimize  # noqa: PLC0415 - heavy: imported when used

    centre = np.log(np.array(starts[0]))
    bounds = [(-FARTHEST, FARTHEST)] * len(centre)

    def cost(logs: Floats, of: LogLikelihood) -> tuple[float, Floats]:
        parameters = np.exp(logs)
        value, gradient = of(parameters)
        away = logs - centre
        return (
            (PULL / 2 * float(away @ away) - value) / customers,
            (PULL * away - gradient * parameters) / customers,
        )

    settings = {"maxiter": 300, "ftol": 1e-13, "gtol": 1e-8}
    ends = [
        minimize(
            cost, np.log(np.array(start)), args=(part,), jac=True, method="L-BFGS-B", bounds=bounds, options=settings
        )
        for start in starts
    ]
    best = min(ends, key=lambda end: float(end.fun))
    if part is not whole:
        best = minimize(cost, best.x, args=(whole,), jac=True, method="L-BFGS-B", bounds=bounds, options=settings)
    return np.array([float(f"{value:.9g}") for value in np.exp(best.x)])


def on_distinct(function: Callable[[Floats], Floats], values: Floats) -> Floats:
    """`function` of every value, computed once for equal ones."""
    distinct, place = np.unique(values, return_inverse=True)
    computed: Floats = function(distinct)[place]
    return computed
