"""What tests of drafts share: order lines, and a draft of a frame."""

import tomllib

import polars as pl
import pytest

from data_contracts.inputs import InputSpec
from warehouse.drafting.draft import draft_source
from warehouse.drafting.draft_text import draft_toml
from warehouse.drafting.sniffing import input_of_file
from warehouse.sources.files import SourcePlace

ORDER_LINES = pl.DataFrame(
    {
        "Bestellnummer": [f"{n // 2:05}" for n in range(200)],
        "Kundennummer": [f"{n % 37:04}" for n in range(200)],
        "Bestelldatum": [f"{1 + n % 28:02}.{1 + n % 12:02}.2024 10:{n % 60:02}" for n in range(200)],
        "Artikelnummer": [f"A{n % 23}" for n in range(200)],
        "Menge": [1 + n % 5 for n in range(200)],
        "Einzelpreis": [0.5 + n % 7 for n in range(200)],
        "Bemerkung": ["frei"] * 200,
    }
)


@pytest.fixture
def drafted(tmp_path):
    """The draft of a frame written as a CSV file, and the source as the settings would read it."""

    def drafting(frame, name="export", **options):
        frame.write_csv(tmp_path / f"{name}.csv")
        spec = input_of_file(str(tmp_path / f"{name}.csv"), tmp_path)
        best, *_ = draft_source(name, spec, SourcePlace(data_root=tmp_path), **options)
        written = tomllib.loads(draft_toml(name, spec, best))
        InputSpec.model_validate(written["inputs"][name])
        return best, written["sources"][name]

    return drafting
