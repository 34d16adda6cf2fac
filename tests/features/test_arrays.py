import numpy as np
import pytest

from features.arrays import carried_within, distinct_triples, is_sorted, ordering, pack, run_starts, run_sums, stretches

WIDE = 2**40  # two keys of this size do not fit into one integer


def _keys(scale):
    random = np.random.default_rng(5)
    return [random.integers(0, 4, 200) * scale for _ in range(3)]


@pytest.mark.parametrize("scale", [1, WIDE])
def test_distinct_triples_come_sorted_with_their_counts(scale):
    keys = _keys(scale)
    rows = list(zip(*(key.tolist() for key in keys), strict=True))
    *triples, counts = distinct_triples(*keys)
    got = list(zip(*(part.tolist() for part in triples), strict=True))
    assert got == sorted(set(rows))
    assert counts.tolist() == [rows.count(row) for row in got]


def test_equal_neighbours_are_counted_once():
    first = np.array([1, 1, 1, 0, 0, 0, 0, 1, 1, 1])
    *triples, counts = distinct_triples(first, first * 0 + 2, first * 0)
    assert [part.tolist() for part in triples] == [[0, 1], [2, 2], [0, 0]]
    assert counts.tolist() == [4, 6]


@pytest.mark.parametrize("scale", [1, WIDE])
def test_ordering_sorts_by_the_first_key_first(scale):
    first, second, _ = _keys(scale)
    order = ordering(first, second)
    rows = list(zip(first[order].tolist(), second[order].tolist(), strict=True))
    assert rows == sorted(rows)
    assert ordering(np.arange(5), np.arange(5)) is None


@pytest.mark.parametrize("scale", [1, WIDE])
def test_values_are_sorted_within_their_group_with_what_they_carry(scale):
    group, values, carried = np.array([0, 0, 0, 3, 3]), np.array([5, 1, 5, 2, 0]) * scale, np.array([7, 1, 2, 0, 1])
    found = carried_within(group * scale, values, carried)
    assert [array.tolist() for array in found] == [[1 * scale, 5 * scale, 5 * scale, 0, 2 * scale], [1, 2, 7, 1, 0]]


def test_keys_that_do_not_fit_are_not_packed():
    assert pack(np.array([WIDE]), np.array([WIDE])) is None
    assert pack(np.array([3]), np.array([2])).tolist() == [14]


def test_runs_and_their_sums():
    key = np.array([1, 1, 2, 1])
    starts = run_starts(key)
    assert starts.tolist() == [0, 2, 3]
    assert run_sums(np.array([1, 2, 3, 4]), starts).tolist() == [3, 3, 4]
    assert run_sums(np.array([True, True, False, True]), starts).tolist() == [2, 0, 1]
    assert run_starts(key[:0]).tolist() == []
    assert run_sums(key[:0], run_starts(key[:0])).tolist() == []


def test_stretches_are_the_rows_of_all_runs():
    assert stretches(np.array([5, 0, 2]), np.array([2, 0, 3])).tolist() == [5, 6, 2, 3, 4]


def test_is_sorted():
    assert is_sorted(np.array([1, 1, 2]))
    assert not is_sorted(np.array([2, 1]))
    assert is_sorted(np.array([], dtype=np.int64))
