"""Commands about models: which there are, how good, who is champion and why; promoting and going back."""

from typing import Annotated

import typer

from flows.commands.options import AsOf, Config, Data, Json
from flows.commands.outcome import command, print_json

Name = Annotated[str, typer.Argument(help="churn, value, next_offer …", show_default=False)]
MaybeName = Annotated[str | None, typer.Argument(help="churn, value, next_offer … \\[all].", show_default=False)]
VersionNumber = Annotated[int, typer.Argument(min=1, help="A version of `gristmill models list`.", show_default=False)]
MaybeVersion = Annotated[
    int | None, typer.Argument(min=1, help="A version of `gristmill models list` \\[the champion].", show_default=False)
]
Because = Annotated[
    str, typer.Option("--because", metavar="WHY", help="Why: written down with the decision.", show_default=False)
]


@command
def list_versions(config: Config = None, *, as_json: Json = False) -> None:
    """All registered versions with their grades; who is champion, who scores in the shadow."""
    from flows.learning.model_reporting import print_models
    from flows.learning.modelling import list_models
    from flows.opening import open_context

    found = list_models(open_context(config))
    print_json(found) if as_json else print_models(found)


@command
def show(name: Name, version: MaybeVersion = None, config: Config = None, *, as_json: Json = False) -> None:
    """One version: its grade in words, its test figures beside the baseline's, where its card is."""
    from data_contracts.currencies import MINOR_UNIT_DIGITS
    from flows.learning.model_reporting import print_model
    from flows.learning.modelling import show_model
    from flows.opening import open_context

    context = open_context(config)
    found = show_model(context, name, version)
    if as_json:
        print_json(found)
    else:
        print_model(found, minor_units_per_major=10 ** MINOR_UNIT_DIGITS[context.settings.company.currency])


@command
def history(
    name: MaybeName = None,
    config: Config = None,
    *,
    on: Annotated[
        str | None, typer.Option("--on", help="Only who was champion on that day, YYYY-MM-DD.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Who was champion from when to when, who decided it, and why."""
    from flows.learning.model_reporting import print_history
    from flows.learning.modelling import model_history
    from flows.opening import open_context, parse_date

    found = model_history(open_context(config), name, on=parse_date(on, option="--on"))
    print_json(found) if as_json else print_history(found)


@command
def compare(
    name: Name,
    versions: Annotated[
        list[int] | None,
        typer.Argument(help="Versions; the first is what others are held against \\[champion, newest].", min=1),
    ] = None,
    config: Config = None,
    *,
    as_of: AsOf = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="By what champion and challengers really said, night by night.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Versions side by side on the same customers, with a paired test of each against the first.

    gristmill models compare churn 3 5
    """
    from flows.learning.model_reporting import print_comparison, print_shadows
    from flows.learning.modelling import compare_versions
    from flows.nights.shadowing import compare_shadows
    from flows.opening import open_context, parse_date

    context, day = open_context(config), parse_date(as_of)
    if shadow:
        found = compare_shadows(context, name=name, as_of=day)
        print_json(found) if as_json else print_shadows(found)
        return
    found = compare_versions(context, name=name, versions=list(versions or []), as_of=day)
    print_json(found) if as_json else print_comparison(found)


@command
def promote(
    name: Name,
    version: VersionNumber,
    config: Config = None,
    *,
    because: Because = "",
    if_champion: Annotated[
        int | None,
        typer.Option("--if-champion", min=1, help="Only if this version is still the champion.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a version champion, whatever its grade; who, when and why is written down."""
    from flows.learning.model_reporting import print_decision
    from flows.learning.promoting import promote_by_hand
    from flows.opening import open_context

    done = promote_by_hand(open_context(config), name=name, version=version, because=because, expected=if_champion)
    print_json(done) if as_json else print_decision(done)


@command
def rollback(name: Name, config: Config = None, *, because: Because = "", as_json: Json = False) -> None:
    """Bring back the champion before this one; it scores from the next night on."""
    from flows.learning.model_reporting import print_decision
    from flows.learning.promoting import roll_back
    from flows.opening import open_context

    done = roll_back(open_context(config), name=name, because=because)
    print_json(done) if as_json else print_decision(done)


@command
def shadow(
    name: Name,
    version: VersionNumber,
    config: Config = None,
    *,
    stop: Annotated[bool, typer.Option("--stop", help="No longer score in the shadow.")] = False,
    because: Because = "",
    as_json: Json = False,
) -> None:
    """Let a challenger score beside the champion every night, without publishing anything.

    What it said is kept, and held against what happened by `gristmill models compare NAME --shadow`.
    """
    from flows.learning.model_reporting import print_decision
    from flows.nights.shadowing import set_shadow
    from flows.opening import open_context

    done = set_shadow(open_context(config), name=name, version=version, because=because, stop=stop)
    print_json(done) if as_json else print_decision(done)


@command
def readiness(
    config: Config = None,
    *,
    data: Data = None,
    as_of: AsOf = None,
    curve: Annotated[
        bool, typer.Option("--curve", help="Also learn on parts of the data: what would more of them bring?")
    ] = False,
    as_json: Json = False,
) -> None:
    """Per model: what is there, what is missing, what more data would bring, what scores meanwhile."""
    from flows.learning.model_reporting import print_readiness
    from flows.learning.readying import readiness_report
    from flows.opening import open_context, parse_date

    found = readiness_report(open_context(config, data=data), as_of=parse_date(as_of), with_curve=curve)
    print_json(found) if as_json else print_readiness(found)
