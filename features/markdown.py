"""The catalogue as a page of documentation (`docs/features.md`), generated from the code."""

from features.catalogue import FAMILIES
from features.feature import Feature

_HEAD = """# Features

Generated from the code (`features.catalogue_markdown`); don't edit by hand.

Each feature is as of a *snapshot*: a business date S in the company's time zone. A row counts when it had happened
and was known before the first instant of S. A *purchase* is an order whose lines sum above zero; net amounts count
every line, returns too. A window of n days is [S - n, S). Money is in integer minor units. There is one row for every
customer with a purchase or a subscription before S; of a subscriber who never bought, sums and counts of orders are 0
and other features of orders are null. Features whose entities or columns are absent drop out.

A core table may keep several versions of a row: the one counts that was known before S (`known_at`) and not superseded
before it (`superseded_at`). What a row says of later days (an invoice's payment, a ticket's settlement, an answer)
counts once that day lies before S.

Looking at one customer's features, and proving on your own data that none of this is broken:
[Looking and proving](proving_features.md). Adding features of your own, and extra attributes of customers:
[Your own features](own_features.md).
"""


def catalogue_markdown() -> str:
    """Every feature there is, family by family, as Markdown."""
    parts = [_HEAD]
    for family in FAMILIES:
        parts.append(f"\n## {family.name}\n\n{family.about}\n\n")
        parts.append(
            "| feature | meaning | unit | type | null means | needs | window |\n|---|---|---|---|---|---|---|\n"
        )
        parts.extend(_row(feature) for feature in family.features)
    return "".join(parts)


def _row(feature: Feature) -> str:
    window = "" if feature.window_days is None else f"{feature.window_days} d"
    cells = [
        f"`{feature.name}`",
        feature.meaning,
        feature.unit,
        feature.dtype.__name__,
        feature.null_means,
        ", ".join(f"`{need}`" for need in feature.needs),
        window,
    ]
    return f"| {' | '.join(cells)} |\n"
