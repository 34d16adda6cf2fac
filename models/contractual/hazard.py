"""The hazard model: log-odds of ending in a step = life table + half boosted trees + half a smooth curve.

It is trained on a few steps of every snapshot (a landmark model: van Houwelingen 2007, Scandinavian J. of Statistics
34), so what was known at the snapshot may weigh less the farther ahead the step lies. Calibration bends the survival
curve of each customer as a whole: S(t) becomes S(t)^g with g such that the horizon's probability is the calibrated one.
Belongs here: fitting, asking, contributions, files. Does not: training in time and grading (`training`).
"""

import json
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.contractual.life_table import LifeTable, life_table_from
from models.contractual.steps import EVENT, KNOTS, LAST_STEP, STEP_DAYS, YEAR_STEPS, moved_on, survival
from models.judging.calibration import Calibrator, calibrator_from
from models.learners import boosting
from models.learners.encoding import Encoder, Floats, encoder_from
from models.learners.smooth import SmoothCurve, fit_smooth, smooth_from

TREES = 0.5  # the trees' share of the departure from the life table
MODEL = "subscription_churn"
WIDEST = 4.0  # log-odds the departure from the life table may come to


@dataclass(frozen=True, kw_only=True)
class Hazard:
    """A fitted hazard model.

    Attributes:
        table: where it starts from.
        encoder: features and what differs by step.
        trees, smooth: the departure; None: there is none, the life table is all.
        horizon_days: what the calibration is for.
        calibrator: log-odds of ending within the horizon to probability.
    """

    table: LifeTable
    encoder: Encoder
    trees: bytes | None
    smooth: SmoothCurve | None
    horizon_days: int
    calibrator: Calibrator

    def hazards(self, frame: pl.DataFrame, *, threads: int) -> Floats:
        """Calibrated P(end in the step | entered it) of the coming steps, shape (rows, `LAST_STEP`)."""
        raw = self.raw_hazards(frame, threads=threads)
        before = _log_odds(1 - survival(raw, self.horizon_days))
        wanted = np.log1p(-self.calibrator.probabilities(before))
        bend = wanted / np.minimum(np.log(survival(raw, self.horizon_days)), -1e-12)
        return -np.expm1(np.log1p(-raw) * bend[:, None])

    def raw_hazards(self, frame: pl.DataFrame, *, threads: int) -> Floats:
        """The same before calibration."""
        odds = self.table.curve(frame)
        if self.trees is not None:
            seldom = (frame["contract_period_months"] > 1).to_numpy()
            for rows, steps in ((~seldom, KNOTS), (seldom, YEAR_STEPS)):
                if rows.any():
                    odds[rows] += self._departures(frame.filter(rows), steps, threads=threads)
        return np.clip(1 / (1 + np.exp(-odds)), 1e-6, 0.95)

    def horizon_log_odds(self, frame: pl.DataFrame, *, threads: int) -> Floats:
        """Uncalibrated log-odds of ending within the horizon, shape (rows,)."""
        return _log_odds(1 - survival(self.raw_hazards(frame, threads=threads), self.horizon_days))

    def contributions(self, frame: pl.DataFrame, *, threads: int) -> tuple[Floats, Floats]:
        """What each feature adds to the log-odds of the hazard, mean over the knots within the horizon.

        Returns:
            Shape (rows, features) towards leaving, what the life table says of age, plan and renewal under
            `contract_age_days`; and the base, shape (rows,): together they are the mean log-odds.
        """
        knots = [knot for knot in KNOTS if knot * STEP_DAYS < self.horizon_days] or [0]
        total = np.zeros((frame.height, len(self.encoder.features)))
        base = np.zeros(frame.height)
        for knot in knots:
            moved = moved_on(frame, knot)
            from_table = self.table.log_odds(moved)
            typical = float(np.log(np.mean(self.table.cells)))
            total[:, self.encoder.features.index("contract_age_days")] += from_table - typical
            base += typical
            if self.trees is not None and self.smooth is not None:
                matrix = self.encoder.matrix(moved, model=MODEL)
                parts = boosting.contributions(self.trees, matrix, threads=threads)
                total += TREES * parts + (1 - TREES) * self.smooth.contributions(matrix)
                rest = boosting.raw_scores(self.trees, matrix, threads=threads) - parts.sum(axis=1)
                base += TREES * rest + (1 - TREES) * self.smooth.intercept
        return total / len(knots), base / len(knots)

    def files(self) -> dict[str, bytes]:
        """As files of a bundle."""
        content = {
            "table": self.table.described(),
            "encoder": self.encoder.described(),
            "smooth": self.smooth.described() if self.smooth else None,
            "horizon_days": self.horizon_days,
            "calibrator": self.calibrator.described(),
        }
        trees = {} if self.trees is None else {f"{MODEL}_trees.txt": self.trees}
        return {**trees, f"{MODEL}.json": json.dumps(content, sort_keys=True).encode()}

    def _departures(self, frame: pl.DataFrame, steps: tuple[int, ...], *, threads: int) -> Floats:
        """Of every step, shape (rows, `LAST_STEP`).

        Whoever renews every month is asked at a few steps, with straight lines between them. Whoever renews seldom is
        asked at every step of a year; later steps are taken to be like those in which a period ends, or does not.
        """
        moved = [moved_on(frame, step) for step in steps]
        parts = np.stack([self._departure(one, threads=threads) for one in moved], axis=1)
        spread = _between(parts, np.array(steps, dtype=np.float64))
        if steps == YEAR_STEPS:
            renews = np.stack([moved_on(frame, step)["renews_in_step"].to_numpy() for step in range(LAST_STEP)], axis=1)
            for flag in (0, 1):
                alike = renews == flag
                within = alike[:, : len(steps)]
                typical = (parts * within).sum(axis=1) / np.maximum(within.sum(axis=1), 1)
                later = alike.copy()
                later[:, : len(steps)] = False
                spread = np.where(later, typical[:, None], spread)
        return spread

    def _departure(self, moved: pl.DataFrame, *, threads: int) -> Floats:
        assert self.trees is not None and self.smooth is not None  # noqa: S101, PT018 - both or none, see fit_hazard
        matrix = self.encoder.matrix(moved, model=MODEL)
        halves = TREES * boosting.raw_scores(self.trees, matrix, threads=threads)
        return np.clip(halves + (1 - TREES) * self.smooth.scores(matrix), -WIDEST, WIDEST)


def hazard_from(files: dict[str, bytes]) -> Hazard:
    """The inverse of `Hazard.files`."""
    content = json.loads(files[f"{MODEL}.json"])
    return Hazard(
        table=life_table_from(content["table"]),
        encoder=encoder_from(content["encoder"]),
        trees=files.get(f"{MODEL}_trees.txt"),
        smooth=smooth_from(content["smooth"]) if content["smooth"] else None,
        horizon_days=content["horizon_days"],
        calibrator=calibrator_from(content["calibrator"]),
    )


def fit_hazard(
    rows: pl.DataFrame, table: LifeTable, encoder: Encoder, *, horizon_days: int, threads: int, seed: int
) -> Hazard:
    """Fit the departure from the life table; not calibrated.

    Args:
        rows: of `steps.steps_at_risk`, with the encoder's features.
        table: known before.
        encoder: features, of customers and of steps.
        horizon_days: see `Hazard`.
        threads: for LightGBM; without effect on the result.
        seed: for LightGBM.
    """
    matrix = encoder.matrix(rows, model=MODEL)
    happened = rows[EVENT].to_numpy().astype(np.float64)
    offset = table.log_odds(rows)
    trees = boosting.train_booster(
        matrix, happened, encoder=encoder, objective="binary", offset=offset, threads=threads, seed=seed
    )
    smooth = fit_smooth(matrix, happened, places=encoder.numeric, offset=offset)
    return Hazard(
        table=table,
        encoder=encoder,
        trees=trees,
        smooth=smooth,
        horizon_days=horizon_days,
        calibrator=Calibrator(kind="none"),
    )


def _between(parts: Floats, knots: Floats) -> Floats:
    """Departures at the knots, straight lines between them, level beyond the last; shape (rows, `LAST_STEP`)."""
    steps = np.arange(LAST_STEP, dtype=np.float64)
    weights = np.stack([np.interp(steps, knots, one) for one in np.eye(len(knots))])
    spread: Floats = parts @ weights
    return spread


def _log_odds(probability: Floats) -> Floats:
    safe = np.clip(probability, 1e-9, 1 - 1e-9)
    odds: Floats = np.log(safe / (1 - safe))
    return odds
