import polars as pl

from segments.standing.cell_policies import DEFAULT_POLICIES, policy_table
from segments.standing.concentration import concentration
from segments.standing.fates import fate, yearly_churn
from segments.standing.portfolio import fate_counts
from segments.standing.rules import SegmentationRules
from segments.standing.value_matrix import value_matrix
from segments.statistics import share_interval

RULES = SegmentationRules(matrix_top_share=0.5)
ROWS = pl.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d", "gone"],
        "customer_status": ["active"] * 4 + ["lapsed"],
        "contribution_12m": [900, 500, 20, -10, 0],
        "net_sales_12m": [1800, 1000, 40, 10, 0],
        "expected_value_12m": [800, 100, 700, 5, None],
    }
)


def test_cells_by_current_and_potential_value():
    made = value_matrix(ROWS, rules=RULES)
    assert made["matrix_cell"].to_list() == ["key", "maintain", "develop", "standard", "inactive"]
    assert made["is_rising"].to_list() == [False, False, True, False, False]


def test_who_brings_nothing_is_never_high_and_order_leaves_no_trace():
    nothing = ROWS.with_columns(pl.lit(0).alias("contribution_12m"), pl.lit(0).alias("expected_value_12m"))
    assert set(value_matrix(nothing, rules=RULES)["matrix_cell"]) == {"standard", "inactive"}
    turned = value_matrix(ROWS.reverse(), rules=RULES).sort("customer_id")
    assert turned.equals(value_matrix(ROWS, rules=RULES).sort("customer_id"))


def test_policies_say_for_how_many_they_are():
    rows = value_matrix(ROWS, rules=RULES).join(ROWS, on="customer_id")
    table = policy_table(rows, policies={"key": DEFAULT_POLICIES["standard"]})
    assert table["customers"].to_list() == [1, 1, 1, 1, 1]
    assert table["owner"][0] == DEFAULT_POLICIES["standard"].owner
    assert table["expected_value_12m"].sum() == 1605


def test_the_curve_ends_at_everything_and_counts_losses_as_nothing():
    curve = concentration(ROWS).filter(measure="contribution_12m")
    assert curve["value_share"].to_list()[-1] == 1.0
    assert curve["value"].to_list()[-1] == 1420
    assert curve.filter(top_share=0.2)["value"].to_list() == [900]
    none = concentration(ROWS.with_columns(pl.lit(None, pl.Int64).alias("expected_value_12m")))
    assert "expected_value_12m" not in none["measure"].to_list()


def test_fates_and_churn_against_what_is_natural():
    rows = pl.DataFrame(
        {
            "customer_id": list("abcdef"),
            "lifecycle": ["mature", "mature", "mature", "dormant", "lost", "lost"],
            "referral_count": [None, 3, 0, 9, 9, 0],
            "contribution_12m": [5, -1, -1, 5, 5, 5],
            "expected_value_12m": [1, None, None, None, None, None],
            "purchase_trend_365_days": [0.0, 0.0, 1.0, -1.0, -1.0, -1.0],
        },
        schema_overrides={"expected_value_12m": pl.Int64},
    )
    told = rows.with_columns(fate(let_go={"f"}).alias("fate"))
    assert told["fate"].to_list() == ["flour", "seed", "unprofitable", "stored", "lost", "let go"]
    assert fate_counts(told)["customers"].to_list() == [1] * 6
    churn = yearly_churn(told, rules=SegmentationRules()).row(0, named=True)
    assert (churn["customers_a_year_ago"], churn["lost_customers"], churn["let_go_customers"]) == (5, 1, 1)
    assert (churn["churn_share"], churn["verdict"]) == (0.25, "natural")
    many = pl.concat([told.filter(pl.col("fate") == "lost")] * 50)
    assert yearly_churn(many, rules=SegmentationRules())["verdict"].to_list() == ["above natural"]
    assert yearly_churn(told.clear(), rules=SegmentationRules())["verdict"].to_list() == ["not known yet"]


def test_the_interval_of_a_share_is_wilsons():
    low, high = share_interval(1, 10)
    assert (round(low, 4), round(high, 4)) == (0.0179, 0.4042)
