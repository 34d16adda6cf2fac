"""What can be wrong with what was asked of models in the registry."""

from collections.abc import Iterable

from data_contracts.errors import DataBlockedError, UsageError


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
