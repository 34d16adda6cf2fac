import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.identities.groups import Guards, group
from warehouse.identities.matching import METHODS

NODES = 6


def guards(facts=(), never=(), most_records=50, not_records=()):
    is_record = np.ones(NODES, dtype=np.bool_)
    is_record[list(not_records)] = False
    return Guards(
        facts=pl.DataFrame(list(facts), schema={"node": pl.Int64, "fact": pl.String, "value": pl.String}, orient="row"),
        never=np.array(list(never), dtype=np.int64).reshape(-1, 2),
        most_records=most_records,
        is_record=is_record,
    )


def edges(*rows):
    schema = {"left": pl.Int64, "right": pl.Int64, "method": pl.String, "evidence": pl.Int64}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


BIRTH = [(0, "birth_year", "1980"), (2, "birth_year", "1981")]


@pytest.mark.parametrize(
    ("links", "limits", "expected", "held_back"),
    [
        pytest.param([(0, 1, "email", 0), (1, 2, "phone", 1)], {}, [0, 0, 0, 3, 4, 5], {}, id="chain"),
        pytest.param(
            [(0, 1, "email", 0), (1, 2, "phone", 1)],
            {"facts": BIRTH},
            [0, 0, 2, 3, 4, 5],
            {1: "differ_in_birth_year"},
            id="the weaker method gives way",
        ),
        pytest.param(
            [(0, 1, "email", 0), (1, 2, "email", 1)],
            {"facts": BIRTH},
            [0, 1, 2, 3, 4, 5],
            {0: "differ_in_birth_year", 1: "differ_in_birth_year"},
            id="of one method nobody knows which is wrong",
        ),
        pytest.param(
            [(0, 1, "email", 0), (0, 2, "email", 1), (1, 3, "email", 2)],
            {"facts": BIRTH},
            [0, 0, 2, 0, 4, 5],
            {1: "differ_in_birth_year"},
            id="what contradicts itself goes alone",
        ),
        pytest.param(
            [(0, 1, "email", 0), (0, 2, "email", 0), (0, 3, "phone", 1)],
            {"most_records": 2},
            [0, 1, 2, 0, 4, 5],
            {0: "too_many_records"},
            id="too many",
        ),
        pytest.param(
            [(0, 1, "id", 0), (0, 2, "email", 1)],
            {"most_records": 2, "not_records": [1]},
            [0, 0, 0, 3, 4, 5],
            {},
            id="an id without a record does not count",
        ),
        pytest.param(
            [(0, 1, "email", 0), (1, 2, "phone", 1), (3, 4, "phone", 2)],
            {"never": [(0, 2)]},
            [0, 0, 2, 3, 3, 5],
            {1: "kept_apart"},
            id="kept apart by decision",
        ),
        pytest.param(
            [(0, 2, "always", 0)], {"facts": BIRTH}, [0, 1, 0, 3, 4, 5], {}, id="joined by decision whatever they say"
        ),
    ],
)
def test_which_links_are_followed(links, limits, expected, held_back):
    found = group(NODES, edges(*links), guards(**limits))
    assert found.labels.tolist() == expected
    assert dict(found.held_back.iter_rows()) == held_back


METHOD = st.sampled_from(METHODS)
LINKS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), METHOD, st.integers(0, 7)), max_size=10)
YEARS = st.lists(st.tuples(st.integers(0, 5), st.just("birth_year"), st.sampled_from("ab")), max_size=4)


@given(links=LINKS, facts=YEARS, never=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=2))
def test_no_match_joins_what_must_not_be_joined_in_whatever_order(links, facts, never):
    never = [pair for pair in never if pair[0] != pair[1]]
    facts = list({fact[0]: fact for fact in facts}.values())
    guarded = [(left, right, method, 10 * METHODS.index(method) + evidence) for left, right, method, evidence in links]
    matches = [link for link in guarded if link[2] != "always"]
    limits = guards(facts, never, most_records=4)
    labels = group(NODES, edges(*matches), limits).labels
    members = pl.DataFrame({"group": labels, "node": np.arange(NODES)})
    assert limits.contradictions(members).height == 0
    backwards = group(NODES, edges(*reversed(matches)), guards(facts[::-1], never[::-1], most_records=4)).labels
    assert backwards.tolist() == labels.tolist()
    assert all(labels[label] == label for label in labels)  # a group is named by its smallest node


@given(links=LINKS)
def test_without_guards_groups_are_the_connected_components(links):
    labels = list(range(NODES))
    for _ in range(NODES):
        for left, right, *_ in links:
            labels[left] = labels[right] = min(labels[left], labels[right])
    distinct = [(left, right, method, number) for number, (left, right, method, _) in enumerate(links)]
    assert group(NODES, edges(*distinct), guards()).labels.tolist() == labels
