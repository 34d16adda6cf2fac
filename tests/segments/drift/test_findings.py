"""What is far, what is usual, what is chance; what becomes of it night after night, in words."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from segments.drift.findings import ALARM, QUIET, WATCH, Finding, alarms, judged, new_alarms, performance_findings
from segments.drift.measures import Measured, distance, excess_index, level, rise, volume
from segments.drift.words import (
    DATA_QUALITY,
    DISTANCE,
    EMPTY,
    MEASURES,
    PERFORMANCE,
    POPULATION,
    PREDICTION,
    PROMISE,
)
from segments.receipts.contract import ALL, BROKEN, KEPT

NIGHT = date(2026, 3, 1)
MONTHS = [date(2024, 1, 1) + timedelta(days=30 * month) for month in range(24)]
EVEN = np.full(10, 0.1)
TILTED = np.linspace(0.1, 1.0, 10) ** 2


def drawn(shares, rows, seed):
    return np.random.default_rng(seed).multinomial(rows, shares / shares.sum())


def past(shares=EVEN, rows=400):
    return [(day, drawn(shares, rows, place)) for place, day in enumerate(MONTHS)]


def test_without_a_change_the_excess_is_about_zero_however_few_rows():
    found = [excess_index(drawn(EVEN, 150, 2 * n)[None], drawn(EVEN, 150, 2 * n + 1)[None])[0, 0] for n in range(300)]
    assert abs(np.mean(found)) < 0.01  # the plain index would be 0.12
    nights = [distance(drawn(EVEN, 120, 1000 + n), past()[:1], day=NIGHT, columns=100) for n in range(300)]
    assert not any(night.exceeds for night in nights)


@pytest.mark.parametrize(
    ("tonight", "earlier", "exceeds"),
    [
        (EVEN, past(), False),
        (TILTED, past(), True),
        (TILTED, [*past()[:12], (MONTHS[12], drawn(TILTED, 400, 77)), *past()[13:]], False),  # as it was once before
        (np.eye(10)[9], past(), True),
    ],
)
def test_far_is_what_no_time_of_the_past_comes_near(tonight, earlier, exceeds):
    assert distance(drawn(tonight, 400, 99), earlier, day=NIGHT, columns=100).exceeds is exceeds


def test_who_moves_all_the_time_may_move_on_and_who_jumps_may_not():
    def at(month):
        return drawn(np.exp(-(((np.arange(10) - month / 4) / 3) ** 2)), 1000, month)

    moving = [(day, at(month)) for month, day in enumerate(MONTHS)]
    later = MONTHS[-1] + timedelta(days=120)
    assert not distance(at(27), moving, day=later, columns=1).exceeds
    assert distance(at(60), moving, day=later, columns=1).severe


def test_with_too_little_nothing_is_said():
    assert distance([5] * 10, past(), day=NIGHT, columns=1) is None
    assert distance([50] * 10, [(NIGHT, [1] * 10)], day=NIGHT, columns=1) is None
    assert rise(3, 50, [(0, 500)]) is None
    assert level(0.5, 0.0, [0.0, 0.1]) is None
    assert volume(0, [500, 500]) is None


@pytest.mark.parametrize(
    ("measured", "exceeds", "severe"),
    [
        (rise(10, 1000, [(9, 1000), (12, 1000)]), False, False),
        (rise(100, 1000, [(9, 1000), (12, 1000)]), True, False),
        (rise(600, 1000, [(9, 1000), (12, 1000)]), True, True),
        (rise(900, 1000, [(890, 1000)]), False, False),
        (level(0.05, 0.0, [0.01] * 5), False, False),
        (level(-0.2, 0.0, [0.01] * 5), True, False),
        (level(0.2, 0.0, [0.01, -0.3, 0.2, 0.0]), False, False),
        (level(4.6, 0.0, [0.01] * 5), True, True),
        (volume(480, [500] * 6), False, False),
        (volume(200, [500] * 6), True, False),
        (volume(0, [500] * 6), True, True),
        (volume(2500, [500] * 6), True, True),
    ],
)
def test_shares_levels_and_volumes(measured, exceeds, severe):
    assert (measured.exceeds, measured.severe) == (exceeds, severe)


def finding(what="spend", *, value=0.5, kind=POPULATION, part_of="purchases", measure=DISTANCE, can_alarm=True):
    """A finding with a threshold of 0.2; five times that is severe."""
    measured = Measured(value=value, reference=0.1, threshold=0.2, exceeds=value > 0.2, severe=value > 1)
    return Finding(kind=kind, what=what, measure=measure, part_of=part_of, measured=measured, can_alarm=can_alarm)


def statuses(rows):
    return dict(rows.select("what", "status").iter_rows())


def test_what_lasts_becomes_an_alarm_and_what_ends_is_forgotten():
    before = None
    seen = []
    for day, value in enumerate((0.1, 0.5, 0.5, 0.5, 0.5, 0.1, 0.5)):
        before = judged([finding(value=value)], night=NIGHT + timedelta(days=day), before=before)
        seen.append((before["status"][0], before["since"][0]))
    begun = NIGHT + timedelta(days=1)
    assert seen[:6] == [(QUIET, None), *[(WATCH, begun)] * 3, (ALARM, begun), (QUIET, None)]
    assert seen[6] == (WATCH, NIGHT + timedelta(days=6))


def test_one_alarm_a_cause_and_it_says_what_to_do():
    many = [finding(f"f{number}", value=2.0 + number, part_of=f"family {number}") for number in range(5)]
    rows = judged([*many, finding("quiet", value=0.0), finding("unused", value=9.0, can_alarm=False)], night=NIGHT)
    (told_once,) = alarms(rows)
    assert "5 of 7 features" in told_once
    assert "f4, f3, f2" in told_once
    assert "gristmill train" in told_once
    assert statuses(rows)["unused"] == WATCH
    assert rows.filter(status=QUIET)["what_to_do"].null_count() == 1

    broken = finding("orders.cost_amount", value=5.0, kind=DATA_QUALITY, part_of="orders", measure=EMPTY)
    scores = finding("churn_probability", value=5.0, kind=PREDICTION, part_of="churn")
    rows = judged([*many, broken, scores], night=NIGHT)
    assert len(alarms(rows)) == 1
    assert rows.filter(status=ALARM)["what"].to_list() == ["orders.cost_amount"]
    again = judged([*many, broken, scores], night=NIGHT + timedelta(days=1), before=rows)
    assert (new_alarms(rows), new_alarms(pl.concat([rows, again]))) == (alarms(rows), [])


def test_every_measure_has_its_words_and_its_advice():
    for measure in MEASURES:
        rows = judged([finding(value=9.0, measure=measure)], night=NIGHT)
        assert rows["in_words"][0] in alarms(rows)[0]
        assert "nan" not in rows["in_words"][0]


@pytest.mark.parametrize(
    ("verdicts", "digest", "expected"),
    [
        ([KEPT, BROKEN], "d", [WATCH]),
        ([BROKEN, BROKEN], "d", [ALARM]),
        ([BROKEN, KEPT], "d", [QUIET]),
        ([BROKEN, BROKEN], "another champion's", []),
    ],
)
def test_performance_is_what_the_receipts_say(verdicts, digest, expected):
    receipts = pl.DataFrame(
        {
            "slice": ALL,
            "score": "churn_probability",
            "model": "churn",
            "model_digest": digest,
            "scored_as_of": [date(2026, 1, 1), date(2026, 1, 8)],
            "ranking": 0.6,
            "promised_ranking": 0.8,
            "verdict": verdicts,
            "why": ["its level is off"] * 2,
        }
    )
    found = performance_findings(receipts, {"churn": "d"})
    assert [(one.kind, one.measure) for one in found] == [(PERFORMANCE, PROMISE)] * len(expected)
    rows = judged(found, night=NIGHT)
    assert rows["status"].to_list() == expected
    assert all("its level is off" in alarm for alarm in alarms(rows))
