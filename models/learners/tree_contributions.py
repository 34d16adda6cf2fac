"""What each feature adds to a booster's raw score: exactly what LightGBM says, in a twentieth of its time.

TreeSHAP (Lundberg et al. 2018, "Consistent individualized feature attribution for tree ensembles", algorithm 2) depends
on a row only through which way it would go at every node of a tree. So a tree (a large one in parts) has a table of
contributions by pattern of those ways, made once, and a row is a few comparisons and look-ups. The nodes above a part
count by feature: all that matters is whether the row follows the way to the part at all of a feature's nodes.
Belongs here: reading trees, their tables, asking them. Does not: which models are asked (`boosting`).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from models.learners.encoding import Floats

MOST_TESTS = 11  # of a part: its table has 2 to this power rows
MOST_FEATURES = 16  # on the way to a leaf; a tree with more is left to LightGBM
WORTH_IT = 500  # rows of a bucket (there are several) below which making the tables may cost more than it saves
BOOSTERS_KEPT = 8  # a night asks three in turn for every bucket: were fewer kept, each would be read anew every time
CHUNK_ROWS = 16_384
Codes = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Node:
    """A split: rows at or below the threshold, or of one of the categories, go left; so do missing ones, if it says.

    `missing_is` is what a missing value counts as, where LightGBM saw none in training.
    """

    feature: int
    threshold: float
    categories: tuple[int, ...] | None
    missing_left: bool
    missing_is: float | None

    def goes_left(self, column: Floats) -> npt.NDArray[np.bool_]:
        """Whether rows go left, by their values of the feature, shape (rows,)."""
        if self.categories is not None:
            return np.isin(column, self.categories)
        if self.missing_is is not None:
            return np.asarray(np.where(np.isnan(column), self.missing_is, column) <= self.threshold)
        return ~(column > self.threshold) if self.missing_left else column <= self.threshold


Test = tuple[tuple[Node, bool], ...]
"""Nodes of one feature and the way to take at each; passed by a row that takes them all."""


@dataclass(frozen=True)
class Leaf:
    """A leaf's value and the way to it: (number of the test in its part, whether passed, share of rows that do so)."""

    value: float
    path: tuple[tuple[int, bool, float], ...]


@dataclass(frozen=True)
class Part:
    """Some leaves of a tree with every node above them.

    Attributes:
        tests: bit i of a row's pattern says whether it passes test i.
        features: the features of the tests, each once.
        table: contributions, shape (features, patterns).
    """

    tests: tuple[Test, ...]
    features: tuple[int, ...]
    table: Floats

    def pattern(self, columns: Floats, known: dict[int, npt.NDArray[np.bool_]]) -> Codes:
        """The pattern of every row, shape (rows,).

        Args:
            columns: shape (features, rows).
            known: which way rows go, by the identity of nodes already asked; what is asked here is added.
        """
        code = np.zeros(columns.shape[1], dtype=np.uint16)
        for bit, test in enumerate(self.tests):
            passed = None
            for node, left in test:
                if id(node) not in known:
                    known[id(node)] = node.goes_left(columns[node.feature])
                way = known[id(node)] if left else ~known[id(node)]
                passed = way if passed is None else passed & way
            if passed is not None:
                code |= passed.astype(np.uint16) << np.uint16(bit)
        return code


def fast_contributions(text: bytes, matrix: Floats) -> Floats | None:
    """Contributions, shape (rows, features), without the base; None where LightGBM had better be asked.

    Args:
        text: the booster, LightGBM text.
        matrix: shape (rows, features).
    """
    if len(matrix) < WORTH_IT:
        return None
    trees = _parts_of(text)
    if trees is None:
        return None
    found = np.empty(matrix.shape)
    for start in range(0, len(matrix), CHUNK_ROWS):
        columns = np.ascontiguousarray(matrix[start : start + CHUNK_ROWS].T)
        sums = np.zeros(columns.shape)
        for parts in trees:
            known: dict[int, npt.NDArray[np.bool_]] = {}
            for part in parts:
                pattern = part.pattern(columns, known).astype(np.intp)
                for feature, table in zip(part.features, part.table, strict=True):
                    sums[feature] += table.take(pattern, mode="clip")
        found[start : start + CHUNK_ROWS] = sums.T
    return found


@lru_cache(maxsize=BOOSTERS_KEPT)
def _parts_of(text: bytes) -> tuple[tuple[Part, ...], ...] | None:
    """The parts of every tree; None where a tree is too deep for them."""
    import lightgbm  # noqa: PLC0415 - heavy: imported when used

    trees = lightgbm.Booster(model_str=text.decode()).dump_model()["tree_info"]
    roots = [tree["tree_structure"] for tree in trees]
    if any(_most_features(root, frozenset()) > MOST_FEATURES for root in roots):
        return None
    return tuple(tuple(_parts(root, ())) for root in roots)


def _most_features(structure: dict[str, Any], above: frozenset[int]) -> int:
    """Features on the way to the leaf that has most of them."""
    if "split_index" not in structure:
        return len(above)
    with_this = above | {structure["split_feature"]}
    return max(_most_features(structure[child], with_this) for child in ("left_child", "right_child"))


def _size(structure: dict[str, Any]) -> int:
    """Nodes of a subtree, leaves not counted."""
    if "split_index" not in structure:
        return 0
    return 1 + _size(structure["left_child"]) + _size(structure["right_child"])


def _parts(structure: dict[str, Any], above: tuple[tuple[Node, bool, float], ...]) -> Iterator[Part]:
    """The parts of a subtree, given the nodes above it and the ways taken there."""
    if "split_index" not in structure and not above:
        return  # a tree of one leaf explains nothing
    features = list(dict.fromkeys(node.feature for node, _, _ in above))
    if _size(structure) + len(features) <= MOST_TESTS or "split_index" not in structure:
        tests: list[Test] = []
        path = []
        for place, feature in enumerate(features):
            mine = [one for one in above if one[0].feature == feature]
            tests.append(tuple((node, left) for node, left, _ in mine))
            path.append((place, True, math.prod(share for _, _, share in mine)))
        leaves = list(_leaves(structure, tuple(path), tests))
        yield _with_table(tuple(tests), leaves)
        return
    node = _node(structure)
    for child, left, share in _children(structure):
        yield from _parts(child, (*above, (node, left, share)))


def _leaves(structure: dict[str, Any], path: tuple[tuple[int, bool, float], ...], tests: list[Test]) -> Iterator[Leaf]:
    if "split_index" not in structure:
        yield Leaf(float(structure["leaf_value"]), path)
        return
    place = len(tests)
    tests.append(((_node(structure), True),))
    for child, left, share in _children(structure):
        yield from _leaves(child, (*path, (place, left, share)), tests)


def _children(structure: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bool, float]]:
    for name, left in (("left_child", True), ("right_child", False)):
        child = structure[name]
        yield child, left, child.get("internal_count", child.get("leaf_count")) / structure["internal_count"]


def _node(structure: dict[str, Any]) -> Node:
    if structure["decision_type"] == "==":
        categories = tuple(int(one) for one in str(structure["threshold"]).split("||"))
        return Node(structure["split_feature"], 0.0, categories, missing_left=False, missing_is=None)
    unseen = structure["missing_type"] == "None"
    return Node(
        structure["split_feature"],
        float(structure["threshold"]),
        None,
        missing_left=bool(structure["default_left"]),
        missing_is=0.0 if unseen else None,
    )


def _with_table(tests: tuple[Test, ...], leaves: list[Leaf]) -> Part:
    of_test = [test[0][0].feature for test in tests]
    features = tuple(sorted(set(of_test)))
    patterns = np.arange(1 << len(tests))
    table = np.zeros((len(features), len(patterns)))
    for leaf in leaves:
        follows: dict[int, npt.NDArray[np.bool_]] = {}
        shares: dict[int, float] = {}
        for place, passed, share in leaf.path:
            feature = of_test[place]
            way = ((patterns >> place) & 1 == 1) == passed
            follows[feature] = follows[feature] & way if feature in follows else way
            shares[feature] = shares.get(feature, 1.0) * share
        code = np.zeros(len(patterns), dtype=np.int64)
        for bit, feature in enumerate(follows):
            code |= follows[feature].astype(np.int64) << bit
        of_leaf = leaf.value * _shapley(tuple(shares.values()))
        for place, feature in enumerate(follows):
            table[features.index(feature)] += of_leaf[place][code]
    return Part(tests, features, table)


def _shapley(shares: tuple[float, ...]) -> Floats:
    """Contributions of the features on the way to a leaf of value 1, shape (features, 2 ** features).

    Column p holds them for a row that follows the way at feature i where bit i of p is set. Without knowing feature i,
    a row gets through with probability `shares[i]`. Feature i adds (follows - share) times the sum over the subsets of
    the others of |S|! (k - |S| - 1)! / k! times the product of `follows` in S and of shares outside.
    """
    count = len(shares)
    follows = ((np.arange(1 << count)[None, :] >> np.arange(count)[:, None]) & 1).astype(np.float64)
    weights = [math.factorial(s) * math.factorial(count - s - 1) / math.factorial(count) for s in range(count)]
    found = np.empty((count, 1 << count))
    for mine in range(count):
        by_size = np.zeros((count, 1 << count))
        by_size[0] = 1.0
        for other in range(count):
            if other != mine:
                grown = by_size[:-1] * follows[other]
                by_size *= shares[other]
                by_size[1:] += grown
        found[mine] = (follows[mine] - shares[mine]) * (np.array(weights) @ by_size)
    return found
