"""`gristmill train` and `gristmill score`: the company's models, on a load.

Belongs here: these two. Does not: how a verb is carried out (`verbs`), and the commands below these, about models of
tables that people bring (`tables`, `uplift`, `baskets`).
"""

from typing import Any

import typer

from flows.commands.options import AsOf, Config, Data, Force, Json, Orchestration, OrchestrationMode
from flows.commands.outcome import command
from flows.commands.verbs import AllowEmpty, AllowVolume, carry_out_verb
from flows.commands.wishes import Minutes, PromoteAnyway, Resume, Rolling, Trials, Tune


@command
def train(
    context: typer.Context,
    config: Config = None,
    *,
    data: Data = None,
    as_of: AsOf = None,
    orchestration: Orchestration = OrchestrationMode.auto,
    promote_anyway: PromoteAnyway = "",
    rolling: Rolling = 0,
    tune: Tune = False,
    trials: Trials = 30,
    minutes: Minutes = 10.0,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Train churn, value and next offer on what was known, grade them against their baselines, promote what wins.

    Or learn from a file, without any settings: `train churn`, `train uplift`, `train next-offer`.
    """
    if _is_for_a_command_below(context):
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
    context: typer.Context,
    config: Config = None,
    *,
    data: Data = None,
    as_of: AsOf = None,
    force: Force = False,
    allow_volume_change: AllowVolume = False,
    allow_empty: AllowEmpty = False,
    orchestration: Orchestration = OrchestrationMode.auto,
    as_json: Json = False,
) -> None:
    """Score everybody with the champions, on the last load, and publish the segment tables.

    Or score a file by a model learnt from one: `score churn`, `score uplift`, `score next-offer`.
    """
    if _is_for_a_command_below(context):
        return
    asked = {"force": force, "allow_volume_change": allow_volume_change, "allow_empty": allow_empty}
    carry_out_verb("score", config, data, as_of=as_of, orchestration=orchestration, asked=asked, as_json=as_json)


def _is_for_a_command_below(context: typer.Context) -> bool:
    """Whether `train churn` and its like are meant.

    Raises:
        OptionMisplacedError: options stand before that command, where they would be of no effect.
    """
    if context.invoked_subcommand is None:
        return False
    sources = {option.opts[0]: context.get_parameter_source(option.name or "") for option in context.command.params}
    given = [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    if given:
        from flows.errors import OptionMisplacedError

        raise OptionMisplacedError(command=f"{context.info_name} {context.invoked_subcommand}", options=given)
    return True
