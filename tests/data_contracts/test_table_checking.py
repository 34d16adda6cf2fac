from datetime import date

import pytest

from data_contracts.contracts import core_contract
from data_contracts.errors_table_rules import AcceptedRuleUnknownError, TableRuleBrokenError
from data_contracts.profiles import ColumnProfile, Profile
from data_contracts.rule_forms import TableRule
from data_contracts.table_checking import (
    LOOK_BACK_LOADS,
    TableChecks,
    Verdict,
    accepted_rules,
    expected,
    judge_table,
    refuse_broken,
    refuse_unknown_acceptances,
)

ROWS = "order_rows_are_as_many_as_usual"
RULES = core_contract("orders").table_rules


def load(rows, *, accepted=()):
    return Profile(
        rows=rows,
        loaded_on=date(2024, 6, 1),
        first_day=date(2024, 5, 31),
        rows_by_day=(rows,),
        columns={"amount": ColumnProfile(nulls=0)},
        accepted=accepted,
    )


def judged(rows, *earlier, accepted=()):
    checks = TableChecks(earlier={"orders": earlier}, accepted=accepted)
    return {result.rule: result for result in judge_table("orders", load(rows), RULES, checks)}


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [(600, "kept"), (599, "broken"), (10_000, "kept"), (10_001, "broken"), (0, "broken")],
)
def test_a_fall_by_two_fifths_and_a_tenfold_rise_are_broken(rows, verdict):
    assert judged(rows, load(1000))[ROWS].verdict == verdict


def test_a_first_load_is_held_against_nothing():
    assert judged(7)[ROWS].verdict is Verdict.not_judged
    refuse_broken(judged(7).values())


def test_rules_about_columns_without_a_source_are_left_out():
    assert "order_amount_is_distributed_as_before" in judged(1000)
    assert "order_channel_has_no_new_values" not in judged(1000)


def test_a_broken_critical_rule_blocks_and_says_what_to_do():
    with pytest.raises(TableRuleBrokenError) as caught:
        refuse_broken(judged(100, load(1000)).values())
    facts = caught.value.facts()
    assert caught.value.exit_code == 3
    assert "orders" in facts["where"]
    assert "100 rows, 0.10 times the usual 1,000" in facts["got"]
    assert "at least 0.6 and at most 10 times the usual number of rows" in facts["expected"]
    assert f"--accept {ROWS}" in facts["action"]


@pytest.mark.parametrize("name", [ROWS, f"orders.{ROWS}"])
def test_an_accepted_rule_blocks_nothing_and_is_remembered(name):
    results = judged(100, load(1000), accepted=(name,)).values()
    refuse_broken(results)
    assert accepted_rules(results, "orders") == (ROWS,)
    assert accepted_rules(judged(1000, load(1000), accepted=(name,)).values(), "orders") == ()


def test_what_was_accepted_is_what_later_loads_are_held_against():
    before = [load(1000)] * 4
    assert judged(100, load(100), *before)[ROWS].verdict is Verdict.broken
    assert judged(100, load(100, accepted=(ROWS,)), *before)[ROWS].verdict is Verdict.kept
    assert judged(1000, load(50, accepted=(ROWS,)), *before)[ROWS].verdict is Verdict.broken


def test_only_the_last_loads_count():
    assert judged(100, *[load(100)] * LOOK_BACK_LOADS, *[load(1000)] * 50)[ROWS].verdict is Verdict.kept


def test_a_warning_blocks_nothing():
    rule = TableRule(name="few", measure="rows_ratio", at_most=0.5, meaning="x")
    results = judge_table("orders", load(10), [rule], TableChecks(earlier={"orders": [load(10)]}))
    assert results[0].verdict is Verdict.broken
    refuse_broken(results)


def test_accepting_a_rule_that_does_not_exist_is_refused():
    refuse_unknown_acceptances({"orders": RULES}, [ROWS, f"orders.{ROWS}"])
    with pytest.raises(AcceptedRuleUnknownError, match="did you mean"):
        refuse_unknown_acceptances({"orders": RULES}, [ROWS.replace("usual", "usully")])


@pytest.mark.parametrize(
    ("measure", "column", "words"),
    [
        ("null_share", "c", "at most 10 % of the rows"),
        ("null_share_rise", "c", "at most 10 percentage points more than usual"),
        ("distribution_shift", "c", "at most 0.1 as population stability index"),
        ("missing_days", "", "at most 0.1 days"),
    ],
)
def test_bounds_in_words(measure, column, words):
    rule = TableRule(name="r", measure=measure, column=column, at_most=0.1, meaning="x")
    assert expected(rule) == words
