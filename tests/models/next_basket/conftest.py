"""Small shops of baskets."""

import numpy as np
import polars as pl
import pytest

from models.next_basket import code_baskets


@pytest.fixture
def make_baskets():
    """Baskets by customer, each a string of one-letter products: {"a": ["xy", "x"]}."""

    def make(customers):
        rows = [
            (customer, number, product)
            for customer, baskets in customers.items()
            for number, basket in enumerate(baskets)
            for product in basket
        ]
        return code_baskets(pl.DataFrame(rows, schema=["customer_id", "basket", "product_id"], orient="row"))

    return make


@pytest.fixture(scope="session")
def rhythmic_lines():
    """160 customers with four staples, each in every second to fifth basket: frequency alone can't tell when."""
    random = np.random.default_rng(3)
    rows = []
    for customer in range(160):
        staples = {int(p): int(random.integers(2, 6)) for p in random.choice(40, 4, replace=False)}
        offsets = {p: int(random.integers(0, every)) for p, every in staples.items()}
        for number in range(int(random.integers(9, 14))):
            basket = {p for p, every in staples.items() if (number + offsets[p]) % every == 0}
            basket |= {int(random.integers(0, 40))}
            rows += [(f"c{customer}", number, f"p{product}") for product in basket]
    return pl.DataFrame(rows, schema=["customer_id", "basket", "product_id"], orient="row")
