"""Failures of training and ranking next offers."""

from collections.abc import Iterable
from datetime import date

from data_contracts.errors import DataBlockedError


class TooLittleOfferHistoryError(DataBlockedError):
    """The history holds too few months, or too few buyers, to learn what customers buy next."""

    def __init__(self, *, what_lacks: str, has: str, needs: str, missing: str) -> None:
        super().__init__(
            f"too little history to train the next-offer model: {what_lacks}",
            where="orders",
            got=has,
            expected=needs,
            action=f"missing: {missing}; bring older orders, or train later",
        )
        self.has = has
        self.needs = needs
        self.missing = missing


class OfferModelMismatchError(DataBlockedError):
    """A next-offer model wants features this code does not make: nothing was scored."""

    def __init__(self, *, unknown_features: Iterable[str]) -> None:
        super().__init__(
            "the next-offer model was trained on features that are not made here",
            where="bundle features",
            got=", ".join(sorted(unknown_features)),
            expected="only features of models.next_offer.pair_features",
            action="train and promote a new version, or score with the code that trained this one",
        )


class FactsDateError(DataBlockedError):
    """Item facts of one date were offered for another: the ranking would know too much, or too little."""

    def __init__(self, *, facts_as_of: date, as_of: date) -> None:
        super().__init__(
            "the item facts are not as of the date to score",
            where="item facts",
            got=facts_as_of.isoformat(),
            expected=as_of.isoformat(),
            action="compute item_facts with the same as_of",
        )
