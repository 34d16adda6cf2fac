"""Commands that train and score: on a load, or on any labelled table, trial or baskets.

Belongs here: which of these is meant. Does not: the other commands of a night (`running`), how a verb is carried out
(`verbs`), the work on files (`tables`, `uplift`, `baskets`).
"""

from typing import Any

from flows.commands.baskets import (
    BasketColumn,
    CategoryColumn,
    CustomerColumn,
    DateColumn,
    FutureFile,
    HistoryFile,
    HoldOutLast,
    ItemColumn,
    Mode,
    OfferMode,
    PriceColumn,
    QuantityColumn,
    TopCount,
    columns_asked,
    is_about_baskets,
    score_baskets,
    train_on_baskets,
)
from flows.commands.options import AsOf, Config, Data, Force, Json, Orchestration, OrchestrationMode
from flows.commands.outcome import command
from flows.commands.tables import (
    Drop,
    FoldCount,
    Folder,
    IdColumn,
    Keep,
    LabelColumn,
    ModelFolder,
    Positive,
    Register,
    RepeatCount,
    ScoresFile,
    Seed,
    TableFile,
    TableTraining,
    Threads,
    TimeColumn,
    What,
    is_about_a_table,
    score_table_file,
    train_on_table,
)
from flows.commands.uplift import (
    ControlValue,
    OutcomeColumn,
    PropensityColumn,
    TreatmentColumn,
    UpliftAsked,
    is_about_uplift,
    score_uplift_file,
    train_uplift_on_table,
)
from flows.commands.verbs import AllowEmpty, AllowVolume, carry_out_verb
from flows.commands.wishes import Minutes, PromoteAnyway, Resume, Rolling, Trials, Tune


@command
def train(
    what: What = None,
    config: Config = None,
    *,
    data: Data = None,
    as_of: AsOf = None,
    orchestration: Orchestration = OrchestrationMode.auto,
    as_json: Json = False,
    table: TableFile = None,
    id_column: IdColumn = None,
    label: LabelColumn = None,
    time: TimeColumn = None,
    positive: Positive = None,
    drop: Drop = None,
    keep: Keep = None,
    folds: FoldCount = 5,
    repeats: RepeatCount = None,
    seed: Seed = 1,
    threads: Threads = 1,
    out: Folder = None,
    treatment: TreatmentColumn = None,
    outcome: OutcomeColumn = None,
    control: ControlValue = None,
    propensity: PropensityColumn = None,
    register: Register = False,
    promote_anyway: PromoteAnyway = "",
    rolling: Rolling = 0,
    tune: Tune = False,
    trials: Trials = 30,
    minutes: Minutes = 10.0,
    resume: Resume = False,
    history: HistoryFile = None,
    future: FutureFile = None,
    hold_out_last: HoldOutLast = False,
    customer: CustomerColumn = None,
    basket: BasketColumn = None,
    date: DateColumn = None,
    item: ItemColumn = None,
    quantity: QuantityColumn = None,
    price: PriceColumn = None,
    category: CategoryColumn = None,
    top: TopCount = 20,
    mode: Mode = OfferMode.all,
) -> None:
    """Train churn, value and next offer on what was known, grade them against their baselines, promote what wins.

    Or learn churn from any labelled table: gristmill train churn --table customers.csv --id customer --label left

    Or what a treatment changes: gristmill train uplift --table trial.csv --treatment group --outcome bought

    Or what comes next, from any baskets: gristmill train next-offer --history baskets.csv
    """
    if is_about_baskets(what):
        train_on_baskets(
            history=history,
            future=future,
            hold_out_last=hold_out_last,
            columns=columns_asked(customer, basket, date, item, quantity, price, category),
            out=out,
            top=top,
            mode=mode,
            threads=threads,
            seed=seed,
            as_json=as_json,
        )
        return
    if is_about_uplift(what):
        wanted = UpliftAsked(
            table=table,
            id_column=id_column,
            treatment=treatment,
            outcome=outcome,
            control=control,
            propensity=propensity,
            drop=tuple(drop or ()),
            keep=tuple(keep or ()),
            seed=seed,
            threads=threads,
            out=out,
        )
        train_uplift_on_table(wanted, as_json=as_json)
        return
    if is_about_a_table(what, table):
        asked = TableTraining(
            what=what,
            table=table,
            id_column=id_column,
            label=label,
            time=time,
            positive=positive,
            drop=tuple(drop or ()),
            keep=tuple(keep or ()),
            folds=folds,
            repeats=repeats,
            seed=seed,
            threads=threads,
            out=out,
            register=register,
            config=config,
        )
        train_on_table(asked, as_json=as_json)
        return
    wishes: dict[str, Any] = {
        "promote_anyway": promote_anyway,
        "rolling": rolling,
        "tune": tune,
        "trials": trials,
        "minutes": minutes,
        "resume": resume,
    }
    carry_out_verb("train", config, data, as_of=as_of, orchestration=orchestration, asked=wishes, as_json=as_json)


@command
def score(
    what: What = None,
    config: Config = None,
    *,
    data: Data = None,
    as_of: AsOf = None,
    force: Force = False,
    allow_volume_change: AllowVolume = False,
    allow_empty: AllowEmpty = False,
    orchestration: Orchestration = OrchestrationMode.auto,
    as_json: Json = False,
    table: TableFile = None,
    model: ModelFolder = None,
    id_column: IdColumn = None,
    threads: Threads = 1,
    out: ScoresFile = None,
    history: HistoryFile = None,
    customer: CustomerColumn = None,
    basket: BasketColumn = None,
    date: DateColumn = None,
    item: ItemColumn = None,
    quantity: QuantityColumn = None,
    price: PriceColumn = None,
    category: CategoryColumn = None,
    top: TopCount = 20,
    mode: Mode = OfferMode.all,
) -> None:
    """Score everybody with the champions, on the last load, and publish the segment tables.

    Or score any table by a model learnt from one: gristmill score churn --table new.csv --model customers_churn
    """
    if is_about_baskets(what):
        score_baskets(
            history=history,
            model=model,
            columns=columns_asked(customer, basket, date, item, quantity, price, category),
            out=out,
            top=top,
            mode=mode,
            threads=threads,
            as_json=as_json,
        )
        return
    if is_about_uplift(what):
        score_uplift_file(table, model, out=out, id_column=id_column, threads=threads, as_json=as_json)
        return
    if is_about_a_table(what, table) and table is not None:
        score_table_file(table, model, out=out, id_column=id_column, threads=threads, as_json=as_json)
        return
    asked = {"force": force, "allow_volume_change": allow_volume_change, "allow_empty": allow_empty}
    carry_out_verb("score", config, data, as_of=as_of, orchestration=orchestration, asked=asked, as_json=as_json)
