"""Failures of declaring and judging rules over whole tables."""

from collections.abc import Sequence

from data_contracts.errors import DataBlockedError, UsageError


class TableRuleUnfitError(UsageError):
    """A table rule can't be judged on the table it is declared for."""

    def __init__(self, *, entity: str, rule: str, fault: str, expected: str) -> None:
        super().__init__(
            "a table rule can't be judged",
            where=f"table rule {rule} of {entity}",
            got=fault,
            expected=expected,
            action="correct the rule under [[table_rules]]",
        )


class AcceptedRuleUnknownError(UsageError):
    """A rule was to be accepted that no loaded table has."""

    def __init__(self, *, rule: str, hint: str, known: Sequence[str]) -> None:
        super().__init__(
            "there is no such table rule to accept",
            where="--accept",
            got=f'"{rule}"',
            expected="one of " + ", ".join(known),
            action=hint or "correct the name; rules about single rows are changed under [[rules]]",
        )


class TableRuleBrokenError(DataBlockedError):
    """A load as a whole breaks a critical rule."""

    def __init__(self, *, entity: str, rule: str, meaning: str, got: str, expected: str, others: Sequence[str]) -> None:
        also = f" (and {', '.join(others)})" if others else ""
        accept = " ".join(f"--accept {name}" for name in (rule, *others))
        super().__init__(
            f"a rule about the whole table {entity} is broken: nothing was loaded",
            where=f"table rule {rule} of {entity}{also}",
            got=got,
            expected=f"{expected}: {meaning}",
            action=f"see what is wrong with the export; if it is right as it is: gristmill ingest {accept}"
            " (accepted this once, and written down)",
        )
