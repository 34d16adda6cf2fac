"""Next offers where there are too few finished windows to learn a ranking from: the baseline, calibrated on one.

Belongs here: the stand-in bundle. Does not: when it is called for (the flows), the baseline itself (`baseline`).
"""

from dataclasses import asdict
from datetime import date, timedelta

import polars as pl

from data_contracts.orders import snapshot_instant
from models.bundle import Bundle
from models.judging.grading import FITTED_WITHOUT_OUTCOMES, UNGRADED_WORDS
from models.next_offer.baseline import baseline_score
from models.next_offer.bought import code_lines
from models.next_offer.category_curve import fit_category_curve, in_category
from models.next_offer.examples import Examples, Past, examples_at
from models.next_offer.facts import product_categories
from models.next_offer.options import OfferOptions
from models.next_offer.probability import fit_calibration, purchase_probabilities
from models.next_offer.ranking import BRAND_FILE, CALIBRATION_FILE, CATEGORY_FILE

FEWEST_BUYERS = 10  # of a product among their candidates, in the window
RULE = "products by orders in the last 365 days, ties and the rest by buyers in the last window"


def stand_in_offers(
    orders: pl.LazyFrame,
    products: pl.LazyFrame | None,
    *,
    as_of: date,
    time_zone: str,
    window_days: int,
    active_within_days: int,
    why: str,
) -> Bundle:
    """What the customer bought most, then what is popular; its probabilities are of the latest window.

    Args:
        orders: core order lines of all customers.
        products: core products, or None; used for categories and brands.
        as_of: nothing unknown on this date is used.
        time_zone: the company's.
        window_days: "next" means within so many days.
        active_within_days: who is asked about.
        why: no ranking was learnt, in words.

    Returns:
        Bundle `next_offer`, method `baseline`; without a calibration where fewer than ten customers bought one of their
        candidates in the latest window: nothing is offered then.
    """
    options = OfferOptions(window_days=window_days, active_within_days=active_within_days)
    coded = code_lines(orders, before=snapshot_instant(as_of, time_zone=time_zone))
    categories = product_categories(products, as_of=as_of, time_zone=time_zone)
    brands = product_categories(products, as_of=as_of, time_zone=time_zone, column="brand")
    past = Past(coded, categories, as_of, time_zone, brands)
    latest = examples_at(past, as_of - timedelta(days=window_days), options)
    buyers = latest.frame.filter(pl.col("bought") == 1)["customer"].n_unique()
    return Bundle(
        name="next_offer",
        method="baseline",
        trained_as_of=as_of,
        features=(),
        files=_curves(past, latest) if buyers >= FEWEST_BUYERS else {},
        parameters={
            "options": asdict(options),
            "calibrated_on": latest.snapshot.isoformat(),
            "has_categories": categories is not None,
            "baseline": RULE,
        },
        metrics={FITTED_WITHOUT_OUTCOMES: 1.0},
        reasons=(f"{UNGRADED_WORDS}: {why}",),
    )


def can_offer(bundle: Bundle) -> bool:
    """Whether a bundle says how likely its offers are; one of a company without enough buyers doesn't."""
    return CALIBRATION_FILE in bundle.files


def _curves(past: Past, latest: Examples) -> dict[str, bytes]:
    """From the baseline's score to probabilities, of products and of what they belong to."""
    scores = baseline_score(latest.frame).to_numpy()
    calibration = fit_calibration(latest.frame, scores, latest.frame["bought"].cast(pl.Float64).to_numpy())
    files = {CALIBRATION_FILE: calibration.to_json()}
    probabilities = pl.Series("purchase_probability", purchase_probabilities(calibration, latest.frame, scores))
    scored = latest.frame.select("customer", "product", probabilities)
    for name, groups in ((CATEGORY_FILE, past.categories), (BRAND_FILE, past.brands)):
        if groups is not None:
            named = in_category(scored, past.coded.product_ids, groups)
            files[name] = fit_category_curve(named, latest.truth_categories(past, groups)).to_json()
    return files
