"""What a model goes by: how often its trees ask for each feature, and how much that helps them.

Belongs here: reading it off the boosters' text, for any bundle. Does not: reasons of single customers.
"""

from collections.abc import Mapping

from models.bundle import Bundle

HEADING = "feature_importances:"


def feature_shares(bundle: Bundle) -> dict[str, float]:
    """The share of all splits of the bundle's boosters on each feature, largest first; empty without boosters."""
    counts: dict[str, float] = {}
    for name, content in bundle.files.items():
        if name.endswith(".txt"):
            for feature, splits in _splits(content.decode()).items():
                counts[feature] = counts.get(feature, 0.0) + splits
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return {feature: round(splits / total, 6) for feature, splits in ordered if splits > 0} if total else {}


def gain_shares(bundle: Bundle) -> dict[str, float]:
    """The share of what the bundle's boosters gained by each feature (the mean over boosters), largest first.

    A booster's gains are in a unit of its own; empty without boosters.
    """
    found: dict[str, float] = {}
    boosters = [gains for name, content in bundle.files.items() if name.endswith(".txt") and (gains := _gains(content))]
    for gains in boosters:
        total = sum(gains.values())
        for feature, gain in gains.items():
            found[feature] = found.get(feature, 0.0) + gain / total / len(boosters)
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def family_shares(shares: Mapping[str, float], families: Mapping[str, str]) -> dict[str, float]:
    """The same by family of features, largest first; a feature without a family stands for itself."""
    found: dict[str, float] = {}
    for feature, share in shares.items():
        family = families.get(feature, feature)
        found[family] = round(found.get(family, 0.0) + share, 6)
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def _splits(text: str) -> dict[str, float]:
    """LightGBM's own count, the section at the end of a booster's text."""
    _, found, rest = text.partition(f"\n{HEADING}\n")
    lines = rest.split("\n\n", 1)[0].splitlines() if found else []
    pairs = (line.rpartition("=") for line in lines)
    return {feature: float(splits) for feature, _, splits in pairs if feature}


def _gains(text: bytes) -> dict[str, float]:
    """By feature, the sum of the gains of a booster's splits on it."""
    names: list[str] = []
    asked: list[str] = []
    found: dict[str, float] = {}
    for line in text.decode().splitlines():
        key, _, values = line.partition("=")
        if key == "feature_names":
            names = values.split()
        elif key == "split_feature":
            asked = values.split()
        elif key == "split_gain":
            for place, gain in zip(asked, values.split(), strict=True):
                name = names[int(place)]
                found[name] = found.get(name, 0.0) + max(float(gain), 0.0)
    return {name: gain for name, gain in found.items() if gain > 0}
