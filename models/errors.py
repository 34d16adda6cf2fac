"""Failures of training, registering and scoring."""

from collections.abc import Iterable
from datetime import date

from data_contracts.errors import DataBlockedError, DependencyDownError, UsageError


class BundleCorruptError(DataBlockedError):
    """A registered model is not, byte for byte, what it was when it was registered."""

    def __init__(self, *, file: str, got: str, expected: str) -> None:
        super().__init__(
            "a registered model is not what it was when it was registered; nothing of it was parsed",
            where=file,
            got=got,
            expected=expected,
            action="restore the file, or train and promote a new version",
        )


class BundleFormatError(DataBlockedError):
    """A registered model is whole, but of a form that this version does not understand."""

    def __init__(self, *, model: str, got: int, expected: int) -> None:
        super().__init__(
            f"the {model} model was made by another version of Gristmill; it can't be asked any more",
            where=f"the registered {model} model",
            got=f"form {got}",
            expected=f"form {expected}",
            action="train again: `gristmill train`, or `gristmill run --retrain`",
        )


class TooLittleHistoryError(DataBlockedError):
    """The history is too short to train on one period and to test on a later one."""

    def __init__(self, *, model: str, first_event: date, as_of: date, has_days: int, needs_days: int) -> None:
        self.has_days, self.needs_days = has_days, needs_days
        self.missing_days = max(needs_days - has_days, 1)
        super().__init__(
            f"too little history to train the {model} model forward in time",
            where=f"orders from {first_event} to {as_of}",
            got=f"{has_days} days",
            expected=f"at least {needs_days} days",
            action=f"{self.missing_days} days are missing: bring older orders, shorten the horizon, or train later",
        )


class TooFewOutcomesError(DataBlockedError):
    """The training snapshots hold too few customers of one kind: nothing could be learnt, or graded, from them."""

    def __init__(self, *, model: str, what: str, where: str, got: int, needs: int) -> None:
        super().__init__(
            f"training of the {model} model refused: too few {what}",
            where=where,
            got=str(got),
            expected=f"at least {needs}",
            action="bring more customers or a longer history; the promoted model stays",
        )


class OutcomesMissingError(DataBlockedError):
    """Some customers of the population have no outcome beside their features."""

    def __init__(self, *, model: str, rows: int, snapshots: Iterable[date]) -> None:
        super().__init__(
            f"{rows} rows of the {model} model's training frame have no outcome, or none for a whole snapshot",
            where="snapshots " + ", ".join(str(day) for day in sorted(snapshots)),
            expected="one outcome for every customer and snapshot of the plan",
            action="make features and outcomes from the same orders and the same plan",
        )


class FeaturesMismatchError(DataBlockedError):
    """A model wants columns, or types of columns, that the frame to be scored doesn't have."""

    def __init__(
        self, *, model: str, missing: Iterable[str], retyped: Iterable[str], there: Iterable[str], action: str = ""
    ) -> None:
        self.missing, self.retyped = sorted(missing), sorted(retyped)
        parts = [f"missing: {', '.join(self.missing)}"] if self.missing else []
        parts += [f"of another type: {', '.join(self.retyped)}"] if self.retyped else []
        super().__init__(
            f"the {model} model was trained on other features than these; nothing was scored",
            where=f"{model} features",
            got="; ".join(parts),
            expected="the features of training, by name; there are: " + ", ".join(sorted(there)),
            action=action or "bring back the sources of these features, or train and promote a new version",
        )


class ChampionChangedError(DataBlockedError):
    """Somebody else promoted a version since the caller looked."""

    def __init__(self, *, model: str, expected: int | None, found: int | None) -> None:
        self.expected_version, self.found_version = expected, found
        super().__init__(
            f"the champion of {model} changed in the meantime; nothing was promoted",
            where=f"alias champion of {model}",
            got=f"version {found}" if found is not None else "no champion",
            expected=f"version {expected}" if expected is not None else "no champion",
            action="compare with the new champion, then promote again",
        )


class VersionUnknownError(UsageError):
    """The registry has no such version."""

    def __init__(self, *, model: str, version: int, known: Iterable[int]) -> None:
        super().__init__(
            f"the registry has no version {version} of {model}",
            where=model,
            got=str(version),
            expected="one of " + (", ".join(str(number) for number in sorted(known)) or "none: nothing registered yet"),
        )


class RegistryDownError(DependencyDownError):
    """The model registry did not answer in time."""

    def __init__(self, *, where: str, reason: str) -> None:
        super().__init__(
            "the model registry does not answer",
            where=where,
            got=reason,
            expected="an answer within the time limit",
            action="try again later; models already loaded and verified can still score",
        )


class TuningNotInstalledError(UsageError):
    """The search needs a library that is an extra."""

    def __init__(self) -> None:
        super().__init__(
            "searching for better settings needs Optuna, which is not installed",
            expected="the extra `tuning`",
            action="install gristmill[tuning], or train without --tune",
        )


class TuningNotPossibleError(DataBlockedError):
    """There is no period between training and test on which settings could be judged."""

    def __init__(self, *, model: str) -> None:
        super().__init__(
            f"settings of the {model} model can't be searched for: nothing to judge them on but the test period",
            got="no calibration snapshots",
            expected="a longer history",
            action="train without --tune",
        )
