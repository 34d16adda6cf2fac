"""`train next-offer`, `evaluate next-offer` and `score next-offer`: the next basket, from any table of baskets."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.options import Json
from flows.commands.outcome import command, print_json
from flows.commands.tables import Seed, Threads

if TYPE_CHECKING:
    from flows.from_files.next_offers import BasketRequest

COLUMNS = "Columns, where the guess by their names is wrong"


class OfferMode(StrEnum):
    """Which products are listed."""

    all = "all"
    new = "new"
    repeat = "repeat"


def _column(name: str, words: str) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(name, help=words, show_default=False, rich_help_panel=COLUMNS)
    return found


HistoryFile = Annotated[
    Path,
    typer.Option("--history", help="Baskets: CSV, Parquet, Excel, JSON. Columns are guessed from their names."),
]
FutureFile = Annotated[
    Path | None, typer.Option("--future", help="What was bought next: grades, never teaches.", show_default=False)
]
HoldOutLast = Annotated[bool, typer.Option("--hold-out-last", help="Instead of --future: each customer's last basket.")]
CustomerColumn = Annotated[str | None, _column("--customer", "Of the customer.")]
BasketColumn = Annotated[
    str | None, _column("--basket", "Of the basket: a number that grows, or a name beside a date.")
]
DateColumn = Annotated[str | None, _column("--date", "Of the date or day number.")]
ItemColumn = Annotated[str | None, _column("--item", "Of the product.")]
QuantityColumn = Annotated[str | None, _column("--quantity", "Of the quantity.")]
PriceColumn = Annotated[str | None, _column("--price", "Of the price.")]
CategoryColumn = Annotated[str | None, _column("--category", "Of the category.")]
TopCount = Annotated[int, typer.Option("--top", min=1, max=200, help="Products listed for each customer.")]
Mode = Annotated[OfferMode, typer.Option("--mode", help="List all products, only new ones, or only those had before.")]
OutFolder = Annotated[
    Path | None,
    typer.Option("--out", help="Folder for model, lists and report [HISTORY_next_offer].", show_default=False),
]


@command
def train_next_offer(
    history: HistoryFile,
    *,
    future: FutureFile = None,
    hold_out_last: HoldOutLast = False,
    customer: CustomerColumn = None,
    basket: BasketColumn = None,
    date: DateColumn = None,
    item: ItemColumn = None,
    quantity: QuantityColumn = None,
    price: PriceColumn = None,
    category: CategoryColumn = None,
    out: OutFolder = None,
    top: TopCount = 20,
    mode: Mode = OfferMode.all,
    threads: Threads = 1,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Learn what comes next from any table of baskets; no dates, prices or settings are needed.

    gristmill train next-offer --history baskets.csv
    """
    from flows.from_files.next_offers import BasketRequest

    asked = BasketRequest(
        history=history,
        future=future,
        hold_out_last=hold_out_last,
        columns=_by_role(customer, basket, date, item, quantity, price, category),
        out=out,
        top=top,
        mode=mode.value,
        threads=threads,
        seed=seed,
    )
    _learn_and_tell(asked, as_json=as_json)


@command
def evaluate_next_offer(
    history: HistoryFile,
    *,
    future: FutureFile = None,
    hold_out_last: HoldOutLast = False,
    model: Annotated[
        Path | None,
        typer.Option("--model", help="A folder that training wrote \\[learnt from the history].", show_default=False),
    ] = None,
    customer: CustomerColumn = None,
    basket: BasketColumn = None,
    date: DateColumn = None,
    item: ItemColumn = None,
    quantity: QuantityColumn = None,
    price: PriceColumn = None,
    category: CategoryColumn = None,
    out: OutFolder = None,
    top: TopCount = 20,
    mode: Mode = OfferMode.all,
    threads: Threads = 1,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Grade lists on baskets they have not seen, beside personal top, popular, UP-CF and TIFU-KNN.

    gristmill evaluate next-offer --history history.csv --future future.csv
    """
    from flows.errors import BasketFutureError
    from flows.from_files.next_offers import BasketRequest

    if future is None and not hold_out_last:
        raise BasketFutureError(got="nothing to grade on", expected="--future FILE, or --hold-out-last")
    asked = BasketRequest(
        history=history,
        future=future,
        hold_out_last=hold_out_last,
        columns=_by_role(customer, basket, date, item, quantity, price, category),
        model=model,
        out=out,
        top=top,
        mode=mode.value,
        threads=threads,
        seed=seed,
    )
    _learn_and_tell(asked, as_json=as_json)


@command
def score_next_offer(
    history: HistoryFile,
    model: Annotated[Path, typer.Option("--model", help="The folder that training wrote.")],
    *,
    customer: CustomerColumn = None,
    basket: BasketColumn = None,
    date: DateColumn = None,
    item: ItemColumn = None,
    quantity: QuantityColumn = None,
    price: PriceColumn = None,
    category: CategoryColumn = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where the lists go, CSV or Parquet [HISTORY_next_offers.csv].", show_default=False),
    ] = None,
    top: TopCount = 20,
    mode: Mode = OfferMode.all,
    threads: Threads = 1,
    as_json: Json = False,
) -> None:
    """List what each customer of a history is likely to buy next, by a model learnt from baskets.

    gristmill score next-offer --history newer.csv --model baskets_next_offer
    """
    from flows.from_files.next_offers import BasketRequest, score_next_offers
    from flows.from_files.next_offers_reporting import print_scored_offers
    from flows.running.progress import on_standard_error

    asked = BasketRequest(
        history=history,
        columns=_by_role(customer, basket, date, item, quantity, price, category),
        model=model,
        out=out,
        top=top,
        mode=mode.value,
        threads=threads,
    )
    result = score_next_offers(asked, reporter=on_standard_error())
    if as_json:
        print_json(result)
    else:
        print_scored_offers(result)


def _learn_and_tell(asked: "BasketRequest", *, as_json: bool) -> None:
    from flows.from_files.next_offers import train_next_offers
    from flows.from_files.next_offers_reporting import print_next_offers
    from flows.opening import utc_now
    from flows.running.progress import on_standard_error

    report = train_next_offers(asked, today=utc_now().date(), reporter=on_standard_error())
    if as_json:
        print_json(report)
    else:
        print_next_offers(report)


def _by_role(*names: str | None) -> dict[str, str | None]:
    """Columns by role, in the order customer, basket, date, item, quantity, price, category."""
    return dict(zip(("customer", "basket", "date", "item", "quantity", "price", "category"), names, strict=True))
