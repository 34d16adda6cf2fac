"""The page of faults tells of tests that exist, of every case once."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
CASES = 56


def rows():
    return [line.split(" | ") for line in PAGE.splitlines() if re.match(r"\| \d+ \|", line)]


@cache
def names_in(file):
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_case_is_told_once_and_in_order():
    assert [int(row[0].strip("| ")) for row in rows()] == list(range(1, CASES + 1))
    assert {len(row) for row in rows()} == {4}


def test_every_case_names_a_test_and_every_test_named_exists():
    named = {case[0]: re.findall(r"`([\w/]+\.py)::(test_\w+)`", case[3]) for case in rows()}
    assert [case for case, tests in named.items() if not tests] == []
    everywhere = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)
    assert [f"{file}::{test}" for file, test in everywhere if test not in names_in(file)] == []


def test_what_is_not_proven_as_a_whole_is_told():
    assert all(
        "not tested yet" in row[3] or "lock that the run holds" in row[3] for row in rows() if "*in part*" in row[3]
    )
