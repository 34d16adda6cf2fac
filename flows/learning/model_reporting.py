"""Models in the terminal: versions, one version, champions over time, versions side by side, readiness.

Belongs here: words and tables. Does not: figures (`modelling.py`).
"""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from flows.reporting import console

Result = Mapping[str, Any]
MONEY = ("mae", "rmse")
STAND_INS = (("its baseline", "baseline"), ("purchase models", "buy_till_you_die"))


def print_models(found: Result) -> None:
    """All versions."""
    table = Table("model", "version", "trained as of", "grade", "", title="registered models")
    last = ""
    for row in found["models"]:
        marks = [word for word, key in (("champion", "is_champion"), ("in the shadow", "in_shadow")) if row[key]]
        marks += [word for word, method in STAND_INS if row["method"] == method]
        shown = row["model"] if row["model"] != last else ""
        table.add_row(shown, str(row["version"]), row["trained_as_of"], row["grade"], ", ".join(marks))
        last = row["model"]
    out = console()
    if found["models"]:
        out.print(table)
    for name in found["never_trained"]:
        out.print(f"{name}: not trained yet; see `gristmill models readiness`", markup=False)


def print_model(found: Result, *, minor_units_per_major: int) -> None:
    """One version."""
    out = console()
    champion = ", champion" if found["is_champion"] else ""
    title = f"{found['model']} {found['version']}, trained as of {found['trained_as_of']}{champion}"
    out.print(f"[bold]{title}[/]")
    out.print(f"grade {found['grade_words']}", markup=False)
    for reason in found["reasons"]:
        out.print(f"  {reason}", markup=False)
    table = Table("test figure", "model's", "baseline's")
    for key, value in found["metrics"].items():
        baseline = found["metrics"].get(_beside(key, found["metrics"]))
        if baseline is not None:
            scale = minor_units_per_major if key.endswith(MONEY) else 1
            table.add_row(key.replace("_", " "), f"{value / scale:,.4g}", f"{baseline / scale:,.4g}")
    out.print(table)
    out.print(f"features: {len(found['features'])}; digest {found['digest']}", markup=False, soft_wrap=True)
    if found["card"]:
        out.print(f"card: {found['card']}", markup=False, soft_wrap=True)


def print_history(found: Result) -> None:
    """Champions over time."""
    table = Table("model", "version", "champion from", "until", "how", "grade", "by", "because")
    table.columns[-1].overflow = "fold"
    for row in found["history"]:
        until = row["until"][:16].replace("T", " ") if row["until"] else "now"
        since = row["since"][:16].replace("T", " ")
        parts = (row["model"], str(row["version"]), since, until, row["how"], row["grade"], row["decided_by"])
        table.add_row(*parts, str(row["because"]).replace("[", "\\["))
    out = console()
    if found["history"]:
        out.print(table)
    else:
        out.print("nobody was champion" + (f" on {found['on']}" if "on" in found else " yet"))


def print_comparison(found: Result) -> None:
    """Versions side by side."""
    out = console()
    same = found.get("same_rows")
    if same:
        title = f"{found['model']} on the same {same['rows']:,} customers of {same['snapshot']}"
        names = list(next(iter(same["figures"].values())))
        table = Table("version", *(name.replace("_", " ") for name in names), title=title)
        for version, figures in same["figures"].items():
            mark = " (as graded)" if int(version) in same["asked_as_graded"] else ""
            table.add_row(f"{version}{mark}", *(f"{figures[name]:,.4g}" for name in names))
        for rule, figures in same.get("baselines", {}).items():
            table.add_row(f"baseline: {rule}", *(f"{figures[name]:,.4g}" for name in names))
        out.print(table)
        for words in found["words"]:
            out.print(words, markup=False)
        for version, why in found["left_out"].items():
            out.print(f"left out: version {version}: {why}", markup=False)
        return
    table = Table("version", "trained as of", "grade", "its own test figures", title=found["model"])
    for one in found["versions"]:
        own = [f"{key} {value:.4g}" for key, value in one["metrics"].items() if _beside(key, one["metrics"])]
        table.add_row(str(one["version"]), one["trained_as_of"], one["grade"], ", ".join(own))
    out.print(table)
    out.print(f"not on the same rows: {found['why_not']}", markup=False)


def print_shadows(found: Result) -> None:
    """Challengers in the shadow, by what they said."""
    out = console()
    table = Table(
        "night", "champion", "challenger", "customers", "gain [95 % interval]", "verdict", title=found["model"]
    )
    for one in found["nights"]:
        gains = ", ".join(
            f"{name} {gain['mean']:+.4g} [{gain['low']:+.4g}, {gain['high']:+.4g}]"
            for name, gain in one["gains"].items()
        )
        numbers = (str(one["champion"]), str(one["challenger"]), f"{one['customers']:,}")
        table.add_row(one["night"], *numbers, gains.replace("[", "\\["), one["verdict"])
    if found["nights"]:
        out.print(table)
    if found["waiting"]:
        out.print(f"outcomes not known yet: {', '.join(found['waiting'])}")


def print_readiness(found: Result) -> None:
    """Whether there is enough to learn from."""
    out = console()
    for one in found["models"]:
        mark = "[bold green]ready[/]" if one["ready"] else "[bold yellow]not ready[/]"
        out.print(f"{mark} [bold]{one['model']}[/]")
        lines = [("there", one["there"]), *(("missing", text) for text in one["missing"])]
        lines += [("more", text) for text in one["more"]]
        lines += [] if one["ready"] else [("meanwhile", one["meanwhile"])]
        for label, text in lines:
            out.print(f"  {label:>9}  {text}", markup=False)
    curve = found.get("learning_curve") or []
    if curve:
        table = Table("learnt from", "customers", "rows", "AUC", "log loss", title="learning curve of churn")
        for point in curve:
            figures = (f"{point['auc']:.3f}", f"{point['log_loss']:.4f}")
            table.add_row(point["part"], f"{point['customers']:,}", f"{point['rows']:,}", *figures)
        out.print(table)
    for words in [*found.get("words", []), *found.get("findings", [])]:
        out.print(words, markup=False)


def print_decision(done: Result) -> None:
    """What a promotion, rollback or shadow came to."""
    console().print(f"[bold green]{done['status']}[/]: {done['message']}")


def _beside(key: str, metrics: Mapping[str, Any]) -> str:
    """The name of a figure's baseline; empty for what has none."""
    found = [name for name in metrics if "baseline_" in name and name.replace("baseline_", "", 1) == key]
    return found[0] if found else ""
