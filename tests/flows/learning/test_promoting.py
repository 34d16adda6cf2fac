"""Who becomes champion: by grade, by the paired test, by hand, back again; and what a crash in between leaves."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from flows.buckets.core_tables import CoreTables
from flows.learning import promoting
from flows.learning.champions import find_champions
from flows.learning.errors import ModelUnknownError, NothingToRollBackToError, ReasonNeededError
from flows.learning.graduating import register_and_promote
from flows.learning.modelling import list_models, model_history, show_model
from flows.learning.promoting import NEW, decide, follow_ledger, promote_by_hand, roll_back, settle_registry
from flows.learning.provenance import ledger_name
from flows.learning.training import TrainingWishes
from models.bundle import Bundle, with_graded
from models.comparing import Comparison
from models.errors import ChampionChangedError, VersionUnknownError
from models.judging.grading import grade_figures
from warehouse.promotions import Promotion, champion_for, promotions_of

TRAINED, LATER = date(2025, 12, 1), date(2026, 1, 1)
GOOD = {"auc": 0.86, "baseline_auc": 0.8, "auc_gain": 0.06, "auc_gain_low": 0.03, "auc_gain_high": 0.09}
BAD = GOOD | {"auc_gain": -0.06, "auc_gain_low": -0.09, "auc_gain_high": -0.03}


def bundle(name="churn", *, metrics=GOOD, passed=True, text="tree", trained_as_of=LATER):
    return Bundle(
        name=name,
        method="lightgbm" if passed else "baseline",
        trained_as_of=trained_as_of,
        features=("days_since_last_order",),
        files={"churn_trees.txt": text.encode()},
        parameters={"seed": 1},
        metrics=metrics,
        reasons=("yes: better",) if passed else ("no: not better",),
        beats_baseline=passed,
    )


def against(verdict):
    gains = {"auc": {"mean": 0.0, "low": -0.01, "high": 0.01}}
    return Comparison(
        name="churn",
        snapshot=TRAINED,
        rows=500,
        champion=1,
        figures={},
        gains={NEW: gains},
        verdicts={NEW: verdict},
        asked_as_graded=(),
    )


def champion(*, beats=True):
    return Promotion(
        name="churn",
        version=1,
        digest="d",
        trained_as_of=TRAINED,
        promoted_at=datetime(2025, 12, 1, tzinfo=UTC),
        beats_baseline=beats,
        metrics={},
    )


@pytest.mark.parametrize(
    ("passed", "before", "verdict", "reason", "kind", "words"),
    [
        (True, None, None, "", "won", "surely"),
        (True, champion(), "better", "", "won", "better"),
        (True, champion(), "no sure difference", "", "won", "no sure difference"),
        (True, champion(), "worse", "", None, "surely worse than the champion"),
        (True, champion(), "worse", "a new assortment", "anyway", "a new assortment"),
        (True, champion(beats=False), "worse", "", "won", "surely"),
        (False, champion(), None, "", None, "C:"),
        (False, champion(), None, "we insist", "anyway", "we insist"),
        (False, None, None, "", "stands in", "no champion at all"),
        (False, champion(beats=False), None, "", "stands in", "older stand-in"),
    ],
)
def test_decisions(passed, before, verdict, reason, kind, words):
    decision = decide(
        grade=grade_figures("churn", GOOD, passed=passed),
        beats_baseline=passed,
        champion=before,
        comparison=against(verdict) if verdict else None,
        promote_anyway=reason,
    )
    assert decision.kind == kind
    assert words in decision.because


def graduate(context, *bundles, **wishes):
    told = register_and_promote(
        context,
        bundles=list(bundles),
        core=CoreTables.latest(context),
        wishes=TrainingWishes(**wishes),
        tick=lambda: None,
    )
    return json.loads(json.dumps(told))["churn"]


def ledger(context, as_of=LATER):
    with context.warehouse(read_only=True) as warehouse:
        return champion_for(warehouse, "churn", as_of), promotions_of(warehouse, "churn")


def later(open_at, workspace, hours):
    return open_at(workspace, now=open_at(workspace).now + timedelta(hours=hours))


def test_a_bad_model_is_registered_and_stays_out_until_somebody_insists(workspace, open_at):
    context = open_at(workspace)
    told = graduate(context, bundle(metrics=BAD, passed=False))
    assert (told["promoted"], told["grade"], told["version"]) == (False, "D", 2)
    assert ledger(context)[0].version == 1
    model = bundle(metrics=BAD, passed=False, text="as graded")
    insisted = graduate(context, with_graded(bundle(metrics=BAD, passed=False), model), promote_anyway="we know why")
    found, _ = ledger(context)
    assert insisted["promoted"]
    assert (found.version, found.kind, found.because) == (insisted["version"], "anyway", "we know why")
    kept = context.registry.load("churn", found.version, digest=found.digest)
    assert kept.files["churn_trees.txt"] == b"as graded"  # the model itself, not the rule that stands in for it


def test_a_crash_between_registering_and_the_ledger_is_finished_by_the_next_run(workspace, open_at, monkeypatch):
    context = open_at(workspace)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(promoting, "record_promotion", killed)
        with pytest.raises(KeyboardInterrupt):
            graduate(context, bundle())
    assert ledger(context)[0].version == 1
    assert [one.version for one in context.registry.versions("churn")] == [1, 2]
    told = graduate(context, bundle())
    assert (told["version"], told["promoted"]) == (2, True)
    assert ledger(context)[0].version == 2
    assert context.registry.champion("churn")[0] == 2
    again = graduate(context, bundle())
    assert again["promoted"]
    assert len(ledger(context)[1]) == 2  # the champion, trained again to the byte, is no new decision


def test_a_crash_between_the_ledger_and_the_alias_is_set_right(workspace, open_at, monkeypatch):
    context = open_at(workspace)
    before = ledger(context, context.today)[0].version

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(context.registry, "promote", killed)
        with pytest.raises(KeyboardInterrupt):
            graduate(context, bundle(trained_as_of=context.today))
    promoted = ledger(context, context.today)[0].version
    assert promoted > before
    assert context.registry.champion("churn")[0] == before
    assert any("churn follows the ledger again" in words for words in settle_registry(context, ledger_name(context)))
    assert context.registry.champion("churn")[0] == promoted
    assert settle_registry(context, ledger_name(context)) == []


def test_by_hand_and_back_with_reasons_and_against_who_was_there(workspace, open_at):
    context = open_at(workspace)
    version = context.registry.register(bundle(), run_name="candidate")
    with pytest.raises(ReasonNeededError):
        promote_by_hand(context, name="churn", version=version, because=" ")
    with pytest.raises(VersionUnknownError):
        promote_by_hand(context, name="churn", version=99, because="why")
    with pytest.raises(ModelUnknownError):
        promote_by_hand(context, name="nothing", version=1, because="why")
    with pytest.raises(ChampionChangedError):
        promote_by_hand(context, name="churn", version=version, because="why", expected=version)
    assert len(ledger(context)[1]) == 1
    done = promote_by_hand(context, name="churn", version=version, because="it is fresher", expected=1)
    assert (done["status"], done["previous_version"]) == ("promoted", 1)
    assert promote_by_hand(context, name="churn", version=version, because="again")["status"] == "unchanged"
    with pytest.raises(ChampionChangedError):  # the second of two who decided against version 1
        promote_by_hand(context, name="churn", version=1, because="no, this", expected=1)
    assert context.registry.champion("churn")[0] == version
    assert find_champions(context, TRAINED)["churn"].version == 1  # a past night has the champion of its time
    back = roll_back(later(open_at, workspace, 1), name="churn", because="it was not")
    assert (back["version"], back["previous_version"]) == (1, version)
    assert find_champions(context, LATER)["churn"].version == 1
    assert context.registry.champion("churn")[0] == 1
    with pytest.raises(NothingToRollBackToError):
        roll_back(later(open_at, workspace, 2), name="churn", because="once more")
    told = model_history(context, "churn")["history"]
    assert [(one["version"], one["how"], one["because"]) for one in told[1:]] == [
        (version, "by hand", "it is fresher"),
        (1, "rollback", "it was not"),
    ]
    assert [one["until"] is None for one in told] == [False, False, True]
    today = [one["version"] for one in model_history(context, "churn", on=date(2026, 1, 2))["history"]]
    assert today == [1]
    assert model_history(context, "churn", on=date(2025, 1, 1))["history"] == []
    with pytest.raises(ModelUnknownError):
        model_history(context, "nothing")


def test_looking_at_models_changes_nothing_and_their_cards_name_nobody(trained, open_at):
    workspace, result = trained
    context = open_at(workspace)
    listed = list_models(context)["models"]
    assert {(row["model"], row["version"], row["is_champion"]) for row in listed} == {
        (name, 1, True) for name in ("churn", "value", "next_offer")
    }
    shown = show_model(context, "churn", None)
    assert shown["grade"] == result["trained"]["churn"]["grade"]
    people = CoreTables.latest(context).orders().select("customer_id").unique().collect()["customer_id"].to_list()
    for name in ("churn", "value", "next_offer"):
        page = (workspace / "model_cards" / f"{name}-v1.html").read_text(encoding="utf-8")
        assert f"grade {result['trained'][name]['grade']}" in page
        words = set(page.replace("<", " ").replace(">", " ").split())
        assert not words & set(people)
    card = (workspace / "model_cards" / "value-v1.html").read_text(encoding="utf-8")
    assert "the margin a customer will bring" in card  # the shop knows what its goods cost
    attached = {path.name for path in (workspace / "models").rglob("attached/*")}
    assert attached == {"model_card.md", "model_card.html", "provenance.json"}
    made_of = json.loads(next((workspace / "models").rglob("provenance.json")).read_text(encoding="utf-8"))
    assert made_of["configuration"]["hash"] == context.settings.configuration_hash
    assert all(made_of["code"].values())
    assert made_of["data"]["load_id"]
    follow_ledger(context, "churn")
    assert len(ledger(context)[1]) == 1
