"""When customers order next: learnt from everybody's purchase days, kept with the churn model.

Belongs here: the step of a training. Does not: the curves themselves (`models.purchases.next_order`).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from flows.buckets.core_tables import CoreTables
from flows.context import Context
from models.purchases import next_order

if TYPE_CHECKING:
    from models.bundle import Bundle

Tick = Callable[[], None]


def learn_rhythms(
    context: Context,  # noqa: ARG001 every step is handed one
    *,
    core: CoreTables,
    bundle: "Bundle",
    as_of: date,
    tick: Tick,
) -> "Bundle":
    """The churn bundle with the curves of silences beside it."""
    tick()
    curves = next_order.fit_next_order(core.orders(), as_of=as_of, time_zone=core.time_zone)
    return replace(bundle, files=bundle.files | {next_order.FILE: curves.file()})
