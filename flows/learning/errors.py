"""What can be wrong with what was asked of models in the registry."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from data_contracts.errors import DataBlockedError, DependencyDownError, UsageError

_MOST_TOLD = 5


class ModelUnknownError(UsageError):
    """There is no such model."""

    def __init__(self, *, name: str, known: Iterable[str]) -> None:
        super().__init__(
            "there is no model of that name",
            got=name,
            expected=f"one of: {', '.join(sorted(known)) or 'none, nothing has been trained yet'}",
            action="see `gristmill models list`",
        )


class NothingToRollBackToError(DataBlockedError):
    """The model never had another champion before."""

    def __init__(self, *, name: str, version: int | None) -> None:
        super().__init__(
            f"there is no champion of {name} before this one to go back to; nothing was changed",
            got="no champion at all" if version is None else f"version {version}, the first one",
            expected="an earlier champion in `gristmill models history`",
            action="promote another version: gristmill models promote NAME VERSION --because ...",
        )


class ReasonNeededError(UsageError):
    """Somebody else has to understand the decision later."""

    def __init__(self, *, option: str) -> None:
        super().__init__(
            f"{option} needs a reason in words: it is written down with the decision",
            got="nothing",
            expected=f'{option} "why"',
            action="say why",
        )


class NotComparableError(DataBlockedError):
    """The versions can't be held against each other on the same rows."""

    def __init__(self, *, name: str, reason: str, action: str) -> None:
        super().__init__(f"these versions of {name} can't be compared on the same rows", got=reason, action=action)


class LabelsUnusableError(DataBlockedError):
    """The outcomes of the training snapshots can't be what they are taken for."""

    def __init__(self, *, model: str, findings: Iterable[str]) -> None:
        super().__init__(
            f"training of the {model} model refused: its labels can't be trusted",
            got="; ".join(findings),
            expected="windows that are over, and outcomes that are known",
            action="load what is missing, shorten the horizon, or train as of an earlier date",
        )


class TrainingKeptError(DependencyDownError):
    """The registry did not answer when the models were there."""

    def __init__(self, *, as_of: date, folder: Path, where: str, reason: str) -> None:
        super().__init__(
            f"the model registry does not answer; what was trained as of {as_of} is kept, and the champions stay",
            where=where,
            got=reason,
            expected="an answer within the time limit",
            action=f"gristmill train --resume registers it from {folder}; so does the next run",
        )


class LeanedOnBlankError(DataBlockedError):
    """What a champion mostly goes by is the same for everybody tonight."""

    def __init__(self, *, model: str, blank: Mapping[str, float], allowed_share: float) -> None:
        told = [f"{feature} ({share:.0%})" for feature, share in blank.items()]
        super().__init__(
            f"features that the {model} champion leans on are empty, or the same for everybody; nothing was scored",
            where=", ".join(told[:_MOST_TOLD]) + (f" and {len(told) - _MOST_TOLD} more" if told[_MOST_TOLD:] else ""),
            got=f"{sum(blank.values()):.0%} of what its trees gained comes from them",
            expected=f"at most {allowed_share:.0%} (gates.blank_features_share)",
            action="look for what the sources no longer bring; if it is so, train anew, or raise that setting",
        )
