"""A night's decisions: offers under the rules, whom to save, to win back, to upgrade, to serve by the standard process.

Belongs here: putting the pieces together, in order. Does not: any rule (`segments.decisions`), publishing (`night`).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.decisions.facts import Decided, gather_night
from flows.decisions.lists import decided_lists, subscribers_to_save
from flows.decisions.offers import decided_by_choice
from flows.nights.scoring import Scores
from segments.build import SegmentTables

NO_OFFERS = "there are no orders, or but one product: nothing to choose from"
NO_ORDERS = "there are no orders: no margins to reckon with"


def decide_night(
    context: Context,
    *,
    core: CoreTables,
    as_of: date,
    scores: Scores,
    tables: SegmentTables,
    run_key: str,
    tick: Callable[[], None],
) -> Decided:
    """Every decision of the night that the data allow.

    Args:
        context: the surroundings.
        core: the load.
        as_of: the business date.
        scores: of the night.
        tables: the segment tables, as `make_segments` gives them.
        run_key: the run that publishes.
        tick: called once.
    """
    night = gather_night(context, core, (scores, tables), as_of=as_of, run_key=run_key)
    if "orders" not in core.entities:
        saved = subscribers_to_save(night)
        others = ("winback_list", "standard_service", "upgrade_path", "offer_shadow_prices")
        return replace(saved, left_out=dict.fromkeys(others, NO_ORDERS))
    made = [decided_lists(night, scores)]
    if scores.offers is None:
        made.append(Decided(left_out={"offer_shadow_prices": NO_OFFERS}))
    else:
        made.append(decided_by_choice(night, tables))
    tick()
    facts = {
        "margin_share": round(night.margin_share, 4),
        "margin_is": "measured" if night.margin_measured else "assumed: order lines have no cost",
        "effects": {"in_words": night.effects.words, **night.effects.facts},
    }
    return Decided(
        tables={name: table for one in made for name, table in one.tables.items()},
        left_out={name: why for one in made for name, why in one.left_out.items()},
        facts={key: value for one in made for key, value in one.facts.items()} | facts,
    )
