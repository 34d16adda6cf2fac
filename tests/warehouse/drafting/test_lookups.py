import duckdb
import polars as pl

from warehouse.drafting.folder import draft_folder
from warehouse.drafting.sniffing import inputs_of_folder
from warehouse.sources.files import SourcePlace

PRODUCTS = pl.DataFrame({"product_id": [f"p{n}" for n in range(40)], "name": [f"thing {n}" for n in range(40)]})


def categories(folder, **tables):
    """The categories of the products that a folder of these tables is drafted to have, in the order of products."""
    for name, frame in tables.items():
        frame.write_csv(folder / f"{name}.csv")
    drafted = draft_folder(inputs_of_folder(folder, folder), SourcePlace(data_root=folder), currency="EUR")
    (source,) = (each for each in drafted.sources if each.draft.entity == "products")
    proposal = source.draft.proposals["category"]
    with duckdb.connect() as connection:
        for name, frame in tables.items():
            connection.register(name, frame.cast(pl.String))
        rows = connection.sql(source.query).order("product_id[2:]::int").select(duckdb.SQLExpression(proposal.value))
        return [category for (category,) in rows.fetchall()], drafted.unused


def test_an_id_of_a_category_is_read_as_its_name_and_kept_where_it_has_none(tmp_path):
    products = PRODUCTS.with_columns(category_id=pl.int_range(40) % 20)
    named = pl.DataFrame({"category_id": range(19), "title": [f"group {n}" for n in range(19)]})
    found, unused = categories(tmp_path, products=products, product_categories=named)
    assert found[17:20] == ["group 17", "group 18", "19"]
    assert unused == {"product_categories": "products looks it up"}


def test_a_category_is_found_two_tables_away(tmp_path):
    products = PRODUCTS.with_columns(shelf_id=pl.int_range(40) % 8)
    shelves = pl.DataFrame({"shelf_id": range(8), "hall_id": [n % 3 for n in range(8)]})
    halls = pl.DataFrame({"hall_id": range(3), "category": ["tools", "paint", "wood"]})
    found, _ = categories(tmp_path, products=products, shelves=shelves, halls=halls)
    assert found[:9] == ["tools", "paint", "wood", "tools", "paint", "wood", "tools", "paint", "tools"]
