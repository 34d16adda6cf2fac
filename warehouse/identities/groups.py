"""From links to groups of records: which links are followed, and which are held back because of where they would lead.

Belongs here: connected components, joined method by method, and the guards. Does not: where links come from
(`matching.py`), which id a group has (`choice.py`).

Links are followed in the order of `matching.METHODS`. What a method's links would join is looked at as a
whole: too many records, records that differ in a fact in which one customer can't, or a pair that is two by decision.
Then the evidence that holds such a contradiction by itself is held back; if what is left still leads into one, all of
that method's evidence there is. What was joined before stays joined. No step depends on the order of records or links.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from warehouse.identities.matching import METHODS

Labels = npt.NDArray[np.int64]
KEPT_APART, TOO_MANY_RECORDS, FACTS_DIFFER = "kept_apart", "too_many_records", "differ_in_"
UNGUARDED = "always"


@dataclass(frozen=True)
class Guards:
    """What a group must not be.

    Attributes:
        facts: long: `node` Int64, `fact` String, `value` String; a group holds at most one value of a fact.
        never: two columns of nodes, row by row a pair that is two customers.
        most_records: records that a group has at most.
        is_record: by node, whether a record of customers has that id (an id seen elsewhere does not count).
    """

    facts: pl.DataFrame
    never: Labels
    most_records: int
    is_record: npt.NDArray[np.bool_]

    def contradictions(self, members: pl.DataFrame) -> pl.DataFrame:
        """Groups that must not be.

        Args:
            members: `group` Int64 and `node` Int64, without repetition; a node may be in several groups.

        Returns:
            `group` and `reason`, one row a group: the gravest reason.
        """
        counted = members.filter(pl.Series(self.is_record[members["node"].to_numpy()]))
        large = counted.group_by("group").len().filter(pl.col("len") > self.most_records)
        differing = (
            members.join(self.facts, on="node")
            .group_by("group", "fact")
            .agg(pl.col("value").n_unique())
            .filter(pl.col("value") > 1)
        )
        apart = self._pairs_kept_apart(members)
        reasons = [
            apart.select("group", pl.lit(KEPT_APART).alias("reason"), pl.lit(0).alias("rank")),
            differing.select("group", (pl.lit(FACTS_DIFFER) + pl.col("fact")).alias("reason"), pl.lit(1).alias("rank")),
            large.select("group", pl.lit(TOO_MANY_RECORDS).alias("reason"), pl.lit(2).alias("rank")),
        ]
        return pl.concat(reasons).sort("group", "rank", "reason").unique("group", keep="first").drop("rank")

    def _pairs_kept_apart(self, members: pl.DataFrame) -> pl.DataFrame:
        pairs = pl.DataFrame({"node": self.never[:, 0], "other": self.never[:, 1]})
        first = members.join(pairs, on="node")
        return first.join(members, left_on=["group", "other"], right_on=["group", "node"]).select("group").unique()


@dataclass(frozen=True)
class Grouping:
    """Which nodes are together.

    Attributes:
        labels: by node the number of its group: the smallest node in it.
        held_back: by evidence that was not followed, `evidence` and `reason`.
    """

    labels: Labels
    held_back: pl.DataFrame


def group(nodes: int, edges: pl.DataFrame, guards: Guards) -> Grouping:
    """Follow the links.

    Args:
        nodes: how many there are, numbered from 0.
        edges: `left` Int64, `right` Int64 (nodes), `method` String, `evidence` Int64.
        guards: what must not come about.
    """
    labels: Labels = np.arange(nodes, dtype=np.int64)
    held = [pl.DataFrame(schema={"evidence": pl.Int64, "reason": pl.String})]
    for method in METHODS:
        stage = edges.filter(pl.col("method") == method)
        if stage.height:
            labels, refused = _follow(labels, stage, guards, guarded=method != UNGUARDED)
            held.append(refused)
    return Grouping(labels=labels, held_back=pl.concat(held))


def _follow(labels: Labels, stage: pl.DataFrame, guards: Guards, *, guarded: bool) -> tuple[Labels, pl.DataFrame]:
    """Follow one method's links; returns the new labels and the evidence held back."""
    edges = stage.select(
        pl.Series("left", labels[stage["left"].to_numpy()]),
        pl.Series("right", labels[stage["right"].to_numpy()]),
        "evidence",
    ).filter(pl.col("left") != pl.col("right"))
    held = [pl.DataFrame(schema={"evidence": pl.Int64, "reason": pl.String})]
    for by_itself in (True, False) if guarded else ():
        joined = _joined(labels, edges)
        refused = _refused(labels, joined, edges, guards, by_itself=by_itself)
        held.append(refused)
        edges = edges.join(refused, on="evidence", how="anti")
    return _joined(labels, edges), pl.concat(held)


def _joined(labels: Labels, edges: pl.DataFrame) -> Labels:
    """The labels after following all of the links between groups."""
    if not edges.height:
        return labels
    from scipy.sparse import coo_array  # noqa: PLC0415 half a second that most loads don't need
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 as above

    ones = np.ones(edges.height, dtype=np.int8)
    graph = coo_array((ones, (edges["left"].to_numpy(), edges["right"].to_numpy())), shape=(len(labels), len(labels)))
    components = connected_components(graph, directed=False)[1].astype(np.int64)
    return _smallest_member(components[labels])


def _smallest_member(numbers: Labels) -> Labels:
    """Groups named by their smallest node instead of any number."""
    _, first, place = np.unique(numbers, return_index=True, return_inverse=True)
    return first.astype(np.int64)[place]


def _refused(labels: Labels, joined: Labels, edges: pl.DataFrame, guards: Guards, *, by_itself: bool) -> pl.DataFrame:
    """Evidence to hold back in groups that must not come about: what contradicts itself, or all of it."""
    touched = np.unique(joined[edges["left"].to_numpy()])
    nodes = np.flatnonzero(np.isin(joined, touched))
    bad = guards.contradictions(pl.DataFrame({"group": joined[nodes], "node": nodes}))
    suspects = edges.with_columns(pl.Series("group", joined[edges["left"].to_numpy()])).join(bad, on="group")
    if not by_itself or not suspects.height:
        return suspects.select("evidence", "reason").unique("evidence", keep="first", maintain_order=True)
    ends = pl.concat([suspects.select("evidence", label="left"), suspects.select("evidence", label="right")]).unique()
    members = pl.DataFrame({"label": labels[nodes], "node": nodes})
    spread = ends.join(members, on="label").select(pl.col("evidence").alias("group"), "node").unique()
    return guards.contradictions(spread).rename({"group": "evidence"})


def never_pairs(pairs: Sequence[tuple[str, str]], ids: pl.Series) -> Labels:
    """Pairs of ids as pairs of nodes; those that no node has are left out."""
    found = ids.to_frame("id").with_row_index("node").filter(pl.col("id").is_in([i for pair in pairs for i in pair]))
    number = dict(zip(found["id"].to_list(), found["node"].to_list(), strict=True))
    known = [(number[left], number[right]) for left, right in pairs if left in number and right in number]
    return np.array(known, dtype=np.int64).reshape(-1, 2)
