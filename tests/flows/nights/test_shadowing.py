"""Challengers in the shadow: who scores, what is kept, what is said when outcomes are known."""

from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import polars as pl
import pytest

from flows.buckets.core_tables import CoreTables
from flows.learning.champions import open_champions
from flows.learning.errors import ModelUnknownError, NotComparableError
from flows.learning.modelling import compare_versions, evaluation_rows
from flows.nights.shadowing import (
    KIND,
    SCHEMA,
    compare_shadows,
    score_shadows,
    set_shadow,
    shadow_the_loser,
    shadows_of,
)
from models.bundle import Bundle
from models.purchases.churn import predict_churn
from warehouse.promotions import running_shadows

TRAINED, LATER = date(2025, 12, 1), date(2026, 1, 1)


@pytest.fixture
def challenger(workspace, open_at):
    """A second churn model: what stands in for the first, its baseline."""
    context = open_at(workspace)
    champion = open_champions(context, as_of=TRAINED, tick=lambda: None)["churn"].bundle
    rule = replace(champion, method="baseline", graded=None, graded_digest="")
    return context, context.registry.register(rule, run_name="the rule")


def test_a_night_in_the_shadow_is_kept_beside_the_champion_s_scores(challenger):
    context, version = challenger
    with pytest.raises(NotComparableError, match="next_offer"):
        set_shadow(context, name="next_offer", version=1, because="", stop=False)
    with pytest.raises(ModelUnknownError):
        set_shadow(context, name="nothing", version=1, because="", stop=False)
    set_shadow(context, name="churn", version=version, because="simpler", stop=False)
    set_shadow(context, name="churn", version=1, because="the champion itself", stop=False)
    champions = open_champions(context, as_of=TRAINED, tick=lambda: None)
    assert shadows_of(context, champions, TRAINED - timedelta(days=1)) == []  # it had seen that night
    shadows = shadows_of(context, champions, TRAINED)
    assert [(one.name, one.version) for one in shadows] == [("churn", version)]
    paths = sorted(str(path) for path in (context.lake.root / "features" / f"as_of={TRAINED}").glob("*.parquet"))
    features = pl.read_parquet(paths).filter(pl.col("days_since_last_order") <= 365)
    scores = SimpleNamespace(churn=predict_churn(champions["churn"].bundle, features))
    told = score_shadows(
        context, as_of=TRAINED, scores=scores, champions=champions, shadows=shadows, paths=paths, tick=lambda: None
    )
    assert told == {f"churn {version}": f"{features.height:,} customers scored in the shadow"}
    kept = pl.read_parquet(sorted((context.lake.root / KIND).rglob("*.parquet")))
    assert dict(kept.schema) == SCHEMA
    assert kept.filter("is_champion").height == kept.filter(~pl.col("is_champion")).height == features.height
    assert compare_shadows(context, name="churn", as_of=LATER) == {
        "model": "churn",
        "nights": [],
        "waiting": [TRAINED.isoformat()],
    }
    broken = replace(shadows[0], digest="0" * 64)
    told = score_shadows(
        context, as_of=TRAINED, scores=scores, champions=champions, shadows=[broken], paths=paths, tick=lambda: None
    )
    assert "not scored" in told[f"churn {version}"]
    gone = replace(shadows[0], version=99)  # somebody deleted it in the registry: no reason to stop the night
    told = score_shadows(
        context, as_of=TRAINED, scores=scores, champions=champions, shadows=[gone], paths=paths, tick=lambda: None
    )
    assert told["churn 99"].startswith("not scored: the registry has no version 99")
    assert set_shadow(context, name="churn", version=version, because="", stop=True)["status"] == "stopped"
    assert shadows_of(context, champions, TRAINED) == []


def test_once_outcomes_are_known_the_challenger_is_judged_by_what_it_said(challenger):
    context, version = challenger
    core = CoreTables.latest(context)
    night = date(2025, 9, 1)
    rows = evaluation_rows(context, core, snapshot=night, horizon_days=90)
    churned = rows["churned"].cast(pl.Float64)

    def said(values, number, *, is_champion):
        return rows.select("customer_id", "snapshot_date").with_columns(
            pl.lit("churn").alias("model"),
            pl.lit(number, pl.Int64).alias("version"),
            pl.lit(is_champion).alias("is_champion"),
            pl.lit(90, pl.Int64).alias("horizon_days"),
            values.alias("predicted"),
        )

    knows = said(0.1 + 0.8 * churned, version, is_champion=False)
    guesses = said(pl.Series([0.5] * rows.height), 1, is_champion=True)
    context.lake.write_bucket(KIND, night, 0, pl.concat([knows, guesses]).select(list(SCHEMA)))
    (found,) = compare_shadows(context, name="churn", as_of=LATER)["nights"]
    assert (found["champion"], found["challenger"], found["verdict"]) == (1, version, "better")
    assert found["customers"] == rows.height
    assert found["challenger_figures"]["auc"] == 1.0
    with pytest.raises(NotComparableError):
        compare_shadows(context, name="value", as_of=LATER)


def test_versions_are_compared_on_rows_that_neither_has_seen(challenger):
    context, version = challenger
    alone = compare_versions(context, name="churn", versions=[1, version], as_of=LATER)
    assert alone["same_rows"] is None  # the rule was registered without what it was graded as
    assert f"version {version}: trained as of {TRAINED}" in alone["why_not"]
    assert [one["version"] for one in alone["versions"]] == [1, version]
    with pytest.raises(NotComparableError):
        compare_versions(context, name="value", versions=[], as_of=LATER)


def test_by_rule_the_latest_loser_scores_in_the_shadow_and_nobody_without_it(tmp_path, open_at):
    def bundle(day):
        return Bundle(name="churn", method="lightgbm", trained_as_of=date(2025, 1, day), features=(), files={})

    plain = open_at(tmp_path / "work")
    assert not shadow_the_loser(plain, name="churn", bundle=bundle(1), version=1, because="lost")
    ruled = open_at(tmp_path / "work", GRISTMILL__REGISTRY__SHADOW_CHALLENGERS="true")
    for version in (2, 3):
        assert shadow_the_loser(ruled, name="churn", bundle=bundle(version), version=version, because="lost")
    assert not shadow_the_loser(ruled, name="next_offer", bundle=bundle(1), version=1, because="lost")
    with ruled.warehouse(read_only=True) as warehouse:
        running = running_shadows(warehouse)
    assert [(one.name, one.version, one.because) for one in running] == [("churn", 3, "lost")]
    assert ruled.settings.configuration_hash == plain.settings.configuration_hash
