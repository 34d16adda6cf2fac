"""The ranked list of offers before anything is decided about them: what its columns are.

Belongs here: this contract. Does not: how the list is made (`offers`), decisions about it
(`decisions.offer_table`).
"""

import polars as pl

from data_contracts.published import OutputColumn, OutputContract

NEXT_BEST_OFFER = OutputContract(
    table="next_best_offer",
    key=("customer_id", "rank"),
    columns=(
        OutputColumn("customer_id", pl.String, meaning="The customer."),
        OutputColumn("rank", pl.Int32, minimum=1, meaning="1 is the offer they are most likely to take."),
        OutputColumn("as_of", pl.Date, meaning="The business date this row is true for: nothing later was used."),
        OutputColumn("product_id", pl.String, meaning="The product to offer."),
        OutputColumn("product_name", pl.String, meaning="Its name; its id where no name is known."),
        OutputColumn("category", pl.String, nullable=True, meaning="Its category; empty where none is known."),
        OutputColumn(
            "purchase_probability",
            pl.Float64,
            nullable=True,
            minimum=0.0,
            maximum=1.0,
            meaning="How likely the customer is to buy it in the coming weeks, from 0 to 1.",
        ),
        OutputColumn("reason", pl.String, meaning="Why this product is offered to this customer, in words."),
        OutputColumn(
            "next_offer_model_version", pl.Int32, nullable=True, meaning="Version of the model that ranked the offers."
        ),
        OutputColumn("run_key", pl.String, meaning="The run that published this row."),
    ),
    volatile=("run_key",),
    meaning="What to offer each active customer next: a ranked list, with the reason for each offer.",
)
