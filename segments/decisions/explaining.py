"""Why an offer was chosen, why another lost, and what one more of each limit would bring, in words.

Belongs here: words and the table of shadow prices. Does not: the choice.
"""

from datetime import date

import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.decisions.choosing import Choice
from segments.decisions.values import RESPONSE
from segments.money import Currency, amount_dtype, to_major_units
from segments.numbers_in_words import money_in_words

NOT_DRAWN = "the customer gets another offer, drawn by lot to learn from"
MONEY_STEPS = (100, 1_000, 10_000, 100_000)  # major units: the first that is a tenth of the limit or more


def with_reasons(told: pl.DataFrame, *, currency: Currency) -> pl.DataFrame:
    """Every candidate with `why` (String): why it was chosen, or by what it lost.

    Args:
        told: all candidates of some customers, see `Choice.told`; they need `offer_name` and `evidence`; without
            `cost_is_known` all costs are.
        currency: of the amounts.
    """
    key = ["customer_id"]
    winners = (
        told.filter("chosen")
        .sort("gain_amount", "offer_id", "channel", descending=[True, False, False])
        .group_by(key, maintain_order=True)
        .agg(
            pl.first("offer_name").alias("__winner"),
            pl.min("gain_amount").alias("__least_gain"),
            pl.first("gain_amount").alias("__winner_gain"),
        )
    )
    assumed = {"held_out": False, "cost_is_known": True}
    rows = told.with_columns(pl.lit(value).alias(name) for name, value in assumed.items() if name not in told.columns)
    rows = rows.join(winners, on=key, how="left", validate="m:1", maintain_order="left")
    money = {
        name: money_in_words(pl.col(column).round(0).cast(pl.Int64), currency)
        for name, column in (("gain", "gain_amount"), ("price", "price_amount"), ("winner", "__winner_gain"))
    }
    money["loss"] = money_in_words(-pl.col("gain_amount"), currency)
    why = (
        pl.when(pl.col("held_out") & pl.col("usual"))
        .then(pl.format("not open: {}; it would be made otherwise", "blocked"))
        .when(pl.col("blocked").is_not_null())
        .then(pl.format("not open: {}", "blocked"))
        .when(pl.col("chosen") & pl.col("by_lot"))
        .then(pl.format("drawn by lot, to learn from; its expected value: {}", money["gain"]))
        .when("by_lot")
        .then(pl.lit(NOT_DRAWN))
        .when("chosen")
        .then(_chosen(money["gain"], money["loss"]))
        .when(pl.col("gain_amount") <= 0)
        .then(_worth_nothing(money["gain"]))
        .when(pl.col("__winner").is_not_null() & (pl.col("gain_amount") <= pl.col("__winner_gain")))
        .then(_beaten(money["winner"], money["gain"]))
        .when(pl.col("dearest_limit").is_not_null())
        .then(
            pl.format(
                "would bring {}, but what it takes of {} brings {} elsewhere",
                money["gain"],
                "dearest_limit",
                money["price"],
            )
        )
        .otherwise(pl.lit("another offer took the customer's place"))
    )
    return rows.with_columns(why.alias("why")).drop("__winner", "__least_gain", "__winner_gain")


def _beaten(winner: pl.Expr, gain: pl.Expr) -> pl.Expr:
    """What is said of an offer in whose place another was chosen."""
    return (
        pl.when(winner == gain)
        .then(pl.format("{} brings as much ({})", "__winner", gain))
        .otherwise(pl.format("{} brings more ({} against {})", "__winner", winner, gain))
    )


def _worth_nothing(gain: pl.Expr) -> pl.Expr:
    """What is said of an offer without a gain; of a cost that is not known nothing is said to be more than anything."""
    return (
        pl.when(~pl.col("cost_is_known"))
        .then(pl.format("brings nothing ({}), even before its cost, which is not known", gain))
        .when(pl.col("gain_amount") == 0)
        .then(pl.format("brings no more than it costs ({})", gain))
        .otherwise(pl.format("costs more than it brings ({})", gain))
    )


def _chosen(gain: pl.Expr, loss: pl.Expr) -> pl.Expr:
    """What is said of a chosen offer; a gain that is no measured effect is not told as one."""
    forced = pl.format("chosen to keep a minimum, though it costs {} more than it brings", loss)
    unknown = pl.when("cost_is_known").then(pl.lit("")).otherwise(pl.lit(", before its cost, which is not known"))
    measured = pl.format("chosen: expected to bring {} more than doing nothing{}", gain, unknown)
    after = pl.when("cost_is_known").then(pl.lit(" after its cost")).otherwise(unknown)
    response = pl.format("chosen: {} expected from them{}, how much of it anyway is not measured", gain, after)
    return (
        pl.when(pl.col("gain_amount") < 0)
        .then(forced)
        .when(pl.col("evidence") == RESPONSE)
        .then(response)
        .otherwise(measured)
    )


def best_losers(reasoned: pl.DataFrame) -> pl.DataFrame:
    """For each customer the candidate not chosen that would have brought most, blocked ones included.

    Returns:
        `customer_id`, `best_loser` (its name), `best_loser_why`.
    """
    lost = reasoned.filter(~pl.col("chosen")).sort(
        "customer_id", "gain_amount", "offer_id", "channel", descending=[False, True, False, False]
    )
    return lost.group_by("customer_id", maintain_order=True).agg(
        pl.first("offer_name").alias("best_loser"), pl.first("why").alias("best_loser_why")
    )


def shadow_price_contract(currency: Currency) -> OutputContract:
    """The contract of `segments.offer_shadow_prices`."""
    amount = amount_dtype(currency)
    return OutputContract(
        table="offer_shadow_prices",
        key=("rule",),
        columns=(
            OutputColumn("rule", pl.String, meaning="The rule over all customers, in words."),
            OutputColumn("as_of", pl.Date, meaning="The business date this row is true for: nothing later was used."),
            OutputColumn("used", amount, meaning="How much of it the chosen offers use: money, or contacts."),
            OutputColumn("most", amount, meaning="How much there is; of a minimum how much is asked for."),
            OutputColumn(
                "one_more_brings", amount, minimum=0, meaning="What one step more would bring, at the margin."
            ),
            OutputColumn("step", amount, minimum=0, meaning="The step: one contact, or an amount of money."),
            OutputColumn("in_words", pl.String, meaning="The same as a sentence."),
            OutputColumn("currency", pl.String, allowed=(currency.code,), meaning="Currency of the amounts."),
            OutputColumn("run_key", pl.String, meaning="The run that published this row."),
        ),
        volatile=("run_key",),
        meaning="What one more contact, one more in stock or more budget would bring. Empty where no rule limits the "
        "choice over all customers.",
        may_be_empty=True,
    )


def shadow_prices(choice: Choice, *, as_of: date, currency: Currency, run_key: str) -> pl.DataFrame:
    """The rows of `segments.offer_shadow_prices`, in the order of the rules' names."""
    scale = 10**currency.exponent
    rows = []
    for place, limit in enumerate(choice.rules.limits):
        price = 0.0 if choice.allocation is None else float(choice.allocation.prices.of_limits[place])
        used = float(choice.used[place])
        is_money, sign = limit.unit == "money", -1.0 if limit.is_minimum else 1.0
        step = _step(limit.most / scale) * scale if is_money else 1
        rows.append(
            {
                "rule": limit.name,
                "used": round(sign * used) if is_money else round(sign * used * scale),
                "most": round(sign * limit.most) if is_money else round(sign * limit.most * scale),
                "one_more_brings": round(price * step),
                "step": step if is_money else scale,
                "is_money": is_money,
                "is_minimum": limit.is_minimum,
            }
        )
    schema = {"rule": pl.String, **dict.fromkeys(("used", "most", "one_more_brings", "step"), pl.Int64)}
    frame = pl.DataFrame(rows, schema=schema | {"is_money": pl.Boolean, "is_minimum": pl.Boolean})
    told = frame.with_columns(_in_words(currency), pl.lit(as_of).alias("as_of"), pl.lit(run_key).alias("run_key"))
    amounts = [to_major_units(pl.col(name), currency) for name in ("used", "most", "one_more_brings", "step")]
    told = told.with_columns(*amounts, pl.lit(currency.code).alias("currency"))
    return told.select(shadow_price_contract(currency).names).sort("rule")


def _step(most_major: float) -> int:
    return next((step for step in MONEY_STEPS if step * 10 >= most_major), MONEY_STEPS[-1])


def _in_words(currency: Currency) -> pl.Expr:
    brings = money_in_words(pl.col("one_more_brings"), currency)
    more = pl.format("another {} of {} brings about {}", money_in_words(pl.col("step"), currency), "rule", brings)
    one = pl.format("{}: one more is worth {}", "rule", brings)
    fewer = pl.format("{}: each of them costs {} of gain elsewhere", "rule", brings)
    idle = pl.format("{}: there is more than is of use", "rule")
    met = pl.format("{}: is met without asking", "rule")
    nothing = pl.col("one_more_brings") == 0
    return (
        pl.when(nothing & pl.col("is_minimum"))
        .then(met)
        .when(nothing)
        .then(idle)
        .when("is_money")
        .then(more)
        .when("is_minimum")
        .then(fewer)
        .otherwise(one)
        .alias("in_words")
    )
