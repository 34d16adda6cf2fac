"""Small exact statistics for tables: intervals of shares, differences between groups, distance of distributions.

Belongs here: formulas over a few numbers, without heavy libraries. Does not: counting.
"""

import math
from collections.abc import Sequence

import polars as pl

Z_95 = 1.959963984540054
_SMALLEST_SHARE = 1e-4


def share_interval(hits: int, of: int) -> tuple[float | None, float | None]:
    """95 % interval of a share; (None, None) where there is nothing to count.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
    """
    if of == 0:
        return None, None
    share, spread = hits / of, Z_95**2 / of
    middle = (share + spread / 2) / (1 + spread)
    half = Z_95 / (1 + spread) * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def clustered_share_interval(counts: pl.DataFrame) -> tuple[float | None, float | None]:
    """95 % interval of a share of things that belong to customers: customers vary, not things one by one.

    The linearised variance of a ratio: Cochran, "Sampling Techniques", 3rd edition, 1977, section 6.4.

    Args:
        counts: two columns, hits (any number) and things (Int64, above 0); one row a customer.

    Returns:
        (None, None) where there is nobody; where nobody or everybody hits, Wilson's interval over customers.
    """
    hits, things = counts.columns
    total, of = float(counts[hits].sum()), float(counts[things].sum())
    if counts.height == 1:
        return share_interval(int(total), int(of))
    if not 0 < total < of:
        return share_interval(counts.height if total else 0, counts.height)
    share, customers = total / of, counts.height
    squares = counts.select(((pl.col(hits) - pl.col(things) * share) ** 2).sum()).item()
    half = Z_95 * math.sqrt(squares * customers / (customers - 1)) / of
    return max(0.0, share - half), min(1.0, share + half)


def stratified_difference(
    strata: Sequence[tuple[int, int, int, int]],
) -> tuple[float, float, float, float] | None:
    """Share of one group minus that of its like, stratum by stratum, weighted by the group.

    Variances use (hits + 1) / (n + 2), so that a stratum where all or none did it is not taken for certain (Agresti and
    Caffo, "Simple and effective confidence intervals", The American Statistician 54, 2000).

    Args:
        strata: (hits, of) of the group and (hits, of) of its like; strata without either are left out.

    Returns:
        The like's share, the difference and its 95 % interval; None where there is no stratum with both.
    """
    usable = [one for one in strata if one[1] > 0 and one[3] > 0]
    total = sum(of for _, of, _, _ in usable)
    if not total:
        return None
    like = difference = variance = 0.0
    for hits, of, like_hits, like_of in usable:
        weight = of / total
        like += weight * like_hits / like_of
        difference += weight * (hits / of - like_hits / like_of)
        spread = sum((p := (h + 1) / (n + 2)) * (1 - p) / (n + 2) for h, n in ((hits, of), (like_hits, like_of)))
        variance += weight**2 * spread
    half = Z_95 * math.sqrt(variance)
    return like, difference, max(-1.0, difference - half), min(1.0, difference + half)


def stability_index(new: Sequence[float], old: Sequence[float]) -> float:
    """Population stability index Σ (n - o) ln(n / o) of two distributions over the same classes; 0 is no change."""
    pairs = [(max(n, _SMALLEST_SHARE), max(o, _SMALLEST_SHARE)) for n, o in zip(new, old, strict=True)]
    return sum((n - o) * math.log(n / o) for n, o in pairs)
