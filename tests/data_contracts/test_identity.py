import pytest
from pydantic import ValidationError

from data_contracts.identity import IdentitySettings, fault_of_identity
from data_contracts.mapping import SourceMapping


def customers(**changes):
    columns = {"customer_id": "no", "created_at": "since", "known_at": "since", "birth_year": "born"}
    return SourceMapping.model_validate({"entity": "customers", "input": "c", "columns": columns, **changes})


def test_nothing_is_joined_unless_it_is_asked_for():
    assert not IdentitySettings().joins_anything


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"match_on": ["phone"]}, "country"),
        ({"match_on": ["fax"]}, "match_on"),
        ({"country": "gb"}, "country"),
        ({"always": [{"ids": ["a", "a"]}]}, "twice"),
        ({"always": [{"ids": ["a", "b"]}], "never": [{"ids": ["b", "a"]}]}, "both name a and b"),
        ({"probabilistic": {"enabled": True, "compare": ["name"]}}, "at least two columns"),
        ({"probabilistic": {"enabled": True, "compare": ["a", "b"], "threshold": 0.4}}, "threshold"),
        ({"same_as": [{"source": "crm", "column": "shop_no", "id_space": "a b"}]}, "id_space"),
        ({"macth_on": ["email"]}, "macth_on"),
    ],
)
def test_a_section_that_can_mean_nothing_is_refused(section, told):
    with pytest.raises(ValidationError) as caught:
        IdentitySettings.model_validate(section)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("compare", "expected"),
    [
        (["full_name", "birth_year", "town"], {"full_name": "name", "birth_year": "year", "town": "text"}),
        ({"town": "category", "born": "date"}, {"town": "category", "born": "date"}),
    ],
)
def test_columns_are_compared_as_their_names_say_or_as_one_says(compare, expected):
    chosen = IdentitySettings.model_validate({"probabilistic": {"enabled": True, "compare": compare}}).probabilistic
    assert chosen.comparisons() == expected


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"match_on": ["email"]}, ""),
        ({"match_on": ["email"], "conflicts": ["tax_number"]}, 'no column "tax_number"'),
        ({"match_on": ["email"], "source_priority": ["crm", "shop"]}, '"shop" is no source of customers'),
        ({"same_as": [{"source": "shop", "column": "crm_no"}]}, '"shop" is no source of customers'),
        ({"same_as": [{"source": "crm", "column": "shop_no"}]}, 'does not bring "shop_no"'),
        ({"same_as": [{"source": "crm", "column": "card"}]}, ""),
        ({"probabilistic": {"enabled": True, "compare": ["name", "birth_year"]}}, 'no column "name"'),
    ],
)
def test_a_section_that_does_not_fit_the_sources_says_where(section, told):
    fault = fault_of_identity(IdentitySettings.model_validate(section), {"crm": customers(keep=["card"])})
    assert (told in fault) if told else not fault


def test_joining_needs_records_of_customers():
    assert "no source feeds 'customers'" in fault_of_identity(IdentitySettings(match_on=("email",)), {})
    assert not fault_of_identity(IdentitySettings(), {})
