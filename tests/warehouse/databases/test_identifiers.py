"""Names: what may be a table, and that nothing else ever reaches SQL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.databases.identifiers import checked, quoted, text_literal
from warehouse.errors import NameRefusedError


@pytest.mark.parametrize("name", ["a", "customer", "next_best_offer", "customer__12", "select", "x" * 63])
def test_plain_names_pass(name):
    assert checked(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "_x", "1x", "Customer", "a b", "a.b", "../../x", 'a"; DROP TABLE x; --', "a\n", "ä", "x" * 64, "a\x00"],
)
def test_anything_else_is_refused(name):
    with pytest.raises(NameRefusedError) as refused:
        checked(name)
    assert refused.value.exit_code == 2


@given(st.text())
def test_what_passes_is_ascii_without_quotes(name):
    try:
        sql = quoted("segments", name)
    except NameRefusedError:
        return
    assert sql == f'"segments"."{name}"'
    assert name.isascii()
    assert name.replace("_", "a").isalnum()


@given(st.text())
def test_a_literal_ends_where_it_should(warehouse_literals, text):
    shown = warehouse_literals.query(f"SELECT {text_literal(text)} AS text")["text"][0]
    assert shown == text.replace("\x00", "")
