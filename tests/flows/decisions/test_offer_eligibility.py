import polars as pl
import pytest

from flows.decisions.offer_eligibility import conditions_of, with_eligibility

CUSTOMERS = pl.DataFrame({"customer_id": ["a", "b"], "value_tier": ["gold", "lead"], "region": ["North", None]})
CANDIDATES = pl.DataFrame(
    [(who, offer) for who in ("a", "b") for offer in ("north", "all", "odd", None)],
    schema={"customer_id": pl.String, "declared_offer_id": pl.String},
    orient="row",
)


def test_an_offer_is_made_to_those_it_is_for_and_to_nobody_where_that_can_not_be_read():
    offers = pl.DataFrame(
        {
            "offer_id": ["north", "all", "odd", "none"],
            "eligibility": ["value_tier = gold AND region = North", " All customers", "friends of the house", None],
        }
    )
    told = with_eligibility(CANDIDATES, offers, CUSTOMERS)
    assert told.drop("not_eligible").equals(CANDIDATES)
    odd = "the offer is for 'friends of the house', which can't be read as conditions on customers"
    north = "the offer is only for value_tier = gold AND region = North"
    assert told["not_eligible"].to_list() == [None, None, odd, None, north, None, odd, None]


@pytest.mark.parametrize(
    ("words", "conditions"),
    [
        ("region = 'Tyne and Wear' and tier=gold", ["region = 'Tyne and Wear'", "tier=gold"]),
        ('region != "a; b AND c";age_years >= 18', ['region != "a; b AND c"', "age_years >= 18"]),
        ("region = Land's End and town = King's Lynn", ["region = Land's End", "town = King's Lynn"]),
        ("region = Tyne and Wear", ["region = Tyne", "Wear"]),  # can't be read, so the offer is nobody's
    ],
)
def test_a_quoted_value_stays_whole(words, conditions):
    assert conditions_of(words) == conditions


def test_without_words_everybody_may_have_everything():
    for offers in (
        None,
        pl.DataFrame({"offer_id": ["north"]}),
        pl.DataFrame({"offer_id": ["x"], "eligibility": [None]}),
    ):
        assert with_eligibility(CANDIDATES, offers, CUSTOMERS)["not_eligible"].null_count() == CANDIDATES.height
