from datetime import date, timedelta

import polars as pl
import pytest

from data_contracts.orders import snapshot_instant
from models.next_offer.bought import code_lines
from models.next_offer.errors import TooLittleOfferHistoryError
from models.next_offer.examples import Examples, Past, customers_asked, examples_at
from models.next_offer.options import OfferOptions
from models.next_offer.training_sets import gather, snapshot_dates, with_hits

AS_OF = date(2024, 7, 1)


def past_of(orders):
    return Past(code_lines(orders, before=snapshot_instant(AS_OF, time_zone="UTC")), None, AS_OF, "UTC")


@pytest.mark.parametrize(("history_days", "missing"), [(10, "170 days"), (179, "1 days"), (0, "180 days")])
def test_too_short_a_history_says_how_much_is_missing(make_orders, history_days, missing):
    orders = make_orders(("a", "x", history_days)) if history_days else make_orders()
    with pytest.raises(TooLittleOfferHistoryError) as caught:
        snapshot_dates(past_of(orders), OfferOptions())
    assert caught.value.missing == missing
    assert caught.value.exit_code == 3


def test_too_few_buyers_says_how_many(make_orders):
    with pytest.raises(TooLittleOfferHistoryError, match="too few customers") as caught:
        gather(past_of(make_orders(("a", "x", 3), ("a", "x", 250))), OfferOptions(), seed=1)
    assert caught.value.has == "1 buyers"


def test_windows_stand_apart_and_end_before_training(make_orders):
    dates = snapshot_dates(past_of(make_orders(("a", "x", 181))), OfferOptions())
    assert dates == [date(2024, 6, 1), date(2024, 5, 2), date(2024, 4, 2)]


def test_learning_validation_and_test_go_forward_in_time(simulated_shop):
    sets = gather(past_of(simulated_shop), OfferOptions(), seed=1)
    assert sets.stopping_dates == sets.dates[1:3]
    assert (sets.test.snapshot, sets.calibration.snapshot) == tuple(sets.dates[:2])
    assert sets.learning["query"].n_unique() < sets.everything["query"].n_unique()
    for frame in (sets.learning, sets.stopping, sets.everything):
        together = frame["query"].rle().struct.field("value")
        assert together.n_unique() == len(together)
    assert sets.everything.head(sets.learning.height).equals(sets.learning)


def test_training_is_stopped_by_all_rows_of_customers_with_a_hit(simulated_shop):
    frame = pl.DataFrame({"customer": [1, 1, 2, 2, 3], "product": [5, 6, 5, 6, 5], "bought": [0, 1, 0, 0, 1]})
    examples = Examples(AS_OF, frame, frame.filter(pl.col("bought") == 1), frame.select("product").unique())
    assert with_hits(examples)["customer"].to_list() == [1, 1, 3]
    sets = gather(past_of(simulated_shop), OfferOptions(), seed=1)
    expected = with_hits(sets.calibration)
    assert sets.stopping.tail(expected.height).drop("query").equals(expected)


def test_the_truth_of_a_snapshot_is_what_was_bought_in_its_window(simulated_shop):
    past = past_of(simulated_shop)
    sets = gather(past, OfferOptions(), seed=1)
    start = snapshot_instant(sets.test.snapshot, time_zone="UTC")
    bought = past.coded.lines.filter(pl.col("ordered_at") >= start).select("customer", "product").unique()
    assert sets.test.truth.sort("customer", "product").equals(bought.sort("customer", "product"))


def test_of_many_customers_some_are_asked_about_and_only_their_purchases_are_the_truth(simulated_shop):
    past, day = past_of(simulated_shop), AS_OF - timedelta(days=30)
    everybody, some = (examples_at(past, day, OfferOptions(customers_per_snapshot=count)) for count in (120, 40))
    asked = some.frame["customer"].unique()
    assert len(asked) == 40
    assert some.frame.equals(everybody.frame.filter(pl.col("customer").is_in(asked.implode())))
    assert some.truth.equals(everybody.truth.filter(pl.col("customer").is_in(asked.implode())))
    assert some.truth.height > 0


@pytest.mark.parametrize(("buyers", "asked"), [(40_000, 10_000), (10_000, 15_000), (1_000, 30_000), (0, 30_000)])
def test_the_fewer_buy_the_more_are_asked_about(buyers, asked):
    assert customers_asked(50_000, buyers, OfferOptions()) == asked


def test_of_many_buyers_some_are_learnt_from(simulated_shop):
    past, day = past_of(simulated_shop), AS_OF - timedelta(days=30)
    everybody, some = (
        examples_at(past, day, OfferOptions(buyers_asked=count), only_buyers=True).frame for count in (120, 20)
    )
    asked = some["customer"].unique()
    assert len(asked) == 20 < everybody["customer"].n_unique()
    assert some.equals(everybody.filter(pl.col("customer").is_in(asked.implode())))
