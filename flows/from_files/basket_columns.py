"""Which column of a table of baskets is which, and its lines in the form the models want.

Belongs here: guessing columns from their names, reading ordering columns, counting what is left out. Not: files.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from flows.errors import BasketColumnsError

ROLES = ("customer", "basket", "date", "item", "quantity", "price", "category")
NAMES = {
    "customer": (
        "customerid customer user userid householdid household householdkey memberid member clientid client cardid "
        "card custid cust buyerid buyer personid person shopperid shopper accountid account uid u customernumber "
        "customerno usernumber loyaltyid visitorid kundennr kundennummer kundenid kunde numeroclient "
        "idcliente cliente codicecliente klantnummer klantid klant custcode customercode clientcode memberno "
        "membernumber membershipid cardno cardnumber msno"
    ),
    "basket": (
        "basketnumber ordernumber basketid basket orderid order ordernr orderno transactionid transaction transid tid "
        "invoiceno invoice invoiceid invoicenumber receiptid receipt tripid trip visitid visit visitnumber sessionid "
        "session basketno basketnr ticketid ticket t position step sequence seq transactionnumber bestellnr "
        "bestellnummer bestellung auftragsnr auftragsnummer belegnr belegnummer bonnr bonnummer rechnungsnr "
        "rechnungsnummer commande numerocommande pedido numeropedido idpedido ordine numeroordine bestelnummer "
        "basketno cartid billno billnumber billid bill receiptno receiptnumber voucherno"
    ),
    "date": (
        "date day orderdate ordereddate orderedat transactiondate transactiondt transactiontimestamp invoicedate "
        "timestamp datetime time purchasedate purchasedat basketdate dt tdat daynumber "
        "dayno createdat saledate eventtime datum bestelldatum kaufdatum belegdatum datecommande fecha fechapedido "
        "dataordine besteldatum shopdate salesdate billdate receiptdate txndate visitdate"
    ),
    "item": (
        "itemid item items productid product products materialnumber material stockcode sku skuid articleid article "
        "upc productcode itemcode goodsid prodid asin i itemnumber productnumber productname itemname commodity "
        "artikel artikelnr artikelnummer artikelid produkt produktid produktnummer produit produitid codeproduit "
        "producto idproducto articulo artculo prodotto codiceprodotto articolo artikelcode prodcode productno prodno "
        "itemno articleno partno partnumber isbn itemdescription productdescription description ean gtin barcode plu "
        "movieid bookid songid trackid gameid courseid"
    ),
    "quantity": (
        "quantity qty units count itemquantity productquantity purchasequantity unitssold menge anzahl quantite "
        "quantit cantidad aantal"
    ),
    "price": (
        "price unitprice salesprice salesvalue amount itemprice revenue value spend purchaseamount preis betrag prix "
        "precio prezzo"
    ),
    "category": (
        "category categoryid productcategory cat department departmentid aisle aisleid productsubclass subcategory "
        "productgroup productgroupname commoditydesc kategorie warengruppe categorie categoria"
    ),
}
DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y%m%d", "%m/%d/%y", "%d-%m-%Y")
COMPACT_DATES = (19000101, 21001231)
THREE = 3
MEASURED = {"quantity": "quantity", "price": "amount"}


@dataclass(frozen=True, kw_only=True)
class BasketColumns:
    """The names of a table's columns by what they are; None: the table has none."""

    customer: str
    item: str
    basket: str | None = None
    date: str | None = None
    quantity: str | None = None
    price: str | None = None
    category: str | None = None

    def told(self) -> dict[str, str]:
        """What was taken for what."""
        return {role: name for role, name in asdict(self).items() if name is not None}


def guess_columns(names: list[str], asked: Mapping[str, str | None], *, needs_order: bool = True) -> BasketColumns:
    """Columns by their names; what was asked for by name wins.

    A table of exactly three columns with names that say nothing is taken as customer, basket, item, in this order.

    Raises:
        BasketColumnsError: a column that was asked for is not there, or a needed one can't be told.
    """
    unknown = [name for name in asked.values() if name is not None and name not in names]
    if unknown:
        raise BasketColumnsError(missing=f"a column called {', '.join(unknown)}", columns=names)
    found = {role: asked.get(role) for role in ROLES}
    free = [name for name in names if name not in found.values()]
    for role in ROLES:
        if found[role] is None:
            found[role] = _likeliest(role, free)
            free = [name for name in free if name != found[role]]
    if len(names) == THREE and free:
        found = _by_place(found, names)
    missing = [role for role in ("customer", "item") if found[role] is None]
    if needs_order and found["basket"] is None and found["date"] is None:
        missing.append("basket or date")
    if missing:
        raise BasketColumnsError(missing=" and ".join(missing), columns=names)
    return BasketColumns(**found)  # type: ignore[arg-type]  # customer and item are there


def basket_lines(table: pl.DataFrame, columns: BasketColumns) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Lines as `models.next_basket.code_baskets` wants them, and what was left out or assumed.

    Args:
        table: text columns, as read.
        columns: what is what.

    Returns:
        `customer_id`, `product_id`, `basket` (sorts in time within a customer), `day`, `quantity`, `amount`, `category`
        as far as known; and counts of the lines without customer, item or order, and of returns, in words.
    """
    named = table.select(
        _identifier(columns.customer).alias("customer_id"),
        _identifier(columns.item).alias("product_id"),
        *[
            pl.col(name).cast(pl.String).str.strip_chars().alias(role)
            for role, name in columns.told().items()
            if role not in {"customer", "item"}
        ],
    ).with_row_index("line")
    told: dict[str, Any] = {"lines": named.height}
    present = named.filter(pl.col("customer_id").fill_null("").ne("") & pl.col("product_id").fill_null("").ne(""))
    told["without_customer_or_item"] = named.height - present.height
    lines = _measured(present)
    measured = MEASURED
    told["unreadable"] = [
        name for role, name in columns.told().items() if role in measured and measured[role] not in lines.columns
    ]
    if "quantity" in lines.columns:
        kept = lines.filter(pl.col("quantity").is_null() | (pl.col("quantity") > 0))
        told["returned_or_nothing"] = lines.height - kept.height
        lines = kept
    ordered, order = _ordered(lines)
    told |= {"without_order": lines.height - ordered.height, "order": order}
    wanted = ["customer_id", "product_id", "basket", "day", "quantity", "amount", "category"]
    return ordered.select([name for name in wanted if name in ordered.columns]), told


def _identifier(name: str) -> pl.Expr:
    """An identifier as text; "12.0", which a table with gaps makes of 12, is "12"."""
    return pl.col(name).cast(pl.String).str.strip_chars().str.replace(r"^(-?\d+)\.0+$", "$1")


def _likeliest(role: str, free: list[str]) -> str | None:
    wanted = NAMES[role].split()
    plain = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in reversed(free)}
    return next((plain[name] for name in wanted if name in plain), None)


def _by_place(found: dict[str, str | None], names: list[str]) -> dict[str, str | None]:
    """Customer, basket, item for three columns: a needed role without a column takes the one at its place, if free."""
    placed = dict(found)
    for role, name in zip(("customer", "basket", "item"), names, strict=True):
        ordered = role == "basket" and placed["date"] is not None
        if placed[role] is None and name not in placed.values() and not ordered:
            placed[role] = name
    return placed


def _measured(lines: pl.DataFrame) -> pl.DataFrame:
    """Quantities and amounts as numbers; a column in which nothing can be read as one is left out."""
    numbers = MEASURED
    made = [
        pl.col(raw).cast(pl.Float64, strict=False).alias(name) for raw, name in numbers.items() if raw in lines.columns
    ]
    read = lines.with_columns(made).drop("price", strict=False)
    empty = [name for name in numbers.values() if name in read.columns and read[name].null_count() == read.height]
    return read.drop(empty)


def _ordered(lines: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Lines with `basket` and, with dates, `day`; by what they were put in order, in words."""
    if "date" in lines.columns:
        dated = lines.with_columns(read_days(lines["date"]).alias("day")).drop_nulls("day")
        if dated.height:
            return _ordered_by_day(dated)
    ordered, by = _ordered_by_basket(lines)
    return ordered, f"{by} (no date could be read)" if "date" in lines.columns else by


def _ordered_by_basket(lines: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """The same without dates."""
    if "basket" not in lines.columns:
        return lines.clear().with_columns(pl.lit(None, pl.Int64).alias("basket")), "nothing"
    lines = lines.filter(pl.col("basket").fill_null("").ne(""))
    numbers = lines["basket"].cast(pl.Float64, strict=False)
    if not numbers.null_count():
        return lines.with_columns(numbers.alias("basket")), "basket number"
    days = read_days(lines["basket"])
    if not days.null_count():
        return lines.with_columns(days.alias("basket"), days.alias("day")), "date"
    return lines.with_columns(pl.col("line").min().over("customer_id", "basket").alias("basket")), "place in the file"


def _ordered_by_day(dated: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    if "basket" not in dated.columns:
        return dated.with_columns(pl.col("day").alias("basket")), "date: one basket a customer and date"
    identifier = pl.col("basket").fill_null("")
    number = pl.col("basket").cast(pl.Float64, strict=False).fill_null(0.0)
    together = dated.with_columns(pl.col("day").min().over("customer_id", identifier), number.alias("number"))
    return together.with_columns(
        pl.struct("day", "number", identifier.alias("name")).alias("basket")
    ), "date, then basket"


def read_days(texts: pl.Series) -> pl.Series:
    """Days since 1970, or as numbered, Float64 (fractions where there are times); null where unreadable."""
    numbers = texts.cast(pl.Float64, strict=False)
    if texts.len() and not (numbers.is_null() & texts.is_not_null()).any():
        low, high = COMPACT_DATES
        if not numbers.drop_nulls().is_between(low, high).all():
            return numbers
    first = texts.str.slice(0, 10).str.strip_chars()
    tried = [first.str.to_date(form, strict=False) for form in DATE_FORMATS]
    tried += [texts.str.split(" ").list.first().str.to_date(form, strict=False) for form in DATE_FORMATS]
    best = max(tried, key=lambda days: days.len() - days.null_count())
    clock = texts.str.extract(r"[T ](\d{1,2}:\d{2}(?::\d{2})?)", 1).str.split(":")
    seconds = sum(
        (clock.list.get(place, null_on_oob=True).cast(pl.Float64, strict=False).fill_null(0.0) * size)
        for place, size in ((0, 3600.0), (1, 60.0), (2, 1.0))
    )
    return best.cast(pl.Int32).cast(pl.Float64) + seconds / 86400.0
