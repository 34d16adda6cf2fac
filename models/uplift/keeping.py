"""A trial's model as files of a bundle, and back.

Belongs here: the form. Does not: fitting, or verifying digests (`models.bundle`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from models.learners.encoding import encoder_from
from models.prepared_table.curve import TableCurve, curve_from
from models.uplift.effects import EffectModel, Part, Ridge
from models.uplift.learning import TrialModel
from models.uplift.rules import ColumnRule
from models.uplift.stacking import Stack

MODEL_FILE = "uplift.json"


def trial_model_files(model: TrialModel) -> dict[str, bytes]:
    """The model as files: JSON, and boosters as text."""
    files: dict[str, bytes] = {}
    described = []
    for place, effect in enumerate(model.effects):
        parts = []
        for number, part in enumerate(effect.parts):
            outcome_file, trees_file = f"outcome_{number}.txt", f"effect_{place}_{number}.txt"
            files[outcome_file], files[trees_file] = part.outcome_model, part.trees
            curve = TableCurve(
                design=part.ridge.design, weights=tuple(part.ridge.weights.tolist()), intercept=part.ridge.intercept
            )
            parts.append(
                {
                    "outcome": outcome_file,
                    "trees": trees_file,
                    "tree_rounds": part.tree_rounds,
                    "rule": asdict(part.rule),
                    "ridge": curve.described(),
                }
            )
        described.append(
            {
                "parts": parts,
                "responses": list(effect.responses),
                "is_binary": effect.is_binary,
                "stack": _stack_described(effect.stack),
            }
        )
    content = {"encoder": model.encoder.described(), "arms": list(model.arms), "effects": described}
    return {**files, MODEL_FILE: json.dumps(content, sort_keys=True).encode()}


def trial_model_from(files: Mapping[str, bytes]) -> TrialModel:
    """The inverse of `trial_model_files`."""
    content = json.loads(files[MODEL_FILE])
    effects = tuple(
        EffectModel(
            parts=tuple(_part(part, files) for part in one["parts"]),
            stack=_stack(one["stack"]),
            responses=(one["responses"][0], one["responses"][1]),
            is_binary=one["is_binary"],
        )
        for one in content["effects"]
    )
    return TrialModel(encoder=encoder_from(content["encoder"]), effects=effects, arms=tuple(content["arms"]))


def _part(content: Mapping[str, Any], files: Mapping[str, bytes]) -> Part:
    curve = curve_from(content["ridge"])
    ridge = Ridge(design=curve.design, weights=np.array(curve.weights), intercept=curve.intercept)
    return Part(
        outcome_model=files[content["outcome"]],
        ridge=ridge,
        trees=files[content["trees"]],
        tree_rounds=content["tree_rounds"],
        rule=ColumnRule(
            place=content["rule"]["place"],
            edges=tuple(content["rule"]["edges"]),
            by_bin=tuple(content["rule"]["by_bin"]),
        ),
    )


def _stack_described(stack: Stack) -> dict[str, Any]:
    return {
        "average": stack.average,
        "average_error": stack.average_error,
        "means": stack.means.tolist(),
        "weights": stack.weights.tolist(),
        "covariance": stack.covariance.tolist(),
        "below": stack.below,
        "above": stack.above,
        "shift": stack.shift,
    }


def _stack(content: Mapping[str, Any]) -> Stack:
    return Stack(
        average=content["average"],
        average_error=content["average_error"],
        means=np.array(content["means"]),
        weights=np.array(content["weights"]),
        covariance=np.array(content["covariance"]),
        below=content.get("below", 1.0),  # models of before there were slopes
        above=content.get("above", 1.0),
        shift=content.get("shift", 0.0),
    )
