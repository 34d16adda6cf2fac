import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.prepared_table.folds import blocks_in_time, canonical_order, folds_of


@given(rows=st.integers(20, 200), folds=st.integers(2, 6), seed=st.integers(0, 5))
def test_folds_are_even_in_both_outcomes_and_blind_to_the_order(rows, folds, seed):
    ids = [f"c{number}" for number in range(rows)]
    happened = (np.arange(rows) % 4 == 0).astype(float)
    found = folds_of(ids, happened, folds=folds, seed=seed)
    for outcome in (0, 1):
        counts = np.bincount(found[happened == outcome], minlength=folds)
        assert counts.max() - counts.min() <= 1
    turned = folds_of(ids[::-1], happened[::-1], folds=folds, seed=seed)
    assert turned[::-1].tolist() == found.tolist()


def test_rows_of_one_customer_stay_together():
    ids = [f"c{number % 30}" for number in range(90)]
    found = folds_of(ids, np.arange(90) % 7 == 0, folds=5, seed=1)
    assert all(len({found[row] for row in range(90) if ids[row] == one}) == 1 for one in ids)


def test_another_seed_gives_other_folds():
    ids = [f"c{number}" for number in range(90)]
    assert (
        folds_of(ids, np.zeros(90), folds=5, seed=1).tolist() != folds_of(ids, np.zeros(90), folds=5, seed=2).tolist()
    )


def test_the_canonical_order_is_blind_to_the_files():
    ids = [f"c{number}" for number in range(50)]
    mixed = ids[::-1]
    assert [ids[place] for place in canonical_order(ids, 1)] == [mixed[place] for place in canonical_order(mixed, 1)]


@given(st.lists(st.integers(0, 12), min_size=1, max_size=80), st.integers(2, 6))
def test_blocks_never_split_a_moment_and_go_forward(moments, blocks):
    values = np.array(moments, dtype=float)
    found = blocks_in_time(values, blocks)
    assert found.min() == 0
    assert sorted(set(found.tolist())) == list(range(found.max() + 1))
    order = np.argsort(values, kind="stable")
    assert (np.diff(found[order]) >= 0).all()
    assert all(len(set(found[values == one].tolist())) == 1 for one in values)
