"""What buy-till-you-die models know of a customer: repeat purchases, age at the last one, age now.

Belongs here: the sufficient statistics, and counting customers who share them once. Does not: likelihoods.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.learners.encoding import Floats


@dataclass(frozen=True, kw_only=True)
class Histories:
    """Distinct purchase histories, shape (rows,) each; times in one unit (weeks, say) since the first purchase.

    Attributes:
        repeats: purchases after the first (x).
        last_purchase_age: time from the first purchase to the last (t_x); 0 without repeats.
        age: time from the first purchase to now (T).
        customers: how many customers have this history.
    """

    repeats: Floats
    last_purchase_age: Floats
    age: Floats
    customers: Floats

    def scaled(self, factor: float) -> "Histories":
        """The same histories with times multiplied by `factor`."""
        return Histories(
            repeats=self.repeats,
            last_purchase_age=self.last_purchase_age * factor,
            age=self.age * factor,
            customers=self.customers,
        )

    def thinned(self, most: int) -> "Histories":
        """At most `most` rows, evenly spaced through the sorted histories, with the same total of customers."""
        if len(self.age) <= most:
            return self
        places = np.linspace(0, len(self.age) - 1, most).astype(np.int64)
        total = self.customers[places].sum()
        return Histories(
            repeats=self.repeats[places],
            last_purchase_age=self.last_purchase_age[places],
            age=self.age[places],
            customers=self.customers[places] * (self.customers.sum() / total),
        )


def histories(repeats: npt.ArrayLike, last_purchase_age: npt.ArrayLike, age: npt.ArrayLike) -> Histories:
    """Count equal histories once.

    Args:
        repeats: one number a customer, whole and at least 0.
        last_purchase_age: at least 0; 0 exactly where there are no repeats.
        age: at least `last_purchase_age`.

    Raises:
        ValueError: numbers that can't be a history.
    """
    columns = [np.asarray(values, dtype=np.float64).ravel() for values in (repeats, last_purchase_age, age)]
    refuse_impossible(*columns)
    order = np.lexsort((columns[1], columns[2], columns[0]))
    table = np.column_stack(columns)[order]
    first = np.concatenate([[True], (table[1:] != table[:-1]).any(axis=1)]) if len(table) else np.zeros(0, dtype=bool)
    starts = np.flatnonzero(first)
    counts = np.diff(np.append(starts, len(table))).astype(np.float64)
    kept = table[starts]
    return Histories(repeats=kept[:, 0], last_purchase_age=kept[:, 1], age=kept[:, 2], customers=counts)


def refuse_impossible(repeats: Floats, last_purchase_age: Floats, age: Floats) -> None:
    """Refuse what can't be a history.

    Raises:
        ValueError: see the message.
    """
    if not (len(repeats) == len(last_purchase_age) == len(age)):
        raise ValueError("repeats, last_purchase_age and age must have one number a customer each")
    if not all(np.isfinite(values).all() for values in (repeats, last_purchase_age, age)):
        raise ValueError("repeats, last_purchase_age and age must be finite")
    if (repeats < 0).any() or (repeats != np.floor(repeats)).any():
        raise ValueError("repeats must be whole numbers from 0")
    if (last_purchase_age < 0).any() or (last_purchase_age > age).any():
        raise ValueError("last_purchase_age must lie between 0 and age")
    if ((repeats == 0) & (last_purchase_age > 0)).any():
        raise ValueError("a customer without repeats has last_purchase_age 0")
