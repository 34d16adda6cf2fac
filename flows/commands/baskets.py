"""Options and bodies of `train next-offer`, `evaluate next-offer` and `score next-offer` on tables of baskets."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Json, may_be_left_out
from flows.commands.outcome import command, print_json
from flows.commands.tables import TableModelName

PANEL = "The next basket, from a table of baskets (next-offer)"


class OfferMode(StrEnum):
    """Which products are listed."""

    all = "all"
    new = "new"
    repeat = "repeat"


class Evaluated(StrEnum):
    """What can be graded on files of its own."""

    next_offer = "next-offer"


HistoryFile = Annotated[
    Path | None,
    may_be_left_out(
        "--history", "Baskets to learn from: CSV, Parquet, Excel, JSON. Columns are guessed from their names.", PANEL
    ),
]
FutureFile = Annotated[
    Path | None,
    may_be_left_out("--future", "What was bought next: grades, never teaches.", PANEL),
]
HoldOutLast = Annotated[
    bool,
    typer.Option("--hold-out-last", help="Instead of --future: each customer's last basket.", rich_help_panel=PANEL),
]
CustomerColumn = Annotated[
    str | None,
    may_be_left_out("--customer", "Column of the customer (guessed).", PANEL),
]
BasketColumn = Annotated[
    str | None,
    may_be_left_out("--basket", "Column of the basket: a number that grows, or a name beside a date (guessed).", PANEL),
]
DateColumn = Annotated[
    str | None,
    may_be_left_out("--date", "Column of the date or day number (guessed).", PANEL),
]
ItemColumn = Annotated[
    str | None,
    may_be_left_out("--item", "Column of the product (guessed).", PANEL),
]
QuantityColumn = Annotated[
    str | None,
    may_be_left_out("--quantity", "Column of the quantity (guessed).", PANEL),
]
PriceColumn = Annotated[
    str | None,
    may_be_left_out("--price", "Column of the price (guessed).", PANEL),
]
CategoryColumn = Annotated[
    str | None,
    may_be_left_out("--category", "Column of the category (guessed).", PANEL),
]
TopCount = Annotated[
    int, typer.Option("--top", min=1, max=200, help="Products listed for each customer.", rich_help_panel=PANEL)
]
Mode = Annotated[
    OfferMode,
    typer.Option("--mode", help="List all products, only new ones, or only those had before.", rich_help_panel=PANEL),
]


def is_about_baskets(what: TableModelName | None) -> bool:
    """Whether a command means a table of baskets."""
    return what is TableModelName.next_offer


def train_on_baskets(
    *,
    history: Path | None,
    future: Path | None,
    hold_out_last: bool,
    columns: dict[str, str | None],
    out: Path | None,
    top: int,
    mode: OfferMode,
    threads: int,
    seed: int,
    as_json: bool,
    model: Path | None = None,
) -> None:
    """`gristmill train next-offer` and `gristmill evaluate next-offer`."""
    from flows.errors import TableOptionsError
    from flows.from_files.next_offers import BasketRequest, train_next_offers
    from flows.from_files.next_offers_reporting import print_next_offers
    from flows.opening import utc_now
    from flows.running.progress import on_standard_error

    if history is None:
        raise TableOptionsError(got="next-offer without --history", expected="next-offer --history FILE")
    request = BasketRequest(
        history=history,
        future=future,
        hold_out_last=hold_out_last,
        columns=columns,
        model=model,
        out=out,
        top=top,
        mode=mode.value,
        threads=threads,
        seed=seed,
    )
    report = train_next_offers(request, today=utc_now().date(), reporter=on_standard_error())
    if as_json:
        print_json(report)
    else:
        print_next_offers(report)


def score_baskets(
    *,
    history: Path | None,
    model: Path | None,
    columns: dict[str, str | None],
    out: Path | None,
    top: int,
    mode: OfferMode,
    threads: int,
    as_json: bool,
) -> None:
    """`gristmill score next-offer`."""
    from flows.errors import TableOptionsError
    from flows.from_files.next_offers import BasketRequest, score_next_offers
    from flows.from_files.next_offers_reporting import print_scored_offers
    from flows.running.progress import on_standard_error

    if history is None or model is None:
        raise TableOptionsError(
            got="next-offer without --history and --model", expected="next-offer --history FILE --model FOLDER"
        )
    request = BasketRequest(
        history=history, columns=columns, model=model, out=out, top=top, mode=mode.value, threads=threads
    )
    result = score_next_offers(request, reporter=on_standard_error())
    if as_json:
        print_json(result)
    else:
        print_scored_offers(result)


@command
def evaluate(
    what: Annotated[Evaluated, typer.Argument(help="What to grade.")],
    *,
    history: HistoryFile = None,
    future: FutureFile = None,
    hold_out_last: HoldOutLast = False,
    customer: CustomerColumn = None,
    basket: BasketColumn = None,
    date: DateColumn = None,
    item: ItemColumn = None,
    quantity: QuantityColumn = None,
    price: PriceColumn = None,
    category: CategoryColumn = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", help="A folder that training wrote \\[learnt from the history].", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for model, lists and report [HISTORY_next_offer].", show_default=False),
    ] = None,
    top: TopCount = 20,
    mode: Mode = OfferMode.all,
    threads: Annotated[int, typer.Option("--threads", min=1, help="For LightGBM.")] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed, other samples.")] = 1,
    as_json: Json = False,
) -> None:
    """Grade next-offer lists on baskets they have not seen, beside personal top, popular, UP-CF and TIFU-KNN.

    gristmill evaluate next-offer --history history.csv --future future.csv
    """
    from flows.errors import TableOptionsError

    if what is Evaluated.next_offer and future is None and not hold_out_last:
        raise TableOptionsError(got="nothing to grade on", expected="--future FILE, or --hold-out-last")
    train_on_baskets(
        history=history,
        future=future,
        hold_out_last=hold_out_last,
        columns=columns_asked(customer, basket, date, item, quantity, price, category),
        out=out,
        top=top,
        mode=mode,
        threads=threads,
        seed=seed,
        as_json=as_json,
        model=model,
    )


def columns_asked(*names: str | None) -> dict[str, str | None]:
    """Columns by role, in the order customer, basket, date, item, quantity, price, category."""
    return dict(zip(("customer", "basket", "date", "item", "quantity", "price", "category"), names, strict=True))
