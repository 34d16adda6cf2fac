"""What people are shown of models, in the terminal."""

from flows.learning.model_reporting import (
    print_comparison,
    print_history,
    print_models,
    print_readiness,
    print_shadows,
)
from flows.running.summaries import model_lines

GAINS = {"auc": {"mean": 0.01, "low": 0.002, "high": 0.02}}


def shown(capsys, say, found):
    say(found)
    return " ".join(capsys.readouterr().out.split())


def test_versions_say_who_is_champion_and_what_stands_in(capsys):
    row = {"model": "churn", "version": 2, "trained_as_of": "2026-01-01", "grade": "C", "method": "baseline"}
    found = {"models": [row | {"is_champion": True, "in_shadow": False}], "never_trained": ["value"]}
    text = shown(capsys, print_models, found)
    assert "champion, its baseline" in text
    assert "value: not trained yet" in text


def test_history_shows_the_reason_and_the_day_nobody_was_champion(capsys):
    row = {
        "model": "churn",
        "version": 2,
        "since": "2026-01-01T02:00:00",
        "until": None,
        "how": "by hand",
        "grade": "B",
        "decided_by": "me",
        "because": "gain [+0.1, +0.2]",
    }
    text = shown(capsys, print_history, {"history": [row]})
    assert "gain [+0.1, +0.2]" in text
    assert "now" in text
    assert "nobody was champion on 2020-01-01" in shown(capsys, print_history, {"history": [], "on": "2020-01-01"})


def test_comparisons_on_the_same_rows_and_without(capsys):
    same = {
        "rows": 500,
        "snapshot": "2025-10-01",
        "figures": {"1": {"auc": 0.8}, "2": {"auc": 0.81}},
        "asked_as_graded": [2],
    }
    found = {"model": "churn", "same_rows": same, "words": ["version 2: better"], "left_out": {"3": "has seen it"}}
    text = shown(capsys, print_comparison, found)
    assert "2 (as graded)" in text
    assert "version 2: better" in text
    assert "left out: version 3: has seen it" in text
    version = {"version": 1, "trained_as_of": "2026-01-01", "grade": "A", "metrics": {"auc": 0.8, "baseline_auc": 0.7}}
    apart = {"model": "next_offer", "same_rows": None, "versions": [version], "why_not": "pairs"}
    text = shown(capsys, print_comparison, apart)
    assert "auc 0.8" in text
    assert "not on the same rows: pairs" in text


def test_shadows_and_what_is_waited_for(capsys):
    night = {
        "night": "2025-09-01",
        "champion": 1,
        "challenger": 2,
        "customers": 500,
        "gains": GAINS,
        "verdict": "better",
    }
    text = shown(capsys, print_shadows, {"model": "churn", "nights": [night], "waiting": ["2025-12-01"]})
    assert "[+0.002, +0.02]" in text
    assert "outcomes not known yet: 2025-12-01" in text


def test_readiness_tells_what_is_missing_and_what_scores_meanwhile(capsys):
    answer = {
        "model": "churn",
        "ready": False,
        "there": "40 days of orders",
        "missing": ["200 more days"],
        "more": ["costs"],
        "meanwhile": "the recency rule scores",
    }
    point = {"part": "half", "customers": 10, "rows": 20, "auc": 0.7, "log_loss": 0.6}
    text = shown(capsys, print_readiness, {"models": [answer], "learning_curve": [point], "words": ["more would help"]})
    for words in ("not ready", "200 more days", "the recency rule scores", "0.700", "more would help"):
        assert words in text
    lines = model_lines({"readiness": [answer], "tuned": {"words": "4 settings tried"}})
    assert lines == ["churn: 4 settings tried", "churn: not ready: 200 more days"]
