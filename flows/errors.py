"""What can be wrong with what a command was asked to do."""

from collections.abc import Sequence
from datetime import date, datetime

from data_contracts.errors import DataBlockedError, DependencyDownError, UsageError


class AsOfInTheFutureError(UsageError):
    """Nothing is known yet about that date."""

    def __init__(self, *, as_of: date, today: date) -> None:
        super().__init__(
            "--as-of lies in the future",
            got=as_of.isoformat(),
            expected=f"{today.isoformat()} (today, in the company's time zone) or earlier",
            action="choose an earlier date",
        )


class AsOfBeforeDataError(UsageError):
    """No order was known before that date."""

    def __init__(self, *, as_of: date, first_order: date, last_order: date) -> None:
        super().__init__(
            "--as-of lies before the data",
            got=as_of.isoformat(),
            expected=f"after {first_order.isoformat()}, the first order (the last is of {last_order.isoformat()})",
            action="choose a later date, or load the older orders",
        )


class DateUnreadableError(UsageError):
    """A date on the command line is not one."""

    def __init__(self, *, option: str, got: str) -> None:
        super().__init__(
            f"{option} is not a date", got=got, expected="YYYY-MM-DD, such as 2026-01-31", action="correct it"
        )


class StaleDataError(DataBlockedError):
    """The newest orders are too old: scoring them would take missing data for customers gone quiet."""

    def __init__(self, *, as_of: date, last_order: date, allowed_days: int) -> None:
        super().__init__(
            "the data end too long before --as-of: missing days would look like customers going quiet",
            got=f"newest order or subscription on {last_order.isoformat()}, {(as_of - last_order).days} days before "
            f"{as_of.isoformat()}",
            expected=f"at most {allowed_days} days (gates.stale_after_days)",
            action="load the missing days or score an earlier --as-of; shop closed? raise gates.stale_after_days",
        )


class OrdersNeededError(UsageError):
    """The last load has no orders, which features and models are made of."""

    def __init__(self, *, loaded: Sequence[str]) -> None:
        super().__init__(
            "training and scoring need orders, and no source feeds them",
            got=f"loaded: {', '.join(loaded)}",
            expected="orders",
            action="map the company's orders; where it has subscriptions only, map what was billed as orders",
        )


class NothingLoadedError(DataBlockedError):
    """There are no core rows to work on."""

    def __init__(self) -> None:
        super().__init__(
            "nothing has been loaded yet", action="run `gristmill ingest` (or `gristmill run`, which begins with it)"
        )


class NoChampionError(DataBlockedError):
    """No promoted model may score that date."""

    def __init__(self, *, model: str, as_of: date, decided_before: datetime | None = None) -> None:
        if decided_before is None:
            super().__init__(
                f"there is no promoted {model} model that was trained on what was known by {as_of.isoformat()}",
                expected="a champion whose trained_as_of is that date or earlier: a later one has seen the answers",
                action=f"run `gristmill train --as-of {as_of.isoformat()}`",
            )
            return
        super().__init__(
            f"no {model} model was champion when {as_of.isoformat()} was to be scored",
            got=f"no decision before {decided_before.isoformat(timespec='minutes')} (UTC)",
            expected="a champion of that day",
            action="see `gristmill models history`; or let it be scored by today's champions (--champions today)",
        )


class ChampionGoneError(DataBlockedError):
    """The ledger names a version that the registry has no more."""

    def __init__(self, *, model: str, version: int, promoted_at: datetime, known: str | None) -> None:
        super().__init__(
            f"the champion {model} {version} is not in the registry any more",
            got=f"registered now: {known or 'nothing'}",
            expected=f"the version that was promoted on {promoted_at.date().isoformat()}",
            action="restore it in the registry, or promote another: gristmill models promote MODEL VERSION --because …",
        )


class OrchestratorDownError(DependencyDownError):
    """The Prefect server did not answer."""

    def __init__(self, *, api_url: str, reason: str) -> None:
        super().__init__(
            "the Prefect server does not answer",
            where=api_url,
            got=reason,
            action="start it (`prefect server start`), correct PREFECT_API_URL, or use --orchestration none",
        )


class FileExistsAlreadyError(UsageError):
    """A file that would be overwritten."""

    def __init__(self, *, path: str) -> None:
        super().__init__("there is such a file already", where=path, action="name another file, or say --force")


class FilterUnreadableError(UsageError):
    """A condition on the command line that can't be read."""

    def __init__(self, *, condition: str, reason: str) -> None:
        super().__init__(
            "a --where condition can't be read",
            got=f"{condition!r}: {reason}",
            expected="COLUMN=VALUE, or with != < <= > >=, such as value_tier=gold",
            action="correct it; several --where must all hold",
        )


class NoOrchestratorError(UsageError):
    """A Prefect server is needed, and none is configured."""

    def __init__(self) -> None:
        super().__init__(
            "no Prefect server is configured",
            where="orchestration.api_url",
            expected="the address of its API, such as http://127.0.0.1:4200/api",
            action="start one (`prefect server start`) and set PREFECT_API_URL or orchestration.api_url",
        )


class NobodyActiveError(DataBlockedError):
    """Nobody is left to be scored."""

    def __init__(self, *, as_of: date, within_days: int, last_order: date) -> None:
        super().__init__(
            "no customer is active, so nobody can be scored",
            got=f"no purchase in {within_days} days before {as_of.isoformat()}; last order on {last_order.isoformat()}",
            expected="at least one active customer",
            action="score an earlier --as-of, or load newer orders",
        )


class DraftUnreadableError(UsageError):
    """What a mapping is to be proposed for can't be read as a file or a table."""

    def __init__(self, *, what: str, got: str, expected: str) -> None:
        super().__init__(
            "no mapping can be proposed",
            where=what,
            got=got,
            expected=expected,
            action="name a file (CSV, Parquet, JSON lines, Excel), a folder of them, a URL, or a table with --database",
        )


class TableUnreadableError(UsageError):
    """A table named on the command line can't be read."""

    def __init__(self, *, path: str, got: str) -> None:
        super().__init__(
            "the table can't be read",
            where=path,
            got=got,
            expected="a CSV (.csv, .tsv, .txt, .dat, .data; .gz too), Parquet or Excel file with rows and a header",
            action="name another file, or save it as one of these",
        )


class ModelFolderUnreadableError(UsageError):
    """A folder named on the command line holds no model."""

    def __init__(self, *, path: str, expected: str) -> None:
        super().__init__(
            "there is no model in that folder",
            where=path,
            expected=expected,
            action="name the folder that `gristmill train churn --table …` wrote",
        )


class OptionMisplacedError(UsageError):
    """Options stand before the command they are meant for."""

    def __init__(self, *, command: str, options: Sequence[str]) -> None:
        super().__init__(
            "options of a command stand behind its name",
            got=f"{', '.join(sorted(options))} before the last word of `{command}`",
            expected=f"gristmill {command} [options]",
            action=f"put them behind it; `gristmill {command} --help` says which there are",
        )


class SuppressionListError(DataBlockedError):
    """The list of customers never to address can't be read: deciding without it could address them."""

    def __init__(self, *, path: str, got: str) -> None:
        super().__init__(
            "the suppression list can't be read; nothing was decided",
            where=path,
            got=got,
            expected="a CSV file with a column customer_id",
            action="correct decisions.suppression_list, or the file",
        )


class WhatIfUnreadableError(UsageError):
    """A question to the decisions that can't be read."""

    def __init__(self, *, got: str) -> None:
        super().__init__(
            "the what-if can't be read",
            where="--what-if",
            got=got,
            expected="budget=AMOUNT, offers_per_customer=NUMBER or capacity.CHANNEL=NUMBER",
            action="write it like --what-if budget=20000",
        )


class NothingDecidedError(DataBlockedError):
    """There are no published decisions to ask about; `without_offers`: though a night is published."""

    def __init__(self, *, without_offers: bool = False) -> None:
        super().__init__(
            "the published night has no offers to decide on" if without_offers else "nothing has been decided yet",
            where="segments.next_best_offer",
            expected="a published night with offers",
            action="offers need orders of several products: `gristmill run --force` says why they were left out"
            if without_offers
            else "run `gristmill run` first",
        )


class BasketColumnsError(UsageError):
    """A table of baskets whose columns can't be told apart."""

    def __init__(self, *, missing: str, columns: list[str]) -> None:
        super().__init__(
            f"the table of baskets lacks {missing}",
            where="its columns",
            got=", ".join(columns),
            expected="a customer, an item, and a basket number or a date",
            action="name them: --customer, --item, --basket or --date; if one is in another file, join it first",
        )


class NothingToJudgeByError(DataBlockedError):
    """Lists of next products are to be graded, and nobody has a basket to grade them by."""

    def __init__(self, *, held_out: bool) -> None:
        got = "every customer has but one basket" if held_out else "no line with a customer and a product in the future"
        super().__init__(
            "there is no basket to judge by",
            got=got,
            expected="customers with two baskets or more" if held_out else "a future with customers and products",
            action="look at the columns that were taken for customer, basket and item; the options name others"
            + ("; or judge by a later table (--future)" if held_out else ""),
        )


class BasketFutureError(UsageError):
    """What lists of next products are to be graded by does not fit."""

    def __init__(self, *, got: str, expected: str) -> None:
        super().__init__(
            "the command is not complete",
            got=got,
            expected=expected,
            action="see `gristmill evaluate --help` and `gristmill train --help`",
        )
