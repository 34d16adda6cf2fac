"""The company's rules over all customers, and the limits they become once the options are known.

Belongs here: what can be ruled. Does not: candidates, the choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from segments.decisions.problem import Limit, Rules

DECLARED = "declared_offer_id"


@dataclass(frozen=True, kw_only=True)
class Minimum:
    """So many contacts, or such a share of all, have to go to some options.

    Attributes:
        name: for people, e.g. `letters`.
        column: of the candidates: `offer_id`, `channel` or `category`.
        value: which of its values count.
        at_least: contacts; or
        share: of all contacts, from 0 to below 1.
    """

    name: str
    column: str
    value: str
    at_least: int = 0
    share: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ChoiceRules:
    """The company's rules over all customers.

    Attributes:
        at_most: offers a customer.
        at_most_a_channel: offers a customer and channel.
        budget_amount: for the contacts' cost, minor units; None: no limit.
        channel_capacity: contacts by channel.
        stock: by declared offer (`declared_offer_id` of the candidates), or by `stock_of`.
        stock_of: the column of the candidates that stock goes by.
        minimums: see `Minimum`.
    """

    at_most: int = 1
    at_most_a_channel: int = 1
    budget_amount: int | None = None
    channel_capacity: dict[str, int] | None = None
    stock: dict[str, int] | None = None
    stock_of: str = DECLARED
    minimums: Sequence[Minimum] = ()

    @property
    def columns(self) -> list[str]:
        """Columns of the candidates that rules go by, beside offer and channel."""
        wanted = {minimum.column for minimum in self.minimums} | ({self.stock_of} if self.stock else set())
        return sorted(wanted - {"offer_id", "channel"})


def rules_over(options: pl.DataFrame, rules: ChoiceRules) -> Rules:
    """The rules over these options.

    Args:
        options: a row each: `offer_id`, `channel`, `cost_amount`, and the columns that rules go by.
        rules: the company's.
    """
    channels = options["channel"].unique().sort()
    number = options["channel"].replace_strict(channels, pl.int_range(channels.len(), eager=True)).to_numpy()
    limits: list[Limit] = []
    if rules.budget_amount is not None:
        cost = options["cost_amount"].to_numpy().astype(np.float64)
        limits.append(Limit(name="the budget", uses=cost, most=float(rules.budget_amount), unit="money"))
    for column, most, words in (
        ("channel", rules.channel_capacity or {}, "contacts by {}"),
        (rules.stock_of, rules.stock or {}, "the stock of {}"),
    ):
        for value in sorted(most):
            uses = (options[column] == value).fill_null(value=False).to_numpy().astype(np.float64)
            if uses.any():
                limits.append(Limit(name=words.format(value), uses=uses, most=float(most[value])))
    limits += [_minimum(options, minimum) for minimum in rules.minimums]
    return Rules(
        channel=number.astype(np.int64),
        at_most=rules.at_most,
        at_most_a_channel=rules.at_most_a_channel,
        limits=tuple(limits),
    )


def _minimum(options: pl.DataFrame, minimum: Minimum) -> Limit:
    wanted = (options[minimum.column] == minimum.value).fill_null(value=False).to_numpy().astype(np.float64)
    if minimum.share:
        name = f"at least {minimum.share:.0%} of the contacts: {minimum.name}"
        return Limit(name=name, uses=minimum.share - wanted, most=0.0)
    return Limit(name=f"at least {minimum.at_least:,} contacts: {minimum.name}", uses=-wanted, most=-minimum.at_least)
