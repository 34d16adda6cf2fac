"""Failures of learning from baskets."""

from data_contracts.errors import DataBlockedError


class TooFewBasketsError(DataBlockedError):
    """There are no baskets."""

    def __init__(self) -> None:
        super().__init__(
            "there are no baskets to learn from",
            where="the basket table",
            got="no line with a customer, a product and an order",
            expected="at least one customer with a basket",
            action="look at the columns that were taken for customer, item and basket; the options name others",
        )


class NobodyKnownError(DataBlockedError):
    """None of the customers that lists are to be graded on has a history."""

    def __init__(self, *, customers: int) -> None:
        super().__init__(
            "nobody in the future has a history",
            where="the customers of the two tables",
            got=f"{customers} customers in the future, none of them in the history",
            expected="customers with the same identifiers in both",
            action="look at the columns that were taken for the customer: --customer names another",
        )


class BasketModelMismatchError(DataBlockedError):
    """A model of baskets wants features that are not made of this table: nothing was ranked."""

    def __init__(self, *, missing: list[str]) -> None:
        super().__init__(
            "the model was learnt from a table with more columns",
            where="the basket table",
            got=f"nothing to make these features of: {', '.join(missing)}",
            expected="the kinds of column the model was learnt from (date, quantity, price, category)",
            action="bring the same columns, or learn again from this table",
        )
