"""Options and bodies of `gristmill train uplift --table` and `gristmill score uplift --table`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from flows.commands.options import may_be_left_out
from flows.commands.outcome import print_json
from flows.commands.tables import TableModelName

PANEL = "What a treatment changes, from a trial (train uplift)"
TreatmentColumn = Annotated[
    str | None,
    may_be_left_out("--treatment", "The column that says what was done to each.", PANEL),
]
OutcomeColumn = Annotated[
    str | None,
    may_be_left_out("--outcome", "The column that says what came of it, yes or no or an amount.", PANEL),
]
ControlValue = Annotated[
    str | None,
    may_be_left_out("--control", "The treatment's value that means that nothing was done \\[guessed].", PANEL),
]
PropensityColumn = Annotated[
    str | None,
    may_be_left_out("--propensity", "The column with the logged probability of what was done.", PANEL),
]


@dataclass(frozen=True, kw_only=True)
class UpliftAsked:
    """What was asked of `gristmill train uplift`."""

    table: Path | None
    id_column: str | None
    treatment: str | None
    outcome: str | None
    control: str | None
    propensity: str | None
    drop: tuple[str, ...]
    keep: tuple[str, ...]
    seed: int
    threads: int
    out: Path | None


def is_about_uplift(what: TableModelName | None) -> bool:
    """Whether a command means the effects of a treatment."""
    return what is TableModelName.uplift


def train_uplift_on_table(asked: UpliftAsked, *, as_json: bool) -> None:
    """`gristmill train uplift --table`."""
    from flows.errors import TableOptionsError
    from flows.from_files.uplift_reporting import print_uplift_training
    from flows.from_files.uplift_tables import train_uplift_from_table
    from flows.opening import utc_now
    from flows.running.progress import on_standard_error
    from models.uplift.table import UpliftRequest

    if asked.table is None or asked.treatment is None or asked.outcome is None:
        raise TableOptionsError(
            got="uplift without --table, --treatment and --outcome",
            expected="--table FILE --treatment COLUMN --outcome COLUMN",
        )
    request = UpliftRequest(
        treatment_column=asked.treatment,
        outcome_column=asked.outcome,
        id_column=asked.id_column,
        control=asked.control,
        propensity_column=asked.propensity,
        drop=asked.drop,
        keep=asked.keep,
        threads=asked.threads,
        seed=asked.seed,
    )
    report = train_uplift_from_table(
        asked.table, request, out=asked.out, today=utc_now().date(), reporter=on_standard_error()
    )
    if as_json:
        print_json(report)
    else:
        print_uplift_training(report)


def score_uplift_file(
    table: Path | None, model: Path | None, *, out: Path | None, id_column: str | None, threads: int, as_json: bool
) -> None:
    """`gristmill score uplift --table`."""
    from flows.errors import TableOptionsError
    from flows.from_files.uplift_reporting import print_uplift_scores
    from flows.from_files.uplift_tables import score_uplift_from_table

    if table is None or model is None:
        raise TableOptionsError(got="uplift without --table and --model", expected="--table FILE --model FOLDER")
    result = score_uplift_from_table(table, model, out=out, id_column=id_column, threads=threads)
    if as_json:
        print_json(result)
    else:
        print_uplift_scores(result)
