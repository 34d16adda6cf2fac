"""Which version becomes champion: after a training, by hand, or back to the one before.

Belongs here: the decisions, written to the ledger first and then mirrored by the registry's alias. Does not: grades and
paired tests (`models`), what the ledger makes of its rows (`warehouse.promotions`).

Scoring goes by the ledger. A run that dies between the two leaves an alias behind that lags; the next run that trains
or promotes sets it right (`follow_ledger`).
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from flows.context import Context
from flows.learning.errors import ModelUnknownError, NothingToRollBackToError, ReasonNeededError
from flows.running.recording import alone
from models.errors import ChampionChangedError
from models.judging.grading import Grade, grade_bundle, grade_figures
from warehouse.promotions import (
    Promotion,
    PromotionKind,
    champion_before,
    champion_for,
    promoted_models,
    promotions_of,
    record_promotion,
)

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.comparing import Comparison

NEW = 0  # what a version is called in a comparison before it has a number
NEXT_NIGHT = "the next night scores with it; a date that is published already: gristmill score --force"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What becomes of a trained version.

    Attributes:
        kind: how it becomes champion; None: it does not.
        because: why, in words.
    """

    kind: PromotionKind | None
    because: str


def decide(
    *,
    grade: Grade,
    beats_baseline: bool,
    champion: Promotion | None,
    comparison: "Comparison | None",
    promote_anyway: str = "",
) -> Decision:
    """Champion or not: by grade, then by the paired test against the champion; a person's reason overrules both.

    Args:
        grade: of the new version.
        beats_baseline: whether the model itself is in the bundle; else its baseline stands in.
        champion: of the day it was trained as of.
        comparison: with the champion on the same rows; None where there is no champion, or none can be made.
        promote_anyway: a person's reason; empty: nobody insists.
    """
    if not grade.may_be_promoted:
        return _below_the_gate(grade, beats_baseline, champion, promote_anyway)
    if comparison is None or champion is None or not champion.beats_baseline:
        return Decision(kind="won", because=grade.words)
    told = _told(comparison)
    if comparison.verdicts[NEW] != "worse":
        return Decision(kind="won", because=f"{grade.words}; {told}")
    if promote_anyway:
        return Decision(kind="anyway", because=f"{promote_anyway} ({told})")
    return Decision(kind=None, because=f"surely worse than the champion: {told}")


def to_register(bundle: "Bundle", decision: Decision) -> "Bundle":
    """What is registered: the bundle; where a person insists on a model that its baseline stands in for, the model.

    It is then the model as it was graded, which has not learnt from the test snapshot.
    """
    graded = bundle.graded
    if decision.kind != "anyway" or bundle.beats_baseline or graded is None:
        return bundle
    insisted = replace(graded, trained_as_of=bundle.trained_as_of, beats_baseline=False)
    return replace(insisted, graded=graded, graded_digest=bundle.graded_digest)


def champion_on(context: Context, name: str, as_of: date) -> Promotion | None:
    """The champion that may score a date."""
    with context.warehouse() as warehouse:
        return champion_for(warehouse, name, as_of)


def write_down(
    context: Context,
    bundle: "Bundle",
    version: int,
    decision: Decision,
    *,
    champion: Promotion | None,
    comparison: "Comparison | None" = None,
) -> None:
    """The ledger's row first: it is what scoring goes by; then the alias that people see."""
    if decision.kind is None:
        return
    promotion = Promotion(
        name=bundle.name,
        version=version,
        digest=bundle.digest(),
        trained_as_of=bundle.trained_as_of,
        promoted_at=context.clock(),
        beats_baseline=bundle.beats_baseline,
        metrics=bundle.metrics,
        kind=decision.kind,
        because=decision.because,
        decided_by=context.run_by,
        previous_version=champion.version if champion else None,
        grade=grade_bundle(bundle).letter,
        comparison=comparison.plain() if comparison else {},
    )
    with context.warehouse() as warehouse:
        record_promotion(warehouse, promotion)
    follow_ledger(context, bundle.name)


def follow_ledger(context: Context, name: str) -> None:
    """Point the registry's alias to today's champion by the ledger, where it points elsewhere.

    Raises:
        ChampionChangedError: somebody moves the alias at this moment.
        RegistryDownError: the registry did not answer.
    """
    champion = champion_on(context, name, context.today)
    if champion is None:
        return
    shown = context.registry.champion(name)
    if shown is None or shown[0] != champion.version:
        context.registry.promote(name, champion.version, expected_current=shown[0] if shown else None)


def settle_registry(context: Context, ledger: str) -> list[str]:
    """Finish or discard what a run that died left between training, registering and promoting.

    Returns:
        What was done, in words.
    """
    told = []
    discarded = context.registry.discard_unfinished(ledger)
    if discarded:
        told.append(f"discarded {discarded} half-registered model run{'s' if discarded > 1 else ''} of a run that died")
    with context.warehouse() as warehouse:
        names = promoted_models(warehouse)
    for name in names:
        before = context.registry.champion(name)
        follow_ledger(context, name)
        after = context.registry.champion(name)
        if before != after:
            told.append(f"the registry's alias of {name} follows the ledger again: version {after and after[0]}")
    return told


def promote_by_hand(
    context: Context, *, name: str, version: int, because: str, expected: int | None = None
) -> dict[str, Any]:
    """Make a registered version champion, whatever its grade.

    Args:
        context: the surroundings.
        name: the model.
        version: a version of the registry.
        because: why, for the ledger.
        expected: the champion that the decision was made against; None: whoever it is when the command begins.

    Raises:
        ReasonNeededError, VersionUnknownError: what was asked makes no sense.
        ChampionChangedError: somebody else promoted a version in the meantime.
        BundleCorruptError: the version is not what was registered.
        WarehouseBusyError: a run is under way.
    """
    _refuse_silence(because, option="--because")
    known = champion_on(context, name, context.today) if context.warehouse().exists() else None
    looked_at = known.version if known else None
    if expected is not None:
        looked_at = expected
    bundle = load_version(context, name, version)
    with alone(context, f"promote {name} {version}"):
        current = _unchanged(context, name, looked_at)
        if current is not None and current.version == version:
            return {"status": "unchanged", "message": f"version {version} of {name} is the champion already"}
        write_down(context, bundle, version, Decision(kind="by hand", because=because), champion=current)
    grade = grade_bundle(bundle)
    message = f"version {version} of {name} is the champion now ({grade.words}); {NEXT_NIGHT}"
    return {
        "status": "promoted",
        "message": message,
        "model": name,
        "version": version,
        "previous_version": current.version if current else None,
        "because": because,
        "grade": grade.letter,
    }


def roll_back(context: Context, *, name: str, because: str) -> dict[str, Any]:
    """Bring back the champion before the one of now; the decision is one row of the ledger, the alias follows.

    Raises:
        ReasonNeededError: without a reason.
        NothingToRollBackToError: there was no other champion before.
        WarehouseBusyError: a run is under way.
    """
    _refuse_silence(because, option="--because")
    with alone(context, f"roll back {name}"):
        with context.warehouse() as warehouse:
            decisions = promotions_of(warehouse, name)
            if not decisions:
                raise ModelUnknownError(name=name, known=promoted_models(warehouse))
            current, before = champion_for(warehouse, name, context.today), champion_before(decisions)
        if before is None or current is None:
            raise NothingToRollBackToError(name=name, version=current.version if current else None)
        load_version(context, name, before.version, digest=before.digest)  # refuse to go back to what is broken
        back = replace(
            before,
            promoted_at=context.clock(),
            kind="rollback",
            because=because,
            decided_by=context.run_by,
            previous_version=current.version,
            comparison={},
        )
        with context.warehouse() as warehouse:
            record_promotion(warehouse, back)
        follow_ledger(context, name)
    return {
        "status": "rolled back",
        "message": f"version {before.version} of {name} is the champion again; {NEXT_NIGHT}",
        "model": name,
        "version": before.version,
        "previous_version": current.version,
        "because": because,
        "grade": before.grade or grade_figures(name, before.metrics, passed=before.beats_baseline).letter,
    }


def known_models(context: Context) -> list[str]:
    """The models that the ledger knows; none before anything ran."""
    if not context.warehouse().exists():
        return []
    with context.warehouse(read_only=True) as warehouse:
        return promoted_models(warehouse)


def load_version(context: Context, name: str, version: int, *, digest: str = "") -> "Bundle":
    """A version of the registry, verified by the ledger's digest where it is known, else by its own.

    Raises:
        ModelUnknownError, VersionUnknownError: there is no such thing.
        BundleCorruptError: it is not what was registered.
    """
    known = context.registry.versions(name)
    if not known:
        raise ModelUnknownError(name=name, known=known_models(context))
    told = next((one.digest for one in known if one.version == version), "")
    return context.registry.load(name, version, digest=digest or told)


def _below_the_gate(
    grade: Grade,
    beats_baseline: bool,  # noqa: FBT001 as `decide` was told
    champion: Promotion | None,
    promote_anyway: str,
) -> Decision:
    """A model that is not good enough: only somebody's word, or an empty place, makes it champion."""
    if promote_anyway:
        return Decision(kind="anyway", because=promote_anyway)
    if champion is None:
        proven = grade.words.rpartition("; ")[0] or grade.words  # what follows is advice on the champion before
        because = f"a stand-in, as there was no champion at all; {proven}"
        return Decision(kind="stands in", because=because)
    if not champion.beats_baseline and not beats_baseline:
        because = f"a stand-in, fitted anew, in place of an older stand-in; {grade.words}"
        return Decision(kind="stands in", because=because)
    return Decision(kind=None, because=grade.words)


def _unchanged(context: Context, name: str, expected: int | None) -> Promotion | None:
    """The champion of now, if it is the one the decision was made against. The caller holds the lock."""
    current = champion_on(context, name, context.today)
    found = current.version if current else None
    if found != expected:
        raise ChampionChangedError(model=name, expected=expected, found=found)
    return current


def _refuse_silence(because: str, *, option: str) -> None:
    if not because.strip():
        raise ReasonNeededError(option=option)


def _told(comparison: "Comparison") -> str:
    from models.comparing import in_words  # noqa: PLC0415 only where there was a comparison

    return in_words(comparison, NEW)
