"""How good effects and decisions are: Hillstrom's e-mail test, and customers whose true effects are known.

    GRISTMILL_SHARED_DATA=… python benchmarks/quality_decisions.py [hillstrom] [simulated] [--splits 20] [--seeds 101 …]

Prints Markdown tables for docs/decisions.md. Hillstrom: stratified halves, trained on one, Qini on the other.
Simulated: effects learnt from contacts by lot, offers chosen under a budget, judged by the true effects.
"""

import argparse
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import polars as pl

from models.learners.encoding import Floats
from models.uplift.learning import fit_single_rule, fit_trial, response_scores, two_model_scores
from models.uplift.qini import Pairs, qini_coefficient
from models.uplift.trial import Trial, shares_as_propensity
from segments.decisions.choice_rules import ChoiceRules
from segments.decisions.choosing import choose
from simulation.offers import SimulatedOffers, simulate_offers

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("GRISTMILL_SHARED_DATA", ROOT.parent / "shared" / "data"))
ARMS = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")
RULE = "the rule `womens`"
BUDGET_SHARES = (0.05, 0.15, 0.4)


def hillstrom(splits: int) -> None:
    """Qini over stratified halves of the public e-mail test."""
    table = pl.read_parquet(DATA / "hillstrom" / "hillstrom.parquet")
    features = table.drop("segment", "visit", "conversion", "spend").with_columns(pl.col(pl.Int64).cast(pl.Float64))
    arm = table["segment"].replace_strict({name: place for place, name in enumerate(ARMS)}).cast(pl.Int64).to_numpy()
    print(
        "± is 95 % over the halves as if they were independent, then for halves that overlap (Nadeau, Bengio 2003).\n"
    )
    print("| outcome | e-mail | method | Qini | above the rule | ± | ± |\n|---|---|---|---:|---:|---:|---:|")
    for outcome in ("visit", "conversion"):
        trial = Trial(
            table=features,
            arm=arm,
            arms=ARMS,
            outcome=table[outcome].cast(pl.Float64).to_numpy(),
            propensity=shares_as_propensity(arm, ARMS),
            groups=[str(row) for row in range(table.height)],
        )
        found: dict[tuple[int, str], list[float]] = defaultdict(list)
        for split in range(splits):
            one_split(trial, split, found)
        for (treatment, method), values in found.items():
            gains = np.array(values) - np.array(found[treatment, RULE])
            margin = 1.96 * gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else float("nan")
            overlapping = margin * np.sqrt(1 + len(gains))  # tested on as many rows as trained on
            figures = f"{np.mean(values):.5f} | {gains.mean():+.5f} | {margin:.5f} | {overlapping:.5f}"
            print(f"| {outcome} | {ARMS[treatment]} | {method} | {figures} |", flush=True)


def one_split(trial: Trial, split: int, found: dict[tuple[int, str], list[float]]) -> None:
    """Train on one half, add the Qini coefficients on the other."""
    half = stratified_half(trial, split)
    known, asked = trial.at(half), trial.at(~half)
    effects, _ = fit_trial(known).predict(asked.table)
    for treatment in trial.treatments:
        of_pair, treated, share = asked.pair(treatment)
        pairs = Pairs(treated=treated, share=share, outcome=asked.outcome[of_pair])
        rule = asked.table["womens"].to_numpy() * (1.0 if treatment == 2 else -1.0)  # noqa: PLR2004 the women's e-mail
        scores = {
            "effect model": effects[treatment - 1],
            RULE: rule,
            "best single column": fit_single_rule(known, treatment).scores(asked.table),
            "response model": response_scores(known, asked.table, treatment, threads=1, seed=1),
            "two models (T-learner)": two_model_scores(known, asked.table, treatment, threads=1, seed=1),
            "random": np.random.default_rng(split).random(len(asked.outcome)),
        }
        for method, score in scores.items():
            found[treatment, method].append(qini_coefficient(score[of_pair], pairs))


def stratified_half(trial: Trial, split: int) -> "np.typing.NDArray[np.bool_]":
    """Half of the rows of every arm and outcome."""
    rng = np.random.default_rng(split)
    half = np.zeros(len(trial.arm), dtype=np.bool_)
    for arm in range(len(trial.arms)):
        for happened in (False, True):
            rows = rng.permutation(np.flatnonzero((trial.arm == arm) & ((trial.outcome > 0) == happened)))
            half[rows[: len(rows) // 2]] = True
    return half


def simulated(past: int, tonight: int, seeds: Sequence[int]) -> None:
    """True incremental profit of the chosen policy against others, at three budgets, and calibration by tenth."""
    print(f"{past:,} past contacts, decisions for {tonight:,} others\n")
    print("| seed | budget | oracle | chosen | of the oracle | response model | random |")
    print("|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    calibrations = []
    for seed in seeds:
        calibrations += one_world(past, tonight, seed)
    print("\nPredicted/true effect by tenth (minor units):\n")
    print("\n".join(calibrations))


def one_world(past: int, tonight: int, seed: int) -> list[str]:
    """Print the rows of one simulated world; its calibrations in words."""
    made = simulate_offers(past=past, tonight=tonight, seed=seed)
    trial = past_trial(made)
    model = fit_trial(trial)
    effects = model.predict(made.tonight.drop("customer_id"))[0].T
    response = np.column_stack(
        [
            response_scores(trial, made.tonight.drop("customer_id"), treatment, threads=1, seed=1)
            for treatment in trial.treatments
        ]
    )
    lots = np.random.default_rng(1).random(effects.shape) * 1e5
    everybody = float(made.cost.max()) * tonight
    for share in BUDGET_SHARES:
        budget = round(share * everybody / 3)
        profits = [profit(made, gains, budget) for gains in (made.true_effect, effects, response, lots)]
        oracle, chosen, by_response, by_lot = (one / 100 for one in profits)
        of_oracle = " | ".join(f"{one / oracle:.1%}" for one in (chosen, by_response, by_lot))
        print(
            f"| {seed} | {budget / 100:,.0f} ({share:.0%}) | {oracle:,.0f} | {chosen:,.0f} | {of_oracle} |", flush=True
        )
    return [
        f"- seed {seed}, offer {offer + 1}: {calibration_words(effects[:, offer], made.true_effect[:, offer])}"
        for offer in range(effects.shape[1])
    ]


def profit(made: SimulatedOffers, gains: Floats, budget: int) -> float:
    """True incremental profit (minor units) of the offers chosen by `gains` (before cost) under a budget."""
    customers, offers = gains.shape
    ids = made.tonight["customer_id"]
    candidates = pl.concat(
        [
            pl.DataFrame(
                {
                    "customer_id": ids,
                    "offer_id": [str(offer)] * customers,
                    "channel": [made.channel[offer]] * customers,
                    "gain_amount": np.round(gains[:, offer] - made.cost[offer]).astype(np.int64),
                    "cost_amount": np.full(customers, made.cost[offer]),
                    "blocked": pl.Series([None] * customers, dtype=pl.String),
                }
            )
            for offer in range(offers)
        ]
    )
    choice = choose([candidates], ChoiceRules(budget_amount=budget))
    chosen = choice.candidates.filter("chosen")
    rows = chosen["customer_id"].str.split("-").list.last().cast(pl.Int64).to_numpy()
    offer = chosen["offer_id"].cast(pl.Int64).to_numpy()
    return float((made.true_effect[rows, offer] - made.cost[offer]).sum())


def past_trial(made: SimulatedOffers) -> Trial:
    """The past contacts as a trial of margins."""
    arm = made.past["arm"].to_numpy()
    arms = ("left alone", *(f"offer {number + 1}" for number in range(len(made.channel))))
    return Trial(
        table=made.past.drop("customer_id", "arm", "propensity", "margin", "bought"),
        arm=arm,
        arms=arms,
        outcome=made.past["margin"].cast(pl.Float64).to_numpy(),
        propensity=shares_as_propensity(arm, arms),
        groups=made.past["customer_id"].to_list(),
    )


def calibration_words(predicted: Floats, true: Floats) -> str:
    """Mean predicted and true effect by tenth of the predicted."""
    order = np.argsort(predicted, kind="stable")
    parts = [(predicted[part].mean(), true[part].mean()) for part in np.array_split(order, 10)]
    slope = float(np.polyfit(*np.array(parts).T, 1)[0])
    return ", ".join(f"{one:.1f}/{other:.1f}" for one, other in parts) + f"; slope {slope:.2f}"


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=["hillstrom", "simulated"], help="hillstrom, simulated")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--past", type=int, default=100_000)
    parser.add_argument("--tonight", type=int, default=50_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 202, 303], help="of the simulated worlds")
    given = parser.parse_args()
    if "hillstrom" in given.parts:
        hillstrom(given.splits)
    if "simulated" in given.parts:
        simulated(given.past, given.tonight, given.seeds)


if __name__ == "__main__":
    main()
