"""Who is champion of which date, whatever was promoted, decided by hand or rolled back."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.promotions import (
    Promotion,
    Shadow,
    champion_among,
    champion_before,
    champion_for,
    promoted_models,
    promotions,
    promotions_of,
    record_promotion,
    reigns,
    running_shadows,
    start_shadow,
    stop_shadow,
)

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MONDAY = date(2026, 3, 2)
AUTUMN, WINTER, SPRING = date(2025, 9, 1), date(2025, 12, 1), date(2026, 3, 1)


def promoted(version, trained_as_of=WINTER, kind="won", *, previous=None, number=0, name="churn"):
    return Promotion(
        name=name,
        version=version,
        digest=f"{version:064d}",
        trained_as_of=trained_as_of,
        promoted_at=NOW + number * HOUR,
        beats_baseline=True,
        metrics={"auc": 0.8, "undefined": None},
        kind=kind,
        because="said so",
        previous_version=previous,
        grade="B",
        comparison={"auc": {"low": -0.01}},
        number=number,
    )


def decided(*decisions):
    return [replace(one, number=place, promoted_at=NOW + place * HOUR) for place, one in enumerate(decisions, 1)]


CASES = [
    ([promoted(1, AUTUMN), promoted(2, WINTER)], date(2025, 8, 31), None),
    ([promoted(1, AUTUMN), promoted(2, WINTER)], AUTUMN, 1),
    ([promoted(1, AUTUMN), promoted(2, WINTER)], WINTER, 2),
    ([promoted(2, WINTER), promoted(3, AUTUMN)], MONDAY, 2),  # a backfilled training is no champion of tonight
    ([promoted(2, WINTER), promoted(3, AUTUMN)], AUTUMN, 3),
    ([promoted(1), promoted(2), promoted(1)], MONDAY, 1),
    ([promoted(1, AUTUMN), promoted(2, WINTER), promoted(1, AUTUMN, "by hand", previous=2)], MONDAY, 1),
    ([promoted(1, AUTUMN), promoted(2, WINTER), promoted(1, AUTUMN, "rollback", previous=2)], MONDAY, 1),
    (
        [promoted(1, AUTUMN), promoted(2, WINTER), promoted(1, AUTUMN, "rollback", previous=2), promoted(3, SPRING)],
        MONDAY,
        3,
    ),
    (  # taking back a decision by hand: the date in between keeps the version that had won it
        [
            promoted(1, AUTUMN),
            promoted(2, WINTER),
            promoted(1, AUTUMN, "by hand", previous=2),
            promoted(2, WINTER, "rollback", previous=1),
        ],
        AUTUMN,
        1,
    ),
]


@pytest.mark.parametrize(("decisions", "as_of", "version"), CASES)
def test_the_champion_of_a_date(decisions, as_of, version):
    champion = champion_among(decided(*decisions), as_of)
    assert (champion and champion.version) == version


def test_rollbacks_go_back_one_reign_at_a_time_and_history_remembers_them():
    told = decided(
        promoted(1, AUTUMN), promoted(2, WINTER), promoted(9, date(2025, 1, 1)), promoted(3, SPRING),
        promoted(2, WINTER, "rollback", previous=3),
    )  # fmt: skip
    assert champion_before(told[:4]).version == 2
    assert champion_before(told).version == 1
    assert [reign.promotion.version for reign in reigns(told)] == [1, 2, 3, 2]
    assert reigns(told)[1].until == told[3].promoted_at
    assert reigns(told)[-1].until is None
    last = decided(*told, promoted(1, AUTUMN, "rollback", previous=2))
    assert champion_among(last, MONDAY).version == 1
    assert champion_before(last) is None
    assert champion_before([]) is None
    assert reigns([]) == []


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(["won", "by hand", "rollback"]), st.integers(1, 4)), max_size=8
    )
)
def test_a_person_s_decision_wins_at_its_moment_and_nothing_saw_its_own_date(told):
    """Version n is always trained in month n."""
    trained = {version: date(2025, version, 1) for version in range(1, 5)}
    decisions = decided(
        *(promoted(version, trained[version], kind, previous=previous) for version, kind, previous in told)
    )
    if decisions and decisions[-1].kind != "won":
        assert champion_among(decisions, MONDAY).version == decisions[-1].version
    for as_of in trained.values():
        champion = champion_among(decisions, as_of)
        assert champion is None or champion.trained_as_of <= as_of


def test_decisions_are_written_down_once_and_read_back_whole(warehouse):
    assert champion_for(warehouse, "churn", MONDAY) is None
    for decision in (promoted(1), promoted(1), promoted(2, number=1), promoted(1, number=2), promoted(9, name="value")):
        record_promotion(warehouse, decision)
    assert [(one.version, one.number) for one in promotions(warehouse)] == [(1, 3), (2, 2), (1, 1), (9, 1)]
    assert champion_for(warehouse, "churn", MONDAY) == replace(promoted(1, number=2), number=3)
    by_hand = replace(promoted(1, number=2), kind="by hand", because="the board wants it", decided_by="ann@desk")
    record_promotion(warehouse, by_hand)  # of the very moment at which training decided for the same version
    record_promotion(warehouse, by_hand)
    assert [(one.kind, one.number) for one in promotions_of(warehouse, "churn")][2:] == [("won", 3), ("by hand", 4)]
    assert promoted_models(warehouse) == ["churn", "value"]


def test_an_older_ledger_s_promotions_are_taken_over(warehouse):
    record_promotion(warehouse, promoted(5))
    warehouse.execute("DROP TABLE gristmill.promotions")
    warehouse.execute(
        "CREATE TABLE gristmill.models (name VARCHAR, version INTEGER, digest VARCHAR, trained_as_of DATE, "
        "promoted_at TIMESTAMP WITH TIME ZONE, beats_baseline BOOLEAN, metrics JSON)"
    )
    for version, beats in ((1, False), (2, True)):
        warehouse.execute(
            "INSERT INTO gristmill.models VALUES ('churn', ?, 'd', ?, ?, ?, '{\"auc\": 0.7}')",
            [version, WINTER, NOW + version * HOUR, beats],
        )
    record_promotion(warehouse, promoted(3, SPRING))
    assert [(one.version, one.kind, one.number) for one in reversed(promotions(warehouse))] == [
        (3, "won", 3),
        (1, "stands in", 1),
        (2, "won", 2),
    ]
    assert champion_for(warehouse, "churn", WINTER).metrics == {"auc": 0.7}


def test_shadows_begin_and_end(warehouse):
    assert running_shadows(warehouse) == []
    shadow = Shadow(
        name="churn", version=2, digest="d", trained_as_of=WINTER, since=NOW, until=None, because="", decided_by="me"
    )
    start_shadow(warehouse, shadow)
    start_shadow(warehouse, replace(shadow, since=NOW + HOUR))
    assert running_shadows(warehouse) == [shadow]
    assert stop_shadow(warehouse, "churn", 2, now=NOW + HOUR)
    assert not stop_shadow(warehouse, "churn", 2, now=NOW + HOUR)
    assert running_shadows(warehouse) == []
    start_shadow(warehouse, replace(shadow, since=NOW + 2 * HOUR))
    assert len(running_shadows(warehouse)) == 1
