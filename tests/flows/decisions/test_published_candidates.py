from datetime import date

import polars as pl

from flows.decisions.published_candidates import with_other_channels


def test_an_offer_can_be_made_by_the_channels_that_the_table_does_not_show():
    rows = pl.DataFrame(
        [
            ("a", "lamp", "e-mail", 98, 2, None),
            ("b", "lamp", "e-mail", 48, 2, None),
            ("c", "lamp", "e-mail", 8, 2, "no"),
        ],
        schema=["customer_id", "offer_id", "channel", "gain_amount", "cost_amount", "blocked"],
        orient="row",
    ).with_columns(cost_is_known=True)
    recent = pl.DataFrame({"customer_id": ["b"], "channel": ["letter"], "contacts": [2]})
    costs = pl.DataFrame({"channel": ["e-mail", "letter"], "cost_amount": [2, 60], "cost_is_known": [True, False]})
    told = with_other_channels(rows, costs, recent, {"letter": 2}, period_days=30, as_of=date(2026, 1, 1))
    assert told.head(3).equals(rows)
    assert told["cost_is_known"].to_list() == [True] * 3 + [False] * 3
    letters = told.tail(3).drop("blocked", "cost_is_known").rows()
    assert letters == [
        ("a", "lamp", "letter", 40, 60),
        ("b", "lamp", "letter", -10, 60),
        ("c", "lamp", "letter", -50, 60),
    ]
    tired = "the customer had 2 contacts by letter in the last 30 days, at most 2 are allowed"
    assert told.tail(3)["blocked"].to_list() == [None, tired, "no"]
