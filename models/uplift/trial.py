"""A trial: who got which treatment with which probability, and what came of it.

Belongs here: the arrays every learner and every figure works on. Does not: learning, or judging whether it was drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from models.learners.encoding import Floats
from models.uplift.clusters import Ints, customers_of

CONTROL = 0
LEAST_PROPENSITY = 0.01


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Customers and what was done to them, rows in canonical order.

    Attributes:
        table: typed features (Float64 and String), shape (rows, features).
        arm: 0 is the control group, then the treatments, shape (rows,).
        arms: names of the arms, the control group first.
        outcome: 0/1, or an amount, shape (rows,).
        propensity: probability of each arm for each row, shape (rows, arms), at least `LEAST_PROPENSITY`.
        groups: whose row it is.
    """

    table: pl.DataFrame
    arm: Ints
    arms: tuple[str, ...]
    outcome: Floats
    propensity: Floats
    groups: list[str]

    @property
    def is_binary(self) -> bool:
        """Whether the outcome is 0 or 1."""
        return bool(np.isin(self.outcome, (0.0, 1.0)).all())

    @property
    def treatments(self) -> range:
        """Numbers of the arms that are treatments."""
        return range(1, len(self.arms))

    @cached_property
    def customer(self) -> Ints | None:
        """See `clusters.customers_of`."""
        return customers_of(self.groups)

    def customer_of(self, rows: npt.NDArray[np.bool_]) -> Ints | None:
        """The customers of some rows, likewise."""
        return None if self.customer is None else self.customer[rows]

    @property
    def first_rows(self) -> npt.NDArray[np.bool_]:
        """The first row of each customer."""
        found = np.ones(len(self.groups), dtype=np.bool_)
        if self.customer is not None:
            found[:] = False
            found[np.unique(self.customer, return_index=True)[1]] = True
        return found

    def at(self, rows: npt.NDArray[np.bool_] | Ints) -> "Trial":
        """Some of the rows."""
        places = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return Trial(
            table=self.table[places.tolist()],
            arm=self.arm[places],
            arms=self.arms,
            outcome=self.outcome[places],
            propensity=self.propensity[places],
            groups=[self.groups[place] for place in places.tolist()],
        )

    def pair(self, treatment: int) -> tuple[npt.NDArray[np.bool_], Floats, Floats]:
        """One treatment against the control group.

        Returns:
            Which rows are of the two, shape (rows,); of those whether treated (0/1), and the probability of treatment
            among the two, shape (rows of the two,).
        """
        of_pair = (self.arm == CONTROL) | (self.arm == treatment)
        treated = (self.arm[of_pair] == treatment).astype(np.float64)
        of_treatment, of_control = self.propensity[of_pair, treatment], self.propensity[of_pair, CONTROL]
        share = np.clip(of_treatment / (of_treatment + of_control), LEAST_PROPENSITY, 1 - LEAST_PROPENSITY)
        return of_pair, treated, share


def shares_as_propensity(arm: Ints, arms: Sequence[str]) -> Floats:
    """The arms' shares as everybody's propensity, shape (rows, arms): for a draw by lot that logged none."""
    shares = np.bincount(arm, minlength=len(arms)) / len(arm)
    return np.tile(np.maximum(shares, LEAST_PROPENSITY), (len(arm), 1))
