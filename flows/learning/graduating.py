"""What becomes of trained models: graded, compared with the champion, registered with their cards, promoted or not.

Belongs here: the last step of a training. Does not: grades, comparisons and cards themselves (`models`,
`model_cards.py`), the rules of promotion (`promoting.py`).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from data_contracts.currencies import MINOR_UNIT_DIGITS
from data_contracts.errors import DataBlockedError
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.learning.errors import TrainingKeptError
from flows.learning.kept_training import Candidate, KeptTraining, Trained
from flows.learning.model_cards import CardSubject, card_files, make_card, write_cards
from flows.learning.model_facts import model_facts
from flows.learning.promoting import (
    NEW,
    Decision,
    champion_on,
    decide,
    follow_ledger,
    settle_registry,
    to_register,
    write_down,
)
from flows.learning.provenance import ledger_name, provenance, provenance_tags
from flows.learning.training import Learnt, TrainingWishes
from flows.nights.shadowing import shadow_the_loser
from models.errors import RegistryDownError, VersionUnknownError
from models.judging.grading import Grade, grade_bundle
from models.snapshots.rows import training_frame
from warehouse.promotions import Promotion

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.comparing import Comparison

Tick = Callable[[], None]


def register_and_promote(
    context: Context,
    *,
    bundles: list["Bundle"],
    core: CoreTables,
    learnt: Learnt | None = None,
    wishes: TrainingWishes | None = None,
    tick: Tick,
) -> dict[str, dict[str, Any]]:
    """Register every model with its card; promote the good ones, and a baseline where there is no champion at all.

    Good is a grade of A or B, and not surely worse than the champion on the same rows. A baseline stands in only where
    nothing better is there, so that scoring always works and says what it scores with.

    Args:
        context: the surroundings.
        bundles: the trained models.
        core: what they were learnt from.
        learnt: the training tables and what the linter said of them; None where there were none.
        wishes: somebody's reason to promote anyway.
        tick: called once a model.

    Returns:
        By model: version, method, test figures, grade, reasons, whether it was promoted and why, where its card is.
    """
    frames = [] if learnt is None else [learnt.tables.data.features, learnt.tables.churn_outcomes]
    trained = Trained(
        as_of=bundles[0].trained_as_of,
        candidates=[_candidate(bundle, learnt) for bundle in bundles],
        made_of=provenance(context, core, frames),
        families={spec.name: spec.family for spec in core.catalogue()},
        promote_anyway=(wishes or TrainingWishes()).promote_anyway,
    )
    return register_trained(context, trained=trained, tick=tick)


def register_trained(context: Context, *, trained: Trained, tick: Tick) -> dict[str, dict[str, Any]]:
    """What `register_and_promote` does, of what was just trained or of what was kept since.

    It is kept in the workspace until registry and ledger have all of it: nothing of a training is lost to either.

    Raises:
        TrainingKeptError: the registry did not answer in time.
    """
    kept = KeptTraining(context.settings.workspace)
    kept.keep(trained)
    ledger = ledger_name(context)
    told = {}
    try:
        settled = settle_registry(context, ledger)
        for candidate in trained.candidates:
            judged = _judge(context, candidate, trained.promote_anyway)
            told[candidate.bundle.name] = _graduate(context, judged, candidate, trained, ledger=ledger)
            told[candidate.bundle.name] |= {"settled": settled} if settled else {}
            tick()
    except RegistryDownError as error:
        raise TrainingKeptError(as_of=trained.as_of, folder=kept.folder, where=error.where, reason=error.got) from error
    kept.forget()
    return told


class _Judged:
    """A trained model with everything that was decided about it."""

    def __init__(
        self,
        bundle: "Bundle",
        grade: Grade,
        champion: Promotion | None,
        comparison: "Comparison | None",
        decision: Decision,
    ) -> None:
        self.bundle, self.grade, self.champion = bundle, grade, champion
        self.comparison, self.decision = comparison, decision

    @property
    def is_champion_already(self) -> bool:
        return self.champion is not None and self.champion.digest == self.bundle.digest()


def _candidate(bundle: "Bundle", learnt: Learnt | None) -> Candidate:
    if learnt is None:
        return Candidate(bundle=bundle)
    return Candidate(
        bundle=bundle,
        test_rows=_test_rows(bundle, learnt),
        findings=[one.words for one in learnt.findings.get(bundle.name, [])],
        rolling=learnt.rolling.get(bundle.name, []),
    )


def _judge(context: Context, candidate: Candidate, promote_anyway: str) -> _Judged:
    bundle, rows = candidate.bundle, candidate.test_rows
    grade = grade_bundle(bundle)
    champion = champion_on(context, bundle.name, bundle.trained_as_of)
    comparison, why_not = None, ""
    if champion is not None and champion.beats_baseline and bundle.beats_baseline and rows is not None:
        comparison, why_not = _compared(context, bundle, champion, rows)
    decision = decide(
        grade=grade,
        beats_baseline=bundle.beats_baseline,
        champion=champion,
        comparison=comparison,
        promote_anyway=promote_anyway,
    )
    if why_not:
        decision = replace(decision, because=f"{decision.because}; not compared with the champion: {why_not}")
    return _Judged(to_register(bundle, decision), grade, champion, comparison, decision)


def _graduate(
    context: Context, judged: _Judged, candidate: Candidate, trained: Trained, *, ledger: str
) -> dict[str, Any]:
    """Card, registration, ledger, alias of one model."""
    bundle, decision = judged.bundle, judged.decision
    promoted = decision.kind is not None or judged.is_champion_already
    why = "" if decision.because == judged.grade.words else f": {decision.because}"
    standing = f"{'Promoted' if promoted else 'Not promoted'}{why}."
    findings, rolling, made_of = list(candidate.findings), list(candidate.rolling), trained.made_of
    subject = CardSubject(
        bundle=bundle,
        grade=judged.grade,
        standing=standing,
        test_rows=candidate.test_rows,
        provenance=made_of,
        families=trained.families,
        active_within_days=context.settings.population.active_within_days,
        minor_units_per_major=10 ** MINOR_UNIT_DIGITS[context.settings.company.currency],
        currency=context.settings.company.currency,
        notes=findings,
        rolling=rolling,
    )
    files = card_files(make_card(subject), made_of)
    day = str(bundle.trained_as_of)
    tags = provenance_tags(dict(made_of), ledger=ledger)
    tags |= {"trained_as_of": day, "grade": judged.grade.letter, "method": bundle.method}
    version = context.registry.register(bundle, run_name=f"{bundle.name} {day}", tags=tags, attached=files)
    card = write_cards(context.settings.workspace, bundle.name, version, files)
    if judged.is_champion_already:
        follow_ledger(context, bundle.name)
    else:
        write_down(context, bundle, version, decision, champion=judged.champion, comparison=judged.comparison)
    lost = not promoted and judged.grade.may_be_promoted
    in_shadow = lost and shadow_the_loser(
        context, name=bundle.name, bundle=bundle, version=version, because=decision.because
    )
    return model_facts(bundle, version) | {
        "promoted": promoted,
        "in_shadow": in_shadow,
        "grade": judged.grade.letter,
        "grade_words": judged.grade.words,
        "decision": decision.because,
        "card": str(card),
        "comparison": judged.comparison.plain() if judged.comparison else None,
        "findings": findings,
        "rolling": rolling,
    }


def _test_rows(bundle: "Bundle", learnt: Learnt) -> pl.DataFrame | None:
    """Features and outcomes of the snapshot that the model was graded on."""
    if bundle.graded is None or bundle.name not in {"churn", "value"}:
        return None
    tables, snapshot = learnt.tables, bundle.graded.trained_as_of
    outcomes = tables.churn_outcomes
    if bundle.name == "value":
        outcomes = tables.value_outcomes[learnt.plan.value.near.horizon_days]
    return training_frame(tables.data.features, outcomes, snapshots=[snapshot], model=bundle.name)


def _compared(
    context: Context, bundle: "Bundle", champion: Promotion, rows: pl.DataFrame
) -> tuple["Comparison | None", str]:
    """The paired test against the champion on the rows of the test snapshot; or why there can be none."""
    from models.comparing import as_it_stood, compare, mismatch  # noqa: PLC0415 only when training

    snapshot = rows["snapshot_date"][0]
    try:
        known = context.registry.load(bundle.name, champion.version, digest=champion.digest)
        known = replace(known, graded=context.registry.load_graded(known, champion.version))
        ours, theirs = as_it_stood(bundle, NEW, snapshot), as_it_stood(known, champion.version, snapshot)
        if why := mismatch(known, bundle):
            return None, why
        if ours is None or theirs is None:
            return None, f"it has seen what happened after {snapshot}"
        seed = context.settings.training.seed
        return compare([theirs, ours], rows, snapshot=snapshot, seed=seed), ""
    except (DataBlockedError, VersionUnknownError) as error:  # broken, lost, or of other features: no reason to stop
        return None, error.what
    except (KeyError, TypeError, ValueError) as error:  # its files are of another version's form
        return None, f"it was written by another version of this software ({type(error).__name__})"
