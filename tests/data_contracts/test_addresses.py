"""Addresses: whatever a password looks like, nobody sees it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.addresses import has_password, redacted_address, without_credentials


@pytest.mark.parametrize(
    ("address", "shown", "usable"),
    [
        ("postgresql://u:s3cret@db:5432/shop", "postgresql://***@db:5432/shop", "postgresql://db:5432/shop"),
        ("postgresql://u:s3/cr@et@db/shop", "postgresql://***@db/shop", "postgresql://db/shop"),
        (
            "postgresql:///shop?password=s3cret&host=/run",
            "postgresql:///shop?password=***&host=/run",
            "postgresql:///shop?host=/run",
        ),
        ("postgresql://db/shop?sslpassword=s3cret", "postgresql://db/shop?sslpassword=***", "postgresql://db/shop?"),
        ("host=db password='s3 cr\\'et' dbname=shop", "host=db password=*** dbname=shop", None),
        ("sqlite:////tmp/mlflow.db", "sqlite:////tmp/mlflow.db", "sqlite:////tmp/mlflow.db"),
        ("no address at all", "no address at all", "no address at all"),
    ],
)
def test_what_is_shown_of_an_address(address, shown, usable):
    assert redacted_address(address) == shown
    assert usable is None or without_credentials(address) == usable


@pytest.mark.parametrize(
    ("address", "has"),
    [
        ("postgresql://user:pw@db/shop", True),
        ("postgresql://db/shop?password=pw", True),
        ("host=db password=pw", True),
        ("postgresql://user@db:5432/shop", False),
        ("postgresql://db:5432/shop", False),
        ("", False),
    ],
)
def test_which_address_has_a_password(address, has):
    assert has_password(address) == has


@given(st.text(st.characters(exclude_categories=["Cs", "Z", "Cc"]), min_size=3, max_size=20))
def test_no_password_is_ever_shown(text):
    password = f"<{text}>"
    assert password not in redacted_address(f"connection to postgresql://mill:{password}@db/shop failed")
